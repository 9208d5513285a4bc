"""The store on PostgreSQL, for Trio: a writer, readers, a searcher.

Each connection is used by one thread at a time. What it does with commits, and between
them, is `chatd.store.sqlite.writes`, as on SQLite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import attrs

from chatd.core.query import Hit
from chatd.store.postgres import search
from chatd.store.postgres.connection import AsyncConnection
from chatd.store.postgres.readers import look
from chatd.store.postgres.writer import Writer
from chatd.store.sqlite.writes import TendPace, Writes

T = TypeVar("T")


@attrs.define(eq=False)
class PostgresStore(Writes):
    """`chatd.ports.Store` on PostgreSQL. Made by `open_store`."""

    PACE: ClassVar[TendPace] = TendPace(rest=4, least_s=0.005, most_s=0.05, away_s=1.0)

    _writer: Writer
    _db: AsyncConnection
    """The writer's."""
    _searcher: AsyncConnection

    @property
    def settles(self) -> bool:
        """Whether a commit's server has gone meanwhile; see the port."""
        return self._writer.settles

    async def _in_writer(self, function: Callable[..., T], *args: Any) -> T:
        return await self._db.run(function, *args)

    async def _find(self, *what: Any) -> tuple[list[Hit], bool] | None:
        return await look(self._searcher, search.search, *what)
