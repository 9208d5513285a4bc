"""Rooms that are made, called otherwise, trimmed and ended: applied and told."""

from __future__ import annotations

from itertools import chain

from chatd.core.agenda import Due
from chatd.core.applying.members import enter, joined, uninvited, withdraw
from chatd.core.changes import (
    RoomDeclared,
    RoomEnded,
    RoomMade,
    RoomRenamed,
    RoomTrimmed,
)
from chatd.core.effects import Deliver, Effect, Rename, Subscribe, Tell
from chatd.core.entities import Room
from chatd.core.inputs import Now
from chatd.core.state import Chat
from chatd.ids import ConnectionId, Seq, direct_members, is_direct
from chatd.wire.events import Renamed


def made(chat: Chat, change: RoomMade, now: Now) -> list[Effect]:
    """Take a new room, its first event and its members.

    The event comes before the members, whose read mark is the head. The two of a direct
    conversation are subscribed to it at once.
    """
    durable, event = chat.durable, change.event
    durable.set_maker(change.room, change.maker)
    if not _is_needed(chat, change):
        return []
    room = Room(
        *(change.room, change.epoch, Seq(0), Seq(1), change.settings),
        maker=change.maker,
    )
    if not durable.add_room(room):
        return []
    if event is not None:
        durable.advance(room, event)
    for name, role in change.members.items():
        if durable.is_somebody(name):
            enter(chat, room, name, role, now)
    chat.live.note_unheld(room, now.mono)
    if not room.members:
        # Who made it was a guest whose session has ended meanwhile.
        chat.live.emptied[room.name] = False
    if is_direct(room.name):
        wanted = _subscribe_both(chat, room)
    else:
        wanted = [one for name in room.members for one in joined(chat, room, name)]
    return [*wanted, Deliver(event)] if event is not None else wanted


def _is_needed(chat: Chat, change: RoomMade) -> bool:
    """Whether a new room has to be in memory: not one of two who have gone."""
    known = map(chat.durable.users.get, change.members)
    return not is_direct(change.room) or any(
        user is not None and user.whole for user in known
    )


def _subscribe_both(chat: Chat, room: Room) -> list[Effect]:
    wanted: list[Effect] = []
    for name in direct_members(room.name):
        for number in chat.connections_of(name):
            connection = chat.connection(number)
            if connection is not None and chat.may_follow(connection, room.name):
                chat.live.note_subscription(connection, room.name)
                wanted.append(Subscribe(number, room.name))
    return wanted


def declared(chat: Chat, change: RoomDeclared, now: Now) -> list[Effect]:
    """Take the settings of a room that the configuration declares."""
    room = chat.durable.rooms.get(change.room)
    if room is not None:
        is_changed = room.settings != change.settings
        chat.durable.declare(room, change.settings)
        if is_changed:
            chat.live.note_untrimmed(room, now.mono)
            if not room.settings.slow_s:
                room.sayings.clear()
        chat.live.agenda.cancel(Due.UNHELD, room.name)
    return []


def renamed(chat: Chat, change: RoomRenamed, now: Now) -> list[Effect]:
    """Take another name of a room, and tell those who know it before anything else."""
    if change.name == change.room:
        return []
    maker = chat.durable.makers.get(change.room)
    if maker is not None:
        chat.durable.set_maker(change.room, None)
        chat.durable.set_maker(change.name, maker)
    room = chat.durable.rooms.get(change.room)
    if room is None:
        return []
    chat.durable.rename_room(room, change.name)
    moved = chat.live.note_renamed(room, change.room, now.mono)
    return [
        Rename(change.room, change.name, moved),
        Tell(_told_of(chat, room, now), Renamed(change.name, [change.room])),
    ]


def _told_of(chat: Chat, room: Room, now: Now) -> list[ConnectionId]:
    """Connections that know the room by its name: of members, and who is asked in."""
    numbers = [chat.told_of(user, room.name) for user in room.online]
    for user in room.invited:
        invite = chat.durable.open_invite(user, room.name, now.sure)
        if invite is not None:
            numbers.append(chat.told_of_invite(user, room.name, invite))
    return list(chain.from_iterable(numbers))


def ended(chat: Chat, change: RoomEnded, now: Now) -> list[Effect]:
    """Let everybody out of a room, and forget it."""
    durable, event = chat.durable, change.event
    durable.set_maker(change.room, None)
    room = durable.rooms.get(change.room)
    if room is None:
        return []
    if event is not None:
        durable.advance(room, event)
    wanted = withdraw(chat, room.online, room.name, "destroy", event)
    for user in room.invited:
        invite = durable.invite(user, room.name)
        wanted += uninvited(chat, user, room.name, invite, now)
    chat.live.note_ended(room)
    durable.drop_room(room)
    return wanted


def trimmed(chat: Chat, change: RoomTrimmed, _now: Now) -> list[Effect]:
    """Take the beginning of a timeline, which only moves forward."""
    room = chat.durable.room(change.room)
    if room is not None:
        chat.durable.trim(room, change.first)
    return []
