"""A reader who does not keep up, over plain sockets and over TLS."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from tests.live.daemon import PATIENCE_S, person, running
from tests.net import secret

Way = Callable[[trio.SocketStream, trio.SocketStream], Awaitable[None]]
FOREIGN = Path(__file__).resolve().parents[1] / "foreign"
COUNT = 800
"""Messages of 1 KB: more than a socket and an outbox hold, fewer than a replay."""


def options(tmp_path: Path, transport: str) -> tuple[str, ...]:
    """What `chatd serve` is told."""
    file = tmp_path / "chatd.toml"
    text = "[limits]\nmessages_per_s = 0\ncommands_per_s = 0\nbytes_per_s = 0\n"
    if transport == "tls":
        cert, key = secret.write_pair(tmp_path)
        text += f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n'
    file.write_text(text)
    return ("--config", str(file))


def context(transport: str) -> ssl.SSLContext | None:
    """What a client believes."""
    return secret.client_context() if transport == "tls" else None


@pytest.mark.parametrize("transport", ["plain", "tls"])
async def test_a_slow_reader_gets_a_gap_and_catches_up(
    tmp_path: Path, transport: str
) -> None:
    """He is told what he missed, joins from there, and has every message once."""
    arguments = options(tmp_path, transport)
    async with running(tmp_path / "data", *arguments) as daemon:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        narrow.connect(("127.0.0.1", daemon.port))
        narrow.setblocking(False)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(narrow))
        ssl_context = context(transport)
        async with (
            person(daemon.url, stream=stream, ssl=ssl_context, max_queue=2) as slow,
            person(daemon.url, ssl=ssl_context) as quick,
        ):
            await slow.hello(name="bob")
            joined = await slow.ask(type="join", room="lobby")
            await quick.hello(name="ann")
            await quick.ask(type="join", room="lobby")
            for _ in range(COUNT):
                # One after the other, so that `quick` is never slow himself.
                await quick.ask(type="send", room="lobby", text="x" * 1000)
            last, gaps = joined["seq"], 0
            while last < joined["seq"] + COUNT:
                frame = await slow.hear()
                if frame["type"] in ("message", "member"):
                    assert frame["seq"] == last + 1
                    last = frame["seq"]
                elif frame["type"] == "gap":
                    assert frame["have"] == last
                    gaps += 1
                    reply = await slow.ask(
                        type="join", room="lobby", since=last, epoch=joined["epoch"]
                    )
                    assert reply["recovered"] is True
            assert gaps
            # His library reads nothing more while frames wait for him, a close neither.
            await slow.ask(type="logout")


async def bad_line(
    port: int, bytes_per_s: int, *, task_status: trio.TaskStatus[int]
) -> None:
    """Pass bytes on, to the client no more than so many a second; says on which port.

    It reads no faster either, so what the client has not got waits in the kernel or
    in the daemon, as on a line.
    """

    async def up(client: trio.SocketStream, daemon: trio.SocketStream) -> None:
        async for data in client:
            await daemon.send_all(data)

    async def down(client: trio.SocketStream, daemon: trio.SocketStream) -> None:
        while data := await daemon.receive_some(bytes_per_s // 20):
            await client.send_all(data)
            await trio.sleep(len(data) / bytes_per_s)

    async def serve(client: trio.SocketStream) -> None:
        daemon = await trio.open_tcp_stream("127.0.0.1", port)
        async with client, daemon, trio.open_nursery() as nursery:
            for pass_on in (up, down):

                async def run(pass_on: Way = pass_on) -> None:
                    # Either side may be gone; then so is the other.
                    with suppress(trio.BrokenResourceError):
                        await pass_on(client, daemon)
                    nursery.cancel_scope.cancel()

                nursery.start_soon(run)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(listener.socket.getsockname()[1])
    await trio.serve_listeners(serve, [listener])


IMPATIENT = {"CHATD_HEARTBEAT__INTERVAL_S": "1", "CHATD_HEARTBEAT__TIMEOUT_S": "3"}
PAGE = 12
"""Messages of 2 KB: more than the line passes while an answer would be waited for."""


@pytest.mark.parametrize("transport", ["plain", "tls"])
async def test_a_foreign_client_on_a_bad_line_is_kept(
    tmp_path: Path, transport: str
) -> None:
    """It is asked each second, and answers when it comes to that: behind a replay,
    behind a page of history, in a room that is busy, and in a quiet one.
    """
    arguments = options(tmp_path, transport)
    async with (
        running(tmp_path / "data", *arguments, env=IMPATIENT) as daemon,
        trio.open_nursery() as nursery,
    ):
        port = await nursery.start(bad_line, daemon.port, 5000)
        ssl_context = context(transport)
        slow_url = daemon.url.replace(str(daemon.port), str(port))
        async with (
            person(daemon.url, ssl=ssl_context) as quick,
            person(slow_url, ssl=ssl_context, ping_interval=None) as slow,
        ):
            await quick.hello(name="ann")
            await quick.ask(type="join", room="lobby")
            for _ in range(PAGE):
                await quick.ask(type="send", room="lobby", text="x" * 2000)
            await slow.hello(name="bob")
            await slow.say(type="join", room="lobby", last=PAGE)
            await slow.hear_until(type="caught_up")
            page = await slow.ask(type="history", room="lobby", limit=PAGE)
            assert len(page["messages"]) == PAGE
            for _ in range(PAGE):
                await quick.ask(type="send", room="lobby", text="y" * 2000)
            heard = [await slow.hear_until(type="message") for _ in range(PAGE)]
            assert {message["text"] for message in heard} == {"y" * 2000}
            assert (await slow.ask(type="ping"))["type"] == "ok"
            await slow.ask(type="logout")
        nursery.cancel_scope.cancel()
    assert "no_pong" not in daemon.log_text()


async def test_node_on_a_bad_line_is_kept(tmp_path: Path) -> None:
    """A whole conversation at 1 kB/s, with questions each second."""
    async with (
        running(tmp_path / "data", env=IMPATIENT) as daemon,
        trio.open_nursery() as nursery,
    ):
        port = await nursery.start(bad_line, daemon.port, 1000)
        with trio.fail_after(PATIENCE_S):
            done = await trio.run_process(
                ["node", str(FOREIGN / "talk.js"), f"ws://127.0.0.1:{port}/ws"],
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        nursery.cancel_scope.cancel()
        assert done.returncode == 0, done.stderr.decode()
        assert b"all is well" in done.stdout


async def test_our_own_client_speaks_tls(tmp_path: Path) -> None:
    """`chatd connect wss://` believes whom the system believes, and nobody else."""
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(secret.authority().cert_pem.bytes())
    arguments = options(tmp_path, "tls")
    async with running(tmp_path / "data", *arguments) as daemon:
        for env, status in (({"SSL_CERT_FILE": str(trusted)}, 0), ({}, 69)):
            command = [sys.executable, "-m", "chatd", "connect", daemon.url]
            with trio.fail_after(PATIENCE_S):
                done = await trio.run_process(
                    [*command, "--name", "ann", "--room", "lobby"],
                    stdin=b"secret words\n",
                    capture_stdout=True,
                    capture_stderr=True,
                    check=False,
                    env={"PATH": "/usr/bin", **env},
                )
            assert done.returncode == status, (done.stdout, done.stderr)
            assert (b"secret words" in done.stdout) is (status == 0)


def test_a_pair_that_is_none_is_said_before_anything_else(tmp_path: Path) -> None:
    """`chatd serve` ends with the key of the configuration and the reason."""
    arguments = options(tmp_path, "tls")
    (tmp_path / "key.pem").write_text("no key\n")
    command = [sys.executable, "-m", "chatd", "serve", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 78
    assert f"server.tls_key: {tmp_path / 'key.pem'}" in done.stderr
    assert not (tmp_path / "data").exists()
