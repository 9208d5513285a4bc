"""The model's drafts of the operator."""

from __future__ import annotations

from typing import Any

from chatd.core import drafts as d
from chatd.core.changes import Banned, RoleSet, Unbanned
from chatd.core.entities import Sanction
from chatd.errors import RejectCode
from chatd.ids import is_guest
from chatd.ports import TokenRow
from chatd.store import answers
from tests.store.model.entities import Tables
from tests.store.model.people import bar_address, end_sessions, set_user


def ordered(model: Tables, draft: Any) -> d.Outcome | None:
    """Execute a draft of the operator; None if it is none."""
    match draft:
        case d.ResetPassword() | d.GiveRole() if is_guest(draft.user):
            return answers.NO_USER
        case d.ResetPassword():
            return _reset_password(model, draft)
        case d.GiveRole():
            changed = RoleSet(draft.user, draft.role)
            return set_user(model, draft.user, {"role": draft.role}, changed)
        case d.BanUser():
            return _ban(model, draft)
        case d.UnbanUser():
            return _unban(model, draft)
        case d.AddToken():
            return _add_token(model, draft)
        case d.RevokeToken():
            return _revoke_token(model, draft)
    return None


def _add_token(model: Tables, draft: d.AddToken) -> d.Outcome:
    for room in draft.rooms:
        if model.room(room) is None:
            text = f"there is no room {room}"
            return d.Refused(RejectCode.NO_ROOM, text, "rooms")
    if draft.user not in model.users or is_guest(draft.user):
        return answers.NO_USER
    if draft.digest in model.tokens:
        return answers.NOT_STORED
    row = TokenRow(draft.user, draft.expires, draft.name, draft.scope)
    model.tokens[draft.digest] = row
    number = len(model.issued) + 1
    model.issued[number] = draft.digest
    return d.Issued(number=number)


def _revoke_token(model: Tables, draft: d.RevokeToken) -> d.Outcome:
    digest = model.issued.get(draft.number, b"")
    row = model.tokens.pop(digest, None)
    if row is None:
        return answers.NO_TOKEN
    ended = end_sessions(model, d.EndSessions(row.user, digest))
    assert isinstance(ended, d.Committed | d.Duplicate)
    return d.Committed(ended.changes)


def _reset_password(model: Tables, draft: d.ResetPassword) -> d.Outcome:
    fields = {"password_hash": draft.password_hash}
    ended = end_sessions(model, d.EndSessions(draft.user))
    if not isinstance(ended, d.Committed | d.Duplicate):
        return ended
    outcome = set_user(model, draft.user, fields, *ended.changes)
    for digest in [t for t, row in model.tokens.items() if row.user == draft.user]:
        del model.tokens[digest]
    return outcome


def _ban(model: Tables, draft: d.BanUser) -> d.Outcome:
    if draft.user not in model.users:
        return answers.NO_USER
    ban = model.users[draft.user].ban = Sanction(draft.until, draft.reason)
    barred = bar_address(model, model, draft.user, ban)
    end_sessions(model, d.EndSessions(draft.user))
    return d.Committed((Banned(draft.user, draft.until, draft.reason, barred),))


def _unban(model: Tables, draft: d.UnbanUser) -> d.Outcome:
    if draft.user not in model.users:
        return answers.NO_USER
    model.barred.pop(draft.user, None)
    if model.users[draft.user].ban is None:
        return d.Duplicate()
    model.users[draft.user].ban = None
    return d.Committed((Unbanned(draft.user),))
