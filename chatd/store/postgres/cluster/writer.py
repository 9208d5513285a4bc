"""The writer of one node of several: a batch is locked, judged, executed and logged.

What drafts do is what they do everywhere. Before that, in the same transaction, stand
`locks.lock` and its judgement: a draft that was decided on what is not so any more is
`Stale`, one whose session is void or another node's is refused, and neither is
executed. Behind it stands the row of the log, and the commit.

Where another node was in the way (a deadlock, or the same row added at the same
moment), nothing was stored, and the whole batch is executed again, on what is so then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import attrs

from chatd.core import drafts as d
from chatd.core.cluster.commits import Group
from chatd.core.drafts.basis import Basis
from chatd.ids import Stamp
from chatd.observe import log
from chatd.ports import Snapshot
from chatd.store.postgres.cluster.load import load_shared
from chatd.store.postgres.cluster.locks import Locked, SharedLedger, lock
from chatd.store.postgres.cluster.log import Record
from chatd.store.postgres.cluster.node import Node, prune
from chatd.store.postgres.cluster.sessions import SHARED
from chatd.store.postgres.connection import again_if_lost
from chatd.store.postgres.faults import ROW_FAULTS, Collided, NotUnique
from chatd.store.postgres.writer import Writer
from chatd.store.sqlite.executing import Batch, Execute, executed
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis

PRUNE_S = 5.0
"""How often what every node knows is removed from the log."""
TRIES = 5
"""How often a batch is executed that others are in the way of."""
STEPS = 0x73746570
"""`step`: who has this lock does a step of tending."""


@attrs.define
class SharedBatch(Batch):
    """What became of a batch, and what the other nodes have to hear of it."""

    stamp: Stamp | None = None
    groups: tuple[tuple[int, Group, bytes], ...] = ()


@attrs.define(eq=False)
class SharedWriter(Writer):
    """The writer's connection with its ledger; for one thread at a time."""

    node: Node = attrs.field(kw_only=True)
    _pruned: float = attrs.field(default=0.0, init=False)
    """When the log was pruned last."""

    def __attrs_post_init__(self) -> None:
        """Remember nothing yet, nor beyond a batch."""
        super().__attrs_post_init__()
        self.ledger: SharedLedger = SharedLedger(self.db, node=self.node.id)

    def commit(
        self, drafts: Sequence[d.Draft], now: Millis, certain: Millis | None = None
    ) -> Batch:
        """Execute drafts of nobody's session; as `commit_shared`."""
        return self.commit_shared(drafts, now, certain, [None] * len(drafts))

    def commit_shared(
        self,
        drafts: Sequence[d.Draft],
        now: Millis,
        certain: Millis | None,
        bases: Sequence[Basis | None],
    ) -> SharedBatch:
        """Execute drafts in order in one transaction, each as far as it still holds.

        Raises:
            StoreUnavailable: Nothing was stored; a later batch may be.
            StoreFailed: It is not known what was stored, or PostgreSQL has failed.
            GivenUp: The others have given this node up; nothing was stored.
        """

        def attempt() -> SharedBatch:
            self._prepare(drafts, now, certain)
            return self._commit_shared(drafts, now, bases)

        return again_if_lost(self.db, attempt)

    def _commit_shared(
        self,
        drafts: Sequence[d.Draft],
        now: Millis,
        bases: Sequence[Basis | None],
    ) -> SharedBatch:
        tries = 0
        while True:
            tries += 1
            attempt = partial(self._attempt, drafts, bases, now, is_first=tries == 1)
            try:
                return executed(attempt, ROW_FAULTS, SHARED)
            except Collided as collided:
                log().info("store_collided", cause=str(collided), tries=tries)
                if tries == TRIES:
                    raise

    def _attempt(
        self,
        drafts: Sequence[d.Draft],
        bases: Sequence[Basis | None],
        now: Millis,
        execute: Execute,
        *,
        is_first: bool,
    ) -> SharedBatch:
        try:
            begun = self.db.begin()
            locked = lock(self.ledger, drafts, bases)
            batch = self._execute(locked, drafts, bases, now, execute)
            ((number,),) = begun.fetchall()
        except NotUnique as error:
            self._roll_back()
            if not is_first:
                raise
            raise Collided(str(error)) from error
        except BaseException:
            self._roll_back()
            raise
        self._end(number)
        return batch

    def _execute(
        self,
        locked: Locked,
        drafts: Sequence[d.Draft],
        bases: Sequence[Basis | None],
        now: Millis,
        execute: Execute,
    ) -> SharedBatch:
        """Execute what holds, and write down for the others what it has changed."""
        judged = [
            None if basis is None else locked.judge(draft, basis, self.ledger)
            for draft, basis in zip(drafts, bases, strict=True)
        ]
        holding = [
            draft
            for draft, verdict in zip(drafts, judged, strict=True)
            if verdict is None
        ]
        done = execute(self.ledger, holding, now)
        executed_ones = iter(done.outcomes)
        outcomes = [
            next(executed_ones) if verdict is None else verdict for verdict in judged
        ]
        self.ledger.record_time()
        record = Record(self.ledger, locked.rooms)
        for outcome, basis in zip(outcomes, bases, strict=True):
            record.add(outcome, basis)
        stamp = record.write()
        return SharedBatch(outcomes, done.faults, stamp, tuple(record.groups))

    def _has_written(self, number: str) -> bool:
        """Whether its row of the log is there.

        A batch that has changed nothing has none, and counts as not stored.
        """
        sql = "SELECT 1 FROM change WHERE xid = CAST($1 AS xid8) AND node = $2"
        return bool(select(self.db, sql, (number, self.node.id)))

    # --- behind the commits -------------------------------------------------

    def load(
        self,
        now: Millis,
        certain: Millis,  # noqa: ARG002 - the others' people are here still
        session_ms: Millis,
        guest_ms: Millis,  # noqa: ARG002 - guests end by whoever leads
        *,
        serves: bool,  # noqa: ARG002 - it does
    ) -> Snapshot:
        """Read what the core needs at the start; of what others have, nothing.

        Raises:
            StoreUnavailable: The server is away.
            StoreFailed: PostgreSQL has failed.
        """
        return load_shared(self.db, now, session_ms)

    def tend(self, now: Millis) -> bool:
        """As `Writer.tend`, if this node leads."""
        return self.node.leads and super().tend(now)

    def _tend(self, now: Millis) -> bool:
        more = super()._tend(now)
        if time.monotonic() >= self._pruned + PRUNE_S:
            self._pruned = time.monotonic()
            with self._unsynced():
                prune(self.db)
        return more

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        """As `Writer._unsynced`; of nodes that believe they lead, one at a time."""
        with super()._unsynced():
            self.db.execute("SELECT pg_advisory_xact_lock($1)", (STEPS,))
            yield
