"""Making rooms: by name, by joining a name that is free, or private.

A private room's name is drawn here, so nobody can find or take it. Whoever makes a
room is its owner; the operator, who is in none, makes it for somebody else, or for
whoever comes first. A `cid` is looked up by the store's writer, before any rule or
limit says no: sent again it names the room that was made first. The operator has none.
"""

from __future__ import annotations

import base64

import attrs

from chatd.core import authority, loading, rate_limits
from chatd.core.commands.rooms.settings import given
from chatd.core.commands.timeline.messages import cid_conflict
from chatd.core.drafts import Conflict, CreateRoom, Duplicate, Outcome, Recall, Refused
from chatd.core.effects import Origin
from chatd.core.entities import Connection
from chatd.core.settings import PLAIN, RoomSettings
from chatd.core.turn import Turn, no_room
from chatd.enums import AccountRole, Role
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, is_guest, is_private
from chatd.names import NAMES, check_ending, looks_like_any, skeleton
from chatd.wire.replies import Created
from chatd.wire.rooms import Create, Join


def create(turn: Turn, connection: Connection, command: Create) -> None:
    """Have a public or private room created, with its creator as the owner."""
    user = turn.user(connection)
    if not authority.may_create(turn, user):
        raise Reject(
            RejectCode.FORBIDDEN, f"rooms are made by {turn.config.rooms.create} here"
        )
    if connection.is_operator:
        if not _is_owner_known(turn, connection, command):
            return
    elif command.owner is not None:
        text = "owner: that is for the operator, at the admin socket"
        raise Reject(RejectCode.FORBIDDEN, text, field="owner")
    name = RoomName(command.room) if command.room is not None else _draw_name(turn)
    if turn.durable.room(name) is not None and command.cid is None:
        raise exists(name)
    rate_limits.may_send(turn, connection)
    try:
        found(turn, connection, command, name, PLAIN.with_(given(command)))
    except Reject:
        rate_limits.give_back(turn, connection)
        raise


def _is_owner_known(turn: Turn, connection: Connection, command: Create) -> bool:
    """Check what the operator asks for; False while the owner is sought.

    Raises:
        Reject: `no_user`; `bad_field` for a private room that nobody would be in, and
            for a `cid`, which is kept for who is in the room.
    """
    if command.cid is not None:
        raise Reject(RejectCode.BAD_FIELD, "cid: the operator has none", field="cid")
    if command.owner is None:
        if command.private:
            text = "owner: a private room ends when nobody is in it"
            raise Reject(RejectCode.BAD_FIELD, text, field="owner")
    elif command.owner not in turn.durable.users:
        loading.find(turn, connection, command, command.owner)
        return False
    return True


def draft(turn: Turn, connection: Connection, command: Create) -> CreateRoom:
    """What `create` would append: by it a refused one's `cid` is looked up."""
    name = RoomName(command.room) if command.room is not None else _draw_name(turn)
    return _draft(turn, connection, command, name, PLAIN.with_(given(command)))


def found(
    turn: Turn,
    connection: Connection,
    command: Join | Create,
    name: RoomName,
    settings: RoomSettings,
) -> None:
    """Have a room created, with the connection's user as its owner."""
    check_name(turn, connection, name, "room")
    rate_limits.may_create(turn, connection)
    draft = _draft(turn, connection, command, name, settings)
    turn.append(draft, connection, command)
    turn.pend(connection)


def check_name(turn: Turn, connection: Connection, name: RoomName, field: str) -> None:
    """Check that a room may be called so by the connection's user.

    Raises:
        Reject: `bad_field` where no room is, `name_taken` where it is reserved.
    """
    check_ending(name, field)
    user, reserved = turn.user(connection), turn.config.auth.reserved
    if user.role != AccountRole.ADMIN and looks_like_any(name, reserved):
        text = f"{field}: the name is reserved"
        raise Reject(RejectCode.NAME_TAKEN, text, field=field)


def _draft(
    turn: Turn,
    connection: Connection,
    command: Join | Create,
    name: RoomName,
    settings: RoomSettings,
) -> CreateRoom:
    maker = owner = connection.user
    if isinstance(command, Create) and connection.is_operator:
        owner = command.owner
    return CreateRoom(
        name,
        turn.new_epoch(),
        settings,
        members={} if owner is None else {owner: Role.OWNER},
        event=owner is not None and not is_guest(owner),
        cid=command.cid if isinstance(command, Create) else None,
        skeleton=None if is_private(name) else skeleton(name),
        distinct=NAMES[turn.config.auth.names].distinct,
        maker=maker,
        by_operator=connection.is_operator,
    )


def created(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Answer `create`: with the room, or with the one that its `cid` has made."""
    draft = origin.draft
    if type(draft) is Recall:
        assert isinstance(draft.draft, CreateRoom)
        _settle(turn, connection, origin, draft.draft.room, outcome)
        return
    assert isinstance(draft, CreateRoom)
    if isinstance(outcome, Duplicate):
        # Only here: what was refused before it took a token returns none.
        rate_limits.give_back_creation(turn, connection)
        rate_limits.give_back(turn, connection)
    _settle(turn, connection, origin, draft.room, outcome)
    turn.release(connection)


def _settle(
    turn: Turn,
    connection: Connection,
    origin: Origin,
    name: RoomName,
    outcome: Outcome,
) -> None:
    command = origin.command
    assert isinstance(command, Create)
    if isinstance(outcome, Refused):
        if outcome.code is RejectCode.NO_ROOM:
            # There was one: for who wants to make it, that is a name that is taken.
            outcome = attrs.evolve(outcome, code=RejectCode.NAME_TAKEN)
        turn.refuse(connection.id, command, outcome)
        return
    if isinstance(outcome, Conflict):
        turn.refuse(connection.id, command, cid_conflict())
        return
    is_dup = isinstance(outcome, Duplicate)
    if isinstance(outcome, Duplicate):
        if outcome.room is None:
            turn.refuse(connection.id, command, exists(name))
            return
        name = outcome.room
    room, user = turn.durable.rooms.get(name), turn.user(connection).name
    if room is None:
        # It was made, and has ended since.
        turn.refuse(connection.id, command, no_room(name))
        return
    # Whoever is no member any more is told of the beginning, not of what goes on.
    may_know = connection.is_operator or user in room.members
    seq = room.head if may_know else Seq(0 if is_guest(user) else 1)
    reply = Created(name, room.epoch, seq, dup=is_dup, cid=command.cid, id=command.id)
    turn.answer(connection.id, reply)


def exists(name: RoomName, field: str = "room") -> Reject:
    """The refusal for a room that is there already, or was called so."""
    return Reject(RejectCode.EXISTS, f"there is a room {name} already", field=field)


def _draw_name(turn: Turn) -> RoomName:
    """A private room's name: 80 random bits, as long as an epoch and a quarter."""
    bits = bytes.fromhex(turn.new_epoch() + turn.new_epoch())
    return RoomName("~" + base64.b32encode(bits[:10]).decode().lower())
