"""A real `chatd serve` in a process of its own, and people who type JSON at it.

The daemon picks a free port, keeps its data in a temporary directory and is
ended by its pid. It is forked from a process that has imported all
(`tests.live.forks`). Clients are `websockets`, which shares no code with chatd.
Whatever a person hears is held against the schema of the protocol, in every test.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import ClientConnection, connect, unix_connect

from tests.live import forks as forking
from tests.wire.contract import Traffic

Frame = dict[str, Any]

UNIX = "unix:"
"""What the URL of a daemon begins with that listens in the file system."""
PATIENCE_S = forking.PATIENCE_S
"""When a test gives up on something that never comes; not a measure of speed."""


class Process(Protocol):
    """What is needed of a daemon's process."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """How it has ended, once it was waited for."""

    @property
    def stdout(self) -> Any:
        """What it prints."""

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""

    def kill(self) -> None:
        """Kill it."""

    async def wait(self) -> int:
        """Wait for its end."""


@attrs.define(eq=False)
class Daemon:
    """One running daemon."""

    process: Process
    port: int
    metrics_port: int
    data: Path
    log: Path
    socket: str = ""
    """Where it listens, if that is in the file system and at no port."""
    is_secret: bool = False
    """Whether it speaks TLS."""
    is_doomed: bool = False
    """Whether it was killed."""

    @property
    def url(self) -> str:
        """Where its WebSocket is."""
        if self.socket:
            return UNIX + self.socket
        return f"ws{'s' if self.is_secret else ''}://127.0.0.1:{self.port}/ws"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it, as the kernel or a power cut would: it learns nothing of it."""
        self.is_doomed = True
        self.process.kill()

    async def wait(self) -> int:
        """Wait for its end, and return its status."""
        with trio.fail_after(PATIENCE_S):
            status = await self.process.wait()
        await self.let_go()
        return status

    async def let_go(self) -> None:
        """Close this side of its standard output."""
        assert self.process.stdout is not None
        await self.process.stdout.aclose()

    async def get(self, port: int, path: str) -> bytes:
        """Ask one HTTP question and return the body."""
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            head = (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            )
            await stream.send_all(head.encode())
            answer = b""
            with trio.fail_after(PATIENCE_S):
                while part := await stream.receive_some(65536):
                    answer += part
        return answer.partition(b"\r\n\r\n")[2]

    @staticmethod
    def numbers(text: bytes) -> dict[str, float]:
        """Read Prometheus' text format."""
        lines = [line for line in text.decode().splitlines() if line[:1] != "#"]
        return {
            name: float(value) for name, _, value in (x.rpartition(" ") for x in lines)
        }

    def log_text(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    async def said(self, words: str, count: int = 1) -> list[str]:
        """Wait until some lines of its log have these words; they come a bit later."""
        with trio.fail_after(PATIENCE_S):
            while True:
                lines = [x for x in self.log_text().splitlines() if words in x]
                if len(lines) >= count:
                    return lines
                await trio.sleep(0.01)

    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def cpu_s(self) -> float:
        """The processor time it has used."""
        return sum(map(int, self._stat()[11:13])) / os.sysconf("SC_CLK_TCK")

    async def stop(self) -> None:
        """Have it stopped (SIGSTOP), and wait until it is."""
        self.signal(signal.SIGSTOP)
        with trio.fail_after(PATIENCE_S):
            while self._stat()[0] != "T":  # noqa: ASYNC110 - the kernel tells nobody
                await trio.sleep(0.01)

    def _stat(self) -> list[str]:
        """What the kernel says of it, from its state on. Source: proc(5)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()


def begin(
    data: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    port: int = 0,
    listen: tuple[str, ...] | None = None,
    forks: forking.Forks | None = None,
    namespaces: Sequence[str] = (),
) -> Daemon:
    """Start a daemon, and do not wait for it.

    Args:
        data: Its data directory; its log is beside it.
        *arguments: What else stands behind `chatd serve`.
        env: What it has in its environment beside what is in ours.
        port: Where it listens; 0: it picks one.
        listen: Where it listens instead.
        forks: Who forks it, if not the one of this process.
        namespaces: Those that it enters; as of `Forks.start`.
    """
    log = data.with_suffix(".log")
    where = (f"127.0.0.1:{port}",) if listen is None else listen
    listens = [word for address in where for word in ("--listen", address)]
    with log.open("ab") as stderr:
        process = (forks or forking.shared()).start(
            ["--data", str(data), *listens, *arguments],
            stderr.fileno(),
            env or {},
            namespaces,
        )
    return Daemon(process, 0, 0, data, log)


async def start(data: Path, *arguments: str, **options: Any) -> Daemon:
    """Start a daemon and wait until it says where it listens; see `begin`."""
    daemon = begin(data, *arguments, **options)
    await announced(daemon)
    return daemon


async def announced(daemon: Daemon, *, or_ended: bool = False) -> bool:
    """Wait until a daemon says where it listens, or has ended where that may be.

    Returns:
        Whether it listens.
    """
    assert daemon.process.stdout is not None
    said = b""
    with trio.fail_after(PATIENCE_S):
        while said.count(b"\n") < 4:
            part = await daemon.process.stdout.receive_some(4096)
            if not part:
                await daemon.process.wait()
                if or_ended:
                    return False
                raise AssertionError(f"chatd did not start: {daemon.log_text()}")
            said += part
    daemon.port = _port(rb"listening on .*?https?://127\.0\.0\.1:(\d+)", said)
    daemon.metrics_port = _port(rb"metrics on http://127\.0\.0\.1:(\d+)", said)
    daemon.is_secret = b"https://" in said
    if found := re.search(rb"listening on unix:([^,\n]+)", said):
        daemon.socket = found[1].decode()
    return True


def _port(pattern: bytes, said: bytes) -> int:
    """The port that a line names, or 0."""
    found = re.search(pattern, said)
    return int(found[1]) if found else 0


@asynccontextmanager
async def running(data: Path, *arguments: str, **kwargs: Any) -> AsyncIterator[Daemon]:
    """Run a daemon for a block; it must end with 0 at SIGTERM."""
    daemon = await start(data, *arguments, **kwargs)
    try:
        yield daemon
    except BaseException:
        daemon.process.kill()
        raise
    finally:
        if daemon.process.returncode is None:
            daemon.signal(signal.SIGTERM)
        with trio.CancelScope(shield=True):
            with trio.move_on_after(PATIENCE_S):
                await daemon.process.wait()
            if daemon.process.returncode is None:
                daemon.process.kill()
                await daemon.process.wait()
            await daemon.let_go()
    assert daemon.process.returncode == 0, daemon.log_text()


async def command(
    data: Path, *words: str, env: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one command in a process of its own, to its end.

    Args:
        data: The data directory.
        *words: What stands behind `chatd`.
        env: What it has in its environment beside what is in ours.
        given: What is typed.
    """

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chatd", *words, "--data", str(data)],
            capture_output=True,
            text=True,
            check=False,
            input=given,
            env={**os.environ, **env},
            timeout=PATIENCE_S,
        )

    return await trio.to_thread.run_sync(run)


@attrs.define(eq=False)
class Person:
    """Somebody who types JSON."""

    ws: ClientConnection
    traffic: Traffic = attrs.field(factory=Traffic)
    """What was said and heard; several people may share it."""

    async def say(self, **fields: Any) -> None:
        """Send one frame."""
        await self.ws.send(json.dumps(fields))

    async def hear(self) -> Frame:
        """Receive one frame, whatever it is, as long as the schema knows it."""
        with trio.fail_after(PATIENCE_S):
            frame: Frame = json.loads(await self.ws.recv())
        self.traffic.hear(frame)
        return frame

    async def hear_until(self, **wanted: Any) -> Frame:
        """Receive until a frame has these fields."""
        while True:
            frame = await self.hear()
            if wanted.items() <= frame.items():
                return frame

    async def ask(self, **fields: Any) -> Frame:
        """Send a command and receive until its reply."""
        await self.say(**fields)
        while True:
            frame = await self.hear()
            if frame.get("re") == fields["type"]:
                if frame["type"] != "error":
                    self.traffic.grant(fields)
                return frame

    async def ended(self) -> int:
        """Receive until the connection is closed, and say by which code."""
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await self.hear()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    async def hello(self, **fields: Any) -> Frame:
        """Say hello and be welcomed."""
        frame = await self.ask(type="hello", **fields)
        assert frame["type"] == "welcome", frame
        return frame


@asynccontextmanager
async def _typing(
    ws: ClientConnection, traffic: Traffic | None
) -> AsyncIterator[Person]:
    """Have somebody type for a block, and leave, whatever was not heard until then.

    A connection of `websockets` whose queue is full does not read until somebody takes
    from it; closed like that, it would wait for ever.
    """
    try:
        yield Person(ws, Traffic() if traffic is None else traffic)
    finally:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hear_all, ws)
            await ws.aclose()


async def _hear_all(ws: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await ws.recv(decode=False)


@asynccontextmanager
async def operator(
    daemon: Daemon, traffic: Traffic | None = None
) -> AsyncIterator[Person]:
    """Connect to the admin socket for a block."""
    path = str(daemon.data / "admin.sock")
    async with (
        unix_connect(path, subprotocols=["chatd.v1"]) as ws,
        _typing(ws, traffic) as who,
    ):
        yield who


@asynccontextmanager
async def person(
    url: str, traffic: Traffic | None = None, **options: Any
) -> AsyncIterator[Person]:
    """Connect somebody for a block; what is said is added to `traffic`."""
    if url.startswith(UNIX):
        to = partial(unix_connect, url.removeprefix(UNIX))
    else:
        to = partial(connect, url)
    async with (
        to(subprotocols=["chatd.v1"], **options) as ws,
        _typing(ws, traffic) as who,
    ):
        yield who
