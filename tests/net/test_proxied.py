"""A listener behind a proxy that passes bytes on."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
import trio
import trio.testing

from chatd.config.values import Network, UnixAddress, parse_network
from chatd.core.quota import Buckets
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.proxyproto import HEAD_S, SIGNATURE
from chatd.net.routing import HttpConfig
from chatd.net.trouble import Cause, Trouble
from tests.net.echo import closing, frames_of, text
from tests.net.echo_server import ROUTES
from tests.net.edge import UPGRADE, edge
from tests.net.secret import server_context
from tests.net.test_proxyproto import head, line

HERE = [parse_network("127.0.0.1")]
idle = trio.testing.wait_all_tasks_blocked


def behind(*networks: str) -> HttpConfig:
    """The routes, where this machine is a trusted proxy, and maybe others are."""
    trusted: list[Network] = [*HERE, *map(parse_network, networks)]
    return HttpConfig(routes=ROUTES, trusted_proxies=trusted)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("told", "source"),
    [
        (head("192.0.2.7", more=b"\x04\x00\x01x"), "192.0.2.7"),
        (head("2001:db8::7"), "2001:db8::7"),
        (line("TCP4 192.0.2.7 127.0.0.1 40000 443"), "192.0.2.7"),
        (line("TCP6 2001:DB8::7 ::1 40000 443"), "2001:db8::7"),
        (line("TCP6 ::ffff:192.0.2.7 ::1 40000 443"), "192.0.2.7"),
    ],
)
async def test_a_trusted_proxys_head_is_believed(
    told: bytes, source: str, tls: bool
) -> None:
    """It stands before TLS and HTTP, and what follows is untouched."""
    context = server_context() if tls else None
    async with edge(http=behind(), proxied=True, tls=context) as server:
        peer = await server.upgraded(told=told)
        (stream,) = server.host.outlets
        assert stream.address == source
        await peer.send(text("hi") + closing())
        await peer.rest()
        assert next(frames_of(peer.seen)) == (1, b"hi")
        peer.sock.close()
        assert not server.watcher.troubles


@pytest.mark.parametrize("told", [head(), line("TCP4 192.0.2.7 192.0.2.8 1 2")])
async def test_a_head_may_come_with_what_follows_or_in_pieces(told: bytes) -> None:
    """Not a byte of the request is lost, wherever the segments end."""
    async with edge(http=behind(), proxied=True) as server:
        request = told + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert b"hello" in await server.ask(request)
        for cut in (1, 12, 15, 16, 17, len(told) - 1, len(told), len(told) + 1):
            peer = await server.dial()
            await peer.send(request, (cut,))
            assert b"hello" in await peer.rest()
            peer.sock.close()
        peer = await server.dial()
        await peer.send(request, tuple(range(1, len(told) + 5)))
        assert b"hello" in await peer.rest()
        peer.sock.close()


async def test_whoever_is_no_trusted_proxy_is_not_heard() -> None:
    """With a head as well as without: it is closed, and one line says why."""
    http = HttpConfig(routes=ROUTES, trusted_proxies=[parse_network("192.0.2.1")])
    async with edge(http=http, proxied=True) as server:
        for request in (head() + b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            assert await server.ask(request) == b""
        assert server.watcher.troubles == [Trouble(Cause.NOT_A_PROXY, "127.0.0.1")] * 2
        assert server.listener.limiter == ConnectionLimiter(0, 0)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "does not begin"),
        (line("TCP4 192.0.2.7 192.0.2.8 40000 65536"), "a port is above 65535"),
        (line("TCP4 192.0.2.7 192.0.2.8 40000 443", "\n"), "as version 1 has it"),
        (head(version=3), "version 3"),
        (head(size=600), "616 bytes, at most 536"),
        (SIGNATURE[:7], "ended before its head was whole"),
    ],
)
async def test_a_proxy_without_a_right_head_is_closed(sent: bytes, why: str) -> None:
    """There is no mixed mode, and nothing is answered."""
    async with edge(http=behind(), proxied=True) as server:
        peer = await server.dial()
        await peer.send(sent)
        if sent == SIGNATURE[:7]:
            peer.sock.shutdown(socket.SHUT_WR)
        assert await peer.rest() == b""
        peer.sock.close()
        (trouble,) = server.watcher.troubles
        assert (trouble.cause, trouble.where) == (Cause.PROXY_HEAD, "127.0.0.1")
        assert why in trouble.detail
        (await server.upgraded(told=head())).sock.close()
        assert not server.watcher.bugs


async def test_a_head_has_two_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """For all of it, however often a byte comes."""
    autojump_clock.autojump_threshold = 0.01
    async with edge(http=behind(), proxied=True) as server:
        peer = await server.dial()
        started = trio.current_time()
        for at in range(len(head())):
            await peer.send(head()[at : at + 1])
            await trio.sleep(0.1)
            if server.watcher.troubles:
                break
        assert HEAD_S <= trio.current_time() - started <= HEAD_S + 0.2
        late = Trouble(Cause.PROXY_HEAD, "127.0.0.1", "no whole head came in 2 s")
        assert server.watcher.troubles == [late]
        await peer.rest()
        peer.sock.close()


async def test_a_proxy_that_goes_away_is_no_bug() -> None:
    """A health check that only connects leaves nothing; a reset neither."""
    async with edge(http=behind(), proxied=True) as server:
        peer = await server.dial()
        peer.sock.close()
        peer = await server.dial()
        await peer.send(SIGNATURE[:3])
        reset = struct.pack("ii", 1, 0)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        peer.sock.close()
        await idle()
        assert len(server.watcher.troubles) == 2
        assert server.listener.limiter == ConnectionLimiter(0, 0)
        assert not server.watcher.bugs


@pytest.mark.parametrize(
    "told", [head("", command=0, transport=0), line("UNKNOWN"), line("UNKNOWN 1 2 3 4")]
)
async def test_a_proxys_own_connection_is_its_own(told: bytes) -> None:
    """LOCAL and UNKNOWN, as health checks say: the socket's address, and no limit."""
    async with edge(
        http=behind(), proxied=True, limiter=ConnectionLimiter(0, 1)
    ) as server:
        request = told + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        peers = [await server.connect(told) for _ in range(3)]
        await idle()
        assert server.listener.limiter.by_key == {}
        assert b"hello" in await server.ask(request)
        for peer in peers:
            peer.sock.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_limits_count_by_the_address_that_was_told(tls: bool) -> None:
    """At once, before TLS and HTTP; IPv6 by /64."""
    limiter = ConnectionLimiter(0, 2, Buckets(1.0, 4))
    context = server_context() if tls else None
    async with edge(
        http=behind(), proxied=True, limiter=limiter, tls=context
    ) as server:
        peers = [
            await server.upgraded(told=head(source))
            for source in ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1")
        ]
        assert limiter.by_key == {"2001:db8:0:1::/64": 2, "2001:db8:0:2::/64": 1}
        late = await server.dial()
        await late.send(head("2001:db8:0:1:ffff::"))
        answer = await late.rest()
        assert answer.startswith(b"HTTP/1.1 503 " if not tls else b"")
        assert bool(answer) is not tls
        late.sock.close()
        assert server.watcher.refusals == [("2001:db8:0:1:ffff::", 503)]
        for peer in peers:
            peer.sock.close()
        await idle()
        assert limiter.by_key == {}


async def test_behind_two_proxies_the_inner_one_tells_of_the_outer() -> None:
    """Its head names a trusted proxy, and that one's header the client."""
    async with edge(http=behind("198.51.100.0/24"), proxied=True) as server:
        told, forwarded = (
            head("198.51.100.9"),
            "X-Forwarded-For: 1.2.3.4, 192.0.2.7\r\n",
        )
        peer = await server.upgraded(forwarded, told=told)
        assert server.host.outlets[0].address == "192.0.2.7"
        stranger = await server.upgraded(forwarded, told=head("203.0.113.5"))
        assert server.host.outlets[1].address == "203.0.113.5"
        for one in (peer, stranger):
            one.sock.close()


async def test_a_proxy_may_come_through_a_unix_socket(tmp_path: Path) -> None:
    """Whoever may open it is a proxy, and its clients have their own addresses."""
    address = UnixAddress(str(tmp_path / "sock"))
    async with edge(address=address, http=behind(), proxied=True) as server:
        one = await server.upgraded(told=head("192.0.2.7"))
        two = await server.upgraded(told=head("unix"))
        assert [stream.address for stream in server.host.outlets] == [
            "192.0.2.7",
            "unix",
        ]
        for peer in (one, two):
            peer.sock.close()


async def test_without_the_setting_a_head_is_no_request() -> None:
    """A proxy that is configured otherwise is refused, and the operator told why."""
    async with edge(http=behind()) as server:
        for told in (head(), line("TCP4 192.0.2.7 192.0.2.8 40000 443")):
            answer = await server.ask(told + (UPGRADE + "\r\n").encode())
            assert answer.startswith(b"HTTP/1.1 400 ")
        stray = Trouble(Cause.STRAY_PROXY_HEAD, "127.0.0.1")
        assert server.watcher.troubles == [stray, stray]
