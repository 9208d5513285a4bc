"""How rooms end: destroyed by those who own them, or left by everybody.

A private room in which nobody is any more can be found by nobody, so it ends when
the last one is out, in whatever way he went. The end is a draft and a barrier of the
room, and the writer looks once more: whoever was on his way in keeps it.

What is left of a room in memory goes with the commit, the rest behind it in the
store. Its members are told like somebody who is removed, each connection alone.
"""

from __future__ import annotations

from chatd.core import allowance
from chatd.core.agenda import Due
from chatd.core.commands import authority
from chatd.core.commands.authority import OWNER
from chatd.core.commands.invitations import tell_uninvited
from chatd.core.commands.rooms import withdraw
from chatd.core.commands.timeline import settle
from chatd.core.drafts import (
    Committed,
    DestroyRoom,
    DropRoom,
    Outcome,
    Refused,
)
from chatd.core.effects import Origin
from chatd.core.entities import Barrier, Connection, Room
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName
from chatd.wire.acts import Destroy
from chatd.wire.events import TimelineEvent

LOOK_AGAIN_S = 60.0
"""When an end that was not possible now is tried again."""


def destroy(turn: Turn, connection: Connection, command: Destroy) -> None:
    """Check that a room may be ended by whoever asks."""
    room = authority.require(turn, connection, command.room, OWNER)
    if room.declared:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{room.name} is declared in the configuration, and is there as long as"
            " it is",
            field="room",
        )
    allowance.pace(turn, connection)


def destruction(turn: Turn, connection: Connection, command: Destroy) -> DestroyRoom:
    """The draft of a room's end."""
    return DestroyRoom(command.room, turn.user(connection).name, command.cid)


def destroyed(turn: Turn, origin: Origin, draft: DestroyRoom, outcome: Outcome) -> None:
    """Take the end of a room, and let everybody out."""
    event = outcome.event if isinstance(outcome, Committed) else None
    if event is not None:
        turn.chat.apply(event)
    connection = turn.connection(origin.connection)
    if connection is not None and origin.command is not None:
        settle(turn, connection, origin, draft.room, outcome)
    if event is not None:
        _end(turn, turn.chat.rooms[draft.room], event)


def _end(turn: Turn, room: Room, event: TimelineEvent | None) -> None:
    """Let everybody out of a room, and forget it."""
    chat = turn.chat
    withdraw(turn, room.members, room.name, "destroy", event)
    for user in list(room.invited):
        tell_uninvited(turn, user, room.name, chat.invites[user][room.name])
    chat.apply_end(room)


# --- rooms in which nobody is ------------------------------------------------------


def look_at_emptied(turn: Turn) -> None:
    """Have rooms ended that have lost their last member, or are to be looked at."""
    chat = turn.chat
    emptied, chat.emptied = chat.emptied, {}
    for name in emptied:
        _drop_if_empty(turn, name)


def _drop_if_empty(turn: Turn, name: RoomName) -> None:
    chat = turn.chat
    room = chat.rooms.get(name)
    if room is None or room.members or not name.startswith("~"):
        return
    if (name, None) in chat.barriers:
        _look_again_later(turn, name)
        return
    draft = DropRoom(name)
    chat.barriers[name, None] = Barrier(draft)
    turn.append(draft)


def _look_again_later(turn: Turn, name: RoomName) -> None:
    turn.chat.agenda.add(turn.now.mono + LOOK_AGAIN_S, Due.EMPTY, name)


def dropped(turn: Turn, _origin: Origin, draft: DropRoom, outcome: Outcome) -> None:
    """Take the end of a room in which nobody was; it stays where somebody is."""
    room = turn.chat.rooms.get(draft.room)
    if room is None:
        return
    if isinstance(outcome, Committed):
        _end(turn, room, None)
    elif isinstance(outcome, Refused):
        _look_again_later(turn, draft.room)
