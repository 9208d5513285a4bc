"""Tables and lines for people."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from chatd.amounts import size
from chatd.cli import table
from chatd.cli.table import fitted, hung, show, span

ROWS: list[dict[str, Any]] = [
    {"id": 7, "user": "ann", "sent_s": 1536, "is_bot": True, "rooms": ["a", "b"]},
    {"id": 12, "user": "名前", "sent_s": None, "is_bot": False, "rooms": []},
]
COLUMNS = ("id", "user", "sent_s", "is_bot", "rooms")


def test_numbers_stand_at_the_right_and_texts_at_the_left() -> None:
    """By the places that they take; a dash is what there is not."""
    assert fitted(ROWS, COLUMNS, {"sent_s": size}) == (
        [
            "ID  USER   SENT/S  IS BOT  ROOMS",
            " 7  ann   1.5 KiB  True    a,b",
            "12  名前        -  False",
        ],
        [],
    )


def test_an_empty_table_is_its_head() -> None:
    """So one sees that there is nothing, and what it would be."""
    assert fitted([], ("id", "user")) == (["ID  USER"], [])


@pytest.mark.parametrize(
    ("width", "head", "left_out"),
    [
        (32, "ID  USER  SENT/S  IS BOT  ROOMS", []),
        (30, "ID  USER  SENT/S  IS BOT", ["ROOMS"]),
        (24, "ID  USER  SENT/S  IS BOT", ["ROOMS"]),
        (23, "ID  USER  SENT/S", ["IS BOT", "ROOMS"]),
        (1, "ID", ["USER", "SENT/S", "IS BOT", "ROOMS"]),
    ],
)
def test_what_does_not_fit_is_left_out_whole(
    width: int, head: str, left_out: list[str]
) -> None:
    """From the end, and named; the first column stays."""
    lines, names = fitted(ROWS, COLUMNS, width=width)
    assert (lines[0], names) == (head, left_out)


def test_a_pipe_gets_all_and_a_terminal_what_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left out is said beside it; programs get every key."""
    show(ROWS, COLUMNS, as_json=False)
    assert "ROOMS" in capsys.readouterr().out
    monkeypatch.setattr(table, "terminal_width", lambda: 24)
    show(ROWS, COLUMNS, as_json=False)
    said = capsys.readouterr()
    assert "ROOMS" not in said.out
    assert said.err == "(too narrow for ROOMS; --json has all)\n"
    show(ROWS, ("id",), as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == ROWS


def test_a_long_line_goes_on_below_what_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a terminal; a pipe gets one line."""
    text = "9 s ago, 416.0 KiB, /srv/chatd-backup.db"
    assert hung(text, 4) == text
    monkeypatch.setattr(table, "terminal_width", lambda: 24)
    assert hung(text, 4) == "9 s ago, 416.0 KiB,\n    /srv/chatd-backup.db"
    monkeypatch.setattr(table, "terminal_width", lambda: 8)
    assert hung(text, 4) == text


def test_the_terminal_is_asked_for_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is, nothing is too narrow."""
    assert table.terminal_width() is None
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    assert table.terminal_width() == 70


def test_amounts_have_units() -> None:
    """Each as large as it can be without a zero before it."""
    assert [size(count) for count in (0, 1023, 1024, 1536, 2**40, 2**60)] == [
        *("0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 TiB", "1048576.0 TiB"),
    ]
    assert [span(s) for s in (-1, 0, 119.9, 120, 7199, 7200, 172_799, 172_800)] == [
        *("0 s", "0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"),
    ]
