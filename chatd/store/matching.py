"""Which texts a query finds, how well, and what is shown of them.

Both stores share this, and all of it goes by the words that `chatd.words` finds in
a text.

A score depends on the query and the one text alone. What is usual in search
engines, that a rare word weighs more, would have to count words in rooms that
the user may not read, and the order of the results would tell of them.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import repeat, takewhile

import attrs

from chatd.core.query import Phrase, Query
from chatd.words import (
    LocatedWords,
    is_boundary,
    next_boundary,
    previous_boundary,
    words,
)

SNIPPET_CHARS = 160
"""About two lines on a phone."""
LEAD_CHARS = 40
"""How much of a snippet may stand before the first hit."""
USUAL_WORDS = 12
"""How long a message usually is; a longer one scores less, a shorter one more."""

_SPACE = "\n"
"""What is put between words; none of them has it."""


@attrs.frozen
class _Sought:
    """A phrase as it is looked for among joined words."""

    text: str
    size: int
    """Its words."""

    @classmethod
    def of(cls, phrase: Phrase) -> _Sought:
        """Join a phrase; where its last word may go on, it has no end."""
        return cls(_joined(phrase.words, goes_on=phrase.prefix), len(phrase.words))

    def places(self, joined: str) -> Iterator[int]:
        """The numbers of the words at which it begins."""
        at, before, number = joined.find(self.text), 0, 0
        while at >= 0:
            number += joined.count(_SPACE, before, at)
            yield number
            at, before = joined.find(self.text, at + 1), at


class Matcher:
    """One query, held against many texts."""

    def __init__(self, query: Query) -> None:
        """Take the query's phrases."""
        self._sought = [_Sought.of(phrase) for phrase in query.phrases]

    def score(self, text: str) -> int | None:
        """How well a text fits; None if it lacks any of the phrases.

        More often and in a shorter text is more: BM25 without the weight of a
        word, in steps of a tenth, so that what is about equal is equal.
        """
        found = words(text)
        joined = _joined(found)
        total = 0.0
        for sought in self._sought:
            count = sum(1 for _ in sought.places(joined))
            if not count:
                return None
            damped = 0.3 + 0.9 * len(found) / USUAL_WORDS
            total += 2.2 * count / (count + damped)
        return round(10 * total)

    def excerpt(self, text: str) -> tuple[str, list[list[int]]]:
        """What to show of a text, and where in that the hits are.

        Returns:
            One line of about `SNIPPET_CHARS`, and for each hit where it begins
            and ends in it, in code points. Neither has half a character of those
            that a reader sees.
        """
        found = LocatedWords.of(text)
        hits = self._hits(text, found)
        begin, end = 0, len(text)
        if len(text) > SNIPPET_CHARS:
            begin = _begin(text, found, hits[0][0] if hits else 0)
            end = _end(text, found, begin)
        before, behind = "…" if begin else "", "…" if end < len(text) else ""
        line = re.sub(r"\s", " ", text[begin:end])
        shift = len(before) - begin
        shown = [[s + shift, min(e, end) + shift] for s, e in hits if s < end]
        return f"{before}{line}{behind}", shown

    def _hits(self, text: str, found: LocatedWords) -> list[tuple[int, int]]:
        """Where the phrases stand in the text, in order, overlapping ones as one.

        What is farther behind the first one than a snippet is long is not looked at.
        """
        joined = _joined(found.words)
        places = (zip(it.places(joined), repeat(it.size)) for it in self._sought)
        hits: list[tuple[int, int]] = []
        for number, size in merge(*places):
            start, end = found.start(number), found.end(number + size - 1)
            if hits and start - hits[0][0] > SNIPPET_CHARS:
                break
            if not hits or start >= hits[-1][1]:
                bounds = previous_boundary(text, start), next_boundary(text, end)
                hits.append(bounds)
            elif end > hits[-1][1]:
                hits[-1] = hits[-1][0], next_boundary(text, end)
        return hits


def _joined(words: Sequence[str], *, goes_on: bool = False) -> str:
    """Words with something around each; the last of what goes on has no end."""
    return f"{_SPACE}{_SPACE.join(words)}{'' if goes_on else _SPACE}"


def _begin(text: str, found: LocatedWords, first: int) -> int:
    """Where the snippet of a long text begins: a little before its first hit."""
    begin = min(first - LEAD_CHARS, len(text) - SNIPPET_CHARS)
    if begin <= 0:
        return 0
    count = len(found.words)
    number = bisect_left(range(count), begin, key=found.start)
    starts = takewhile(lambda at: at < first, map(found.start, range(number, count)))
    return next((at for at in starts if is_boundary(text, at)), first)


def _end(text: str, found: LocatedWords, begin: int) -> int:
    """Where it ends: behind a word, or within the only one."""
    end = begin + SNIPPET_CHARS
    if end >= len(text):
        return len(text)
    bound = previous_boundary(text, end)
    number = bisect_right(range(len(found.words)), bound, key=found.end) - 1
    last = found.end(number) if number >= 0 else 0
    return next_boundary(text, last) if last > begin else bound
