"""Rooms that end: destroyed by their owners, or left by everybody.

From the commit on the room is not found any more; its row stays, which keeps the name,
and by which a retry still finds its cid. Everything else of it is removed between
commits, in steps as small as those of trimming (`purge`), also after a restart. The row
of a private room goes as well, when its cids have: its name is never drawn again. So
does that of a room whose maker has made another one of its name.
"""

from __future__ import annotations

from chatd.core.changes import RoomEnded
from chatd.core.drafts import (
    TRIM_ROWS,
    TRIM_TEXT_BYTES,
    Committed,
    DestroyRoom,
    DropRoom,
    Duplicate,
    Outcome,
)
from chatd.ids import is_private
from chatd.store import answers
from chatd.store.sqlite import trim
from chatd.store.sqlite.ledger import GUEST, Ledger, RoomCell
from chatd.store.sqlite.timeline import add_event, durable
from chatd.wire.events import Destroy, Millis

PLACES_ROWS = 256
"""Memberships and the like in one step: no words leave the search index with them."""
_PLACES = ("member", "sanction", "invite", "address_ban")


def destroy_room(ledger: Ledger, draft: DestroyRoom, now: Millis) -> Outcome:
    """End a room, with its last event."""
    return durable(ledger, draft, lambda r, u: _destroy(ledger, draft, r, u, now))


def _destroy(
    ledger: Ledger, draft: DestroyRoom, room: RoomCell, user: int, now: Millis
) -> Outcome:
    seq, ts = add_event(ledger, room, user, now, kind="room", change="destroy")
    ledger.db.execute("UPDATE room SET maker_id = NULL WHERE id = ?", (room.id,))
    _end(ledger, room)
    event = Destroy(room.name, seq, ts, draft.user)
    return Committed((RoomEnded(room.name, event),))


def drop_room(ledger: Ledger, draft: DropRoom, _now: Millis) -> Outcome:
    """End a room without members; a public one only if it has no messages."""
    room = ledger.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if _has_member(ledger, room) or (
        not is_private(room.name) and _has_message(ledger, room)
    ):
        return Duplicate()
    _end(ledger, room)
    return Committed((RoomEnded(room.name),))


def _has_member(ledger: Ledger, room: RoomCell) -> bool:
    """Whether a room has members, not counting guests whose sessions have ended.

    Such a guest has joined while the session ended; the row goes with the next start.
    """
    row = ledger.one(
        "SELECT 1 FROM member m JOIN user u ON u.id = m.user_id WHERE m.room_id = ?"
        " AND (u.role <> ? OR EXISTS (SELECT 1 FROM session s WHERE s.user_id = u.id))"
        " LIMIT 1",
        room.id,
        GUEST,
    )
    return row is not None


def _has_message(ledger: Ledger, room: RoomCell) -> bool:
    """Whether there is a message, be it deleted."""
    sql = "SELECT 1 FROM message WHERE room_id = ? LIMIT 1"
    return ledger.one(sql, room.id) is not None


def _end(ledger: Ledger, room: RoomCell) -> None:
    db, at = ledger.db, ledger.certain
    db.execute("UPDATE room SET ended = ? WHERE id = ?", (at, room.id))
    db.execute("INSERT INTO purge (room_id, due) VALUES (?, ?)", (room.id, at))
    ledger.forget_room(room.name)


# --- behind the commits ----------------------------------------------------------


def purge(ledger: Ledger, now: Millis, keep_ms: Millis) -> bool:
    """Remove a little of what rooms that have ended still have.

    Args:
        ledger: The writer's.
        now: A time that has at least been reached.
        keep_ms: How long cids are remembered.

    Returns:
        Whether there may be more to remove now.
    """
    row = ledger.one(
        "SELECT r.id, r.name, r.epoch, r.head, r.last_ts, r.first FROM purge p"
        " JOIN room r ON r.id = p.room_id WHERE p.due <= ? ORDER BY p.due LIMIT 1",
        now,
    )
    if row is None:
        return False
    *cell, first = row
    room = RoomCell(*cell)
    if first <= room.head:
        below = min(first + TRIM_ROWS, room.head + 1)
        trim.forget(ledger, room, first, below, TRIM_ROWS, TRIM_TEXT_BYTES)
    elif not any(_remove_some(ledger, table, room.id) for table in _PLACES):
        _finish(ledger, room, now, keep_ms)
    return True


def _remove_some(ledger: Ledger, table: str, room: int) -> bool:
    """Remove some rows of a table that belong to a room; whether there were any."""
    ledger.db.execute(
        f"DELETE FROM {table} WHERE room_id = ?1 AND user_id IN"  # noqa: S608 - a word
        f" (SELECT user_id FROM {table} WHERE room_id = ?1 LIMIT ?2)",
        (room, PLACES_ROWS),
    )
    return ledger.db.changes() > 0


def _finish(ledger: Ledger, ended: RoomCell, now: Millis, keep_ms: Millis) -> None:
    """Let go of a room of which nothing is left but its row."""
    db, room = ledger.db, ended.id
    if ended.name[0] not in "~!" or _has_name(ledger, ended):
        db.execute("DELETE FROM purge WHERE room_id = ?", (room,))
        # What it keeps is small, whatever its settings were.
        db.execute("UPDATE room SET settings = '{}' WHERE id = ?", (room,))
        return
    (since,) = ledger.one("SELECT ended FROM room WHERE id = ?", room)
    if now < since + keep_ms:
        db.execute(
            "UPDATE purge SET due = ? WHERE room_id = ?", (since + keep_ms, room)
        )
    elif not (_remove_cids(ledger, room) or _leave_audit(ledger, room)):
        db.execute("DELETE FROM creation WHERE room_id = ?", (room,))
        db.execute("DELETE FROM purge WHERE room_id = ?", (room,))
        db.execute("UPDATE invitation SET room_id = NULL WHERE room_id = ?", (room,))
        db.execute("DELETE FROM room WHERE id = ?", (room,))


def _has_name(ledger: Ledger, ended: RoomCell) -> bool:
    """Whether a name that a room had before leads to its row."""
    sql = "SELECT 1 FROM former_name WHERE room_id = ? LIMIT 1"
    return ledger.one(sql, ended.id) is not None


def _remove_cids(ledger: Ledger, room: int) -> bool:
    """Remove some cids of a room, which another may have the number of."""
    ledger.db.execute(
        "DELETE FROM cid WHERE id IN (SELECT id FROM cid WHERE room_id = ? LIMIT ?)",
        (room, PLACES_ROWS),
    )
    return ledger.db.changes() > 0


def _leave_audit(ledger: Ledger, room: int) -> bool:
    """Keep some of what was done in a room by its name alone; whether there was any."""
    ledger.db.execute(
        "UPDATE audit SET room_id = NULL"
        " WHERE id IN (SELECT id FROM audit WHERE room_id = ? LIMIT ?)",
        (room, PLACES_ROWS),
    )
    return ledger.db.changes() > 0
