"""The one writer: a batch of drafts, one transaction, one fsync.

Everything here runs in the thread of the writer's connection. How the drafts of a batch
are executed, says `executing`.

`tend` is what need not be done before an `ok`: the search index, old cids, what rooms
that have ended still have, what an erased user has left, the generation. It runs
between commits in small steps. These and the trimming of rooms can be done again after
a power cut, so they are not synced by themselves, but with the next commit of people's.
The log is brought into the file as `wal` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

import apsw
import attrs

from chatd.core import drafts as d
from chatd.core.rows import ErasureRow
from chatd.ids import UserName
from chatd.ports import Snapshot
from chatd.store.sqlite import (
    addresses,
    admissions,
    audit,
    endings,
    erasing,
    farewell,
    search_index,
    wal,
)
from chatd.store.sqlite.executing import Batch, Execute, executed
from chatd.store.sqlite.faults import ROW_FAULTS, translated
from chatd.store.sqlite.generation import Generation
from chatd.store.sqlite.held import Held
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.load import load
from chatd.store.sqlite.sql import transaction, unsynced
from chatd.wire.events import DAY_MS, Millis

TEND_ROWS = 256
"""Rows of one step: about 3 ms that the next commit may have to wait."""
TEND_BYTES = 2**15
"""Text of one step that is put into the search index."""


def prune(
    ledger: Ledger, now: Millis, cid_keep_ms: Millis, guest_ban_ms: Millis
) -> bool:
    """Remove some of what is too old, in the caller's transaction.

    Args:
        ledger: The writer's.
        now: A time that has at least been reached.
        cid_keep_ms: How long cids are remembered.
        guest_ban_ms: How long a ban of a guest holds for the address.

    Returns:
        Whether there may be more.
    """
    more = prune_cids(ledger.db, now - cid_keep_ms)
    more |= admissions.prune(ledger.db, now)
    more |= audit.prune(ledger.db, now, TEND_ROWS)
    more |= endings.purge(ledger, now, cid_keep_ms)
    addresses.prune(ledger.db, now, guest_ban_ms)
    return more


def prune_cids(db: apsw.Connection, before: Millis) -> bool:
    """Remove old cids from the oldest on, if any is too old; whether there may be more.

    Args:
        db: The writer's connection.
        before: What was used earlier is too old.
    """
    more = False
    for table in ("cid", "creation"):
        db.execute(
            f"DELETE FROM {table} WHERE at < ? AND id IN"  # noqa: S608 - two words
            f" (SELECT id FROM {table} ORDER BY id LIMIT ?)",
            (before, TEND_ROWS),
        )
        more |= db.changes() == TEND_ROWS
    return more


@attrs.define(eq=False)
class Writer:
    """The writer's connection with its ledger; not for any other thread."""

    db: apsw.Connection
    generation: Generation
    cid_keep_ms: Millis
    guest_ban_ms: Millis = DAY_MS
    ledger: Ledger = attrs.field(init=False)
    held: Held = attrs.field(init=False)
    lacking: int = attrs.field(init=False, default=0)
    """Messages that the search index did not have after the last step of `tend`."""
    _wal_pages: int = attrs.field(init=False, default=0)
    _erasures: farewell.Erasures = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Count the log's pages ourselves.

        SQLite's own checkpoint runs inside a commit and says nothing of an
        fsync that failed.
        """
        self.ledger = Ledger(self.db)
        self.held = Held.now(self.generation.directory)
        self._erasures = farewell.Erasures(
            self.db, partial(transaction, self.db), partial(erasing.empty_log, self.db)
        )
        self.db.set_wal_hook(self._committed)

    def load(
        self,
        now: Millis,
        certain: Millis,
        session_ms: Millis,
        guest_ms: Millis,
        *,
        serves: bool,
    ) -> Snapshot:
        """Read what the core needs at the start; see `chatd.store.sqlite.load`.

        Raises:
            StoreUnavailable: The disk is full.
            StoreFailed: The file cannot be trusted any more.
        """
        limits = session_ms, guest_ms, self.guest_ban_ms
        with translated(self.db):
            return load(self.db, now, certain, *limits, serves=serves)

    def commit(
        self, drafts: Sequence[d.Draft], now: Millis, certain: Millis | None = None
    ) -> Batch:
        """Execute drafts in order in one transaction.

        Args:
            drafts: What to execute.
            now: What time is told.
            certain: What is certain about it; None: that it is now.

        Raises:
            StoreUnavailable: Nothing was stored; a later batch may be.
            StoreFailed: The file cannot be trusted any more.
        """
        self.ledger.begin(now, now if certain is None else certain)
        is_redoable = all(type(draft) is d.TrimRoom for draft in drafts)
        with translated(self.db), unsynced(self.db) if is_redoable else nullcontext():
            return executed(partial(self._commit, drafts, now), ROW_FAULTS)

    def _commit(
        self, drafts: Sequence[d.Draft], now: Millis, execute: Execute
    ) -> Batch:
        try:
            with transaction(self.db):
                batch = execute(self.ledger, drafts, now)
                self.ledger.record_time()
            self.held.check()
            return batch
        except BaseException:
            self.ledger.forget()
            raise

    # --- behind the commits -------------------------------------------------

    def _committed(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def tend(self, now: Millis) -> bool:
        """Do a little of what need not be done before an `ok`.

        Args:
            now: A time that has at least been reached.

        Returns:
            Whether there is more of it.

        Raises:
            StoreUnavailable: The disk is full; nothing is lost by waiting.
            StoreFailed: The file cannot be trusted any more.
        """
        with translated(self.db):
            with unsynced(self.db):
                more = self._tend(now)
            self.generation.tend(now)
            return more

    def _tend(self, now: Millis) -> bool:
        with transaction(self.db):
            self.lacking = search_index.fill(self.db, TEND_ROWS, TEND_BYTES)
            more = prune(self.ledger, now, self.cid_keep_ms, self.guest_ban_ms)
            more |= self.lacking > 0
            search_index.begin_merging_if_due(self.db, now)
            is_merging = search_index.merge(self.db)
        # Erasing waits for none of it: there may always be more.
        return self._erasures.step() or more or is_merging

    @property
    def has_long_log(self) -> bool:
        """Whether the log is to be brought into the file; asked from any thread."""
        return self._wal_pages >= wal.PAGES

    def end_log(self) -> None:
        """Bring what is left of the log into the file, so that it begins anew.

        Raises:
            StoreUnavailable: As `tend`.
            StoreFailed: As `tend`.
        """
        self._wal_pages = 0
        with translated(self.db):
            wal.copy(self.db)

    def erasure(self, name: UserName) -> ErasureRow | None:
        """Look how far the erasure of a user is.

        Raises:
            StoreUnavailable: It cannot be read now.
            StoreFailed: The file cannot be trusted any more.
        """
        with translated(self.db):
            return self._erasures.look(name)

    def checked(self, table: str) -> None:
        """Note in the side file that a table was looked at and is whole.

        Raises:
            StoreUnavailable: As `tend`; the next start looks at it again.
            StoreFailed: As `tend`.
        """
        with translated(self.db):
            self.generation.checked(table)

    def finish(self) -> None:
        """Bring all into the database file, and note a clean stop in the side file.

        Raises:
            StoreUnavailable: As `tend`; the next start looks for damage.
            StoreFailed: As `tend`.
        """
        with translated(self.db):
            self.held.check()
            self.generation.advance()
            self.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self.generation.write(clean=True)
