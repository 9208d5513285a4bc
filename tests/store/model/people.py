"""The model's drafts about users, sessions and marks."""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core import drafts as d
from chatd.core.barred import KNOWN_MS
from chatd.core.changes import (
    AccessRevoked,
    AddressBan,
    BlockSet,
    Change,
    SessionOpened,
    SessionsEnded,
    UserAdded,
)
from chatd.core.entities import Sanction, SessionKept
from chatd.ids import SessionId, SessionTag, UserName, session_tag
from chatd.ports import SessionRow, UserRow
from chatd.store import answers
from chatd.wire.events import Millis
from tests.store.model.entities import ModelRoom, Tables


def add_user(model: Tables, draft: d.AddUser) -> d.Outcome:
    """Record a name for ever."""
    if model.is_taken(draft.user):
        return answers.NAME_TAKEN
    if draft.distinct and draft.skeleton in model.user_skeletons:
        return answers.NAME_LOOKS_TAKEN
    if draft.skeleton is not None:
        model.user_skeletons.add(draft.skeleton)
    model.users[draft.user] = UserRow(
        draft.user, draft.display, draft.role, draft.password_hash
    )
    return d.Committed((UserAdded(draft.user, draft.display, draft.role),))


def set_user(
    model: Tables, name: UserName, fields: dict[str, Any], *changes: Change
) -> d.Outcome:
    """Change what is known of a user."""
    if name not in model.users:
        return answers.NO_USER
    model.users[name] = attrs.evolve(model.users[name], **fields)
    return d.Committed(changes)


def set_password_hash(model: Tables, draft: d.SetPasswordHash) -> d.Outcome:
    """Replace a password hash by another of the same password."""
    user = model.users.get(draft.user)
    if user is not None and user.password_hash != draft.instead_of:
        return d.Duplicate()
    return set_user(model, draft.user, {"password_hash": draft.password_hash})


def change_password(model: Tables, draft: d.ChangePassword) -> d.Outcome:
    """Replace a password, and void what the old one opened."""
    user = model.users.get(draft.user)
    if user is not None and user.password_hash != draft.instead_of:
        return answers.PASSWORD_CHANGED
    void = sorted(
        row.session
        for row in _sessions_of(model, draft.user)
        if row.session != draft.session
    )
    revoked = AccessRevoked(draft.user, None, draft.session, tuple(void))
    fields = {"password_hash": draft.password_hash}
    outcome = set_user(model, draft.user, fields, revoked)
    for session in _sessions_of(model, draft.user):
        if session.session == draft.session:
            session.token = session.expires = session.scope = None
            model.links.pop(session.session, None)
        else:
            del model.sessions[session.session]
    for digest in [t for t, row in model.tokens.items() if row.user == draft.user]:
        del model.tokens[digest]
    return outcome


def set_block(model: Tables, draft: d.SetBlock) -> d.Outcome:
    """Begin or end a block."""
    if not {draft.user, draft.blocked} <= model.users.keys():
        return answers.NO_USER
    pair, changes = (
        (draft.user, draft.blocked),
        (BlockSet(draft.user, draft.blocked, draft.on),),
    )
    if draft.on == (pair in model.blocks):
        return d.Duplicate(changes=changes)
    if draft.on:
        model.blocks[pair] = None
    else:
        del model.blocks[pair]
    return d.Committed(changes)


def open_session(model: Tables, draft: d.OpenSession) -> d.Outcome:
    """Record a session, and its new user with it."""
    if draft.token is not None and draft.token not in model.tokens:
        return answers.TOKEN_GONE
    if draft.beside is not None and draft.beside not in model.sessions:
        return answers.SESSION_GONE
    if draft.new_user is not None and model.is_taken(draft.new_user.user):
        return answers.NAME_TAKEN
    if draft.new_user is None and draft.user not in model.users:
        return answers.NO_USER
    link = model.links.get(draft.beside) if draft.beside is not None else None
    if draft.link is not None and (link is None or link[0] != draft.link):
        return answers.LINK_GONE
    if draft.session in model.sessions:
        return answers.NOT_STORED
    if draft.link is not None and draft.beside is not None:
        del model.links[draft.beside]
    changes: tuple[Change, ...] = ()
    if draft.new_user is not None:
        added = add_user(model, draft.new_user)
        assert isinstance(added, d.Committed)
        changes += added.changes
    model.sessions[draft.session] = SessionRow(
        draft.session, draft.user, draft.token, None, draft.expires, draft.scope
    )
    model.opened[draft.session] = draft.created
    model.devices[draft.session] = draft.device
    if draft.address is not None:
        model.users[draft.user].address = draft.address
    changes += (SessionOpened(draft.session, draft.user),)
    ended = _displace(model, draft) if draft.most else ()
    return d.Committed(changes + ((SessionsEnded(ended, draft.user),) if ended else ()))


def hold_session(model: Tables, draft: d.HoldSession) -> d.Outcome:
    """Note that a session is in use again."""
    row = model.sessions.get(draft.session)
    if row is None:
        return answers.SESSION_GONE
    row.idle_since = None
    if draft.device is not None:
        model.devices[draft.session] = draft.device
    return d.Committed()


def note_address(model: Tables, draft: d.NoteAddress) -> d.Outcome:
    """Keep from where a guest comes now."""
    model.departed.pop(draft.user, None)
    return set_user(model, draft.user, {"address": draft.address})


def bar_address(
    model: Tables, place: Tables | ModelRoom, user: UserName, ban: Sanction
) -> AddressBan | None:
    """Have the ban of a guest hold for his address, too, if that is known."""
    address = model.users[user].address
    if address is None:
        return None
    place.barred[user] = AddressBan(user, address, model.reached, ban.until, ban.reason)
    return place.barred[user]


def forget_addresses(model: Tables, now: Millis, kept_ms: Millis) -> None:
    """Forget addresses that are not to be kept any longer."""
    for user, gone in list(model.departed.items()):
        if gone <= now - KNOWN_MS:
            del model.departed[user]
            model.users[user].address = None
    for barred in (model.barred, *(room.barred for room in model.rooms.values())):
        for user, ban in list(barred.items()):
            until = now + 1 if ban.until is None else ban.until
            if ban.at <= now - kept_ms or until <= now:
                del barred[user]


def _displace(model: Tables, draft: d.OpenSession) -> tuple[SessionId, ...]:
    """End sessions of a user who has too many; says which."""
    rows = _sessions_of(model, draft.user)
    idle = sorted(
        (row.idle_since, row.session)
        for row in rows
        if row.idle_since is not None and row.session not in draft.held
    )
    ended = tuple(session for _, session in idle[: max(0, len(rows) - draft.most)])
    for session in ended:
        del model.sessions[session]
    return ended


def renew_session(model: Tables, draft: d.RenewSession) -> d.Outcome:
    """Let a session depend on another token."""
    if draft.token is not None and draft.token not in model.tokens:
        return answers.TOKEN_GONE
    session = model.sessions.get(draft.session)
    if session is None:
        return answers.SESSION_GONE
    session.token = draft.token
    session.expires, session.scope = draft.expires, draft.scope
    return d.Committed()


def end_session(model: Tables, session: SessionId, at: Millis) -> d.Outcome:
    """Void a session; a guest's memberships and invitations go with it.

    His address goes later.
    """
    ended = model.sessions.pop(session, None)
    if ended is None:
        return d.Duplicate(changes=(SessionsEnded((session,)),))
    left = model.is_guest(ended.user) and ended.user not in model.here
    if left:
        for room in model.rooms.values():
            room.members.pop(ended.user, None)
            room.invites.pop(ended.user, None)
        if model.users[ended.user].address is not None:
            model.departed[ended.user] = at
    return d.Committed((SessionsEnded((session,), ended.user, left),))


def end_sessions(model: Tables, draft: d.EndSessions) -> d.Outcome:
    """Void a user's sessions, or those of one token."""
    if draft.user not in model.users:
        return answers.NO_USER
    void = [
        row.session
        for row in _sessions_of(model, draft.user)
        if draft.token in {None, row.token}
    ]
    for session in void:
        end_session(model, session, model.reached)
    changes = (AccessRevoked(draft.user, draft.token, void=tuple(sorted(void))),)
    return d.Committed(changes) if void else d.Duplicate(changes=changes)


def end_named_session(model: Tables, draft: d.EndNamedSession) -> d.Outcome:
    """Void the session that a user names by its tag."""
    for row in _sessions_of(model, draft.user):
        if session_tag(row.session) == draft.tag:
            return end_session(model, row.session, model.reached)
    return answers.NO_SESSION


def sessions_of(
    model: Tables, user: UserName, since: Millis, after: SessionTag
) -> list[SessionKept]:
    """A user's sessions behind `after`, but for those that were idle before `since`."""
    return [
        SessionKept(
            row.session,
            model.opened[row.session],
            row.idle_since,
            model.devices[row.session],
            row.token is not None or row.expires is not None,
        )
        for row in sorted(_sessions_of(model, user), key=lambda row: row.session)
        if session_tag(row.session) > after
        and (row.idle_since is None or row.idle_since >= since)
    ]


def _sessions_of(model: Tables, user: UserName) -> list[SessionRow]:
    return [row for row in model.sessions.values() if row.user == user]


def save_marks(model: Tables, draft: d.SaveMarks) -> d.Outcome:
    """Write read marks, idle times and devices."""
    for (name, user), seq in draft.reads.items():
        room = model.room(name)
        if room is not None and user in room.members:
            room.members[user].read = seq
    for session, idle in draft.idle.items():
        if session in model.sessions:
            model.sessions[session].idle_since = idle
    for session, device in draft.devices.items():
        if session in model.sessions:
            model.devices[session] = device
    return d.Committed()
