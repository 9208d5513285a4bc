"""What is said in rooms, and their settings: applied and delivered."""

from __future__ import annotations

from chatd.core import slowmode
from chatd.core.changes import Appended, FollowSet, SettingsSet, ThreadRead
from chatd.core.effects import Deliver, DeliverHidden, Effect, Tell
from chatd.core.entities import Room
from chatd.core.inputs import Now
from chatd.core.state import Chat
from chatd.ids import ConnectionId, Seq, UserName, direct_partner
from chatd.wire.events import (
    Edit,
    Hidden,
    Mention,
    Message,
    TimelineEvent,
)
from chatd.wire.threads import Followed, ThreadMark, ThreadUnread


def appended(chat: Chat, change: Appended, now: Now) -> list[Effect]:
    """Take an event into its room, and tell those newly addressed of it."""
    event = change.event
    room = chat.durable.rooms.get(event.room)
    if room is None or event.seq <= room.head:
        return []
    chat.durable.advance(room, event)
    kind = type(event)
    if kind is Message:
        chat.live.note_written(room, event.sender, event.seq)
    if room.settings.slow_s:
        if kind is Message:
            slowmode.note_said(room, event.sender, event.seq, now.mono)
        elif isinstance(event, Edit):
            slowmode.note_corrected(room, event.sender, event.of)
    wanted: list[Effect] = [_hidden(chat, event) if change.hidden else Deliver(event)]
    if change.addressed is not None:
        wanted += _mentions(chat, room, change)
    if change.thread is not None:
        wanted += _thread(chat, room, change, change.thread)
    return wanted


def settings_set(chat: Chat, change: SettingsSet, now: Now) -> list[Effect]:
    """Take changed settings."""
    event = change.event
    room = chat.durable.rooms.get(event.room)
    if room is None or event.seq <= room.head:
        return []
    chat.durable.advance(room, event)
    chat.durable.set_settings(room, change.changes)
    if not room.settings.slow_s:
        room.sayings.clear()
    chat.live.note_untrimmed(room, now.mono)
    return [Deliver(event)]


def _hidden(chat: Chat, event: TimelineEvent) -> DeliverHidden:
    """Send an event to its room, but not to the one who blocks its sender."""
    blocker = chat.connections_of(direct_partner(event.room, event.sender))
    return DeliverHidden(event, Hidden.instead_of(event), blocker)


def _mentions(chat: Chat, room: Room, change: Appended) -> list[Effect]:
    """Tell those newly addressed, on all of their connections.

    Also where the room is followed: so no client need parse a text to know that it is
    meant for its user.
    """
    event, found = change.event, change.addressed
    assert found is not None
    seq = event.of if isinstance(event, Edit) else event.seq
    told = frozenset(change.told)
    numbers = [
        number
        for name in (room.online if found.everybody else found.users)
        if name in room.online and name != event.sender and name not in told
        if reaches(room, name, seq)
        for number in _told(chat, name, event)
    ]
    if not numbers:
        return []
    return [Tell(numbers, Mention(event.room, seq, event.sender))]


def _thread(chat: Chat, room: Room, change: Appended, root: Seq) -> list[Effect]:
    """Tell who follows a thread from here on, and for whom something is unread there.

    Whether they are in the room on that connection or not, as of a mention.
    """
    event = change.event
    seq = event.of if isinstance(event, Edit) else event.seq
    frames: list[tuple[tuple[UserName, ...], Followed | ThreadUnread]] = [
        (change.followed, Followed(event.room, root, on=True)),
        (change.unread, ThreadUnread(event.room, root, seq)),
    ]
    wanted: list[Effect] = []
    for names, frame in frames:
        numbers = [
            number
            for name in names
            if name in room.online and reaches(room, name, root)
            for number in chat.told_of(name, room.name)
        ]
        wanted += [Tell(numbers, frame)] if numbers else []
    return wanted


def follow_set(chat: Chat, change: FollowSet, _now: Now) -> list[Effect]:
    """Tell a user's devices which thread he follows; nothing of it is in memory."""
    frame = Followed(chat.durable.name_now(change.room), change.root, change.on)
    return _to_devices(chat, change.user, frame)


def thread_read(chat: Chat, change: ThreadRead, _now: Now) -> list[Effect]:
    """Tell a user's devices how far he has read a thread."""
    name = chat.durable.name_now(change.room)
    mark = ThreadMark(name, change.root, change.seq)
    return _to_devices(chat, change.user, mark)


def _to_devices(
    chat: Chat, user: UserName, frame: Followed | ThreadMark
) -> list[Effect]:
    """Tell those connections of a user that may know of the room; he may have left."""
    room = chat.durable.room(frame.room)
    numbers = chat.told_of(user, frame.room)
    if room is None or user not in room.members or not numbers:
        return []
    return [Tell(numbers, frame)]


def reaches(room: Room, name: UserName, seq: Seq) -> bool:
    """Whether somebody is in a room who may read a message there."""
    member = room.members.get(name)
    return member is not None and member.first <= seq


def _told(chat: Chat, name: UserName, event: TimelineEvent) -> list[ConnectionId]:
    """Connections of a user that are told of a mention by the event's sender."""
    user = chat.durable.users.get(name)
    if user is None or event.sender in user.blocks:
        return []
    return [
        number
        for number in chat.told_of(name, event.room)
        if chat.connection(number) is not None
    ]
