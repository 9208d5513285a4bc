"""What drafts mean, the plainest way: the model behind the store in memory.

A timeline is a list, so `seq` is an index plus one; an event is kept as it was
sent and shown as it is now (`as_now`). Nothing here waits or is undone: each
draft is looked at completely before anything is changed.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core import drafts as d
from chatd.core.audit import entry_of
from chatd.core.changes import DisplaySet, RoleSet
from chatd.store import answers
from chatd.wire.events import Millis
from tests.store.model import (
    administration,
    admissions,
    audit,
    bookmarks,
    endings,
    erasing,
    people,
    rooms,
    threads,
    timeline,
    trim,
)
from tests.store.model.entities import Tables


@attrs.define(eq=False)
class Model(Tables):
    """The tables, and what executes drafts on them."""

    def execute(self, draft: d.Draft, now: Millis) -> d.Outcome:
        """Execute one draft after all before it."""
        try:
            outcome = self._outcome(draft, now)
            audit.record(self, entry_of(draft, outcome), now)
            return outcome
        except (TypeError, UnicodeError):
            return answers.NOT_STORED
        finally:
            bookmarks.sweep(self)

    def _outcome(self, draft: d.Draft, now: Millis) -> d.Outcome:
        if isinstance(draft, d.Durable):
            return timeline.durable(self, draft, now)
        return self._room(draft, now)

    def _room(self, draft: Any, now: Millis) -> d.Outcome:
        match draft:
            case d.SetMember():
                return rooms.set_member(self, draft, now)
            case d.SetLevel():
                return rooms.set_level(self, draft)
            case d.CreateRoom():
                return rooms.create_room(self, draft, now)
            case d.DeclareRoom():
                return rooms.declare_room(self, draft)
            case d.DropRoom():
                return endings.drop_room(self, draft)
            case d.TrimRoom():
                return trim.trim_room(self, draft)
            case _:
                return (
                    self._admission(draft, now)
                    or administration.ordered(self, draft)
                    or self._person(draft)
                )

    def _person(self, draft: Any) -> d.Outcome:
        match draft:
            case d.Recall():
                return self._recalled(draft) or draft.otherwise
            case d.AddUser():
                return people.add_user(self, draft)
            case d.SetDisplay():
                changed = DisplaySet(draft.user, draft.display)
                fields = {"display": draft.display}
                return people.set_user(self, draft.user, fields, changed)
            case d.SetBlock():
                return people.set_block(self, draft)
            case d.SetBookmark():
                return bookmarks.set_bookmark(self, draft)
            case d.SetPasswordHash():
                return people.set_password_hash(self, draft)
            case d.SetAccountRole():
                set_ = RoleSet(draft.user, draft.role)
                return people.set_user(self, draft.user, {"role": draft.role}, set_)
            case d.SetFollow():
                return threads.set_follow(self, draft)
            case d.MarkThread():
                return threads.mark_thread(self, draft)
            case d.ChangePassword():
                return people.change_password(self, draft)
            case d.RecordTime() | d.RecordAct():
                return d.Committed()
            case d.SaveMarks():
                return people.save_marks(self, draft)
            case _:
                return self._access(draft)

    def _recalled(self, draft: d.Recall) -> d.Outcome | None:
        """What the cid of a refused draft stored before."""
        if isinstance(draft.draft, d.CreateRoom):
            return rooms.recall_creation(self, draft.draft)
        if draft.draft is None:
            return None
        return timeline.recalled(self, draft.draft)

    def _admission(self, draft: Any, now: Millis) -> d.Outcome | None:
        match draft:
            case d.SetPlace():
                return admissions.set_place(self, draft)
            case d.AddInvitation():
                return admissions.add_invitation(self, draft)
            case d.RemoveInvitation():
                return admissions.remove_invitation(self, draft)
            case d.Enroll():
                return admissions.enroll(self, draft, now)
            case d.OfferSetup():
                return admissions.offer_setup(self, draft)
            case d.SetLink():
                return admissions.set_link(self, draft)
        return None

    def _access(self, draft: Any) -> d.Outcome:
        match draft:
            case d.EraseUser():
                return erasing.erase_user(self, draft)
            case d.OpenSession():
                return people.open_session(self, draft)
            case d.HoldSession():
                return people.hold_session(self, draft)
            case d.NoteAddress():
                return people.note_address(self, draft)
            case d.RenewSession():
                return people.renew_session(self, draft)
            case d.EndSession():
                return people.end_session(self, draft.session, self.reached)
            case d.EndSessions():
                return people.end_sessions(self, draft)
            case d.EndNamedSession():
                return people.end_named_session(self, draft)
            case _:
                raise AssertionError(draft)
