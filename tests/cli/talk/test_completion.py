"""What a text that is being typed may go on with."""

from __future__ import annotations

import pytest

from chatd.cli.talk.completion import CANDIDATES_MAX, candidates

NAMES = {"ann", "Anselm", "bob"}
ROOMS = {"tea": "", "tee-party": "", "lobby": "", "~x2": "Test"}


def texts(typed: str) -> list[str]:
    """What each candidate puts in the place of the last word."""
    found = candidates(typed, NAMES, ROOMS)
    assert all(typed.endswith(one.replaced) for one in found)
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/jo", ["/join "]),
        ("/WH", ["/who"]),
        ("/join te", ["tea ", "tee-party ", "~x2 "]),
        ("/JOIN ~", ["~x2 "]),
        ("/react :+1 @b", ["@bob "]),
        ("/join tea te", []),
        ("/msg an", ["Anselm ", "ann "]),
        ("/msg @an", ["@Anselm ", "@ann "]),
        ("/msg bob @b", ["@bob "]),
        ("/topic te", []),
        ("an", ["@Anselm ", "@ann "]),
        ("hi an", []),
        ("hi\n@AN", ["@Anselm ", "@ann "]),
        ("a /jo", []),
        ("/jion te", []),
        ("", []),
        ("@zoe", []),
    ],
)
def test_each_word_in_its_place(typed: str, expected: list[str]) -> None:
    """Orders at the beginning, then what they take; names behind an @."""
    assert texts(typed) == expected


def test_emoji_by_any_of_their_names() -> None:
    """Also when its name is complete; the shortest first, and not too many."""
    assert texts("fine :thumbsup:") == ["\N{THUMBS UP SIGN}"]
    assert texts("/me :+1") == ["\N{THUMBS UP SIGN}"]
    assert texts(":smile")[0] == "\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}"
    assert len(texts(":a")) == CANDIDATES_MAX
    assert texts("at 10:30") == texts(":") == texts("a:smile") == []


def test_what_others_have_written_is_shown_as_text() -> None:
    """A name does not steer the terminal."""
    (one,) = candidates("@\x1b", {"\x1b[2J"}, {})
    assert "\x1b" not in one.shown
