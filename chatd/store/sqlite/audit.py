"""The audit on disk: written with what it tells of, read by the operator alone.

Entries name users and rooms by their numbers, so that one who was erased is as
nameless here as elsewhere, and a room is found by each of its names. It is found by
what it was called then as well: of a room whose row has gone that is all that is left,
and a name may be another room's by now.
"""

from __future__ import annotations

from typing import Any

import apsw
import orjson

from chatd.core.audit import Entry
from chatd.core.drafts import Committed, Outcome, RecordAct
from chatd.enums import Audited, LogLevel
from chatd.ids import RoomName, UserName
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.sql import room_called, select
from chatd.wire.events import DAY_MS, Millis
from chatd.wire.operator import AuditShown

KEEP_MS = 365 * DAY_MS
"""How long an entry is kept. Source: protocol section 7."""

_ADD = """
INSERT INTO audit (ts, by_id, what, user_id, room_id, room, detail)
VALUES (?, ?, ?, (SELECT id FROM user WHERE name = ?), ?, ?, ?)"""
_KEPT = """
SELECT a.id, a.ts, b.name, a.what, a.room, u.name, a.detail
FROM audit a CROSS JOIN user b ON b.id = a.by_id LEFT JOIN user u ON u.id = a.user_id
WHERE """
_USER = "(SELECT id FROM user WHERE name = ?)"
_PLACES = (f"a.room_id = {room_called('?')}", "a.room = ?")
"""Where it was: in the room that has or had a name, or in one that was called so."""


def record(ledger: Ledger, entry: Entry | None, now: Millis) -> None:
    """Keep an entry, in the transaction of what it tells of."""
    if entry is None:
        return
    room, user = entry.room, entry.user  # who may just have been erased
    detail = dict(entry.detail)
    ledger.db.execute(
        _ADD,
        (
            now,
            ledger.user(entry.by),
            entry.what,
            user,
            None if room is None else ledger.room_ever(room),
            room,
            orjson.dumps(detail).decode() if detail else None,
        ),
    )


def record_act(_ledger: Ledger, _draft: RecordAct, _now: Millis) -> Outcome:
    """Change nothing: all of it is the entry."""
    return Committed()


def prune(db: apsw.Connection, now: Millis, rows: int) -> bool:
    """Forget some of what is too old; whether there may be more."""
    db.execute(
        "DELETE FROM audit WHERE ts < ? AND id IN"
        " (SELECT id FROM audit ORDER BY id LIMIT ?)",
        (now - KEEP_MS, rows),
    )
    return db.changes() == rows


def page(
    db: apsw.Connection,
    wanted: tuple[UserName | None, UserName | None, RoomName | None],
    since: Millis | None,
    after: int | None,
    limit: int,
) -> tuple[list[AuditShown], bool]:
    """Read a page, the newest first.

    Args:
        db: The connection.
        wanted: To whom, by whom and where; each may be None for any.
        since: Nothing older: what comes behind one that is, is older as well.
        after: The number of the last one of the page before.
        limit: At most so many.
    """
    *people, room = wanted
    conditions = ["a.id > 0" if after is None else "a.id < ?"]
    values: list[Any] = [] if after is None else [after]
    for condition, value in zip(
        (f"a.user_id = {_USER}", f"a.by_id = {_USER}"), people, strict=True
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    found: dict[int, AuditShown] = {}
    for place in ("",) if room is None else _PLACES:
        both = " AND ".join([*conditions, place] if place else conditions)
        sql = f"{_KEPT}{both} ORDER BY a.id DESC LIMIT ?"
        where = [room] * place.count("?")
        for row in select(db, sql, (*values, *where, limit + 1)):
            found[row[0]] = _shown(*row)
    rows = [found[number] for number in sorted(found, reverse=True)]
    more = len(rows) > limit
    shown = rows[:limit]
    if since is not None:
        young = [entry for entry in shown if entry.ts >= since]
        more = more and len(young) == len(shown)
        shown = young
    return shown, more


def _shown(
    number: Any, ts: Any, by: Any, what: Any, room: Any, user: Any, said: Any
) -> AuditShown:
    detail = orjson.loads(said) if said else {}
    if "level" in detail:
        detail["level"] = LogLevel(detail["level"])
    return AuditShown(number, ts, by, Audited(what), room, user, **detail)
