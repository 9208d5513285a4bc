"""A reader who does not keep up, over plain sockets and over TLS."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.live.daemon import PATIENCE_S, person, running
from tests.net import secret

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
    assert "server.tls_cert, server.tls_key: " in done.stderr
    assert not (tmp_path / "data").exists()
