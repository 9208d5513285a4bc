"""Rooms that get another name.

The names that a room had before are kept for ever (`former_name`): each leads to its
room, and no other room gets it. Whatever is of the room is by its number, so nothing
else changes.
"""

from __future__ import annotations

import orjson

from chatd.core.changes import Appended, RoomRenamed
from chatd.core.drafts import Committed, Duplicate, Outcome, RenameRoom
from chatd.store import answers
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.timeline import add_event, durable
from chatd.wire.events import Millis, Rename


def rename_room(ledger: Ledger, draft: RenameRoom, now: Millis) -> Outcome:
    """Give a room another name."""
    return durable(ledger, draft, lambda r, u: _rename(ledger, draft, r, u, now))


def _rename(
    ledger: Ledger, draft: RenameRoom, room: RoomCell, user: int, now: Millis
) -> Outcome:
    before, skeleton = ledger.one(
        "SELECT name, skeleton FROM room WHERE id = ?", room.id
    )
    if before == draft.name:
        return Duplicate(room.head, room.last_ts)
    other = ledger.room_ever(draft.name)
    if other not in (None, room.id):
        is_there = ledger.room(draft.name) is not None
        return answers.ROOM_EXISTS if is_there else answers.ROOM_NAME_TAKEN
    if draft.distinct and ledger.room_looks_taken(draft.skeleton, room.id):
        return answers.NAME_LOOKS_TAKEN
    said = {"name": draft.name, "was": [before]}
    seq, ts = add_event(
        ledger,
        room,
        user,
        now,
        kind="room",
        change="rename",
        detail=orjson.dumps(said).decode(),
    )
    db = ledger.db
    db.execute("DELETE FROM former_name WHERE name = ?", (draft.name,))
    db.execute(
        "INSERT INTO former_name (name, skeleton, room_id, seq) VALUES (?, ?, ?, ?)",
        (before, skeleton, room.id, seq),
    )
    db.execute(
        "UPDATE room SET name = ?, skeleton = ? WHERE id = ?",
        (draft.name, draft.skeleton, room.id),
    )
    ledger.move_room(before, draft.name)
    event = Rename(draft.name, seq, ts, draft.user, draft.name, was=[before])
    return Committed((RoomRenamed(before, draft.name), Appended(event)))
