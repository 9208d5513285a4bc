"""Accepting, counting, and the firewall around each connection.

Two nurseries: the inner one accepts, the outer one holds the connections; around
them one task beats for all (`chatd.net.pulse`). To drain, the inner one is
cancelled: nobody new comes in, HTTP connections end after their request,
WebSockets go on until each has its ending, and `serve` returns when the last is
gone.

TLS is spoken on every socket that is not a Unix one, if there is a context: who is
behind a Unix socket is on this machine, a proxy as a rule. A request that was not
encrypted is told so.

Where a proxy passes bytes on, each connection begins with its head
(`chatd.net.proxyproto`), before TLS and HTTP. Then nobody but a trusted proxy is
heard at all, and nobody without a head: whoever could choose between the two could
choose his own address.

A connection is counted from its acceptance on (`chatd.net.census`). One too many is
answered 503.

The firewall: whatever exception leaves a connection is told to the observer and
ends there. It is expected to catch nothing; its count is a bug's count.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Protocol

import attrs
import trio

from chatd.core.quota import UNIX_PEER, address_key
from chatd.ids import ConnectionId
from chatd.net.census import Census
from chatd.net.connection import Upgrade, serve_connection
from chatd.net.head import Refusal, is_proxy, normal_address
from chatd.net.host import DoorLimits, Host
from chatd.net.http import BUSY, Front, Site, busy, linger, read, write
from chatd.net.proxyproto import HEAD_S, BadProxyHead, ProxyHead
from chatd.net.pulse import Pulse
from chatd.net.sockets import Listening, PeerSocket, tune
from chatd.net.tls import NotTls, TlsSocket

ACCEPT_PAUSE_S = 1.0
"""After an accept that failed: descriptors may be free again by then."""
ACCEPT_REPORT_S = 60.0
"""At most one report of failing accepts in so long."""
HANDSHAKE_S = 10.0
"""For the keys of an encrypted connection. Source: as long as for its head."""
_ACCEPTS_MAX = 32
"""Accepted in a row before others have their turn."""
_REFUSALS_MAX = 64
"""Told 503 at a time; beyond them a connection is only closed."""
_GONE = (errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN)
"""The connection is gone already. Source: accept(2)."""


def _answer(status: str, text: str, header: str = "") -> bytes:
    """An answer for somebody whose request is not read."""
    return (
        f"HTTP/1.1 {status}\r\n{header}Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(text) + 1}\r\nConnection: close\r\n\r\n{text}\n"
    ).encode()


def _busy(wait_s: float) -> bytes:
    refusal = busy(wait_s)
    ((name, value),) = refusal.headers
    return _answer("503 Service Unavailable", refusal.text, f"{name}: {value}\r\n")


_NOT_TLS = _answer("400 Bad Request", "this port speaks TLS: use https or wss")


class NetObserver(Protocol):
    """Whoever logs and counts what happens at the edge; must not raise."""

    def connection_bug(self, connection: ConnectionId, error: Exception) -> None:
        """An exception reached the firewall."""

    def accept_failed(self, error: OSError) -> None:
        """Accepting fails, as without free descriptors; told once a minute."""

    def refused(self, address: str, status: int) -> None:
        """A request was refused: 503, 403 or another of the kind."""

    def not_proxied(self, address: str, why: str) -> None:
        """A connection that should have begun with a proxy's head did not."""


@attrs.define(eq=False, kw_only=True)
class Listener:
    """Accepts connections and runs each behind its own firewall."""

    host: Host
    limits: DoorLimits
    site: Site
    census: Census
    observer: NetObserver
    jitter: Callable[[], float]
    """Random in 0 to 1, for each connection's first ping."""
    tls: ssl.SSLContext | None = None
    """Where there is one, TLS is spoken but on Unix sockets."""
    proxied: bool = False
    """Whether every connection begins with the head of a trusted proxy."""
    pulse: Pulse = attrs.field(factory=Pulse, init=False)
    accepted: int = 0
    _accepting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _refusals: int = attrs.field(default=0, init=False)
    _reported: float = attrs.field(default=-inf, init=False)

    async def serve(
        self,
        listening: Sequence[Listening],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until `stop_accepting`, and return when all have ended.

        Cancellation: closes the listening sockets and ends every connection.
        """
        async with trio.open_nursery() as beating:
            beating.start_soon(self.pulse.run)
            async with trio.open_nursery() as connections:
                # They listen already; who knocks before the accept is not lost.
                task_status.started()
                await self._accept(listening, connections)
                self.site.stop()
            beating.cancel_scope.cancel()

    async def _accept(
        self, listening: Sequence[Listening], connections: trio.Nursery
    ) -> None:
        """Let people in until `stop_accepting`."""
        try:
            with self._accepting:
                async with trio.open_nursery() as accepting:
                    for one in listening:
                        accepting.start_soon(self._accept_from, one.sock, connections)
        finally:
            for one in listening:
                trio.lowlevel.notify_closing(one.sock)
                one.close()

    def stop_accepting(self) -> None:
        """Let nobody new in."""
        self._accepting.cancel()

    async def _accept_from(self, sock: socket.socket, nursery: trio.Nursery) -> None:
        count = 0
        while True:
            try:
                client, where = sock.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(sock)
                continue
            except OSError as error:
                if error.errno not in _GONE:
                    self._report(error)
                    await trio.sleep(ACCEPT_PAUSE_S)
                continue
            peer = UNIX_PEER if sock.family == socket.AF_UNIX else str(where[0])
            self._begin(client, normal_address(peer), nursery)
            count += 1
            if count % _ACCEPTS_MAX == 0:
                await trio.lowlevel.checkpoint()

    def _report(self, error: OSError) -> None:
        now = trio.current_time()
        if now >= self._reported + ACCEPT_REPORT_S:
            self._reported = now
            self.observer.accept_failed(error)

    def _begin(self, sock: socket.socket, peer: str, nursery: trio.Nursery) -> None:
        self.accepted += 1
        tune(sock)
        if self.proxied and not is_proxy(peer, self.site.trusted_proxies):
            self.observer.not_proxied(peer, "it is not one of server.trusted_proxies")
            sock.close()
            return
        wait_s = self.census.enter(self._key(peer), trio.current_time())
        if not wait_s:
            number = ConnectionId(self.accepted)
            nursery.start_soon(self._run, sock, peer, number)
            return
        self.observer.refused(peer, BUSY)
        # Keys for a refusal would cost more than the connection.
        if self._refusals < _REFUSALS_MAX and not self._speaks_tls(sock):
            self._refusals += 1
            nursery.start_soon(self._refuse, sock, wait_s)
        else:
            sock.close()

    def _key(self, peer: str) -> str | None:
        """What a new socket counts by; a proxy's speaks for many."""
        return None if is_proxy(peer, self.site.trusted_proxies) else address_key(peer)

    async def _run(self, sock: socket.socket, peer: str, number: ConnectionId) -> None:
        """The firewall around one connection."""
        key = self._key(peer)

        def count(new: str | None) -> float:
            nonlocal key
            if new == key:
                return 0.0
            wait_s = self.census.move(key, new, trio.current_time())
            if not wait_s:
                key = new
            return wait_s

        try:
            if self.proxied:
                peer = await self._told(sock, peer)
                if not peer:
                    return
                if wait_s := count(self._key(peer)):
                    self.observer.refused(peer, BUSY)
                    await self._tell_busy(sock, wait_s)
                    return
            stream = await self._secured(sock, peer)
            if stream is None:
                return
            # Not kept in a name: it would be there as long as the connection.
            found = await Front(
                stream, peer, self.site, lambda who: count(address_key(who))
            ).run()
            if isinstance(found, Upgrade):
                await serve_connection(
                    stream,
                    found,
                    self.host,
                    self.limits,
                    connection=number,
                    jitter=self.jitter(),
                    pulse=self.pulse,
                )
            elif isinstance(found, Refusal):
                self.observer.refused(peer, found.status)
        except* Exception as group:  # noqa: BLE001 - the firewall
            self.observer.connection_bug(number, group)
        finally:
            self.census.leave(key)
            sock.close()

    async def _told(self, sock: socket.socket, proxy: str) -> str:
        """Read a proxy's head: whose the connection is, or `""` where none came."""
        head = ProxyHead()
        why = f"no whole head came in {HEAD_S:g} s"
        with trio.move_on_after(HEAD_S):
            try:
                while head.missing:
                    data = await read(sock, head.missing)
                    if not data:
                        raise BadProxyHead("it ended before its head was whole")
                    head.feed(data)
            except OSError as error:
                why = error.strerror or str(error)
            except BadProxyHead as error:
                why = str(error)
            else:
                return normal_address(head.client or proxy)
        self.observer.not_proxied(proxy, why)
        return ""

    async def _secured(self, sock: socket.socket, peer: str) -> PeerSocket | None:
        """Agree on keys where they are due; None if there is no connection then."""
        if not self._speaks_tls(sock):
            return sock
        assert self.tls is not None
        stream = TlsSocket(sock, self.tls)
        # Whoever ends here, or is silent, was a scanner or has an old certificate
        # of somebody else; he was told in TLS's own words.
        with suppress(OSError), trio.move_on_after(HANDSHAKE_S):
            try:
                await stream.handshake()
            except NotTls:
                self.observer.refused(peer, 400)
                await write(sock, _NOT_TLS)
                await linger(sock)
            else:
                return stream
        return None

    def _speaks_tls(self, sock: socket.socket) -> bool:
        return self.tls is not None and sock.family != socket.AF_UNIX

    async def _refuse(self, sock: socket.socket, wait_s: float) -> None:
        """Answer 503 without reading a request."""
        try:
            await self._tell_busy(sock, wait_s)
        finally:
            self._refusals -= 1
            sock.close()

    async def _tell_busy(self, sock: socket.socket, wait_s: float) -> None:
        """Say 503 in clear, where clear is spoken."""
        # It may not wait for the answer.
        with suppress(OSError):
            if not self._speaks_tls(sock):
                await write(sock, _busy(wait_s))
                await linger(sock)
