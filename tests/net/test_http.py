from __future__ import annotations

import pytest
import trio
import trio.testing

from chatd.config.values import parse_network
from chatd.core.quota import Buckets
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.routing import HttpConfig
from chatd.net.trouble import Cause, Trouble
from tests.net.echo import closing, masked, text
from tests.net.echo_server import ROUTES
from tests.net.edge import UPGRADE, edge


def status(answer: bytes) -> int:
    """The status of the first response."""
    return int(answer.split(b" ", 2)[1])


def fields(answer: bytes, name: str) -> list[str]:
    """The values of a header of the first response."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    pairs = [line.split(": ", 1) for line in lines]
    return [value for key, value in pairs if key.lower() == name]


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


async def test_every_answer_has_its_date() -> None:
    """As RFC 9110 section 6.6.1 asks of whoever has a clock; a 503 and a 400, too."""
    http = HttpConfig(routes=ROUTES, wall=lambda: 784_111_777.0)
    async with edge(http=http, limiter=ConnectionLimiter(1, 0)) as server:
        for request in (
            GET + LAST,
            "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n" + LAST,
            "nonsense\r\n\r\n",
        ):
            answer = await server.ask(request)
            assert fields(answer, "date") == ["Sun, 06 Nov 1994 08:49:37 GMT"], request
            await trio.testing.wait_all_tasks_blocked()
        one = await server.upgraded()
        answer = await server.ask("")
        assert status(answer) == 503
        assert fields(answer, "date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]
        one.sock.close()


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
        ("GET /" + "x" * 8192 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET /" + "x" * 8000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (GET + "A: b\r\n" * 64 + "\r\n", 431),
        (GET + "A: " + "b" * 17_000, 431),
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/0.9\r\n\r\n", 505),
        ("GET /\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: \xff\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA(: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (GET + "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", 400),
        (GET + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (
            GET + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            413,
        ),
        ("OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", 413),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ws HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("OPTIONS /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("PATCH /ws HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("\r\n\r\n" + GET + "\r\n", 400),
        (GET + "A: " + "b" * 16_384 + "\r\n\r\n", 431),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (UPGRADE.replace("/ws", "/elsewhere") + "\r\n", 404),
        (UPGRADE.replace("13", "8") + "\r\n", 426),
        (UPGRADE.replace("GET", "POST") + "\r\n", 405),
        (UPGRADE.replace("HTTP/1.1", "HTTP/1.0") + "\r\n", 426),
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
        answer = await server.ask(request_.encode("latin-1"))
        assert status(answer) == expected
        assert b"Connection: close" in answer
        assert await server.echoes()
        assert server.watcher.bugs == []
        assert ("127.0.0.1", expected) in server.watcher.refusals


@pytest.mark.parametrize(
    "target", ["/", "/healthz", "/ws", "*", "http://a", "http://a/ws", "//healthz/"]
)
async def test_options_says_what_is_allowed(target: str) -> None:
    """In Allow, without content."""
    async with edge() as server:
        answer = await server.ask(f"OPTIONS {target} HTTP/1.1\r\nHost: a\r\n{LAST}")
    assert status(answer) == 200
    assert fields(answer, "allow") == ["GET, HEAD, OPTIONS"]
    assert fields(answer, "content-length") == ["0"]
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("target", ["/", "/ws", "http://a/healthz"])
async def test_405_says_what_is_allowed(target: str) -> None:
    """In Allow, as section 15.5.6 of RFC 9110 asks."""
    async with edge() as server:
        answer = await server.ask(f"PUT {target} HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(answer) == 405
    assert fields(answer, "allow") == ["GET, HEAD, OPTIONS"]


async def test_a_health_check_by_http_1_0_is_answered() -> None:
    """HAProxy's `option httpchk` asks like this: no host, no version 1.1."""
    async with edge() as server:
        for request in ("OPTIONS / HTTP/1.0\r\n\r\n", "GET /healthz HTTP/1.0\r\n\r\n"):
            answer = await server.ask(request)
            assert status(answer) == 200
            assert fields(answer, "connection") == ["close"]


@pytest.mark.parametrize(
    "request_",
    [
        "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD //ws/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /ws HTTP/1.0\r\n\r\n",
        UPGRADE.replace("13", "8") + "\r\n",
    ],
)
async def test_426_names_upgrade_in_connection(request_: str) -> None:
    """It is meant for the next hop alone, as every Upgrade is."""
    async with edge() as server:
        answer = await server.ask(request_)
    assert status(answer) == 426
    assert fields(answer, "upgrade") == ["websocket"]
    options = ", ".join(fields(answer, "connection"))
    assert set(options.split(", ")) == {"close", "upgrade"}


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/ws", "/ws"),
        ("//ws", "/ws"),
        ("/ws/", "/ws"),
        ("/%77s", "/ws"),
        ("/chat/ws", "/ws"),
        ("/chat//ws/?a", "/ws"),
        ("/chat", "/"),
        ("/chat/", "/"),
        ("http://elsewhere.example/ws", "/ws"),
        ("http://elsewhere.example/chat/ws", "/ws"),
        ("http://elsewhere.example", "/"),
    ],
)
async def test_where_a_websocket_is(target: str, path: str) -> None:
    """In each spelling of its path, below the prefix and without it, or by a URL."""
    http = HttpConfig(routes=ROUTES, prefix="/chat")
    async with edge(http=http) as server:
        peer = await server.upgraded(path=target)
        peer.sock.close()
        answer = await server.ask(f"GET {target} HTTP/1.1\r\nHost: a\r\n{LAST}")
        assert status(answer) == (426 if path == "/ws" else 200)
        assert not server.watcher.bugs


@pytest.mark.parametrize(
    "path", ["/chatws", "/Chat/ws", "/chat/chat/ws", "/ws/ws", "/chat/../ws", "/%2Fws"]
)
async def test_where_none_is(path: str) -> None:
    """404, and the operator is told, who may have meant that path."""
    http = HttpConfig(routes=ROUTES, prefix="/chat")
    async with edge(http=http) as server:
        answer = await server.ask(UPGRADE.replace("/ws", path, 1) + "\r\n")
        assert status(answer) == 404
        assert server.watcher.troubles == [Trouble(Cause.PATH, path)]


async def test_routes_are_found_below_the_prefix_too() -> None:
    """What a proxy leaves of the path does not matter."""
    http = HttpConfig(routes=ROUTES, prefix="/a/b")
    async with edge(http=http) as server:
        for path, expected in (
            ("/healthz", 200),
            ("/a/b/healthz", 200),
            ("//a//b//healthz/", 200),
            ("/a/b", 200),
            ("/a/healthz", 404),
            ("/a/bhealthz", 404),
        ):
            answer = await server.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{LAST}")
            assert status(answer) == expected, path


async def test_a_client_is_told_whom_it_is_taken_for() -> None:
    """Where that is on, and below the prefix: by a trusted proxy's word, or its own."""
    trusted = [parse_network("127.0.0.0/8")]
    http = HttpConfig(
        routes=ROUTES, prefix="/a", address_path="/address", trusted_proxies=trusted
    )
    async with edge(http=http) as server:
        for path in ("/address", "/a/address"):
            answer = await server.ask(asking("192.0.2.1", path))
            assert answer.endswith(b"\r\n\r\n192.0.2.1\n")
        http.trusted_proxies = []
        assert b"\r\n\r\n127.0.0.1\n" in await server.ask(asking("192.0.2.1", path))
        refused = f"POST /address HTTP/1.1\r\nHost: a\r\n{LAST}"
        assert status(await server.ask(refused)) == 405
        http.address_path = ""
        assert status(await server.ask(asking("192.0.2.1", "/address"))) == 404


async def test_the_authority_of_a_url_replaces_the_host() -> None:
    """Also where it decides whose page it is. Source: RFC 9112 section 3.2.2."""
    async with edge() as server:
        page = UPGRADE + "Origin: http://127.0.0.1:1\r\n\r\n"
        there = page.replace("Host: localhost", "Host: 127.0.0.1:1")
        here = page.replace("GET /ws", "GET http://127.0.0.1:1/ws")
        away = there.replace("GET /ws", "GET http://chat.example.org/ws")
        for request, expected in ((page, 403), (there, 101), (here, 101), (away, 403)):
            peer = await server.connect()
            with peer.sock:
                await peer.send(request.encode() + closing())
                assert status(await peer.rest()) == expected
        no_host = "GET http://a/ HTTP/1.1\r\n\r\n"
        assert status(await server.ask(no_host)) == 400


async def test_a_later_minor_version_is_1_1() -> None:
    """Source: RFC 9110 section 2.5."""
    async with edge() as server:
        answer = await server.ask((GET + LAST).replace("1.1", "1.2", 1))
        assert status(answer) == 200
        peer = await server.connect()
        with peer.sock:
            await peer.send((UPGRADE.replace("/1.1", "/1.2") + "\r\n").encode())
            await peer.handshake()


async def test_one_empty_line_may_come_before_a_request() -> None:
    """Old clients send one behind a body; before an upgrade it is none of ours."""
    async with edge() as server:
        request = (GET + "\r\n").encode()
        peer = await server.connect()
        with peer.sock:
            await peer.send(b"\r\n" + request + b"\r\n" + request + b"\n")
            await peer.send((UPGRADE + "\r\n").encode() + text("hi") + closing())
            while peer.seen.count(b"hello\n") < 2:
                await peer.until(len(peer.seen) + 1)
            upgraded = (await peer.rest()).partition(b" 101 ")[2]
            peer.seen = upgraded.partition(b"\r\n\r\n")[2]
            assert peer.frames()[0] == (1, b"hi")


async def test_an_offer_of_another_protocol_is_declined_and_answered() -> None:
    """As curl's of h2c with its first request; the connection goes on."""
    async with edge() as server:
        peer = await server.connect()
        with peer.sock:
            offer = "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
            await peer.send((GET + offer + GET + LAST).encode())
            assert (await peer.rest()).count(b"hello\n") == 2


async def test_continuation_lines_are_one() -> None:
    """A folded header is a header. Source: RFC 9112 section 5.2."""
    async with edge() as server:
        answer = await server.ask(GET + "A: b\r\n c\r\n" + LAST)
    assert status(answer) == 200


async def test_who_waits_to_be_told_to_send_is_told_to_stop() -> None:
    """An expectation without a body is none; with one, the answer is the last."""
    async with edge() as server:
        answer = await server.ask(GET + "Expect: 100-continue\r\n" + LAST)
        assert status(answer) == 200
        post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
        answer = await server.ask(post + "Expect: 100-continue\r\n\r\n")
        assert status(answer) == 405


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
    http = HttpConfig(routes=ROUTES, trusted_proxies=[parse_network("127.0.0.0/8")])
    async with edge(http=http) as server:
        peer = await server.upgraded(
            "Authorization: Bearer s3cret\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.9\r\n"
        )
        with peer.sock:
            (stream,) = server.host.outlets
            assert stream.bearer == "s3cret"
            assert stream.address == "192.0.2.9"
            assert "s3cret" not in repr(stream)


async def test_the_public_origin_may_connect() -> None:
    """What the operator allowed, whatever the host header says."""
    http = HttpConfig(routes=ROUTES, allowed_origins=["https://chat.example.org"])
    async with edge(http=http) as server:
        peer = await server.upgraded("Origin: https://chat.example.org\r\n")
        peer.sock.close()
        peer = await server.upgraded("Origin: http://localhost\r\n")
        peer.sock.close()


async def test_a_slow_head_is_cut_after_ten_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A byte now and then does not keep a connection; silence is ended in silence."""
    autojump_clock.autojump_threshold = 0.05
    async with edge() as server:
        assert await server.ask("") == b""
        peer = await server.connect()
        started = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def trickle() -> None:
                for byte in GET.encode() * 20:
                    await trio.sleep(0.9)
                    await peer.send(bytes([byte]))

            nursery.start_soon(trickle)
            assert status(await peer.rest()) == 408
            assert 9.9 <= trio.current_time() - started <= 12
            nursery.cancel_scope.cancel()
        peer.sock.close()


async def test_silence_between_requests_has_an_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """After 20 s; the connection ends without a word."""
    autojump_clock.autojump_threshold = 0.05
    async with edge() as server:
        peer = await server.connect()
        await peer.send((GET + "\r\n").encode())
        while b"hello\n" not in peer.seen:
            await peer.until(len(peer.seen) + 1)
        started = trio.current_time()
        await peer.rest()
        assert 19 <= trio.current_time() - started <= 22
        peer.sock.close()


async def test_a_port_scan_leaves_nothing() -> None:
    """Connecting and leaving, with or without half a request, ends at once."""
    async with edge(limiter=ConnectionLimiter(4, 4)) as server:
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

    http = HttpConfig(routes={**ROUTES, "/bug": broken})  # type: ignore[dict-item]
    async with edge(http=http) as server:
        assert await server.ask("GET /bug HTTP/1.1\r\nHost: a\r\n\r\n") == b""
        assert len(server.watcher.bugs) == 1
        assert await server.echoes()


async def test_half_a_head_is_answered() -> None:
    """Whoever ends his side in the middle of it can still read."""
    async with edge() as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send(GET.encode())
            peer.sock.shutdown(trio.socket.SHUT_WR)
            assert status(await peer.rest()) == 400


# --- the rate -----------------------------------------------------------------


def rated(per_s: float, burst: float) -> HttpConfig:
    """Routes with a rate, behind a proxy that is trusted."""
    return HttpConfig(
        routes=ROUTES,
        requests=Buckets(per_s, burst),
        trusted_proxies=[parse_network("127.0.0.1")],
    )


def asking(client: str, path: str = "/healthz") -> str:
    """One request of somebody behind the proxy."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n{LAST}"


async def test_plain_http_has_a_rate_by_address() -> None:
    """429 with the time to wait, whatever is asked for; others are not hurt."""
    async with edge(http=rated(0.1, 3)) as server:
        for path in ("/", "/healthz", "/nowhere"):
            answer = await server.ask(asking("192.0.2.1", path))
            assert status(answer) in (200, 404)
        answer = await server.ask(asking("192.0.2.1"))
        assert status(answer) == 429
        (wait_s,) = fields(answer, "retry-after")
        assert 1 <= int(wait_s) <= 10
        assert status(await server.ask(asking("192.0.2.2"))) == 200
        assert ("127.0.0.1", 429) in server.watcher.refusals
        for n in range(3):
            assert status(await server.ask(asking(f"2001:db8::{n}"))) == 200
        assert status(await server.ask(asking("2001:db8::ffff"))) == 429
        assert [trouble.where for trouble in server.watcher.troubles] == [
            "192.0.2.1",
            "2001:db8::/64",
        ]


async def test_whoever_is_over_the_rate_is_closed() -> None:
    """On a connection that is kept open too: the next one costs a connection."""
    async with edge(http=rated(0.1, 5)) as server:
        request = (
            "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        )
        answer = await server.ask(request * 100)
        assert answer.count(b"HTTP/1.1 200 ") == 5
        assert answer.count(b"HTTP/1.1 429 ") == 1
        assert answer.count(b"HTTP/1.1 ") == 6
        assert b"Connection: close" in answer


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (UPGRADE + "Origin: https://evil.example\r\n", 403),
        (UPGRADE.replace("/ws", "/elsewhere"), 404),
        (UPGRADE.replace("13", "8"), 426),
        (UPGRADE.replace("GET", "PUT"), 405),
        (GET + "A: b\r\n" * 64, 431),
        (GET.replace("GET /", "GET *"), 400),
        (GET.replace("HTTP/1.1", "HTTP/2.0"), 505),
    ],
)
async def test_what_is_refused_counts_too(refused: str, expected: int) -> None:
    """Behind a proxy no connection is counted that could bound it."""
    async with edge(http=rated(0.1, 2)) as server:
        request = refused + "X-Forwarded-For: 192.0.2.1\r\n\r\n"
        statuses = [status(await server.ask(request)) for _ in range(3)]
        assert statuses == [expected, expected, 429]


async def test_a_trusted_proxys_own_requests_have_no_rate() -> None:
    """Its health checks name nobody; a WebSocket has limits of its own."""
    async with edge(http=rated(0.1, 1)) as server:
        for _ in range(10):
            assert status(await server.ask("OPTIONS / HTTP/1.0\r\n\r\n")) == 200
        assert status(await server.ask(asking("192.0.2.1"))) == 200
        assert status(await server.ask(asking("192.0.2.1"))) == 429
        peer = await server.upgraded("X-Forwarded-For: 192.0.2.1\r\n")
        peer.sock.close()


# --- what the operator is told ------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "trouble"),
    [
        (
            UPGRADE + "Origin: https://b.example\r\n\r\n",
            Trouble(Cause.ORIGIN, "https://b.example"),
        ),
        (UPGRADE + "Origin: null\r\n\r\n", Trouble(Cause.ORIGIN, "null")),
        (
            UPGRADE + "Origin: https://" + "b" * 900 + "\r\n\r\n",
            Trouble(Cause.ORIGIN, "https://" + "b" * 192),
        ),
        (
            UPGRADE.replace("Upgrade: websocket\r\n", "") + "\r\n",
            Trouble(Cause.NO_UPGRADE, "127.0.0.1"),
        ),
        (
            UPGRADE.replace("Connection: Upgrade", "Connection: close") + "\r\n",
            Trouble(Cause.NO_UPGRADE, "127.0.0.1"),
        ),
        (
            UPGRADE.replace("HTTP/1.1", "HTTP/1.0") + "\r\n",
            Trouble(Cause.NO_UPGRADE, "127.0.0.1"),
        ),
        ("\x16\x03\x01\x02\x00\x01\x00", Trouble(Cause.TLS_HERE, "HERE")),
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", None),
        ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nno header\r\n\r\n", None),
        ("nonsense\r\n\r\n", Trouble(Cause.NOT_HTTP, "HERE")),
        ("\0\x0e\x04", Trouble(Cause.NOT_HTTP, "HERE")),
    ],
)
async def test_what_only_the_operator_can_mend_is_told_him(
    request_: str, trouble: Trouble | None
) -> None:
    """With its cause and its place; what a client does wrong is not."""
    async with edge() as server:
        await server.ask(request_.encode("latin-1"))
        told = server.watcher.troubles
        if trouble is not None and trouble.where == "HERE":
            trouble = Trouble(trouble.cause, server.address)
        assert told == ([trouble] if trouble else [])


async def test_who_waits_for_an_answer_in_another_protocol_is_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """When his time is up; half a line of HTTP is a slow client's."""
    autojump_clock.autojump_threshold = 0.05
    async with edge() as server:
        assert status(await server.ask("GET / HT")) == 408
        assert server.watcher.troubles == []
        assert status(await server.ask("SSH-2.0-OpenSSH_9.2\r\n")) == 408
        assert server.watcher.troubles == [Trouble(Cause.NOT_HTTP, server.address)]


async def test_a_proxys_word_that_says_nothing_is_told() -> None:
    """It is refused nothing, but its clients share its address."""
    http = HttpConfig(routes=ROUTES, trusted_proxies=[parse_network("127.0.0.1")])
    async with edge(http=http) as server:
        assert status(await server.ask(asking("unknown"))) == 200
        peer = await server.upgraded("X-Forwarded-For: 1.2.3.4, _x\r\n")
        assert server.host.outlets[0].address == "127.0.0.1"
        peer.sock.close()
        assert server.watcher.troubles == [
            Trouble(Cause.FORWARDED, "127.0.0.1", f"no address: '{word}'")
            for word in ("unknown", "_x")
        ]
