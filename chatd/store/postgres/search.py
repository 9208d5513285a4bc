"""Searching on PostgreSQL, by a connection that does nothing else.

The index has what it has (`chatd.store.postgres.search_index`); what was committed
since is looked at one by one, so a search never misses what was acknowledged. Both are
read in one transaction, from the newest message on, a page at a time until there is
enough. The index says which messages have the words; whether the text has the phrases,
and how well it fits, says `chatd.store.matching`, as for every store. PostgreSQL knows
from its statistics whether it is cheaper to look a word up or to go through the newest
messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.core.query import Hit, Phrase, Place, Query
from chatd.errors import IndexBehind, TooSlow
from chatd.ids import RoomName, Seq, UserName
from chatd.store.matching import Matcher
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.search_index import cut
from chatd.store.ranking import Candidate, read_page
from chatd.store.sqlite import timestamps
from chatd.store.sqlite.filling import LACKING_MIN
from chatd.store.sqlite.sql import Deadline, room_called, select, snapshot
from chatd.words import is_syllable

PAGE_ROWS = 256
"""Messages that are looked at together."""
ROOMS_BOUND_MAX = 128
"""In so many rooms a time is looked for as a place, which bounds what is read."""
TIME_MIN, TIME_MAX = -(2**62), 2**62

_SCOPE = f"""
SELECT r.id, j.name, j.first, j.upto
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS j (name, first, upto)
JOIN room r ON r.ended IS NULL AND r.id = {room_called("j.name")}"""  # noqa: S608 - ours
# Where the rooms begin and end is asked of all of them together, and of each then.
_FOUND = """
SELECT m.id, m.room_id, m.seq, m.ts, u.name, m.text, m.edited_seq, m.reply_to, m.thread
FROM message m JOIN "user" u ON u.id = m.user_id {join}
WHERE m.room_id = ANY($1::bigint[]) AND m.seq BETWEEN $2 AND $3
AND m.text IS NOT NULL AND m.ts >= $4 AND m.ts < $5
AND (NOT m.hidden OR u.name = $6) AND ($7::bigint IS NULL OR m.user_id = $7)
AND m.id >= $8 AND m.id < $9 {where} ORDER BY m.id DESC LIMIT {rows}"""
_ALL = _FOUND.format(join="", where="", rows=PAGE_ROWS)
_INDEXED = _FOUND.format(
    join="JOIN message_words w ON w.id = m.id",
    where="AND w.words @@ $10::tsquery",
    rows=PAGE_ROWS,
)
_AT = f"""
SELECT id, room_id FROM message
WHERE room_id = {room_called("?1")} AND seq = ?2"""  # noqa: S608 - ours


def search(
    db: Connection,
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
    raw: Any = db
    deadline = Deadline.after(search_s)
    with snapshot(raw):
        source = _Source(raw, query, scope, viewer, deadline)
        try:
            return read_page(source, query, place, limit)
        except TooSlow:
            if source.behind is not None:
                raise source.behind from None
            raise


class _Source:
    """The database within one search's scope; see `chatd.store.ranking.Source`."""

    def __init__(
        self,
        db: Any,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        viewer: UserName,
        deadline: Deadline,
    ) -> None:
        self._db = db
        self._deadline = deadline
        self._matcher = Matcher(query)
        names, firsts, uptos = zip(*scope, strict=True) if scope else ((), (), ())
        arrays = list(names), list(firsts), list(uptos)
        self._rooms = {
            number: (name, first, upto)
            for number, name, first, upto in select(db, _SCOPE, arrays)
        }
        self._narrow(query)
        sender = None
        if query.sender is not None:
            users = select(db, "SELECT id FROM user WHERE name = ?", (query.sender,))
            sender = users[0][0] if users else 0
        after = TIME_MIN if query.after is None else query.after
        before = TIME_MAX if query.before is None else query.before
        bounds = self._rooms.values()
        lowest = min((first for _, first, _ in bounds), default=1)
        highest = max((upto for _, _, upto in bounds), default=0)
        where = list(self._rooms), lowest, highest
        self._values = (*where, after, before, viewer, sender)
        ((self._indexed, oldest, newest),) = select(
            db,
            "SELECT indexed, (SELECT min(id) FROM message),"
            " (SELECT max(id) FROM message) FROM store",
        )
        self._terms = " & ".join(filter(None, map(_term, query.phrases)))
        """Empty if the index is of no use."""
        lacking = (newest or 0) - max(self._indexed, (oldest or 1) - 1)
        self.behind = None
        """What there is to say of the index if it lacks many messages."""
        if self._terms and lacking >= LACKING_MIN:
            self.behind = IndexBehind(lacking, newest - oldest + 1)

    def _narrow(self, query: Query) -> None:
        """Bound rooms by the query's times, as on SQLite."""
        is_bound = query.after is not None or query.before is not None
        if not is_bound or len(self._rooms) > ROOMS_BOUND_MAX:
            return
        for number, (name, first, upto) in self._rooms.items():
            low, high = timestamps.bounds(
                self._db, number, first, upto + 1, query.after, query.before
            )
            self._rooms[number] = name, low, high - 1

    def newest(self, below: int, count: int) -> list[Candidate]:
        """Find the newest that match and are numbered below."""
        if not self._terms:
            return self._take(_ALL, 0, below, count)
        found = self._take(_ALL, self._indexed + 1, below, count)
        if len(found) < count:
            more = count - len(found)
            found += self._take(_INDEXED, 0, below, more, self._terms)
        return found

    def _take(
        self, sql: str, lowest: int, below: int, count: int, *terms: str
    ) -> list[Candidate]:
        found: list[Candidate] = []
        while below > lowest:
            self._deadline.check()
            rows = select(self._db, sql, (*self._values, lowest, below, *terms))
            for row in rows:
                candidate = self._judged(*row)
                if candidate is not None:
                    found.append(candidate)
                if len(found) == count:
                    return found
            if len(rows) < PAGE_ROWS:
                break
            below = rows[-1][0]
        return found

    def _judged(
        self,
        number: int,
        room: int,
        seq: Seq,
        ts: Any,
        by: Any,
        text: str,
        *rest: Any,
    ) -> Candidate | None:
        """What a row is worth; None if it is not in the scope, or does not match."""
        name, first, upto = self._rooms[room]
        score = self._matcher.score(text) if first <= seq <= upto else None
        if score is None:
            return None
        edited_seq, reply_to, thread = rest
        message = number, name, seq, ts, by, text, edited_seq is not None
        return Candidate(*message, reply_to, thread, score)

    def number(self, room: RoomName, seq: Seq) -> int | None:
        """Find the number of a message."""
        for number, where in select(self._db, _AT, (room, seq)):
            return int(number) if where in self._rooms else None
        return None


def _term(phrase: Phrase) -> str:
    """What the index is asked for a phrase; empty if it is of no use for it.

    A single letter begins most words, and what begins a syllable is for the matcher.
    """
    sought = list(phrase.words)
    last = sought.pop() if phrase.prefix else ""
    is_useful = len(last) > 1 and not is_syllable(last)
    terms = [_quoted(word) for word in sought]
    return " & ".join([*terms, f"{_quoted(last)}:*"] if is_useful else terms)


def _quoted(word: str) -> str:
    said = cut(word).replace("\\", "\\\\").replace("'", "''")
    return f"'{said}'"
