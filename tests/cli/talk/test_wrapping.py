"""Rows of words, as wide as a terminal."""

from __future__ import annotations

import pytest
from prompt_toolkit.utils import get_cwidth

from chatd.cli.talk.wrapping import wrapped

HEAD = [("time", "10:25"), ("room", " [tea] "), ("name", "bob"), ("quiet", ": ")]


def rows(text: str, columns: int) -> list[str]:
    """A message as rows of text."""
    lines = wrapped([*HEAD, ("text", text)], columns, get_cwidth)
    return ["".join(piece for _, piece in line) for line in lines]


def test_words_stay_whole() -> None:
    """The space at which a row ends is in none; others are as they were."""
    assert rows("hi", 40) == ["10:25 [tea] bob: hi"]
    assert rows("see https://example.org/1  now", 40) == [
        "10:25 [tea] bob: see",
        "      https://example.org/1  now",
    ]
    assert rows("one two", 20) == ["10:25 [tea] bob: one", "      two"]


@pytest.mark.parametrize("columns", [1, 6, 7, 20, 23, 40])
def test_no_row_is_too_wide(columns: int) -> None:
    """But for a word that no row can hold, which the terminal breaks."""
    text = "ein \N{PARTY POPPER} 日本語 " + "x" * 50 + " und ein Ende"
    for row in rows(text, columns):
        widest = max(map(get_cwidth, row.split()))
        assert get_cwidth(row) <= columns or widest > columns - 6
    assert "".join("".join(rows(text, columns)).split()).endswith("undeinEnde")


def test_what_the_terminal_breaks_leaves_its_last_row_to_what_follows() -> None:
    """A long word is not moved, and the next goes on behind it."""
    assert rows("x" * 50 + " y z", 20) == ["10:25 [tea] bob: " + "x" * 50 + " y z"]
    assert rows("x" * 43 + " y", 20) == ["10:25 [tea] bob: " + "x" * 43, "      y"]
