"""Nodes under test: a bus and a shared store that do what the test tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from chatd.core.cluster.commits import Commit
from chatd.core.drafts import Draft, Outcome
from chatd.core.drafts.basis import Basis
from chatd.core.effects import Origin
from chatd.core.inputs import Input, Now
from chatd.core.machine import Machine
from chatd.core.observations import NodeFacts
from chatd.hub.cluster import SEAL_BYTES, Cluster
from chatd.ids import NodeId, SessionId, Stamp, UserName
from chatd.ports.cluster import Bus, Landed, NodeSeen, SharedStore

ME, OTHER = NodeId(1), NodeId(2)
FACTS = NodeFacts("chatd/0", 3, 4)


@attrs.define(eq=False)
class FakeBus:
    """A bus that carries what the test lets it."""

    is_up: bool = True
    lost: int = 0
    published: list[tuple[str, bytes]] = attrs.field(factory=list)
    followed: dict[str, None] = attrs.field(factory=dict)
    echoes: bool = True
    """Whether what this node publishes comes back to it."""
    heard: Callable[[str, bytes], None] = lambda _stream, _data: None
    back: Callable[[], None] = lambda: None
    _confirmed: trio.Event = attrs.field(factory=trio.Event)

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for stream, data in messages:
            self.published.append((stream, data[SEAL_BYTES:]))
            if self.echoes and stream in self.followed:
                self.heard(stream, data)

    def follow(self, streams: Iterable[str], unfollow: Iterable[str] = ()) -> None:
        for stream in unfollow:
            self.followed.pop(stream, None)
        self.followed |= dict.fromkeys(streams)

    async def following(self) -> None:
        await self._confirmed.wait()

    def confirm(self, *, on: bool = True) -> None:
        """Have all that is followed arrive from here on, or not yet."""
        if on:
            self._confirmed.set()
        else:
            self._confirmed = trio.Event()

    async def run(
        self, heard: Callable[[str, bytes], None], back: Callable[[], None]
    ) -> None:
        self.heard, self.back = heard, back
        await trio.sleep_forever()


@attrs.define(eq=False)
class FakeStore:
    """The part of a store that several nodes share."""

    node: NodeId = ME
    leads: bool = False
    landing: list[Landed] = attrs.field(factory=list)
    """What becomes of the batches to come."""
    bases: list[Sequence[Basis | None]] = attrs.field(factory=list)
    log: list[Commit] = attrs.field(factory=list)
    """What others have committed, and nobody has read."""
    reads: int = 0
    heard_of: list[tuple[NodeId, int]] = attrs.field(factory=list)
    nodes: list[NodeSeen] = attrs.field(factory=list)
    beats: list[bytes] = attrs.field(factory=list)
    horizon: int = 100
    guests: list[tuple[SessionId, UserName]] = attrs.field(factory=list)
    idle_before: int = 0
    error: Exception | None = None
    """What is raised by whatever is called."""
    gate: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1))
    """Who holds it keeps commits and readers waiting."""

    async def _pass(self) -> None:
        async with self.gate:
            if self.error is not None:
                raise self.error

    async def commit_shared(
        self,
        drafts: Sequence[Draft],
        bases: Sequence[Basis | None],
        now: int,
        certain: int,
    ) -> Landed:
        self.bases.append(bases)
        await self._pass()
        return self.landing.pop(0)

    async def catch_up(self) -> list[Commit]:
        self.reads += 1
        await self._pass()
        found, self.log = self.log, []
        return found

    def heard(self, node: NodeId, horizon: int) -> None:
        self.heard_of.append((node, horizon))

    async def beat(self, facts: bytes) -> tuple[list[NodeSeen], int]:
        if self.error is not None:
            raise self.error
        self.beats.append(facts)
        return self.nodes, self.horizon

    async def orphans(self, idle_before: int) -> list[tuple[SessionId, UserName]]:
        if self.error is not None:
            raise self.error
        self.idle_before = idle_before
        return self.guests


@attrs.define(eq=False)
class FakeMachine:
    """What of the machine is looked at."""

    streams: dict[str, bool] = attrs.field(factory=dict)
    address_key: str = "0123"
    loads: list[str] = attrs.field(factory=list)
    leads: bool = False
    chat: Any = attrs.field(init=False)
    durable: Any = attrs.field(init=False)
    live: Any = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.chat = self.durable = self.live = self

    def lead(self, *, on: bool) -> None:
        self.leads = on

    def take_streams(self) -> dict[str, bool]:
        found, self.streams = self.streams, {}
        return found


@attrs.define(eq=False)
class Bench:
    """A node's `Cluster` with all that it works with."""

    store: FakeStore = attrs.field(factory=FakeStore)
    bus: FakeBus = attrs.field(factory=FakeBus)
    machine: FakeMachine = attrs.field(factory=FakeMachine)
    came: list[Input] = attrs.field(factory=list)
    cluster: Cluster = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cluster = Cluster(
            cast(SharedStore, self.store),
            cast(Bus, self.bus),
            lambda: FACTS,
            self.came.extend,
            lambda: 77,
        )

    async def start(self, nursery: trio.Nursery) -> None:
        """Run it until nothing is left to do, and forget what came of that."""
        self.bus.confirm()
        await nursery.start(self.cluster.run, cast(Machine, self.machine))
        await self.rest()
        self.came.clear()
        self.store.reads = 0

    def hear(self, stream: str, said: bytes) -> None:
        """Have the bus bring what another node has published."""
        self.bus.heard(stream, self.cluster._sealed(said))

    async def rest(self) -> None:
        """Let everything happen that can."""
        await wait_all_tasks_blocked()

    async def commit(self, *origins: Origin) -> tuple[list[Outcome], Stamp | None]:
        """Have a batch committed."""
        return await self.cluster.commit(origins, Now(0.0, 5, 4))
