"""The ports of several nodes: a store that they share, and the bus between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import attrs

from chatd.core.cluster.commits import Commit, Group
from chatd.core.drafts import Draft, Outcome
from chatd.core.drafts.basis import Basis
from chatd.ids import NodeId, SessionId, Stamp, UserName
from chatd.ports.store import Store
from chatd.wire.events import Millis


@attrs.frozen
class Landed:
    """A batch that is on disk."""

    outcomes: list[Outcome]
    stamp: Stamp | None
    """Of its row in the log; None: it has changed nothing."""
    groups: tuple[tuple[int, Group, bytes], ...] = ()
    """What the others have to hear, each as it is encoded in the log."""


@attrs.frozen
class NodeSeen:
    """A node, as the store knows it."""

    node: NodeId
    name: str
    age_s: float
    """How long ago it was there last, by the store's clock."""
    facts: bytes
    """What it says of itself, as JSON."""


class SharedStore(Store, Protocol):
    """A store that other nodes have beside this one."""

    node: NodeId
    leads: bool
    """Whether this is the node that tends the store, and ends what is due for all."""

    def wall(self) -> Millis:
        """What time it is for all nodes, whatever the clocks of their machines say."""

    async def commit_shared(
        self,
        drafts: Sequence[Draft],
        bases: Sequence[Basis | None],
        now: Millis,
        certain: Millis,
    ) -> Landed:
        """As `commit`, and with what the others have to hear.

        A draft that was decided on what is not so any more is `Stale`.

        Raises:
            StoreUnavailable: As `commit`.
            StoreFailed: As `commit`; also where this node was given up by the others.

        Cancellation: shielded.
        """

    async def catch_up(self) -> list[Commit]:
        """Read what other nodes have committed since the last call, and maybe more.

        Everything that was committed before the call is in it, or was in an answer
        before, or `heard` has said that it is known.

        Cancellation: safe.
        """

    def heard(self, node: NodeId, horizon: int) -> None:
        """All that a node had committed below a horizon has come by the bus.

        Its next `catch_up` begins there, or where the node is that has come least far.
        """

    async def beat(self, facts: bytes) -> tuple[list[NodeSeen], int]:
        """Say that this node is there; look who else is, and end who is not.

        Returns:
            All nodes, and the horizon: what this node commits later is not below it.

        Cancellation: safe.
        """

    async def orphans(self, idle_before: Millis) -> list[tuple[SessionId, UserName]]:
        """Sessions of guests that no node holds, and that were idle before a moment.

        Cancellation: safe.
        """


class Bus(Protocol):
    """What carries bytes between nodes, as well as it goes."""

    @property
    def is_up(self) -> bool:
        """Whether what is published is sent, and what is followed arrives now.

        What is followed since a moment ago may not: `following` waits for that.
        """

    @property
    def lost(self) -> int:
        """How many messages were not sent: too many were waiting, or it was too long.

        Whoever follows finds them in the log alone, and has to be told to look there.
        """

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send bytes to whoever follows a stream. Never waits; may be lost.

        What is not confirmed when a connection breaks is sent again over the next, so
        it may come twice; and what comes after it, in order.
        """

    def follow(self, streams: Iterable[str], unfollow: Iterable[str] = ()) -> None:
        """Follow some streams, and others no longer. Never waits."""

    async def following(self) -> None:
        """Wait until all that is followed now arrives; while the bus is away, for it.

        Cancellation: safe.
        """

    async def run(
        self, heard: Callable[[str, bytes], None], back: Callable[[], None]
    ) -> None:
        """Keep the connections, until cancelled.

        Args:
            heard: Called for each message, with its stream, in order.
            back: Called when `is_up` is so, the first time and each time again: what
                was published before may be missing.

        Cancellation: safe; what waits to be sent is not sent.
        """
