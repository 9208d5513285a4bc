"""What a reader takes for one character is not cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.words import is_boundary, next_boundary, previous_boundary
from chatd.words.graphemes import CHARACTER_MAX

CHARACTERS = [
    ["a", "b"],
    ["e\u0301", "é"],
    ["z\u0351\u0357", "a"],
    ["กำ", "ลั", "ง"],
    ["น้ำ", " "],
    ["नि", "क्\u200c", "ष", "क्ष"],
    ["क्\u200dष", "ष"],
    ["က", "ခ္ခ"],
    ["한", "한", "가\u11a8", "각"],
    ["각", "ㄱ", "ㅏ"],
    ["\u1100\u1100\u1161\u1161\u11a8\u11a8", "\u1100"],
    ["각\u11a8", "가"],
    ["\u0600١", "٢"],
    ["👍🏽", "👨\u200d👩\u200d👧", "❤\ufe0f"],
    ["a\u200d", "b"],
    ["天\u200d", "気"],
    ["🇩🇪", "🇫🇷", "🇦"],
    ["\r\n", "\n", "\u0301", "\r", "a"],
    ["1\ufe0f\u20e3", "2"],
    ["葛\U000e0100", "城"],
]


@pytest.mark.parametrize("characters", CHARACTERS, ids=map("".join, CHARACTERS))
def test_characters_are_whole(characters: list[str]) -> None:
    """Marks, joiners, syllables, flags; and there are as many as are seen."""
    text = "".join(characters)
    bounds = [0]
    for character in characters:
        bounds.append(bounds[-1] + len(character))
    assert [at for at in range(len(text) + 1) if is_boundary(text, at)] == bounds
    for at in range(len(text) + 1):
        assert previous_boundary(text, at) == max(b for b in bounds if b <= at)
        assert next_boundary(text, at) == min(b for b in bounds if b >= at)


@given(st.text(), st.integers(0, 200))
def test_the_ends_of_a_text_are_bounds(text: str, at: int) -> None:
    """So there is one on either side of any place."""
    at = min(at, len(text))
    assert 0 <= previous_boundary(text, at) <= at <= next_boundary(text, at)
    assert next_boundary(text, at) <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "e" + "\u0301" * 400,
        "\u0e01" + "\u0e33" * 400,
        "e" + "\u200d" * 400,
        "क्" * 400,
        "\u1100" + "\u1161" * 400,
    ],
    ids=ascii,
)
def test_what_is_too_long_for_a_character_is_cut(text: str) -> None:
    """So that nobody looks for its ends in a text that has none."""
    assert previous_boundary(text, CHARACTER_MAX // 2) == 0
    for at in (150, 151):
        assert previous_boundary(text, at) == next_boundary(text, at) == at
