"""Bytes that end a WebSocket daemon elsewhere, sent to a real port.

Each took a server down that is built on trio-websocket or wsproto as documented.
Here the firewall must catch nothing, and the server must echo afterwards.
"""

from __future__ import annotations

import socket
import struct

import attrs
import pytest
import trio
import trio.testing

from chatd.errors import Ending
from tests.net.echo import FREE, KEY, Peer, closing, masked, text
from tests.net.edge import UPGRADE, Edge, edge

LIMITS = attrs.evolve(FREE, frame_bytes=1000)
HEAD = UPGRADE.encode()


async def survives(server: Edge) -> None:
    """Nothing reached the firewall, and the server still serves."""
    assert await server.echoes()
    assert server.watcher.bugs == []
    assert server.host.bugs == []


def reset(peer: Peer) -> None:
    """Close with a RST instead of a FIN."""
    linger = struct.pack("ii", 1, 0)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.sock.close()


def with_host(host: bytes) -> bytes:
    """An upgrade to another host."""
    return HEAD.replace(b"localhost", host) + b"\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (with_host(b"\xff.example"), 400),
        (with_host(b"xn--a\xc3.example"), 400),
        (with_host(b"xn--zzzzzzzzzz99999999999.example"), 101),
        (with_host(b"x" * 14_000), 101),
        (with_host(b""), 101),
        (HEAD + b"Sec-WebSocket-Protocol: caf\xe9\r\n\r\n", 400),
        (HEAD + b"Sec-WebSocket-Extensions: \xff\r\n\r\n", 400),
        (HEAD + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 101),
        (HEAD.replace(b"Upgrade\r\n", b"Upgrade, \xe9\r\n") + b"\r\n", 400),
        (HEAD.replace(KEY.encode(), b"x") + b"\r\n", 400),
        (
            HEAD.replace(b"Sec-WebSocket-Key: " + KEY.encode() + b"\r\n", b"")
            + b"\r\n",
            400,
        ),
        (HEAD.replace(b"13", b"14") + b"\r\n", 426),
        (HEAD.replace(b"GET", b"POST") + b"\r\n", 405),
        (HEAD.replace(b"1.1", b"1.0") + b"\r\n", 426),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Origin: \xff\xfe\r\n\r\n", 400),
        (HEAD + b"X-Forwarded-For: \xff, , ,\r\n\r\n", 101),
        (HEAD + b"Cookie: \xff\r\n\r\n", 101),
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
    ],
)
async def test_no_head_ends_the_server(head: bytes, status: int) -> None:
    """Each is answered with its status and costs nobody else anything."""
    async with edge(limits=LIMITS) as server:
        peer = await server.connect()
        with peer.sock:
            await peer.send(head + (closing() if status == 101 else b""))
            answer = await peer.rest()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        await survives(server)


@pytest.mark.parametrize(
    "start",
    [
        b"junk\r\n\r\n",
        b"\xff" * 3000,
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 50,
        HEAD,
        HEAD + b"\r\n",
        HEAD + b"\r\n" + text("half")[:5],
        b"",
    ],
)
async def test_a_reset_at_any_moment(start: bytes) -> None:
    """At once, and after the server has seen the bytes."""
    async with edge(limits=LIMITS) as server:
        for seen in (False, True):
            peer = await server.connect()
            await peer.send(start)
            if seen:
                await trio.testing.wait_all_tasks_blocked()
            reset(peer)
            await trio.testing.wait_all_tasks_blocked()
        await survives(server)


BIG = masked(0x81, b"x" * 1001)
PING = masked(0x89, b"?")


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (BIG + PING, Ending.TOO_BIG),
        (BIG + BIG, Ending.TOO_BIG),
        (masked(0x82, b"x" * 1001) + PING, Ending.TOO_BIG),
        (masked(0x01, b"x" * 900) + masked(0x80, b"x" * 900) + PING, Ending.TOO_BIG),
        (masked(0x81, "😀".encode() * 251), Ending.TOO_BIG),
        (masked(0x01) + masked(0x00) * 200_000, Ending.FRAME_FLOOD),
        (masked(0x02, b"x") + masked(0x00, b"x") * 900, Ending.FRAME_FLOOD),
        (b"\x82\xff\x80" + b"\0" * 7 + b"mask", Ending.PROTOCOL),
        (b"\x82\xff\x7f" + b"\xff" * 7 + b"mask", Ending.TOO_BIG),
        (b"\x81\xff\x7f" + b"\xff" * 7 + b"mask" + b"x" * 5000, Ending.TOO_BIG),
        (PING * 1000, Ending.FRAME_FLOOD),
        (masked(0x8A, b"x" * 125) * 1000, Ending.FRAME_FLOOD),
        (b"\xff" * 5000, Ending.PROTOCOL),
    ],
    ids=range(13),
)
async def test_no_frame_ends_the_server(data: bytes, ending: Ending) -> None:
    """Each ends its own connection with its code."""
    async with edge(limits=LIMITS) as server:
        peer = await server.upgraded()
        with peer.sock:
            await peer.send(data)
            await peer.rest()
        (found,) = [ended for ended, _ in server.host.endings]
        assert found is ending
        opcode, payload = peer.frames()[-1]
        assert opcode == 8
        assert payload[:2] == (ending.code or 0).to_bytes(2, "big")
        await survives(server)


@pytest.mark.parametrize("late", [PING, BIG, BIG + PING, PING * 200, b"\xff" * 100])
async def test_what_comes_after_our_close(late: bytes) -> None:
    """The library raises on a ping then; it never sees one."""
    async with edge(limits=LIMITS) as server:
        peer = await server.upgraded()
        with peer.sock:
            server.host.outlets[0].finish(Ending.REVOKED)
            await peer.send(late + closing())
            await peer.rest()
        assert peer.frames() == [(8, b"\x11\x99revoked")]
        await survives(server)


async def test_half_a_frame_and_then_silence(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """It waits no longer than the heartbeat lets it."""
    autojump_clock.autojump_threshold = 0.05
    async with edge(limits=attrs.evolve(LIMITS, heartbeat_interval_s=25)) as server:
        peer = await server.upgraded()
        with peer.sock:
            await peer.send(text("half")[:7])
            await peer.rest()
        assert [ended for ended, _ in server.host.endings] == [Ending.NO_PONG]
        await survives(server)


async def test_a_client_that_hangs_up_without_a_word() -> None:
    """Many, at once, with a message under way; nothing is left."""
    async with edge(limits=LIMITS) as server:
        for n in range(30):
            peer = await server.upgraded()
            await peer.send(text("x" * 900)[: 10 * n])
            if n % 2:
                reset(peer)
            else:
                peer.sock.close()
        await trio.testing.wait_all_tasks_blocked()
        assert len(server.host.endings) == 30
        assert server.listener.limiter.total == 0
        await survives(server)


@attrs.define
class Failing:
    """A host whose report of a bug is a bug."""

    endings: list[Ending] = attrs.field(factory=list)

    def attach(self, outlet: object) -> None:
        raise LookupError("attach")

    def bug(self, outlet: object, error: Exception) -> None:
        raise LookupError("bug")

    def detach(self, outlet: object, ending: Ending, stats: object) -> None:
        self.endings.append(ending)

    def gapped(self, outlet: object) -> None:
        raise LookupError("gapped")


async def test_the_firewall_catches_what_no_guard_foresaw() -> None:
    """It is reported once, ends its own connection with 1011, and is all."""
    async with edge(limits=LIMITS) as server:
        good, bad = server.host, Failing()
        server.listener.host = bad  # type: ignore[assignment]
        peer = await server.upgraded()
        with peer.sock:
            await peer.rest()
        await trio.testing.wait_all_tasks_blocked()
        assert peer.frames() == [(8, b"\x03\xf3internal")]
        assert bad.endings == [Ending.BUG]
        assert len(server.watcher.bugs) == 1
        assert server.listener.limiter.total == 0
        server.listener.host = good
        assert await server.echoes()
