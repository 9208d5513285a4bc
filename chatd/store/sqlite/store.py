"""The store on disk, for Trio: a writer, its log, readers, a searcher, a checker.

Each connection lives in a thread of its own (apsw's); a call is one function that runs
there from beginning to end, so nothing can come between its statements. Reads may be
cancelled; a running statement is then interrupted. What it does with commits, and
between them, is `chatd.store.sqlite.writes`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import apsw
import apsw.aio
import attrs
import trio

from chatd.core.query import Hit
from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.observe import log
from chatd.store.sqlite import checking, search, wal
from chatd.store.sqlite.calling import call, in_words
from chatd.store.sqlite.writer import Writer
from chatd.store.sqlite.writes import TendPace, Writes

T = TypeVar("T")


@attrs.define(eq=False)
class SqliteStore(Writes):
    """`chatd.ports.Store` on SQLite. Made by `open_store`."""

    # It takes little of the writer, and who has written much is still erased soon.
    PACE: ClassVar[TendPace] = TendPace(rest=8, least_s=0.005, most_s=0.015)

    _writer: Writer
    _db: apsw.AsyncConnection
    _log_db: apsw.AsyncConnection
    """Brings the log into the file beside the writer."""
    _searcher: apsw.AsyncConnection

    async def _in_writer(self, function: Callable[..., T], *args: Any) -> T:
        return await call(self._db, function, *args)

    async def _tended(self) -> None:
        if self._writer.has_long_log:
            await self._end_log()

    async def _find(self, *what: Any) -> tuple[list[Hit], bool] | None:
        db = cast(apsw.Connection, self._searcher)
        return await call(self._searcher, in_words, db, search.search, *what)

    async def _end_log(self) -> None:
        """Have the log begin anew: beside the commits first, then between two."""
        log_db = cast(apsw.Connection, self._log_db)
        for _ in range(wal.COPIES):
            await self._run(call, self._log_db, in_words, log_db, wal.copy)
        await self._write(self._writer.end_log)

    async def check(self, db: apsw.AsyncConnection, path: Path) -> None:
        """Look at what the start has left unchecked; `open_store` runs it.

        Raises:
            StoreRefused: It is damaged; nothing is committed any more.

        Cancellation: safe; the next start goes on.
        """
        left = self._writer.generation.side.unchecked
        log().info("store_check_goes_on", tables=len(left))
        for name in left:
            try:
                await call(
                    db, checking.check_gently, cast(apsw.Connection, db), path, name
                )
                with trio.CancelScope(shield=True):
                    await self._write(self._writer.checked, name)
            except StoreRefused as refused:
                log().critical("store_damaged", error=str(refused))
                # Not stopped cleanly: the next start finds it again.
                self._failure = StoreFailed(str(refused))
                raise
            except (StoreUnavailable, StoreFailed) as error:
                log().warning("store_not_checked", error=str(error))
                return
        log().info("store_check_complete")

    async def finish(self) -> None:
        """Mark a clean stop, if it is one; `open_store` calls it last.

        Cancellation: to be shielded.
        """
        try:
            await self._write(self._writer.finish)
        except (StoreUnavailable, StoreFailed) as error:
            log().warning("store_not_clean", error=str(error))
