"""Presence frames: what changed in a room since the last tick.

Presence belongs to a user and is counted over his connections (that is done in
`chatd.core.live`) and over nodes (`chatd.core.cluster.neighbours`). Changes are
gathered for each room and told in one frame a tick, so that a thousand people who come
back into one room cost a frame a tick and not a million. A room with more than
`names_max` members online is told a number only.

Pure functions of a room: they read the chat, and settle the room's tick.
"""

from __future__ import annotations

from chatd.core.entities import Room, shown_in
from chatd.core.state import Chat
from chatd.enums import State
from chatd.ids import UserName
from chatd.wire.events import Presence, UserShown


def everybody(
    chat: Chat, room: Room, names_max: int, asker: UserName | None = None
) -> list[UserShown] | None:
    """Who is online in a room and how each is shown; None if they are too many.

    It may be asked in the middle of a tick. Then the tick's frame has to be true
    for whoever got this list as well, not only for those who were there before,
    so what it shows of the unsettled is kept; except to the asker that he has
    just come: if he is gone when the tick ends, he will not read it.
    """
    online = len(room.online)
    if online != room.told_online:
        room.told_online = None
    if online > names_max:
        room.told_names = False
        return None
    for name, views in room.unsettled.items():
        now = view(chat, room, name)
        if now not in views and (name != asker or views != [None]):
            views.append(now)
    shown = [view(chat, room, name) for name in room.online]
    return [one for one in shown if one is not None]


def whole(chat: Chat, room: Room, names_max: int) -> Presence:
    """A frame that makes up for any that were missed."""
    users = everybody(chat, room, names_max)
    return Presence(room.name, len(room.online), users=users)


def settle(chat: Chat, room: Room, names_max: int) -> Presence | None:
    """End a tick: the frame that tells what it changed, if it changed anything.

    Someone who came and went within the tick is not in it. Someone whose
    display name changed is in `join` again, as he is shown now.
    """
    unsettled, room.unsettled = room.unsettled, {}
    online = len(room.online)
    before_names, room.told_names = room.told_names, online <= names_max
    before_online, room.told_online = room.told_online, online
    if not room.told_names:
        if before_names or online != before_online:
            return Presence(room.name, online)
        return None
    if not before_names:
        return whole(chat, room, names_max)
    frame = Presence(room.name, online)
    for name, views in unsettled.items():
        now = view(chat, room, name)
        old = [view for view in views if view != now]
        if old:
            _tell(frame, name, old, now)
    return frame if frame.join or frame.leave or frame.away or frame.back else None


def view(chat: Chat, room: Room, name: UserName) -> UserShown | None:
    """How a user is shown in the room now."""
    if name not in room.online:
        return None
    return shown_in(room, name, chat.live.here(name))


def _tell(
    frame: Presence, name: UserName, old: list[UserShown | None], now: UserShown | None
) -> None:
    """Put one user's difference from some old views into the list where it belongs."""
    if now is None:
        frame.leave.append(name)
    elif any(view is None or view.display != now.display for view in old):
        frame.join.append(now)
    elif now.state == State.AWAY:
        frame.away.append(UserShown(name, text=now.text))
    else:
        frame.back.append(name)
