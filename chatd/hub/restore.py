"""From the store's snapshot to the chat, once, at the start.

Also what the configuration declares: rooms that are missing are created, topics
that were changed in the file are written, before anybody is let in.
"""

from __future__ import annotations

from collections.abc import Callable

from chatd.config import Config
from chatd.core.drafts import CreateRoom, Draft, SetTopic
from chatd.core.entities import Membership, Room, Session, User
from chatd.core.state import Chat, Due
from chatd.ids import Epoch, Seq
from chatd.ports import Snapshot


def restore(snapshot: Snapshot, config: Config, now: float) -> Chat:
    """Build the chat.

    Args:
        snapshot: What the store had.
        config: The settings.
        now: The moment on the clock of the deadlines, from which guests'
            sessions are held.

    Returns:
        The state, with nobody online.
    """
    chat = Chat(presence_tick_s=config.presence.tick_s)
    for user in snapshot.users:
        chat.users[user.user] = User(user.user, user.display, user.role)
    declared = {room.name for room in config.rooms.permanent}
    for row in snapshot.rooms:
        room = Room(
            row.room, row.epoch, row.head, row.first, row.topic, row.room in declared
        )
        chat.rooms[room.name] = room
        for member in row.members:
            room.members[member.user] = Membership(member.role, member.read)
            chat.users[member.user].rooms[room.name] = None
    for session in snapshot.guest_sessions:
        entry = Session(session.session, session.user, idle_from=now)
        chat.sessions[entry.id] = entry
        chat.users[entry.user].sessions[entry.id] = None
        chat.add_deadline(now + config.auth.guest_hold_s, Due.GUEST, entry.id)
    return chat


def declare(chat: Chat, config: Config, new_epoch: Callable[[], Epoch]) -> list[Draft]:
    """Bring the declared rooms into the chat.

    Returns:
        What has to be committed before the daemon serves.
    """
    drafts: list[Draft] = []
    for wanted in config.rooms.permanent:
        room = chat.rooms.get(wanted.name)
        if room is None:
            room = Room(wanted.name, new_epoch(), Seq(0), Seq(1), wanted.topic)
            chat.rooms[room.name] = room
            drafts.append(CreateRoom(room.name, room.epoch, room.topic, members={}))
        elif room.topic != wanted.topic:
            room.topic = wanted.topic
            drafts.append(SetTopic(room.name, room.topic))
        room.declared = True
    return drafts
