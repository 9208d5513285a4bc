"""A listener with the echo behind it, on loopback, and raw clients for it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
import trio.testing

from chatd.config.values import Address, TcpAddress
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.host import WebSocketLimits
from chatd.net.listener import Listener
from chatd.net.routing import HttpConfig
from chatd.net.sockets import listen_on
from tests.net.echo import FREE, KEY, EchoHost, Peer, closing, frames_of, text
from tests.net.echo_server import ROUTES, Watcher, echo_listener

UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\n"
)
"""An upgrade without its last line, so that headers may follow."""


@attrs.define(eq=False)
class Edge:
    """A running listener and all that it tells."""

    host: EchoHost
    watcher: Watcher
    listener: Listener
    address: str

    async def connect(self, head: bytes = b"") -> Peer:
        """A client that has said nothing yet, or only a proxy's head."""
        peer = await self.dial()
        if head:
            await peer.send(head)
        if self.listener.tls:
            await peer.secure()
        return peer

    async def dial(self) -> Peer:
        """A client that has not even agreed on keys."""
        if self.address.startswith("unix:"):
            sock = trio.socket.socket(socket.AF_UNIX)
            await sock.connect(self.address.removeprefix("unix:"))
            return Peer(sock)
        host, _, port = self.address.rpartition(":")
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        sock = trio.socket.socket(family)
        await sock.connect((host.strip("[]"), int(port)))
        return Peer(sock)

    async def ask(self, request: str | bytes) -> bytes:
        """Send bytes, and read until the server ends."""
        peer = await self.connect()
        with peer.sock:
            await peer.send(request if isinstance(request, bytes) else request.encode())
            return await peer.rest()

    async def upgraded(
        self, headers: str = "", path: str = "/ws", told: bytes = b""
    ) -> Peer:
        """A client whose upgrade was answered; a proxy has told of it before."""
        peer = await self.connect(told)
        head = UPGRADE.replace("/ws", path, 1) + headers + "\r\n"
        await peer.send(head.encode())
        await peer.handshake()
        await trio.testing.wait_all_tasks_blocked()
        return peer

    async def echoes(self) -> bool:
        """Whether the server still serves."""
        peer = await self.upgraded()
        with peer.sock:
            await peer.send(text("still there") + closing())
            await peer.rest()
        return list(frames_of(peer.seen)) == [(1, b"still there"), (8, b"\x03\xe8")]


@asynccontextmanager
async def edge(
    *,
    address: Address = TcpAddress("127.0.0.1", 0),  # noqa: B008 - a value
    limits: WebSocketLimits = FREE,
    http: HttpConfig | None = None,
    limiter: ConnectionLimiter | None = None,
    tls: ssl.SSLContext | None = None,
    proxied: bool = False,
) -> AsyncIterator[Edge]:
    """Serve the echo on one address; leaving ends it."""
    host, watcher = EchoHost(), Watcher()
    http = http or HttpConfig(routes=ROUTES)
    listener = echo_listener(host, limits, http=http, limiter=limiter, watcher=watcher)
    listener.tls, listener.proxied = tls, proxied
    listening = listen_on([address], {})
    async with trio.open_nursery() as nursery:
        await nursery.start(listener.serve, listening)
        yield Edge(host, watcher, listener, str(listening[0].address))
        nursery.cancel_scope.cancel()
