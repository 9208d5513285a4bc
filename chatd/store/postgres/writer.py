"""The one writer on PostgreSQL: a batch of drafts, one transaction, one commit.

What drafts do is `chatd.store.sqlite.writer`'s; nothing is guarded singly at first here
either. Of this store is what a server may do: go away.

* **Before the commit was asked for**, nothing of the batch is stored. A connection of
  before shows only in its use that the server was restarted, so the batch is executed
  once more over a new one; where there is none, that is `StoreUnavailable`, and the
  next batch connects again.
* **While it was**, nobody knows. PostgreSQL is asked as soon as it answers again: each
  transaction has a number, and whether it was committed stands in its log
  (`pg_xact_status`). A server that was killed may give the number of one that it has
  lost to another one, so what only this one has written has to be there, too. Until
  then the batch has no outcome, so nothing that was acknowledged is lost, and nothing
  is stored twice. After `SETTLE_S` the store has failed; senders whose messages were
  not acknowledged send them again with their `cid`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs

from chatd.core import drafts as d
from chatd.core.rows import ErasureRow
from chatd.errors import StoreFailed
from chatd.ids import UserName
from chatd.observe import log
from chatd.ports import Snapshot
from chatd.store.postgres.connection import again_if_lost
from chatd.store.postgres.faults import ROW_FAULTS, CommitLost, ConnectionLost, RowFault
from chatd.store.postgres.serving import Serving
from chatd.store.sqlite import farewell, search_index
from chatd.store.sqlite.executing import Batch, Execute, executed
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.load import load
from chatd.store.sqlite.sql import select, transaction
from chatd.store.sqlite.writer import TEND_BYTES, TEND_ROWS, prune
from chatd.wire.events import Millis

SETTLE_S = 120.0
"""How long the outcome of a batch is asked for: a server is restarted in that time."""
SETTLE_PAUSE_S = 0.25
PRUNE_S = 1.0
"""How often it is looked for what is too old, where only messages come."""


@attrs.define(eq=False)
class Writer:
    """The writer's connection with its ledger; for one thread at a time."""

    db: Any
    serving: Serving
    cid_keep_ms: Millis
    guest_ban_ms: Millis
    settle_s: float = SETTLE_S
    settles: bool = attrs.field(init=False, default=False)
    """Whether the outcome of a batch is being asked for; read from any thread."""
    ledger: Ledger = attrs.field(init=False)
    lacking: int = attrs.field(init=False, default=0)
    """Messages that the search index did not have after the last step of `tend`."""
    _erasures: farewell.Erasures = attrs.field(init=False)
    _is_unpruned: bool = attrs.field(init=False, default=True)
    """Whether something may have been left to be removed."""
    _prunes: float = attrs.field(init=False, default=0.0)
    """When something may be too old again."""

    def __attrs_post_init__(self) -> None:
        """Remember nothing yet."""
        self.ledger = Ledger(self.db)
        # What was overwritten is PostgreSQL's: it goes when VACUUM takes it.
        self._erasures = farewell.Erasures(self.db, self._unsynced, lambda: False)

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
            StoreUnavailable: The server is away.
            StoreFailed: PostgreSQL has failed.
        """
        limits = session_ms, guest_ms, self.guest_ban_ms
        return load(self.db, now, certain, *limits, serves=serves)

    def ready(self) -> None:
        """Connect again where the connection was lost.

        Raises:
            ConnectionLost: The server is still away.
            StoreFailed: Another chatd serves the database now.
        """
        if not self.db.is_open:
            self.ledger.forget()
            self.serving.resume()

    def commit(
        self, drafts: Sequence[d.Draft], now: Millis, certain: Millis | None = None
    ) -> Batch:
        """Execute drafts in order in one transaction.

        Raises:
            StoreUnavailable: Nothing was stored; a later batch may be.
            StoreFailed: It is not known what was stored, or PostgreSQL has failed.
        """

        def attempt() -> Batch:
            self._prepare(drafts, now, certain)
            return executed(partial(self._commit, drafts, now), ROW_FAULTS)

        return again_if_lost(self.db, attempt)

    def _commit(
        self, drafts: Sequence[d.Draft], now: Millis, execute: Execute
    ) -> Batch:
        try:
            begun = self.db.begin()
            batch = execute(self.ledger, drafts, now)
            self.ledger.record_time(at_once=True)  # see `_has_written`
            ((number,),) = begun.fetchall()
        except BaseException:
            self._roll_back()
            raise
        self._end(number)
        return batch

    def _prepare(
        self, drafts: Sequence[d.Draft], now: Millis, certain: Millis | None
    ) -> None:
        """Make ready for a batch; raises as `ready`."""
        self.ready()
        self.ledger.begin(now, now if certain is None else certain)
        # Messages leave nothing to be removed.
        self._is_unpruned |= any(type(draft) is not d.NewMessage for draft in drafts)

    def _end(self, number: str) -> None:
        """Commit the transaction with a number."""
        try:
            self.db.execute("COMMIT")
        except ConnectionLost as lost:
            self.ledger.forget()
            self.settles = True
            try:
                is_stored = self._settle(number)
            finally:
                self.settles = False
            if not is_stored:
                raise CommitLost(str(lost)) from lost
            log().warning("store_commit_settled", cause=str(lost))
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        self.ledger.forget()
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def _settle(self, number: str) -> bool:
        """Find out whether a transaction was committed, whose answer was lost.

        Raises:
            StoreFailed: It cannot be found out.
        """
        until = time.monotonic() + self.settle_s
        while True:
            try:
                self.serving.resume()
                status = self._status(number)
            except ConnectionLost as error:
                if time.monotonic() >= until:
                    raise StoreFailed(
                        f"it is not known what was stored at last: {error}"
                    ) from error
            else:
                if status != "in progress":
                    return status == "committed" and self._has_written(number)
            time.sleep(SETTLE_PAUSE_S)  # noqa: TID251 - no loop runs here

    def _status(self, number: str) -> str:
        """What became of the transaction that has a number now."""
        sql = "SELECT pg_xact_status(CAST($1 AS xid8))"
        try:
            ((status,),) = select(self.db, sql, (number,))
        except RowFault:
            return "not begun"  # the server was killed, and has not come to it again
        return str(status)

    def _has_written(self, number: str) -> bool:
        """Whether what a committed transaction writes is there: it was this one."""
        sql = "SELECT 1 FROM store WHERE xmin = CAST(CAST($1 AS xid8) AS xid)"
        return bool(select(self.db, sql, (number,)))

    # --- behind the commits -------------------------------------------------

    def tend(self, now: Millis) -> bool:
        """Do a little of what need not be done before an `ok`; whether there is more.

        Raises:
            StoreUnavailable: Nothing is lost by waiting.
            StoreFailed: PostgreSQL has failed.
        """
        self.ready()
        try:
            return self._tend(now)
        except RowFault as fault:
            raise StoreFailed(f"PostgreSQL: {fault} where nothing is new") from fault

    def _tend(self, now: Millis) -> bool:
        is_unpruned = self._is_unpruned or time.monotonic() >= self._prunes
        with self._unsynced():
            self.lacking = search_index.fill(self.db, TEND_ROWS, TEND_BYTES)
            if is_unpruned:
                self._is_unpruned = prune(
                    self.ledger, now, self.cid_keep_ms, self.guest_ban_ms
                )
        if is_unpruned:
            self._prunes = time.monotonic() + PRUNE_S
            self._is_unpruned |= self._erasures.step()
        return self._is_unpruned or self.lacking > 0

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        """A transaction that is synced with the next: it can be done again."""
        with transaction(self.db):
            self.db.execute("SET LOCAL synchronous_commit TO off")
            yield

    def erasure(self, name: UserName) -> ErasureRow | None:
        """Look how far the erasure of a user is; raises as `tend`."""
        self.ready()
        return self._erasures.look(name)
