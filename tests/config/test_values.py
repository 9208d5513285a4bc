"""How addresses, networks, origins and URLs are spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.config import (
    SystemdSockets,
    TcpAddress,
    UnixAddress,
    parse_address,
    parse_network,
    parse_origin,
    parse_public_url,
)
from chatd.config.values import UNIX_PATH_BYTES_MAX, origin_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8765", TcpAddress("127.0.0.1", 8765)),
        ("0.0.0.0:0", TcpAddress("0.0.0.0", 0)),  # noqa: S104 - nothing is bound
        ("[::1]:80", TcpAddress("::1", 80)),
        ("[0:0::1]:80", TcpAddress("::1", 80)),
        ("LocalHost:65535", TcpAddress("localhost", 65535)),
        ("chat.example.org:443", TcpAddress("chat.example.org", 443)),
        ("unix:/run/chatd/chatd.sock", UnixAddress("/run/chatd/chatd.sock")),
        ("unix:chatd.sock", UnixAddress("chatd.sock")),
        ("systemd", SystemdSockets()),
    ],
)
def test_addresses_are_read(text: str, address: object) -> None:
    """Each kind of address becomes its own type, canonical, and can be written."""
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8765",
        ":8765",
        "localhost",
        "localhost:",
        "localhost:65536",
        "localhost:-1",
        "localhost:\uff18\uff10",
        "::1:8765",
        "[::1]",
        "[localhost]:80",
        "[127.0.0.1]:80",
        "http://localhost:8765",
        "1.2.3:80",
        "999.0.0.1:80",
        "*:80",
        "under_score:80",
        "-a:80",
        "\u212aelvin:80",
        f"{'a' * 254}:80",
        "localhost:80\n",
        "unix:",
        "unix:a\0b",
        "unix:" + "x" * (UNIX_PATH_BYTES_MAX + 1),
        "unix:" + "ä" * 54,
        "Systemd",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """A misspelled address is never taken for a host name or a path."""
    with pytest.raises(ValueError):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("::", False),
        ("192.0.2.1", False),
        ("chat.example.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    """What only this machine can reach is told by the address, not by the name."""
    assert TcpAddress(host, 1).is_loopback is loopback


def test_networks() -> None:
    """An address is a range of one; the reason for set host bits names the range."""
    assert str(parse_network("192.0.2.1")) == "192.0.2.1/32"
    assert str(parse_network("fd00::/8")) == "fd00::/8"
    with pytest.raises(ValueError, match=r"the range is 10\.0\.0\.0/8"):
        parse_network("10.0.0.1/8")
    with pytest.raises(ValueError, match="expected an address or a range"):
        parse_network("proxy.example.org")


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Chat.Example.org", "https://chat.example.org"),
        ("HTTPS://chat.example.org:443", "https://chat.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:08080", "http://localhost:8080"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_origins_are_canonical(text: str, origin: str) -> None:
    """An origin is kept in the one spelling that a browser sends."""
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "chat.example.org",
        "ftp://chat.example.org",
        "https://",
        "https://chat.example.org/",
        "https://*.example.org",
        "https://ann@example.org",
        "https://exämple.org",
        "https://[::zz]",
        "https://[1::2::3]",
        "https://chat.example.org:0",
        "https://chat.example.org:65536",
        "https://chat.example.org\n",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """Wildcards, paths and other schemes are no origins."""
    with pytest.raises(ValueError):
        parse_origin(text)


def test_public_urls() -> None:
    """A URL may have a path and loses its last slash; its origin is known."""
    assert parse_public_url("") == ""
    assert parse_public_url("https://A.example/") == "https://a.example"
    url = parse_public_url("https://a.example:8443/chat/")
    assert url == "https://a.example:8443/chat"
    assert origin_of(url) == "https://a.example:8443"
    assert origin_of(parse_public_url("")) is None


@pytest.mark.parametrize("text", ["a.example", "https://a.example/?q", "https://a/#f"])
def test_what_is_no_public_url_is_refused(text: str) -> None:
    """A query or a fragment has no place before a path."""
    with pytest.raises(ValueError):
        parse_public_url(text)


@given(
    st.text(st.sampled_from("[]:/.@-_unix systemdhtp019afAF%?#\0\n\u212a"), max_size=30)
)
def test_parsers_answer_or_raise_value_error(text: str) -> None:
    """Whatever the text, a parser gives its own canonical spelling or ValueError."""
    for parse in (parse_address, parse_network, parse_origin, parse_public_url):
        try:
            once = parse(text)
        except ValueError:
            continue
        assert parse(str(once)) == once
