"""Which texts a query finds, how well, and what is shown of them.

Both stores share this. They differ in who cuts a text into words (`Cut`): SQLite
does it with the very tokenizer of its index, the twin in memory by a plain
imitation. In both, case and accents do not matter, and scripts that are written
without spaces are cut into single characters (`UNSPACED`): a word of them is
then a phrase, and is found inside a sentence.

A score depends on the query and the one text alone. What is usual in search
engines, that a rare word weighs more, would have to count words in rooms that
the asker may not read, and the order of what he finds would tell him of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

import attrs

from chatd.core.query import Phrase, Query

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana and marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
"""Scripts without spaces between words, as they stand in a class of characters."""
SNIPPET_CHARS = 160
"""About two lines on a phone."""
LEAD_CHARS = 40
"""How much of a snippet may stand before the first hit."""
USUAL_WORDS = 12
"""How long a message usually is; a longer one scores less, a shorter one more."""

Word = tuple[int, int, str]
"""Where a word begins and ends in its text, in code points, and its folded form."""
Cut = Callable[[str], list[Word]]
"""Finds the words of a text."""

_UNSPACED = re.compile(f"[{UNSPACED}]+")
_PIECES = re.compile(f"[{UNSPACED}]|[^{UNSPACED}]+")
_PLAIN_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u0362])*")


def spaced(text: str) -> str:
    """Put spaces around what is written without them, for an index of words."""
    if text.isascii():
        return text
    return _UNSPACED.sub(lambda run: f" {' '.join(run[0])} ", text)


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The parts of a text between which no word goes on, and where they begin."""
    if text.isascii():
        yield 0, text
    else:
        for piece in _PIECES.finditer(text):
            yield piece.start(), piece[0]


def cut_plainly(text: str) -> list[Word]:
    """Cut into letters and digits that follow one another, without accents."""
    return [
        (start + word.start(), start + word.end(), _folded(word[0]))
        for start, piece in pieces(text)
        for word in _PLAIN_WORD.finditer(piece)
    ]


def _folded(word: str) -> str:
    parts = unicodedata.normalize("NFD", word)
    bare = "".join(char for char in parts if unicodedata.category(char) != "Mn")
    return unicodedata.normalize("NFC", bare).lower()


@attrs.frozen
class _Sought:
    """A phrase as its words."""

    words: tuple[str, ...]
    prefix: bool

    def places(self, words: list[str], at: dict[str, list[int]]) -> Iterator[int]:
        """Where it begins among the words of a text, of which `at` is the index."""
        first, size = self.words[0], len(self.words)
        starts = at.get(first, [])
        if size == 1:
            if self.prefix:
                long = [n for word in at if word.startswith(first) for n in at[word]]
                starts = sorted(long)
            yield from starts
            return
        rest, last = list(self.words[1:-1]), self.words[-1]
        for start in starts:
            end = start + size - 1
            if end < len(words) and words[start + 1 : end] == rest:
                found = words[end]
                if found.startswith(last) if self.prefix else found == last:
                    yield start


class Matcher:
    """One query, held against many texts."""

    def __init__(self, query: Query, cut: Cut) -> None:
        """Cut the query's phrases as the texts will be cut."""
        self._cut = cut
        self._sought: list[_Sought] = []
        self.phrases: list[Phrase] = []
        """Those in which there is a word after all."""
        for phrase in query.phrases:
            words = tuple(word for _, _, word in cut(phrase.text))
            if words:
                self._sought.append(_Sought(words, phrase.prefix))
                self.phrases.append(phrase)

    def score(self, text: str) -> int | None:
        """How well a text fits; None if it lacks any of the phrases.

        More often and in a shorter text is more: BM25 without the weight of a
        word, in steps of a tenth, so that what is about equal is equal.
        """
        words, at = self._index(self._cut(text))
        total = 0.0
        for sought in self._sought:
            count = sum(1 for _ in sought.places(words, at))
            if not count:
                return None
            damped = 0.3 + 0.9 * len(words) / USUAL_WORDS
            total += 2.2 * count / (count + damped)
        return round(10 * total)

    def excerpt(self, text: str) -> tuple[str, list[list[int]]]:
        """What to show of a text, and where in that the hits are.

        Returns:
            One line of about `SNIPPET_CHARS`, and for each hit where it begins
            and ends in it, in code points.
        """
        found = self._cut(text)
        hits = self._hits(found)
        begin, end = 0, len(text)
        if len(text) > SNIPPET_CHARS:
            first = hits[0][0] if hits else 0
            begin = max(0, min(first - LEAD_CHARS, len(text) - SNIPPET_CHARS))
            if begin:
                begin = next(start for start, _, _ in found if start >= begin)
            end = min(len(text), begin + SNIPPET_CHARS)
            if end < len(text):
                ends = [e for _, e, _ in found if begin < e <= end]
                end = ends[-1] if ends else end
        before, behind = "…" if begin else "", "…" if end < len(text) else ""
        line = re.sub(r"\s", " ", text[begin:end])
        shift = len(before) - begin
        shown = [[s + shift, min(e, end) + shift] for s, e in hits if begin <= s < end]
        return f"{before}{line}{behind}", shown

    def _hits(self, found: list[Word]) -> list[tuple[int, int]]:
        """Where the phrases stand in the text, in order, overlapping ones as one."""
        words, at = self._index(found)
        spans = sorted(
            (found[place][0], found[place + len(sought.words) - 1][1])
            for sought in self._sought
            for place in sought.places(words, at)
        )
        hits: list[tuple[int, int]] = []
        for start, end in spans:
            if hits and start < hits[-1][1]:
                hits[-1] = hits[-1][0], max(end, hits[-1][1])
            else:
                hits.append((start, end))
        return hits

    @staticmethod
    def _index(found: list[Word]) -> tuple[list[str], dict[str, list[int]]]:
        words = [word for _, _, word in found]
        at: dict[str, list[int]] = {}
        for number, word in enumerate(words):
            at.setdefault(word, []).append(number)
        return words, at
