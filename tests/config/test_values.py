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
    parse_file_mode,
    parse_network,
    parse_origin,
    parse_public_url,
)
from chatd.config.values import UNIX_PATH_BYTES_MAX


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
    ("text", "mode"), [("0660", "0660"), ("600", "0600"), ("000", "0000")]
)
def test_file_modes(text: str, mode: str) -> None:
    """Three octal digits, with or without the zero that says so."""
    assert parse_file_mode(text) == mode


@pytest.mark.parametrize(
    "text",
    ["", "66", "0o660", "1660", "4755", "00660", "0680", "rw-rw----", "٦٦٠", "660\n"],
)
def test_what_is_no_file_mode_is_refused(text: str) -> None:
    """Neither bits beyond permissions nor another way to write them."""
    with pytest.raises(ValueError, match="three octal digits"):
        parse_file_mode(text)


def test_an_address_that_stands_for_all_is_reached_at_one() -> None:
    """What is listened on is not always what one can connect to."""
    for host, reachable in (("0.0.0.0", "127.0.0.1"), ("::", "::1")):  # noqa: S104
        assert TcpAddress(host, 1).reachable == TcpAddress(reachable, 1)
    for host in ("127.0.0.1", "192.0.2.1", "::1", "a.example"):
        assert TcpAddress(host, 1).reachable == TcpAddress(host, 1)


@given(
    st.text(st.sampled_from("[]:/.@-_unix systemdhtp019afAF%?#\0\n\u212a"), max_size=30)
)
def test_parsers_answer_or_raise_value_error(text: str) -> None:
    """Whatever the text, a parser gives its own canonical spelling or ValueError."""
    for parse in (
        parse_address,
        parse_file_mode,
        parse_network,
        parse_origin,
        parse_public_url,
    ):
        try:
            once = parse(text)
        except ValueError:
            continue
        assert parse(str(once)) == once
