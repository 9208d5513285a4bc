from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from chatd.config.values import Address, TcpAddress, UnixAddress
from chatd.core.quota import Buckets
from chatd.net.answer import Response
from chatd.net.http import IDLE_S
from chatd.net.monitor import CONNECTIONS_MAX, Monitor
from chatd.net.routing import HttpConfig
from chatd.net.sockets import listen_on
from chatd.net.trouble import Cause, Trouble
from tests.net.echo_server import Watcher
from tests.net.edge import UPGRADE

idle = trio.testing.wait_all_tasks_blocked
GET = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"
LAST = b"Connection: close\r\n\r\n"


def numbers(_method: str) -> Response:
    """What a scraper comes for."""
    return Response(200, "text/plain", b"chatd_connections 1.0\n")


def bug(_method: str) -> Response:
    """What must not end the daemon."""
    raise LookupError


@attrs.define(eq=False)
class Watched:
    """A running monitor."""

    monitor: Monitor
    watcher: Watcher
    address: Address

    async def dial(self, source: str = "127.0.0.1") -> trio.socket.SocketType:
        """Connect from an address of this machine."""
        if isinstance(self.address, UnixAddress):
            sock = trio.socket.socket(trio.socket.AF_UNIX)
            await sock.connect(self.address.path)
            return sock
        assert isinstance(self.address, TcpAddress)
        sock = trio.socket.socket()
        await sock.bind((source, 0))
        await sock.connect((self.address.host, self.address.port))
        return sock

    async def ask(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        """Send bytes, and read until the server ends."""
        with await self.dial(source) as sock:
            await sock.send(request)
            return await rest(sock)


async def rest(sock: trio.socket.SocketType) -> bytes:
    """Read until the server ends."""
    seen = b""
    while data := await sock.recv(65536):
        seen += data
    return seen


@asynccontextmanager
async def watched(
    address: Address = TcpAddress("127.0.0.1", 0),  # noqa: B008 - a value
    rate: Buckets | None = None,
) -> AsyncIterator[Watched]:
    """Serve the numbers on one address."""
    routes = {"/metrics": numbers, "/bug": bug}
    # An empty table of buckets is false.
    requests = Buckets(0.0, 0.0) if rate is None else rate
    http = HttpConfig(routes=routes, requests=requests)
    watcher = Watcher()
    monitor = Monitor(http=http, observer=watcher)
    listening = listen_on([address], {})
    async with trio.open_nursery() as nursery:
        await nursery.start(monitor.serve, listening)
        yield Watched(monitor, watcher, listening[0].address)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + LAST, 200),
        (b"HEAD" + GET[3:] + LAST, 200),
        (b"OPTIONS" + GET[3:] + LAST, 200),
        (b"POST" + GET[3:] + LAST, 405),
        (GET + b"Upgrade: websocket\r\nConnection: close, Upgrade\r\n\r\n", 200),
        ((UPGRADE + "\r\n").encode(), 404),
        ((UPGRADE + "\r\n").replace("/ws", "/").encode(), 404),
        (b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_it_has_its_routes_and_nothing_else(request_: bytes, status: int) -> None:
    """No page, no health, and above all no way to the chat."""
    async with watched() as server:
        answer = await server.ask(request_)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert not server.watcher.bugs
        await idle()
        refused = [("127.0.0.1", status)] if status >= 400 else []
        assert server.watcher.refusals == refused


@pytest.mark.parametrize("begun", [b"", b"GET /met", GET, GET + b"\r\n"])
async def test_nobody_can_fill_it(begun: bytes) -> None:
    """Whoever holds all places, saying nothing, half a request or one whole, keeps
    no scraper away, from the same address or another; and the scraper stays.
    """
    async with watched() as server:
        crowd = [await server.dial() for _ in range(3 * CONNECTIONS_MAX)]
        for sock in crowd:
            try:
                await sock.send(begun or b"G")
            except OSError:
                continue
        await idle()
        for source in ("127.0.0.1", "127.0.0.2"):
            assert (await server.ask(GET + LAST, source)).startswith(b"HTTP/1.1 200 ")
        kept = await server.dial("127.0.0.3")
        await kept.send(GET + b"\r\n")
        assert b"chatd_connections" in await kept.recv(65536)
        crowd += [await server.dial() for _ in range(3 * CONNECTIONS_MAX)]
        await idle()
        assert len(server.monitor._open) == CONNECTIONS_MAX
        await kept.send(GET + LAST)
        assert b"chatd_connections" in await rest(kept)
        for sock in (*crowd, kept):
            sock.close()
        await idle()
        assert not server.monitor._open
        assert not server.watcher.bugs


async def test_a_connection_between_requests_ends(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """After a while, as everywhere."""
    autojump_clock.autojump_threshold = 0.05
    async with watched() as server:
        with await server.dial() as sock:
            await sock.send(GET + b"\r\n")
            started = trio.current_time()
            assert b"chatd_connections" in await rest(sock)
            assert IDLE_S - 1 <= trio.current_time() - started <= IDLE_S + 2
        await idle()
        assert not server.monitor._open


async def test_it_has_a_rate_by_address() -> None:
    """Making the numbers costs a millisecond or two."""
    async with watched(rate=Buckets(0.1, 2)) as server:
        statuses = [(await server.ask(GET + LAST))[9:12] for _ in range(3)]
        assert statuses == [b"200", b"200", b"429"]
        assert (await server.ask(GET + LAST, "127.0.0.2"))[9:12] == b"200"
        assert server.watcher.troubles == [Trouble(Cause.REQUESTS_PER_S, "127.0.0.1")]


async def test_a_unix_socket_serves_it_too(tmp_path: Path) -> None:
    """Without a rate: who may open it is the operator's decision."""
    address = UnixAddress(str(tmp_path / "metrics"))
    async with watched(address, rate=Buckets(0.1, 1)) as server:
        for _ in range(3):
            assert (await server.ask(GET + LAST))[9:12] == b"200"


async def test_a_bug_in_a_route_ends_that_connection_only() -> None:
    """The firewall reports it."""
    async with watched() as server:
        assert await server.ask(b"GET /bug HTTP/1.1\r\nHost: a\r\n\r\n") == b""
        assert len(server.watcher.bugs) == 1
        assert (await server.ask(GET + LAST)).startswith(b"HTTP/1.1 200 ")


async def test_it_stops_when_it_is_told() -> None:
    """Connections that wait for a request end, and then `serve`."""
    listening = listen_on([TcpAddress("127.0.0.1", 0)], {})
    monitor = Monitor(http=HttpConfig(routes={"/metrics": numbers}), observer=Watcher())
    where = listening[0].sock.getsockname()
    async with trio.open_nursery() as nursery:
        await nursery.start(monitor.serve, listening)
        sock = trio.socket.socket()
        await sock.connect(where)
        await sock.send(GET + b"\r\n")
        assert b"chatd_connections" in await sock.recv(65536)
        monitor.stop_accepting()
        assert await sock.recv(1) == b""
        sock.close()
