"""What of the store is in memory: direct conversations of who is here.

Direct conversations never end, so there are as many as there have ever been. One is in
memory while one of its two is here: all of a user's are read when he says hello
(`chatd.core.commands.sessions`), and let go a while after he has gone, unless the other
one is here. Of one that is not in memory nobody is here who could be told of anything,
so a change of it need not be applied. All other rooms, and all accounts, are in memory
from the start on.

Invariants: `User.whole` of everybody who is online, and of one of the two of each
direct conversation (`chatd.core.invariants`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatd.core.agenda import Due
from chatd.core.entities import IDLE_S, Membership, Room, User
from chatd.core.state import Chat
from chatd.ids import UserName, is_direct

Stored = Sequence[tuple[Room, Mapping[UserName, Membership]]]
"""Rooms as the store has them, each with its members."""


def take(chat: Chat, user: User, found: Stored, now: float) -> None:
    """Take a user's direct conversations into memory; what is there is younger."""
    durable = chat.durable
    durable.set_whole(user, on=True)
    chat.live.agenda.add(now + IDLE_S, Due.IDLE, user.name)
    for room, members in found:
        if not durable.add_room(room):
            continue
        for name, member in members.items():
            if name in durable.users:
                durable.put_member(room, durable.users[name], member)


def let_go(chat: Chat, user: User, now: float) -> None:
    """Let go of the direct conversations of a user who has been gone for a while.

    Not while something of them is still to be written: what is read again has to have
    it.
    """
    rooms = [chat.durable.rooms[name] for name in user.rooms if is_direct(name)]
    if any(_is_unwritten(chat, room) for room in rooms):
        chat.live.agenda.add(now + IDLE_S, Due.IDLE, user.name)
        return
    chat.durable.set_whole(user, on=False)
    for room in rooms:
        drop_unneeded(chat, room)


def _is_unwritten(chat: Chat, room: Room) -> bool:
    """Whether something of a room is on its way to the store, or has to go there."""
    return room.name in chat.live.writing or any(
        (room.name, name) in chat.live.reads for name in room.members
    )


def drop_unneeded(chat: Chat, room: Room) -> None:
    """Let go of a direct conversation unless one of the two needs it."""
    users = chat.durable.users
    if is_direct(room.name) and not any(users[name].whole for name in room.members):
        chat.live.note_ended(room)
        chat.durable.end_room(room)
        chat.live.loads.note_changed(room.name)
