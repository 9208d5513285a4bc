"""Free text is cleaned of what cannot be seen, or refused with a reason."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from unicodedata import category

import pytest
from emoji import EMOJI_DATA
from hypothesis import given
from hypothesis import strategies as st

from chatd.wire.text import (
    EMOJI_CHARS_MAX,
    MARKS_MAX,
    TooLong,
    clean,
    parse_display,
    parse_emoji,
    parse_reason,
    parse_status,
    parse_text,
    parse_topic,
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
    "\U0001d159",  # a note without a head
    "\U0001d173\U0001d17a",
    "\u2800 \u2800",
    "\U00016fe4",
    "\u115f\u1160\uffa0",
    "\u17b4\u17b5",
    "\u17d2\u1039",  # they stack letters that are not there
    "\U00013441\U00013442",
    "\U00013430",
    "\U0001bca0",
    "\u061c\u2066\u2069",
    "\u180e\u2061\u206f",
    "\ufff9\ufffb",
    "\u2028\u2029",
    "\x00\x07\x08\x7f\x9f",
    "\r\n\f\v\x85",
    "\x1b[31m\x1b[0m",
    "\x1b]0;title\x07",
    "\ufeff\r\n",
    "\U000e0067\U000e007f \ufe0e\u200d",
]
SEEN = [
    "\u0301",  # a mark alone
    "\u0489",
    "\ufffc",
    "\ufffd",
    "\ufffe",  # what no font has is a box
    "\U000e1000",
    "\ue000",
    "\u0600",  # an Arabic number sign
    "\U000110bd",
    "\u2422",
    "\u3013",
    "\U0001d158",
    "\U0001d15a",
    "\u2801",
    "\ua8f9",  # a filler of gaps, which is drawn
    ".",
    "\u00b7",
    "\u0e31",
]
PASTED = [
    ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
    ("\r\r\n\n\rx", "\n\n\n\nx"),
    ("page\fpage\vline\x85line", "page\npage\nline\nline"),
    ("a\x1cb\x1dc\x1ed\x1fe", "a\nb\nc\nd\te"),
    ("\ufeffa file", "a file"),
    ("a\ufeffb", "a\ufeffb"),
    ("\x1b[1;31mred\x1b[0m and \x1b[38;5;12mblue\x1b[m", "red and blue"),
    ("\x1b[38:2::1:2:3mtrue\x1b[4:3m colour", "true colour"),
    ("\x9b31mred\x9b0m", "red"),
    ("\x9bfoo", "foo"),
    ("\x1b(B\x1b[mtput\x1b)0", "tput"),
    ("\x1b7\x1b[2J\x1b[1;1H\x1b[?25lx\x1b8\x1b=\x1b>", "x"),
    ("\x1b]0;title\x07x", "x"),
    ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1bPq#0\x1b\\x\x90q\x9cy\x9d0;t\x9cz", "xyz"),
    ("\x1b[200~pasted\x1b[201~", "pasted"),
    ("\x1b[31", "[31"),
    ("\x1b]0;no end", "]0;no end"),
    ("\x1b]0;one line\ntwo\x07", "]0;one line\ntwo"),
    ("\x1b]a\x1b]b\x07c", "]ac"),
    ("\x1bHello", "Hello"),
    ("\x1b\x1b[1mx", "x"),
    ("a\x00b\x07c\x08d\x7fe\x80f\x9fg", "abcdefg"),
    ("don\x92t", "dont"),
    ("\x1b[31m👍🏽\r\n", "👍🏽\n"),
    ("10%\r50%\r100%", "10%\n50%\n100%"),
]
HALVES = ["\ud800", "\udbff", "\udc00", "\udfff"]
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


@pytest.mark.parametrize("text", SEEN)
def test_what_can_be_seen_is_a_text(text: str) -> None:
    """Also alone: marks, boxes, signs and what has not been assigned yet."""
    assert parse_text(text, 0) == text
    assert parse_display(text) == text


@pytest.mark.parametrize("blank", BLANK)
def test_beside_something_that_can_be_seen_it_is_allowed(blank: str) -> None:
    """It may be what holds an emoji together, or a blank in a drawing."""
    assert parse_text(f"a{blank}", 0) == clean(f"a{blank}")


@pytest.mark.parametrize(("text", "cleaned"), PASTED)
def test_what_a_paste_brings_is_cleaned(text: str, cleaned: str) -> None:
    """Nothing is lost that could be seen where it was copied."""
    assert parse_text(text, 0) == cleaned


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
PIECES = [
    *("\x1b", "\x9b", "\x9d", "\x90", "\x9c", "\x07", "[", "]", "P", "\\", "m", "1"),
    *(
        ";",
        "(",
        "B",
        "\r",
        "\n",
        "\r\n",
        "\f",
        "\x85",
        "\x00",
        "\ufeff",
        "a",
        "é",
        "👍",
    ),
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    """Nothing is left that would be cleaned, whatever the cleaning has joined."""
    cleaned = clean(text)
    assert CONTROL.search(cleaned) is None
    assert len(cleaned) <= len(text)
    assert clean(cleaned) == cleaned


@given(st.lists(st.sampled_from(PIECES)).map("".join), st.integers(1, 9))
def test_no_letter_is_lost_but_those_of_a_sequence(text: str, count: int) -> None:
    """What stands before the first introducer and behind the last is all there."""
    word = "é" * count
    cleaned = clean(f"{word}\n{text}\n{word}")
    assert cleaned.startswith(word)
    assert cleaned.endswith(f"\n{word}")


@pytest.mark.parametrize("char", HALVES)
@pytest.mark.parametrize(
    "parse", [lambda text: parse_text(text, 0), parse_display, parse_status]
)
def test_half_a_character_is_refused_by_number(
    parse: Callable[[str], str], char: str
) -> None:
    """It is named by its code point and place, never by itself."""
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


def test_the_length_is_that_of_the_clean_text() -> None:
    """Colours and the line ends of another system cost nobody a character."""
    assert parse_text("\x1b[1mab\x1b[0m\r\n", 3) == "ab\n"
    with pytest.raises(TooLong, match="4 characters, at most 3"):
        parse_text("\x1b[1mabc\x1b[0m\r\n", 3)
    assert parse_display("\x1b[1m" + "é" * 64 + "\x1b[0m\r\n") == "é" * 64


@pytest.mark.parametrize(
    ("parse", "chars_max"),
    [(parse_display, 64), (parse_status, 128), (parse_topic, 250), (parse_reason, 250)],
)
def test_a_line_is_one_line(parse: Callable[[str], str], chars_max: int) -> None:
    """Where it breaks is a space; what turns its direction goes, or is refused."""
    assert parse("Ann the 1st 👍") == "Ann the 1st 👍"
    assert parse("é" * chars_max) == "é" * chars_max
    with pytest.raises(ValueError, match=f"1 to {chars_max} characters"):
        parse("é" * (chars_max + 1))
    assert parse("\r\nann\t\r\n\u2028the\u20291st\n") == "ann the 1st"
    assert parse(" ann ") == " ann "
    assert parse("\u202a+49 170\u202c \u2067x\u2069") == "+49 170 x"
    assert parse("\x1b[31mann\x1b[0m") == "ann"
    for char in "\u202d\u202e":
        with pytest.raises(ValueError, match="is not allowed"):
            parse(f"ann{char}")


def test_a_topic_may_be_empty() -> None:
    """That takes it away; what is only blank does not."""
    assert parse_topic("") == ""
    with pytest.raises(ValueError, match="nothing in it"):
        parse_topic("\r\n")


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


def test_the_longest_emoji_may_have_a_selector_behind_each_character() -> None:
    """It is found all the same; what is longer is none, and is not looked up."""
    longest = max(EMOJI_DATA, key=len)
    spread = "".join(f"{char}\ufe0f" for char in longest if char != "\ufe0f")
    assert parse_emoji(spread) == longest
    assert len(spread) < EMOJI_CHARS_MAX
    with pytest.raises(ValueError, match="exactly one emoji"):
        parse_emoji("\u2764" + "\ufe0f" * EMOJI_CHARS_MAX)
