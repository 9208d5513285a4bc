"""Trimming: a room's timeline loses its beginning, in steps that delay no commit.

A step is bounded by rows and text, and by time: it is made in parts of `PART_ROWS`,
one at least. Every seq is one row, of a message or of an event, so a part that moves
`first` by so many numbers removes just as many rows. What was said is gone with it:
the rows and the reactions, in one transaction; it is not found any more, and its words
leave the search index's pages within a day (`chatd.store.sqlite.search_index`). What is
kept may still point below `first`: a reply, an edit, a reaction. The cids stay, so that
a retry of what was trimmed is no new message.

How many messages a room has is nowhere kept, and counting them all takes too long
for one step. They are counted once, a part in each step, and from there on only
those that are new.
"""

from __future__ import annotations

from chatd.core.changes import RoomTrimmed
from chatd.core.drafts import Outcome, Trimmed, TrimRoom
from chatd.ids import Seq
from chatd.store import answers
from chatd.store.sqlite import (
    bookmarks,
    pins,
    reactions,
    search_index,
    thread_replies,
    timestamps,
)
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.sql import STEP_S, Deadline
from chatd.wire.events import DAY_MS, Millis

PART_ROWS = 64
"""Source: measured, 1 ms."""
MERGED_AFTER_MS = DAY_MS
"""How long words may stay in the pages of the search index. Merging these reads and
writes all of them, which is not to be done each hour."""
COUNT_ROWS = 20_000
"""Messages counted in one step. Source: measured, 0.5 ms, 10 from a disk."""

# Where a step has to end; there is nothing below it but what it removes.
_TOO_MUCH_TEXT = """
SELECT seq FROM (
  SELECT seq, sum(octet_length(text)) OVER (ORDER BY seq) AS bytes FROM message
  WHERE room_id = ? AND seq < ?) AS found
WHERE bytes > ? ORDER BY seq LIMIT 1"""
_TOO_MANY_REACTIONS = """
SELECT of FROM reaction WHERE room_id = ? AND of < ? ORDER BY of LIMIT 1 OFFSET ?"""

_TOO_MANY_BOOKMARKS = """
SELECT of FROM bookmark WHERE room_id = ? AND of < ? ORDER BY of LIMIT 1 OFFSET ?"""
_TOO_MANY_FOLLOWERS = """
SELECT root FROM thread_follower WHERE room_id = ? AND root < ?
ORDER BY root LIMIT 1 OFFSET ?"""


def trim_room(ledger: Ledger, draft: TrimRoom, _now: Millis) -> Outcome:
    """Move `first` on by one step, and remove all that is below it."""
    room = ledger.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    (first,) = ledger.one("SELECT first FROM room WHERE id = ?", room.id)
    end = min(first + draft.rows, room.head + 1)
    goal, more = first, False
    if draft.before_ts is not None:
        goal = timestamps.first_young(
            ledger.db, room.id, first, room.head + 1, draft.before_ts
        )
    if draft.keep_messages is not None:
        more = not _count(ledger, room, first)
        surplus = room.messages - draft.keep_messages
        if surplus >= 0:
            goal = max(
                goal, _message(ledger, room, first, min(surplus, draft.rows + 1))
            )
    if goal > first:
        bounds = draft.rows, draft.text_bytes
        first = forget(ledger, room, first, min(goal, end), *bounds)
    changes = (RoomTrimmed(room.name, Seq(first)),)
    return Trimmed(changes, more=more or first < goal)


def forget(
    ledger: Ledger, room: RoomCell, first: int, below: int, rows: int, text_bytes: int
) -> int:
    """Forget some of the first events that are kept, one at least.

    Args:
        ledger: The writer's.
        room: Whose.
        first: The seq of the first.
        below: What is not to be forgotten.
        rows: How many reactions may go together, how many bookmarks, and how many who
            follow threads.
        text_bytes: How much text may.

    Returns:
        The seq of the first event that is kept now.
    """
    deadline = Deadline.after(STEP_S)
    below = _fit(ledger, room, first, below, rows, text_bytes)
    with search_index.many(ledger.db):
        while first < below:
            first = min(first + PART_ROWS, below)
            _remove(ledger, room, first)
            if deadline.is_over():
                break
    search_index.merge_later(ledger.db, ledger.certain + MERGED_AFTER_MS)
    return first


def _count(ledger: Ledger, room: RoomCell, first: int) -> bool:
    """Count messages that are not counted yet.

    Returns:
        Whether all are counted now.
    """
    counted = max(room.counted, first - 1)
    room.counted = min(room.head, counted + COUNT_ROWS)
    room.messages += ledger.one(
        "SELECT count(*) FROM message WHERE room_id = ? AND seq > ? AND seq <= ?",
        room.id,
        counted,
        room.counted,
    )[0]
    return room.counted == room.head


def _message(ledger: Ledger, room: RoomCell, first: int, number: int) -> int:
    """The seq of the oldest message, or of one after it."""
    (seq,) = ledger.one(
        "SELECT seq FROM message WHERE room_id = ? AND seq >= ? ORDER BY seq"
        " LIMIT 1 OFFSET ?",
        room.id,
        first,
        number,
    )
    return int(seq)


def _fit(
    ledger: Ledger,
    room: RoomCell,
    first: int,
    below: int,
    rows: int,
    text_bytes: int,
) -> int:
    """End the step earlier where its text, or what was put on it, is too much."""
    for sql, most in (
        (_TOO_MUCH_TEXT, text_bytes),
        (_TOO_MANY_REACTIONS, rows),
        (_TOO_MANY_BOOKMARKS, rows),
        (_TOO_MANY_FOLLOWERS, rows),
    ):
        row = ledger.one(sql, room.id, below, most)
        if row is not None:
            below = max(row[0], first + 1)
    return below


def _remove(ledger: Ledger, room: RoomCell, below: int) -> None:
    """Remove what is below a seq, and let the timeline begin there."""
    db, where = ledger.db, (room.id, below)
    search_index.remove(db, *where)
    db.execute("DELETE FROM message WHERE room_id = ? AND seq < ?", where)
    if room.counted < below:
        room.counted, room.messages = below - 1, 0
    else:
        room.messages -= db.changes()
    db.execute("DELETE FROM event WHERE room_id = ? AND seq < ?", where)
    db.execute("DELETE FROM mention WHERE room_id = ? AND of < ?", where)
    db.execute("DELETE FROM dent WHERE room_id = ? AND seq <= ?", where)
    reactions.trim(db, *where)
    pins.trim(db, *where)
    bookmarks.trim(db, *where)
    thread_replies.trim(db, *where)
    db.execute(
        "UPDATE room SET first = ?, spoken = spoken AND EXISTS"
        " (SELECT 1 FROM message m WHERE m.room_id = room.id) WHERE id = ?",
        (below, room.id),
    )
