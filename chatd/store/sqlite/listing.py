"""Pages of rooms by their names, from indexes that have nothing else."""

from __future__ import annotations

from typing import Any

import apsw

from chatd.core.rows import PublicRoom
from chatd.core.settings import RoomSettings
from chatd.ids import RoomName
from chatd.store.sqlite.rooms import load_settings
from chatd.store.sqlite.sql import select, snapshot

_PUBLIC = ("", "@"), ("A", "~"), ("\x7f", "\U0010ffff")
"""Between what names those of public rooms lie, in their order."""

_ROOMS = """
SELECT name, members, settings FROM room
WHERE ended IS NULL AND name > ? AND name < ? ORDER BY name LIMIT ?"""
_TRIMMING = """
SELECT name, settings FROM room
WHERE ended IS NULL
AND (settings ->> 'keep_days' > 0 OR settings ->> 'keep_messages' > 0)
AND name > ? ORDER BY name LIMIT ?"""
_LEFT = """
SELECT name FROM room r
WHERE members = 0 AND ended IS NULL AND NOT spoken AND maker_id IS NOT NULL
AND substr(name, 1, 1) NOT IN ('@', '~') AND name > ''
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.room_id = r.id)"""
_LEFT_PRIVATE = """
SELECT name FROM room
WHERE members = 0 AND ended IS NULL AND substr(name, 1, 1) = '~' AND name > ''"""


def public_rooms(
    db: apsw.Connection, after: RoomName | None, limit: int
) -> tuple[list[PublicRoom], bool]:
    """Read a page of the public rooms; the others are passed over at once."""
    rows: list[tuple[Any, ...]] = []
    with snapshot(db):
        for begin, end in _PUBLIC:
            bounds = max(begin, after or ""), end, limit + 1 - len(rows)
            rows += select(db, _ROOMS, bounds)
    page = [
        PublicRoom(name, members, load_settings(settings))
        for name, members, settings in rows[:limit]
    ]
    return page, len(rows) > limit


def trimming(
    db: apsw.Connection, after: RoomName | None, limit: int
) -> list[tuple[RoomName, RoomSettings]]:
    """Read a page of the rooms that forget their beginning."""
    rows = select(db, _TRIMMING, (after or "", limit))
    return [(name, load_settings(settings)) for name, settings in rows]


def needless(db: apsw.Connection) -> list[RoomName]:
    """Rooms that nobody is in and nobody can want, by name."""
    rows = [*select(db, _LEFT), *select(db, _LEFT_PRIVATE)]
    return sorted(name for (name,) in rows)
