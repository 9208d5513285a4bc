"""A new name ends with what belongs to a word, in any script."""

from __future__ import annotations

import pytest

from chatd.errors import Reject, RejectCode
from chatd.names import UNICODE, check_ending, ends_well


@pytest.mark.parametrize(
    "name",
    ["a", "ann", "a.b", "a_-.1", "анна", "小明", "ボブ", "ก็", "हिन्दी", "क्", "José"],
)
def test_letters_digits_and_marks_end_a_name(name: str) -> None:
    """Also a mark of its own, which composes with nothing."""
    assert ends_well(UNICODE.public_room(name))
    check_ending(UNICODE.public_room(name), "name")


@pytest.mark.parametrize(
    "name",
    [
        *("bob.", "bob_", "bob-", "all.", "b.-_", "b..", "боб.", "小明_"),
        "\u05d0\u05d1\u05f3",  # Hebrew, and a geresh
        "\u0f40\u0f0b",  # Tibetan, and the point between syllables
        "\u0915\u094d\u200d",  # Devanagari, and a joiner that nobody sees
    ],
)
def test_punctuation_does_not(name: str) -> None:
    """It ends a sentence, or stresses a word; an old name that has it is still read."""
    assert UNICODE.account(name) == name
    assert not ends_well(name)
    with pytest.raises(Reject) as reject:
        check_ending(name, "room")
    assert (reject.value.code, reject.value.field) == (RejectCode.BAD_FIELD, "room")
    assert reject.value.text == "room: a new name does not end in punctuation"
