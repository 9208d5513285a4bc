"""Rooms of any length, made in the store while no daemon runs."""

from __future__ import annotations

import time
from pathlib import Path

import apsw

from chatd.store.sqlite import files, migrate
from chatd.store.sqlite.sql import transaction

STEP_MS = 60_000
"""Between two messages: a day has 1,440."""


def fill(data: Path, room: str, count: int, who: str = "bob") -> int:
    """Say `number 1` to `number COUNT` in a room; returns the `seq` of the first.

    Args:
        data: Of a daemon that does not run.
        room: One that is there.
        count: How many messages.
        who: Who has said them.
    """
    now = int(time.time() * 1000)
    db = apsw.Connection(str(data / files.DATABASE))
    migrate.configure(db)
    try:
        with transaction(db):
            ((room_id, head),) = db.execute(
                "SELECT id, head FROM room WHERE name = ?", (room,)
            )
            ((user_id,),) = db.execute("SELECT id FROM user WHERE name = ?", (who,))
            db.executemany(
                "INSERT INTO message (room_id, seq, ts, user_id, cid, text)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(room_id, head + n, now - STEP_MS * (count + 1 - n)),
                        *(user_id, f"filled{head + n}", f"number {n}"),
                    )
                    for n in range(1, count + 1)
                ),
            )
            db.execute(
                "UPDATE room SET head = head + ?, last_ts = ?, spoken = 1 WHERE id = ?",
                (count, now, room_id),
            )
            db.execute(
                "UPDATE member SET read = ? WHERE room_id = ?", (head + count, room_id)
            )
    finally:
        db.close()
    return int(head) + 1
