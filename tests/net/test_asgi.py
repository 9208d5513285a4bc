from __future__ import annotations

import gc
import socket
import struct
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing

from chatd.config.values import parse_network
from chatd.net import asgi
from chatd.net.asgi import Application, Gateway, Receive, Scope, Send
from chatd.net.budget import Budget
from chatd.net.connection_limiter import ConnectionLimiter
from tests.net.asgi import (
    Patient,
    body,
    content_of,
    echo,
    hello,
    http_config,
    settled,
    start,
)
from tests.net.echo import closing, text
from tests.net.edge import UPGRADE
from tests.net.edge import edge as plain_edge
from tests.net.secret import server_context
from tests.net.test_http import fields, status

LAST = "Connection: close\r\n\r\n"
GET = "GET /a HTTP/1.1\r\nHost: a\r\n"
POST = "POST /a HTTP/1.1\r\nHost: a\r\n"
CHUNKS = b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: u\r\n\r\n"
MUCH = 4_000_000
"""More than the kernel keeps on the way."""

edge = plain_edge


@pytest.fixture(autouse=True, params=["plain", "tls"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever holds of an exchange holds of an encrypted one."""
    if request.param == "tls":
        over = partial(plain_edge, tls=server_context())
        monkeypatch.setitem(globals(), "edge", over)


def content(answer: bytes) -> bytes:
    """What stands behind the head of the first response."""
    return answer.partition(b"\r\n\r\n")[2]


# --- the answer ---------------------------------------------------------------


async def test_an_answer_has_its_length_and_what_every_answer_has() -> None:
    """In one packet: nothing leaves before the first of the content."""
    async with edge(http=http_config(hello)) as server:
        answer = await server.ask(GET + LAST)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert content(answer) == b"hello\n"
    assert fields(answer, "content-length") == ["6"]
    assert fields(answer, "content-type") == ["text/plain"]
    assert fields(answer, "cache-control") == ["no-store"]
    assert fields(answer, "x-content-type-options") == ["nosniff"]
    assert len(fields(answer, "date")) == 1
    (policy,) = fields(answer, "content-security-policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert policy.endswith(" trusted-types worker")


async def test_an_application_may_say_otherwise() -> None:
    """Of what it serves it knows more; then its word stands alone."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        policy = (b"Content-Security-Policy", b"sandbox")
        await start(send, headers=[policy, (b"cache-control", b"no-cache")])
        await body(send, b"x")

    async with edge(http=http_config(app)) as server:
        answer = await server.ask(GET + LAST)
    assert fields(answer, "content-security-policy") == ["sandbox"]
    assert fields(answer, "cache-control") == ["no-cache"]
    assert fields(answer, "referrer-policy") == ["no-referrer"]


async def test_head_has_the_head_of_get() -> None:
    """And nothing behind it, whatever the application gives."""
    async with edge(http=http_config(hello)) as server:
        whole = await server.ask(GET + LAST)
        head = await server.ask((GET + LAST).replace("GET", "HEAD"))
    assert head == whole.removesuffix(b"hello\n")


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """An answer whose length nobody knows before."""
    await start(send)
    for part in (b"one ", b"", b"two ", b"three"):
        await body(send, part, more=True)
    await body(send)


async def test_an_answer_of_unknown_length_comes_in_chunks() -> None:
    """To HTTP/1.0, which has none, until the connection ends."""
    async with edge(http=http_config(streaming)) as server:
        answer = await server.ask(GET + LAST)
        old = await server.ask("GET /a HTTP/1.0\r\n\r\n")
    assert fields(answer, "transfer-encoding") == ["chunked"]
    assert content(answer) == b"4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"
    assert fields(old, "transfer-encoding") == []
    assert content(old) == b"one two three"


@pytest.mark.parametrize("code", [204, 304])
async def test_what_has_no_content_has_no_length(code: int) -> None:
    """And the connection goes on behind it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, code, headers=())
        await body(send)

    async with edge(http=http_config(app)) as server:
        answer = await server.ask(GET + "\r\n" + GET + LAST)
    assert answer.count(b"HTTP/1.1 %d " % code) == 2
    assert fields(answer, "content-length") == []


async def test_a_large_answer_leaves_in_pieces_in_order() -> None:
    """However it was given: at once, or in parts of any size."""
    data = bytes(i % 251 for i in range(200_000))

    async def at_once(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await body(send, data)

    async def in_parts(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=[(b"content-length", b"%d" % len(data))])
        for at in range(0, len(data), 70_001):
            await body(send, data[at : at + 70_001], more=True)
        await body(send)

    for app in (at_once, in_parts):
        async with edge(http=http_config(app)) as server:
            answer = await server.ask(GET + LAST)
        assert content(answer) == data


async def test_nobody_fills_memory_with_what_he_does_not_read() -> None:
    """The application waits for the reader, and then he gets all of it."""
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await start(send, headers=[(b"content-length", b"%d" % MUCH)])
        for _ in range(MUCH // 50_000):
            await body(send, b"x" * 50_000, more=True)
            sent += 50_000
        await body(send)

    budget = Budget()
    async with edge(http=http_config(app, budget=budget)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET + LAST).encode())
            await settled(lambda: budget.total > 0)
            assert 0 < budget.total <= asgi.PIECE_BYTES
            assert sent < MUCH
            assert len(content(await peer.rest())) == MUCH
        assert budget.total == 0


# --- a request's content ------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        (POST + "Content-Length: 4\r\n\r\n").encode() + b"abcd",
        (POST + "Transfer-Encoding: chunked\r\n\r\n").encode() + CHUNKS,
    ],
    ids=["length", "chunks"],
)
async def test_content_is_the_same_however_it_is_cut(raw: bytes) -> None:
    """Split at every index, and one byte at a time; what follows is a request."""
    follows = (GET + LAST).encode()
    async with edge(http=http_config(echo)) as server:
        cuts: list[tuple[int, ...]] = [(at,) for at in range(1, len(raw) + 1)]
        cuts.append(tuple(range(1, len(raw))))
        for cut in cuts:
            peer = await server.connect()
            with peer.sock:
                await peer.send(raw + follows, cut)
                answer = await peer.rest()
            first, second = answer.split(b"HTTP/1.1 200 OK\r\n")[1:]
            assert content(first) == b"abcd", cut
            assert content(second) == b"", cut
        assert server.watcher.bugs == []


async def test_requests_with_content_may_follow_each_other() -> None:
    """Pipelined in one packet with others, and a WebSocket in the end."""
    async with edge(http=http_config(echo)) as server:
        lengths = (POST + "Content-Length: 2\r\n\r\n").encode() + b"ab"
        chunks = (POST + "Transfer-Encoding: chunked\r\n\r\n").encode() + CHUNKS
        health = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        answer = await server.ask(
            lengths + chunks + health + lengths + (GET + LAST).encode()
        )
        bodies = [content(one) for one in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]]
        assert bodies == [b"ab", b"abcd", b"hello\n", b"ab", b""]
        peer = await server.connect()
        with peer.sock:
            await peer.send(lengths)
            while b"\r\n\r\nab" not in peer.seen:
                await peer.until(len(peer.seen) + 1)
            peer.seen = b""
            await peer.send((UPGRADE + "\r\n").encode() + text("hi") + closing())
            await peer.handshake()
            await peer.rest()
        assert peer.frames()[0] == (1, b"hi")


async def test_who_waits_for_a_word_gets_it_when_his_content_is_wanted() -> None:
    """`100 Continue`, once; not where the answer needs no content."""
    async with edge(http=http_config(echo)) as server:
        peer = await server.connect()
        with peer.sock:
            expecting = "Content-Length: 4\r\nExpect: 100-continue\r\n"
            await peer.send((POST + expecting + LAST).encode())
            while b"\r\n\r\n" not in peer.seen:
                await peer.until(len(peer.seen) + 1)
            assert peer.seen == b"HTTP/1.1 100 \r\n\r\n"
            await peer.send(b"ab", (1,))
            await peer.send(b"cd", (1,))
            answer = (await peer.rest()).removeprefix(peer.seen[:17])
        assert content(answer[answer.index(b"HTTP/1.1 200") :]) == b"abcd"
    async with edge(http=http_config(hello)) as server:
        answer = await server.ask(POST + expecting + "\r\n")
    assert status(answer) == 200
    assert fields(answer, "connection") == ["close"]


async def test_an_early_answer_ends_the_connection() -> None:
    """And can be read, however much of the content comes that nobody wants."""
    async with edge(http=http_config(hello)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((POST + f"Content-Length: {MUCH}\r\n\r\n").encode())
            await peer.send(b"x" * 300_000)
            answer = await peer.rest()
        assert content(answer) == b"hello\n"
        assert fields(answer, "connection") == ["close"]
        assert server.watcher.bugs == []


async def test_content_that_nobody_takes_is_not_read() -> None:
    """It waits on the peer's side, who cannot send it."""
    app = Patient()
    async with edge(http=http_config(app)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((POST + f"Content-Length: {4 * MUCH}\r\n\r\n").encode())
            await settled(lambda: app.running == 1)
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(peer.send, b"x" * 4 * MUCH)
                    await trio.testing.wait_all_tasks_blocked()
                    assert nursery.child_tasks
                    scope.cancel()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (POST + "Content-Length: 11\r\n\r\n", 413),
        (POST + "Content-Length: 99999999999999999999\r\n\r\n", 413),
        (POST + "Transfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n", 413),
        (POST + "Transfer-Encoding: chunked\r\n\r\n" + "1\r\na\r\n" * 11, 413),
        (POST + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (POST + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (POST + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (POST + "Transfer-Encoding: chunked\r\n\r\n1" + "0" * 20 + "\r\n", 400),
        (POST + "Transfer-Encoding: chunked\r\n\r\n1;" + "x" * 20_000, 431),
        (POST + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + "a: b\r\n" * 4000, 431),
        (POST + "Transfer-Encoding: gzip\r\n\r\n", 501),
        (
            POST + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (GET + "Content-Length: 1\r\n\r\na", 413),
        (GET.replace("GET", "HEAD") + "Transfer-Encoding: chunked\r\n\r\n", 413),
        (GET.replace("GET", "OPTIONS") + "Content-Length: 1\r\n\r\na", 413),
        (GET.replace("GET", "BREW") + "\r\n", 501),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ],
)
async def test_content_that_is_none_is_refused(request_: str, expected: int) -> None:
    """Or too much; the application is cancelled, and the connection ends."""
    async with edge(http=http_config(echo, body_bytes=10)) as server:
        answer = await server.ask(request_)
        assert status(answer) == expected
        assert fields(answer, "connection") == ["close"]
        await settled(lambda: bool(server.watcher.refusals))
        assert server.watcher.refusals == [("127.0.0.1", expected)]
        assert server.watcher.bugs == []
        assert await server.echoes()


async def test_half_of_the_content_is_answered() -> None:
    """Whoever ends his side in the middle of it can still read."""
    async with edge(http=http_config(echo)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((POST + "Content-Length: 4\r\n\r\nab").encode())
            peer.sock.shutdown(socket.SHUT_WR)
            assert status(await peer.rest()) == 400
        assert server.watcher.bugs == []


# --- peers that stall, and that go --------------------------------------------


async def test_content_has_ten_seconds_and_then_a_rate(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """408 for what does not come, and for what comes a byte at a time for ever."""
    autojump_clock.autojump_threshold = 0.05
    head = (POST + "Content-Length: 100000\r\n\r\n").encode()
    async with edge(http=http_config(echo)) as server:
        for pause_s in (1e9, 0.1):
            peer = await server.connect()
            began = trio.current_time()
            async with trio.open_nursery() as nursery:

                async def trickle() -> None:
                    while True:
                        await trio.sleep(pause_s)  # noqa: B023 - ended in its round
                        await peer.send(b"x")  # noqa: B023

                await peer.send(head)
                nursery.start_soon(trickle)
                assert status(await peer.rest()) == 408
                assert 10 <= trio.current_time() - began < 13
                nursery.cancel_scope.cancel()
            peer.sock.close()


async def test_a_bad_line_may_take_its_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Content at 2 kB/s is waited for, whatever it takes; the answer as well."""
    autojump_clock.autojump_threshold = 0.05
    async with edge(http=http_config(echo)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((POST + "Content-Length: 200000\r\n" + LAST).encode())
            for _ in range(100):
                await trio.sleep(1)
                await peer.send(b"x" * 2000)
            assert content(await peer.rest()) == b"x" * 200_000


async def test_who_takes_nothing_of_an_answer_is_cut(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """After five minutes, however much was taken; the application is cancelled."""
    autojump_clock.autojump_threshold = 0.05
    ends: list[float] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await start(send)
            await body(send, b"x" * MUCH * 2)
        except trio.Cancelled:
            ends.append(trio.current_time())
            raise

    async with edge(http=http_config(app)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send(GET.encode() + b"\r\n")
            await peer.until(MUCH)
            stalled = trio.current_time()
            await trio.sleep(asgi.STALL_MAX_S - 1)
            assert ends == []
            await trio.sleep(2)
            (ended,) = ends
            assert ended - stalled == pytest.approx(asgi.STALL_MAX_S, abs=1)
            assert len(await peer.rest()) < MUCH * 2
        assert server.watcher.bugs == []


async def test_who_takes_little_has_less_time(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute, and one second more for each 500 bytes."""
    autojump_clock.autojump_threshold = 0.05
    monkeypatch.setattr(asgi, "BYTES_PER_S", 1e9)
    gateway = Gateway(app=streaming_much)
    http = http_config(streaming_much)
    http.gateway = gateway
    async with edge(http=http) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET + LAST).encode())
            await trio.sleep(asgi.STALL_S - 1)
            assert gateway.serving.total == 1
            await trio.sleep(2)
            assert gateway.serving.total == 0


async def streaming_much(scope: Scope, receive: Receive, send: Send) -> None:
    """An answer that a peer has to read before it has an end."""
    await start(send)
    await body(send, b"x" * MUCH * 2)


async def test_who_takes_an_answer_slowly_gets_all_of_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """At 3 kB/s, however long it takes."""
    autojump_clock.autojump_threshold = 0.05

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await body(send, b"x" * MUCH)

    async with edge(http=http_config(app)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET + LAST).encode())
            await peer.until(1)
            for _ in range(MUCH // 2 // 60_000):
                await trio.sleep(20)
                await peer.until(len(peer.seen) + 60_000)
            assert len(content(await peer.rest())) == MUCH


async def test_a_peer_that_is_gone_is_no_bug_behind_a_shield() -> None:
    """What the application then meets comes of the peer, whatever becomes of it."""
    came: list[BaseException | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with trio.CancelScope(shield=True):
            await start(send)
            try:
                while True:
                    await body(send, b"x" * 50_000, more=True)
            except OSError as error:
                came.append(error)
                raise RuntimeError("the download is over") from error

    async with edge(http=http_config(app)) as server:
        peer = await server.connect()
        await peer.send((GET + "\r\n").encode())
        await peer.until(1)
        peer.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        peer.sock.close()
        await settled(lambda: bool(came))
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(came[0], BrokenPipeError)
        assert server.watcher.bugs == []


async def test_the_application_is_cancelled_when_its_peer_goes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """At once by a reset; a second after an end, of which it is told."""
    autojump_clock.autojump_threshold = 0.05
    for reads in (False, True):
        app = Patient(reads)
        async with edge(http=http_config(app)) as server:
            peer = await server.connect()
            await peer.send((GET + "\r\n").encode())
            await settled(lambda: app.running == 1)  # noqa: B023
            peer.sock.shutdown(socket.SHUT_WR)
            await trio.sleep(asgi.LAST_S + 0.1)
            peer.sock.close()
            assert (app.running, app.cancelled, app.told) == (0, 1, reads)

            peer = await server.connect()
            await peer.send((GET + "\r\n").encode())
            await settled(lambda: app.running == 1)  # noqa: B023
            reset(peer.sock)
            await settled(lambda: app.running == 0)  # noqa: B023
            assert app.cancelled == 2
            assert server.watcher.bugs == []


def reset(sock: trio.socket.SocketType) -> None:
    """End a connection as a machine does that has lost it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


async def test_a_reset_in_the_middle_ends_quietly() -> None:
    """Of the content, or of the answer: no bug, no refusal, nothing left."""

    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        await content_of(receive)
        await start(send)
        await body(send, b"x" * MUCH)

    gateway = Gateway(app=much)
    http = http_config(much)
    http.gateway = gateway
    async with edge(http=http) as server:
        for sent in (POST + "Content-Length: 9\r\n\r\nab", GET + "\r\n"):
            for _ in range(10):
                peer = await server.connect()
                await peer.send(sent.encode())
                await settled(lambda: gateway.serving.total == 1)
                reset(peer.sock)
                await settled(lambda: gateway.serving.total == 0)
        assert server.watcher.bugs == []
        assert server.watcher.refusals == []
        assert gateway.serving.by_key == {}
        assert await server.echoes()


async def test_who_has_ended_his_side_still_reads(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """All of a long answer, as slowly as he likes; and of one that takes no wait."""
    autojump_clock.autojump_threshold = 0.05

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        for _ in range(20):
            await trio.sleep(0.9)
            await body(send, b"x" * 100_000, more=True)
        await body(send)

    async with edge(http=http_config(app)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET.replace("1.1", "1.0") + "\r\n").encode())
            peer.sock.shutdown(socket.SHUT_WR)
            await trio.sleep(30)
            assert len(content(await peer.rest())) == 2_000_000


# --- how many at a time -------------------------------------------------------


@pytest.mark.parametrize(
    "limiter",
    [ConnectionLimiter(1, 0), ConnectionLimiter(0, 1)],
    ids=["all", "address"],
)
async def test_one_request_too_many_is_told_when_to_come_back(
    limiter: ConnectionLimiter,
) -> None:
    """503 with Retry-After; what watches the daemon, and WebSockets, go on."""
    app = Patient()
    async with edge(http=http_config(app, serving=limiter)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET + "\r\n").encode())
            await settled(lambda: app.running == 1)
            answer = await server.ask(GET + "\r\n")
            assert status(answer) == 503
            assert fields(answer, "retry-after") == ["10"]
            health = "GET /healthz HTTP/1.1\r\nHost: a\r\n" + LAST
            assert status(await server.ask(health)) == 200
            assert await server.echoes()
        await settled(lambda: limiter.total == 0)
        assert app.running == 0


async def test_addresses_take_turns(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever asks for much waits for himself; and between two steps is a pause."""
    gateway = Gateway(app=hello)
    order: list[str] = []
    times: list[float] = []

    async def step(who: str) -> None:
        await gateway.turn(who)
        order.append(who)
        times.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(step, "ann")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(step, "bob")
        nursery.start_soon(step, "cy")
    assert order[0] == "ann"
    assert set(order[1:4]) == {"ann", "bob", "cy"}
    pauses = [after - before for before, after in pairwise(times)]
    assert min(pauses) >= asgi.TURN_EVERY_S * 0.999
    assert not gateway._waiting


async def test_a_turn_that_nobody_takes_any_more_goes_to_the_next(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whoever is cancelled while he waits leaves nothing behind."""
    gateway = Gateway(app=hello)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(gateway.turn, "ann")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert not gateway._waiting
    await gateway.turn("bob")


async def test_where_all_hold_too_much_the_one_who_holds_most_is_cut() -> None:
    """As on a WebSocket: what waits for a reader counts for `limits.buffered_bytes`."""
    cut = trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        try:
            await body(send, b"x" * MUCH)
        except trio.Cancelled:
            cut.set()
            raise

    budget = Budget(1000)
    async with edge(http=http_config(app, budget=budget)) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET + "\r\n").encode())
            await cut.wait()
            assert 0 < len(await peer.rest()) < MUCH
        assert budget.total == 0
        assert server.watcher.bugs == []


# --- bugs of the application --------------------------------------------------


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail before anything was said."""
    raise FileNotFoundError("a bug, and no peer that is gone")


async def raises_late(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail in the middle of an answer."""
    await start(send)
    await body(send, b"some", more=True)
    raise LookupError("a bug")


async def raises_at_last(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail behind a whole answer."""
    await hello(scope, receive, send)
    raise LookupError("a bug")


async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Begin an answer and leave."""
    await start(send)


async def says_half(scope: Scope, receive: Receive, send: Send) -> None:
    """Leave in the middle of an answer."""
    await start(send)
    await body(send, b"some", more=True)


async def begins_twice(scope: Scope, receive: Receive, send: Send) -> None:
    """Begin an answer again."""
    await start(send)
    await start(send)


async def begins_with_content(scope: Scope, receive: Receive, send: Send) -> None:
    """Give content of no answer."""
    await body(send, b"some")


async def says_more_than_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Give content behind the end."""
    await hello(scope, receive, send)
    await body(send, b"some")


async def says_what_is_none(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what ASGI does not have."""
    await send({"type": "http.response.jump"})


async def miscounts(scope: Scope, receive: Receive, send: Send) -> None:
    """Give more than was announced."""
    await start(send, headers=[(b"content-length", b"3")])
    await body(send, b"hello")


async def is_short(scope: Scope, receive: Receive, send: Send) -> None:
    """Give less than was announced."""
    await start(send, headers=[(b"content-length", b"9")])
    await body(send, b"hello")


async def splits_a_head(scope: Scope, receive: Receive, send: Send) -> None:
    """Put an end of line into a field."""
    await start(send, headers=[(b"x", b"a\r\nset-cookie: b")])
    await body(send, b"hello")


@pytest.mark.parametrize(
    ("app", "answered"),
    [
        (raises, 500),
        (says_nothing, 500),
        (begins_twice, 500),
        (begins_with_content, 500),
        (says_what_is_none, 500),
        (miscounts, 500),
        (is_short, 500),
        (splits_a_head, 500),
        (raises_late, 200),
        (says_half, 200),
        (raises_at_last, 200),
        (says_more_than_all, 200),
    ],
)
async def test_a_bug_of_the_application_ends_one_connection(
    app: Application, answered: int
) -> None:
    """500 where nothing has left, else it is cut; one bug is told, others go on."""
    async with edge(http=http_config(app)) as server:
        before = await server.upgraded()
        answer = await server.ask(GET + "\r\n" + GET + LAST)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert status(answer) == answered
        assert b"set-cookie" not in answer
        assert b"0\r\n\r\n" not in answer
        if answered == 500:
            assert content(answer) == b"a bug was met here, and noted\n"
            assert fields(answer, "connection") == ["close"]
        await settled(lambda: bool(server.watcher.bugs))
        assert len(server.watcher.bugs) == 1
        assert server.watcher.refusals == []
        with before.sock:
            await before.send(text("still there") + closing())
            await before.rest()
        assert before.frames()[0] == (1, b"still there")


async def test_a_bug_is_told_to_a_person_as_a_page() -> None:
    """A page that loads nothing; and to HEAD without its content."""
    async with edge(http=http_config(splits_a_head)) as server:
        answer = await server.ask(GET + "Accept: text/html\r\n" + LAST)
        assert fields(answer, "content-type") == ["text/html; charset=utf-8"]
        assert b"<h1>500 Internal Server Error</h1>" in answer
        head = await server.ask((GET + LAST).replace("GET", "HEAD"))
        assert head.endswith(b"\r\n\r\n")


# --- what the application is told ---------------------------------------------


async def asked(request: str, prefix: str = "/", **options: object) -> Scope:
    """What the application is told of a request."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await hello(scope, receive, send)

    http = http_config(app, **options)
    http.prefix = prefix
    http.trusted_proxies = [parse_network("127.0.0.1")]
    async with edge(http=http) as server:
        await server.ask(request)
    (scope,) = seen
    return scope


async def test_the_application_is_told_of_the_request() -> None:
    """As ASGI has it; the client is the one whom a trusted proxy names."""
    scope = await asked(
        "DELETE //a%20b/c%2fd/?x=%20&y?z HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\n"
        "X-Forwarded-For: 192.0.2.9\r\n" + LAST,
        state={"db": 1},
    )
    assert scope["type"] == "http"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert scope["http_version"] == "1.1"
    assert scope["method"] == "DELETE"
    assert scope["path"] == "/a b/c/d/"
    assert scope["raw_path"] == b"//a%20b/c%2fd/"
    assert scope["query_string"] == b"x=%20&y?z"
    assert scope["root_path"] == ""
    assert scope["client"] == ("192.0.2.9", 0)
    assert scope["state"] == {"db": 1}
    assert [value for name, value in scope["headers"] if name == b"x"] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/chat/", "/chat/"),
        ("/chat/x", "/chat/x"),
        ("/chat//x//", "/chat/x/"),
        ("/", "/chat/"),
        ("/x", "/chat/x"),
        ("/chatter", "/chat/chatter"),
        ("http://b.example/chat/x", "/chat/x"),
        ("http://b.example", "/chat/"),
    ],
)
async def test_a_path_before_all_paths_is_told(target: str, path: str) -> None:
    """Whether a proxy takes it away or not; and the host is the target's."""
    scope = await asked(f"GET {target} HTTP/1.1\r\nHost: a\r\n{LAST}", "/chat")
    assert scope["path"] == path
    assert scope["root_path"] == "/chat"
    host = b"b.example" if "b.example" in target else b"a"
    assert [value for name, value in scope["headers"] if name == b"host"] == [host]


async def test_the_path_itself_is_left_for_what_is_below_it() -> None:
    """Or a page there would look for its files beside it."""
    http = http_config(hello)
    http.prefix = "/our/chat"
    async with edge(http=http) as server:
        for target in ("/our/chat", "//our//chat?x", "http://a/our/chat"):
            answer = await server.ask(f"GET {target} HTTP/1.1\r\nHost: a\r\n{LAST}")
            assert status(answer) == 308
            assert fields(answer, "location") == ["chat/"]


# --- the end ------------------------------------------------------------------


async def test_a_drain_lets_an_answer_end() -> None:
    """And the connection with it; it says so."""
    go_on = trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await hello(scope, receive, send)

    http = http_config(app)
    async with edge(http=http) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send((GET + "\r\n" + GET + "\r\n").encode())
            assert http.gateway is not None
            serving = http.gateway.serving
            await settled(lambda: serving.total == 1)
            server.listener.stop_accepting()
            await trio.testing.wait_all_tasks_blocked()
            go_on.set()
            answer = await peer.rest()
        assert answer.count(b"HTTP/1.1 200") == 1
        assert fields(answer, "connection") == ["close"]


async def test_the_end_of_the_daemon_cancels_the_application() -> None:
    """Which can clean up, whatever it waits for."""
    app = Patient(reads=True)
    async with edge(http=http_config(app)) as server:
        peer = await server.connect()
        await peer.send((GET + "\r\n").encode())
        await settled(lambda: app.running == 1)
    assert (app.running, app.cancelled) == (0, 1)
    peer.sock.close()


async def test_a_thousand_requests_leave_nothing() -> None:
    """No task, no descriptor, no object; on one connection or on as many."""
    async with edge(http=http_config(echo)) as server:

        async def ask(count: int) -> None:
            peer = await server.connect()
            with peer.sock:
                for number in range(count):
                    last = LAST if number == count - 1 else "\r\n"
                    request = POST + "Content-Length: 4\r\n" + last + "abcd"
                    await peer.send(request.encode())
                    await peer.until(len(peer.seen) + 1)
                await peer.rest()
            await trio.testing.wait_all_tasks_blocked()

        def things() -> tuple[int, int, int]:
            gc.collect()
            tasks = trio.lowlevel.current_statistics().tasks_living
            descriptors = len(list(Path("/proc/self/fd").iterdir()))
            return tasks, descriptors, len(gc.get_objects())

        await ask(10)
        await ask(1)
        tasks, descriptors, objects = things()
        await ask(300)
        for _ in range(100):
            await ask(1)
        after = things()
        assert after[:2] == (tasks, descriptors)
        assert after[2] < objects + 100
        assert server.watcher.bugs == []


async def test_what_is_hostile_is_answered_and_leaves_the_server_alone() -> None:
    """A corpus of what breaks parsers of requests and their content."""
    chunked = POST + "Transfer-Encoding: chunked\r\n"
    corpus = [
        POST + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        POST + "Content-Length: 4, 4\r\n\r\nabcd",
        POST + "Content-Length: 4, 5\r\n\r\nabcd",
        POST + "Content-Length: +4\r\n\r\nabcd",
        POST + "Content-Length: 4_0\r\n\r\nabcd",
        POST + "Content-Length: \xb2\r\n\r\nabcd",
        POST + "Content-Length: -1\r\n\r\n",
        POST + "Content-Length:\r\n\r\n",
        POST + "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        POST + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        chunked + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        chunked + "Connection: transfer-encoding\r\n\r\n0\r\n\r\n",
        chunked + "\r\n0x1\r\na\r\n0\r\n\r\n",
        chunked + "\r\n1\n a\r\n0\r\n\r\n",
        chunked + "\r\n1 \r\na\r\n0\r\n\r\n",
        chunked + "\r\n\r\n0\r\n\r\n",
        chunked + "\r\n0\r\nContent-Length: 5\r\n\r\n",
        chunked + "\r\n0\r\n a: b\r\n\r\n",
        chunked + "\r\nFFFFFFFFFFFFFFFF\r\na",
        chunked + "\r\n" + "0;" + "\0" * 100 + "\r\n\r\n",
        GET + "Range: bytes=" + "0-," * 5000 + "\r\n\r\n",
        GET + "Accept: " + "text/html;q=0." * 1000 + "\r\n\r\n",
        "GET /%00%ff%c0%ae/..%2f..%2f HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /" + "%2e%2e/" * 900 + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?" + "&" * 7000 + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TRACE /a HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n",
    ]
    async with edge(http=http_config(echo, body_bytes=100)) as server:
        for request in corpus:
            peer = await server.connect()
            with peer.sock:
                await peer.send(request.encode("latin-1"))
                if peer.secret is None:
                    peer.sock.shutdown(socket.SHUT_WR)
                    answer = await peer.rest()
                    assert answer.count(b"\r\nDate: ") == 1, (request, answer)
                    assert b"secret" not in answer
        assert server.watcher.bugs == []
        assert await server.echoes()
