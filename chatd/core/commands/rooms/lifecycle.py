"""How rooms end: destroyed by those who own them, or left by everybody.

A private room in which nobody is any more can be found by nobody, so it ends when
the last one is out, in whatever way he went. A public one in which nobody has written
anything is kept for a while (`EMPTY_S`), for whoever comes back. The end is a draft and
a barrier of the room, and the writer looks once more: whoever was on his way in keeps
it. The name of a public one stays with its maker, who may make a room of it again.

What is left of a room in memory goes with the commit, the rest behind it in the
store. Its members are told like somebody who is removed, each connection alone.
"""

from __future__ import annotations

from chatd.core import authority, rate_limits
from chatd.core.agenda import Due
from chatd.core.authority import OWNER
from chatd.core.drafts import DestroyRoom, DropRoom
from chatd.core.entities import Barrier, Connection, Room
from chatd.core.turn import Turn
from chatd.ids import RoomName, is_direct, is_private
from chatd.wire.rooms import Destroy

EMPTY_S = 3600.0
"""How long a public room is kept in which nobody is and nobody has written."""
LOOK_AGAIN_S = 60.0
"""When an end that was not possible now is tried again."""


def destroy(turn: Turn, connection: Connection, command: Destroy) -> None:
    """Check that a room may be ended by whoever asks."""
    room = authority.require(turn, connection, command.room, OWNER)
    authority.check_undeclared(room, "and is there as long as it is")
    rate_limits.may_send(turn, connection)


def destruction(turn: Turn, connection: Connection, command: Destroy) -> DestroyRoom:
    """The draft of a room's end."""
    return DestroyRoom(command.room, turn.user(connection).name, command.cid)


# --- rooms in which nobody is ------------------------------------------------------


def look_at_emptied(turn: Turn) -> None:
    """Have rooms end that have lost their last member, now or in a while."""
    chat = turn.chat
    emptied, chat.live.emptied = chat.live.emptied, {}
    for name, for_long in emptied.items():
        room = chat.durable.rooms.get(name)
        if room is None or not is_needless(room):
            continue
        if for_long or is_private(name):
            _drop(turn, room)
        else:
            chat.live.agenda.add(turn.now.mono + EMPTY_S, Due.EMPTY, name)


def is_needless(room: Room) -> bool:
    """Whether nobody is in a room, and nobody can want what is there.

    Public ones that nobody has made are the configuration's, or were.
    """
    if room.members or is_direct(room.name):
        return False
    return is_private(room.name) or not (
        room.maker is None or room.declared or room.spoken
    )


def _drop(turn: Turn, room: Room) -> None:
    chat = turn.chat
    if (room.name, None) in chat.live.barriers:
        _look_again_later(turn, room.name)
        return
    draft = DropRoom(room.name)
    chat.live.barriers[room.name, None] = Barrier(draft)
    turn.append(draft)


def _look_again_later(turn: Turn, name: RoomName) -> None:
    turn.live.agenda.add(turn.now.mono + LOOK_AGAIN_S, Due.EMPTY, name)


def not_dropped(turn: Turn, draft: DropRoom) -> None:
    """Try again later to end a room, which could not be done now."""
    if draft.room in turn.durable.rooms:
        _look_again_later(turn, draft.room)
