"""What people keep for themselves: set by one draft, and read page by page.

A bookmark goes with its message, in the transaction that takes away what was put on it,
and by a trigger with its user's membership.
"""

from __future__ import annotations

import apsw

from chatd.core.changes import BookmarkSet
from chatd.core.drafts import (
    BOOKMARKS_MAX,
    Committed,
    Duplicate,
    Outcome,
    Refused,
    SetBookmark,
)
from chatd.ids import Seq, UserName
from chatd.store import answers
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis
from chatd.wire.kinds import BookmarkNumber
from chatd.wire.replies import MessageKept

_PAGE = """
SELECT b.id, r.name, m.seq, m.ts, a.name, m.text, m.edited_seq IS NOT NULL, m.reply_to
FROM user u CROSS JOIN bookmark b ON b.user_id = u.id
CROSS JOIN room r ON r.id = b.room_id
CROSS JOIN message m ON m.room_id = b.room_id AND m.seq = b.of
CROSS JOIN user a ON a.id = m.user_id
WHERE u.name = ? AND b.id < ? AND r.ended IS NULL AND m.text IS NOT NULL
AND NOT (m.hidden AND a.id <> u.id)
ORDER BY b.id DESC LIMIT ?"""


def set_bookmark(ledger: Ledger, draft: SetBookmark, _now: Millis) -> Outcome:
    """Bookmark a message, or no longer."""
    found = ledger.locate(draft.room, draft.user)
    if isinstance(found, Refused):
        return found
    room, user = found
    key = room.id, draft.of, user
    known = ledger.one(
        "SELECT 1 FROM bookmark WHERE room_id = ? AND of = ? AND user_id = ?", *key
    )
    if draft.on is (known is not None):
        return Duplicate()
    if not draft.on:
        ledger.db.execute(
            "DELETE FROM bookmark WHERE room_id = ? AND of = ? AND user_id = ?", key
        )
    elif (refused := _refused(ledger, *key)) is not None:
        return refused
    else:
        ledger.db.execute(
            "INSERT INTO bookmark (room_id, of, user_id) VALUES (?, ?, ?)", key
        )
    return Committed((BookmarkSet(draft.user, room.name, draft.of, draft.on),))


def _refused(ledger: Ledger, room: int, of: Seq, user: int) -> Refused | None:
    """Why a user may not bookmark a message, if he may not."""
    message = "SELECT 1 FROM message WHERE room_id = ? AND seq = ? AND text IS NOT NULL"
    member = "SELECT 1 FROM member WHERE room_id = ? AND user_id = ?"
    if ledger.one(message, room, of) is None or ledger.one(member, room, user) is None:
        return answers.NO_MESSAGE
    count = "SELECT count(*) FROM bookmark WHERE user_id = ?"
    if ledger.one(count, user)[0] >= BOOKMARKS_MAX:
        return answers.TOO_MANY_BOOKMARKS
    return None


def remove_all(db: apsw.Connection, room: int, of: Seq) -> int:
    """Take a message out of all lists; says of how many."""
    db.execute("DELETE FROM bookmark WHERE room_id = ? AND of = ?", (room, of))
    return db.changes()


def trim(db: apsw.Connection, room: int, below: int) -> None:
    """Take all messages below a seq out of all lists."""
    db.execute("DELETE FROM bookmark WHERE room_id = ? AND of < ?", (room, below))


def page(
    db: apsw.Connection, user: UserName, after: BookmarkNumber | None, limit: int
) -> tuple[list[tuple[BookmarkNumber, MessageKept]], bool]:
    """Read a page of what a user has bookmarked, the last one first."""
    below = 2**63 - 1 if after is None else after
    rows = select(db, _PAGE, (user, below, limit + 1))
    read = [
        (
            BookmarkNumber(number),
            MessageKept(room, seq, ts, sender, text, bool(is_edited), reply_to),
        )
        for number, room, seq, ts, sender, text, is_edited, reply_to in rows[:limit]
    ]
    return read, len(rows) > limit
