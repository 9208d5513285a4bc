"""The port of outlets: the outgoing side of one connection, and its entries."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

import attrs

from chatd.core.observations import Traffic
from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName
from chatd.ports.dialect import Dialect


class EntryKind(Enum):
    """What an entry is, and so what may become of it when a reader is slow."""

    REPLY = auto()
    """Replies and everything for one connection alone: never dropped."""
    CONTROL = auto()
    """Pings and pongs: they go before all entries that have not begun."""
    ROOM = auto()
    """Live timeline events: may become a gap."""
    REPLAY = auto()
    """Pages of a replay: pulled as the outbox empties, so never dropped."""
    EPHEMERAL = auto()
    """Typing, presence, read marks: dropped first."""


@attrs.define
class Entry:
    """Whole frames of one dialect on their way out, shared by all receivers."""

    room: RoomName | None
    first_seq: int
    """0 where the frames carry no seq."""
    last_seq: int
    kind: EntryKind
    data: bytes


class Outlet(Protocol):
    """The outgoing side of one connection. Only `wait_low` waits; nothing raises."""

    @property
    def id(self) -> ConnectionId:
        """The connection's number."""

    @property
    def address(self) -> str:
        """The client's address, for logs and limits."""

    @property
    def bearer(self) -> str | None:
        """The credential that came with the upgrade, if one did."""

    @property
    def dialect(self) -> Dialect:
        """How frames for it are written, and what it sends is read."""

    @property
    def finished(self) -> bool:
        """Whether it has its ending already; what is pushed then is dropped."""

    @property
    def ephemeral_dropped(self) -> dict[RoomName, None]:
        """Rooms of which an ephemeral entry was dropped; the hub clears it."""

    def traffic(self) -> Traffic:
        """Look at what it has moved, and what it has not."""

    def push(self, entry: Entry) -> None:
        """Send at once what the socket takes; keep the rest."""

    def push_all(self, entries: Sequence[Entry]) -> None:
        """Send several entries, in order, in one write if the socket takes it."""

    def drop_room(self, room: RoomName) -> None:
        """Forget what waits of a room, except an entry that was begun."""

    def rename_room(self, room: RoomName, name: RoomName) -> None:
        """Change the name of a room in what waits; the bytes stay."""

    def answered(self) -> None:
        """Note that one message that was handed over has had all its replies pushed."""

    def charge(self, cost: float) -> None:
        """Count `cost` more commands; reading waits until they are paid for."""

    def hold(self) -> None:
        """Read no further; for a drain."""

    def finish(self, ending: Ending, after_s: float | None = None) -> None:
        """End the connection; the first reason wins. `after_s` goes into bye."""

    def bug(self, error: Exception) -> None:
        """Report a bug that this connection has met, and end it with 1011."""

    async def wait_low(self) -> bool:
        """Wait until less than half of the soft limit waits unsent.

        Returns:
            False if the connection has finished instead.

        Cancellation: safe.
        """
