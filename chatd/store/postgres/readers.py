"""The reading connections to PostgreSQL: which look-up has one when is as on SQLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from chatd.store.postgres.connection import (
    AsyncConnection,
    Connection,
    again_if_lost,
)
from chatd.store.sqlite.readers import Readers

T = TypeVar("T")


@attrs.define(eq=False)
class PostgresReaders(Readers):
    """The reading connections of a store on PostgreSQL."""

    async def key(self, function: Callable[..., T], *args: Any) -> T:
        """Look for one row; raises as on SQLite.

        Cancellation: safe; what has begun is waited for, `read_s` at most.
        """
        db: Any = await self._idle.receive()
        try:
            return await look(db, function, *args)
        finally:
            self._back.send_nowait(db)


async def look(db: AsyncConnection, function: Callable[..., T], *args: Any) -> T:
    """Run a look-up on a connection, which is made again if it was lost.

    That shows in its use, for all connections of a server that was restarted: so what
    was asked over one that was there already is asked once more.

    Raises:
        TooSlow: It took longer than the connection lets a statement run.
        StoreUnavailable: The server is away, or cannot do it now.
        StoreFailed: Anything else that PostgreSQL says.

    Cancellation: as `AsyncConnection.run`.
    """
    return await db.run(_look, db.db, function, *args)


def _look(db: Connection, function: Callable[..., T], *args: Any) -> T:
    def attempt() -> T:
        db.reopen()
        try:
            return function(db, *args)
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    return again_if_lost(db, attempt)
