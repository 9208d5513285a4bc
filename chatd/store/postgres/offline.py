"""Looking into a store on PostgreSQL from outside, beside whoever serves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chatd.errors import StoreRefused, StoreUnavailable
from chatd.store.postgres import migrate
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.faults import ConnectionLost
from chatd.store.postgres.marks import require_settled
from chatd.store.postgres.opening import place_of
from chatd.store.sqlite.sql import select


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """Connect to the store, to read.

    Raises:
        StoreRefused: There is none, or it is another version's.
        StoreUnavailable: It cannot be read now (in the block, too).
        StoreFailed: Anything else that PostgreSQL says in the block.
    """
    where = place_of(url)
    db: Any = Connection(url, {"default_transaction_read_only": "on"})
    try:
        db.open()
    except ConnectionLost as lost:
        raise StoreUnavailable(f"{where} cannot be reached: {lost}") from lost
    try:
        ((is_there,),) = select(db, "SELECT to_regclass('version') IS NOT NULL")
        if not is_there:
            raise StoreRefused(f"there is no store in {where}: start the daemon once")
        require_settled(db)
        if migrate.missing(db):
            raise StoreRefused(
                f"{where} is an older version's: start the daemon of this one once"
            )
        yield db
    finally:
        db.close()
