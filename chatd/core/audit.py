"""The audit: who has moderated whom, and what the operator has done.

`entry_of` says of a draft and its outcome whether it is part of it, and what is kept.
The store keeps it in the transaction that makes it so, and the log has a line of it,
without what people have written (`chatd.hub.acts`). Everyday acts, which take nothing
from anybody, are left out. Each row of `chatd.core.commands.RULES` says by which words
its command is kept, if it is.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from chatd.core import drafts as d
from chatd.core.changes import (
    AccessRevoked,
    Appended,
    Change,
    Moderated,
    RoomEnded,
    RoomMade,
    SettingsSet,
)
from chatd.enums import AccountRole, Audited, MemberChange
from chatd.ids import OPERATOR, RoomName, UserName
from chatd.wire.events import Delete, Member, Rename
from chatd.wire.operator import Announce, Disconnect, Reload, SetLogLevel

_HARD = frozenset(
    {
        *(MemberChange.KICK, MemberChange.BAN, MemberChange.UNBAN),
        *(MemberChange.MUTE, MemberChange.UNMUTE, MemberChange.ROLE),
    }
)
"""Not an invitation, its end or its refusal."""


@attrs.frozen
class Entry:
    """What somebody has done."""

    what: Audited
    by: UserName
    room: RoomName | None = None
    user: UserName | None = None
    """To whom."""
    detail: Mapping[str, Any] = attrs.field(factory=dict)
    """What else there is to say, by the names of `chatd.wire.operator.AuditShown`."""


def entry_of(draft: d.Draft, outcome: d.Outcome) -> Entry | None:
    """What is kept of a draft; None for nothing.

    Args:
        draft: What was asked for.
        outcome: What the store has made of it.
    """
    find = _ENTRIES.get(type(draft))
    if find is None or not isinstance(outcome, d.Committed):
        return None
    return find(draft, outcome)


def _said(**fields: Any) -> dict[str, Any]:
    """What is there of what may be said."""
    return {name: value for name, value in fields.items() if value is not None}


# --- in rooms -------------------------------------------------------------------


def _in_room(_draft: d.Draft, outcome: d.Committed) -> Entry | None:
    """What is kept of the changes of a room."""
    for change in outcome.changes:
        if (found := _changed(change)) is not None:
            return found
    return None


def _made(draft: d.CreateRoom, outcome: d.Committed) -> Entry | None:
    """A room that the operator makes; one that somebody makes for himself is his."""
    return _in_room(draft, outcome) if draft.by_operator else None


def _changed(change: Change) -> Entry | None:
    match change:
        case Moderated(event):
            return _moderated(event)
        case SettingsSet(settings, event):
            keys = {"keys": sorted(settings)}
            return Entry(Audited.SETTINGS, event.sender, event.room, detail=keys)
        case RoomEnded(room, event) if event is not None:
            return Entry(Audited.DESTROY, event.sender, room)
        case RoomMade(room, members=members):
            return Entry(Audited.CREATE, OPERATOR, room, next(iter(members), None))
        case Appended(Delete() as event, author=author) if author is not None:
            detail = {"of": event.of}
            return Entry(Audited.DELETE, event.sender, event.room, author, detail)
        case Appended(Rename() as event):
            new = {"name": event.name}
            return Entry(Audited.RENAME, event.sender, event.was[-1], detail=new)
    return None


def _moderated(event: Member) -> Entry | None:
    """What is kept of an act on somebody; nothing of everyday ones."""
    if event.change not in _HARD:
        return None
    detail = _said(role=event.role, until=event.until, reason=event.reason)
    what = Audited(event.change)
    return Entry(what, event.sender, event.room, event.user, detail)


# --- accounts, tokens -------------------------------------------------------------


def _added(draft: d.AddUser, _outcome: d.Committed) -> Entry | None:
    """An account that the operator makes; not one that somebody makes for himself."""
    if not draft.by_operator:
        return None
    return _on_user(Audited.ADD, draft.user, role=draft.role)


def _banned(draft: d.BanUser, _outcome: d.Committed) -> Entry:
    return _on_user(Audited.BAN, draft.user, until=draft.until, reason=draft.reason)


def _logged_out(
    draft: d.EndSessions | d.EndNamedSession, _outcome: d.Committed
) -> Entry | None:
    """Sessions that the operator ends; not those that somebody ends of his own."""
    if not draft.by_operator:
        return None
    tag = draft.tag if isinstance(draft, d.EndNamedSession) else None
    return _on_user(Audited.LOGOUT, draft.user, session=tag)


def _erased(draft: d.EraseUser, _outcome: d.Committed) -> Entry | None:
    return _on_user(Audited.ERASE, draft.user) if draft.by_operator else None


def _issued(draft: d.AddToken, outcome: d.Committed) -> Entry:
    assert isinstance(outcome, d.Issued)
    return _on_user(Audited.TOKEN_ISSUE, draft.user, token=outcome.number)


def _revoked(draft: d.RevokeToken, outcome: d.Committed) -> Entry:
    whose = (one.user for one in outcome.changes if type(one) is AccessRevoked)
    return _on_user(Audited.TOKEN_REVOKE, next(whose, None), token=draft.number)


def _on_user(what: Audited, user: UserName | None, **said: Any) -> Entry:
    """What the operator has done to somebody."""
    return Entry(what, OPERATOR, user=user, detail=_said(**said))


# --- the place, and who is let in ---------------------------------------------------


def _invited(draft: d.AddInvitation, outcome: d.Committed) -> Entry | None:
    """An invitation that the operator makes, or by which administrators come."""
    assert isinstance(outcome, d.Invited)
    if draft.maker is not None and draft.role is not AccountRole.ADMIN:
        return None
    by = OPERATOR if draft.maker is None else draft.maker
    detail = {"invitation": outcome.number, "role": draft.role}
    return Entry(Audited.INVITATION_CREATE, by, draft.room, detail=detail)


def _uninvited(draft: d.RemoveInvitation, _outcome: d.Committed) -> Entry | None:
    """An invitation that is taken back by who may do so with all."""
    if draft.maker is not None:
        return None
    number = {"invitation": draft.number}
    return Entry(Audited.INVITATION_REVOKE, draft.by, detail=number)


# --- what changes nothing in the store ------------------------------------------------


def _acted(draft: d.RecordAct, _outcome: d.Committed) -> Entry:
    act, what = draft.act, Audited(draft.act.type)
    match act:
        case Announce():
            return Entry(what, OPERATOR, act.room, detail={"text": act.text})
        case Disconnect():
            return _on_user(what, act.user, connection=act.connection)
        case SetLogLevel():
            return Entry(what, OPERATOR, detail={"level": act.level})
        case Reload():
            assert draft.found is not None
            return Entry(what, OPERATOR, detail={"keys": list(draft.found.changed)})
    return Entry(what, OPERATOR)


_ENTRIES: dict[type[d.Draft], Callable[[Any, d.Committed], Entry | None]] = {
    d.CreateRoom: _made,
    d.DeleteMessage: _in_room,
    d.DestroyRoom: _in_room,
    d.Moderate: _in_room,
    d.RenameRoom: _in_room,
    d.SetRoom: _in_room,
    d.AddUser: _added,
    d.BanUser: _banned,
    d.UnbanUser: lambda draft, _outcome: _on_user(Audited.UNBAN, draft.user),
    d.GiveRole: lambda draft, _outcome: _on_user(
        Audited.ROLE, draft.user, role=draft.role
    ),
    d.ResetPassword: lambda draft, _outcome: _on_user(Audited.PASSWORD, draft.user),
    d.EndSessions: _logged_out,
    d.EndNamedSession: _logged_out,
    d.EraseUser: _erased,
    d.AddToken: _issued,
    d.RevokeToken: _revoked,
    d.AddInvitation: _invited,
    d.RemoveInvitation: _uninvited,
    d.SetPlace: lambda draft, _outcome: Entry(
        Audited.PLACE, draft.by, detail={"text": draft.name}
    ),
    d.RecordAct: _acted,
}
KINDS = frozenset(_ENTRIES)
"""The drafts that may be part of it."""
