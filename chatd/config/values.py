"""Settings that are more than a number or a string, and how they are spelled.

A listening address is one of three things, and each is a type of its own, so
that whoever opens sockets matches on types and never on text. An origin is kept
as the text that a browser sends, canonical, because that is what it is compared
with: exactly, never by a part.

Each parser raises `ValueError` with a sentence that says what was expected.
`str()` of a value is the spelling that its parser reads.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NewType

import attrs

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
"""A range of addresses."""
Origin = NewType("Origin", str)
"""`scheme://host[:port]`, lower case, without the scheme's own port."""
PublicUrl = NewType("PublicUrl", str)
"""An `http` or `https` URL without a trailing slash, or `""` for none."""

UNIX_PATH_BYTES_MAX = 107
"""What fits into `sun_path` beside its final NUL. Source: unix(7)."""

# ASCII: without it the Kelvin sign, U+212A, is a k in either case.
_FLAGS = re.ASCII | re.IGNORECASE
_TCP = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>[0-9]{1,5})")
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", _FLAGS)
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-~]*)?",
    _FLAGS,
)
_PORTS = {"http": 80, "https": 443}
_PORT_MAX = 65535


@attrs.frozen
class TcpAddress:
    """A TCP port on one address; port 0 takes a free one."""

    host: str
    """An IPv4 or IPv6 address without brackets, or a name to resolve."""
    port: int

    def __str__(self) -> str:
        """The spelling in a file: an IPv6 address stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@attrs.frozen
class UnixAddress:
    """A Unix stream socket, made at `path`."""

    path: str

    def __str__(self) -> str:
        """The spelling in a file."""
        return f"unix:{self.path}"


@attrs.frozen
class SystemdSockets:
    """Every socket that systemd hands over."""

    def __str__(self) -> str:
        """The spelling in a file."""
        return "systemd"


Address = TcpAddress | UnixAddress | SystemdSockets
"""Where to listen."""


def parse_address(text: str) -> Address:
    """Read `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH` or `systemd`.

    Raises:
        ValueError: It is none of them.
    """
    if text == "systemd":
        return SystemdSockets()
    if text.startswith("unix:"):
        return _unix(text.removeprefix("unix:"))
    found = _TCP.fullmatch(text)
    if not found or int(found["port"]) > _PORT_MAX:
        raise ValueError(
            'expected "HOST:PORT", "[IPV6]:PORT", "unix:PATH" or "systemd"'
        )
    return TcpAddress(_host(found), int(found["port"]))


def _host(found: re.Match[str]) -> str:
    """The host of an address, canonical."""
    if found["v6"]:
        try:
            return str(ipaddress.IPv6Address(found["v6"]))
        except ValueError:
            raise ValueError("what is in brackets is not an IPv6 address") from None
    host = found["host"]
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        # 1.2.3 and 999.0.0.1 are misspelled addresses, not names: no top-level
        # domain is a number.
        if not _HOST_NAME.fullmatch(host) or host.rpartition(".")[2].isdigit():
            raise ValueError(
                "the host is neither an IPv4 address nor a host name"
            ) from None
    return host.lower()


def _unix(path: str) -> UnixAddress:
    if not path or "\0" in path:
        raise ValueError("a Unix socket needs a path: unix:/run/chatd/chatd.sock")
    if len(path.encode("utf-8", "surrogatepass")) > UNIX_PATH_BYTES_MAX:
        raise ValueError(
            f"a Unix socket's path has at most {UNIX_PATH_BYTES_MAX} bytes"
        )
    return UnixAddress(path)


def parse_network(text: str) -> Network:
    """Read an address or a range in CIDR form.

    Raises:
        ValueError: It is neither, or bits are set behind the prefix.
    """
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            wider = ipaddress.ip_network(text, strict=False)
            raise ValueError(
                f"has bits set behind its prefix; the range is {wider}"
            ) from None
        raise ValueError(
            'expected an address or a range such as "10.0.0.0/8" or "fd00::/8"'
        ) from None


def parse_origin(text: str) -> Origin:
    """Read an origin in the spelling of the Origin header.

    Raises:
        ValueError: It is not `http://` or `https://` with a host and nothing
            behind it. A wildcard is none: origins are compared exactly.

    Source: RFC 6454 section 6.2; RFC 6455 section 10.2.
    """
    found = _URL.fullmatch(text)
    if not found or found["path"]:
        raise ValueError(
            'expected an origin such as "https://chat.example.org",'
            " with nothing behind the host and port"
        )
    return _origin(found)


def parse_public_url(text: str) -> PublicUrl:
    """Read the URL under which people reach the daemon; `""` is none.

    Raises:
        ValueError: It is not an `http` or `https` URL, or has a user, a query
            or a fragment.
    """
    if not text:
        return PublicUrl("")
    found = _URL.fullmatch(text)
    if not found or re.search("[?#]", text):
        raise ValueError('expected a URL such as "https://chat.example.org", or ""')
    return PublicUrl(_origin(found) + (found["path"] or "").rstrip("/"))


def origin_of(url: PublicUrl) -> Origin | None:
    """The origin of a page under `url`; None where there is no URL."""
    found = _URL.fullmatch(url)
    return _origin(found) if found else None


def _origin(found: re.Match[str]) -> Origin:
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"]
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise ValueError("what is in brackets is not an IPv6 address") from None
    if port is None or int(port) == _PORTS[scheme]:
        return Origin(f"{scheme}://{host}")
    if not 0 < int(port) <= _PORT_MAX:
        raise ValueError("the port is not between 1 and 65535")
    return Origin(f"{scheme}://{host}:{int(port)}")
