"""What a request's head says, judged strictly. Pure.

The library below never sees a client's head; what passes here is all that it
has to survive. A head that becomes a WebSocket is HTTP/1.1 GET without a body,
has one each of the headers that decide, in ASCII, a key of 16 bytes, version 13
and an `Origin` that may be there. Headers that nobody looks at may say what they
like: a browser sends the cookies of its other pages on `localhost` too.

A page of a foreign site in a person's browser can open a WebSocket to any
address that the browser reaches, with an honest `Origin`. So it is compared with
what the operator allowed, exactly. The request's own host counts only where it is
an IP literal or `localhost`: any other name may be one that its owner has let
resolve to this machine.

Who a client is, is the address of its socket, unless that is a trusted proxy;
then it is the right-most address of `X-Forwarded-For` that is not a trusted
proxy: everything left of it is what somebody claims.

Source: RFC 6455 sections 4.2.1 and 10.2; RFC 9110.
"""

from __future__ import annotations

import binascii
import ipaddress
from collections.abc import Collection, Sequence

import attrs

from chatd.config.values import Network, parse_origin
from chatd.core.quota import UNIX_PEER

HEAD_BYTES_MAX = 16_384
HEADERS_MAX = 64
TARGET_BYTES_MAX = 2048
SUBPROTOCOL = "chatd.v1"

_KEY_BYTES = 16
_SINGLE = (
    b"host",
    b"sec-websocket-key",
    b"sec-websocket-version",
    b"origin",
    b"authorization",
)
_LISTS = (
    b"upgrade",
    b"connection",
    b"sec-websocket-protocol",
    b"sec-websocket-extensions",
)

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as h11 gives them."""


@attrs.frozen
class Refusal:
    """A request that gets an answer and nothing else; the connection closes."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class Asked:
    """What a checked upgrade asks for."""

    key: str
    offers_subprotocol: bool
    bearer: str | None = attrs.field(default=None, repr=False)


def values(headers: Headers, name: bytes) -> list[bytes]:
    """All values of a header, in order."""
    return [value for key, value in headers if key == name]


def tokens(headers: Headers, name: bytes) -> list[str]:
    """The elements of a header that is a list."""
    found = b",".join(values(headers, name)).decode("latin-1")
    return [token.strip() for token in found.split(",") if token.strip()]


def asks_for_websocket(headers: Headers) -> bool:
    """Whether a request wants to become a WebSocket."""
    return _says(headers, b"upgrade", "websocket")


def _says(headers: Headers, name: bytes, word: str) -> bool:
    """Whether a list has an element, in whatever case."""
    return any(token.lower() == word for token in tokens(headers, name))


def has_body(headers: Headers) -> bool:
    """Whether content follows the head."""
    length = values(headers, b"content-length")
    return bool(values(headers, b"transfer-encoding")) or length not in ([], [b"0"])


def check_size(target: bytes, headers: Headers) -> Refusal | None:
    """Refuse what is longer than anything sensible."""
    if len(target) > TARGET_BYTES_MAX:
        return Refusal(414, f"a target has at most {TARGET_BYTES_MAX} bytes")
    if len(headers) > HEADERS_MAX:
        return Refusal(431, f"a request has at most {HEADERS_MAX} headers")
    return None


def check_upgrade(
    method: bytes,
    version: bytes,
    headers: Headers,
    allowed: Collection[str],
    scheme: str = "http",
) -> Asked | Refusal:
    """Judge a request that asks for a WebSocket.

    Args:
        method: As it stands in the request.
        version: `b"1.1"` or `b"1.0"`.
        headers: All of them.
        allowed: The origins whose pages may connect, canonical.
        scheme: `https` where the connection is encrypted.
    """
    if refusal := _check_form(method, version, headers):
        return refusal
    if values(headers, b"sec-websocket-version") != [b"13"]:
        return Refusal(
            426,
            "the WebSocket version is 13",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
        )
    key = b"".join(values(headers, b"sec-websocket-key"))
    if not _is_key(key):
        return Refusal(400, "Sec-WebSocket-Key is 16 bytes in base64")
    origin = values(headers, b"origin")
    (host,) = values(headers, b"host")
    here = f"{scheme}://{host.decode()}"
    if origin and not origin_allowed(origin[0].decode(), here, allowed):
        return Refusal(403, "pages of this origin may not connect here")
    return Asked(
        key.decode(),
        SUBPROTOCOL in tokens(headers, b"sec-websocket-protocol"),
        _bearer(headers),
    )


def _check_form(method: bytes, version: bytes, headers: Headers) -> Refusal | None:
    """Refuse what is no upgrade by its form alone."""
    if version != b"1.1":
        return Refusal(400, "a WebSocket needs HTTP/1.1")
    if method != b"GET":
        return Refusal(405, "a WebSocket begins with GET", (("Allow", "GET"),))
    for name in _SINGLE:
        if len(values(headers, name)) > 1:
            return Refusal(400, f"more than one {name.decode()}")
    if len(values(headers, b"host")) != 1:
        return Refusal(400, "no host")
    for name, value in headers:
        if name in (*_SINGLE, *_LISTS) and not value.isascii():
            return Refusal(400, f"{name.decode()} is not ASCII")
    if not _says(headers, b"connection", "upgrade"):
        return Refusal(400, "connection does not say upgrade")
    if has_body(headers):
        return Refusal(400, "an upgrade has no body")
    return None


def _is_key(key: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(key, strict_mode=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _bearer(headers: Headers) -> str | None:
    """The credential of `Authorization: Bearer`; other schemes are a proxy's."""
    for value in values(headers, b"authorization"):
        scheme, _, credential = value.decode().partition(" ")
        if scheme.lower() == "bearer" and credential.strip():
            return credential.strip()
    return None


def origin_allowed(origin: str, here: str, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may connect to a daemon that it finds at `here`.

    Source: protocol section 2; RFC 6454 for the spelling.
    """
    if origin in allowed:
        return True
    try:
        asked = parse_origin(origin)
        own = parse_origin(here)
    except ValueError:
        # `null` among them: a sandboxed frame of anybody's page sends it.
        return False
    return asked in allowed or (asked == own and _is_plainly_here(own))


def _is_plainly_here(own: str) -> bool:
    """Whether no resolver had a say in what the browser connected to."""
    host = own.partition("://")[2]
    if host.startswith("["):
        return True
    host = host.partition(":")[0]
    return host == "localhost" or _address(host) is not None


def client_address(
    peer: str, forwarded: Sequence[bytes], trusted: Collection[Network]
) -> str:
    """Find whose request it is.

    Args:
        peer: The socket's other end, or `UNIX_PEER`. Where proxies are trusted
            at all, whoever may open the Unix socket is one of them.
        forwarded: The values of `X-Forwarded-For`, in order.
        trusted: The proxies whose word counts.

    Returns:
        An address in its canonical form. An element that is no address ends the
        search: nothing left of it can be believed.
    """
    client = normal_address(peer)
    if not is_proxy(client, trusted):
        return client
    hops = b",".join(forwarded).decode("latin-1").split(",")
    for hop in reversed(hops):
        address = _address(_without_port(hop.strip()))
        if address is None:
            break
        client = address
        if not is_proxy(client, trusted):
            break
    return client


def is_proxy(address: str, trusted: Collection[Network]) -> bool:
    """Whether `address`, canonical, speaks for others."""
    if address == UNIX_PEER:
        return bool(trusted)
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in trusted)


def normal_address(peer: str) -> str:
    """Spell an address in one way: IPv4 in IPv6 is IPv4, no zone."""
    return _address(peer.partition("%")[0]) or peer


def _address(text: str) -> str | None:
    """The canonical spelling of an address, or None."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.scope_id:
            return None
        return str(parsed.ipv4_mapped or parsed)
    return str(parsed)


def _without_port(hop: str) -> str:
    """Some proxies write the port too: `192.0.2.1:555`, `[2001:db8::1]:555`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
