"""What the store knows of the place itself."""

from __future__ import annotations

from chatd.core.drafts import Committed, Duplicate, Outcome, SetPlace
from chatd.store.sqlite.ledger import Ledger
from chatd.wire.events import Millis


def set_place(ledger: Ledger, draft: SetPlace, now: Millis) -> Outcome:  # noqa: ARG001 - it stands in a table
    """Call the place otherwise."""
    sql = "UPDATE store SET place = ?1 WHERE place IS NOT ?1"
    ledger.db.execute(sql, (draft.name,))
    return Committed() if ledger.db.changes() else Duplicate()
