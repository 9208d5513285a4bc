"""The order in which a search's results are given, page by page.

Without words, the newest first. With words, the newest `WINDOW` messages that
match are ranked, best first and newest first among equals; behind them the next
`WINDOW`, and so on. Ranking everything there ever was would take the longer the
commoner a word is, and would put what is years old before what is wanted.

A store passes `Source`, which finds messages from the newest on. A place names the
newest of those that were ranked together, so what is written between two pages is
above them, and no page repeats another.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from chatd.core.query import Hit, Place, Query
from chatd.ids import RoomName, Seq, UserName
from chatd.store.matching import Matcher
from chatd.wire.events import Millis
from chatd.wire.replies import MessageFound

WINDOW = 256
"""Messages that are ranked together: all, where a word is rare. Scoring them takes
a few milliseconds, of which other threads of Python notice most."""
NEWEST = 2**62
"""Above the number of every message."""


@attrs.define
class Candidate:
    """A message that matches, and its number: newer ones have higher ones."""

    number: int
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    text: str
    edited: bool
    reply_to: Seq | None
    thread: Seq | None
    score: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """What results are sorted by."""
        return -self.score, -self.number


class Source(Protocol):
    """A store as far as searching needs it; everything within the asker's scope."""

    def newest(self, below: int, count: int) -> list[Candidate]:
        """The newest messages that match and are numbered below; newest first."""

    def number(self, room: RoomName, seq: Seq) -> int | None:
        """The number of a message, also of a deleted one; None if it is gone."""


def read_page(
    source: Source, query: Query, place: Place | None, limit: int
) -> tuple[list[Hit], bool] | None:
    """Read the page of results behind `place`; see `chatd.ports.Store.search`."""
    matcher = Matcher(query)
    start = _start(source, query, place)
    if start is None:
        return None
    below, after = start
    size = WINDOW if query.phrases else limit
    while True:
        window = source.newest(below, size + 1)
        goes_on = len(window) > size
        del window[size:]
        ranked = sorted(window, key=lambda found: found.rank)
        if after is not None:
            last = after
            ranked = [found for found in ranked if found.rank > last]
        if ranked or not goes_on:
            break
        below, after = window[-1].number, None
    top = (window[0].room, window[0].seq) if ranked and query.phrases else None
    hits = [_hit(found, matcher, top) for found in ranked[:limit]]
    return hits, goes_on or len(ranked) > limit


def _start(
    source: Source, query: Query, place: Place | None
) -> tuple[int, tuple[int, int] | None] | None:
    """Below which number to look, and behind which rank to begin."""
    if place is None:
        return NEWEST, None
    last = source.number(place.room, place.seq)
    if last is None:
        return None
    if not query.phrases:
        return last, None
    top = source.number(*place.top) if place.top is not None else None
    return None if top is None else (top + 1, (-place.score, -last))


def _hit(found: Candidate, matcher: Matcher, top: tuple[RoomName, Seq] | None) -> Hit:
    snippet, hits = matcher.excerpt(found.text)
    message = MessageFound(
        found.room,
        found.seq,
        found.ts,
        found.sender,
        found.text,
        snippet,
        hits,
        found.edited,
        found.reply_to,
        found.thread,
    )
    return Hit(message, Place(found.room, found.seq, found.score, top))
