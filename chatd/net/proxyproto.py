"""The head that a proxy writes before a connection's own bytes. Pure.

A proxy that passes bytes on without looking at them (HAProxy in TCP mode, nginx's
stream module, stunnel, a cloud's balancer) says whose they are in a few bytes in
front: the PROXY protocol. Version 1 is a line of text, version 2 is binary; the
first bytes tell them apart, and no proxy sends both.

`ProxyHead` is shown the bytes that are there and says how many of them are its own,
so that what follows, TLS or HTTP, stays in the socket. A head is either whole and
right or an exception: of version 2 at its first wrong byte, of version 1 at the end
of its line. What is behind the addresses of version 2, the TLVs, is measured and
ignored.

Whether a peer may say anything at all is decided elsewhere (`chatd.net.listener`).

Source: HAProxy, "The PROXY protocol", section 2.
"""

from __future__ import annotations

import ipaddress
import re
from enum import IntEnum
from typing import Final

import attrs

from chatd.core.quota import UNIX_PEER

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
"""How version 2 begins."""
LINE_START: Final = b"PROXY "
"""How version 1 begins."""
HEAD_BYTES_MAX: Final = 536
"""Of a whole head. Source: the specification's section 2: what fits into the
smallest segment of IPv4, so a sender's first."""
LINE_BYTES_MAX: Final = 107
"""Of a head of version 1 with its end. Source: section 2.1: the longest line is
UNKNOWN with two addresses of 39 characters."""
HEAD_S: Final = 2.0
"""For a whole head: a proxy has it before it connects."""

_FIXED_BYTES = 16
"""Signature, version and command, family and transport, length."""
_VERSION = 2
_STREAM = 1
_ADDRESS = rb"[0-9A-Fa-f:.]+"
_PORT = rb"(?:0|[1-9][0-9]{0,4})"
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?"
    rb"|TCP(?P<version>[46]) (?P<hosts>%(host)s %(host)s) (?P<ports>%(port)s %(port)s)"
    rb")\r\n" % {b"host": _ADDRESS, b"port": _PORT}
)
_KINDS = {b"4": ipaddress.IPv4Address, b"6": ipaddress.IPv6Address}
_PORT_MAX = 65_535


class _Command(IntEnum):
    LOCAL = 0
    PROXY = 1


class _Family(IntEnum):
    UNSPECIFIED = 0
    INET = 1
    INET6 = 2
    UNIX = 3


_ADDRESS_BYTES = {_Family.INET: 12, _Family.INET6: 36, _Family.UNIX: 216}
"""Both addresses, and both ports where there are ports."""


class BadProxyHead(ValueError):
    """What came is no such head; the text says why."""


def begins_head(data: bytes) -> bool:
    """Whether a proxy has written `data` that was told to send its head here."""
    # No request begins with two empty lines and a NUL, however it is cut.
    return data.startswith((LINE_START, SIGNATURE[:5]))


@attrs.define
class ProxyHead:
    """One head, as far as it is there.

    Attributes:
        client: Once it is whole: whose the connection is, in the spelling of
            `ipaddress`, or `UNIX_PEER`; None where it is the proxy's own, as its
            health checks are.
        whole: Whether nothing is missing.
    """

    client: str | None = None
    whole: bool = False
    _bytes: bytearray = attrs.field(factory=bytearray, init=False)

    def feed(self, data: bytes) -> int:
        """Take of the bytes that came next those that belong to the head.

        Returns:
            How many: all of them, unless the head is whole with fewer.

        Raises:
            BadProxyHead: They are no head.
        """
        before = len(self._bytes)
        self._bytes += data
        begun = bytes(self._bytes[: len(SIGNATURE)])
        if LINE_START.startswith(begun[: len(LINE_START)]):
            size = self._line_bytes()
        elif SIGNATURE.startswith(begun):
            size = self._binary_bytes()
        else:
            raise BadProxyHead("it does not begin as the PROXY protocol does")
        if len(self._bytes) < size:
            return len(data)
        del self._bytes[size:]
        self.whole = True
        is_line = self._bytes.startswith(LINE_START)
        self.client = self._read_line() if is_line else self._read_binary()
        return size - before

    # --- version 1 --------------------------------------------------------------

    def _line_bytes(self) -> int:
        """How long the line is; more than is there if its end is missing."""
        end = self._bytes.find(b"\n", 0, LINE_BYTES_MAX) + 1
        if end:
            return end
        if len(self._bytes) >= LINE_BYTES_MAX:
            raise BadProxyHead(f"its line has more than {LINE_BYTES_MAX} bytes")
        return len(self._bytes) + 1

    def _read_line(self) -> str | None:
        """The source of what is proxied; None where the proxy does not say."""
        found = _LINE.fullmatch(self._bytes)
        if found is None:
            raise BadProxyHead("its line is not as version 1 has it")
        if found["version"] is None:
            return None
        version: bytes = found["version"]
        try:
            source, _ = (
                str(_KINDS[version](host.decode())) for host in found["hosts"].split()
            )
        except ValueError:
            reason = f"its addresses are not both of IPv{version.decode()}"
            raise BadProxyHead(reason) from None
        if any(int(port) > _PORT_MAX for port in found["ports"].split()):
            raise BadProxyHead(f"a port is above {_PORT_MAX}")
        return source

    # --- version 2 --------------------------------------------------------------

    def _binary_bytes(self) -> int:
        """How long the head is, as far as its beginning tells."""
        if len(self._bytes) < _FIXED_BYTES:
            return _FIXED_BYTES
        version, command = divmod(self._bytes[12], 16)
        family, transport = divmod(self._bytes[13], 16)
        size = _FIXED_BYTES + int.from_bytes(self._bytes[14:16], "big")
        if version != _VERSION:
            raise BadProxyHead(f"version {version}, expected {_VERSION}")
        if command not in tuple(_Command):
            raise BadProxyHead(f"command {command}, expected 0 or 1")
        if size > HEAD_BYTES_MAX:
            raise BadProxyHead(f"{size} bytes, at most {HEAD_BYTES_MAX}")
        if command == _Command.LOCAL or family == _Family.UNSPECIFIED:
            return size
        if family not in tuple(_Family) or transport != _STREAM:
            what = f"family {family}, transport {transport}"
            raise BadProxyHead(f"{what}: not a stream of IPv4, IPv6 or Unix")
        need = _FIXED_BYTES + _ADDRESS_BYTES[_Family(family)]
        if size < need:
            raise BadProxyHead(f"{size} bytes, its addresses need {need}")
        return size

    def _read_binary(self) -> str | None:
        """The source of what is proxied; None for the proxy's own connections."""
        if self._bytes[12] % 16 == _Command.LOCAL:
            return None
        match self._bytes[13] // 16:
            case _Family.INET:
                return str(ipaddress.IPv4Address(bytes(self._bytes[16:20])))
            case _Family.INET6:
                return str(ipaddress.IPv6Address(bytes(self._bytes[16:32])))
            case _Family.UNIX:
                return UNIX_PEER
        return None
