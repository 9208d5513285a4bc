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
from chatd.net.census import Census
from chatd.net.http import Site
from chatd.net.proxyproto import HEAD_S, SIGNATURE
from tests.net.echo import closing, frames_of, text
from tests.net.echo_server import ROUTES
from tests.net.edge import UPGRADE, edge
from tests.net.secret import server_context
from tests.net.test_proxyproto import head

HERE = [parse_network("127.0.0.1")]
idle = trio.testing.wait_all_tasks_blocked


def behind(*networks: str) -> Site:
    """A site that trusts this machine, and maybe others."""
    trusted: list[Network] = [*HERE, *map(parse_network, networks)]
    return Site(routes=ROUTES, trusted_proxies=trusted)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("source", ["192.0.2.7", "2001:db8::7"])
async def test_a_trusted_proxys_head_is_believed(source: str, tls: bool) -> None:
    """It stands before TLS and HTTP, and what follows is untouched."""
    context = server_context() if tls else None
    async with edge(site=behind(), proxied=True, tls=context) as server:
        peer = await server.upgraded(told=head(source, more=b"\x04\x00\x01x"))
        (door,) = server.host.outlets
        assert door.address == source
        await peer.send(text("hi") + closing())
        await peer.rest()
        assert next(frames_of(peer.seen)) == (1, b"hi")
        peer.sock.close()
        assert not server.watcher.strangers


async def test_a_head_may_come_with_what_follows_or_in_pieces() -> None:
    """Not a byte of the request is lost, wherever the segments end."""
    told = head()
    async with edge(site=behind(), proxied=True) as server:
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
    site = Site(routes=ROUTES, trusted_proxies=[parse_network("192.0.2.1")])
    async with edge(site=site, proxied=True) as server:
        for request in (head() + b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            assert await server.ask(request) == b""
        why = "it is not one of server.trusted_proxies"
        assert server.watcher.strangers == [("127.0.0.1", why)] * 2
        assert server.listener.census == Census(0, 0)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "signature"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.8 40000 443\r\n", "signature"),
        (head(version=3), "version 3"),
        (head(size=600), "616 bytes, at most 536"),
        (SIGNATURE[:7], "ended before its head was whole"),
    ],
)
async def test_a_proxy_without_a_right_head_is_closed(sent: bytes, why: str) -> None:
    """There is no mixed mode, and nothing is answered."""
    async with edge(site=behind(), proxied=True) as server:
        peer = await server.dial()
        await peer.send(sent)
        if sent == SIGNATURE[:7]:
            peer.sock.shutdown(socket.SHUT_WR)
        assert await peer.rest() == b""
        peer.sock.close()
        ((address, said),) = server.watcher.strangers
        assert address == "127.0.0.1"
        assert why in said
        (await server.upgraded(told=head())).sock.close()
        assert not server.watcher.bugs


async def test_a_head_has_two_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """For all of it, however often a byte comes."""
    autojump_clock.autojump_threshold = 0.01
    async with edge(site=behind(), proxied=True) as server:
        peer = await server.dial()
        started = trio.current_time()
        for at in range(len(head())):
            await peer.send(head()[at : at + 1])
            await trio.sleep(0.1)
            if server.watcher.strangers:
                break
        assert HEAD_S <= trio.current_time() - started <= HEAD_S + 0.2
        assert server.watcher.strangers == [("127.0.0.1", "no whole head came in 2 s")]
        await peer.rest()
        peer.sock.close()


async def test_a_proxy_that_goes_away_is_no_bug() -> None:
    """A health check that only connects leaves nothing; a reset neither."""
    async with edge(site=behind(), proxied=True) as server:
        peer = await server.dial()
        peer.sock.close()
        peer = await server.dial()
        await peer.send(SIGNATURE[:3])
        reset = struct.pack("ii", 1, 0)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        peer.sock.close()
        await idle()
        assert len(server.watcher.strangers) == 2
        assert server.listener.census == Census(0, 0)
        assert not server.watcher.bugs


async def test_a_proxys_own_connection_is_its_own() -> None:
    """LOCAL, as its health checks say: the socket's address, and no limit."""
    async with edge(site=behind(), proxied=True, census=Census(0, 1)) as server:
        told = head("", command=0, transport=0)
        request = told + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        peers = [await server.connect(told) for _ in range(3)]
        await idle()
        assert server.listener.census.by_key == {}
        assert b"hello" in await server.ask(request)
        for peer in peers:
            peer.sock.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_limits_count_by_the_address_that_was_told(tls: bool) -> None:
    """At once, before TLS and HTTP; IPv6 by /64."""
    census = Census(0, 2, Buckets(1.0, 4))
    context = server_context() if tls else None
    async with edge(site=behind(), proxied=True, census=census, tls=context) as server:
        peers = [
            await server.upgraded(told=head(source))
            for source in ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1")
        ]
        assert census.by_key == {"2001:db8:0:1::/64": 2, "2001:db8:0:2::/64": 1}
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
        assert census.by_key == {}


async def test_behind_two_proxies_the_inner_one_tells_of_the_outer() -> None:
    """Its head names a trusted proxy, and that one's header the client."""
    async with edge(site=behind("198.51.100.0/24"), proxied=True) as server:
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
    async with edge(address=address, site=behind(), proxied=True) as server:
        one = await server.upgraded(told=head("192.0.2.7"))
        two = await server.upgraded(told=head("unix"))
        assert [door.address for door in server.host.outlets] == ["192.0.2.7", "unix"]
        for peer in (one, two):
            peer.sock.close()


async def test_without_the_setting_a_head_is_no_request() -> None:
    """A proxy that is configured otherwise than the daemon finds out at once."""
    async with edge(site=behind()) as server:
        answer = await server.ask(head() + (UPGRADE + "\r\n").encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
