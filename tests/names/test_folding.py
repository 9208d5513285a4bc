"""The folding of names alone: what the profile makes of them, in a hundredth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.names import UNICODE, fold, narrow


def assigned() -> Iterator[str]:
    """Every character but half ones."""
    for code in range(0x110000):
        if not 0xD800 <= code <= 0xDFFF:
            yield chr(code)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann", "ann"),
        ("\uff21\uff4e\uff4e", "ann"),
        ("JOSE\u0301", "josé"),
        ("ΟΔΟΣ", "οδος"),
        ("\uff8e\uff9e\uff8c\uff9e", "ボブ"),
        ("\u212a", "k"),
        ("no name, at all", "no name, at all"),
        ("", ""),
    ],
)
def test_case_width_and_composition_are_folded(text: str, name: str) -> None:
    """Of a name or of anything else: nothing is refused."""
    assert fold(text) == name


def test_what_folding_changes_the_profile_changes_so() -> None:
    """Each character that it changes, behind a letter and where that is allowed."""
    agreed = 0
    for char in assigned():
        if fold(char) == char:
            continue
        try:
            name = UNICODE.public_room(f"ß{char}")
        except ValueError:
            continue
        assert fold(f"ß{char}") == name
        agreed += 1
    assert agreed > 500


@given(st.text(max_size=8))
def test_what_is_a_name_is_folded_to_itself_as_it_is_kept(text: str) -> None:
    """So a text whose folded form is somebody's name means him."""
    try:
        name = UNICODE.account(text)
    except ValueError:
        return
    assert fold(text) == name == fold(name)


def test_a_character_of_another_width_stands_for_one() -> None:
    """So places in what is narrowed are places in the text."""
    for char in assigned():
        assert len(narrow(char)) == 1
    assert narrow("\uff20\uff42: \u3000\uff1a") == "@b: \u3000:"
