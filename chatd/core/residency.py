"""What of the store is in memory: what is in use, not what has ever been.

In memory are rooms that somebody here is in or was asked into, with all who are in
them, and users who are here. They are read when they are needed
(`chatd.core.loading`), and let go a while after nobody needs them any more:

* A user whose rooms are all in memory is `whole`: everybody who is online, and for a
  while who has gone. Guests are whole as long as they have a session.
* Whoever a command has named is there for a while without his own rooms.
* A room is there while it is `held` by a whole user, or declared by the configuration,
  or was named by a command not long ago. Of one that is not in memory nobody is here
  who could be told of anything, so a change of it need not be applied.

Nothing goes of which something still has to be written, since what is read again has to
have it; nor what would be forgotten with it, though it still counts: who may make how
many rooms, who has to wait in slow mode.

Invariants: `chatd.core.invariants`.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatd.core import slowmode
from chatd.core.agenda import Due
from chatd.core.applying.members import (
    bar,
    invited,
    joined,
    put_invite,
    set_ban,
    set_mute,
)
from chatd.core.effects import Effect
from chatd.core.entities import IDLE_S, Room, User
from chatd.core.inputs import Now
from chatd.core.rows import RoomRow, UserRecord
from chatd.core.state import Chat
from chatd.ids import RoomName, is_guest

# --- into memory ------------------------------------------------------------------


def take_user(chat: Chat, record: UserRecord, now: float) -> User:
    """Take a user into memory; one who is there is younger, and left alone."""
    row, durable = record.user, chat.durable
    user = User(row.user, row.display, row.role, ban=row.ban, address=row.address)
    known = durable.add_user(user)
    if known is not user:
        return known
    if not is_guest(user.name) or chat.live.node is not None:
        chat.live.agenda.add(now + IDLE_S, Due.IDLE, user.name)
    for blocked in record.blocks:
        durable.set_block(user.name, blocked, on=True)
    for room in record.made:
        durable.set_maker(room, user.name)
    return user


def take_room(chat: Chat, row: RoomRow, now: Now, *, declared: bool = False) -> Room:
    """Take a room into memory; one that is there is younger, and left alone.

    Args:
        chat: The state.
        row: What the store has.
        now: The moment.
        declared: Whether the configuration names it.
    """
    room = Room(
        *(row.room, row.epoch, row.head, row.first, row.settings),
        declared=declared,
        was=row.was,
        maker=row.maker,
        spoken=row.spoken,
        rights=row.rights,
    )
    durable = chat.durable
    if not durable.add_room(room):
        return durable.rooms[room.name]
    durable.put_members(room, row.members)
    if chat.live.node is not None:
        # Put into it by another node, somebody may be here already.
        for user in room.members.keys() & durable.users.keys():
            chat.live.note_entered(room, user, now.mono)
    for user, ban in row.bans.items():
        set_ban(chat, room, user, ban, None if ban.until is None else now.mono)
    for user, mute in row.mutes.items():
        look_again = None if mute.until is None else now.mono
        set_mute(chat, room, user, mute, now, look_again)
    for barred in row.barred:
        bar(chat, room.name, barred, now)
    for user, invite in row.invites.items():
        put_invite(chat, room, user, invite, now.mono)
    for user, ban in row.banned.items():
        durable.read_ban(room, user, ban)
    chat.live.note_unheld(room, now.mono)
    return room


def bring_in(chat: Chat, room: Room, now: Now) -> list[Effect]:
    """Tell those who are here of a room that is theirs by what another node did.

    They were online before it was in memory.
    """
    wanted: list[Effect] = []
    users = chat.durable.users
    for name in room.members.keys() & users.keys():
        if users[name].whole:
            wanted += joined(chat, room, name)
    for name in room.invited:
        if name in users and chat.durable.open_invite(name, room.name, now.sure):
            wanted += invited(chat, room, name)
    return wanted


# --- and out of it ----------------------------------------------------------------


def let_go_user(chat: Chat, user: User, now: float) -> None:
    """Let go of what is in memory for a user who has been gone for a while."""
    durable = chat.durable
    if user.whole:
        durable.set_whole(user, on=False)
        names = *durable.rooms_of(user.name), *durable.invites.get(user.name, ())
        _let_go(chat, [durable.rooms[name] for name in names], now)
    if _has_spent(user, now):
        chat.live.agenda.add(now + IDLE_S, Due.IDLE, user.name)
    else:
        durable.drop_user(user)


def _has_spent(user: User, now: float) -> bool:
    """Whether a user who is not here has taken more than has come back since."""
    return any(
        bucket is not None and not bucket.is_full(now)
        for bucket in (user.messages, user.ephemeral, user.creations)
    )


def let_go_room(chat: Chat, room: Room, now: float) -> None:
    """Let go of a room that nobody holds, now or when nothing keeps it any more."""
    _let_go(chat, [room], now)


def _let_go(chat: Chat, rooms: Iterable[Room], now: float) -> None:
    """Let go of those of some rooms that nobody holds, each named once or twice."""
    live = chat.live
    read = {name for name, _ in live.reads}
    for room in rooms:
        if room.held or room.declared or chat.durable.rooms.get(room.name) is not room:
            continue
        if _is_kept(chat, room, read, now):
            live.note_unheld(room, now)
        else:
            live.note_ended(room)
            chat.durable.drop_room(room)


def _is_kept(chat: Chat, room: Room, read: set[RoomName], now: float) -> bool:
    """Whether something of a room is on its way to the store, or counts still.

    Args:
        chat: The state.
        room: One that nobody holds.
        read: The rooms of which reading marks have to be written.
        now: The moment.
    """
    live = chat.live
    return (
        any(
            name in live.writing or name in live.emptied or name in read
            for name in (room.name, *room.was)
        )
        or chat.live.agenda.has(Due.EMPTY, room.name)
        or slowmode.matters(room, now)
    )
