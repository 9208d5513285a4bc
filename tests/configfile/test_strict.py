"""Nothing is coerced: each type takes its own kind of value and says so."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.configfile.strict import structure

NO_ORIGIN = (
    'expected an origin such as "https://chat.example.org",'
    " with nothing behind the host and port"
)
VALUES = {
    "true": True,
    "a whole number": 7,
    "a fraction": 7.5,
    'the string "7"': "7",
    "an array": [],
    "a table": {},
}


def reasons(section: str, name: str, value: object) -> list[str]:
    """What is wrong with one value."""
    return [problem.reason for problem in structure({section: {name: value}})[1]]


@pytest.mark.parametrize(
    ("section", "name", "wanted", "takes"),
    [
        ("auth", "guests", "true or false", {"true"}),
        ("auth", "session_days", "a whole number", {"a whole number"}),
        ("presence", "grace_s", "a number", {"a whole number", "a fraction"}),
        ("store", "path", "a string", {'the string "7"'}),
        ("server", "public_url", "a string", set()),
        ("rooms", "create", "a string", set()),
        ("rooms", "permanent", "an array", {"an array"}),
        ("metrics", "listen", "an array", {"an array"}),
    ],
)
@pytest.mark.parametrize("found", VALUES)
def test_types_are_strict(
    section: str, name: str, wanted: str, takes: set[str], found: str
) -> None:
    """A value of another type is refused with what was wanted and what was found."""
    told = reasons(section, name, VALUES[found])
    if found in takes:
        assert told == []
    elif wanted == "a string" and found.startswith("the string"):
        assert "expected" in told[0]
    elif wanted == "an array" and found.startswith("the string"):
        assert told == ['expected an array, such as ["7"]']
    elif (name, found) == ("permanent", "a table"):
        assert told == [f"expected {wanted}, found {found}: write [[rooms.permanent]]"]
    else:
        assert told == [f"expected {wanted}, found {found}"]


@pytest.mark.parametrize(
    ("section", "name", "value", "reason"),
    [
        ("heartbeat", "interval_s", 10**400, "must be a number of at most 15 digits"),
        ("heartbeat", "interval_s", float("nan"), "must be a finite number, is nan"),
        ("store", "path", "\udcff", "must be UTF-8"),
        (
            "auth",
            "names",
            "utf8",
            'expected "ascii" or "unicode", found the string "utf8"',
        ),
        (
            "auth",
            "reserved",
            ["acme", "\u0430cme"],
            '"\u0430cme": a name has letters of one script',
        ),
        (
            "server",
            "trusted_proxies",
            ["10.0.0.1/8"],
            '"10.0.0.1/8": has bits set behind its prefix; the range is 10.0.0.0/8',
        ),
        (
            "server",
            "allowed_origins",
            ["*"],
            f'"*": {NO_ORIGIN}',
        ),
    ],
)
def test_reasons(section: str, name: str, value: Any, reason: str) -> None:
    """What has the right type may still be no value of its key."""
    assert reasons(section, name, value) == [reason]


def test_a_long_value_is_cut_in_the_sentence() -> None:
    """A problem stays a line that can be read, without control characters."""
    (reason,) = reasons("log", "level", "\u202e\n" + "x" * 10_000)
    assert len(reason) < 200
    assert reason.isprintable()
