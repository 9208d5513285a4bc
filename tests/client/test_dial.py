"""What a person is told when there is no connection: what answers, and what to do."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from chatd.client import Unreachable, open_client
from tests.net.secret import server_context

PATIENCE_S = 60


async def failure(url: str) -> str:
    """Try to connect, and return the words."""
    with trio.fail_after(PATIENCE_S), pytest.raises(Unreachable) as raised:
        async with open_client(url):
            pass
    return str(raised.value)


@asynccontextmanager
async def answering(
    answer: Callable[[trio.abc.Stream], Awaitable[object]],
) -> AsyncIterator[int]:
    """Listen on a free port, answer what connects, then end the connection."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await stream.receive_some()
                await answer(stream)
            except (trio.BrokenResourceError, ssl.SSLError):
                return

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        )
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def saying(data: bytes) -> Callable[[trio.abc.Stream], Awaitable[object]]:
    """Answer with these bytes."""
    return lambda stream: stream.send_all(data)


def http(line: str, body: str = "", *heads: str) -> bytes:
    """An answer of HTTP."""
    head = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", *heads]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


async def test_nothing_there(tmp_path: Path) -> None:
    """A port without a listener, a file without a socket, a host without an address."""
    with trio.socket.socket() as bound:
        await bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert await failure(f"ws://127.0.0.1:{port}/ws") == "nothing listens there"
    assert "no such socket" in await failure(f"unix:{tmp_path}/none")
    assert "no host" in await failure("ws://no-such-host.invalid/ws")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x0a", "it speaks TLS"),
        (http("400 Bad Request", "this port speaks TLS: use https"), "it speaks TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not a chatd: no HTTP"),
        (b"", "without an answer"),
        (http("200 OK", "hello"), "no chatd at this address"),
        (http("404 Not Found"), "no chatd at this address"),
        (http("401 Unauthorized"), "wants a login"),
        (http("403 Forbidden"), "lets nobody in from here"),
        (http("502 Bad Gateway"), "behind its proxy"),
        (http("503 Unavailable", "", "Retry-After: 155"), "wait 155 s"),
    ],
)
async def test_what_answers_a_plain_connection(answer: bytes, words: str) -> None:
    """TLS, another service, a proxy, a chatd that is full: each has its sentence."""
    async with answering(saying(answer)) as port:
        assert words in await failure(f"ws://127.0.0.1:{port}/ws")


async def test_what_answers_tls() -> None:
    """A plain server is named, and so is a certificate that nobody vouches for."""
    async with answering(saying(http("400 Bad Request"))) as port:
        assert "does not speak TLS" in await failure(f"wss://127.0.0.1:{port}/ws")

    serve = partial(trio.serve_ssl_over_tcp, _shake_hands, 0, server_context())
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(serve, host="127.0.0.1"))
        port = listeners[0].transport_listener.socket.getsockname()[1]
        assert "certificate is refused" in await failure(f"wss://127.0.0.1:{port}/ws")
        nursery.cancel_scope.cancel()


async def _shake_hands(stream: trio.SSLStream[trio.SocketStream]) -> None:
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError:
        await trio.aclose_forcefully(stream)
