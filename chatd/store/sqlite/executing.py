"""How a batch of drafts is executed: in order, in the caller's transaction.

Drafts of one kind that follow each other are executed as one run. Nothing is guarded
singly at first, because almost nothing fails: when a draft's values do, the batch is
rolled back and executed again, each draft under a savepoint, so that the bad one fails
alone. Any other error takes the whole batch with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

import attrs

from chatd.core import drafts as d
from chatd.core.audit import KINDS, entry_of
from chatd.store import answers
from chatd.store.sqlite import (
    administration,
    admissions,
    audit,
    bookmarks,
    endings,
    farewell,
    moderation,
    people,
    renaming,
    rooms,
    thread_replies,
    timeline,
    trim,
)
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.messages import append_messages
from chatd.wire.events import Millis

T = TypeVar("T")

Run = Callable[[Ledger, Sequence[Any], Millis], list[d.Outcome]]
"""Executes drafts of one kind that follow each other."""
Runs = Mapping[type, Run]


def each(execute: Callable[[Ledger, Any, Millis], d.Outcome]) -> Run:
    """Have drafts executed one by one."""

    def run(ledger: Ledger, drafts: Sequence[Any], now: Millis) -> list[d.Outcome]:
        return [execute(ledger, draft, now) for draft in drafts]

    return run


RUNS: Runs = {
    d.NewMessage: append_messages,
    d.EditMessage: each(timeline.edit),
    d.DeleteMessage: each(timeline.delete),
    d.SetReaction: each(timeline.react),
    d.SetPin: each(timeline.pin),
    d.Moderate: each(moderation.moderate),
    d.SetRoom: each(rooms.set_room),
    d.RenameRoom: each(renaming.rename_room),
    d.DestroyRoom: each(endings.destroy_room),
    d.DropRoom: each(endings.drop_room),
    d.SetMember: each(rooms.set_member),
    d.SetLevel: each(rooms.set_level),
    d.CreateRoom: each(rooms.create_room),
    d.DeclareRoom: each(rooms.declare_room),
    d.TrimRoom: each(trim.trim_room),
    d.Recall: each(people.recall),
    d.AddUser: each(people.add_user),
    d.SetDisplay: each(people.set_display),
    d.SetBlock: each(people.set_block),
    d.SetBookmark: each(bookmarks.set_bookmark),
    d.SetFollow: each(thread_replies.set_follow),
    d.MarkThread: each(thread_replies.mark_thread),
    d.SetPasswordHash: each(people.set_password_hash),
    d.SetAccountRole: each(people.set_role),
    d.ChangePassword: each(people.change_password),
    d.OpenSession: each(people.open_session),
    d.HoldSession: each(people.hold_session),
    d.NoteAddress: each(people.note_address),
    d.RenewSession: each(people.renew_session),
    d.EndSession: each(people.end_session),
    d.EndSessions: each(people.end_sessions),
    d.EndNamedSession: each(people.end_named_session),
    d.EraseUser: each(farewell.erase_user),
    d.ResetPassword: each(administration.reset_password),
    d.GiveRole: each(administration.give_role),
    d.BanUser: each(administration.ban_user),
    d.UnbanUser: each(administration.unban_user),
    d.AddToken: each(administration.add_token),
    d.RevokeToken: each(administration.revoke_token),
    d.SaveMarks: each(people.save_marks),
    d.RecordTime: each(people.record_time),
    d.RecordAct: each(audit.record_act),
    d.SetPlace: each(admissions.set_place),
    d.AddInvitation: each(admissions.add_invitation),
    d.RemoveInvitation: each(admissions.remove_invitation),
    d.Enroll: each(admissions.enroll),
    d.OfferSetup: each(admissions.offer_setup),
    d.SetLink: each(admissions.set_link),
}
"""What is done for each kind of draft."""

Execute = Callable[[Ledger, Sequence[d.Draft], Millis], "Batch"]
"""Executes drafts in order, in the caller's transaction."""


@attrs.define
class Batch:
    """What became of a batch."""

    outcomes: list[d.Outcome]
    faults: list[str] = attrs.field(factory=list)
    """For the log: what was refused as `internal`. Never any content."""


def execute_all(
    ledger: Ledger,
    drafts: Sequence[d.Draft],
    now: Millis,
    runs: Runs = RUNS,
) -> Batch:
    """Execute drafts in order, in the caller's transaction; an error is for all."""
    outcomes: list[d.Outcome] = []
    for kind, run in groupby(drafts, type):
        these = list(run)
        done = runs[kind](ledger, these, now)
        outcomes += done
        if kind in KINDS:
            for draft, outcome in zip(these, done, strict=True):
                audit.record(ledger, entry_of(draft, outcome), now)
    return Batch(outcomes)


def execute_each(
    ledger: Ledger,
    drafts: Sequence[d.Draft],
    now: Millis,
    runs: Runs = RUNS,
    *,
    faults: tuple[type[Exception], ...],
) -> Batch:
    """As `execute_all`, but an error that is one draft's own fault is for it alone."""
    batch = Batch([])
    for draft in drafts:
        ledger.db.execute("SAVEPOINT draft")
        try:
            done = execute_all(ledger, [draft], now, runs).outcomes
            ledger.db.execute("RELEASE draft")
        except faults as error:
            ledger.db.execute("ROLLBACK TO draft")
            ledger.db.execute("RELEASE draft")
            ledger.forget()
            done = [answers.NOT_STORED]
            batch.faults.append(f"{type(draft).__name__}: {type(error).__name__}")
        batch.outcomes += done
    return batch


def executed(
    commit: Callable[[Execute], T],
    faults: tuple[type[Exception], ...],
    runs: Runs = RUNS,
) -> T:
    """Have a batch committed in which almost nothing fails.

    Args:
        commit: Commits it, executed as it is told.
        faults: The errors that may be one draft's own fault.
        runs: What is done for each kind of draft.
    """
    try:
        return commit(partial(execute_all, runs=runs))
    except faults:
        return commit(partial(execute_each, runs=runs, faults=faults))
