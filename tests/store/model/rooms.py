"""The model's drafts about rooms: their beginning, their settings, their members."""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core import drafts as d
from chatd.core.changes import (
    Appended,
    LevelSet,
    MemberSet,
    Moderated,
    RoomDeclared,
    RoomRenamed,
    SettingsSet,
)
from chatd.core.entities import HOLD_OFF_MS, Invite, Membership, Sanction
from chatd.core.settings import RoomSettings
from chatd.enums import Level, MemberChange, Role
from chatd.ids import Seq, UserName
from chatd.store import answers
from chatd.store.digest import creation_digest, is_creation_retry
from chatd.store.stretches import stamp
from chatd.wire import events as e
from chatd.wire.events import Millis
from tests.store.model.entities import ModelRoom, Tables
from tests.store.model.people import bar_address


def create_room(model: Tables, draft: d.CreateRoom, now: Millis) -> d.Outcome:
    """Create a room with its first members; one that exists stays as it is."""
    known = recall_creation(model, draft)
    if known is not None:
        return known
    creator = next(iter(draft.members), None)
    if model.room(draft.room) is not None:
        return d.Duplicate()
    before = model.room_ever(draft.room)
    is_free = draft.by_operator or not draft.members
    if not (before is None or is_free or model.is_left_to(before, draft.maker)):
        return answers.ROOM_ENDED
    if draft.distinct and model.room_looks_taken(draft.skeleton, before):
        return answers.ROOM_LOOKS_TAKEN
    if not draft.members.keys() <= model.users.keys():
        return answers.NO_USER
    if before is not None:
        model.release_name(before, draft.room)
    maker = draft.maker if draft.maker in model.users else None
    room = ModelRoom(draft.room, draft.epoch, draft.settings, maker=maker)
    model.rooms[draft.room] = room
    room.looks[draft.room] = draft.skeleton
    event = None
    if draft.event and creator is not None:
        role = draft.members[creator]
        event = _tell(room, creator, creator, MemberChange.JOIN, now, {"role": role})
    for name, role in draft.members.items():
        room.members[name] = Membership(Role(role), room.head)
    if draft.cid is not None and creator is not None:
        digest = creation_digest(draft)
        model.creations[creator, draft.cid] = digest, room
    return d.Committed((answers.made(draft, event),))


def recall_creation(
    model: Tables, draft: d.CreateRoom
) -> d.Duplicate | d.Conflict | None:
    """Which room the draft's cid made before; None if none."""
    creator = next(iter(draft.members), None)
    if draft.cid is None or creator is None:
        return None
    known = model.creations.get((creator, draft.cid))
    if known is None:
        return None
    same = is_creation_retry(known[0], draft)
    return d.Duplicate(room=known[1].name) if same else d.Conflict()


def declare_room(model: Tables, draft: d.DeclareRoom) -> d.Outcome:
    """Keep a declared room's settings as they are declared."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    room.settings = draft.settings
    return d.Committed((RoomDeclared(draft.room, draft.settings),))


def set_room(room: ModelRoom, draft: d.SetRoom, now: Millis) -> d.Outcome:
    """Change some of a room's settings."""
    after: RoomSettings = room.settings.with_(draft.changes)
    changes = after.since(room.settings)
    if not changes:
        return d.Duplicate(room.head, room.last_ts)
    room.settings = after
    event = room.add(e.Room(*room.stamp(now), draft.user, **changes))
    return d.Committed((SettingsSet(changes, event),))


def rename_room(
    model: Tables, room: ModelRoom, draft: d.RenameRoom, now: Millis
) -> d.Outcome:
    """Give a room another name."""
    before, name = room.name, draft.name
    if before == name:
        return d.Duplicate(room.head, room.last_ts)
    if model.room_ever(name) not in (None, room):
        is_there = model.room(name) is not None
        return answers.ROOM_EXISTS if is_there else answers.ROOM_NAME_TAKEN
    if draft.distinct and model.room_looks_taken(draft.skeleton, room):
        return answers.NAME_LOOKS_TAKEN
    _, seq, ts = room.stamp(now)
    model.former.pop(name, None)
    model.former[before] = room
    room.was = [former for former in room.was if former != name] + [before]
    room.looks[name] = draft.skeleton
    room.name = name
    model.rooms[name] = model.rooms.pop(before)
    event = room.add(e.Rename(name, seq, ts, draft.user, name, was=[before]))
    return d.Committed((RoomRenamed(before, name), Appended(event)))


def set_member(model: Tables, draft: d.SetMember, now: Millis) -> d.Outcome:
    """Change a membership, with or without an event."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if draft.user not in model.users:
        return answers.NO_USER
    if draft.may_own and draft.event and not room.members:
        draft = attrs.evolve(draft, role=Role.OWNER)
    member = room.members.get(draft.user)
    first = member.first if member else Seq(1)
    if draft.role == (member.role if member else None):
        same = MemberSet(room.name, draft.user, draft.role, first)
        return d.Duplicate(changes=(same,))
    if draft.role is None and _is_last_owner(room, draft.user):
        return answers.NO_OWNER_LEFT
    event = None
    if draft.event:
        change = MemberChange.ROLE if member else MemberChange.JOIN
        if draft.role is None:
            change = MemberChange.LEAVE
        said = {} if draft.role is None else {"role": draft.role}
        event = _tell(room, draft.user, draft.user, change, now, said)
    if draft.role is None:
        del room.members[draft.user]
    elif member is not None:
        member.role = Role(draft.role)
    else:
        first = Seq(room.head + (not draft.event)) if draft.since_join else Seq(1)
        member = Membership(Role(draft.role), room.head, first)
        room.members[draft.user] = member
        room.invites.pop(draft.user, None)
        room.bans.pop(draft.user, None)
    return d.Committed((MemberSet(room.name, draft.user, draft.role, first, event),))


def set_level(model: Tables, draft: d.SetLevel) -> d.Outcome:
    """Keep what a member wants to be called for."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if draft.user not in model.users:
        return answers.NO_USER
    member = room.members.get(draft.user)
    if member is None:
        return answers.NOT_MEMBER
    changes = (LevelSet(room.name, draft.user, draft.level),)
    if member.level == draft.level:
        return d.Duplicate(changes=changes)
    member.level = Level(draft.level)
    return d.Committed(changes)


def _is_last_owner(room: ModelRoom, user: UserName) -> bool:
    """Whether others would stay without an owner if the user left."""
    others = [row.role for name, row in room.members.items() if name != user]
    was_owner = room.members[user].role == Role.OWNER
    return was_owner and bool(others) and Role.OWNER not in others


def moderate(
    model: Tables, room: ModelRoom, draft: d.Moderate, now: Millis
) -> d.Outcome:
    """Change what somebody else may do in a room."""
    target = draft.target
    if target not in model.users:
        return answers.NO_USER
    member = room.members.get(target)
    if draft.change in (MemberChange.KICK, MemberChange.ROLE) and member is None:
        return answers.NOT_IN_ROOM
    if member is None and model.is_guest(target) and target not in model.here:
        if draft.change in (MemberChange.INVITE, MemberChange.MUTE):
            return answers.NO_USER
        if draft.change == MemberChange.BAN and model.users[target].address is None:
            return answers.NO_USER
    if _is_done(room, draft, member, now):
        return d.Duplicate(room.head, room.last_ts)
    ts = stamp(now, room.last_ts)
    until = None if draft.seconds is None else ts + draft.seconds * 1000
    sanction = Sanction(until, draft.reason)
    said = {"role": draft.role, "until": until, "reason": draft.reason}
    detail = {name: value for name, value in said.items() if value is not None}
    event = _tell(room, draft.user, target, draft.change, now, detail)
    barred = None
    match draft.change:
        case MemberChange.INVITE:
            room.invites[target] = Invite(draft.user, ts)
        case MemberChange.BAN:
            barred = bar_address(model, room, target, sanction)
            room.bans[target] = sanction
        case MemberChange.UNBAN:
            del room.bans[target]
            room.barred.pop(target, None)
        case MemberChange.MUTE:
            room.mutes[target] = sanction
        case MemberChange.UNMUTE:
            del room.mutes[target]
        case MemberChange.ROLE:
            assert draft.role is not None
            room.members[target].role = Role(draft.role)
    last = room.invites.get(target)
    if last is not None and draft.change in HOLD_OFF_MS:
        until = max(ts + HOLD_OFF_MS[draft.change], last.closed_until or 0)
        room.invites[target] = attrs.evolve(last, closed_until=until)
    if draft.change in (MemberChange.KICK, MemberChange.BAN):
        room.members.pop(target, None)
    return d.Committed((Moderated(event, barred),))


def _is_done(
    room: ModelRoom, draft: d.Moderate, member: Membership | None, now: Millis
) -> bool:
    """Whether the act would change nothing."""
    match draft.change:
        case MemberChange.INVITE:
            return _is_invited(room, draft.target, now) or member is not None
        case MemberChange.UNINVITE | MemberChange.DECLINE:
            return not _is_invited(room, draft.target, now)
        case MemberChange.ROLE:
            return member is not None and member.role == draft.role
        case MemberChange.BAN:
            return member is None and _same(room.bans, draft)
        case MemberChange.MUTE:
            return _same(room.mutes, draft)
        case MemberChange.UNBAN:
            return draft.target not in room.bans
        case MemberChange.UNMUTE:
            return draft.target not in room.mutes
    return False


def _is_invited(room: ModelRoom, user: UserName, now: Millis) -> bool:
    """Whether an invitation of the user is open."""
    invite = room.invites.get(user)
    return (
        invite is not None
        and invite.closed_until is None
        and not answers.lapsed(invite.ts, now)
    )


def _same(held: dict[UserName, Sanction], draft: d.Moderate) -> bool:
    asked = Sanction(None, draft.reason)
    return draft.seconds is None and held.get(draft.target) == asked


def _tell(
    room: ModelRoom,
    sender: UserName,
    user: UserName,
    change: MemberChange,
    now: Millis,
    said: dict[str, Any],
) -> e.Member:
    return room.add(e.Member(*room.stamp(now), sender, user, change, **said))
