"""Where a character ends as its reader sees it: a mark belongs to its letter.

These are the extended grapheme clusters of UAX #29, so that nobody is shown half of
one. Where a picture follows a joiner, both are taken for one character, whether
Unicode knows the pair or not.
"""

from __future__ import annotations

from functools import cache

from chatd.words import classes
from chatd.words.fold import words
from chatd.words.notation import entries, ranges

CHARACTER_MAX = 64
"""What is longer in code points is no character to any reader, and may be cut.

Source: UAX #15 has 30 marks on a letter as the most that a text can need.
"""

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_HANGUL = {
    "L": ("\u1100-\u115f", "\ua960-\ua97c"),
    "V": ("\u1160-\u11a7", "\ud7b0-\ud7c6"),
    "T": ("\u11a8-\u11ff", "\ud7cb-\ud7fb"),
}
_OF_ONE_SYLLABLE = {"LL", "LV", "VV", "VT", "TT"}
"""Which letters of Hangul follow one another in a syllable."""


def is_boundary(text: str, at: int) -> bool:
    """Whether a character ends at an offset, and another one begins."""
    if not 0 < at < len(text):
        return True
    before, behind = text[at - 1], text[at]
    if before < " " or behind < " ":
        return (before, behind) != ("\r", "\n")
    if behind in _class("extending") or before in _class("prepended"):
        return False
    if before == _JOINER and not words(behind):
        return False
    return not (
        _is_syllable(before, behind) or _is_flag(text, at) or _is_linked(text, at)
    )


def previous_boundary(text: str, at: int) -> int:
    """The last boundary up to an offset; itself within what is too long."""
    return _nearest(text, at, range(at, max(0, at - CHARACTER_MAX) - 1, -1))


def next_boundary(text: str, at: int) -> int:
    """The first boundary from an offset on; itself within what is too long."""
    return _nearest(text, at, range(at, min(len(text), at + CHARACTER_MAX) + 1))


def _nearest(text: str, at: int, places: range) -> int:
    return next((place for place in places if is_boundary(text, place)), at)


def _is_syllable(before: str, behind: str) -> bool:
    """Whether both are of one syllable of Hangul."""
    return _jamo(before)[-1:] + _jamo(behind)[:1] in _OF_ONE_SYLLABLE


def _jamo(char: str) -> str:
    """The kinds of letters of Hangul that a character consists of."""
    if "\uac00" <= char <= "\ud7a3":
        return "LVT" if (ord(char) - 0xAC00) % 28 else "LV"
    for kind, spans in _HANGUL.items():
        if any(span[0] <= char <= span[2] for span in spans):
            return kind
    return ""


def _is_flag(text: str, at: int) -> bool:
    """Whether both are of one flag: of the letters for such, each two are one."""
    if not _is_of_flags(text[at]):
        return False
    start = at
    while start and _is_of_flags(text[start - 1]):
        start -= 1
    return (at - start) % 2 == 1


def _is_of_flags(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_linked(text: str, at: int) -> bool:
    """Whether a consonant is joined to the one before it by a sign between."""
    if text[at] not in _class("linked"):
        return False
    start, is_linking = at - 1, False
    while start and text[start] in _class("extending") and text[start] != _NON_JOINER:
        is_linking |= text[start] in _class("linking")
        start -= 1
    return is_linking and text[start] in _class("linked")


@cache
def _class(name: str) -> frozenset[str]:
    values = dict(entries(classes.BREAKS))[name]
    return frozenset(chr(code) for codes in ranges(values) for code in codes)
