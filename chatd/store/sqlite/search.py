"""The search index: behind the commits, exact up to `store.indexed`.

Filling it inside the commit would cost as much as the message, so a later step
takes what is new. `message_fts` has exactly the current texts of the messages
with `id <= store.indexed` that are not deleted: `fill` moves the line on, and
`replace` keeps the rest true when a text is edited or deleted, in the same
transaction, because a removed word must not be found after the `ok`. FTS5
removes an entry only if it is told the very text that was indexed.

What is indexed is the text with spaces around what is written without them
(`chatd.store.matching.spaced`), since FTS5 would take a Chinese sentence for one
word. ASCII never has to leave SQLite for that.
"""

from __future__ import annotations

from typing import Any

import apsw
import orjson

from chatd.store.matching import spaced
from chatd.store.sqlite.sql import change_rows, select

TOKENIZER = ("unicode61", "remove_diacritics", "2")
"""As the index has it."""

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
_PUT_MANY_IN = "INSERT INTO message_fts (rowid, text, tags) VALUES $ROWS"


def register(db: apsw.Connection) -> None:
    """Teach a connection the function that the view of what is indexed uses."""
    function: Any = spaced
    db.create_scalar_function(
        "spaced",
        function,
        1,
        deterministic=True,
        flags=apsw.SQLITE_INNOCUOUS,
    )


def fill(db: apsw.Connection, limit: int) -> bool:
    """Index at most `limit` messages more.

    Returns:
        Whether there may be more to do.
    """
    (indexed,) = select(db, "SELECT indexed FROM store")[0]
    count, last = select(
        db,
        "SELECT count(*), max(id) FROM"
        " (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?)",
        (indexed, limit),
    )[0]
    if count:
        db.execute(_FILL_ASCII, (indexed, last))
        if db.changes() < count:
            # One row, since each row that Python is given may have to wait for it.
            ((others,),) = select(db, _FIND_OTHERS, (indexed, last))
            rows = [(n, spaced(text), tags) for n, text, tags in orjson.loads(others)]
            change_rows(db, _PUT_MANY_IN, rows)
        db.execute("UPDATE store SET indexed = ?", (last,))
    return bool(count == limit)


def take_out(db: apsw.Connection, message: int, text: str) -> None:
    """Take a message out of the index, before its row changes.

    Args:
        db: The writer's connection.
        message: The id of its row.
        text: What is in the row.
    """
    if _is_indexed(db, message):
        db.execute(_TAKE_OUT, (spaced(text), message))


def put_in(db: apsw.Connection, message: int, text: str) -> None:
    """Put a message into the index again, with another text or author."""
    if _is_indexed(db, message):
        db.execute(_PUT_IN, (spaced(text), message))


def replace(db: apsw.Connection, message: int, old: str, new: str | None) -> None:
    """Take a message's old text out of the index, and put the new one in."""
    take_out(db, message, old)
    if new is not None:
        put_in(db, message, new)


def _is_indexed(db: apsw.Connection, message: int) -> bool:
    (indexed,) = select(db, "SELECT indexed FROM store")[0]
    return bool(message <= indexed)


def remove(db: apsw.Connection, room: int, below: int) -> None:
    """Take all messages of a room below a seq out of the index, before they go."""
    db.execute(
        "INSERT INTO message_fts (message_fts, rowid, text, tags)"
        " SELECT 'delete', id, spaced(text), 'r' || room_id || ' u' || user_id"
        " FROM message WHERE room_id = ? AND seq < ?"
        " AND text IS NOT NULL AND id <= (SELECT indexed FROM store)",
        (room, below),
    )
