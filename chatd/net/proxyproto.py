"""The head that a proxy writes before a connection's own bytes. Pure.

A proxy that passes bytes on without looking at them (HAProxy in TCP mode, a
cloud's balancer) says whose they are in a few binary bytes in front: the PROXY
protocol, version 2. `ProxyHead` takes them as they come and asks for exactly as
many as are missing, so that what follows, TLS or HTTP, stays in the socket.

Whether a peer may say anything at all is decided elsewhere (`chatd.net.listener`).
Here a head is either whole and right or an exception; what is behind the
addresses, the TLVs, is measured and ignored.

Source: HAProxy, "The PROXY protocol", section 2.2. Version 1, the one in text, is
not spoken: it has no bound but a line's end, and no proxy is left that has only it.
"""

from __future__ import annotations

import ipaddress
from enum import IntEnum
from typing import Final

import attrs

from chatd.core.quota import UNIX_PEER

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
HEAD_BYTES_MAX: Final = 536
"""Of a whole head. Source: the specification's section 2: what fits into the
smallest segment of IPv4, so a sender's first."""
HEAD_S: Final = 2.0
"""For a whole head: a proxy has it before it connects."""

_FIXED_BYTES = 16
"""Signature, version and command, family and transport, length."""
_VERSION = 2
_STREAM = 1


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


@attrs.define
class ProxyHead:
    """One head, as far as it is there.

    Attributes:
        client: Once it is whole: whose the connection is, in the spelling of
            `ipaddress`, or `UNIX_PEER`; None where it is the proxy's own.
    """

    client: str | None = None
    _bytes: bytearray = attrs.field(factory=bytearray, init=False)
    _size: int = attrs.field(default=_FIXED_BYTES, init=False)

    @property
    def missing(self) -> int:
        """How many bytes may be read next; 0 when it is whole."""
        return self._size - len(self._bytes)

    def feed(self, data: bytes) -> None:
        """Take bytes, at most as many as are missing.

        Raises:
            BadProxyHead: They are no head, as soon as that can be known.
        """
        assert len(data) <= self.missing
        self._bytes += data
        begun = bytes(self._bytes[: len(SIGNATURE)])
        if not SIGNATURE.startswith(begun):
            raise BadProxyHead("it does not begin with the signature of version 2")
        if self._size == _FIXED_BYTES and not self.missing:
            self._judge_fixed()
        if not self.missing:
            self.client = self._read_client()

    def _judge_fixed(self) -> None:
        """Check the first sixteen bytes, and learn how many follow."""
        version, command = divmod(self._bytes[12], 16)
        family, transport = divmod(self._bytes[13], 16)
        self._size += int.from_bytes(self._bytes[14:16], "big")
        if version != _VERSION:
            raise BadProxyHead(f"version {version}, expected {_VERSION}")
        if command not in tuple(_Command):
            raise BadProxyHead(f"command {command}, expected 0 or 1")
        if self._size > HEAD_BYTES_MAX:
            raise BadProxyHead(f"{self._size} bytes, at most {HEAD_BYTES_MAX}")
        if command == _Command.LOCAL or family == _Family.UNSPECIFIED:
            return
        if family not in tuple(_Family) or transport != _STREAM:
            what = f"family {family}, transport {transport}"
            raise BadProxyHead(f"{what}: not a stream of IPv4, IPv6 or Unix")
        need = _FIXED_BYTES + _ADDRESS_BYTES[_Family(family)]
        if self._size < need:
            raise BadProxyHead(f"{self._size} bytes, its addresses need {need}")

    def _read_client(self) -> str | None:
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
