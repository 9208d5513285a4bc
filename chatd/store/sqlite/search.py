"""Searching, in the thread of a reader that does nothing else.

`message_fts` finds what it has (see `chatd.store.sqlite.search_index`); what was
committed since is looked at one by one, so a search never misses what was
acknowledged. Both are read in one transaction. A search reads from the newest
message on and stops when it has enough, so a common word costs little; what
finds little and costs much is interrupted when its time is over.

A rare word costs its hits: they are found wherever they are, and then it is looked
which of them are in rooms that may be read. Where `LOOKS` times `HITS` of them have
not been enough, most are elsewhere, and the rooms are looked for together with the
words. The other way round each room would be looked up for each hit.

Every phrase goes to FTS5 as folded words in quotation marks, where nothing has a
meaning. The rooms that may be read are a temporary table: there may be thousands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import apsw
import orjson

from chatd.core.query import Hit, Phrase, Place, Query
from chatd.errors import IndexBehind, TooSlow
from chatd.ids import RoomName, Seq, UserName
from chatd.store.matching import Matcher
from chatd.store.ranking import NEWEST, Candidate, read_page
from chatd.store.sqlite import timestamps
from chatd.store.sqlite.filling import LACKING_MIN
from chatd.store.sqlite.sql import Deadline, room_called, select, snapshot, within
from chatd.words import is_syllable, words

ROOMS_NAMED_MAX = 128
"""So many rooms are looked for in the index, as words, so that the messages of
others cost nothing. Measured: with a thousand that costs more than it saves."""
HITS, LOOKS = 256, 8
"""How many hits are looked at together, and how often before the rooms are named.
Source: measured, 1 ms a look."""
SHORT_CHARS, SHORT_MAX = 3, 2
"""So few prefixes that are so short are looked for in the index: of each it has to
collect all words, and nothing interrupts it there. Source: measured, one of two letters
takes 20 to 60 ms in ten million messages."""
TIME_MIN, TIME_MAX = -(2**62), 2**62

_SCOPE = f"""
INSERT INTO temp.readable (id, name, first, upto)
SELECT r.id, j.value ->> 0, j.value ->> 1, j.value ->> 2
FROM json_each(?) j CROSS JOIN main.room r ON r.ended IS NULL
AND r.id = {room_called("j.value ->> 0")}"""  # noqa: S608 - ours

_COLUMNS = """
SELECT m.id, r.name, m.seq, m.ts, u.name, m.text, m.edited_seq, m.reply_to, m.thread """
_JOINED = """
CROSS JOIN temp.readable r ON r.id = m.room_id AND m.seq BETWEEN r.first AND r.upto
CROSS JOIN user u ON u.id = m.user_id """
_FILTERED = """
WHERE m.text IS NOT NULL AND m.id BETWEEN :lowest AND :highest
AND m.ts >= :after AND m.ts < :before AND (NOT m.hidden OR u.name = :viewer)
AND (:sender IS NULL OR m.user_id = :sender) """

_INDEXED = (
    _COLUMNS
    + "FROM message_fts f CROSS JOIN message m ON m.id = f.rowid"
    + _JOINED
    + _FILTERED
    + "AND f.message_fts MATCH :terms AND f.rowid BETWEEN :lowest AND :highest"
    " ORDER BY f.rowid DESC"
)
_HITS = """
SELECT f.rowid FROM message_fts f WHERE f.message_fts MATCH :words
AND f.rowid BETWEEN :lowest AND :highest ORDER BY f.rowid DESC LIMIT :most"""
# In the order of the hits, from the newest on.
_HIT = (
    _COLUMNS
    + "FROM json_each(:found) j CROSS JOIN message m ON m.id = j.value"
    + _JOINED
    + _FILTERED
)
_ALL = _COLUMNS + "FROM message m" + _JOINED + _FILTERED
_ANY = _ALL + "ORDER BY m.id DESC"
# In one room the order of the numbers is that of seq, and there is a key for it.
_IN_ROOM = (
    _ALL + "AND m.room_id = :room AND m.seq BETWEEN :first AND :upto"
    " ORDER BY m.seq DESC"
)

_AT = f"""
SELECT m.id FROM temp.readable r
CROSS JOIN message m ON m.room_id = r.id AND m.seq = ?2
WHERE r.id = {room_called("?1")}"""  # noqa: S608 - ours
_NUMBERS = """
SELECT (SELECT min(id) FROM message WHERE id > 0),
       (SELECT max(id) FROM message WHERE id > 0)"""


def prepare(db: apsw.Connection) -> None:
    """Make the connection one for searching."""
    words("é")  # the tables of letters are there before the first search
    db.execute(
        "CREATE TEMP TABLE readable (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " first INTEGER NOT NULL, upto INTEGER NOT NULL)"
    )


def search(
    db: apsw.Connection,
    query: Query,
    scope: Sequence[tuple[RoomName, Seq, Seq]],
    place: Place | None,
    limit: int,
    viewer: UserName,
    search_s: float,
) -> tuple[list[Hit], bool] | None:
    """Read a page of results; see the port.

    Raises:
        TooSlow: It took `search_s`.
        IndexBehind: It did, since there is much that is not indexed.
    """
    with within(db, search_s) as deadline, snapshot(db):
        # The rooms go when it ends.
        db.execute(_SCOPE, (orjson.dumps(list(scope)).decode(),))
        source = _Source(db, query, viewer, deadline)
        return read_page(source, query, place, limit)


class _Source:
    """The database within one search's scope; see `chatd.store.ranking.Source`."""

    def __init__(
        self, db: apsw.Connection, query: Query, viewer: UserName, deadline: Deadline
    ) -> None:
        self._db = db
        self._deadline = deadline
        self._matcher = Matcher(query)
        limit = (ROOMS_NAMED_MAX + 1,)
        rooms = select(db, "SELECT id, first, upto FROM temp.readable LIMIT ?", limit)
        are_few = len(rooms) <= ROOMS_NAMED_MAX
        lowest, highest = _narrow(db, query, rooms) if are_few else (0, NEWEST)
        self._values: dict[str, Any] = {
            "after": TIME_MIN if query.after is None else query.after,
            "before": TIME_MAX if query.before is None else query.before,
            "sender": None,
            "viewer": viewer,
        }
        self._is_one_room = len(rooms) == 1
        if self._is_one_room:
            room, first, upto = select(db, "SELECT id, first, upto FROM temp.readable")[
                0
            ]
            self._values |= {"room": room, "first": first, "upto": upto}
        self._lowest, self._highest = lowest, highest
        self._indexed: int = select(db, "SELECT indexed FROM store")[0][0]
        self._behind = self._is_behind()
        terms = _terms(query.phrases)
        if query.sender is not None:
            name = (query.sender,)
            users = select(db, "SELECT id FROM user WHERE name = ?", name)
            self._values["sender"] = users[0][0] if users else 0
            terms.append(f"tags : u{self._values['sender']}")
        self._words = " AND ".join(terms)
        """What is looked for wherever it is; empty if that would be everything."""
        if are_few and (terms or query.phrases):
            names = " OR ".join(f"r{number}" for number, _, _ in rooms) or "r0"
            terms.append(f"tags : ({names})")
        self._terms = " AND ".join(terms)
        """For FTS5; empty if the index is of no use."""

    def newest(self, below: int, count: int) -> list[Candidate]:
        """Find the newest that match and are numbered below."""
        values = self._values | {
            "lowest": self._lowest,
            "highest": min(self._highest, below - 1),
            "terms": self._terms,
        }
        if not self._terms:
            sql = _IN_ROOM if self._is_one_room else _ANY
            return self._take(sql, values, count)
        values["lowest"] = max(self._lowest, self._indexed + 1)
        sql = _ANY
        if self._behind and self._is_one_room:
            sql, values["first"] = _IN_ROOM, self._first_not_indexed()
        with self._blamed():
            found = self._take(sql, values, count)
        values["lowest"] = self._lowest
        if len(found) < count:
            found += self._indexed_ones(values, count - len(found))
        return found

    def _indexed_ones(self, values: dict[str, Any], count: int) -> list[Candidate]:
        """Find what the index has: first by the words alone, then in the rooms."""
        found: list[Candidate] = []
        if self._words not in ("", self._terms) and not self._is_one_room:
            values |= {"words": self._words, "most": HITS * LOOKS}
            with closing(self._db.execute(_HITS, values)) as rows:
                for _ in range(LOOKS):
                    hits = [number for (number,) in islice(rows, HITS)]
                    values["found"] = orjson.dumps(hits).decode()
                    found += self._take(_HIT, values, count - len(found))
                    if len(found) == count or len(hits) < HITS:
                        return found
                    values["highest"] = hits[-1] - 1
        return found + self._take(_INDEXED, values, count - len(found))

    def _is_behind(self) -> IndexBehind | None:
        """What there is to say of the index if it lacks many messages."""
        oldest, newest = select(self._db, _NUMBERS)[0]
        lacking = (newest or 0) - max(self._indexed, (oldest or 1) - 1)
        if lacking < LACKING_MIN:
            return None
        return IndexBehind(lacking, newest - oldest + 1)

    def _first_not_indexed(self) -> int:
        """Where in the one room that is searched the index ends."""
        room, first, upto = (self._values[key] for key in ("room", "first", "upto"))

        def number(seq: int) -> int:
            rows = select(
                self._db, f"{_IN_BOUNDS} ORDER BY seq LIMIT 1", (room, seq, upto + 1)
            )
            return int(rows[0][0]) if rows else NEWEST

        seqs = range(first, upto + 1)
        return int(first + bisect_right(seqs, self._indexed, key=number))

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Blame the index if it takes too long to look at what it does not have."""
        try:
            yield
        except (TooSlow, apsw.InterruptError):
            if self._behind and self._deadline.is_over():
                raise self._behind from None
            raise

    def _take(self, sql: str, values: dict[str, Any], count: int) -> list[Candidate]:
        found: list[Candidate] = []
        # Left open, it would hold on to its snapshot for as long as an error that was
        # raised meanwhile is referred to, and later searches would see no more.
        with closing(self._db.execute(sql, values)) as rows:
            for number, room, seq, ts, sender, text, *rest in rows:
                score = self._matcher.score(text)
                if score is not None:
                    message = number, room, seq, ts, sender, text
                    edited_seq, reply_to, thread = rest
                    edited = edited_seq is not None
                    found.append(Candidate(*message, edited, reply_to, thread, score))
                    if len(found) == count:
                        break
                self._deadline.check()
        return found

    def number(self, room: RoomName, seq: Seq) -> int | None:
        """Find the number of a message."""
        for (number,) in select(self._db, _AT, (room, seq)):
            return int(number)
        return None


def _terms(phrases: Sequence[Phrase]) -> list[str]:
    """What the index is asked for; what it is not asked the matcher looks for."""
    terms, short = [], list[str]()
    for phrase in phrases:
        term = _term(phrase)
        is_short = phrase.prefix and term.endswith("*") and len(phrase.words) == 1
        if is_short and len(phrase.words[0]) <= SHORT_CHARS:
            short.append(term)
        elif term:
            terms.append(term)
    # The longest collect the fewest words.
    return terms + sorted(short, key=len, reverse=True)[:SHORT_MAX]


def _term(phrase: Phrase) -> str:
    """What the index is asked for a phrase; empty if it is of no use for it.

    FTS5 first collects all words with a prefix, and nothing interrupts it there:
    those of one letter are in most texts, and sixteen such prefixes took a second in
    a million and a half messages. They are left to the matcher, which finds them
    soon, and so are the beginnings of a syllable.
    """
    sought, star = phrase.words, "*" if phrase.prefix else ""
    if star and (len(sought[-1]) == 1 or is_syllable(sought[-1])):
        sought, star = sought[:-1], ""
    quoted = " ".join(sought)
    return f'text : "{quoted}"{star}' if sought else ""


def _narrow(
    db: apsw.Connection, query: Query, rooms: Sequence[tuple[int, int, int]]
) -> tuple[int, int]:
    """Bound rooms by the query's times.

    A time is a place in a room, or a few where the clock was put back; and a few
    rooms' places are bounds of the numbers of their messages.

    Returns:
        The lowest and the highest number that can be found.
    """
    if query.after is None and query.before is None:
        return 0, NEWEST
    ends: list[int] = []
    for room, first, upto in rooms:
        low, high = timestamps.bounds(
            db, room, first, upto + 1, query.after, query.before
        )
        db.execute(
            "UPDATE temp.readable SET first = ?, upto = ? WHERE id = ?",
            (low, high - 1, room),
        )
        for order in ("ASC", "DESC"):
            sql = f"{_IN_BOUNDS} ORDER BY seq {order} LIMIT 1"
            ends += [row[0] for row in select(db, sql, (room, low, high))]
    return (min(ends), max(ends)) if ends else (1, 0)


_IN_BOUNDS = """
SELECT id FROM message WHERE room_id = ? AND seq >= ? AND seq < ?"""
