"""The search index: behind the commits, exact up to `store.indexed`.

Filling it inside the commit would cost as much as the message, so a later step
takes what is new. `message_fts` has exactly the current texts of the messages
with `id <= store.indexed` that are not deleted: `fill` moves the line on, and
`replace` keeps the rest true when a text is edited or deleted, in the same
transaction, because a removed word must not be found after the `ok`. FTS5
removes an entry only if it is told the very text that was indexed.
"""

from __future__ import annotations

import apsw

from chatd.store.sqlite.sql import select


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
        db.execute(
            "INSERT INTO message_fts (rowid, text) SELECT id, text FROM message"
            " WHERE id > ? AND id <= ? AND text IS NOT NULL",
            (indexed, last),
        )
        db.execute("UPDATE store SET indexed = ?", (last,))
    return bool(count == limit)


def replace(db: apsw.Connection, message: int, old: str, new: str | None) -> None:
    """Take a message's old text out of the index, and put the new one in."""
    (indexed,) = select(db, "SELECT indexed FROM store")[0]
    if message > indexed:
        return
    db.execute(
        "INSERT INTO message_fts (message_fts, rowid, text) VALUES ('delete', ?, ?)",
        (message, old),
    )
    if new is not None:
        db.execute(
            "INSERT INTO message_fts (rowid, text) VALUES (?, ?)", (message, new)
        )


def remove(db: apsw.Connection, room: int, below: int) -> None:
    """Take all messages of a room below a seq out of the index, before they go."""
    db.execute(
        "INSERT INTO message_fts (message_fts, rowid, text)"
        " SELECT 'delete', id, text FROM message WHERE room_id = ? AND seq < ?"
        " AND text IS NOT NULL AND id <= (SELECT indexed FROM store)",
        (room, below),
    )
