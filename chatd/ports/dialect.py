"""The port of dialects: how one kind of connection encodes and decodes the protocol.

The hub speaks values: commands come in, replies and events go out. A dialect makes
bytes of replies and events, and commands of bytes. Each connection has one
(`Outlet.dialect`); many share it, and what goes to all of these is encoded once.

Every method is `def`, and called often: an event is encoded once for each dialect in
use.
"""

from __future__ import annotations

from typing import Protocol

from chatd.errors import Ending
from chatd.ids import RoomName
from chatd.wire.commands import Command
from chatd.wire.replies import ServerFrame


class Dialect(Protocol):
    """One way to write and read the protocol; compared and hashed by identity."""

    def encode(self, frame: ServerFrame) -> bytes:
        """Write one frame whole, so that several can be joined and sent at once."""

    def gap(self, room: RoomName, have: int, seq: int) -> bytes:
        """Write that the events `have` + 1 to `seq` of a room are not sent."""

    def bye(self, ending: Ending, after_s: float | None) -> bytes | None:
        """Write why the server closes.

        Args:
            ending: Why.
            after_s: After how many seconds the client should come back; None if it is
                not told.

        Returns:
            None where nothing is said before the close.
        """

    def decode(self, payload: bytes) -> Command:
        """Read one message of a client.

        Raises:
            BadCommand: It is no command; it has the reason, and what the `error` names.
        """
