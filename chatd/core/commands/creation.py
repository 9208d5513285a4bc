"""Making rooms: by name, by joining a name that is free, or private.

A private room's name is drawn here, so nobody can find or take it. Whoever makes a
room is its owner. A `cid` is looked up by the store's writer: sent again it names
the room that was made first.
"""

from __future__ import annotations

import base64

from chatd.core import allowance
from chatd.core.commands import authority
from chatd.core.drafts import Committed, CreateRoom, Duplicate
from chatd.core.entities import Connection
from chatd.core.settings import PLAIN, RoomSettings
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, is_guest
from chatd.names import NAMES, looks_like_any, skeleton
from chatd.wire.acts import SETTINGS, Create, SetRoom
from chatd.wire.commands import Join
from chatd.wire.replies import Created


def create(turn: Turn, connection: Connection, command: Create) -> None:
    """Have a public or private room created, with its creator as the owner."""
    user = turn.user(connection)
    if not authority.may_create(turn, user):
        raise Reject(
            RejectCode.FORBIDDEN, f"rooms are made by {turn.config.rooms.create} here"
        )
    name = RoomName(command.room) if command.room is not None else _draw_name(turn)
    if name in turn.chat.rooms and command.cid is None:
        raise exists(name)
    allowance.pace(turn, connection)
    found(turn, connection, command, name, PLAIN.with_(given(command)))


def given(command: SetRoom | Create) -> dict[str, object]:
    """The settings that a command names."""
    fields = ((name, getattr(command, name)) for name in SETTINGS)
    return {name: value for name, value in fields if value is not None}


def found(
    turn: Turn,
    connection: Connection,
    command: Join | Create,
    name: RoomName,
    settings: RoomSettings,
) -> None:
    """Have a room created, with the connection's user as its owner."""
    user, auth = turn.user(connection), turn.config.auth
    if user.role != "admin" and looks_like_any(name, auth.reserved):
        raise Reject(RejectCode.NAME_TAKEN, "room: the name is reserved", field="room")
    allowance.may_create(turn, connection)
    draft = CreateRoom(
        name,
        turn.new_epoch(),
        settings,
        members={user.name: "owner"},
        event=not is_guest(user.name),
        cid=command.cid if isinstance(command, Create) else None,
        skeleton=None if name[0] == "~" else skeleton(name),
        distinct=NAMES[auth.names].distinct,
    )
    turn.append(draft, connection, command)
    turn.pend(connection)


def answer(
    turn: Turn,
    connection: Connection,
    command: Create,
    name: RoomName,
    outcome: Committed | Duplicate,
) -> None:
    """Answer `create`: with the room, or with the one that its `cid` has made."""
    is_dup = False
    if isinstance(outcome, Duplicate):
        allowance.give_back(turn, connection)
        if outcome.room is None:
            turn.refuse(connection.id, command, exists(name))
            return
        name, is_dup = outcome.room, True
    room = turn.chat.rooms[name]
    reply = Created(
        name, room.epoch, room.head, dup=is_dup, cid=command.cid, id=command.id
    )
    turn.answer(connection.id, reply)


def exists(name: RoomName) -> Reject:
    """The refusal for a room that is there already."""
    return Reject(RejectCode.EXISTS, f"there is a room {name} already", field="room")


def _draw_name(turn: Turn) -> RoomName:
    """A private room's name: 80 random bits, as long as an epoch and a quarter."""
    bits = bytes.fromhex(turn.new_epoch() + turn.new_epoch())
    return RoomName("~" + base64.b32encode(bits[:10]).decode().lower())
