"""What several nodes cost, beside one: CPU of the daemons, and how late the others are.

    .venv/bin/python contrib/bench/nodes.py [WHAT ...]

PostgreSQL (with its syncs) and Valkey are this machine's, each of its own; the daemons
are started as anybody would start them, without rates. What is compared runs at the
same time and works in turns, so that it has the same machine; CPU is read from the
kernel, for the daemons, for PostgreSQL with all its processes, and for Valkey. WHAT is
a row (`ROWS`, at the end); all if none is named. With QUICK=1 it is a look at whether
they run.
"""

from __future__ import annotations

import itertools
import json
import os
import selectors
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import attrs
import hiredis
import trio

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from crowd import Client, Crowd, p99, seated  # noqa: E402

from chatd.store.postgres.cluster import SharedPostgresStore  # noqa: E402
from tests import postgresql, valkey  # noqa: E402
from tests.live.daemon import Daemon, start  # noqa: E402

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
    "CHATD_LIMITS__CREATIONS_PER_H": "0",
    "CHATD_ROOMS__CREATE": "anyone",
    "CHATD_HEARTBEAT__INTERVAL_S": "3600",  # who only listens does not answer a ping
}
QUICK = bool(os.environ.get("QUICK"))
TURNS = 1 if QUICK else 5
SCALE = 10 if QUICK else 1
LOAD = Path(__file__).parent / "build/load"
TICKS = os.sysconf("SC_CLK_TCK")
QUIET_SHARE = 0.1
"""Of a core: a daemon that uses less has done what it had to do."""
QUIET_S = 2.0
IDLE_S = 10.0 / SCALE


# --- what is measured ---------------------------------------------------------------


@attrs.define(eq=False)
class Place:
    """Daemons, and what is below them if there is."""

    daemons: list[Daemon]
    server: postgresql.Server | None = None
    bus: valkey.Server | None = None

    @property
    def ports(self) -> list[int]:
        """Where they listen."""
        return [daemon.port for daemon in self.daemons]

    def cpu_s(self) -> list[float]:
        """What each daemon has used, then what PostgreSQL and Valkey have."""
        used = [_cpu_s(daemon.process.pid) for daemon in self.daemons]
        used.append(_postgres_cpu_s(self.server) if self.server else 0.0)
        used.append(_cpu_s(_pid(self.bus)) if self.bus else 0.0)
        return used

    def carried(self) -> list[float]:
        """Of Valkey: commands, bytes that came, bytes that went."""
        if self.bus is None:
            return [0, 0, 0]
        found = _info(self.bus, "stats")
        wanted = "total_commands_processed", "total_net_input_bytes"
        return [found[name] for name in (*wanted, "total_net_output_bytes")]

    async def quiet(self) -> None:
        """Wait until the daemons have done what they had to do."""
        used = [1.0]
        while max(used) > QUIET_SHARE * QUIET_S:
            before = self.cpu_s()
            await trio.sleep(QUIET_S)
            used = [b - a for a, b in zip(before, self.cpu_s(), strict=True)]


def _cpu_s(pid: int) -> float:
    """CPU of a process, in nanoseconds. Source: clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def _pid(server: postgresql.Server | valkey.Server) -> int:
    assert server._process is not None  # noqa: SLF001 - the harness's
    return server._process.pid  # noqa: SLF001


def _postgres_cpu_s(server: postgresql.Server) -> float:
    """CPU of all of a server's processes, those that have ended too."""
    top = _pid(server)
    ended = Path(f"/proc/{top}/stat").read_text().rpartition(")")[2].split()[13:15]
    used = sum(map(int, ended)) / TICKS
    children = Path(f"/proc/{top}/task/{top}/children").read_text().split()
    for pid in (top, *map(int, children)):
        with suppress(OSError):  # it has ended just now
            used += _cpu_s(pid)
    return used


def _info(server: valkey.Server, what: str) -> dict[str, float]:
    """Numbers that Valkey tells of itself."""
    lines = [line.partition(":") for line in server.say("INFO", what).splitlines()]
    return {
        name: float(value)
        for name, _, value in lines
        if value.replace(".", "").isdigit()
    }


def _resident_kib(daemon: Daemon) -> float:
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return float(status.partition("VmRSS:")[2].split()[0])


@asynccontextmanager
async def place(
    nodes: int | None, *, bus: bool = False, env: Mapping[str, str] | None = None
) -> AsyncIterator[Place]:
    """Run chatd: on SQLite (None), alone on PostgreSQL (1), or as several nodes.

    Args:
        nodes: How many.
        bus: Whether one that is alone is a node all the same.
        env: More of the daemons' environment.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT)))
        config = directory / "chatd.toml"
        config.write_text('[metrics]\nlisten = ["127.0.0.1:0"]\n')
        here, found = Place([]), LIMITS | dict(env or {})
        if nodes is not None:
            here.server = _postgres(stack)
            found |= {"CHATD_STORE__URL": here.server.create("chatd")}
        if bus or (nodes or 1) > 1:
            where = stack.enter_context(tempfile.TemporaryDirectory())
            here.bus = valkey.Server(Path(where))
            stack.callback(here.bus.stop)
            found |= {"CHATD_CLUSTER__BUS": here.bus.url}
        for number in range(nodes or 1):
            data = directory / f"data{number}"
            starting = _served(data, "--config", str(config), env=found)
            here.daemons.append(await stack.enter_async_context(starting))
        yield here


@asynccontextmanager
async def _served(
    data: Path, *arguments: str, env: Mapping[str, str]
) -> AsyncIterator[Daemon]:
    """Run a daemon for a block; its data are nobody's afterwards."""
    daemon = await start(data, *arguments, env=env)
    try:
        yield daemon
    finally:
        daemon.process.kill()
        with trio.CancelScope(shield=True):
            await daemon.process.wait()
            await daemon.let_go()


def _postgres(stack: AsyncExitStack) -> postgresql.Server:
    """Start one that syncs."""
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
    return server


# --- what is said -------------------------------------------------------------------


def said(title: str, figures: Mapping[str, float]) -> None:
    """Print one line."""
    shown = [f"{name}={value:.4g}" for name, value in figures.items()]
    print(f"{title}:", *shown, flush=True)


async def idle(here: Place) -> list[float]:
    """What each uses in a second in which nobody talks, when all is quiet."""
    await here.quiet()
    before, began = here.cpu_s(), trio.current_time()
    await trio.sleep(IDLE_S)
    seconds = trio.current_time() - began
    return [(b - a) / seconds for a, b in zip(before, here.cpu_s(), strict=True)]


async def talk(
    here: Place, crowd: Crowd, messages: int, idle: Sequence[float]
) -> dict[str, float]:
    """Have a crowd talk; what a message cost beside what is used anyway."""
    cpu_s, carried, began = here.cpu_s(), here.carried(), trio.current_time()
    acks_ms = await crowd.talk(messages)
    seconds = trio.current_time() - began
    used = [
        b - a - each * seconds
        for a, b, each in zip(cpu_s, here.cpu_s(), idle, strict=True)
    ]
    bus = [b - a for a, b in zip(carried, here.carried(), strict=True)]
    sent = messages * len(crowd.talkers)
    chatd_us, postgres_us, valkey_us = (
        1e6 * found / sent for found in (sum(used[:-2]), *used[-2:])
    )
    return {
        "us": chatd_us,
        "postgres_us": postgres_us,
        "valkey_us": valkey_us,
        "us_per_delivery": chatd_us / crowd.receivers,
        "bus_messages": bus[0] / sent,
        "bus_in_bytes": bus[1] / sent,
        "bus_out_bytes": bus[2] / sent,
        "messages_per_s": sent / seconds,
        "p99_ack_ms": p99(acks_ms),
        "load": os.getloadavg()[0],
    }


async def compare(ways: Mapping[str, tuple[Place, Crowd, int]]) -> None:
    """Have several work in turns; say each, the medians, and of the first how much."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _, crowd, messages in ways.values():
        await crowd.talk(max(messages // 10, 1))
    places = dict.fromkeys(here for here, _, _ in ways.values())
    idling = {here: await idle(here) for here in places}
    for turn in range(TURNS):
        for way, (here, crowd, messages) in ways.items():
            found[way].append(await talk(here, crowd, messages, idling[here]))
            said(f"{way}, {turn}", found[way][-1])
    base = next(iter(found.values()))
    for way, turns in found.items():
        said(f"{way}, medians", medians(turns))
        of = [b["us"] / a["us"] for a, b in zip(base, turns, strict=True)]
        all_of = [_all(b) / _all(a) for a, b in zip(base, turns, strict=True)]
        with_all = {"least": min(of), "most": max(of), "with_all": median(all_of)}
        said(f"{way}, of the first", {"median": median(of), **with_all})


def _all(figures: Mapping[str, float]) -> float:
    return figures["us"] + figures["postgres_us"] + figures["valkey_us"]


median = statistics.median


def medians(turns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: median(turn[name] for turn in turns) for name in turns[0]}


# --- rows ---------------------------------------------------------------------------


async def rooms() -> None:
    """A hundred rooms of ten by `load.c`: SQLite, PostgreSQL alone, in turns."""
    for turn in range(1 if QUICK else 3):
        for name, nodes in (("SQLite", None), ("PostgreSQL", 1)):
            async with place(nodes) as here:
                before = here.cpu_s()[-2]
                found = await _loaded(here.daemons[0])
                sent = found["messages"]
                figures = {
                    "messages_per_s": found["acks"] / found["wall_s"],
                    "p99_ack_ms": found["ack_ms"]["p99"],
                    "us": found["server_cpu_s"] / sent * 1e6,
                    "postgres_us": (here.cpu_s()[-2] - before) / sent * 1e6,
                }
                said(f"rooms of ten, {name}, {turn}", figures)


async def _loaded(daemon: Daemon) -> dict[str, Any]:
    where = f"--to 127.0.0.1:{daemon.port} --pid {daemon.process.pid} --proto chatd"
    shape = f"--rooms {100 // SCALE} --members 10 --messages 300"
    command = f"{LOAD} {where} --mode fanout {shape}"
    done = await trio.run_process(command.split(), capture_stdout=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def spread() -> None:
    """A hundred rooms of ten on one node, beside several ways over more."""
    count, messages = 100 // SCALE, 30
    async with (
        place(1) as one,
        place(1, bus=True) as single,
        place(3) as three,
        seated(one.ports, count, 10) as alone,
        seated(single.ports, count, 10) as on_bus,
        seated(three.ports, 3 * count, 10) as full,
        seated(three.ports, count, 10, first=3 * count) as apart,
        seated(three.ports, count, 10, first=4 * count, over=3) as mixed,
    ):
        await compare(
            {
                "one node": (one, alone, messages),
                "one with a bus": (single, on_bus, messages),
                "as many rooms on each of three": (three, full, messages),
                "the rooms divided over three": (three, apart, messages),
                "members divided over three": (three, mixed, messages),
            }
        )


async def wide() -> None:
    """A room of 3,000: on one node, over three."""
    members = 3000 // SCALE
    async with (
        place(1) as one,
        place(3) as three,
        seated(one.ports, 1, members) as alone,
        seated(three.ports, 1, members, over=3) as apart,
    ):
        ways = {"one node": (one, alone, 100), "over three": (three, apart, 100)}
        await compare(ways)


async def nobody() -> None:
    """What a node uses that has nobody in the rooms, while the others talk, and not."""
    count, messages = 50 // SCALE, 200
    async with place(3) as here, seated(here.ports[:2], count, 10, over=2) as crowd:
        turns = []
        for turn in range(TURNS):
            heard, alone = await _heard(here), (await idle(here))[2]
            busy, began = here.cpu_s()[2], trio.current_time()
            await crowd.talk(messages)
            seconds = trio.current_time() - began
            busy = (here.cpu_s()[2] - busy) / seconds
            sent = count * messages
            turns.append(
                {
                    "idle_us_per_s": alone * 1e6,
                    "us_per_s": busy * 1e6,
                    "us": (busy - alone) * seconds * 1e6 / sent,
                    "commits_heard": await _heard(here) - heard,
                    "messages": sent,
                }
            )
            said(f"a node with nobody, {turn}", turns[-1])
        said("a node with nobody, medians", medians(turns))


async def _heard(here: Place) -> float:
    return await _metric(here.daemons[2], "chatd_commits_heard_total")


async def _metric(daemon: Daemon, name: str) -> float:
    found = daemon.numbers(await daemon.get(daemon.metrics_port, "/metrics"))
    return found[name]


async def delay() -> None:
    """How much later a second node delivers than the first."""
    async with place(2) as here:
        ports = here.ports[0], *here.ports, *here.ports
        clients = [await Client.open(port) for port in ports]
        for number, client in enumerate(clients):
            await client.enter(f"u{number}", "r0")
        sender, *readers = clients
        late_ms: list[float] = []
        for number in range(600 // SCALE):
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
        figures = {"p50": median(late_ms), "p99": p99(late_ms)}
        said("a second node behind the first, ms", figures)


async def killed() -> None:
    """5,000 clients of a node that is killed come back on the two others."""
    count = 5000 // SCALE
    async with (
        place(3) as here,
        seated(here.ports[:2], 20, 1) as talkers,
        trio.open_nursery() as nursery,
    ):
        lost, back = dict[int, Client](), dict[int, Client]()
        limit = trio.Semaphore(128)

        async def enter(which: int, client: Client | None) -> None:
            async with limit:
                here_now = here.ports[2:] if client is None else here.ports[:2]
                new = await Client.open(here_now[which % len(here_now)])
                new.session = "" if client is None else client.session
                await new.enter(f"lost{which}", f"r{50 + which % 10}")
                (lost if client is None else back)[which] = new

        async with trio.open_nursery() as coming:
            for which in range(count):
                coming.start_soon(enter, which, None)
        await here.quiet()
        acks_ms: dict[str, list[float]] = {"quiet": [], "meanwhile": []}
        state, numbers = "quiet", itertools.count()

        async def talk_on(room: str, client: Client) -> None:
            while True:
                began, kept = trio.current_time(), acks_ms[state]
                cid = f"{next(numbers)}"
                await client.ask(type="send", room=room, text="x" * 100, cid=cid)
                kept.append((trio.current_time() - began) * 1000)
                await trio.sleep(0.05)

        for room, client in talkers.talkers:
            nursery.start_soon(talk_on, room, client)
        await trio.sleep(10)
        gone = here.daemons[2]
        state, cpu_s, began = "meanwhile", here.cpu_s(), trio.current_time()
        gone.kill()
        async with trio.open_nursery() as coming:
            for which, client in lost.items():
                coming.start_soon(enter, which, client)
        seconds = trio.current_time() - began
        here.daemons.pop()
        used = sum(here.cpu_s()[:2]) - sum(cpu_s[:2])
        nursery.cancel_scope.cancel()
        quiet, busy = map(p99, acks_ms.values())
    figures = {
        "seconds": seconds,
        "ms_each": used / count * 1e3,
        "p99_ack_quiet_ms": quiet,
        "p99_ack_meanwhile_ms": busy,
        "load": os.getloadavg()[0],
    }
    said(f"{count} back", figures)


async def commits() -> None:
    """What a commit costs, of one message and of more: a node, rooms of one."""
    async with place(1, bus=True) as here:
        first = 0
        for talkers, messages in ((1, 600), (10, 200), (100, 100)):
            async with seated(here.ports, talkers, 1, first=first) as crowd:
                idling, turns = await idle(here), []
                for turn in range(TURNS):
                    before = _written(here)
                    found = await talk(here, crowd, messages // SCALE, idling)
                    await here.quiet()
                    found |= _each(before, _written(here))
                    found["batch"] = messages // SCALE * talkers / found.pop("commits")
                    turns.append(found)
                    said(f"{talkers} at once, {turn}", turns[-1])
                said(f"{talkers} at once, medians", medians(turns))
            first += talkers


def _written(here: Place) -> dict[str, float]:
    """What PostgreSQL has written."""
    assert here.server is not None
    sql = "SELECT last_value, pg_current_wal_lsn() - '0/0' FROM chatd.change_stamp_seq"
    ((stamp, wal),) = here.server.execute(sql, "chatd")
    sql = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
    ((rows,),) = here.server.execute(sql, "chatd")
    return {"commits": _float(stamp), "wal_bytes": _float(wal), "rows": _float(rows)}


def _float(value: Any) -> float:
    return float(value)


def _each(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """What was written for each commit, and how many there were."""
    grown = {name: now[name] - before[name] for name in now}
    commits = grown["commits"]
    per = {
        f"{name}_per_commit": grown[name] / commits for name in ("wal_bytes", "rows")
    }
    return {"commits": commits, **per}


async def log() -> None:
    """What a beat costs PostgreSQL, and to read what others have committed."""
    beats = 200
    async with (
        place(1, bus=True) as here,
        seated(here.ports, 1, 1) as crowd,
        _reading(here) as reader,
    ):
        assert here.server is not None
        for messages in (0, 3000 // SCALE):
            await crowd.talk(messages) if messages else None
            await here.quiet()
            before = here.cpu_s()[-2]
            for _ in range(beats):
                await reader.beat(b"")
            each = (here.cpu_s()[-2] - before) / beats * 1e6
            said(f"a beat over {messages} of the log", {"postgres_us": each})
        before, own, began = here.cpu_s()[-2], time.process_time(), time.monotonic()
        found = await reader.catch_up()
        figures = {
            "commits": len(found),
            "postgres_us": (here.cpu_s()[-2] - before) / len(found) * 1e6,
            "us": (time.process_time() - own) / len(found) * 1e6,
            "seconds": time.monotonic() - began,
        }
        said("to read the log", figures)


@asynccontextmanager
async def _reading(here: Place) -> AsyncIterator[SharedPostgresStore]:
    """Be another node, in this process, that hears nothing by the bus."""
    assert here.server is not None
    async with (
        postgresql.shared_at(here.server.url("chatd"), "reader") as store,
        trio.open_nursery() as nursery,
    ):

        async def beat() -> None:
            while True:
                await store.beat(b"")
                await trio.sleep(2)

        nursery.start_soon(beat)
        yield store
        nursery.cancel_scope.cancel()


async def memory() -> None:
    """What people and rooms cost: nine of each on one node, one on the other."""
    count = 500 // SCALE
    async with place(2) as here:
        await here.quiet()
        empty, bus = _sizes(here)
        said("a node, KiB", {"alone": empty[1]})
        async with seated(here.ports[:1], count, 9):
            await here.quiet()
            (first, second), _ = _sizes(here)
            each = (first - empty[0]) / (9 * count)
            said("one of nine in a room, KiB", {"each": each})
            said("rooms of another node, KiB", {"each": (second - empty[1]) / count})
            clients = [await Client.open(here.ports[1]) for _ in range(count // 10)]
            for number, client in enumerate(clients):
                await client.enter(
                    f"v{number}", *(f"r{number * 10 + which}" for which in range(10))
                )
            await here.quiet()
            (_, last), bus_now = _sizes(here)
            followed = 2 * count + 9 * count + len(clients)  # rooms, and people
            figures = {
                "each": (last - second - len(clients) * each) / count,
                "valkey_each_followed": (bus_now - bus) / followed,
            }
            said("a room with one here and nine there, KiB", figures)


async def carry() -> None:
    """What Valkey uses to carry to ten of a hundred nodes, at some rates."""
    chance = Random(1)  # noqa: S311 - it spreads rooms
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        bus = valkey.Server(Path(directory))
        stack.callback(bus.stop)

        def dial() -> socket.socket:
            dialed = stack.enter_context(socket.socket(socket.AF_UNIX))
            dialed.connect(str(bus.path))
            return dialed

        followers, publishers = [[dial() for _ in range(100)] for _ in range(2)]
        channels = [
            f"chatd:0123456789abcdef:room:{number:012x}" for number in range(500)
        ]
        for channel in channels:
            for follower in chance.sample(followers, 10):
                follower.send(hiredis.pack_command(("SSUBSCRIBE", channel)))
        looking = stack.enter_context(selectors.DefaultSelector())
        for one in (*followers, *publishers):
            looking.register(one, selectors.EVENT_READ)
        for per_s in (500, 2_000, 8_000):
            count, sent = per_s * 5 // SCALE, 0
            before, began = _cpu_s(_pid(bus)), time.monotonic()
            while sent < count:
                due = min(count, int((time.monotonic() - began) * per_s))
                for number in range(sent, due):
                    message = ("SPUBLISH", chance.choice(channels), b"x" * 300)
                    publishers[number % 100].send(hiredis.pack_command(message))
                sent = due
                for key, _ in looking.select(0.001):
                    key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
            seconds = time.monotonic() - began
            each = (_cpu_s(_pid(bus)) - before) / count * 1e6
            figures = {"us": each, "us_per_delivery": each / 10, "seconds": seconds}
            said(f"Valkey, {per_s} publications/s to ten each", figures)


async def back() -> None:
    """What nodes tell each other when the bus comes back, for each of their rooms."""
    count = 500 // SCALE
    async with place(3) as here, seated(here.ports, count, 3, over=3):
        assert here.bus is not None
        for turn in range(TURNS):
            idling = await idle(here)
            cpu_s, began = here.cpu_s(), trio.current_time()
            name = "chatd_publications_total"
            before = [await _metric(daemon, name) for daemon in here.daemons]
            here.bus.stop()
            here.bus.start()
            for daemon in here.daemons:
                while not await _metric(daemon, "chatd_bus_up"):  # noqa: ASYNC110
                    await trio.sleep(0.1)  # of that nobody is told
            await here.quiet()
            seconds = trio.current_time() - began
            told = [await _metric(daemon, name) for daemon in here.daemons]
            used = [
                b - a - each * seconds
                for a, b, each in zip(cpu_s, here.cpu_s(), idling, strict=True)
            ]
            publications = sum(told) - sum(before)
            figures = {
                "publications": publications / 3 / count,
                "us_for_each_heard": sum(used[:3]) / (2 * publications) * 1e6,
                "us": sum(used[:3]) / 3 / count * 1e6,
            }
            said(f"the bus comes back, a room of a node, {turn}", figures)


def _sizes(here: Place) -> tuple[list[float], float]:
    """The daemons' memory, and Valkey's."""
    assert here.bus is not None
    bus = _info(here.bus, "memory")["used_memory"] / 1024
    return [_resident_kib(daemon) for daemon in here.daemons], bus


ROWS = {
    row.__name__: row
    for row in (
        rooms,
        spread,
        wide,
        nobody,
        delay,
        killed,
        commits,
        log,
        memory,
        carry,
        back,
    )
}


async def main() -> None:
    """Measure what is named."""
    for name in sys.argv[1:] or ROWS:
        await ROWS[name]()


if __name__ == "__main__":
    trio.run(main)
