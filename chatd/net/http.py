"""HTTP on the same port: a few small routes, and the way into a WebSocket.

A connection begins here. Requests are answered one after the other (keep-alive,
pipelined or not) until one asks for a WebSocket at `/ws` or at `/` and passes
`chatd.net.head`; what came behind its head goes on with it. The answer to an
upgrade is the library's.

Routes are looked up by path and answer GET and HEAD; OPTIONS says so; none takes a
body. What becomes no WebSocket has a rate by address: whoever is over it is told when
to come back, and closed, so that his next request costs him a connection. A trusted
proxy's own requests, its health checks, have none.

A request's first byte starts its ten seconds; a connection that says nothing
between requests has a minute. An end of file ends it at once, and what is refused
is answered, then closed: our side first, then the socket once the peer has ended,
because closing over unread bytes resets the answer away.

Source: RFC 9110 and RFC 9112.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

import attrs
import h11
import trio

from chatd.config.values import Network
from chatd.core.quota import Buckets, address_key
from chatd.net.answer import Response, busy, refused, retry_after
from chatd.net.census import FULL_RETRY_S, Full
from chatd.net.connection import Upgrade
from chatd.net.forwarded import client_of, is_proxy
from chatd.net.head import (
    UPGRADE_REQUIRED,
    Headers,
    Refusal,
    asks_for_websocket,
    check_headers,
    check_upgrade,
    has_body,
    lost_its_upgrade,
    values,
)
from chatd.net.headbytes import BadHead, HeadBytes
from chatd.net.proxyproto import begins_head
from chatd.net.socketio import READ_BYTES, linger, read, write
from chatd.net.sockets import PeerSocket
from chatd.net.target import ASTERISK, Target, parse_target, paths_below
from chatd.net.tls import HANDSHAKE
from chatd.net.trouble import Cause, Trouble

HEAD_S = 10.0
"""For a whole head. Source: Centrifugo waits as long for its first frame."""
IDLE_S = 60.0
"""Between requests. Source: nginx keeps idle connections for 60 to 75 s."""
WRITE_S = 10.0
"""For a whole response."""
_SOCKET_PATHS = ("/ws", "/")
_METHODS = ("GET", "HEAD", "OPTIONS")
_KNOWN_METHODS = (*_METHODS, "POST", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH")
"""Source: RFC 9110 section 9; RFC 5789."""


Route = Callable[[str], Response]
"""Answers one path; takes the method, GET or HEAD."""
Admit = Callable[[str], Full | None]
"""Counts one more WebSocket of an address, or says why not."""


@attrs.define(eq=False, kw_only=True)
class Site:
    """What all HTTP connections share."""

    routes: Mapping[str, Route]
    prefix: str = "/"
    """Below which everything is found as well: the path of `public_url`."""
    allowed_origins: Collection[str] = ()
    """Canonical, that of `public_url` among them."""
    scheme: str = "http"
    """Of a URL that leads here directly: `https` where TLS is spoken."""
    trusted_proxies: Collection[Network] = ()
    requests: Buckets = attrs.field(factory=lambda: Buckets(0.0, 0.0))
    """Of requests that become no WebSocket, by address."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970, for `Date`."""
    stopping: bool = False
    """No further request is taken on any connection."""
    _idle: set[trio.CancelScope] = attrs.field(factory=set)

    def stop(self) -> None:
        """End connections that wait for a request; the others after theirs."""
        self.stopping = True
        for scope in self._idle:
            scope.cancel()


@attrs.define(eq=False, kw_only=True)
class Front:
    """One connection while it speaks HTTP."""

    sock: PeerSocket = attrs.field(repr=False)
    peer: str
    """The socket's other end."""
    listening: str
    """The address that it came to."""
    site: Site = attrs.field(repr=False)
    admit: Admit | None = attrs.field(repr=False)
    """None where there are no WebSockets."""
    troubled: Callable[[Trouble], None] = attrs.field(repr=False)
    """Told what only the operator can mend."""
    _bytes: HeadBytes = attrs.field(factory=HeadBytes, init=False, repr=False)
    _h11: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(h11.SERVER), init=False, repr=False
    )
    _served: int = attrs.field(default=0, init=False)
    _is_head: bool = attrs.field(default=False, init=False)

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
            except BadHead as error:
                trouble = self._stray(error.data)
                refusal = Refusal(error.status, str(error), trouble=trouble)
                return await self._refuse(refusal)
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
        """Read one head; None when the peer has ended or was silent too long.

        Raises:
            BadHead: What came is none, or did not come to its end.
        """
        self._is_head = False
        head = await self._next_head()
        if head is None:
            return None
        self._h11.receive_data(head)
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise BadHead(error.error_status_hint, "not HTTP", head) from error
        assert isinstance(event, h11.Request)
        return event

    async def _next_head(self) -> bytes | None:
        """Read until a head is whole."""
        idle = self._served > 0 and not self._bytes.begun
        if idle and self.site.stopping:
            return None
        with trio.CancelScope() as scope:
            scope.deadline = trio.current_time() + (IDLE_S if idle else HEAD_S)
            if idle:
                self.site._idle.add(scope)  # noqa: SLF001 - one module
            try:
                while (head := self._bytes.next()) is None:
                    data = await read(self.sock, READ_BYTES)
                    if not data:
                        break
                    self._bytes.feed(data)
                    if idle and self._bytes.begun:
                        idle = False
                        self.site._idle.discard(scope)  # noqa: SLF001
                        scope.deadline = trio.current_time() + HEAD_S
                else:
                    return head
            finally:
                self.site._idle.discard(scope)  # noqa: SLF001
        if not self._bytes.begun:
            return None
        if scope.cancelled_caught:
            raise BadHead(408, f"no whole head came in {HEAD_S:g} s")
        raise BadHead(400, "the connection ended before its head was whole")

    def _stray(self, data: bytes) -> Trouble | None:
        """Recognise what belongs to another port, or behind another setting."""
        if data.startswith(HANDSHAKE):
            return Trouble(Cause.TLS_HERE, self.listening)
        if begins_head(data):
            return Trouble(Cause.STRAY_PROXY_HEAD, self.peer)
        return None

    # --- what a request gets ------------------------------------------------------

    def _judge(self, request: h11.Request) -> Upgrade | Refusal | Response:
        """Decide what a request gets; all but an upgrade counts for the rate."""
        headers: Headers = list(request.headers)
        client = self._client(headers)
        method = request.method.decode("ascii")
        if refusal := check_headers(request.http_version, headers):
            return self._over_rate(client) or refusal
        try:
            target = parse_target(method, request.target.decode("ascii"))
        except ValueError as error:
            return self._over_rate(client) or Refusal(400, str(error))
        if self.admit and asks_for_websocket(request.http_version, headers):
            outcome = self._judge_upgrade(method, target, headers, client)
            if isinstance(outcome, Upgrade):
                return outcome
            return self._over_rate(client) or outcome
        return self._over_rate(client) or self._judge_plain(
            method, target.path, headers
        )

    def _client(self, headers: Headers) -> str:
        """Find whose request it is, and tell of a proxy's word that says nothing."""
        forwarded = values(headers, b"x-forwarded-for")
        client = client_of(self.peer, forwarded, self.site.trusted_proxies)
        if client.doubt:
            self.troubled(Trouble(Cause.FORWARDED, self.peer, client.doubt))
        return client.address

    def _over_rate(self, client: str) -> Refusal | None:
        """Count a request by its address, unless that speaks for others."""
        key = address_key(client)
        if key is None or is_proxy(client, self.site.trusted_proxies):
            return None
        wait_s = self.site.requests.take(key, trio.current_time())
        if not wait_s:
            return None
        trouble = Trouble(Cause.REQUESTS_PER_S, key)
        return Refusal(429, "too many requests", (retry_after(wait_s),), trouble)

    def _judge_plain(
        self, method: str, path: str, headers: Headers
    ) -> Refusal | Response:
        """Decide what a request gets that is no upgrade."""
        if method not in _KNOWN_METHODS:
            return Refusal(501, "this method is not known here")
        paths = paths_below(path, self.site.prefix)
        route = next(filter(None, map(self.site.routes.get, paths)), None)
        is_socket = self.admit is not None and "/ws" in paths
        if route is None and not is_socket and path != ASTERISK:
            return Refusal(404, "nothing is here")
        allow = ("Allow", ", ".join(_METHODS))
        if method not in _METHODS:
            return Refusal(405, f"only {allow[1]}", (allow,))
        if has_body(headers):
            return Refusal(413, "a request has no body here")
        if method == "OPTIONS":
            return Response(200, "", b"", (allow,))
        if route is None:
            lost = lost_its_upgrade(headers)
            trouble = Trouble(Cause.NO_UPGRADE, self.peer) if lost else None
            return attrs.evolve(UPGRADE_REQUIRED, trouble=trouble)
        return route(method)

    def _judge_upgrade(
        self, method: str, target: Target, headers: Headers, client: str
    ) -> Upgrade | Refusal:
        """Decide what a request gets that asks for a WebSocket."""
        site = self.site
        if not set(_SOCKET_PATHS).intersection(paths_below(target.path, site.prefix)):
            trouble = Trouble(Cause.PATH, target.path)
            return Refusal(404, "no WebSocket is here", trouble=trouble)
        asked = check_upgrade(
            method, headers, site.allowed_origins, site.scheme, target.authority
        )
        if isinstance(asked, Refusal):
            return asked
        if site.stopping:
            return busy(FULL_RETRY_S)
        assert self.admit is not None
        if full := self.admit(client):
            return attrs.evolve(busy(full.wait_s), trouble=full.trouble)
        return Upgrade(
            asked.key, asked.offers_subprotocol, client, asked.bearer, self._bytes.rest
        )

    # --- the answers --------------------------------------------------------------

    async def _answer(self, response: Response) -> bool:
        """Send a route's response; whether another request may follow."""
        self._h11.next_event()  # the end of a request without a body
        again = self._h11.their_state is not h11.MUST_CLOSE and not self.site.stopping
        await self._send(response, close=not again)
        return again and self._h11.states == {
            h11.CLIENT: h11.DONE,
            h11.SERVER: h11.DONE,
        }

    async def _refuse(self, refusal: Refusal) -> Refusal:
        if (trouble := refusal.trouble) is not None:
            self.troubled(attrs.evolve(trouble, where=trouble.where or self.peer))
        # It is told as well as it lets itself be told.
        with suppress(OSError, trio.TooSlowError):
            await self._send(refused(refusal), close=True)
            await linger(self.sock)
        return refusal

    async def _send(self, response: Response, *, close: bool) -> None:
        start = h11.Response(
            status_code=response.status,
            headers=response.fields(self.site.wall(), close=close),
            reason=response.phrase.encode(),
        )
        data = self._h11.send(start) or b""
        if not self._is_head:
            data += self._h11.send(h11.Data(data=response.body)) or b""
        data += self._h11.send(h11.EndOfMessage()) or b""
        with trio.fail_after(WRITE_S):
            await write(self.sock, data)
