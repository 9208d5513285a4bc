"""A real `chatd serve` in a process of its own, and people who type JSON at it.

The daemon picks a free port, keeps its data in a temporary directory and is
ended by its pid. Clients are `websockets`, which shares no code with chatd. Whatever
a person hears is held against the schema of the protocol, in every test.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
from websockets.trio.client import ClientConnection, connect

from tests.wire.contract import Traffic

Frame = dict[str, Any]

PATIENCE_S = 60.0
"""When a test gives up on something that never comes; not a measure of speed."""


@attrs.define(eq=False)
class Daemon:
    """One running daemon."""

    process: trio.Process
    port: int
    metrics_port: int
    data: Path
    log: Path
    is_secret: bool = False
    """Whether it speaks TLS."""
    is_doomed: bool = False
    """Whether it was killed."""

    @property
    def url(self) -> str:
        """Where its WebSocket is."""
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

    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def cpu_s(self) -> float:
        """The processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        ticks = sum(map(int, fields.split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


async def start(
    data: Path,
    *arguments: str,
    env: dict[str, str] | None = None,
    port: int = 0,
    pass_fds: tuple[int, ...] = (),
    listen: tuple[str, ...] | None = None,
) -> Daemon:
    """Start a daemon and wait until it says where it listens."""
    log = data.with_suffix(".log")
    where = (f"127.0.0.1:{port}",) if listen is None else listen
    options = [word for address in where for word in ("--listen", address)]
    with log.open("ab") as stderr:
        process = await trio.lowlevel.open_process(
            [
                sys.executable,
                "-m",
                "chatd",
                "serve",
                "--data",
                str(data),
                *options,
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **(env or {})},
            pass_fds=pass_fds,
        )
    assert process.stdout is not None
    said = b""
    with trio.fail_after(PATIENCE_S):
        while said.count(b"\n") < 4:
            part = await process.stdout.receive_some(4096)
            if not part:
                await process.wait()
                raise AssertionError(f"chatd did not start: {log.read_text()}")
            said += part
    return Daemon(
        process,
        _port(rb"listening on .*?https?://127\.0\.0\.1:(\d+)", said),
        _port(rb"metrics on http://127\.0\.0\.1:(\d+)", said),
        data,
        log,
        b"https://" in said,
    )


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

    async def hello(self, **fields: Any) -> Frame:
        """Say hello and be welcomed."""
        frame = await self.ask(type="hello", **fields)
        assert frame["type"] == "welcome", frame
        return frame


@asynccontextmanager
async def person(
    url: str, traffic: Traffic | None = None, **options: Any
) -> AsyncIterator[Person]:
    """Connect somebody for a block; what is said is added to `traffic`."""
    async with connect(url, subprotocols=["chatd.v1"], **options) as ws:  # type: ignore[list-item]
        yield Person(ws, Traffic() if traffic is None else traffic)
