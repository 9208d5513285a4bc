"""HTTP on the same port: a few small routes, and the way into a WebSocket.

A connection begins here. Requests are answered one after the other (keep-alive,
pipelined or not) until one asks for a WebSocket at `/ws` or at `/` and passes
`chatd.net.head`; what came behind its head goes on with it. The answer to an
upgrade is the library's.

Routes are looked up by path and answer GET and HEAD; none takes a body. A
request's first byte starts its ten seconds; a connection that says nothing
between requests has a minute. An end of file ends it at once, and what is refused
is answered, then closed: our side first, then the socket once the peer has ended,
because closing over unread bytes resets the answer away.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from http import HTTPStatus
from math import ceil

import attrs
import h11
import trio

from chatd.config.values import Network
from chatd.net.census import FULL_RETRY_S
from chatd.net.connection import Upgrade
from chatd.net.head import (
    HEAD_BYTES_MAX,
    Headers,
    Refusal,
    asks_for_websocket,
    check_size,
    check_upgrade,
    client_address,
    has_body,
    values,
)
from chatd.net.sockets import PeerSocket

HEAD_S = 10.0
"""For a whole head. Source: Centrifugo waits as long for its first frame."""
IDLE_S = 60.0
"""Between requests. Source: nginx keeps idle connections for 60 to 75 s."""
WRITE_S = 10.0
"""For a whole response."""
LINGER_S = 1.0
"""For the peer's end of file after ours."""
BUSY = 503
"""One connection too many, here or from there."""
_READ_BYTES = 16_384
_UPGRADE_PATHS = ("/ws", "/")
_METHODS = ("GET", "HEAD")


@attrs.frozen
class Response:
    """What a route answers."""

    status: int
    content_type: str
    body: bytes = attrs.field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


def busy(wait_s: float) -> Refusal:
    """What one connection too many gets; `Retry-After` is in whole seconds."""
    retry_after = ("Retry-After", str(ceil(wait_s)))
    return Refusal(BUSY, "too many connections", (retry_after,))


Route = Callable[[str], Response]
"""Answers one path; takes the method, GET or HEAD."""


@attrs.define(eq=False, kw_only=True)
class Site:
    """What all HTTP connections share."""

    routes: Mapping[str, Route]
    allowed_origins: Collection[str] = ()
    """Canonical, that of `public_url` among them."""
    scheme: str = "http"
    """Of a URL that leads here directly: `https` where TLS is spoken."""
    trusted_proxies: Collection[Network] = ()
    stopping: bool = False
    """No further request is taken on any connection."""
    _idle: set[trio.CancelScope] = attrs.field(factory=set)

    def stop(self) -> None:
        """End connections that wait for a request; the others after theirs."""
        self.stopping = True
        for scope in self._idle:
            scope.cancel()


@attrs.define(eq=False)
class Front:
    """One connection while it speaks HTTP."""

    sock: PeerSocket = attrs.field(repr=False)
    peer: str
    """The socket's other end."""
    site: Site = attrs.field(repr=False)
    admit: Callable[[str], float] = attrs.field(repr=False)
    """Counts one more WebSocket of this address, if it may be: how long to wait."""
    _h11: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(
            h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX
        ),
        repr=False,
    )
    _served: int = 0
    _is_head: bool = False

    async def run(self) -> Upgrade | Refusal | None:
        """Answer requests until the connection ends or becomes a WebSocket.

        Returns:
            The upgrade; the refusal that ended it; None for an ordinary end.

        Cancellation: a response may be cut; close the socket.
        """
        # A peer that is gone, or takes nothing, has nobody to be told.
        with suppress(OSError, trio.TooSlowError):
            try:
                return await self._serve()
            except h11.RemoteProtocolError as error:
                if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                    status = error.error_status_hint
                    what = "too long a head" if status == 431 else "not HTTP"
                    return await self._refuse(Refusal(status, what))
        return None

    async def _serve(self) -> Upgrade | Refusal | None:
        """Answer one request after the other."""
        while request := await self._next_request():
            self._is_head = request.method == b"HEAD"
            outcome = self._judge(request)
            if isinstance(outcome, Upgrade):
                return outcome
            if isinstance(outcome, Refusal):
                return await self._refuse(outcome)
            if not await self._answer(outcome):
                break
            self._h11.start_next_cycle()
            self._served += 1
        return None

    async def _next_request(self) -> h11.Request | None:
        """Read one head; None when the peer has ended or was silent too long."""
        idle = self._served > 0 and not self._h11.trailing_data[0]
        if idle and self.site.stopping:
            return None
        with trio.CancelScope() as scope:
            scope.deadline = trio.current_time() + (IDLE_S if idle else HEAD_S)
            if idle:
                self.site._idle.add(scope)  # noqa: SLF001 - one module
            try:
                while (event := self._h11.next_event()) is h11.NEED_DATA:
                    data = await read(self.sock, _READ_BYTES)
                    if idle and data:
                        idle = False
                        self.site._idle.discard(scope)  # noqa: SLF001
                        scope.deadline = trio.current_time() + HEAD_S
                    self._h11.receive_data(data)
            finally:
                self.site._idle.discard(scope)  # noqa: SLF001
            return event if isinstance(event, h11.Request) else None
        return None

    def _judge(self, request: h11.Request) -> Upgrade | Refusal | Response:
        """Decide what a request gets."""
        headers: Headers = list(request.headers)
        if request.http_version not in (b"1.0", b"1.1"):
            return Refusal(505, "HTTP/1.1 is spoken here")
        if refusal := check_size(request.target, headers):
            return refusal
        path = request.target.decode("ascii").partition("?")[0]
        if asks_for_websocket(headers):
            return self._judge_upgrade(request, path, headers)
        route = self.site.routes.get(path)
        if route is None:
            if path == "/ws":
                return Refusal(426, "a WebSocket is here", (("Upgrade", "websocket"),))
            return Refusal(404, "nothing is here")
        method = request.method.decode("ascii")
        if method not in _METHODS:
            allow = ", ".join(_METHODS)
            return Refusal(405, f"only {allow}", (("Allow", allow),))
        if has_body(headers):
            return Refusal(413, "a request has no body here")
        return route(method)

    def _judge_upgrade(
        self, request: h11.Request, path: str, headers: Headers
    ) -> Upgrade | Refusal:
        if path not in _UPGRADE_PATHS:
            return Refusal(404, "no WebSocket is here")
        site = self.site
        asked = check_upgrade(
            request.method,
            request.http_version,
            headers,
            site.allowed_origins,
            site.scheme,
        )
        if isinstance(asked, Refusal):
            return asked
        forwarded = values(headers, b"x-forwarded-for")
        address = client_address(self.peer, forwarded, site.trusted_proxies)
        if site.stopping:
            return busy(FULL_RETRY_S)
        if wait_s := self.admit(address):
            return busy(wait_s)
        rest = bytes(self._h11.trailing_data[0])
        return Upgrade(asked.key, asked.offers_subprotocol, address, asked.bearer, rest)

    async def _answer(self, response: Response) -> bool:
        """Send a route's response; whether another request may follow."""
        self._h11.next_event()  # the end of a request without a body
        again = not self.site.stopping and self._h11.their_state is h11.DONE
        await self._send(response, close=not again)
        return again and self._h11.our_state is h11.DONE

    async def _refuse(self, refusal: Refusal) -> Refusal:
        body = f"{refusal.text}\n".encode()
        response = Response(
            refusal.status, "text/plain; charset=utf-8", body, refusal.headers
        )
        # It is told as well as it lets itself be told.
        with suppress(OSError, trio.TooSlowError):
            await self._send(response, close=True)
            await linger(self.sock)
        return refusal

    async def _send(self, response: Response, *, close: bool) -> None:
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *response.headers,
        ]
        if close:
            headers.append(("Connection", "close"))
        phrase = HTTPStatus(response.status).phrase
        start = h11.Response(
            status_code=response.status, headers=headers, reason=phrase.encode()
        )
        data = self._h11.send(start) or b""
        if not self._is_head:
            data += self._h11.send(h11.Data(data=response.body)) or b""
        data += self._h11.send(h11.EndOfMessage()) or b""
        with trio.fail_after(WRITE_S):
            await write(self.sock, data)


async def read(sock: PeerSocket, size: int) -> bytes:
    """Read what there is, up to `size` bytes. Cancellation: safe."""
    await trio.lowlevel.checkpoint()
    while True:
        try:
            return sock.recv(size)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(sock)


async def write(sock: PeerSocket, data: bytes) -> None:
    """Write all of it. Cancellation: a part may have left."""
    view = memoryview(data)
    await trio.lowlevel.checkpoint()
    while view:
        try:
            view = view[sock.send(view) :]
        except BlockingIOError:
            await trio.lowlevel.wait_writable(sock)


async def linger(sock: PeerSocket) -> None:
    """End our side, and forget what comes until the peer ends its own.

    Cancellation: safe.
    """
    sock.shutdown(socket.SHUT_WR)
    with trio.move_on_after(LINGER_S):
        while await read(sock, _READ_BYTES):
            pass
