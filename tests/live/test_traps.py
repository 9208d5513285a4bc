"""The bytes that end other daemons, sent to a real `chatd serve`.

tests/net looks at each of them more closely; here is the proof that the whole
program, too, answers or closes, serves everybody else meanwhile, and that its
firewall caught nothing.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import trio

from tests.live.daemon import PATIENCE_S, Daemon, Person, person, running
from tests.net.echo import closing, masked, text

REQUEST = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n"
REST = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
HEAD = REQUEST + REST
UPGRADE = HEAD + b"\r\n"
PING = masked(0x89, b"?")
BIG = text("x" * 65_537)

HEADS = {
    "host not ASCII": UPGRADE.replace(b"127.0.0.1", b"\xff.example"),
    "host half punycode": UPGRADE.replace(b"127.0.0.1", b"xn--a\xc3.example"),
    "host bad punycode": UPGRADE.replace(b"127.0.0.1", b"xn--zzzzzzzzzz99999999999"),
    "protocol not ASCII": HEAD + b"Sec-WebSocket-Protocol: caf\xe9\r\n\r\n",
    "extensions not ASCII": HEAD + b"Sec-WebSocket-Extensions: \xff\r\n\r\n",
    "connection not ASCII": HEAD.replace(b": Upgrade", b": Upgrade, \xe9") + b"\r\n",
    "a body": HEAD + b"Content-Length: 5\r\n\r\nhello",
    "a POST": UPGRADE.replace(b"GET", b"POST"),
    "no key": REQUEST + REST.partition(b"Sec-WebSocket-Key")[0] + b"\r\n",
    "two hosts": HEAD + b"Host: 127.0.0.1\r\n\r\n",
    "17 KiB of head": HEAD + b"X: " + b"x" * 17_000 + b"\r\n\r\n",
    "junk": b"\x16\x03\x01\x00\xff" * 20 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
"""Answered with a status or closed, never with an exception."""

FRAMES = {
    "over-size, then a ping": BIG + PING,
    "two over-size": BIG + BIG,
    "over-size in fragments": masked(0x01, b"x" * 60_000) + masked(0x80, b"x" * 60_000),
    "empty fragments": masked(0x01) + masked(0x00) * 200_000,
    "2^63 bytes": b"\x82\xff\x80" + b"\0" * 7 + b"mask",
    "2^63 - 1 bytes": b"\x82\xff\x7f" + b"\xff" * 7 + b"mask",
    "ping flood": PING * 5000,
    "pong flood": masked(0x8A, b"x" * 125) * 5000,
    "not masked": b"\x81\x02hi",
    "reserved bits": b"\xff" * 500,
    "not UTF-8": text(b"\xff\xfe"),
    "ping after close": closing() + PING * 3,
    "junk after close": closing() + b"\xff" * 100,
    "close with code 1005": closing(1005),
    "close of one byte": masked(0x88, b"\x03"),
}
"""Each ends its own connection."""


async def told(stream: trio.SocketStream, data: bytes) -> bytes:
    """Send bytes and read until the other side has ended."""
    heard = b""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                try:
                    await stream.send_all(data)
                except trio.BrokenResourceError:
                    """It has closed already, which is an answer."""

            nursery.start_soon(send)
            try:
                while part := await stream.receive_some(65536):
                    heard += part
            except trio.BrokenResourceError:
                """Closed with bytes of ours unread."""
            nursery.cancel_scope.cancel()
    return heard


async def reset(daemon: Daemon, data: bytes) -> None:
    """Send bytes, then close with a RST."""
    stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
    await stream.send_all(data)
    linger = struct.pack("ii", 1, 0)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    await stream.aclose()


async def still_well(ann: Person) -> None:
    """Somebody else is served as if nothing had happened."""
    assert (await ann.ask(type="ping"))["type"] == "ok"


async def test_every_trap(tmp_path: Path) -> None:
    """None ends the daemon or disturbs anybody; the firewall catches nothing."""
    env = {"CHATD_METRICS__LISTEN": '["127.0.0.1:0"]'}
    async with running(tmp_path / "data", env=env) as daemon, person(daemon.url) as ann:
        await ann.hello(name="ann")
        for name, head in HEADS.items():
            stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
            async with stream:
                answer = await told(stream, head + closing())
            assert answer.startswith(b"HTTP/1.1 "), name
            await still_well(ann)
        for name, frames in FRAMES.items():
            stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
            async with stream:
                answer = await told(stream, UPGRADE + frames)
            assert answer.startswith(b"HTTP/1.1 101 "), name
            await still_well(ann)
        for start in (b"", b"\x00\r\n\r\n", b"POST / HTTP/1.1\r\n", UPGRADE, HEAD):
            await reset(daemon, start)
            await still_well(ann)
        await after_our_close(daemon)
        await still_well(ann)
        numbers = daemon.numbers(await daemon.get(daemon.metrics_port, "/metrics"))
        assert numbers["chatd_connection_bugs_total"] == 0
    assert "Traceback" not in daemon.log_text()


async def after_our_close(daemon: Daemon) -> None:
    """A ping, and too much, after the server has said goodbye first."""
    hello, logout = text('{"type":"hello"}'), text('{"type":"logout"}')
    for late in (PING, BIG, BIG + PING, PING * 200):
        stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
        async with stream:
            await stream.send_all(UPGRADE + hello + logout)
            heard = b""
            while b'"re":"logout"' not in heard:
                heard += await stream.receive_some(65536)
            await told(stream, late + closing())
