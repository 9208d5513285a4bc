from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.net.proxyproto import (
    HEAD_BYTES_MAX,
    SIGNATURE,
    BadProxyHead,
    ProxyHead,
)

TLVS = b"\x03\x00\x04crc!\x20\x00\x05\x01\x00\x00\x00\x00"


def head(
    source: str = "192.0.2.7",
    *,
    version: int = 2,
    command: int = 1,
    family: int | None = None,
    transport: int = 1,
    more: bytes = b"",
    size: int | None = None,
) -> bytes:
    """Write a head as a proxy does; `unix` and `""` are sources, too."""
    if source == "unix":
        addresses, own = b"/run/client".ljust(108, b"\0") * 2, 3
    elif not source:
        addresses, own = b"", 0
    else:
        address = ipaddress.ip_address(source)
        addresses = address.packed * 2 + struct.pack("!HH", 40_000, 443)
        own = 1 if address.version == 4 else 2
    body = addresses + more
    family = own if family is None else family
    size = len(body) if size is None else size
    kinds = (version << 4 | command, family << 4 | transport)
    return SIGNATURE + struct.pack("!BBH", *kinds, size) + body


def read(data: bytes, cuts: list[int] | None = None) -> ProxyHead:
    """Feed a head as a socket would give it: never more than is asked for."""
    found = ProxyHead()
    for start, end in zip([0, *(cuts or [])], [*(cuts or []), len(data)], strict=True):
        part = data[start:end]
        while part:
            assert found.missing
            taken, part = part[: found.missing], part[found.missing :]
            found.feed(taken)
    return found


@pytest.mark.parametrize(
    ("data", "client"),
    [
        (head(), "192.0.2.7"),
        (head("2001:db8::1"), "2001:db8::1"),
        (head("::ffff:192.0.2.7"), str(ipaddress.IPv6Address("::ffff:192.0.2.7"))),
        (head("unix"), "unix"),
        (head(more=TLVS), "192.0.2.7"),
        (head("2001:db8::1", more=TLVS), "2001:db8::1"),
        (head("", command=0, transport=0), None),
        (head("", command=0, transport=0, more=TLVS), None),
        (head("192.0.2.7", command=0), None),
        (head("192.0.2.7", family=0, transport=0), None),
        (head(more=b"x" * (HEAD_BYTES_MAX - 28)), "192.0.2.7"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_head_is_the_same_wherever_it_is_cut(data: bytes, client: str | None) -> None:
    """Whole, at every index, and one byte at a time."""
    for cuts in ([], *([index] for index in range(1, len(data)))):
        found = read(data, cuts)
        assert (found.client, found.missing) == (client, 0)
    assert read(data, list(range(1, len(data)))).client == client


def test_what_follows_a_head_is_not_asked_for() -> None:
    """At first as much as every head has, then exactly what is missing."""
    found = ProxyHead()
    assert found.missing == 16
    found.feed(head(more=TLVS)[:16])
    assert found.missing == 12 + len(TLVS)
    assert found.client is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PROXY TCP4 192.0.2.7 192.0.2.8 40000 443\r\n", "signature"),
        (b"GET / HTTP/1.1\r\n", "signature"),
        (b"\x16\x03\x01\x02\x00\x01", "signature"),
        (SIGNATURE[:-1] + b"\r" + head()[12:], "signature"),
        (head(version=1), "version 1"),
        (head(version=3), "version 3"),
        (head(command=2), "command 2"),
        (head(family=4), "family 4"),
        (head(transport=2), "transport 2"),
        (head(transport=0), "transport 0"),
        (head("unix", transport=2), "transport 2"),
        (head(size=11), "27 bytes, its addresses need 28"),
        (head("2001:db8::1", size=12), "need 52"),
        (head("unix", size=215), "need 232"),
        (head("", family=1, size=0), "need 28"),
        (head(size=HEAD_BYTES_MAX - 15), "537 bytes, at most 536"),
        (head("", command=0, transport=0, size=65_535), "at most 536"),
    ],
)
def test_what_is_no_head_is_refused_at_its_first_wrong_byte(
    data: bytes, reason: str
) -> None:
    """Wherever it is cut, before anything behind its first sixteen bytes is read."""
    for cuts in ([], *([index] for index in range(1, 16))):
        with pytest.raises(BadProxyHead, match=reason):
            read(data[:16], [cut for cut in cuts if cut < len(data[:16])])


@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_a_head_or_are_refused(noise: bytes, signed: bool) -> None:
    """Nothing else comes out, and no more is asked for than a head may have."""
    data = SIGNATURE + noise if signed else noise
    found = ProxyHead()
    try:
        while data and found.missing:
            taken, data = data[: found.missing], data[found.missing :]
            found.feed(taken)
            assert found.missing <= HEAD_BYTES_MAX
    except BadProxyHead:
        return
    if not found.missing and found.client not in (None, "unix"):
        ipaddress.ip_address(found.client)
