"""What several nodes cost, beside one: CPU of the daemons, and how late the others are.

    .venv/bin/python contrib/bench/nodes.py [WHAT ...]

PostgreSQL (with its syncs) and Valkey are this machine's, each of its own; the daemons
are started as anybody would start them, without rates. Whoever talks lives in this
process, so times are its own as well where cores are few: CPU is read from the kernel,
for each daemon and for PostgreSQL with all its processes. WHAT is `rooms`, `wide`,
`nobody`, `delay`, `spread`, `killed`; all if none is named.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests import postgresql, valkey  # noqa: E402
from tests.live.daemon import Daemon, running  # noqa: E402

LIMITS = {
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_LIMITS__CONNECTS_PER_S": "0",
    "CHATD_LIMITS__BYTES_PER_S": "0",
    "CHATD_LIMITS__INFLIGHT_MAX": "0",
    "CHATD_LIMITS__REQUESTS_PER_S": "0",
    "CHATD_LIMITS__GUEST_BYTES_PER_D": "0",
    "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": "0",
    "CHATD_LIMITS__CONNECTIONS_MAX": "10000",
    "CHATD_LIMITS__SESSIONS_PER_USER": "0",
}
MESSAGE = b'"type":"message"'
ROOMS = 128
LOAD = Path(__file__).parent / "build/load"
HELLOS = 64
"""Clients that come at the same time."""
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: chatd.v1\r\n\r\n"
)
TICKS = os.sysconf("SC_CLK_TCK")


# --- who talks ----------------------------------------------------------------


def framed(**fields: Any) -> bytes:
    """One frame of a client; its mask changes nothing."""
    payload = json.dumps(fields).encode()
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
    return head + b"\0\0\0\0" + payload


@attrs.define(eq=False)
class Client:
    """One connection, which counts messages, or looks at replies."""

    socket: trio.socket.SocketType
    session: str = ""
    heard: int = 0
    """Messages."""
    _bytes: bytearray = attrs.field(factory=bytearray)
    _wanted: float = math.inf
    _enough: trio.Event = attrs.field(factory=trio.Event)

    @classmethod
    async def open(cls, port: int) -> Client:
        """Connect and upgrade."""
        socket = trio.socket.socket()
        await socket.connect(("127.0.0.1", port))
        client = cls(socket)
        await client.send(UPGRADE)
        while b"\r\n\r\n" not in client._bytes:
            await client._receive()
        del client._bytes[: client._bytes.index(b"\r\n\r\n") + 4]
        return client

    async def send(self, data: bytes) -> None:
        """Send all of some bytes."""
        while data:
            data = data[await self.socket.send(data) :]

    async def _receive(self) -> None:
        data = await self.socket.recv(65_536)
        if not data:
            raise OSError("it has gone")
        self._bytes += data

    async def frame(self) -> dict[str, Any]:
        """Receive one frame."""
        have = self._bytes
        while True:
            if len(have) >= 2:
                size, at = have[1] & 0x7F, 2
                if size >= 126:
                    at = 4 if size == 126 else 10
                    size = int.from_bytes(have[2:at])
                if len(have) >= at and len(have) >= at + size:
                    kind, payload = have[0] & 0xF, bytes(have[at : at + size])
                    del have[: at + size]
                    if kind == 1:
                        found: dict[str, Any] = json.loads(payload)
                        return found
                    if kind == 8:
                        raise OSError("it was closed")
                    continue
            await self._receive()

    async def ask(self, **fields: Any) -> dict[str, Any]:
        """Send a command, and wait for its reply."""
        await self.send(framed(**fields))
        while True:
            frame = await self.frame()
            if frame.get("re") == fields["type"]:
                assert frame["type"] != "error", frame
                return frame
            self.heard += frame["type"] == "message"

    async def enter(self, room: str, number: int) -> None:
        """Come in as a guest, or go on with the session; then join a room."""
        said = {"session": self.session} if self.session else {"name": f"u{number}"}
        self.session = (await self.ask(type="hello", **said))["session"]
        await self.ask(type="join", room=room)

    async def until(self, count: int) -> None:
        """Wait until so many messages have come."""
        self._wanted, self._enough = count, trio.Event()
        if self.heard < count:
            await self._enough.wait()

    async def count(self) -> None:
        """Count messages until cancelled."""
        rest = b""
        while True:
            data = await self.socket.recv(65_536)
            if not data:
                return
            found = rest + data
            self.heard += found.count(MESSAGE)
            if self.heard >= self._wanted:
                self._enough.set()
            rest = found[-len(MESSAGE) + 1 :]


async def crowd(ports: Sequence[int], rooms: Sequence[str], each: int) -> list[Client]:
    """Have so many in each room, over the nodes in turn."""
    clients: list[Client] = []
    limit = trio.Semaphore(HELLOS)
    places = [room for room in rooms for _ in range(each)]

    async def come(number: int, room: str) -> None:
        async with limit:
            client = await Client.open(ports[number % len(ports)])
            await client.enter(room, number)
            clients.append(client)

    async with trio.open_nursery() as nursery:
        for number, room in enumerate(places):
            nursery.start_soon(come, number, room)
    return clients


# --- what they talk to --------------------------------------------------------------


@attrs.define(eq=False)
class Place:
    """Daemons, and the database below them if they have one."""

    daemons: list[Daemon]
    server: postgresql.Server | None = None

    @property
    def ports(self) -> list[int]:
        """Where they listen."""
        return [daemon.port for daemon in self.daemons]

    def cpu_s(self) -> list[float]:
        """What each daemon has used, and in the end what PostgreSQL has."""
        used = [daemon.cpu_s() for daemon in self.daemons]
        return [*used, _postgres_cpu_s(self.server) if self.server else 0.0]


def _postgres_cpu_s(server: postgresql.Server) -> float:
    """CPU of all of a server's processes, those that have ended too."""
    assert server._process is not None  # noqa: SLF001 - the harness's
    top, used = server._process.pid, 0.0  # noqa: SLF001
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(path.parent.name) == top:
            used += sum(map(int, stat[11:15]))
        elif int(stat[1]) == top:
            used += sum(map(int, stat[11:13]))
    return used / TICKS


@asynccontextmanager
async def place(nodes: int | None) -> AsyncIterator[Place]:
    """Run chatd: on SQLite (None), alone on PostgreSQL (1), or as several nodes."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT)))
        config = directory / "chatd.toml"
        rooms = [f'[[rooms.permanent]]\nname = "r{n}"\n' for n in range(ROOMS)]
        config.write_text("".join(rooms))
        told = "--config", str(config)
        if nodes is None:
            daemon = await stack.enter_async_context(
                running(directory / "data", *told, env=LIMITS)
            )
            yield Place([daemon])
            return
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix="chatd-pg-"))
        postgresql.SETTINGS.update(
            fsync="on",
            full_page_writes="on",
            autovacuum="on",
            shared_buffers="256MB",
            max_connections="200",
            max_wal_size="1GB",
        )
        server = postgresql.Server(Path(data))
        server.start()
        stack.callback(server.stop)
        env = LIMITS | {"CHATD_STORE__URL": server.create("chatd")}
        if nodes > 1:
            where = stack.enter_context(tempfile.TemporaryDirectory())
            bus = valkey.Server(Path(where))
            stack.callback(bus.stop)
            env |= {"CHATD_CLUSTER__BUS": bus.url}
        daemons = [
            await stack.enter_async_context(
                running(directory / f"data{number}", *told, env=env)
            )
            for number in range(nodes)
        ]
        yield Place(daemons, server)


async def counting(
    clients: Sequence[Client], work: Callable[[], Awaitable[None]], each: int
) -> None:
    """Have clients count while something is done, until each has so many more."""
    wanted = [client.heard + each for client in clients]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.count)
        await work()
        with trio.fail_after(300):
            for client, count in zip(clients, wanted, strict=True):
                await client.until(count)
        nursery.cancel_scope.cancel()


def said(title: str, **figures: float) -> None:
    """Print one line."""
    shown = [f"{name}={value:.4g}" for name, value in figures.items()]
    print(f"{title}:", *shown, flush=True)


# --- rows ---------------------------------------------------------------------------


async def talk(
    place: Place, rooms: int, members: int, messages: int, over: int | None = None
) -> dict[str, float]:
    """One member of each room sends, one message in flight.

    Args:
        place: Where.
        rooms: How many.
        members: In each.
        messages: In each.
        over: Over how many nodes the members of a room are; None: over one.
    """
    clients: list[Client] = []
    for number in range(rooms):
        ports = place.ports[:over] if over else [place.ports[number % len(place.ports)]]
        clients += await crowd(ports, [f"r{number}"], members)
    senders = clients[::members]
    acks_ms: list[float] = []

    async def send(client: Client, room: str) -> None:
        for number in range(messages):
            began = trio.current_time()
            await client.ask(type="send", room=room, text="x" * 100, cid=f"{number}")
            acks_ms.append((trio.current_time() - began) * 1000)

    async def work() -> None:
        async with trio.open_nursery() as nursery:
            for number, client in enumerate(senders):
                nursery.start_soon(send, client, f"r{number}")

    before, began = place.cpu_s(), trio.current_time()
    await counting([c for c in clients if c not in senders], work, messages)
    seconds = trio.current_time() - began
    used = [b - a for a, b in zip(before, place.cpu_s(), strict=True)]
    sent = rooms * messages
    return {
        "messages_per_s": sent / seconds,
        "p99_ack_ms": statistics.quantiles(acks_ms, n=100)[98],
        "us_per_message": sum(used[:-1]) / sent * 1e6,
        "postgres_us_per_message": used[-1] / sent * 1e6,
        "us_per_delivery": sum(used[:-1]) / (sent * members) * 1e6,
    }


async def rooms() -> None:
    """A hundred rooms of ten by `load.c`: SQLite, PostgreSQL alone, in turns."""
    for turn in range(3):
        for name, nodes in (("SQLite", None), ("PostgreSQL", 1)):
            async with place(nodes) as here:
                before = here.cpu_s()[-1]
                found = await _loaded(here.daemons[0])
                sent = found["messages"]
                said(
                    f"rooms of ten, {name}, {turn}",
                    messages_per_s=found["acks"] / found["wall_s"],
                    p99_ack_ms=found["ack_ms"]["p99"],
                    us_per_message=found["server_cpu_s"] / sent * 1e6,
                    postgres_us_per_message=(here.cpu_s()[-1] - before) / sent * 1e6,
                )


async def _loaded(daemon: Daemon) -> dict[str, Any]:
    where = f"--to 127.0.0.1:{daemon.port} --pid {daemon.process.pid} --proto chatd"
    command = f"{LOAD} {where} --mode fanout --rooms 100 --members 10 --messages 300"
    done = await trio.run_process(command.split(), capture_stdout=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def spread() -> None:
    """A hundred rooms of ten: on one node, spread over three, each over all three."""
    for turn in range(3):
        async with place(1) as here:
            said(f"one node, {turn}", **await talk(here, 100, 10, 60))
        async with place(3) as here:
            said(f"rooms spread over three, {turn}", **await talk(here, 100, 10, 60))
        async with place(3) as here:
            found = await talk(here, 100, 10, 60, over=3)
            said(f"members spread over three, {turn}", **found)


async def wide() -> None:
    """A room of 3,000: on one node, over three."""
    for turn in range(3):
        for nodes in (1, 3):
            async with place(nodes) as here:
                found = await talk(here, 1, 3000, 60, over=nodes)
                said(f"a room of 3,000 over {nodes}, {turn}", **found)


async def nobody() -> None:
    """What a node uses that has nobody in the rooms, while the others talk, and not."""
    async with place(3) as here:
        used = []
        for work in (partial(trio.sleep, 10), partial(talk, here, 50, 10, 200, over=2)):
            cpu_s, began = here.daemons[2].cpu_s(), trio.current_time()
            await work()
            seconds = trio.current_time() - began
            used.append((here.daemons[2].cpu_s() - cpu_s) / seconds * 1e6)
        said("a node with nobody, us/s", idle=used[0], while_others_talk=used[1])


async def delay() -> None:
    """How much later a second node delivers than the first."""
    async with place(2) as here:
        sender = (await crowd(here.ports[:1], ["r0"], 1))[0]
        readers = [
            (await crowd([port], ["r0"], 1))[0] for port in (*here.ports, *here.ports)
        ]
        late_ms: list[float] = []
        for number in range(600):
            times: list[float] = [0.0] * len(readers)

            async def hear(which: int, times: list[float] = times) -> None:
                while (await readers[which].frame())["type"] != "message":
                    pass
                times[which] = trio.current_time()

            async with trio.open_nursery() as nursery:
                for which in range(len(readers)):
                    nursery.start_soon(hear, which)
                await sender.ask(type="send", room="r0", text="x", cid=f"{number}")
            late_ms.append((min(times[1::2]) - min(times[0::2])) * 1000)
        cuts = statistics.quantiles(late_ms, n=100)
        said("a second node behind the first, ms", p50=cuts[49], p99=cuts[98])


async def killed() -> None:
    """5,000 clients of a node that is killed come back on the two others."""
    async with place(3) as here:
        talkers = await crowd(here.ports[:2], [f"r{n}" for n in range(20)], 1)
        lost = await crowd(here.ports[2:], [f"r{n}" for n in range(50, 60)], 500)
        acks_ms: dict[str, list[float]] = {"quiet": [], "meanwhile": []}
        state, number = "quiet", itertools.count()

        async def talk_on(client: Client, room: str) -> None:
            while True:
                began, kept = trio.current_time(), acks_ms[state]
                cid = f"{next(number)}"
                await client.ask(type="send", room=room, text="x" * 100, cid=cid)
                kept.append((trio.current_time() - began) * 1000)
                await trio.sleep(0.05)

        async with trio.open_nursery() as nursery:
            for which, client in enumerate(talkers):
                nursery.start_soon(talk_on, client, f"r{which}")
            await trio.sleep(10)
            gone = here.daemons.pop()
            state = "meanwhile"
            gone.kill()
            began = trio.current_time()
            limit = trio.CapacityLimiter(128)

            async def back(which: int, client: Client) -> None:
                async with limit:
                    again = await Client.open(here.ports[which % 2])
                    again.session = client.session
                    await again.enter(f"r{50 + which // 500}", which)

            async with trio.open_nursery() as coming:
                for which, client in enumerate(lost):
                    coming.start_soon(back, which, client)
            seconds = trio.current_time() - began
            nursery.cancel_scope.cancel()
        quiet, busy = (statistics.quantiles(a, n=100)[98] for a in acks_ms.values())
        said(
            "5,000 back",
            seconds=seconds,
            p99_ack_quiet_ms=quiet,
            p99_ack_meanwhile_ms=busy,
        )


ROWS = {row.__name__: row for row in (rooms, spread, wide, nobody, delay, killed)}


async def main() -> None:
    """Measure what is named."""
    for name in sys.argv[1:] or ROWS:
        await ROWS[name]()


if __name__ == "__main__":
    trio.run(main)
