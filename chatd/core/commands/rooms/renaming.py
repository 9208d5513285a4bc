"""Public rooms that get another name.

The number of the newest event and the epoch go on, and so does whatever is under way:
a command that names a room by what it was called before is about the room
(`chatd.core.machine`), and a token for it is one for the room. What is named by it in
memory moves with the commit, which is why it is a barrier of the room, and takes as
long as its members are many.

Whoever knows the room by its name is told of the other one (`Renamed`) before anything
comes under it, on each of his connections, whether he follows the room there or not;
like all that is for one connection alone it is never dropped. Who is away learns of it
by `was`, in `welcome` and in the answer to his join. The event is of the timeline.
"""

from __future__ import annotations

from chatd.core import authority, rate_limits, speech
from chatd.core.authority import OWNER
from chatd.core.commands.rooms.creation import check_name, exists
from chatd.core.drafts import RenameRoom
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, is_private
from chatd.names import NAMES, skeleton
from chatd.wire.rooms import Rename

NAMES_MAX = 16
"""Names that a room has had: each is kept for ever, and told in every `welcome`."""


def rename(turn: Turn, connection: Connection, command: Rename) -> None:
    """Check that a room may be called otherwise by whoever asks."""
    room = authority.require(turn, connection, command.room, OWNER)
    name = RoomName(command.name)
    if is_private(room.name):
        text = f"{room.name} is private: what people read is its title"
        raise Reject(RejectCode.FORBIDDEN, text, field="room")
    authority.check_undeclared(room, "which has its name")
    is_new = name not in (room.name, *room.was)
    if is_new:
        if turn.durable.room(name) is not None and command.cid is None:
            raise exists(name, "name")
        check_name(turn, connection, name, "name")
        if len(room.was) >= NAMES_MAX - 1:
            text = f"{room.name} has had {NAMES_MAX} names, and no room has more"
            raise Reject(RejectCode.FORBIDDEN, text, field="name")
    speech.check(turn, turn.user(connection), room, command)
    rate_limits.may_send(turn, connection)
    if is_new:
        try:
            rate_limits.may_name(turn, connection)
        except Reject:
            rate_limits.give_back(turn, connection)
            raise


def renaming(turn: Turn, connection: Connection, command: Rename) -> RenameRoom:
    """The draft of another name."""
    name = RoomName(command.name)
    return RenameRoom(
        command.room,
        turn.user(connection).name,
        command.cid,
        name,
        skeleton(name),
        NAMES[turn.config.auth.names].distinct,
    )
