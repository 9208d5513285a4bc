"""Foreign proxies in front of a real daemon, each as a process of its own.

They listen on loopback, keep their files in a temporary directory, need no privilege
and are ended by their pid.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.live.daemon import PATIENCE_S


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


@asynccontextmanager
async def program(
    *command: str, ports: list[int], log: Path
) -> AsyncIterator[trio.Process]:
    """Run a program for a block, which begins when it listens on its ports."""
    with log.open("wb") as output:
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        with trio.fail_after(PATIENCE_S):
            for port in ports:
                await _listens(port, process, log)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        with trio.CancelScope(shield=True):
            with trio.move_on_after(PATIENCE_S):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()


def said(log: Path) -> str:
    """What a program has written."""
    return log.read_text()


async def _listens(port: int, process: trio.Process, log: Path) -> None:
    while True:
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
        except OSError:
            assert process.poll() is None, said(log)
            await trio.sleep(0.02)  # Nobody listens there yet.
        else:
            await stream.aclose()
            return


@asynccontextmanager
async def nginx(directory: Path, config: str, ports: list[int]) -> AsyncIterator[None]:
    """Run nginx with the blocks of a configuration."""
    file, log = directory / "nginx.conf", directory / "nginx.log"
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"
    file.write_text(
        f"load_module {module};\ndaemon off;\nmaster_process off;\n"
        f"pid {directory}/nginx.pid;\nerror_log stderr;\nevents {{}}\n{config}"
    )
    # Debian's has it where users find it only who are root.
    command = ("/usr/sbin/nginx", "-p", str(directory), "-c", str(file))
    async with program(*command, "-e", "stderr", ports=ports, log=log):
        yield


@asynccontextmanager
async def haproxy(
    directory: Path, config: str, ports: list[int]
) -> AsyncIterator[Path]:
    """Run HAProxy; yields the socket on which it tells how its servers are."""
    file, log, stats = (directory / f"haproxy.{end}" for end in ("cfg", "log", "sock"))
    file.write_text(
        f"global\n stats socket {stats}\n"
        "defaults\n timeout connect 10s\n timeout client 1m\n timeout server 1m\n"
        # How often it asks is not how long it waits for an answer.
        f" timeout check {PATIENCE_S:.0f}s\n"
        f"{config}"
    )
    command = ("/usr/sbin/haproxy", "-db", "-f", str(file))
    async with program(*command, ports=ports, log=log):
        with trio.fail_after(PATIENCE_S):
            while not await trio.Path(stats).is_socket():  # noqa: ASYNC110
                await trio.sleep(0.01)  # It gets its name after the ports listen.
        yield stats


async def checked(stats: Path, server: str, **wanted: str) -> None:
    """Wait until HAProxy's health checks of a server come to this.

    What the first ones say is no matter: a daemon may have no time for them yet.
    """
    with trio.fail_after(PATIENCE_S):
        while True:
            if wanted.items() <= (await _health(stats, server)).items():
                return
            await trio.sleep(0.02)


async def _health(stats: Path, server: str) -> dict[str, str]:
    """What HAProxy tells of a server."""
    async with await trio.open_unix_socket(stats) as stream:
        await stream.send_all(b"show stat\n")
        told = b""
        while part := await stream.receive_some(65536):
            told += part
    names, *rows = [line.split(",") for line in told.decode().splitlines()]
    found = [dict(zip(names, row, strict=False)) for row in rows]
    (one,) = [row for row in found if row.get("svname") == server]
    return one


@asynccontextmanager
async def stunnel(
    directory: Path, config: str, ports: list[int]
) -> AsyncIterator[None]:
    """Run stunnel with the services of a configuration."""
    file, log = directory / "stunnel.conf", directory / "stunnel.log"
    file.write_text(f"foreground = yes\npid =\nsyslog = no\n{config}")
    async with program("stunnel4", str(file), ports=ports, log=log):
        yield


@asynccontextmanager
async def caddy(directory: Path, config: str, ports: list[int]) -> AsyncIterator[None]:
    """Run Caddy with the sites of a Caddyfile."""
    file, log = directory / "Caddyfile", directory / "caddy.log"
    file.write_text(f"{{\n admin off\n auto_https off\n}}\n{config}")
    # It keeps what it knows where its user is at home.
    homes = [f"{name}={directory}" for name in ("HOME", "XDG_DATA_HOME")]
    command = ("env", *homes, "caddy", "run", "--config", str(file))
    async with program(*command, "--adapter", "caddyfile", ports=ports, log=log):
        yield
