"""The one writer: a batch of drafts, one transaction, one fsync.

Everything here runs in the thread of the writer's connection. Runs of new
messages take the hot path; everything else executes one by one; all of it in
the order in which it came. Nothing is guarded singly at first, because almost
nothing fails: when a draft's values do (`ROW_FAULTS`), the batch is rolled back
and executed again, each draft under a savepoint, so that the bad one fails
alone. Any other error takes the whole batch with it.

`tend` is what need not be done before an `ok`: the search index, old cids, what rooms
that have ended still have, what an erased user has left, the generation. It runs
between commits in small steps. The log is brought into the file as `wal` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import apsw
import attrs

from chatd.core import drafts as d
from chatd.core.changes import Change
from chatd.store import answers
from chatd.store.sqlite import (
    addresses,
    admissions,
    endings,
    erasing,
    log,
    moderation,
    people,
    renaming,
    rooms,
    search_index,
    timeline,
    trim,
    wal,
)
from chatd.store.sqlite.faults import ROW_FAULTS, translated
from chatd.store.sqlite.generation import Generation
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.messages import append_messages
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import DAY_MS, Millis

TEND_ROWS = 256
"""Rows of one step: about 3 ms that the next commit may have to wait."""
TEND_BYTES = 2**15
"""Text of one step that is put into the search index."""

_SINGLE: dict[type, Callable[[Ledger, Any, Millis], d.Outcome]] = {
    d.EditMessage: timeline.edit,
    d.DeleteMessage: timeline.delete,
    d.SetReaction: timeline.react,
    d.Moderate: moderation.moderate,
    d.SetRoom: rooms.set_room,
    d.RenameRoom: renaming.rename_room,
    d.DestroyRoom: endings.destroy_room,
    d.DropRoom: endings.drop_room,
    d.SetMember: rooms.set_member,
    d.CreateRoom: rooms.create_room,
    d.DeclareRoom: rooms.declare_room,
    d.TrimRoom: trim.trim_room,
    d.Recall: people.recall,
    d.AddUser: people.add_user,
    d.SetDisplay: people.set_display,
    d.SetBlock: people.set_block,
    d.SetPasswordHash: people.set_password_hash,
    d.SetAccountRole: people.set_role,
    d.ChangePassword: people.change_password,
    d.OpenSession: people.open_session,
    d.NoteAddress: people.note_address,
    d.RenewSession: people.renew_session,
    d.EndSession: people.end_session,
    d.EndSessions: people.end_sessions,
    d.EndNamedSession: people.end_named_session,
    d.EraseUser: people.erase_user,
    d.KeepPosition: people.keep_position,
    d.SaveMarks: people.save_marks,
    d.RecordTime: people.record_time,
    d.SetPlace: admissions.set_place,
    d.AddInvitation: admissions.add_invitation,
    d.RemoveInvitation: admissions.remove_invitation,
    d.Enroll: admissions.enroll,
    d.OfferSetup: admissions.offer_setup,
    d.SetLink: admissions.set_link,
}


@attrs.define
class Batch:
    """What became of a batch."""

    outcomes: list[d.Outcome]
    faults: list[str] = attrs.field(factory=list)
    """For the log: what was refused as `internal`. Never any content."""


@attrs.define(eq=False)
class Writer:
    """The writer's connection with its ledger; not for any other thread."""

    db: apsw.Connection
    generation: Generation
    cid_keep_ms: Millis
    guest_ban_ms: Millis = DAY_MS
    ledger: Ledger = attrs.field(init=False)
    lacking: int = attrs.field(init=False, default=0)
    """Messages that the search index did not have after the last step of `tend`."""
    _version: int | None = attrs.field(init=False, default=None)
    """SQLite's number of the last change that another connection made."""
    _wal_pages: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        """Count the log's pages ourselves.

        SQLite's own checkpoint runs inside a commit and says nothing of an
        fsync that failed.
        """
        self.ledger = Ledger(self.db)
        self.db.set_wal_hook(self._committed)

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
        with translated(self.db):
            try:
                return self._commit(drafts, now, self._execute)
            except ROW_FAULTS:
                return self._commit(drafts, now, self._execute_each)

    def _commit(
        self,
        drafts: Sequence[d.Draft],
        now: Millis,
        execute: Callable[[Sequence[d.Draft], Millis], Batch],
    ) -> Batch:
        try:
            with transaction(self.db):
                batch = execute(drafts, now)
                self.ledger.record_time()
                return batch
        except BaseException:
            self.ledger.forget()
            raise

    def _execute(self, drafts: Sequence[d.Draft], now: Millis) -> Batch:
        outcomes: list[d.Outcome] = []
        for kind, run in groupby(drafts, type):
            if kind is d.NewMessage:
                messages = [draft for draft in run if isinstance(draft, d.NewMessage)]
                outcomes += append_messages(self.ledger, messages, now)
            else:
                execute = _SINGLE[kind]
                outcomes += [execute(self.ledger, draft, now) for draft in run]
        return Batch(outcomes)

    def _execute_each(self, drafts: Sequence[d.Draft], now: Millis) -> Batch:
        batch = Batch([])
        for draft in drafts:
            self.db.execute("SAVEPOINT draft")
            try:
                batch.outcomes += self._execute([draft], now).outcomes
            except ROW_FAULTS as error:
                self.db.execute("ROLLBACK TO draft")
                self.ledger.forget()
                batch.outcomes.append(answers.NOT_STORED)
                batch.faults.append(f"{type(draft).__name__}: {type(error).__name__}")
            self.db.execute("RELEASE draft")
        return batch

    def changes(self, after: int) -> tuple[list[Change], int]:
        """Read what other processes have changed, if any has.

        Raises:
            StoreUnavailable: It cannot be read now.
            StoreFailed: The file cannot be trusted any more.
        """
        with translated(self.db):
            version = self.db.pragma("data_version")
            if version == self._version:
                return [], after
            # A name that was erased may have become another row's.
            self.ledger.forget()
            found = log.read(self.db, after)
            self._version = version
            return found

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
            with transaction(self.db):
                self.lacking = search_index.fill(self.db, TEND_ROWS, TEND_BYTES)
                more = self._prune_cids(now) or self.lacking > 0
                more |= admissions.prune(self.db, now)
                more |= endings.purge(self.ledger, now, self.cid_keep_ms)
                addresses.prune(self.db, now, self.guest_ban_ms)
            if not more:
                more = self._erase() or self._merge(now)
            self.generation.tend(now)
            return more

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

    def _erase(self) -> bool:
        """Take away a little of what an erased user has left; whether there is more."""
        rows = select(self.db, "SELECT user_id FROM erasure WHERE NOT by_hand LIMIT 1")
        for (user,) in rows:
            with transaction(self.db):
                progress = erasing.steps(self.db, user)
            if progress is not None and progress.is_done:
                erasing.empty_log(self.db, wait_ms=0)
        return bool(rows)

    def _merge(self, now: Millis) -> bool:
        """Merge a little of the search index if it is due; whether it was."""
        with transaction(self.db):
            return search_index.merge_due(self.db, now)

    def _prune_cids(self, now: Millis) -> bool:
        """Remove old cids from the oldest on, if any is too old."""
        more = False
        for table in ("cid", "creation"):
            self.db.execute(
                f"DELETE FROM {table} WHERE at < ? AND id IN"  # noqa: S608 - two words
                f" (SELECT id FROM {table} ORDER BY id LIMIT ?)",
                (now - self.cid_keep_ms, TEND_ROWS),
            )
            more |= self.db.changes() == TEND_ROWS
        return more

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
            self.generation.advance()
            self.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self.generation.write(clean=True)
