"""Searching, in the thread of a reader that does nothing else.

`message_fts` finds what it has (see `chatd.store.sqlite.search`); what was
committed since is looked at one by one, so a search never misses what was
acknowledged. Both are read in one transaction. A search reads from the newest
message on and stops when it has enough, so a common word costs little; what
finds little and costs much is interrupted when its time is over.

Every phrase goes to FTS5 as a quoted string, in which nothing has a meaning but
the quotation mark, and that is doubled. The rooms that may be read are a
temporary table: there may be thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from chatd.core.query import Hit, Phrase, Place, Query
from chatd.ids import RoomName, Seq, UserName
from chatd.store.matching import Cut, Matcher, Word, pieces, spaced
from chatd.store.ranking import NEWEST, Candidate, read_page
from chatd.store.sqlite.search import TOKENIZER
from chatd.store.sqlite.sql import Deadline, select, within

ROOMS_NAMED_MAX = 128
"""So many rooms are looked for in the index, as words, so that the messages of
others cost nothing. Measured: with a thousand that costs more than it saves."""
TIME_MIN, TIME_MAX = -(2**62), 2**62

_SCOPE = """
INSERT INTO temp.readable (id, name, first, upto)
SELECT r.id, r.name, j.value ->> 1, j.value ->> 2
FROM json_each(?) j CROSS JOIN main.room r ON r.name = j.value ->> 0"""

_COLUMNS = """
SELECT m.id, r.name, m.seq, m.ts, u.name, m.text, m.edited_seq, m.reply_to """
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
_ALL = _COLUMNS + "FROM message m" + _JOINED + _FILTERED
_ANY = _ALL + "ORDER BY m.id DESC"
# In one room the order of the numbers is that of seq, and there is a key for it.
_IN_ROOM = (
    _ALL + "AND m.room_id = :room AND m.seq BETWEEN :first AND :upto"
    " ORDER BY m.seq DESC"
)


def prepare(db: apsw.Connection) -> None:
    """Make the connection one for searching."""
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
    """
    with within(db, search_s) as deadline:
        db.execute("BEGIN")
        try:
            db.execute(_SCOPE, (orjson.dumps(list(scope)).decode(),))
            source = _Source(db, query, viewer, deadline)
            return read_page(source, query, source.cut, place, limit)
        finally:
            # The rooms go with it.
            if db.in_transaction:
                db.execute("ROLLBACK")


class _Source:
    """The database within one search's scope; see `chatd.store.ranking.Source`."""

    def __init__(
        self, db: apsw.Connection, query: Query, viewer: UserName, deadline: Deadline
    ) -> None:
        self._db = db
        self._deadline = deadline
        self._tokenize = db.fts5_tokenizer(TOKENIZER[0], list(TOKENIZER[1:]))
        self._matcher = Matcher(query, self.cut)
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
        terms = [term for p in self._matcher.phrases if (term := _term(p, self.cut))]
        if query.sender is not None:
            name = (query.sender,)
            users = select(db, "SELECT id FROM user WHERE name = ?", name)
            self._values["sender"] = users[0][0] if users else 0
            terms.append(f"tags : u{self._values['sender']}")
        if are_few and (terms or self._matcher.phrases):
            names = " OR ".join(f"r{number}" for number, _, _ in rooms) or "r0"
            terms.append(f"tags : ({names})")
        self._terms = " AND ".join(terms)
        """For FTS5; empty if the index is of no use."""

    def cut(self, text: str) -> list[Word]:
        """Cut a text into the words that the index has of it."""
        words: list[Word] = []
        for start, piece in pieces(text):
            data = piece.encode()
            found: Any = self._tokenize(data, apsw.FTS5_TOKENIZE_DOCUMENT, None)
            if len(data) == len(piece):
                words += [(start + at, start + end, word) for at, end, word in found]
                continue
            at, before = start, 0
            for begin, end, word in found:
                at += len(data[before:begin].decode())
                size = len(data[begin:end].decode())
                words.append((at, at + size, word))
                at, before = at + size, end
        return words

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
        found = self._take(_ANY, values, count)
        if len(found) < count:
            values["lowest"] = self._lowest
            found += self._take(_INDEXED, values, count - len(found))
        return found

    def _take(self, sql: str, values: dict[str, Any], count: int) -> list[Candidate]:
        found: list[Candidate] = []
        rows: Any = self._db.execute(sql, values)
        for number, room, seq, ts, sender, text, edited_seq, reply_to in rows:
            score = self._matcher.score(text)
            if score is not None:
                edited = edited_seq is not None
                found.append(
                    Candidate(
                        number, room, seq, ts, sender, text, edited, reply_to, score
                    )
                )
                if len(found) == count:
                    rows.close()
                    break
            self._deadline.check()
        return found

    def number(self, room: RoomName, seq: Seq) -> int | None:
        """Find the number of a message."""
        for (number,) in select(
            self._db,
            "SELECT m.id FROM room r JOIN temp.readable USING (id)"
            " CROSS JOIN message m ON m.room_id = r.id AND m.seq = ?2"
            " WHERE r.name = ?1",
            (room, seq),
        ):
            return int(number)
        return None


def _term(phrase: Phrase, cut: Cut) -> str:
    """What the index is asked for a phrase; empty if it is of no use for it.

    FTS5 first collects all words with a prefix, and nothing interrupts it there:
    those of one letter are in most texts, and sixteen such prefixes took a second in
    a million and a half messages. They are left to the matcher, which finds them
    soon. A letter of a script without spaces is a word, and costs no more than one.
    """
    text = phrase.text
    star = "*" if phrase.prefix else ""
    if star:
        *others, (start, end, _) = cut(text)
        letter = text[start:end]
        if len(letter) == 1 and spaced(letter) == letter:
            text, star = text[: start if others else 0], ""
    quoted = spaced(text).replace('"', '""')
    return f'text : "{quoted}"{star}' if text else ""


def _narrow(
    db: apsw.Connection, query: Query, rooms: Sequence[tuple[int, int, int]]
) -> tuple[int, int]:
    """Bound rooms by the query's times.

    In one room ts never decreases, so a time is a place in it; and a few rooms'
    places are bounds of the numbers of their messages.

    Returns:
        The lowest and the highest number that can be found.
    """
    if query.after is None and query.before is None:
        return 0, NEWEST
    ends: list[int] = []
    for room, first, upto in rooms:
        low, high = first, upto + 1
        if query.after is not None:
            low = _earliest(db, room, low, high, query.after)
        if query.before is not None:
            high = _earliest(db, room, low, high, query.before)
        db.execute(
            "UPDATE temp.readable SET first = ?, upto = ? WHERE id = ?",
            (low, high - 1, room),
        )
        for order in ("ASC", "DESC"):
            sql = f"{_IN_BOUNDS} ORDER BY seq {order} LIMIT 1"
            ends += [row[0] for row in select(db, sql, (room, low, high))]
    return (min(ends), max(ends)) if ends else (1, 0)


_IN_BOUNDS = """
SELECT id, seq, ts FROM message WHERE room_id = ? AND seq >= ? AND seq < ?"""


def _earliest(db: apsw.Connection, room: int, low: int, high: int, ts: int) -> int:
    """The lowest seq from which on messages are not earlier; `high` if none is."""
    while low < high:
        middle = (low + high) // 2
        rows = select(db, f"{_IN_BOUNDS} ORDER BY seq LIMIT 1", (room, middle, high))
        if rows and rows[0][2] < ts:
            low = rows[0][1] + 1
        else:
            high = middle
    return low
