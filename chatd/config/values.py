"""Settings that are more than a number or a string, and how they are spelled.

A listening address is one of three things, and each is a type of its own, so
that code which opens sockets matches on types and never on text. URLs and origins are
in `chatd.config.urls`.

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
FileMode = NewType("FileMode", str)
"""The permission bits of a file as four octal digits: `0660`."""

UNIX_PATH_BYTES_MAX = 107
"""What fits into `sun_path` beside its final NUL. Source: unix(7)."""

# ASCII: without it the Kelvin sign, U+212A, is a k in either case.
_FLAGS = re.ASCII | re.IGNORECASE
_TCP = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>[0-9]{1,5})")
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", _FLAGS)
_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)
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
    def reachable(self) -> TcpAddress:
        """Where this machine reaches it: by loopback, where it stands for all."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return TcpAddress(host, self.port)

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


def parse_file_mode(text: str) -> FileMode:
    """Read the permission bits of a file.

    Raises:
        ValueError: They are not three octal digits, with or without a zero before.
    """
    if not _MODE.fullmatch(text):
        raise ValueError('expected three octal digits such as "0660"')
    return FileMode(text.zfill(4))
