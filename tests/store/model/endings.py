"""The model's rooms that end: out of `rooms`, with nothing left but their cids."""

from __future__ import annotations

from chatd.core import drafts as d
from chatd.core.changes import RoomEnded
from chatd.ids import is_private
from chatd.store import answers
from chatd.wire import events as e
from chatd.wire.events import Millis
from tests.store.model.entities import ModelRoom, Tables


def destroy_room(
    model: Tables, room: ModelRoom, draft: d.DestroyRoom, now: Millis
) -> d.Outcome:
    """End a room, with its last event."""
    room.maker = None
    event = room.add(e.Destroy(*room.stamp(now), draft.user))
    _end(model, room)
    return d.Committed((RoomEnded(room.name, event),))


def drop_room(model: Tables, draft: d.DropRoom) -> d.Outcome:
    """End a room in which nobody is, and in a public one nobody has written.

    A guest whose session has ended is nobody.
    """
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    held = model.here
    if any(not model.is_guest(name) or name in held for name in room.members):
        return d.Duplicate()
    if room.messages and not is_private(room.name):
        return d.Duplicate()
    _end(model, room)
    return d.Committed((RoomEnded(room.name),))


def _end(model: Tables, room: ModelRoom) -> None:
    model.ended[room.name] = model.rooms.pop(room.name)
    for message in room.messages.values():
        message.text = None
