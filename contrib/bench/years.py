"""What a place costs that people have used for years: rows over a big store.

The store is made once (`stores.py`), in `build/`, and each run has a copy. Its scale
is that of the bars, unless `SCALE` says another one.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - the client is `websockets`, as people have it
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import stores
from measure import Result, Run, cpu_s, loaded
from servers import BUILD, Daemon, Server, chatd, kill, running
from websockets.asyncio.client import ClientConnection, connect

SCALE = float(os.environ.get("SCALE", "1"))
HELLOS, FIRSTS, PAGES_EVERY_S, SEARCHES = 30, 5, 0.02, 15
SENDERS, PER_S, SECONDS = 10, 4.0, 20.0
LATEST = 10**9


def store() -> Path:
    """Where the big store is; made if it is not there."""
    directory = BUILD / f"store-{SCALE:g}"
    if not directory.exists():
        new = directory.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        stores.make(new, SCALE)
        new.rename(directory)
    return directory


@contextmanager
def place(*, big: bool = True, keep: str = "") -> Iterator[Daemon]:
    """A daemon that is not started, over a copy of the big store or nothing."""
    with chatd(pinned=False, keep=keep) as daemon:
        if big:
            shutil.copytree(store(), daemon.directory / "data")
            # A schema of before is brought up to date here, and is stopped cleanly.
            with running(daemon):
                pass
        # What was copied is written to the disk before anything is measured, or commits
        # would wait for it.
        os.sync()
        yield daemon


def rss_kib(server: Server) -> float:
    """What a server has in memory."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1024


# --- clients --------------------------------------------------------------------


@asynccontextmanager
async def session(server: Server, name: str) -> AsyncIterator[ClientConnection]:
    """A connection that has said hello."""
    url = f"ws://127.0.0.1:{server.port}/ws"
    async with connect(url, compression=None, max_size=None) as link:
        await ask(link, "hello", session=name)
        yield link


async def ask(link: ClientConnection, type_: str, **fields: Any) -> dict[str, Any]:
    """Send a command and wait for its reply; what comes besides is thrown away."""
    await link.send(json.dumps({"type": type_, **fields}))
    while True:
        frame: dict[str, Any] = json.loads(await link.recv())
        if frame.get("re") == type_:
            assert frame["type"] != "error", frame
            return frame


async def timed_ms(link: ClientConnection, type_: str, **fields: Any) -> float:
    """How long a reply takes."""
    began = time.perf_counter()
    await ask(link, type_, **fields)
    return (time.perf_counter() - began) * 1000


def p99(values: list[float]) -> float:
    """The highest but for one in a hundred."""
    return sorted(values)[int(len(values) * 0.99) - 1]


# --- measures -------------------------------------------------------------------


def start(daemon: Daemon) -> Result:
    """Start, stop, start, kill and start it."""
    times: dict[str, float] = {}
    rss = 0.0
    for label in ("warm", "clean", "killed"):
        began = time.perf_counter()
        server = daemon.start()
        times[label], rss = time.perf_counter() - began, rss_kib(server)
        if label == "clean":
            kill(server)
        else:
            server.process.terminate()
            server.process.wait()
    return {"ready_s": times["clean"], "killed_s": times["killed"], "rss_kib": rss}


def hello(daemon: Daemon) -> Result:
    """Come back to one room, and to a hundred."""

    async def say(server: Server) -> Result:
        found: Result = {}
        for name in ("one", "back0"):
            before = cpu_s(server.process)
            for _ in range(HELLOS):
                async with session(server, name):
                    pass
            found[f"{name}_ms"] = (cpu_s(server.process) - before) / HELLOS * 1000
        return found

    with running(daemon) as server:
        return asyncio.run(say(server))


def first(daemon: Daemon) -> Result:
    """Come to one room, and to a hundred, before anybody else: all is read from disk.

    The time from connecting to `welcome`, since it is too short to be counted as CPU.
    """

    async def say(server: Server, name: str) -> float:
        began = time.perf_counter()
        async with session(server, name):
            return (time.perf_counter() - began) * 1000

    found: Result = {}
    for name in ("one", "back0"):
        times = []
        for _ in range(FIRSTS):
            with running(daemon) as server:
                times.append(asyncio.run(say(server, name)))
        found[f"{name}_ms"] = median(times)
    return found


def rooms(load: str) -> Callable[[Daemon], Result]:
    """The load of rooms of ten, over whatever else there is."""

    def run(daemon: Daemon) -> Result:
        with running(daemon) as server:
            return loaded(server, load)

    return run


def back(daemon: Daemon) -> Result:
    """A hundred come back to a hundred rooms at once, while another reads."""

    async def read(
        server: Server, pages: list[float], has_begun: asyncio.Event
    ) -> None:
        async with session(server, "five") as link:
            for number in range(LATEST):
                room = f"r{number % 5}"
                pages.append(await timed_ms(link, "history", room=room, limit=50))
                has_begun.set()
                await asyncio.sleep(PAGES_EVERY_S)

    async def say(server: Server) -> Result:
        pages: list[float] = []
        has_begun = asyncio.Event()
        reading = asyncio.create_task(read(server, pages, has_begun))
        await has_begun.wait()
        pages.clear()
        began = time.perf_counter()

        async def come(name: str) -> None:
            async with session(server, name):
                pass

        await asyncio.gather(*(come(f"back{n}") for n in range(stores.BACK)))
        took = time.perf_counter() - began
        reading.cancel()
        return {"in_s": took, "page_p99_ms": p99([0.0, *pages]), "pages": len(pages)}

    with running(daemon) as server:
        return asyncio.run(say(server))


def search(daemon: Daemon) -> Result:
    """Look for a rare word in one, in five and in a hundred rooms; for prefixes."""
    letters = "abcdefghijklmnop"
    prefixes = " ".join(f"{a}{b}*" for a, b in zip(letters, letters[::-1], strict=True))

    async def say(server: Server) -> Result:
        found: Result = {}
        for name in ("one", "five", "back0"):
            async with session(server, name) as link:
                times = [
                    await timed_ms(link, "search", query=stores.RARE)
                    for _ in range(SEARCHES)
                ]
                found[f"{name}_ms"] = median(times)
        async with session(server, "back0") as link:
            began = time.perf_counter()
            await link.send(json.dumps({"type": "search", "query": prefixes}))
            await link.recv()
            found["prefixes_ms"] = (time.perf_counter() - began) * 1000
        return found

    with running(daemon) as server:
        return asyncio.run(say(server))


def talking(meanwhile: str) -> Callable[[Daemon], Result]:
    """Ten people talk while something else is going on, or nothing."""

    async def talk(server: Server, name: str, acks: list[float]) -> None:
        async with session(server, name) as link:
            while True:
                began = time.perf_counter()
                acks.append(await timed_ms(link, "send", room="r0", text="hello there"))
                await asyncio.sleep(1 / PER_S - (time.perf_counter() - began))

    async def say(server: Server, daemon: Daemon) -> Result:
        acks: list[float] = []
        tasks = [
            asyncio.create_task(talk(server, f"back{number}", acks))
            for number in range(SENDERS)
        ]
        await asyncio.sleep(2)
        acks.clear()
        done, began = BESIDE[meanwhile](daemon), time.perf_counter()
        before, per_s = await asyncio.to_thread(done), 0.0
        most = before
        while (took := time.perf_counter() - began) < SECONDS:
            # It may be done before, and then nobody counts any more.
            if (now := await asyncio.to_thread(done)) > most:
                most, per_s = now, (now - before) / took
            await asyncio.sleep(0.5)
            assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        return {"ack_ms": {"p99": p99(acks)}, "per_s": per_s}

    def run(daemon: Daemon) -> Result:
        with running(daemon) as server:
            return asyncio.run(say(server, daemon))

    return run


def _asked(daemon: Daemon, sql: str) -> float:
    db = apsw.Connection(
        str(daemon.directory / "data" / "chatd.db"), apsw.SQLITE_OPEN_READONLY
    )
    try:
        return float(db.execute(sql).fetchall()[0][0] or 0)  # type: ignore[arg-type]
    finally:
        db.close()


def _nothing(_daemon: Daemon) -> Callable[[], float]:
    return lambda: 0.0


def _trimming(daemon: Daemon) -> Callable[[], float]:
    """It begins when the daemon does; how many events have gone."""
    return lambda: _asked(daemon, "SELECT sum(first - 1) FROM room WHERE id <= 100")


def _erasing(daemon: Daemon) -> Callable[[], float]:
    """Who has written a tenth of all is erased from the terminal."""
    command = [sys.executable, "-m", "chatd", "erase", "much", "--yes"]
    data = daemon.directory / "data"
    subprocess.Popen([*command, "--data", data], stdout=subprocess.DEVNULL)
    return lambda: _asked(daemon, "SELECT sum(messages) FROM erasure")


def _copying(daemon: Daemon) -> Callable[[], float]:
    """The database is copied while it is written to."""
    data = daemon.directory / "data"
    command = [sys.executable, "-m", "chatd", "backup", "--data", data, data / "copy"]
    subprocess.Popen(command)
    return lambda: 0.0


BESIDE: dict[str, Callable[[Daemon], Callable[[], float]]] = {
    "": _nothing,
    "trimming": _trimming,
    "erasing": _erasing,
    "copying": _copying,
}


@dataclass(frozen=True)
class Years(Run):
    """One measure over the big store, or over an empty one."""

    measure: Callable[[Daemon], Result] = start
    big: bool = True
    keep: str = ""
    """What each declared room keeps, as TOML."""

    def once(self) -> Result:
        """Prepare the store, and measure."""
        began = time.perf_counter()
        with place(big=self.big, keep=self.keep) as daemon:
            result = self.measure(daemon)
        wall_s = time.perf_counter() - began
        return {"server_cpu_s": 0.0, "load_cpu_s": 0.0, "wall_s": wall_s} | result
