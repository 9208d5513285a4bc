from __future__ import annotations

import io
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from chatd.errors import Ending, RejectCode
from chatd.observe import SECRET_KEYS, VALUE_CHARS_MAX, Metrics, configure_log, log
from chatd.observe.behind import LINES_MAX, Behind
from chatd.observe.histogram import Histogram

PATIENCE_S = 60.0
"""When a test gives up on something that never comes."""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the log as it was found."""
    yield
    configure_log("debug", "console")


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
    (line,) = lines("console", user="ann", reason="a b", empty="", number=1.5)
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


@pytest.mark.parametrize("form", ["console", "json"])
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
    (line,) = lines("console", display="x" * 10_000)
    assert len(line) < VALUE_CHARS_MAX + 100
    assert line.endswith("…'")


@given(st.text())
@pytest.mark.parametrize("form", ["console", "json"])
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
    assert lines("console", "warning") == []
    assert len(lines("console", "info")) == 1


def test_a_traceback_follows_its_line() -> None:
    """An error is logged with where it came from."""
    stream = io.StringIO()
    configure_log("info", "console", stream)
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


@pytest.mark.parametrize("form", ["console", "json"])
def test_who_asks_for_a_form_gets_it_in_the_journal(journal: TextIO, form: str) -> None:
    """With a priority, which the journal takes off: `journalctl -p err` needs it."""
    configure_log("info", form, journal)
    log().error("event", user="ann")
    (line,) = written(journal)
    assert line.startswith("<3>")
    if form == "json":
        entry = orjson.loads(line.removeprefix("<3>"))
        assert (entry["event"], entry["user"]) == ("event", "ann")
    else:
        assert line.endswith("error   event user=ann")


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
    configure_log("info", "console")
    log().info("event")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("info    event\n")


def test_every_level_of_the_configuration_is_one() -> None:
    """The names are logging's own."""
    for level in ("debug", "info", "warning", "error"):
        assert isinstance(getattr(logging, level.upper()), int)
        configure_log(level, "console", io.StringIO())


# --- where it goes ------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the end to read from, and the other."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def read_until(reader: int, end: bytes) -> list[str]:
    """Read lines until one begins so."""
    said = b""
    while not re.search(rb"^" + end + rb".*\n", said, re.MULTILINE):
        said += os.read(reader, 65536)
    return said.decode().splitlines()


def fill(writer: int) -> None:
    """Have a pipe take nothing any more."""
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"-" * 4095 + b"\n")


@pytest.mark.parametrize("blocks", [True, False])
def test_what_is_not_read_is_not_waited_for_but_counted(
    pipe: tuple[int, int], blocks: bool
) -> None:
    """Whoever writes goes on; the number of lines that were left out stands in their
    place, wherever that is, and nothing else is missing or out of order.
    """
    reader, writer = pipe
    fill(writer)
    os.set_blocking(writer, blocks)
    behind = Behind(writer, "{} left out\n".format)
    count = 3 * LINES_MAX
    for number in range(count):
        behind.write(f"{number}\n")
    assert not behind.flush(0.01)
    numbers, reached, rest = 0, 0, b""
    while reached < count:
        *lines, rest = (rest + os.read(reader, 65536)).split(b"\n")
        for line in lines:
            if line.endswith(b"left out"):
                reached += int(line.partition(b" ")[0])
            elif not line.startswith(b"-"):
                assert int(line) == reached
                reached, numbers = reached + 1, numbers + 1
    assert reached == count
    assert LINES_MAX <= numbers < count
    behind.write("more\n")
    assert behind.flush(PATIENCE_S)
    assert os.read(reader, 100) == b"more\n"


def test_who_closes_the_log_ends_nothing(pipe: tuple[int, int]) -> None:
    """What is written from then on is lost; who asks for its end gets it."""
    reader, writer = pipe
    behind = Behind(writer, "{} left out\n".format)
    os.close(reader)
    for _ in range(3):
        behind.write("a line\n")
        assert behind.flush(PATIENCE_S)


def test_many_threads_write_whole_lines(pipe: tuple[int, int]) -> None:
    """The store's have something to tell, too."""
    reader, writer = pipe
    behind = Behind(writer, "{} left out\n".format)

    def write(name: int) -> None:
        for number in range(100):
            behind.write(f"{name} {number}\n")

    threads = [Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    behind.write("end\n")
    *lines, _ = read_until(reader, b"end")
    for name in range(8):
        mine = [line for line in lines if line.startswith(f"{name} ")]
        assert mine == [f"{name} {number}" for number in range(100)]


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


def test_a_gauge_of_what_never_was_is_not_there() -> None:
    """A zero would be a backup of 1970."""
    metrics = Metrics()
    metrics.gauge("last_backup_timestamp_seconds", "The last backup.", lambda: None)
    assert "chatd_last_backup_timestamp_seconds" not in numbers(metrics)


def test_a_histogram_counts_up_to_its_bounds() -> None:
    """A value that is a bound is within it; what is above all is in the last."""
    one = Histogram([0.5, 1.0, 2_000_000.0])
    for value, count in ((0.5, 1), (0.7, 2), (1.0, 1), (3e6, 1)):
        one.observe(value, count)
    assert one.buckets() == [
        ("0.5", 1.0),
        ("1", 4.0),
        ("2000000", 4.0),
        ("+Inf", 5.0),
    ]
    assert one.total == 0.5 + 1.4 + 1.0 + 3e6


def test_what_is_a_histogram_is_read_as_one() -> None:
    """With its sum and its count."""
    metrics = Metrics()
    metrics.ack_seconds.observe(0.003, 7)
    text = metrics.text().decode()
    assert "# TYPE chatd_ack_seconds histogram" in text
    assert 'chatd_ack_seconds_bucket{le="0.002"} 0.0' in text
    assert 'chatd_ack_seconds_bucket{le="0.005"} 7.0' in text
    assert 'chatd_ack_seconds_bucket{le="+Inf"} 7.0' in text
    assert "chatd_ack_seconds_count 7.0" in text
    assert "chatd_ack_seconds_sum 0.021" in text
    assert "_created" not in text


def test_the_process_is_seen_from_inside_a_sandbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where `/proc` has no `stat`, as the unit has it."""
    real = open

    def hidden(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path) == "/proc/stat":
            raise FileNotFoundError(path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", hidden)
    found = numbers(Metrics())
    assert found["process_open_fds"] > 0
    assert abs(found["process_start_time_seconds"] - START) < 3600


START = time.time()
