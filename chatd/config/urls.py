"""Origins and URLs as settings: one spelling each, so that they can be compared.

An origin is kept as the text that a browser sends, canonical, because that is what
it is compared with: exactly, never by a part. A page of the web has one of `http` or
`https`; an app that packs its pages, and a browser's extension, one of its own
scheme; a page from a file `file://` or `null`, depending on the browser, which any page
can have that is opened from a file or in a sandboxed frame.

Source: RFC 6454 section 6; RFC 6455 section 10.2.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NewType

Origin = NewType("Origin", str)
"""`scheme://host[:port]` in lower case, without the scheme's own port, or `null`."""
PublicUrl = NewType("PublicUrl", str)
"""An `http` or `https` URL without a trailing slash, or `""` for none."""

NULL = Origin("null")
"""The origin of a page that has none."""
SHARED_ORIGINS = (NULL, Origin("file://"))
"""Origins that pages of different people share."""

# ASCII: without it the Kelvin sign, U+212A, is a k in either case.
_FLAGS = re.ASCII | re.IGNORECASE
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-~]*)?",
    _FLAGS,
)
_APP = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._~-]*)"
    r"(?::(?P<port>[0-9]{1,5}))?",
    _FLAGS,
)
_NO_APP = frozenset({"http", "https", "ws", "wss", "ftp"})
"""Schemes of which no packaged page has an origin."""
_PORTS = {"http": 80, "https": 443}
_PORT_MAX = 65535
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def parse_origin(text: str) -> Origin:
    """Read an origin in the spelling of the Origin header.

    Raises:
        ValueError: It is not a scheme with a host, and nothing behind it. A wildcard
            is none: origins are compared exactly.
    """
    if text == NULL:
        return NULL
    found = _URL.fullmatch(text)
    if found and not found["path"]:
        return _origin(found)
    app = _APP.fullmatch(text)
    if app and app["scheme"].lower() not in _NO_APP:
        return _with_port(app["scheme"], app["host"].lower(), app["port"])
    raise ValueError(
        'expected an origin such as "https://chat.example.org",'
        " with nothing behind the host and port"
    )


def parse_public_url(text: str) -> PublicUrl:
    """Read the URL under which people reach the daemon; `""` is none.

    Raises:
        ValueError: It is not an `http` or `https` URL, or has a user, a query, a
            fragment, or a step up or down in its path.
    """
    if not text:
        return PublicUrl("")
    found = _URL.fullmatch(text)
    if not found or re.search("[?#]", text):
        raise ValueError('expected a URL such as "https://chat.example.org", or ""')
    path = canonical_path(found["path"] or "/")
    if {".", ".."}.intersection(path.split("/")):
        raise ValueError("a browser takes `.` and `..` out of a path; write it without")
    return PublicUrl(_origin(found) + path.rstrip("/"))


def origin_of(url: PublicUrl) -> Origin | None:
    """The origin of a page under `url`; None where there is no URL."""
    found = _URL.fullmatch(url)
    return _origin(found) if found else None


def host_of(url: PublicUrl) -> str:
    """The host of `url`, without a port; empty where there is no URL."""
    found = _URL.fullmatch(url)
    return found["host"] if found else ""


def path_of(url: PublicUrl) -> str:
    """The path of `url`, canonical; `/` where it has none."""
    found = _URL.fullmatch(url)
    return (found["path"] if found else None) or "/"


def canonical_path(path: str) -> str:
    """Spell a path in one way: no empty segments, nothing encoded without need.

    Source: RFC 3986 section 6.2.2.
    """
    path = _ENCODED.sub(_decoded, path)
    return "/" + "/".join(segment for segment in path.split("/") if segment)


def _decoded(found: re.Match[str]) -> str:
    """A character that needs no encoding, as itself; another in capitals."""
    character = chr(int(found[1], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()


def _origin(found: re.Match[str]) -> Origin:
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"]
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise ValueError("what is in brackets is not an IPv6 address") from None
    if port is not None and int(port) == _PORTS[scheme]:
        port = None
    return _with_port(scheme, host, port)


def _with_port(scheme: str, host: str, port: str | None) -> Origin:
    origin = f"{scheme.lower()}://{host}"
    if port is None:
        return Origin(origin)
    if not 0 < int(port) <= _PORT_MAX:
        raise ValueError("the port is not between 1 and 65535")
    return Origin(f"{origin}:{int(port)}")
