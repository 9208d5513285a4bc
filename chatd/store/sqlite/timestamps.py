"""Times in a room's timeline: where an event is that is not older than so much.

Every seq is one row, of a message or of an event, so a stamp is found by the key of
either.
"""

from __future__ import annotations

from functools import partial

import apsw

from chatd.store import stretches
from chatd.store.sqlite.sql import select
from chatd.store.stretches import Dent
from chatd.wire.events import Millis

_TS = """
SELECT ts FROM message WHERE room_id = ?1 AND seq = ?2
UNION ALL
SELECT ts FROM event WHERE room_id = ?1 AND seq = ?2"""
_DENTS = """
SELECT seq, is_sure FROM dent WHERE room_id = ? AND seq > ? AND seq < ?
ORDER BY seq"""


def bounds(
    db: apsw.Connection,
    room: int,
    low: int,
    high: int,
    after: Millis | None,
    before: Millis | None,
) -> tuple[int, int]:
    """Find where all events of a time are; see `chatd.store.stretches.bounds`."""
    first, head = select(db, "SELECT first, head FROM room WHERE id = ?", (room,))[0]
    low, high = max(low, first), min(high, head + 1)
    dents = _dents(db, room, low, high)
    return stretches.bounds(partial(_ts, db, room), dents, low, high, after, before)


def first_young(db: apsw.Connection, room: int, low: int, high: int, ts: Millis) -> int:
    """Find the first event to be kept; see `chatd.store.stretches.first_young`."""
    dents = _dents(db, room, low, high)
    return stretches.first_young(partial(_ts, db, room), dents, low, high, ts)


def _dents(db: apsw.Connection, room: int, low: int, high: int) -> list[Dent]:
    rows = select(db, _DENTS, (room, low, high))
    return [Dent(seq, bool(is_sure)) for seq, is_sure in rows]


def _ts(db: apsw.Connection, room: int, seq: int) -> Millis:
    return int(select(db, _TS, (room, seq))[0][0])
