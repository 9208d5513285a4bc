"""The search index: behind the commits, exact up to `store.indexed`.

Filling it inside the commit would cost as much as the message, so a later step
takes what is new. `message_fts` has exactly the current texts of the messages
with `id <= store.indexed` that are not deleted: `fill` moves the line on, and
`replace` keeps the rest true when a text is edited or deleted, in the same
transaction, because a removed word must not be found after the `ok`. FTS5
removes an entry only if it is told the very text that was indexed.

A word that is edited or deleted leaves the pages of the index at once
(`secure-delete`), which takes FTS5 half a millisecond a message. Where `many` messages
go, they are marked as gone instead, in a fiftieth of that, and are not found any more;
their words leave the pages when these are merged (`begin_merging`): after an erasure at
once, else within a day.

FTS5 would merge what was written lately by itself, in the commit that happens to make
it due: 64 pages and more at once, for which others wait 20 ms. So it is told not to
(0025), and `merge` does as much in steps, each beside what was written last.

What is indexed is the folded words of the text (`chatd.words`) with spaces between.
FTS5's tokenizer `ascii` takes them as they are: for it, whatever is not ASCII is a
letter. Of ASCII it makes the same words as we do, so that never has to leave SQLite.

`store.fold` says with which fold the index was made. Where that is another one, of
an older or of a newer chatd, `renew` empties the index, and it is filled like that
of messages which are all new.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import singledispatch
from typing import Any

import apsw
import orjson

from chatd.store.sqlite.sql import change_rows, select
from chatd.wire.events import Millis
from chatd.words import FOLD, words

# What is not ASCII has more words for its size, and they go through Python. Source:
# measured, 0.04 µs a byte and 0.12 µs.
_STEP = """
SELECT count(*), max(id), (SELECT max(id) FROM message WHERE id > 0) FROM (
  SELECT id, sum(weight) OVER (ORDER BY id) - weight AS before FROM (
    SELECT id, ifnull(octet_length(text)
      * iif(octet_length(text) = length(text), 1, 3), 0) AS weight FROM message
    WHERE id > ? ORDER BY id LIMIT ?))
WHERE before < ?"""
_NEW = "FROM message WHERE id > ? AND id <= ? AND text IS NOT NULL"
_FILL_ASCII = (
    "INSERT INTO message_fts (rowid, text, tags)"
    " SELECT id, text, 'r' || room_id || ' u' || user_id "
    + _NEW
    + " AND octet_length(text) = length(text)"
)
_FIND_OTHERS = (
    "SELECT json_group_array(json_array(id, text, 'r' || room_id || ' u' || user_id)) "
    + _NEW
    + " AND octet_length(text) <> length(text)"
)
_PUT_IN = """
INSERT INTO message_fts (rowid, text, tags)
SELECT id, ?, 'r' || room_id || ' u' || user_id FROM message WHERE id = ?"""
_TAKE_OUT = """
INSERT INTO message_fts (message_fts, rowid, text, tags)
SELECT 'delete', id, ?, 'r' || room_id || ' u' || user_id FROM message WHERE id = ?"""
_TAKE_ALL_OUT = """
INSERT INTO message_fts (message_fts, rowid, text, tags)
SELECT 'delete', id, folded(text), 'r' || room_id || ' u' || user_id FROM message
WHERE text IS NOT NULL AND id <= (SELECT indexed FROM store) AND """
_COMMAND = "INSERT INTO message_fts (message_fts) VALUES (?)"
_CONFIGURE = "INSERT INTO message_fts (message_fts, rank) VALUES (?, ?)"
MERGE_PAGES = 24
"""Pages of one step of merging: more than filling writes, with what is merged again.
Source: measured, a millisecond and a half, seldom four."""
_PUT_MANY_IN = "INSERT INTO message_fts (rowid, text, tags) VALUES $ROWS"


def register(db: apsw.Connection) -> None:
    """Teach a connection the function that the view of what is indexed uses."""
    function: Any = folded
    db.create_scalar_function(
        "folded",
        function,
        1,
        deterministic=True,
        flags=apsw.SQLITE_INNOCUOUS,
    )


def folded(text: str) -> str:
    """What the index is given of a text."""
    return text if text.isascii() else " ".join(words(text))


def is_current(db: apsw.Connection) -> bool:
    """Whether the index was made with this fold, and can be changed with it."""
    return not select(db, "SELECT 1 FROM store WHERE fold <> ?", (FOLD,))


def renew(db: apsw.Connection) -> None:
    """Empty an index that was made with another fold."""
    db.execute(_COMMAND, ("delete-all",))
    db.execute("UPDATE store SET indexed = 0, fold = ?", (FOLD,))


@singledispatch
def fill(db: apsw.Connection, rows: int, text_bytes: int) -> int:
    """Index some messages more.

    Args:
        db: The writer's connection.
        rows: At most so many.
        text_bytes: And after so much text no other one; a third, if not of ASCII.

    Returns:
        How many are left, as far as their numbers tell.
    """
    (indexed,) = select(db, "SELECT indexed FROM store")[0]
    count, last, newest = select(db, _STEP, (indexed, rows, text_bytes))[0]
    if count:
        db.execute(_FILL_ASCII, (indexed, last))
        if db.changes() < count:
            # One row, since each row that Python is given may have to wait for it.
            ((others,),) = select(db, _FIND_OTHERS, (indexed, last))
            found = orjson.loads(others)
            change_rows(
                db, _PUT_MANY_IN, [(n, folded(text), tags) for n, text, tags in found]
            )
        db.execute("UPDATE store SET indexed = ?", (last,))
        return int(newest - last)
    return 0


def take_out(db: apsw.Connection, message: int, text: str) -> None:
    """Take a message out of the index, before its row changes.

    Args:
        db: The writer's connection.
        message: The id of its row.
        text: What is in the row.
    """
    if _is_indexed(db, message):
        db.execute(_TAKE_OUT, (folded(text), message))


@singledispatch
def take_out_all(db: apsw.Connection, messages: str) -> None:
    """Take messages out of the index, before their rows change; in `many`.

    FTS5 writes what it has in memory at each statement, so it is one.

    Args:
        db: The writer's connection.
        messages: The ids of their rows, as a JSON list.
    """
    db.execute(
        _TAKE_ALL_OUT + "id IN (SELECT j.value FROM json_each(?) j)",  # noqa: S608 - ours
        (messages,),
    )


def put_in(db: apsw.Connection, message: int, text: str) -> None:
    """Put a message into the index again, with another text or author."""
    if _is_indexed(db, message):
        db.execute(_PUT_IN, (folded(text), message))


@singledispatch
def replace(db: apsw.Connection, message: int, old: str, new: str | None) -> None:
    """Take a message's old text out of the index, and put the new one in."""
    take_out(db, message, old)
    if new is not None:
        put_in(db, message, new)


def _is_indexed(db: apsw.Connection, message: int) -> bool:
    (indexed,) = select(db, "SELECT indexed FROM store")[0]
    return bool(message <= indexed)


@singledispatch
def remove(db: apsw.Connection, room: int, below: int) -> None:
    """Take all messages of a room below a seq out of the index, before they go.

    For the block of `many`.
    """
    db.execute(_TAKE_ALL_OUT + "room_id = ? AND seq < ?", (room, below))


@singledispatch
@contextmanager
def many(db: apsw.Connection) -> Iterator[None]:
    """Take messages out in the block by marking them; `begin_merging` has to follow."""
    # What waits in memory would be written as it is configured then.
    db.execute(_COMMAND, ("flush",))
    db.execute(_CONFIGURE, ("secure-delete", 0))
    yield
    db.execute(_COMMAND, ("flush",))
    db.execute(_CONFIGURE, ("secure-delete", 1))


@singledispatch
def merge_later(db: apsw.Connection, due: Millis) -> None:
    """Have what was marked leave the pages by a time, with whatever goes until then."""
    db.execute("UPDATE store SET merge_due = ? WHERE merge_due IS NULL", (due,))


def begin_merging_if_due(db: apsw.Connection, now: Millis) -> None:
    """Begin to merge all of the index if that is due; `merge` goes on with it."""
    (due,) = select(db, "SELECT merge_due FROM store")[0]
    if due is not None and now >= due:
        # What goes from here on is for the next time.
        db.execute("UPDATE store SET merge_due = NULL")
        begin_merging(db)


@singledispatch
def begin_merging(db: apsw.Connection) -> None:
    """Begin to merge all of the index, so that what was marked is in no page of it."""
    db.execute(_CONFIGURE, ("merge", -MERGE_PAGES))


@singledispatch
def merge(db: apsw.Connection) -> bool:
    """Merge some pages: of what was begun, or else of what was written lately.

    Returns:
        Whether there was something to do.
    """
    before = db.total_changes()
    db.execute(_CONFIGURE, ("merge", MERGE_PAGES))
    # One row is the command's own. Source: the documentation of FTS5.
    return db.total_changes() - before > 1
