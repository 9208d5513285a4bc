"""The listener for clients: counting, TLS, and the firewall around each connection.

Two nurseries: the inner one accepts (`chatd.net.accepting`), the outer one holds the
connections; beside them one task pings all (`chatd.net.keepalive`). To drain, the
inner one is cancelled: no connection is accepted, HTTP connections end after their
request, WebSockets go on until each has its ending, and `serve` returns when the last
is gone.

TLS is spoken on every socket that is not a Unix one, if there is a context: the peer of
a Unix socket is on this machine, a proxy as a rule. A request that was not encrypted is
told so.

Where a proxy passes bytes on, each connection begins with its head
(`chatd.net.proxyproto`), before TLS and HTTP. Then only a trusted proxy is heard, and
only with a head: a client that could leave it out could choose its own address.

A connection is counted from its acceptance on (`chatd.net.connection_limiter`). One too
many is answered 503.

The firewall: an exception that leaves a connection is reported to the observer and ends
there. It is expected to catch nothing: each one that it counts is a bug.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import count

import attrs
import trio

from chatd.core.quota import Buckets, address_key
from chatd.ids import ConnectionId
from chatd.net.accepting import Accepted, Acceptor
from chatd.net.answer import BUSY, busy, refused, unparsed
from chatd.net.budget import Budget
from chatd.net.connection import Upgrade, serve_connection
from chatd.net.connection_limiter import ConnectionLimiter, Full
from chatd.net.forwarded import is_proxy, normal_address
from chatd.net.head import Refusal
from chatd.net.host import Host, WebSocketLimits
from chatd.net.http import HttpConnection
from chatd.net.keepalive import KeepAliveScheduler
from chatd.net.observer import NetObserver
from chatd.net.proxyproto import (
    HEAD_BYTES_MAX,
    HEAD_S,
    BadProxyHead,
    ProxyHead,
    begins_head,
)
from chatd.net.routing import HttpConfig, Router
from chatd.net.socketio import linger, read, write
from chatd.net.sockets import Listening, PeerSocket, peer_uid, tune
from chatd.net.tls import NotTls, TlsSocket
from chatd.net.trouble import Cause, Trouble
from chatd.ports import Dialect

HANDSHAKE_S = 10.0
"""For the keys of an encrypted connection. Source: as long as for its head."""
_REFUSALS_MAX = 64
"""Answered 503 at a time; beyond them a connection is only closed."""
_READ_BYTES = 65_536
_REFUSALS_PER_S = 1.0
"""Answered 503 for one address in the long run; the burst is `_REFUSALS_MAX`."""
_STRANGER = Refusal(403, "this socket is for the operator alone")
_NOT_TLS = Refusal(400, "this port speaks TLS: use https or wss")


@attrs.define(eq=False, kw_only=True)
class Listener:
    """Accepts connections and runs each behind its own firewall."""

    host: Host
    dialect: Dialect
    """What its WebSockets speak."""
    limits: WebSocketLimits
    http: HttpConfig
    limiter: ConnectionLimiter
    observer: NetObserver
    jitter: Callable[[], float]
    """Random in 0 to 1, for each connection's first ping."""
    tls: ssl.SSLContext | None = None
    """Where there is one, TLS is spoken but on Unix sockets."""
    proxied: bool = False
    """Whether every connection begins with the head of a trusted proxy."""
    refusals_max: int = _REFUSALS_MAX
    """Answered 503 at a time with patience for the peer; each has a descriptor."""
    budget: Budget = attrs.field(factory=Budget)
    """Of what its connections hold."""
    keepalive: KeepAliveScheduler = attrs.field(factory=KeepAliveScheduler, init=False)
    numbers: Callable[[], int] = attrs.field(factory=lambda: count(1).__next__)
    """Gives each connection its number, which no other of the daemon's has."""
    peers: Collection[int] | None = None
    """Users of this machine who are heard, over Unix sockets; None: all."""
    accepted: int = attrs.field(default=0, init=False)
    """Connections that came and were not refused."""
    _acceptor: Acceptor = attrs.field(init=False, repr=False)
    _refusals: int = attrs.field(default=0, init=False)
    """Under way now."""
    _answers: Buckets = attrs.field(
        factory=lambda: Buckets(_REFUSALS_PER_S, _REFUSALS_MAX), init=False, repr=False
    )
    """That say 503, by address."""

    def __attrs_post_init__(self) -> None:
        """Make what accepts."""
        self._acceptor = Acceptor(self._begin, self.observer.accept_failed)

    async def serve(
        self,
        listening: Sequence[Listening],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until `stop_accepting`, and return when all have ended.

        Cancellation: closes the listening sockets and ends every connection.
        """
        async with trio.open_nursery() as beating:
            beating.start_soon(self.keepalive.run)
            async with trio.open_nursery() as connections:
                # They listen already; who connects before the accept is not lost.
                task_status.started()
                await self._acceptor.run(listening, connections)
                self.http.stop()
            beating.cancel_scope.cancel()

    def stop_accepting(self) -> None:
        """Accept no further connection."""
        self._acceptor.stop()

    def _begin(self, one: Accepted, nursery: trio.Nursery) -> None:
        if self.peers is not None and peer_uid(one.sock) not in self.peers:
            tune(one.sock)
            nursery.start_soon(self._send_away, one)
            return
        if self.proxied and not is_proxy(one.peer, self.http.trusted_proxies):
            self.observer.troubled(Trouble(Cause.NOT_A_PROXY, one.peer))
            one.sock.close()
            return
        now = trio.current_time()
        full = self.limiter.enter(self._key(one.peer), now)
        if full is None:
            self.accepted += 1
            tune(one.sock)
            nursery.start_soon(self._run, one, ConnectionId(self.numbers()))
            return
        self._tell_full(one.peer, full)
        if not self._may_refuse(one, now):
            one.sock.close()
        elif self._refusals < self.refusals_max:
            tune(one.sock)
            self._refusals += 1
            nursery.start_soon(self._refuse, one.sock, full)
        else:
            self._refuse_shortly(one.sock, full)

    def _may_refuse(self, one: Accepted, now: float) -> bool:
        """Whether one too many is worth an answer: it costs as much as a request."""
        # Keys for a refusal would cost more than the connection.
        if self._refusals >= _REFUSALS_MAX or self._speaks_tls(one.sock):
            return False
        key = self._key(one.peer)
        return key is None or not self._answers.take(key, now)

    def _refuse_shortly(self, sock: socket.socket, full: Full) -> None:
        """Answer 503 and close, where no descriptor can be kept for it.

        Who has sent more than one read takes may miss it.
        """
        with suppress(OSError), sock:
            tune(sock)
            sock.send(unparsed(refused(busy(full.wait_s)), self.http.wall()))
            sock.recv(_READ_BYTES)

    def _tell_full(self, peer: str, full: Full) -> None:
        self.observer.refused(peer, BUSY)
        self.observer.troubled(full.trouble)

    def _key(self, peer: str) -> str | None:
        """What a new socket counts by; a proxy's speaks for many."""
        return None if is_proxy(peer, self.http.trusted_proxies) else address_key(peer)

    async def _run(self, one: Accepted, number: ConnectionId) -> None:
        """The firewall around one connection."""
        sock, peer = one.sock, one.peer
        key = self._key(peer)

        def recount(new: str | None) -> Full | None:
            nonlocal key
            if new == key:
                return None
            full = self.limiter.move(key, new, trio.current_time())
            if full is None:
                key = new
            return full

        try:
            if self.proxied:
                peer = await self._told(sock, peer)
                if not peer:
                    return
                if full := recount(self._key(peer)):
                    self._tell_full(peer, full)
                    await self._tell_busy(sock, full)
                    return
            stream = await self._secured(sock, peer, one.listening)
            if stream is None:
                return
            # Not kept in a name: it would be there as long as the connection.
            found = await HttpConnection(
                sock=stream,
                listening=one.listening,
                router=Router(
                    http=self.http,
                    peer=peer,
                    admit=lambda who: recount(address_key(who)),
                    troubled=self.observer.troubled,
                ),
            ).run()
            if isinstance(found, Upgrade):
                await serve_connection(
                    stream,
                    found,
                    self.host,
                    self.dialect,
                    self.limits,
                    connection=number,
                    jitter=self.jitter(),
                    keepalive=self.keepalive,
                    budget=self.budget,
                )
            elif isinstance(found, Refusal):
                self.observer.refused(peer, found.status)
        except* Exception as group:  # noqa: BLE001 - the firewall
            self.observer.connection_bug(number, group)
        finally:
            self.limiter.leave(key)
            sock.close()

    async def _told(self, sock: socket.socket, proxy: str) -> str:
        """Read a proxy's head: whose the connection is, or `""` where none came."""
        head = ProxyHead()
        why = f"no whole head came in {HEAD_S:g} s"
        with trio.move_on_after(HEAD_S):
            try:
                while not head.whole:
                    # Only looked at: what follows the head is not the head's.
                    data = await read(sock, HEAD_BYTES_MAX, socket.MSG_PEEK)
                    if not data:
                        raise BadProxyHead("it ended before its head was whole")
                    sock.recv(head.feed(data))
            except OSError as error:
                why = error.strerror or str(error)
            except BadProxyHead as error:
                why = str(error)
            else:
                return normal_address(head.client or proxy)
        self.observer.troubled(Trouble(Cause.PROXY_HEAD, proxy, why))
        return ""

    async def _secured(
        self, sock: socket.socket, peer: str, listening: str
    ) -> PeerSocket | None:
        """Agree on keys where they are due; None if there is no connection then."""
        if not self._speaks_tls(sock):
            return sock
        assert self.tls is not None
        stream = TlsSocket(sock, self.tls)
        # A peer that ends here, or is silent, is a scanner or does not trust the
        # certificate; it has got an alert of TLS.
        with suppress(OSError), trio.move_on_after(HANDSHAKE_S):
            try:
                await stream.handshake()
            except NotTls as error:
                trouble = Trouble(Cause.NO_TLS_HERE, listening)
                if begins_head(error.data):
                    trouble = Trouble(Cause.STRAY_PROXY_HEAD, peer)
                self.observer.refused(peer, 400)
                self.observer.troubled(trouble)
                await write(sock, unparsed(refused(_NOT_TLS), self.http.wall()))
                await linger(sock)
            else:
                return stream
        return None

    def _speaks_tls(self, sock: socket.socket) -> bool:
        return self.tls is not None and sock.family != socket.AF_UNIX

    async def _refuse(self, sock: socket.socket, full: Full) -> None:
        """Answer 503 without reading a request."""
        try:
            await self._tell_busy(sock, full)
        finally:
            self._refusals -= 1
            sock.close()

    async def _send_away(self, one: Accepted) -> None:
        """Answer 403 without reading a request."""
        self.observer.refused(one.peer, _STRANGER.status)
        try:
            with suppress(OSError):
                await write(one.sock, unparsed(refused(_STRANGER), self.http.wall()))
                await linger(one.sock)
        finally:
            one.sock.close()

    async def _tell_busy(self, sock: socket.socket, full: Full) -> None:
        """Say 503 in clear, where clear is spoken."""
        # It may not wait for the answer.
        with suppress(OSError):
            if not self._speaks_tls(sock):
                answer = refused(busy(full.wait_s))
                await write(sock, unparsed(answer, self.http.wall()))
                await linger(sock)
