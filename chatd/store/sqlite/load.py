"""What the core needs of the database at the start, read once.

It costs what it returns and what it removes, however much there is: a start is as fast
after years as on the first day.
"""

from __future__ import annotations

import apsw

from chatd.core.entities import INVITE_MS
from chatd.core.rows import UserRecord
from chatd.ids import UserName
from chatd.ports import SessionRow, Snapshot
from chatd.store.sqlite import addresses, listing, resident
from chatd.store.sqlite.people import GUESTS_PLACES
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Millis

# By their user: what is idle so long that a guest's would end are most sessions.
_GUESTS_SESSIONS = "user_id IN (SELECT user_id FROM guest)"
_GUESTS_GONE = """
SELECT user_id FROM guest WHERE user_id NOT IN (SELECT user_id FROM session)"""
_SESSIONS = """
SELECT s.id, u.name, s.token, s.idle_since, s.expires, s.scope FROM guest
CROSS JOIN user u ON u.id = guest.user_id JOIN session s ON s.user_id = u.id
WHERE u.erased IS NULL"""


def known(db: apsw.Connection, now: Millis) -> Millis | None:
    """Read what was certain about the time when it was written down last.

    A store of before this was done has its newest event instead, unless that comes
    from the future.
    """
    ((recorded,),) = select(db, "SELECT certain FROM store")
    if recorded is None:
        ((newest,),) = select(db, "SELECT max(last_ts) FROM room")
        return min(newest, now) if newest else None
    certain: Millis = recorded
    return certain


def load(
    db: apsw.Connection,
    now: Millis,
    certain: Millis,
    session_ms: Millis,
    guest_ms: Millis,
    guest_ban_ms: Millis,
    *,
    serves: bool,
) -> Snapshot:
    """Void what was idle too long or has lapsed, then read what the core needs.

    Args:
        db: The writer's connection.
        now: The time.
        certain: What is certain about it.
        session_ms: How long an idle session of an account lasts.
        guest_ms: How long a guest's lasts.
        guest_ban_ms: How long a ban of a guest holds for the address.
        serves: Whether a daemon starts: who was here when the last one ended, and every
            guest, is then idle from `certain` on. A command changes none of that, or
            guests would last longer by it.
    """
    with transaction(db):
        db.execute(
            "DELETE FROM session WHERE idle_since <= ?"
            " AND user_id NOT IN (SELECT user_id FROM guest)",
            (now - session_ms,),
        )
        db.execute(
            f"DELETE FROM session WHERE {_GUESTS_SESSIONS} AND +idle_since <= ?",  # noqa: S608 - ours
            (now - guest_ms,),
        )
        for table in (*GUESTS_PLACES, "guest"):
            db.execute(f"DELETE FROM {table} WHERE user_id IN ({_GUESTS_GONE})")  # noqa: S608 - three words
        forget_lapsed(db, now)
        if serves:
            _note_gone(db, certain)
        addresses.prune(db, now, guest_ban_ms)
        ((address_key, place),) = select(db, "SELECT id, place FROM store")
        return Snapshot(
            _guests(db),
            [SessionRow(*row) for row in sorted(select(db, _SESSIONS))],
            listing.needless(db),
            resident.barred_from(db, addresses.SERVER),
            address_key,
            place,
        )


def forget_lapsed(db: apsw.Connection, now: Millis) -> None:
    """Remove what time has ended in rooms, in the caller's transaction."""
    db.execute("DELETE FROM sanction WHERE until <= ?", (now,))
    db.execute(
        "DELETE FROM invite WHERE closed_until IS NULL AND ts <= ?", (now - INVITE_MS,)
    )
    db.execute("DELETE FROM invite WHERE closed_until <= ?", (now,))


def _note_gone(db: apsw.Connection, certain: Millis) -> None:
    """Count all who were here, and all guests, as gone from a moment on."""
    for which in ("idle_since IS NULL", _GUESTS_SESSIONS):
        db.execute(f"UPDATE session SET idle_since = ? WHERE {which}", (certain,))  # noqa: S608 - ours
    db.execute(
        "UPDATE guest_address SET gone = ? WHERE gone IS NULL"
        " AND user_id NOT IN (SELECT user_id FROM session)",
        (certain,),
    )


def _guests(db: apsw.Connection) -> list[UserRecord]:
    guests = select(db, "SELECT user_id FROM guest")
    found = [resident.record(db, number) for (number,) in guests]
    return sorted((one for one in found if one is not None), key=_name)


def _name(record: UserRecord) -> UserName:
    return record.user.user
