from __future__ import annotations

import pytest
import trio
import trio.testing

from chatd.config.values import parse_network
from chatd.net.census import Census
from chatd.net.http import Site
from tests.net.echo import closing, masked, text
from tests.net.echo_server import ROUTES
from tests.net.edge import UPGRADE, edge


def status(answer: bytes) -> int:
    """The status of the first response."""
    return int(answer.split(b" ", 2)[1])


GET = "GET / HTTP/1.1\r\nHost: a\r\n"
LAST = "Connection: close\r\n\r\n"


async def test_a_route_is_answered_with_its_body() -> None:
    """With its length, its type and nothing to be cached."""
    async with edge() as server:
        answer = await server.ask(GET + LAST)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) == 200
    assert body == b"hello\n"
    assert b"Content-Length: 6\r\n" in head + b"\r\n"
    assert b"Cache-Control: no-store" in head
    assert head.count(b"X-Content-Type-Options: nosniff") == 1
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_head_has_no_body() -> None:
    """Not for a route, and not for a refusal."""
    async with edge() as server:
        for path in ("/", "/nowhere"):
            answer = await server.ask(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n{LAST}")
            assert answer.endswith(b"\r\n\r\n")
            assert b"Content-Length: " in answer
        assert server.watcher.bugs == []


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            413,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n", 413),
        ("GET /" + "x" * 2048 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (GET + "A: b\r\n" * 64 + "\r\n", 431),
        (GET + "A: " + "b" * 17_000, 431),
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (UPGRADE.replace("/ws", "/elsewhere") + "\r\n", 404),
        (UPGRADE.replace("13", "8") + "\r\n", 426),
        (UPGRADE.replace("GET", "POST") + "\r\n", 405),
        (UPGRADE.replace("HTTP/1.1", "HTTP/1.0") + "\r\n", 400),
        (UPGRADE + "Origin: https://evil.example\r\n\r\n", 403),
        (UPGRADE + "Origin: null\r\n\r\n", 403),
        (UPGRADE + "Content-Length: 3\r\n\r\nabc", 400),
    ],
)
async def test_each_refusal_has_its_status_and_closes(
    request_: str, expected: int
) -> None:
    """An answer that can be read, then the end, and the server goes on."""
    async with edge() as server:
        answer = await server.ask(request_)
        assert status(answer) == expected
        assert b"Connection: close" in answer
        assert await server.echoes()
        assert server.watcher.bugs == []
        assert ("127.0.0.1", expected) in server.watcher.refusals


async def test_405_says_what_is_allowed() -> None:
    """In Allow."""
    async with edge() as server:
        answer = await server.ask("PUT / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"Allow: GET, HEAD\r\n" in answer


async def test_requests_may_follow_each_other() -> None:
    """Kept alive, pipelined, in pieces, and upgraded in the end."""
    async with edge() as server:
        peer = await server.connect()
        with peer.sock:
            request = (GET + "\r\n").encode()
            await peer.send(request * 2 + request[:9])
            await peer.send(request[9:])
            while peer.seen.count(b"hello\n") < 3:
                await peer.until(len(peer.seen) + 1)
            peer.seen = b""
            await peer.send((UPGRADE + "\r\n").encode() + text("at once") + closing())
            await peer.handshake()
            await peer.rest()
        assert peer.frames() == [(1, b"at once"), (8, b"\x03\xe8")]


async def test_an_upgrade_at_the_root_is_a_websocket() -> None:
    """And without one it is a page."""
    async with edge() as server:
        peer = await server.upgraded(path="/?query=1")
        with peer.sock:
            await peer.send(masked(0x01, b"a") + masked(0x80, b"b") + closing())
            await peer.rest()
        assert peer.frames()[0] == (1, b"ab")
        assert status(await server.ask(GET + LAST)) == 200


async def test_the_subprotocol_is_answered_only_where_it_was_offered() -> None:
    """A client that offers none would fail on one."""
    async with edge() as server:
        for offered, answered in (
            ("Sec-WebSocket-Protocol: chatd.v1\r\n", True),
            ("Sec-WebSocket-Protocol: other, chatd.v1\r\n", True),
            ("Sec-WebSocket-Protocol: other\r\n", False),
            ("", False),
        ):
            peer = await server.connect()
            with peer.sock:
                await peer.send((UPGRADE + offered + "\r\n").encode() + closing())
                head = (await peer.rest()).partition(b"\r\n\r\n")[0].lower()
            assert head.startswith(b"http/1.1 101 ")
            assert (b"sec-websocket-protocol: chatd.v1" in head) is answered
            assert b"s3pplmbitxaq9kygzzhzrbk+xoo=" in head


async def test_a_bearer_reaches_the_host_and_the_address_is_the_clients() -> None:
    """Through a trusted proxy, and never in a repr."""
    site = Site(routes=ROUTES, trusted_proxies=[parse_network("127.0.0.0/8")])
    async with edge(site=site) as server:
        peer = await server.upgraded(
            "Authorization: Bearer s3cret\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.9\r\n"
        )
        with peer.sock:
            (door,) = server.host.outlets
            assert door.bearer == "s3cret"
            assert door.address == "192.0.2.9"
            assert "s3cret" not in repr(door)


async def test_the_public_origin_may_connect() -> None:
    """What the operator allowed, whatever the host header says."""
    site = Site(routes=ROUTES, allowed_origins=["https://chat.example.org"])
    async with edge(site=site) as server:
        peer = await server.upgraded("Origin: https://chat.example.org\r\n")
        peer.sock.close()
        peer = await server.upgraded("Origin: http://localhost\r\n")
        peer.sock.close()


async def test_a_slow_head_is_cut_after_ten_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A byte now and then does not keep a connection."""
    autojump_clock.autojump_threshold = 0.05
    async with edge() as server:
        peer = await server.connect()
        started = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def trickle() -> None:
                for byte in GET.encode() * 20:
                    await trio.sleep(0.9)
                    await peer.send(bytes([byte]))

            nursery.start_soon(trickle)
            assert await peer.rest() == b""
            assert 9.9 <= trio.current_time() - started <= 12
            nursery.cancel_scope.cancel()
        peer.sock.close()


async def test_silence_between_requests_has_a_minute(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Then the connection ends without a word."""
    autojump_clock.autojump_threshold = 0.05
    async with edge() as server:
        peer = await server.connect()
        await peer.send((GET + "\r\n").encode())
        while b"hello\n" not in peer.seen:
            await peer.until(len(peer.seen) + 1)
        started = trio.current_time()
        await peer.rest()
        assert 59 <= trio.current_time() - started <= 62
        peer.sock.close()


async def test_a_port_scan_leaves_nothing() -> None:
    """Connecting and leaving, with or without half a request, ends at once."""
    async with edge(census=Census(4, 4)) as server:
        for part in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"):
            for _ in range(10):
                peer = await server.connect()
                await peer.send(part)
                peer.sock.close()
                await trio.testing.wait_all_tasks_blocked()
        assert await server.echoes()
        assert server.watcher.bugs == []


async def test_a_bug_in_a_route_ends_that_connection_only() -> None:
    """The firewall reports it, and the server goes on."""

    def broken(method: str) -> object:
        raise LookupError(method)

    site = Site(routes={**ROUTES, "/bug": broken})  # type: ignore[dict-item]
    async with edge(site=site) as server:
        assert await server.ask("GET /bug HTTP/1.1\r\nHost: a\r\n\r\n") == b""
        assert len(server.watcher.bugs) == 1
        assert await server.echoes()
