"""What a request gets: a route, the application, a WebSocket, or a refusal.

Routes are looked up by path and answer GET and HEAD; OPTIONS says so; none takes a
body. They serve monitoring, so they are answered here, without the application. At
`/ws` and at `/` is the WebSocket. All other paths are the application's, if there is
one.

Requests other than upgrades have a rate by address. A trusted proxy's own requests, its
health checks, have none.

Source: RFC 9110.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

import attrs
import h11
import trio

from chatd.config.values import Network
from chatd.core.quota import Buckets, address_key
from chatd.net.answer import PLAIN_TEXT, Response, busy, retry_after
from chatd.net.asgi import Call, Gateway
from chatd.net.body import check_content
from chatd.net.connection import Upgrade
from chatd.net.connection_limiter import FULL_RETRY_S, Full
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
from chatd.net.target import ASTERISK, Target, parse_target, paths_below
from chatd.net.trouble import Cause, Trouble

_SOCKET_PATHS = ("/ws", "/")
_METHODS = ("GET", "HEAD", "OPTIONS")
_KNOWN_METHODS = (*_METHODS, "POST", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH")
"""Source: RFC 9110 section 9; RFC 5789."""
_NO_BODY = Refusal(413, "a request has no body here")


Route = Callable[[str], Response]
"""Answers one path; takes the method, GET or HEAD."""
Admit = Callable[[str], Full | None]
"""Counts one more WebSocket of an address, or says why not."""


@attrs.define(eq=False, kw_only=True)
class HttpConfig:
    """What all HTTP connections share."""

    routes: Mapping[str, Route]
    prefix: str = "/"
    """The path of `public_url`; everything is found below it as well."""
    allowed_origins: Collection[str] = ()
    """Canonical, that of `public_url` among them."""
    scheme: str = "http"
    """Of a URL that leads here directly: `https` where TLS is spoken."""
    trusted_proxies: Collection[Network] = ()
    address_path: str = ""
    """Where a client is told the address by which it counts; `""` for nowhere."""
    requests: Buckets = attrs.field(factory=lambda: Buckets(0.0, 0.0))
    """Of requests that become no WebSocket, by address."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970, for `Date`."""
    gateway: Gateway | None = None
    """The application for all other paths; None where there is none."""
    stopping: bool = False
    """No further request is taken on any connection."""
    idle: set[trio.CancelScope] = attrs.field(factory=set, init=False)
    """Of connections that wait for a request; `stop` cancels them."""

    def stop(self) -> None:
        """End connections that wait for a request; the others after theirs."""
        self.stopping = True
        for scope in self.idle:
            scope.cancel()


def _tell_address(client: str, _method: str) -> Response:
    """Tell a client its address, which only a proxy may have changed."""
    return Response(200, PLAIN_TEXT, f"{client}\n".encode())


@attrs.frozen(eq=False, kw_only=True)
class Router:
    """Decides what the requests of one connection get."""

    http: HttpConfig = attrs.field(repr=False)
    peer: str
    """The socket's other end."""
    admit: Admit | None = attrs.field(repr=False)
    """None where there are no WebSockets."""
    troubled: Callable[[Trouble], None] = attrs.field(repr=False)
    """Called with what only the operator can mend."""

    def judge(self, request: h11.Request) -> Upgrade | Refusal | Response | Call:
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
            request, target, headers, client
        )

    def _client(self, headers: Headers) -> str:
        """Find whose request it is, and tell of a proxy's word that says nothing."""
        forwarded = values(headers, b"x-forwarded-for")
        client = client_of(self.peer, forwarded, self.http.trusted_proxies)
        if client.doubt:
            self.troubled(Trouble(Cause.FORWARDED, self.peer, client.doubt))
        return client.address

    def _over_rate(self, client: str) -> Refusal | None:
        """Count a request by its address, unless that speaks for others."""
        key = self._key(client)
        if key is None:
            return None
        wait_s = self.http.requests.take(key, trio.current_time())
        if not wait_s:
            return None
        trouble = Trouble(Cause.REQUESTS_PER_S, key)
        return Refusal(429, "too many requests", (retry_after(wait_s),), trouble)

    def _key(self, client: str) -> str | None:
        """What a client's requests count by; None for those of a proxy itself."""
        if is_proxy(client, self.http.trusted_proxies):
            return None
        return address_key(client)

    def _judge_plain(
        self, request: h11.Request, target: Target, headers: Headers, client: str
    ) -> Refusal | Response | Call:
        """Decide what a request gets that is no upgrade."""
        method = request.method.decode("ascii")
        if method not in _KNOWN_METHODS:
            return Refusal(501, "this method is not known here")
        paths = paths_below(target.path, self.http.prefix)
        route = next(filter(None, map(self.http.routes.get, paths)), None)
        if self.http.address_path in paths:
            route = partial(_tell_address, client)
        is_socket = self.admit is not None and "/ws" in paths
        if route is None and not is_socket and target.path != ASTERISK:
            return self._judge_call(request, target, headers, client)
        allow = ("Allow", ", ".join(_METHODS))
        if method not in _METHODS:
            return Refusal(405, f"only {allow[1]}", (allow,))
        if has_body(headers):
            return _NO_BODY
        if method == "OPTIONS":
            return Response(200, "", b"", (allow,))
        if route is None:
            lost = lost_its_upgrade(headers)
            trouble = Trouble(Cause.NO_UPGRADE, self.peer) if lost else None
            return attrs.evolve(UPGRADE_REQUIRED, trouble=trouble)
        return route(method)

    def _judge_call(
        self, request: h11.Request, target: Target, headers: Headers, client: str
    ) -> Refusal | Response | Call:
        """Decide what a request gets that may go to the application."""
        gateway, prefix = self.http.gateway, self.http.prefix
        if gateway is None:
            return Refusal(404, "nothing is here")
        version = request.http_version
        if refusal := check_content(version, headers, gateway.body_bytes):
            return refusal
        if has_body(headers) and request.method.decode("ascii") in _METHODS:
            return _NO_BODY
        if target.path == prefix != "/" and not target.is_directory:
            # What a page names is found from here only below a slash.
            below = ("Location", f"{prefix.rpartition('/')[2]}/")
            return Response(308, "", b"", (below,))
        return Call(
            gateway=gateway,
            request=request,
            target=target,
            headers=headers,
            path=paths_below(target.path, prefix)[0],
            prefix=prefix,
            scheme=self.http.scheme,
            client=client,
            key=self._key(client),
        )

    def _judge_upgrade(
        self, method: str, target: Target, headers: Headers, client: str
    ) -> Upgrade | Refusal:
        """Decide what a request gets that asks for a WebSocket."""
        http = self.http
        if not set(_SOCKET_PATHS).intersection(paths_below(target.path, http.prefix)):
            trouble = Trouble(Cause.PATH, target.path)
            return Refusal(404, "no WebSocket is here", trouble=trouble)
        asked = check_upgrade(
            method, headers, http.allowed_origins, http.scheme, target.authority
        )
        if isinstance(asked, Refusal):
            return asked
        if http.stopping:
            return busy(FULL_RETRY_S)
        assert self.admit is not None
        if full := self.admit(client):
            return attrs.evolve(busy(full.wait_s), trouble=full.trouble)
        return Upgrade(asked.key, asked.offers_subprotocol, client, asked.bearer)
