"""The URL of a bus."""

from __future__ import annotations

import pytest

from chatd.config import BusAddress, parse_bus


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        (
            "valkey://bus.example.org",
            BusAddress(host="bus.example.org"),
            "bus.example.org:6379",
        ),
        (
            "redis://[fd00::1]:7000/",
            BusAddress(host="fd00::1", port=7000),
            "[fd00::1]:7000",
        ),
        (
            "rediss://the%40chat@bus.example.org",
            BusAddress(host="bus.example.org", is_tls=True, user="the@chat"),
            "bus.example.org:6379",
        ),
        (
            "valkeys://h?passfile=/p&cacert=/a%20b&cert=/c&key=/k",
            BusAddress(
                host="h", is_tls=True, passfile="/p", cacert="/a b", cert="/c", key="/k"
            ),
            "h:6379",
        ),
        ("unix:///run/a%20b", BusAddress(path="/run/a b"), "/run/a b"),
        (
            "unix://chatd@/run/x?passfile=/p",
            BusAddress(path="/run/x", user="chatd", passfile="/p"),
            "/run/x",
        ),
    ],
)
def test_each_form_is_read(text: str, address: BusAddress, shown: str) -> None:
    """Two names and TLS for each, and a socket; a person sees where it is."""
    assert parse_bus(text) == address
    assert str(address) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bus.example.org:6379", "must begin with"),
        ("http://secret", "must begin with"),
        ("valkey://[::1", "is no URL"),
        ("valkey://h:secret", "is no URL"),
        ("valkey://h:0", "between 1 and 65535"),
        ("valkey:///secret", "names no host"),
        ("valkey://h/1", "belongs to no database"),
        ("valkey://h#secret", "no #"),
        ("valkey://:secret@h", "no password"),
        ("valkeys://ann:secret@h?cert=/c&key=/k", "no password"),
        ("unix://:secret@/run/x", "no password"),
        ("valkey://h?password=secret", "no password"),
        ("valkey://h?db=1", "knows behind the ? only passfile, cacert, cert, key"),
        ("valkey://h?cacert=/secret", 'cacert is for TLS: begin with "valkeys://"'),
        ("unix:///run/x?cert=/secret", "cert is for TLS"),
        ("valkeys://h?cert=/secret", "cert and key need each other"),
        ("valkey://h?passfile=", "one file for passfile"),
        ("valkey://h?passfile=/secret&passfile=/b", "one file for passfile"),
        ("unix:run/secret", "must be as"),
        ("unix://host/run/secret", "must be as"),
        ("unix:///run/%00secret", "must be as"),
        ("unix:///" + "x" * 107, "more than 107 bytes"),
    ],
)
def test_what_is_no_bus_is_refused_without_repeating_it(text: str, reason: str) -> None:
    """The sentence says what to write, and nothing of what somebody wrote."""
    with pytest.raises(ValueError) as refused:
        parse_bus(text)
    assert reason in str(refused.value)
    assert "secret" not in str(refused.value)
