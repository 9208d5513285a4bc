"""A hub under test: a real way out over a socket that takes what the test lets it.

`FakeOutlet` is the daemon's own `SocketOutlet` (direct send, outbox, limits) over a
`FakeSocket`; `Peer` is a client that reads whole frames from it; `Rig` is a hub
with its peers. Nothing here waits for real time.
"""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import attrs
import orjson
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from chatd.auth import digest_of
from chatd.config import Config, LiveConfig
from chatd.core import drafts as d
from chatd.core.clock import Reading
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.errors import Ending
from chatd.hub import Hub
from chatd.hub.environment import Environment
from chatd.ids import ConnectionId, Epoch, RoomName, SessionId, UserName
from chatd.net.dialect import JsonDialect
from chatd.net.host import Host, WebSocketLimits
from chatd.net.intake import Intake
from chatd.net.outlet import SocketOutlet
from chatd.net.scanner import Scanner
from chatd.observe import Metrics
from chatd.ports import Dialect, Store
from chatd.wire.commands import Command
from tests.store.memory import MemoryStore

T0 = 1_790_000_000_000
LOBBY = RoomName("lobby")
DEN = RoomName("den")
ANN, BOB, CY = UserName("ann"), UserName("bob"), UserName("cy")
EPOCH = Epoch("8f3c21d07be945aa")
NO_LIMITS = WebSocketLimits(outbox_soft_bytes=0, outbox_hard_bytes=0, inflight_max=0)


@attrs.define(eq=False)
class FakeSocket:
    """The kernel's side of a socket: takes at most `window` bytes."""

    window: float = float("inf")
    sends: list[bytes] = attrs.field(factory=list)
    """What each `send` that took something took."""
    arrived: trio.Event = attrs.field(factory=trio.Event)

    def send(self, data: bytes | memoryview) -> int:
        taken = bytes(data[: int(min(self.window, len(data)))])
        if not taken:
            raise BlockingIOError
        self.window -= len(taken)
        self.sends.append(taken)
        self.arrived.set()
        return len(taken)


@attrs.define(eq=False, kw_only=True)
class FakeOutlet(SocketOutlet):
    """The daemon's outgoing side, and a count of what the stream would count."""

    taken: FakeSocket
    answers: int = 0
    holds: int = 0
    charged: float = 0

    def charge(self, cost: float) -> None:
        self.charged += cost
        super().charge(cost)

    def answered(self) -> None:
        self.answers += 1
        super().answered()

    def hold(self) -> None:
        self.holds += 1
        super().hold()

    def open_window(self, size: float) -> None:
        """Let the socket take so many bytes more, and have the outbox written."""
        self.taken.window += size
        self.flush()


@attrs.frozen
class Said:
    """Something of a room that is its bytes."""

    room: RoomName
    seq: int
    data: bytes


class Plain:
    """A dialect for what has its bytes already."""

    def encode(self, frame: Any) -> bytes:
        assert isinstance(frame, Said)
        return frame.data

    def gap(self, room: RoomName, have: int, seq: int) -> bytes:
        return b"gap"

    def bye(self, ending: Ending, after_s: float | None) -> bytes | None:
        return None

    def decode(self, payload: bytes) -> Command:
        raise NotImplementedError


BYTES = Plain()


@attrs.define
class Edge:
    """The part of the host that an outlet calls; a bug fails the test."""

    hub: Hub | None = None

    def gapped(self, _outlet: object) -> None:
        if self.hub is not None:
            self.hub.gapped()

    def bug(self, _outlet: object, error: Exception) -> None:
        raise error


def outlet(
    number: int = 1,
    *,
    hub: Hub | None = None,
    window: float = float("inf"),
    limits: WebSocketLimits = NO_LIMITS,
    bearer: str | None = None,
    dialect: Dialect = BYTES,
) -> FakeOutlet:
    """A connection's way out."""
    sock = FakeSocket(window)
    return FakeOutlet(
        sock=cast(Any, sock),
        taken=sock,
        id=ConnectionId(number),
        address="192.0.2.1",
        bearer=bearer,
        host=cast(Host, Edge(hub)),
        dialect=dialect,
        limits=limits,
        intake=Intake(limits, Scanner(limits.frame_bytes, 0.0)),
    )


def split_frames(data: bytearray) -> list[dict[str, Any]]:
    """Take the whole server frames out of `data`."""
    found = []
    while len(data) >= 2:
        size, at = data[1], 2
        if size == 126:
            (size,), at = struct.unpack_from("!H", data.ljust(4, b"\0"), 2), 4
        elif size == 127:
            (size,), at = struct.unpack_from("!Q", data.ljust(10, b"\0"), 2), 10
        if len(data) < at + size:
            break
        assert data[0] == 0x81
        found.append(orjson.loads(data[at : at + size]))
        del data[: at + size]
    return found


@attrs.define(eq=False)
class Peer:
    """One connection as its client sees it."""

    rig: Rig
    outlet: FakeOutlet
    said: int = 0
    _bytes: bytearray = attrs.field(factory=bytearray)
    _seen: int = 0

    def say(self, type_: str, **fields: Any) -> None:
        """Send a command."""
        self.raw(orjson.dumps({"type": type_} | fields))

    def raw(self, payload: bytes) -> None:
        """Send one text frame."""
        self.said += 1
        self.outlet.intake.open_commands += 1
        self.rig.hub.on_texts(self.outlet, [payload])

    async def settled(self) -> None:
        """Wait until all is done that can be."""
        await trio.testing.wait_all_tasks_blocked()

    def heard(self) -> str:
        """All that has come, where that is text."""
        return b"".join(self.outlet.taken.sends).decode()

    def take(self) -> list[dict[str, Any]]:
        """Take the frames that have come whole."""
        sends = self.outlet.taken.sends
        self._bytes += b"".join(sends[self._seen :])
        self._seen = len(sends)
        return split_frames(self._bytes)

    async def ask(self, type_: str, **fields: Any) -> list[dict[str, Any]]:
        """Send a command, let everything happen, and take what came."""
        self.say(type_, **fields)
        await trio.testing.wait_all_tasks_blocked()
        return self.take()

    async def answer(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a command and wait for its reply, where a store takes its time.

        What came besides it is thrown away.
        """
        self.say(type_, **fields)
        while True:
            self.outlet.taken.arrived = trio.Event()
            for frame in self.take():
                if frame.get("re") == type_:
                    return frame
            await self.outlet.taken.arrived.wait()

    async def hello(self, session: str) -> dict[str, Any]:
        """Resume a session that the rig has opened, and take the welcome."""
        welcome = await self.answer("hello", session=session)
        assert welcome["type"] == "welcome", welcome
        return welcome

    def close(self) -> None:
        """Let the socket go."""
        self.outlet.lose()
        self.rig.hub.detach(self.outlet)


@attrs.define(eq=False)
class Rig:
    """A hub that runs, and what it was given."""

    hub: Hub
    store: Store
    metrics: Metrics
    gave_up: list[float]
    """When the hub gave up waiting for the store."""
    live: LiveConfig
    """The settings in force."""
    dialect: Dialect
    """What is spoken, where a connection says nothing else."""
    connections: int = 0

    def connect(self, *, is_operator: bool = False, **fields: Any) -> Peer:
        """Open a connection."""
        self.connections += 1
        spoken = {"dialect": self.dialect} | fields
        way_out = outlet(self.connections, hub=self.hub, **spoken)
        self.hub.attach(way_out, is_operator=is_operator)
        return Peer(self, way_out)

    async def login(self, session: str, **fields: Any) -> Peer:
        """Open a connection and say hello."""
        peer = self.connect(**fields)
        await peer.hello(session)
        return peer

    def messages(self, room: RoomName = LOBBY) -> int:
        """How many events a room has."""
        found = self.hub.machine.chat.durable.room(room)
        assert found is not None
        return found.head


async def fill(store: Store, sessions: Sequence[str] = ("ann", "bob", "cy")) -> None:
    """Make accounts, each with a session whose secret is its name."""
    users: list[d.Draft] = [
        d.AddUser(n, n, AccountRole.USER, None) for n in (ANN, BOB, CY)
    ]
    for name in sessions:
        user = UserName(name.partition("-")[0])
        users.append(d.OpenSession(SessionId(digest_of(name)), user, None, T0))
    users.append(d.CreateRoom(DEN, EPOCH, PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER}))
    await store.commit(users, T0)


def quick(config: Config | None = None, **limits: Any) -> Config:
    """The defaults without a limit on messages, or with other limits."""
    config = config or Config()
    fields = {"messages_per_s": 0, **limits}
    return attrs.evolve(config, limits=attrs.evolve(config.limits, **fields))


@attrs.define
class WallClock:
    """A clock on the wall over Trio's time, which somebody may set."""

    off_ms: int = 0
    slept_s: float = 0
    """How long the machine was asleep, when Trio's time stands still."""
    is_synchronized: bool = False

    def tell(self) -> int:
        """What it says."""
        return T0 + round((trio.current_time() + self.slept_s) * 1000) + self.off_ms

    def read(self) -> Reading:
        """The same with the time since the machine was started."""
        boot_s = trio.current_time() + self.slept_s
        return Reading(self.tell(), boot_s, self.is_synchronized)


@asynccontextmanager
async def running(
    store: Store | None = None,
    config: Config | None = None,
    *,
    filled: bool = True,
    clock: WallClock | None = None,
    busy: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[Rig]:
    """Run a hub over a store that has three accounts and a room.

    Not where `hub.run` is expected to fail: its error comes out in a group.
    """
    store = MemoryStore() if store is None else store
    if filled:
        await fill(store)
    metrics, gave_up = Metrics(), list[float]()
    clock = WallClock() if clock is None else clock
    environment = Environment(
        clock.tell,
        clock.read,
        random.Random(7).randbytes,
        lambda: gave_up.append(trio.current_time()),
        busy=busy,
    )
    live = LiveConfig(quick() if config is None else config)
    hub = Hub(live, store, environment, metrics, "chatd/0")
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        try:
            yield Rig(hub, store, metrics, gave_up, live, JsonDialect(live))
        finally:
            if isinstance(store, MemoryStore):
                # A commit is shielded: a test that fails while it hangs would, too.
                store.set_stalled(False)
        nursery.cancel_scope.cancel()


def act_out(
    play: Callable[[list[tuple[str, int]], MockClock], Awaitable[None]],
    actions: Sequence[str],
) -> None:
    """Have Hypothesis try 150 plays, each of many actions with a number."""
    action = st.tuples(st.sampled_from(actions), st.integers(0, 999))

    @settings(max_examples=150)
    @given(st.lists(action, min_size=60, max_size=120))
    def search(steps: list[tuple[str, int]]) -> None:
        clock = MockClock()
        trio.run(play, steps, clock, clock=clock)

    search()
