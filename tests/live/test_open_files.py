"""A daemon that may open few files: words for those who are one too many."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import trio

from tests.live.daemon import PATIENCE_S, person, start

FILES = 64
LIMIT = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
from chatd.cli import main
main()
"""


async def test_64_open_files_and_100_connections(tmp_path: Path) -> None:
    """As many as there are descriptors for come in; others are told 503; two lines of
    the log say why; and whoever comes when they have gone is served.
    """
    command = [sys.executable, "-c", LIMIT, "serve", "--listen", "127.0.0.1:0"]
    log = tmp_path / "log"
    with log.open("wb") as errors:
        process = await trio.lowlevel.open_process(
            [*command, "--data", str(tmp_path / "data")],
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    said = b""
    with trio.fail_after(PATIENCE_S):
        while said.count(b"\n") < 4:
            said += await process.stdout.receive_some(4096)
    port = int(said.partition(b"listening on http://127.0.0.1:")[2].split()[0])
    try:
        answered = await trio.to_thread.run_sync(crowd, port)
        served, told = answered.count(b""), sum(b" 503 " in one for one in answered)
        assert served >= FILES // 8
        assert told >= FILES - served
        assert all(
            b"too many connections" in one for one in answered if b" 503 " in one
        )
        with trio.fail_after(PATIENCE_S):
            async with person(f"ws://127.0.0.1:{port}/ws") as ann:
                await ann.hello(name="ann")
        warnings = [x for x in log.read_text().splitlines() if "LimitNOFILE" in x]
        assert len(warnings) == 2
        assert "connections_max=10000" in warnings[0]
        assert "error" not in log.read_text()
    finally:
        process.terminate()
        with trio.CancelScope(shield=True), trio.move_on_after(PATIENCE_S):
            await process.wait()
        await process.stdout.aclose()
    assert process.returncode == 0


def crowd(port: int) -> list[bytes]:
    """Open 100 connections, and say what each was told: nothing, who is in."""
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    answers = []
    for sock in socks:
        sock.settimeout(1)
        try:
            answers.append(sock.recv(4096) or b"closed")
        except TimeoutError:
            answers.append(b"")
        except ConnectionResetError:
            answers.append(b"closed")
    for sock in socks:
        sock.close()
    return answers


def files_max(pid: int) -> list[str]:
    """The soft limit of a process and its hard one."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = [one for one in lines if one.startswith("Max open files")]
    return line.split()[3:5]


async def test_the_soft_limit_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    """A shell's 1024 are not what the machine allows."""
    daemon = await start(tmp_path / "data")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert files_max(daemon.process.pid) == [str(hard)] * 2
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == 0
