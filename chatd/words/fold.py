"""The words of a text, and which of them are equal: one fold for all that compares.

Each character is folded by itself: decomposed (NFKD), its case folded in full,
marks left out, and a few letters that people take for one are one (`EQUAL` in
contrib/unicode/words.py). Marks stay that are vowels or consonants of their
script, or make another letter of a kana. The folded text is cut into words:
letters and digits that follow one another. Of a script that is written without
spaces each letter is a word, and of Hangul each syllable, so what is sought there
is a phrase, and is found wherever it stands.

Whatever is asked of Unicode is in the tables beside this module. Python's own are
of another Unicode in each version, and an index that was made with one of them
could not be kept true with another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from itertools import accumulate
from unicodedata import normalize

import attrs

from chatd.words import classes, tables
from chatd.words.notation import entries, ranges

FOLD = "1"
"""Which fold this is: an index that was made with another one is made anew."""

_ASCII_WORD = re.compile("[0-9a-z]+")
# Of Hangul; see chapter 3.12 of the Unicode Standard.
_LEADING = "[\u1100-\u115e\ua960-\ua97c]"
_VOWEL = "[\u1161-\u11a7\ud7b0-\ud7c6]"
_TRAILING = "[\u11a8-\u11ff\ud7cb-\ud7fb]"
_SYLLABLE = f"{_LEADING}{_VOWEL}?{_TRAILING}?|{_VOWEL}{_TRAILING}?|{_TRAILING}"
_HANGUL = re.compile(_SYLLABLE)
_COMPOSED = "\uac00-\ud7a3"
_COMPOSED_RUN = re.compile(f"[{_COMPOSED}]+")
_VOICING = "[\u3099\u309a]"
_BEYOND = "\U00010000-\U0010ffff"
_BEYOND_RUN = re.compile(f"[{_BEYOND}]+")


def words(text: str) -> list[str]:
    """Cut a text into its words, folded."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    alphabet = _alphabet()
    folded, word = alphabet.finish(text.translate(alphabet.folds))
    return word.findall(folded)


@attrs.frozen
class LocatedWords:
    """The words of a text, folded, in order, and where they are."""

    words: list[str]
    _places: list[tuple[int, int]]
    """Where each is in the folded text."""
    _starts: list[int] | None
    """Where in that each character of the text begins, if not where it was."""

    @classmethod
    def of(cls, text: str) -> LocatedWords:
        """Cut a text into its words."""
        starts = None
        folded, word = text.lower(), _ASCII_WORD
        if not text.isascii():
            alphabet = _alphabet()
            parts = [alphabet.fold(char) for char in text]
            starts = list(accumulate(map(len, parts), initial=0))
            folded, word = alphabet.finish("".join(parts))
        found = list(word.finditer(folded))
        return cls([word[0] for word in found], [word.span() for word in found], starts)

    def start(self, number: int) -> int:
        """Where a word begins, in code points."""
        place = self._places[number][0]
        return place if self._starts is None else bisect_right(self._starts, place) - 1

    def end(self, number: int) -> int:
        """Where it ends. Words share a character that became several."""
        place = self._places[number][1]
        return place if self._starts is None else bisect_right(self._starts, place - 1)


def is_whole(word: str) -> bool:
    """Whether no other word begins with this one, as it is a letter or a syllable."""
    return _alphabet().whole.match(word) is not None


def is_syllable(word: str) -> bool:
    """Whether a word is a syllable of Hangul, or the beginning of one."""
    return _HANGUL.match(word) is not None


@attrs.frozen
class _Alphabet:
    """The tables in the form in which they are used."""

    folds: dict[int, str]
    """By code point; what is not in it stays, but for Hangul."""
    word: re.Pattern[str]
    """A word, where nothing is beyond U+FFFF."""
    any_word: re.Pattern[str]
    whole: re.Pattern[str]
    order: dict[str, int]
    """The marks that are kept and whose order does not matter."""
    unordered: re.Pattern[str]
    unusual: re.Pattern[str]
    """What `finish` may have something to do with."""
    beyond: re.Pattern[str]
    """What is of a word beyond U+FFFF, where most is emoji."""

    def fold(self, char: str) -> str:
        """Fold one character."""
        if "\uac00" <= char <= "\ud7a3":
            return normalize("NFD", char)
        return self.folds.get(ord(char), char)

    def finish(self, folded: str) -> tuple[str, re.Pattern[str]]:
        """Do what is not done for each character by itself.

        Returns:
            The text in which the words are, and how they are found in it.
        """
        if not self.unusual.search(folded):
            return folded, self.word
        folded = _COMPOSED_RUN.sub(lambda run: normalize("NFD", run[0]), folded)
        folded = self.unordered.sub(self._arrange, folded)
        beyond = "".join(_BEYOND_RUN.findall(folded))
        return folded, self.any_word if self.beyond.search(beyond) else self.word

    def _arrange(self, marks: re.Match[str]) -> str:
        return "".join(sorted(marks[0], key=self.order.__getitem__))


@cache
def _alphabet() -> _Alphabet:
    kinds = {kind: ranges(values) for kind, values in entries(classes.WORDS)}
    order = {
        chr(code): int(number, 16)
        for number, values in entries(classes.ORDER)
        for codes in ranges(values)
        for code in codes
    }
    marks = "".join(order)
    letter, letter_beyond = _classes(kinds["letter"])
    whole, whole_beyond = _classes(kinds["unspaced"])
    any_letter, any_whole = (
        f"(?:{letter}|{letter_beyond})",
        f"(?:{whole}|{whole_beyond})",
    )
    return _Alphabet(
        {code: "" for codes in kinds["dropped"] for code in codes} | _changed(),
        _word(letter, whole),
        _word(any_letter, any_whole),
        re.compile(f"{any_whole}|{_LEADING}{_VOWEL}{_TRAILING}"),
        order,
        re.compile(f"[{marks}][{marks}]+"),
        re.compile(f"[{marks}{_COMPOSED}{_BEYOND}]"),
        re.compile(f"{letter_beyond}|{whole_beyond}"),
    )


def _changed() -> dict[int, str]:
    """What characters become that are neither kept nor dropped."""
    changed: dict[int, str] = {}
    for first, values in entries(tables.SHIFTED):
        for codes in ranges(values):
            shift = int(first, 16) - codes[0]
            changed.update((code, chr(code + shift)) for code in codes)
    for first, values in entries(tables.LISTED):
        for code, value in enumerate(values, int(first, 16)):
            changed[code] = "".join(chr(int(part, 16)) for part in value.split("+"))
    return changed


def _word(letter: str, unspaced: str) -> re.Pattern[str]:
    return re.compile(f"{letter}+|{unspaced}{_VOICING}?|{_SYLLABLE}")


def _classes(codes: Iterable[range]) -> tuple[str, str]:
    """Classes of the characters up to U+FFFF and beyond it.

    In `re` a class is a table up to there, and beyond it a list that is gone through
    for whatever is not in the table, so it is asked only for what may be in it.
    """
    up_to, beyond = "", ""
    for some in codes:
        span = f"\\U{some[0]:08x}-\\U{some[-1]:08x}"
        if some[0] <= 0xFFFF:
            up_to += span
        else:
            beyond += span
    return f"[{up_to}]", f"(?=[{_BEYOND}])[{beyond}]"
