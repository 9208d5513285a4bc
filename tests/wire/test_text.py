"""Free text is delivered as it was sent, or refused with a reason."""

from __future__ import annotations

import sys
from collections.abc import Callable
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.wire.text import (
    MARKS_MAX,
    TooLong,
    parse_display,
    parse_emoji,
    parse_status,
    parse_text,
)

ZWJ = "\u200d"
GOOD = [
    "hi",
    "a",
    "two\nlines\tand a tab",
    " spaces around ",
    "grüß dich",
    "漢字かな交じり文",
    "שלום",
    "किन्तु",  # combining marks, as Hindi has them
    "e" + "\u0301" * MARKS_MAX,
    "👍👍🏽" + f"👩{ZWJ}🚀",
    "a\u200bb",
    "؟!\uff1f…—",
    "\u202eright to left, for the client to contain",
    "\U0010ffff",
    "<script>alert(1)</script>",
]
BLANK = [
    "",
    " ",
    "\n\t \n",
    "\u00a0\u3000",
    "\u200b",
    ZWJ * 3,
    "\u3164",
    "\u2800",
    "\u00ad",
    "\ufe0f",
    "\ufeff",
    "\U000e0041",
]
CONTROLS = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\n\t"),
    "\x7f",
    *(chr(code) for code in range(0x80, 0xA0)),
    "\ud800",
    "\udfff",
]
TOWERS = [
    "e" + "\u0301" * (MARKS_MAX + 1),
    "x " + "\u0489" * 40,
    "!!!" + "\u0300\u0301\u0302" * 3 + "???",
    "\u0300" * 9 + "abc",
    "……" + "\U000e0100" * 9 + "a",
    "👍" * 20 + "\u20dd" * 9,
]


@pytest.mark.parametrize("text", GOOD)
def test_text_is_not_touched(text: str) -> None:
    """What is allowed comes back exactly as it was sent."""
    assert parse_text(text, 100) == text


@pytest.mark.parametrize("text", BLANK)
@pytest.mark.parametrize("parse", [lambda text: parse_text(text, 0), parse_display])
def test_blank_text_is_refused(parse: Callable[[str], str], text: str) -> None:
    """Nothing can be seen of white space, fillers and ignorable characters."""
    with pytest.raises(ValueError, match=r"nothing|not allowed"):
        parse(text)


@pytest.mark.parametrize("char", CONTROLS)
@pytest.mark.parametrize(
    "parse", [lambda text: parse_text(text, 0), parse_display, parse_status]
)
def test_controls_are_refused_by_number(parse: Callable[[str], str], char: str) -> None:
    """A control is named by its code point and place, never by itself."""
    with pytest.raises(ValueError) as refused:
        parse(f"ab{char}")
    assert str(refused.value) == f"U+{ord(char):04X} at character 3 is not allowed"


@pytest.mark.parametrize("text", TOWERS)
@pytest.mark.parametrize(
    "parse", [lambda text: parse_text(text, 0), parse_display, parse_status]
)
def test_towers_are_refused(parse: Callable[[str], str], text: str) -> None:
    """Nine combining marks in a row are too many, wherever they stand."""
    with pytest.raises(ValueError, match="combining marks"):
        parse(text)


@given(st.text(alphabet="e\u0301\u0489\u0903!👍\U000e0100 ", min_size=1, max_size=40))
def test_a_tower_is_more_than_eight_marks_in_a_row(text: str) -> None:
    """The quick search finds the same towers as looking at each character."""
    run = longest = 0
    for char in text:
        run = run + 1 if category(char).startswith("M") else 0
        longest = max(longest, run)
    try:
        parse_text("a" + text, 0)
    except ValueError:
        assert longest > MARKS_MAX
    else:
        assert longest <= MARKS_MAX


def test_no_mark_escapes_the_quick_search() -> None:
    """Every combining mark of this Python's Unicode makes a tower."""
    marks = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if category(chr(code)).startswith("M")
    ]
    assert len(marks) > 2000
    for mark in marks:
        with pytest.raises(ValueError, match="combining marks"):
            parse_text("a" + mark * (MARKS_MAX + 1), 0)


@pytest.mark.parametrize("char", ["a", "漢", "👍"])
def test_length_is_counted_in_code_points(char: str) -> None:
    """The limit is met exactly; one more is TooLong; 0 is no limit."""
    assert parse_text(char * 10, 10)
    with pytest.raises(TooLong, match="11 characters, at most 10"):
        parse_text(char * 11, 10)
    assert len(parse_text(char * 70_000, 0)) == 70_000


@pytest.mark.parametrize(
    ("parse", "chars_max"), [(parse_display, 64), (parse_status, 128)]
)
def test_a_line_is_one_line(parse: Callable[[str], str], chars_max: int) -> None:
    """What stands beside other text may not break or turn the line."""
    assert parse("Ann the 1st 👍") == "Ann the 1st 👍"
    assert parse("é" * chars_max) == "é" * chars_max
    with pytest.raises(ValueError, match=f"1 to {chars_max} characters"):
        parse("é" * (chars_max + 1))
    for char in "\n\t\u2028\u2029\u202a\u202e\u2066\u2069":
        with pytest.raises(ValueError, match="is not allowed"):
            parse(f"ann{char}")


@pytest.mark.parametrize(
    "text",
    ["👍", "❤️", "👍🏽", "1️⃣", "🇩🇪", "👨\u200d👩\u200d👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
)
def test_an_emoji_is_any_one_sequence(text: str) -> None:
    """Tones, flags, families and key caps are one emoji each."""
    assert parse_emoji(text) == text


@pytest.mark.parametrize(
    "text", ["", "a", "1", "#", "👍👍", "👍 ", ":+1:", "🇩", "\ud83d", "x" * 10_000]
)
def test_anything_else_is_no_emoji(text: str) -> None:
    """Letters, halves and more than one emoji are refused."""
    with pytest.raises(ValueError, match="exactly one emoji"):
        parse_emoji(text)
