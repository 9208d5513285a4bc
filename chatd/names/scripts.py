"""Which script a name is written in.

A character may belong to several (the digits of Arabic also to Thaana), or to
any, such as `1` and most accents. A name is of one script if there is a script
that all its characters can belong to. Japanese, Korean and Chinese each write
with more than one, so a writing system of theirs counts as one.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache, lru_cache
from unicodedata import decimal

import attrs

from chatd.names.tables import SCRIPTS

ANY = "Zyyy"
"""Unicode's name for the script of what all scripts use."""
_SYSTEMS = {
    "Hani": {"Hanb", "Jpan", "Kore"},
    "Hira": {"Jpan"},
    "Kana": {"Jpan"},
    "Hang": {"Kore"},
    "Bopo": {"Hanb"},
}
"""The writing systems that use a script beside others.

Source: UTS #39 section 5.1.
"""

UNSPACED = frozenset(
    (
        *("Hani", "Hira", "Kana", "Bopo", "Hang", "Hanb", "Jpan", "Kore"),
        *("Tang", "Nshu", "Yiii", "Kits"),
        *("Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Bali", "Java"),
        *("Lana", "Tale", "Talu", "Tavt", "Ahom"),
    )
)
"""Scripts without spaces between words, and Korean, in which particles follow a name
without one.

Source: UAX #14, the classes ID and SA, and Tibetan, Balinese and Javanese.
"""
SCRIPTS_KEPT = 4096
"""Characters whose scripts were looked up lately: more than a chat has, most days."""


def is_one_script(text: str) -> bool:
    """Whether there is one script that all characters can belong to.

    A character beyond the table belongs to none; one that is no letter, mark or
    digit, which no name has, to whatever is around it.
    """
    return end_of_script(text) == len(text)


def end_of_script(text: str) -> int:
    """How far from its beginning a text is of one script.

    Source: UTS #39 section 5.1, "resolved script set".
    """
    left: frozenset[str] | None = None
    for index, char in enumerate(text):
        found = _scripts(char)
        if found is not None and found is not left:
            left = found if left is None else left & found
            if not left:
                return index
    return len(text)


def is_unspaced(char: str) -> bool:
    """Whether a letter or mark is of a script that puts no space around a name."""
    found = _scripts(char)
    return found is not None and bool(found) and found <= UNSPACED


def has_one_kind_of_digits(text: str) -> bool:
    """Whether all digits are of one decimal system.

    Source: UTS #39 section 5.3.
    """
    digits = [char for char in text if char.isdecimal()]
    return len({ord(char) - decimal(char) for char in digits}) <= 1


@attrs.frozen
class _Ranges:
    """Ranges of code points, in order, and whose they are."""

    firsts: list[int]
    lasts: list[int]
    scripts: list[frozenset[str] | None]


@lru_cache(SCRIPTS_KEPT)
def _scripts(char: str) -> frozenset[str] | None:
    """The scripts of a character with their writing systems; None is any."""
    ranges, code = _ranges(), ord(char)
    at = bisect_right(ranges.firsts, code) - 1
    if at < 0 or code > ranges.lasts[at]:
        return frozenset()
    return ranges.scripts[at]


@cache
def _ranges() -> _Ranges:
    rows = []
    for entry in SCRIPTS.split(";"):
        key, *ranges = entry.split()
        codes = key.split("+")
        scripts = frozenset(codes).union(*(_SYSTEMS.get(code, ()) for code in codes))
        for text in ranges:
            first, _, last = text.partition("-")
            rows.append((int(first, 16), int(last or first, 16), key, scripts))
    rows.sort(key=lambda row: row[0])
    return _Ranges(
        [first for first, _, _, _ in rows],
        [last for _, last, _, _ in rows],
        [None if key == ANY else scripts for _, _, key, scripts in rows],
    )
