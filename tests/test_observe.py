from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chatd.errors import Ending, RejectCode
from chatd.observe import SECRET_KEYS, VALUE_CHARS_MAX, Metrics, configure_log, log


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the log as it was found."""
    yield
    configure_log("debug", "text")


def lines(form: str, level: str = "debug", **pairs: Any) -> list[str]:
    """What one entry becomes."""
    stream = io.StringIO()
    configure_log(level, form, stream)
    log().info("event", **pairs)
    return stream.getvalue().splitlines()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A file of which the environment says that it is the journal."""
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        name = f"{status.st_dev}:{status.st_ino}"
        monkeypatch.setenv("JOURNAL_STREAM", name)
        yield stream


def written(stream: TextIO) -> list[str]:
    """What a file has so far."""
    stream.seek(0)
    return stream.read().splitlines()


def test_a_line_for_people() -> None:
    """Time, level, event, pairs; quoted where it could be mistaken."""
    (line,) = lines("text", user="ann", reason="a b", empty="", number=1.5)
    when, rest = line.split(" ", 1)
    assert when.endswith("Z")
    assert rest == "info    event user=ann reason='a b' empty='' number=1.5"


def test_a_line_for_programs() -> None:
    """One JSON object with time, level and the pairs as they are."""
    (line,) = lines("json", user="ann", number=1.5, name="Zoë")
    entry = orjson.loads(line)
    assert entry.pop("ts").endswith("Z")
    assert entry == {
        "level": "info",
        "event": "event",
        "user": "ann",
        "number": 1.5,
        "name": "Zoë",
    }
    assert line.isascii()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
def test_secrets_are_kept_out(form: str, key: str) -> None:
    """Whatever they are: text, bytes, something inside something."""
    for secret in ("hunter2", b"hunter2", ["hunter2"]):
        pairs: dict[str, Any] = {key: secret}
        (line,) = lines(form, **pairs)
        assert "hunter2" not in line
        assert "***" in line


def test_what_is_long_is_cut() -> None:
    """A client cannot fill the log with one line."""
    (line,) = lines("text", display="x" * 10_000)
    assert len(line) < VALUE_CHARS_MAX + 100
    assert line.endswith("…'")


@given(st.text())
@pytest.mark.parametrize("form", ["text", "json"])
def test_an_entry_is_one_line(form: str, value: str) -> None:
    """Whatever a client puts in: no line break, no control character, no forgery."""
    stream = io.StringIO()
    configure_log("info", form, stream)
    log().info("event", display=value, user="ann")
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert len(text.splitlines()) == 1


def test_a_level_leaves_the_lower_ones_out() -> None:
    """What is less important than asked is not written."""
    assert lines("text", "warning") == []
    assert len(lines("text", "info")) == 1


def test_a_traceback_follows_its_line() -> None:
    """An error is logged with where it came from."""
    stream = io.StringIO()
    configure_log("info", "text", stream)
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        log().error("bug", connection=7, exc_info=error)
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("error   bug connection=7")
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "ZeroDivisionError: a bug"


def test_a_traceback_in_json_is_inside_its_line() -> None:
    """Also there an entry is one line."""
    stream = io.StringIO()
    configure_log("info", "json", stream)
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        log().error("bug", exc_info=error)
    (line,) = stream.getvalue().splitlines()
    assert "ZeroDivisionError: a bug" in orjson.loads(line)["exception"]


def test_the_journal_gets_priorities(journal: TextIO) -> None:
    """Before every line, those of a traceback too; the time is the journal's own."""
    configure_log("debug", "auto", journal)
    log().debug("d")
    log().info("i")
    log().warning("w")
    log().critical("c")
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        log().error("e", exc_info=error)
    found = written(journal)
    assert found[:4] == [
        "<7>debug   d",
        "<6>info    i",
        "<4>warning w",
        "<2>critical c",
    ]
    assert len(found) > 5
    assert all(line.startswith("<3>") for line in found[4:])


@pytest.mark.parametrize("form", ["text", "json"])
def test_who_asks_for_a_form_gets_it_in_the_journal(journal: TextIO, form: str) -> None:
    """Only `auto` looks at who reads."""
    configure_log("info", form, journal)
    log().info("event")
    (line,) = written(journal)
    assert not line.startswith("<")


def test_a_terminal_that_was_started_from_the_journal_is_none(
    journal: TextIO, tmp_path: Path
) -> None:
    """The variable is inherited by everything; it must name what is written to."""
    with (tmp_path / "other").open("w+") as other:
        configure_log("info", "auto", other)
        log().info("event")
        (line,) = written(other)
    assert not line.startswith("<")
    assert lines("auto")[0].endswith("info    event")


def test_standard_error_is_where_it_goes(capfd: pytest.CaptureFixture[str]) -> None:
    """Unless another stream is given."""
    configure_log("info", "text")
    log().info("event")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("info    event\n")


def test_every_level_of_the_configuration_is_one() -> None:
    """The names are logging's own."""
    for level in ("debug", "info", "warning", "error"):
        assert isinstance(getattr(logging, level.upper()), int)
        configure_log(level, "text", io.StringIO())


# --- numbers ------------------------------------------------------------------


def numbers(metrics: Metrics) -> dict[str, float]:
    """Parse what Prometheus would."""
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): (
            sample.value
        )
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_what_is_counted_is_told() -> None:
    """Each counter under its name, in the format that Prometheus reads."""
    metrics = Metrics()
    metrics.fast_messages += 1
    metrics.events += 3
    metrics.gaps += 1
    metrics.connection_bugs += 1
    metrics.refused(RejectCode.BAD_JSON)
    metrics.ended(Ending.SLOW)
    metrics.turned_away("503")
    found = numbers(metrics)
    assert found["chatd_messages_total fast"] == 1
    assert found["chatd_events_total"] == 3
    assert found["chatd_gaps_total"] == 1
    assert found["chatd_connection_bugs_total"] == 1
    assert found["chatd_refused_total bad_json"] == 1
    assert found["chatd_connections_ended_total slow_consumer"] == 1
    assert found["chatd_connections_refused_total 503"] == 1


def test_every_ending_is_there_from_the_start() -> None:
    """So that a rate can be taken of what has not happened yet."""
    found = numbers(Metrics())
    for ending in Ending:
        assert found[f"chatd_connections_ended_total {ending.reason}"] == 0
    assert found["chatd_connection_bugs_total"] == 0


def test_a_gauge_is_asked_when_somebody_looks() -> None:
    """It is the number of that moment."""
    metrics, box = Metrics(), [1.0]
    metrics.gauge("connections", "Connections now.", lambda: box[0])
    assert numbers(metrics)["chatd_connections"] == 1
    box[0] = 7
    assert numbers(metrics)["chatd_connections"] == 7
