"""Addresses of guests: what is kept of them, and the bans that hold for them.

Only digests are kept (`chatd.core.barred`): a guest's as long as there is a session and
an hour longer; one from which guests are banned until that ban ends. What is too old is
removed with the next commit.
"""

from __future__ import annotations

import apsw

from chatd.core.barred import KNOWN_MS
from chatd.core.changes import AddressBan
from chatd.core.entities import Sanction
from chatd.ids import UserName
from chatd.store.sqlite.ledger import Ledger
from chatd.wire.events import Millis

SERVER = 0
"""In `address_ban`, instead of a room's id."""


def keep(ledger: Ledger, user: int, address: bytes) -> None:
    """Keep from where a guest comes now."""
    ledger.db.execute(
        "INSERT INTO guest_address (user_id, address) VALUES (?, ?)"
        " ON CONFLICT (user_id) DO UPDATE SET address = excluded.address, gone = NULL",
        (user, address),
    )


def note_gone(ledger: Ledger, user: int) -> None:
    """A guest has no session any more."""
    ledger.db.execute(
        "UPDATE guest_address SET gone = ? WHERE user_id = ?", (ledger.certain, user)
    )


def is_known(ledger: Ledger, user: int) -> bool:
    """Whether a guest has a session, or an address that is still kept."""
    sql = (
        "SELECT 1 FROM guest_address WHERE user_id = ?1"
        " UNION ALL SELECT 1 FROM session WHERE user_id = ?1"
    )
    return ledger.one(sql, user) is not None


def bar(
    ledger: Ledger, user: tuple[int, UserName], room: int, ban: Sanction, at: Millis
) -> AddressBan | None:
    """Have the ban of a guest hold for the guest's address, too, if that is known.

    Args:
        ledger: The writer's.
        user: The guest's row and name.
        room: The room of the ban; `SERVER` is all.
        ban: The guest's.
        at: When it was made.

    Returns:
        The ban of the address; None where that is not known.
    """
    row = ledger.one("SELECT address FROM guest_address WHERE user_id = ?", user[0])
    if row is None:
        return None
    ledger.db.execute(
        "INSERT INTO address_ban (user_id, room_id, address, at, until, reason)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (room_id, user_id) DO UPDATE SET"
        " address = excluded.address, at = excluded.at, until = excluded.until,"
        " reason = excluded.reason",
        (user[0], room, row[0], at, ban.until, ban.reason),
    )
    return AddressBan(user[1], row[0], at, ban.until, ban.reason)


def unbar(ledger: Ledger, user: int, room: int) -> None:
    """Lift the ban of a guest's address."""
    ledger.db.execute(
        "DELETE FROM address_ban WHERE user_id = ? AND room_id = ?", (user, room)
    )


def prune(db: apsw.Connection, now: Millis, kept_ms: Millis) -> None:
    """Forget what is not to be kept any longer.

    Args:
        db: The writer's connection.
        now: The moment.
        kept_ms: How long a ban holds for an address at the most.
    """
    db.execute("DELETE FROM guest_address WHERE gone <= ?", (now - KNOWN_MS,))
    db.execute("DELETE FROM address_ban WHERE at <= ?", (now - kept_ms,))
    db.execute("DELETE FROM address_ban WHERE until <= ?", (now,))
