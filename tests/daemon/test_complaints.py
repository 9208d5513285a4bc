from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import attrs
import pytest

from chatd.config import Config
from chatd.daemon.complaints import LINE_EVERY_S, LINES_AT_ONCE, Complaints
from chatd.net.trouble import Cause, Trouble
from chatd.observe import configure_log

HOUR_S = 3600.0


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The log, at its default level, for programs."""
    stream = io.StringIO()
    configure_log("info", "json", stream)
    yield stream
    configure_log("debug", "console")


def lines(stream: io.StringIO) -> list[dict[str, str]]:
    """The lines so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_names_the_place_and_the_setting(written: io.StringIO) -> None:
    """So that whoever reads it knows what to do."""
    Complaints().tell(Trouble(Cause.ORIGIN, "https://b.example"), 0.0)
    Complaints().tell(Trouble(Cause.CONNECTIONS_MAX), 0.0)
    Complaints().tell(Trouble(Cause.FORWARDED, "10.0.0.1", "no address: 'x'"), 0.0)
    origin, full, forwarded = lines(written)
    assert origin["level"] == "warning"
    assert origin["origin"] == "https://b.example"
    assert origin["setting"] == "server.allowed_origins"
    assert full["setting"] == "limits.connections_max"
    assert (forwarded["proxy"], forwarded["reason"]) == ("10.0.0.1", "no address: 'x'")


def test_every_cause_says_what_to_look_at() -> None:
    """Its setting exists, and its text is no sentence that ends."""
    keys = {
        f"{section.name}.{key.name}"
        for section in attrs.fields(Config)
        for key in attrs.fields(type(getattr(Config(), section.name)))
    }
    for cause in Cause:
        row = cause.value
        assert row.setting in keys | {""}, cause
        assert re.fullmatch(r"[a-zA-Z].*[^.]", row.text), cause
        assert row.place in {"", "origin", "proxy", "address", "listening", "path"}


def test_one_line_for_each_cause_and_place_an_hour(written: io.StringIO) -> None:
    """A page that tries again each second is told once."""
    complaints = Complaints()
    for second in range(3599):
        complaints.tell(Trouble(Cause.ORIGIN, "https://b.example"), second)
    complaints.tell(Trouble(Cause.ORIGIN, "https://c.example"), 10.0)
    complaints.tell(Trouble(Cause.PATH, "https://b.example"), 10.0)
    assert len(lines(written)) == 3
    complaints.tell(Trouble(Cause.ORIGIN, "https://b.example"), HOUR_S)
    assert len(lines(written)) == 4


def test_at_debug_all_are_told() -> None:
    """Those who look closer see what is not told twice."""
    stream = io.StringIO()
    configure_log("debug", "json", stream)
    complaints = Complaints()
    for _ in range(3):
        complaints.tell(Trouble(Cause.PROXY_HEAD, "10.0.0.1", "version 3"), 0.0)
    configure_log("debug", "console")
    told = [(line["level"], line["reason"]) for line in lines(stream)]
    assert told == [("warning", "version 3"), *[("debug", "version 3")] * 2]


def test_whoever_chooses_places_does_not_fill_the_log(written: io.StringIO) -> None:
    """Some lines, then one in ten minutes with the number of what was not told; what
    went wrong for another cause is told as if there was nothing.
    """
    complaints = Complaints()
    for number in range(100_000):
        origin = f"https://{number}.example"
        complaints.tell(Trouble(Cause.ORIGIN, origin), number / 1000)
    assert len(lines(written)) == LINES_AT_ONCE
    complaints.tell(Trouble(Cause.TLS_HERE, "127.0.0.1:8765"), 100.0)
    assert len(lines(written)) == LINES_AT_ONCE + 1
    complaints.tell(Trouble(Cause.ORIGIN, "https://b.example"), LINE_EVERY_S)
    last = lines(written)[-1]
    assert last["origin"] == "https://b.example"
    assert last["others"] == str(100_000 - LINES_AT_ONCE)
    complaints.tell(Trouble(Cause.ORIGIN, "https://c.example"), 2 * LINE_EVERY_S)
    assert "others" not in lines(written)[-1]


def test_a_place_that_was_not_told_is_told_when_there_is_room(
    written: io.StringIO,
) -> None:
    """Its turn was not used up by the flood around it."""
    complaints = Complaints()
    for number in range(LINES_AT_ONCE):
        complaints.tell(Trouble(Cause.ORIGIN, f"https://{number}.example"), 0.0)
    complaints.tell(Trouble(Cause.ORIGIN, "https://b.example"), 1.0)
    complaints.tell(Trouble(Cause.ORIGIN, "https://b.example"), LINE_EVERY_S)
    assert lines(written)[-1]["origin"] == "https://b.example"


@pytest.mark.parametrize("form", ["console", "json", "auto"])
def test_nobody_writes_lines_of_his_own(form: str) -> None:
    """Whatever an origin says, it is one line, and no colour of it."""
    stream = io.StringIO()
    configure_log("info", form, stream)
    evil = "https://x\n2026-01-01 error stolen key=\x1b[31m\u2028\u202e\x85" + "a" * 999
    Complaints().tell(Trouble(Cause.ORIGIN, evil, evil), 0.0)
    configure_log("debug", "console")
    (line,) = stream.getvalue().split("\n")[:-1]
    assert line.isprintable()
    assert len(line) < 2500


def test_what_is_remembered_is_bounded(written: io.StringIO) -> None:
    """Places are cut, and forgotten when there are many."""
    complaints = Complaints()
    for number in range(5000):
        where = f"{number}".ljust(10_000, "x")
        trouble = Trouble(Cause.PATH, where)
        assert len(trouble.where) == 200
        complaints.tell(trouble, 0.0)
    assert len(complaints._places) <= 1024
