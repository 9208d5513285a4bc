from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.net.proxyproto import (
    HEAD_BYTES_MAX,
    LINE_BYTES_MAX,
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


LONG = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


def line(rest: str, end: str = "\r\n") -> bytes:
    """Write a head of version 1."""
    return f"PROXY {rest}{end}".encode("latin-1")


def read(data: bytes, cuts: list[int] | None = None) -> ProxyHead:
    """Feed a head in pieces; all of it must be the head's."""
    found = ProxyHead()
    for start, end in zip([0, *(cuts or [])], [*(cuts or []), len(data)], strict=True):
        assert not found.whole
        assert found.feed(data[start:end]) == end - start
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
        (line("TCP4 192.0.2.7 192.0.2.8 40000 443"), "192.0.2.7"),
        (line("TCP4 255.255.255.255 255.255.255.255 65535 65535"), "255.255.255.255"),
        (line("TCP4 192.0.2.7 192.0.2.8 0 0"), "192.0.2.7"),
        (line("TCP6 2001:DB8::1 ::1 40000 443"), "2001:db8::1"),
        (line(f"TCP6 {LONG} {LONG} 65535 65535"), LONG),
        (
            line("TCP6 ::ffff:192.0.2.7 ::1 1 2"),
            str(ipaddress.IPv6Address("::ffff:192.0.2.7")),
        ),
        (line("UNKNOWN"), None),
        (line(f"UNKNOWN {LONG} {LONG} 65535 65535"), None),
        (line("UNKNOWN what \0ever\xff"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_head_is_the_same_wherever_it_is_cut(data: bytes, client: str | None) -> None:
    """Whole, at every index, and one byte at a time."""
    for cuts in ([], *([index] for index in range(1, len(data)))):
        found = read(data, cuts)
        assert (found.client, found.whole) == (client, True)
    assert read(data, list(range(1, len(data)))).client == client


@pytest.mark.parametrize(
    "told", [head(more=TLVS), line("TCP4 192.0.2.7 192.0.2.8 1 2"), line("UNKNOWN")]
)
@pytest.mark.parametrize(
    "rest", [b"GET / HTTP/1.1\r\n", b"\r\n", b"\n", b"PROXY UNKNOWN\r\n"]
)
def test_what_follows_a_head_is_not_taken(told: bytes, rest: bytes) -> None:
    """Wherever it is cut, also where the next bytes look like a head or its end."""
    data = told + rest
    for cut in range(len(data)):
        found, taken = ProxyHead(), 0
        for part in (data[:cut], data[cut:]):
            if part and not found.whole:
                taken += found.feed(part)
        assert (taken, found.whole) == (len(told), True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "begin"),
        (b"\x16\x03\x01\x02\x00\x01", "begin"),
        (b"proxy TCP4 192.0.2.7 192.0.2.8 40000 443\r\n", "begin"),
        (b"PROXYTCP4 192.0.2.7 192.0.2.8 40000 443\r\n", "begin"),
        (SIGNATURE[:-1] + b"\r" + head()[12:], "begin"),
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


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("", "version 1"),
        ("UNKNOWNS", "version 1"),
        ("UNKNOWN\rx", "version 1"),
        ("UDP4 192.0.2.7 192.0.2.8 40000 443", "version 1"),
        ("tcp4 192.0.2.7 192.0.2.8 40000 443", "version 1"),
        ("TCP4", "version 1"),
        ("TCP4 192.0.2.7", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 40000", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 40000 443 ", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 40000 443 1", "version 1"),
        ("TCP4  192.0.2.7 192.0.2.8 40000 443", "version 1"),
        ("TCP4\t192.0.2.7 192.0.2.8 40000 443", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 -1 443", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 +1 443", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 080 443", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 \xb2 443", "version 1"),
        ("TCP4 192.0.2.7 192.0.2.8 40000 65536", "above 65535"),
        ("TCP4 192.0.2.7 192.0.2.8 99999 443", "above 65535"),
        ("TCP4 192.0.2.007 192.0.2.8 40000 443", "not both of IPv4"),
        ("TCP4 192.0.2 192.0.2.8 40000 443", "not both of IPv4"),
        ("TCP4 192.0.2.256 192.0.2.8 40000 443", "not both of IPv4"),
        ("TCP4 2001:db8::1 192.0.2.8 40000 443", "not both of IPv4"),
        ("TCP4 192.0.2.7 2001:db8::1 40000 443", "not both of IPv4"),
        ("TCP6 192.0.2.7 192.0.2.8 40000 443", "not both of IPv6"),
        ("TCP6 2001:db8::1 x 40000 443", "version 1"),
        ("TCP6 2001:db8::1 1 40000 443", "not both of IPv6"),
        ("TCP6 fe80::1%eth0 ::1 40000 443", "version 1"),
        ("TCP6 :::1 ::1 40000 443", "not both of IPv6"),
        (f"TCP6 {LONG}:ffff {LONG} 40000 443", "not both of IPv6"),
    ],
)
def test_a_line_is_as_the_specification_has_it(rest: str, reason: str) -> None:
    """One space, two addresses of its kind, two ports, and nothing else."""
    with pytest.raises(BadProxyHead, match=reason):
        read(line(rest))


@pytest.mark.parametrize("end", ["\n", " \n", "\r\r\n"])
def test_a_line_ends_with_cr_and_lf(end: str) -> None:
    """A proxy that ends it otherwise may mean something else by it."""
    with pytest.raises(BadProxyHead, match="version 1"):
        read(line("TCP4 192.0.2.7 192.0.2.8 40000 443", end))


def test_a_line_has_at_most_107_bytes() -> None:
    """With its end; one that has none is not waited for any longer."""
    longest = line("UNKNOWN ".ljust(LINE_BYTES_MAX - 8, "x"))
    assert len(longest) == LINE_BYTES_MAX
    assert read(longest).whole
    for data in (longest[:-2] + b"x\r\n", longest[:-2] + b"xx"):
        for cuts in ([], [106], [107], list(range(1, 106))):
            with pytest.raises(BadProxyHead, match="more than 107 bytes"):
                read(data, [cut for cut in cuts if cut < len(data)])


@given(
    st.sampled_from([b"", SIGNATURE, b"PROXY ", b"PROXY TCP4 ", b"PROXY UNKNOWN"]),
    st.binary(max_size=128),
    st.sampled_from([b"", b"\r\n", b"\n"]),
)
def test_any_bytes_are_a_head_or_are_refused(
    start: bytes, noise: bytes, end: bytes
) -> None:
    """Nothing else comes out, wherever they are cut, and never after too many."""
    data = start + noise + end
    results = []
    for step in (1, 7, len(data) or 1):
        found, taken = ProxyHead(), 0
        try:
            while taken < len(data) and not found.whole:
                taken += found.feed(data[taken : taken + step])
        except BadProxyHead as error:
            results.append(str(error))
        else:
            assert taken <= HEAD_BYTES_MAX
            results.append(f"{taken} {found}")
            if found.client not in (None, "unix"):
                ipaddress.ip_address(found.client)
    assert len(set(results)) == 1
