"""Who is in a room and what he may do there: applied and told.

Whoever is removed gets his own event as the room's last: he is no receiver any more
when it is delivered to the others, and it is told to him alone, so that it cannot
become part of a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from chatd.core.agenda import Due
from chatd.core.barred import TIDY_S
from chatd.core.changes import AddressBan, LevelSet, MemberSet, Moderated
from chatd.core.effects import Deliver, Effect, Tell, Unsubscribe
from chatd.core.entities import (
    HOLD_OFF_MS,
    INVITE_S,
    Invite,
    Membership,
    Room,
    Sanction,
)
from chatd.core.inputs import Now
from chatd.core.state import Chat
from chatd.enums import MemberChange, Role
from chatd.ids import ConnectionId, RoomName, Seq, UserName
from chatd.wire.events import (
    Invited,
    Left,
    Member,
    Notify,
    TimelineEvent,
    Uninvited,
)
from chatd.wire.rooms import Joined

REMOVALS = (MemberChange.KICK, MemberChange.BAN)
"""Acts of moderation that end a membership."""


def member_set(chat: Chat, change: MemberSet, now: Now) -> list[Effect]:
    """Take a change of somebody's own membership."""
    durable, event = chat.durable, change.event
    room, user = durable.room(change.room), change.user
    if room is None:
        return []
    if event is not None:
        if event.seq <= room.head:
            return []
        durable.advance(room, event)
    wanted: list[Effect] = []
    if change.role is None:
        if leave(chat, room, user, now):
            wanted += withdraw(chat, [user], room.name, MemberChange.LEAVE, event)
        return [*wanted, Deliver(event)] if event is not None else wanted
    before = durable.invite(user, room.name)
    if durable.is_somebody(user):
        is_new = user not in room.members
        enter(chat, room, user, change.role, now, change.first)
        if is_new:
            wanted += joined(chat, room, user)
    if event is not None:
        wanted.append(Deliver(event))
    return wanted + uninvited(chat, user, room.name, before, now)


def level_set(chat: Chat, change: LevelSet, _now: Now) -> list[Effect]:
    """Take what a member wants to be called for, and tell all of his devices."""
    room, user = chat.durable.room(change.room), change.user
    if room is None or user not in room.members:
        return []
    if room.members[user].level is change.level:
        return []
    chat.durable.set_level(room, user, change.level)
    numbers = chat.told_of(user, room.name)
    return [Tell(numbers, Notify(room.name, change.level))] if numbers else []


def moderated(chat: Chat, change: Moderated, now: Now) -> list[Effect]:
    """Take an act of moderation, and remove who has to go."""
    event, durable = change.event, chat.durable
    room, target = durable.rooms.get(event.room), event.user
    if room is None or event.seq <= room.head:
        return []
    # A ban of somebody who is not there tells him nothing, not even of the room.
    is_removal = event.change in REMOVALS and target in room.members
    before = durable.invite(target, room.name)
    durable.advance(room, event)
    _moderate(chat, room, event, now)
    if change.barred is not None:
        bar(chat, room.name, change.barred, now)
    wanted: list[Effect] = []
    if is_removal:
        wanted += withdraw(chat, [target], room.name, event.change, event)
    wanted.append(Deliver(event))
    if event.change == MemberChange.INVITE:
        wanted += invited(chat, room, target)
    elif event.change in HOLD_OFF_MS:
        wanted += uninvited(chat, target, room.name, before, now)
    return wanted


def _moderate(chat: Chat, room: Room, event: Member, now: Now) -> None:
    target = event.user
    sanction = Sanction(event.until, event.reason)
    # Looked at again by then, if it ends by itself.
    at = None if event.until is None else now.mono + (event.until - event.ts) / 1000
    match event.change:
        case MemberChange.INVITE:
            put_invite(chat, room, target, Invite(event.sender, event.ts), now.mono)
        case MemberChange.BAN:
            set_ban(chat, room, target, sanction, at)
        case MemberChange.UNBAN:
            set_ban(chat, room, target, None)
            unbar(chat, room.name, target)
        case MemberChange.MUTE:
            set_mute(chat, room, target, sanction, now, at)
        case MemberChange.UNMUTE:
            set_mute(chat, room, target, None, now)
    last = chat.durable.invite(target, room.name)
    if last is not None and event.change in HOLD_OFF_MS:
        put_invite(chat, room, target, last.closed(event.change, event.ts), now.mono)
    if target in room.members:
        if event.change == MemberChange.ROLE and event.role is not None:
            chat.durable.set_role(room, target, event.role)
        elif event.change in REMOVALS:
            leave(chat, room, target, now)


# --- steps of it, in other changes too ----------------------------------------------


def enter(
    chat: Chat, room: Room, user: UserName, role: Role, now: Now, first: Seq = Seq(1)
) -> None:
    """Have somebody in a room with a role; a ban of his has lapsed."""
    if user in room.members:
        chat.durable.set_role(room, user, role)
        return
    chat.durable.put_member(room, user, Membership(role, room.head, first))
    set_ban(chat, room, user, None)
    forget_invite(chat, room, user, now)
    chat.live.note_entered(room, user, now.mono)


def leave(chat: Chat, room: Room, user: UserName, now: Now) -> bool:
    """Have somebody in a room no more; whether he was."""
    if user not in room.members:
        return False
    chat.live.note_leaving(room, user, now.mono)
    chat.durable.drop_member(room, user)
    chat.live.note_unheld(room, now.mono)
    return True


def set_ban(
    chat: Chat,
    room: Room,
    user: UserName,
    ban: Sanction | None,
    look_again: float | None = None,
) -> None:
    """Ban somebody from a room, or no longer."""
    chat.live.agenda.cancel(Due.BAN, (user, room.name))
    chat.durable.set_ban(room, user, ban)
    if look_again is not None:
        chat.live.agenda.add(look_again, Due.BAN, (user, room.name))


def set_mute(
    chat: Chat,
    room: Room,
    user: UserName,
    mute: Sanction | None,
    now: Now,
    look_again: float | None = None,
) -> None:
    """Mute somebody in a room, or no longer."""
    chat.live.note_muting(room, user, now.mono)
    chat.live.agenda.cancel(Due.MUTE, (user, room.name))
    chat.durable.set_mute(room, user, mute)
    if look_again is not None:
        chat.live.agenda.add(look_again, Due.MUTE, (user, room.name))


def put_invite(
    chat: Chat, room: Room, user: UserName, invite: Invite, now: float
) -> None:
    """Take an invitation, or its end, in place of what was before.

    It is forgotten by the clock of the deadlines; whether it still matters says
    the one of people, so one that was stored before the start may stay longer
    than it matters, as may one that has ended.
    """
    chat.durable.put_invite(user, room, invite)
    chat.live.agenda.add(now + INVITE_S, Due.FORGET_INVITE, (user, room.name))


def forget_invite(chat: Chat, room: Room, user: UserName, now: Now) -> None:
    """Let go of an invitation: it was answered, or is void."""
    chat.live.agenda.cancel(Due.FORGET_INVITE, (user, room.name))
    chat.durable.drop_invite(user, room)
    chat.live.note_unheld(room, now.mono)


def bar(chat: Chat, place: RoomName | None, ban: AddressBan, now: Now) -> None:
    """Let no guest in from an address."""
    is_first = place not in chat.durable.barred
    chat.durable.bar(place, ban)
    if is_first and place in chat.durable.barred:
        chat.live.agenda.add(now.mono + TIDY_S, Due.ADDRESS_BANS, place)


def unbar(chat: Chat, place: RoomName | None, user: UserName) -> None:
    """Let guests in again whom somebody's ban has kept out beside him."""
    chat.durable.unbar(place, user)
    if place not in chat.durable.barred:
        chat.live.agenda.cancel(Due.ADDRESS_BANS, place)


# --- who is told ------------------------------------------------------------------


def withdraw(
    chat: Chat,
    users: Iterable[UserName],
    room: RoomName,
    reason: str,
    event: TimelineEvent | None,
) -> list[Effect]:
    """Take a room from all connections of its former members, and tell each of them.

    To be wanted before the event is delivered to the others. Told to each alone,
    it is behind what was delivered before, and the last that he gets of the room:
    what of that has to wait for a slow reader is dropped, this is not.
    """
    held: list[ConnectionId] = []
    told: list[ConnectionId] = []
    wanted: list[Effect] = []
    connections = chat.live.connections
    for number in chain.from_iterable(map(chat.connections_of, users)):
        connection = connections[number]
        if connection.subscriptions.pop(room, None) is not None:
            wanted.append(Unsubscribe(number, room, drop=False))
            held.append(number)
        elif chat.may_be_told(connection, room):
            told.append(number)
    if held and event is not None:
        wanted.append(Tell(held, event))
    if held or told:
        wanted.append(Tell([*held, *told], Left(room, reason)))
    return wanted


def joined(chat: Chat, room: Room, user: UserName) -> list[Effect]:
    """Tell a user's devices of a room that is his from here on."""
    numbers = chat.told_of(user, room.name)
    frame = Joined(room.name, room.epoch, room.head)
    return [Tell(numbers, frame)] if numbers else []


def invited(chat: Chat, room: Room, user: UserName) -> list[Effect]:
    """Tell somebody who asks him into a room."""
    found = chat.durable.invites[user][room.name]
    numbers = chat.told_of_invite(user, room.name, found)
    title = room.settings.title
    return [Tell(numbers, Invited(room.name, found.sender, title))] if numbers else []


def uninvited(
    chat: Chat, user: UserName, room: RoomName, before: Invite | None, now: Now
) -> list[Effect]:
    """Tell somebody that an invitation is over, if one was open.

    Args:
        chat: The state.
        user: Whose it was.
        room: Into which room.
        before: What there was of it before it ended.
        now: The moment.
    """
    if before is None or not before.waits(now.sure):
        return []
    numbers = chat.told_of_invite(user, room, before)
    return [Tell(numbers, Uninvited(room))] if numbers else []
