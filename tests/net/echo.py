"""An echo end for the stream, and a client that speaks bytes.

The echo answers each message with itself and remembers what it was told. The
client does nothing by itself: no answer to a ping, none to a close.
"""

from __future__ import annotations

import itertools
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import attrs
import trio
import trio.testing

from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName
from chatd.net.budget import Budget
from chatd.net.connection import Upgrade, serve_connection
from chatd.net.host import Stats, WebSocketLimits
from chatd.net.keepalive import KeepAliveScheduler
from chatd.net.outlet import SocketOutlet
from chatd.net.sockets import PeerSocket
from chatd.net.tls import TlsSocket
from chatd.net.websocket import WebSocketStream
from chatd.ports import Entry, EntryKind, Outlet
from chatd.wire import framing
from chatd.wire.commands import Command
from tests.net.secret import SecretSock, server_context

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\xa1\x02\xf3\x44"
FREE = WebSocketLimits(
    frame_bytes=16 * 2**20,
    commands_per_s=0,
    bytes_per_s=0,
    inflight_max=0,
    outbox_soft_bytes=0,
    outbox_hard_bytes=0,
)


@attrs.define(eq=False)
class EchoHost:
    """Answers every message with itself, at once unless `lazy`; its own dialect."""

    lazy: bool = False
    """Keep messages open until the test answers them."""
    said_bye: bool = False
    """Send a bye before the close frame, as the daemon does."""
    gaps: int = 0
    outlets: list[SocketOutlet] = attrs.field(factory=list)
    heard: list[bytes] = attrs.field(factory=list)
    endings: list[tuple[Ending, Stats]] = attrs.field(factory=list)
    bugs: list[Exception] = attrs.field(factory=list)

    def attach(self, outlet: Outlet) -> None:
        assert isinstance(outlet, SocketOutlet)
        self.outlets.append(outlet)

    def detach(self, outlet: Outlet, ending: Ending, stats: Stats) -> None:
        self.endings.append((ending, stats))

    def on_texts(self, outlet: Outlet, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            self.hear(outlet, payload, framing.TEXT)

    def on_slow(self, outlet: Outlet, payload: bytes, *, is_text: bool) -> None:
        self.hear(outlet, payload, framing.TEXT if is_text else framing.BINARY)

    def hear(self, outlet: Outlet, payload: bytes, opcode: int) -> None:
        """Note a message, and answer it with itself."""
        self.heard.append(payload)
        if not self.lazy:
            outlet.push(reply(framing.frame(opcode, payload)))
            outlet.answered()

    def gapped(self, outlet: Outlet) -> None:
        self.gaps += 1

    def encode(self, frame: object) -> bytes:
        raise NotImplementedError("an echo has its bytes already")

    def decode(self, payload: bytes) -> Command:
        raise NotImplementedError("an echo understands nothing")

    def gap(self, room: RoomName, have: int, seq: int) -> bytes:
        return framing.text_frame(f"{room} gap {have + 1}-{seq}".encode())

    def bye(self, ending: Ending, after_s: float | None) -> bytes | None:
        text = f"bye {ending.reason} {after_s}"
        return framing.text_frame(text.encode()) if self.said_bye else None

    def bug(self, outlet: Outlet, error: Exception) -> None:
        self.bugs.append(error)

    @property
    def ending(self) -> Ending:
        """How the only connection ended."""
        ((ending, _),) = self.endings
        return ending


def reply(data: bytes) -> Entry:
    """An entry for one connection alone."""
    return Entry(None, 0, 0, EntryKind.REPLY, data)


def masked(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """A client's frame; `first` is FIN, the reserved bits and the opcode."""
    length = len(payload)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 65536:
        head = bytes((first, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + length.to_bytes(8, "big")
    return head + mask + framing.unmask(payload, mask)


def text(payload: bytes | str) -> bytes:
    """A client's text message in one frame."""
    return masked(0x81, payload if isinstance(payload, bytes) else payload.encode())


def closing(code: int = 1000, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return masked(0x88, code.to_bytes(2, "big") + reason)


def frames_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read a server's bytes as frames; what is left over fails."""
    at = 0
    while at < len(data):
        opcode, length = data[at] & 15, data[at + 1]
        assert data[at] & 0xF0 == 0x80, "not final, or a reserved bit"
        assert length < 128, "a server's frame is masked"
        at += 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length = int.from_bytes(data[at : at + width], "big")
            at += width
        payload = data[at : at + length]
        assert len(payload) == length, "half a frame"
        at += length
        yield opcode, payload


@attrs.define
class Peer:
    """A client that only does what it is told."""

    sock: trio.socket.SocketType
    seen: bytes = b""
    """Everything from the server after its handshake."""
    secret: SecretSock | None = None
    """What encrypts, if anything does."""
    keepalive: KeepAliveScheduler = attrs.field(factory=KeepAliveScheduler)

    @property
    def stream(self) -> WebSocketStream:
        """The server's stream, which the heartbeat watches."""
        (stream,) = [one for due in self.keepalive._due.values() for one in due]
        return stream

    async def secure(self, context: ssl.SSLContext | None = None) -> None:
        """Agree on keys."""
        self.secret = SecretSock(self.sock, context)
        await self.secret.handshake()

    async def send(self, data: bytes, cuts: tuple[int, ...] = ()) -> None:
        """Send bytes, in segments that the server sees one by one.

        A peer that the server has already given up may fail to send the rest.
        """
        bounds = (0, *cuts, len(data))
        for start, end in itertools.pairwise(bounds):
            try:
                sent = start
                while sent < end:
                    sent += await (self.secret or self.sock).send(data[sent:end])
            except OSError:
                return
            if cuts:
                await trio.testing.wait_all_tasks_blocked()

    def put(self, data: bytes) -> None:
        """Send a few bytes before anybody else runs."""
        if self.secret is not None:
            self.secret.tls.write(data)
            data = self.secret.outgoing.read()
        os.write(self.sock.fileno(), data)

    async def until(self, size: int) -> bytes:
        """Read until at least so many bytes were seen, or the end."""
        while len(self.seen) < size:
            data = await (self.secret or self.sock).recv(65536)
            if not data:
                break
            self.seen += data
        return self.seen

    async def rest(self) -> bytes:
        """Read until the server ends, and answer its close as clients do.

        A reset is an end as well.
        """
        answered = False
        try:
            while True:
                if not answered and self.is_closed():
                    answered = True
                    await self.send(closing())
                data = await (self.secret or self.sock).recv(65536)
                if not data:
                    return self.seen
                self.seen += data
        except ConnectionResetError:
            return self.seen

    def is_closed(self) -> bool:
        """Whether the last frame that was seen is a close frame."""
        if b"\x88" not in self.seen[-127:]:
            return False
        try:
            return self.frames()[-1][0] == framing.CLOSE
        except (AssertionError, IndexError):
            return False  # Half a frame so far.

    async def handshake(self) -> None:
        """Read the server's answer to the upgrade."""
        while b"\r\n\r\n" not in self.seen:
            data = await (self.secret or self.sock).recv(65536)
            assert data, self.seen
            self.seen += data
        head, _, self.seen = self.seen.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    def frames(self) -> list[tuple[int, bytes]]:
        """What the server has sent, as frames."""
        return list(frames_of(self.seen))


@asynccontextmanager
async def connected(
    host: EchoHost,
    limits: WebSocketLimits = FREE,
    *,
    rest: bytes = b"",
    sndbuf: int = 0,
    jitter: float = 0.0,
    tls: bool = False,
    budget: Budget = Budget(),  # noqa: B008 - has no limit
) -> AsyncIterator[Peer]:
    """Serve one connection on a socket pair; leaving waits for its end."""
    raw, theirs = socket.socketpair()
    raw.setblocking(False)
    ours: PeerSocket = raw
    if sndbuf:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
    upgrade = Upgrade(KEY, offers_subprotocol=False, address="192.0.2.1", rest=rest)
    with trio.socket.from_stdlib_socket(theirs) as sock:
        peer = Peer(sock)
        if tls:
            ours = secured = TlsSocket(raw, server_context())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(secured.handshake)
                await peer.secure()
        async with trio.open_nursery() as beating:
            beating.start_soon(peer.keepalive.run)
            async with trio.open_nursery() as nursery:
                serve = serve_connection
                nursery.start_soon(
                    lambda: serve(
                        ours,
                        upgrade,
                        host,
                        host,
                        limits,
                        connection=ConnectionId(1),
                        jitter=jitter,
                        keepalive=peer.keepalive,
                        budget=budget,
                    )
                )
                await peer.handshake()
                await trio.testing.wait_all_tasks_blocked()
                yield peer
                sock.close()
            beating.cancel_scope.cancel()
