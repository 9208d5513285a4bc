"""What a request's head says, judged strictly. Pure.

The WebSocket library never sees a client's head, only one made of what was checked
here. A head that becomes a WebSocket is HTTP/1.1 GET without a body, has at most one
each of the headers that decide, in ASCII, a key of 16 bytes, version 13 and an allowed
`Origin`, or none. Headers that are not used are not checked: a browser sends the
cookies of its other pages on `localhost` too.

A page of a foreign site can have a browser open a WebSocket to any address that the
browser reaches, with an honest `Origin`. So it is compared with what the operator
allowed, exactly. The request's own host counts only where it is
an IP literal or `localhost`: any other name may be one that its owner has let
resolve to this machine.

An app with its pages inside, and a browser's extension, have origins of their own
schemes. These are listed and compared like any other.

Source: RFC 6455 sections 4.2.1 and 10.2; RFC 9110.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Collection, Sequence

import attrs

from chatd.config.urls import parse_origin
from chatd.net.forwarded import parse_ip
from chatd.net.target import is_authority
from chatd.net.trouble import Cause, Trouble

HEADERS_MAX = 64
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

# Not what is not acceptable at all.
_HTML = re.compile(r"text/html(?!.*;q=0(\.0*)?(;|$))(;.*)?")

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as h11 gives them."""


@attrs.frozen
class Refusal:
    """A request that gets an answer and nothing else; the connection closes."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()
    trouble: Trouble | None = None
    """What the operator has to know of it."""


UPGRADE_REQUIRED = Refusal(
    426,
    "a WebSocket is here: ask by HTTP/1.1 with Upgrade: websocket",
    (("Upgrade", "websocket"),),
)


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


def asks_for_websocket(version: bytes, headers: Headers) -> bool:
    """Whether a request wants to become a WebSocket.

    By HTTP/1.0 nobody can. Source: RFC 9110 section 7.8.
    """
    return version > b"1.0" and _says(headers, b"upgrade", "websocket")


def lost_its_upgrade(headers: Headers) -> bool:
    """Whether a request for a WebSocket came without what makes it one."""
    return bool(values(headers, b"sec-websocket-key"))


def _says(headers: Headers, name: bytes, word: str) -> bool:
    """Whether a list has an element, in whatever case."""
    return any(token.lower() == word for token in tokens(headers, name))


def has_body(headers: Headers) -> bool:
    """Whether content follows the head."""
    lengths = values(headers, b"content-length")
    return bool(values(headers, b"transfer-encoding")) or any(map(int, lengths))


def wants_page(headers: Headers) -> bool:
    """Whether the client accepts HTML, as a browser does that shows it to a person."""
    kinds = (kind.replace(" ", "").lower() for kind in tokens(headers, b"accept"))
    return any(_HTML.fullmatch(kind) for kind in kinds)


def check_headers(version: bytes, headers: Headers) -> Refusal | None:
    """Refuse what no request may have, whatever it asks for.

    Source: RFC 9112 sections 2.3 and 3.2.
    """
    if not version.startswith(b"1."):
        return Refusal(505, "HTTP/1.1 is spoken here")
    if len(headers) > HEADERS_MAX:
        return Refusal(431, f"a request has at most {HEADERS_MAX} headers")
    for host in values(headers, b"host"):
        if not is_authority(host.decode("latin-1")):
            return Refusal(400, "what host says is none")
    return None


def check_upgrade(
    method: str,
    headers: Headers,
    allowed: Collection[str],
    scheme: str = "http",
    authority: str | None = None,
) -> Asked | Refusal:
    """Judge a request that asks for a WebSocket.

    Args:
        method: As it stands in the request.
        headers: All of them, checked by `check_headers`.
        allowed: The origins whose pages may connect, canonical.
        scheme: `https` where the connection is encrypted.
        authority: Of the target; it replaces the Host header.
    """
    if refusal := _check_form(method, headers):
        return refusal
    if values(headers, b"sec-websocket-version") != [b"13"]:
        return attrs.evolve(
            UPGRADE_REQUIRED,
            text="the WebSocket version is 13",
            headers=(*UPGRADE_REQUIRED.headers, ("Sec-WebSocket-Version", "13")),
        )
    key = b"".join(values(headers, b"sec-websocket-key"))
    if not _is_key(key):
        return Refusal(400, "Sec-WebSocket-Key is 16 bytes in base64")
    origin = values(headers, b"origin")
    (host,) = values(headers, b"host")
    here = f"{scheme}://{host.decode() if authority is None else authority}"
    if origin and not origin_allowed(origin[0].decode(), here, allowed):
        trouble = Trouble(Cause.ORIGIN, origin[0].decode())
        text = "pages of this origin may not connect here"
        return Refusal(403, text, trouble=trouble)
    return Asked(
        key.decode(),
        SUBPROTOCOL in tokens(headers, b"sec-websocket-protocol"),
        _bearer(headers),
    )


def _check_form(method: str, headers: Headers) -> Refusal | None:
    """Refuse what is no upgrade by its form alone."""
    if method != "GET":
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
        text = "connection does not say upgrade"
        return Refusal(400, text, trouble=Trouble(Cause.NO_UPGRADE))
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
        # `null` among them: a sandboxed frame of any page sends it.
        return False
    return asked in allowed or (asked == own and _is_plainly_here(own))


def _is_plainly_here(own: str) -> bool:
    """Whether no resolver had a say in what the browser connected to."""
    host = own.partition("://")[2]
    if host.startswith("["):
        return True
    host = host.partition(":")[0]
    return host == "localhost" or parse_ip(host) is not None
