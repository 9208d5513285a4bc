"""What a node needs at its start, while others have people already.

It is little: guests come into memory as accounts do, by what is read of them when they
come. So nothing is done to sessions but that those are void which were idle too long.
"""

from __future__ import annotations

from typing import Any

from chatd.ports import Snapshot
from chatd.store.sqlite import addresses, listing, resident
from chatd.store.sqlite.load import forget_lapsed
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Millis

_IDLE = """
DELETE FROM session WHERE id IN (
  SELECT id FROM session WHERE idle_since <= ? AND node IS NULL
  AND user_id NOT IN (SELECT user_id FROM guest) ORDER BY id FOR UPDATE)"""


def load_shared(db: Any, now: Millis, session_ms: Millis) -> Snapshot:
    """Void what was idle too long or has lapsed, then read what the core needs.

    Args:
        db: The writer's connection.
        now: The time.
        session_ms: How long an idle session of an account lasts.
    """
    with transaction(db):
        db.execute(_IDLE, (now - session_ms,))
        forget_lapsed(db, now)
    ((address_key, place),) = select(db, "SELECT id, place FROM store")
    barred = resident.barred_from(db, addresses.SERVER)
    return Snapshot([], [], listing.needless(db), barred, address_key, place)
