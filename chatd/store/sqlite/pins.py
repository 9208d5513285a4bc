"""Which messages are pinned to their rooms, and for whom.

A row of `pin` is there while the message is pinned: one for everybody (`EVERYBODY`), or
in a direct conversation one for each of the two who sees it so.
"""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from chatd.ids import RoomName, Seq, UserName, is_direct
from chatd.store.sqlite.sql import select
from chatd.wire.replies import MessageShown

EVERYBODY = 0
"""Stands for a user's id where all members see the same pins."""

# Whether it is hidden is asked of each, so that a page has as many as it may.
PINNED = """
SELECT p.seq, m.seq, m.ts, u.name, m.text, m.edited_seq, m.cid, m.reply_to,
       m.thread, 0
FROM pin p CROSS JOIN message m ON m.room_id = p.room_id AND m.seq = p.of
CROSS JOIN user u ON u.id = m.user_id
WHERE p.user_id = ? AND p.room_id = ? AND p.seq < ? AND p.of >= ?
AND NOT (m.hidden AND u.name <> ?) ORDER BY p.seq DESC LIMIT ?"""
"""Pinned messages with the seq of their pin: what is put into it is the viewer, the
room, a pin's seq, the first message's, the viewer's name and how many."""


def put(
    db: apsw.Connection, room: int, of: Seq, viewers: Iterable[int], seq: Seq
) -> None:
    """Pin a message for some, whatever it was for them."""
    for viewer in viewers:
        remove(db, room, of, [viewer])
        db.execute(
            "INSERT INTO pin (user_id, room_id, seq, of) VALUES (?, ?, ?, ?)",
            (viewer, room, seq, of),
        )


def remove(db: apsw.Connection, room: int, of: Seq, viewers: Iterable[int]) -> None:
    """Unpin a message for some."""
    for viewer in viewers:
        db.execute(
            "DELETE FROM pin WHERE room_id = ? AND of = ? AND user_id = ?",
            (room, of, viewer),
        )


def remove_all(db: apsw.Connection, room: int, of: Seq) -> int:
    """Unpin a message for all; says for how many it was."""
    db.execute("DELETE FROM pin WHERE room_id = ? AND of = ?", (room, of))
    return db.changes()


def trim(db: apsw.Connection, room: int, below: int) -> None:
    """Unpin all messages below a seq."""
    db.execute("DELETE FROM pin WHERE room_id = ? AND of < ?", (room, below))


def viewer_in(db: apsw.Connection, room: RoomName, viewer: UserName) -> int:
    """Whose pins somebody sees in a room."""
    if not is_direct(room):
        return EVERYBODY
    rows = select(db, "SELECT id FROM user WHERE name = ?", (viewer,))
    return rows[0][0] if rows else -1


def fold(db: apsw.Connection, room: int, page: list[MessageShown], viewer: int) -> None:
    """Let each message of a page say whether it is pinned."""
    if not page:
        return
    shown = {message.seq: message for message in page if not message.hidden}
    for of, seq in select(
        db,
        "SELECT of, seq FROM pin WHERE room_id = ? AND of BETWEEN ? AND ?"
        " AND user_id = ?",
        (room, page[0].seq, page[-1].seq, viewer),
    ):
        if of in shown:
            shown[of].pinned = seq
