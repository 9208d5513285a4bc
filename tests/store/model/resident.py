"""What of the model comes into memory: rooms and users, and pages of rooms."""

from __future__ import annotations

import attrs

from chatd.core.rows import PublicRoom, RoomRow, UserRecord, UserRow
from chatd.core.settings import RoomSettings
from chatd.enums import Role
from chatd.ids import RoomName, UserName, is_direct, is_private, is_public
from tests.store.model.entities import ModelRoom, Tables


def room_row(model: Tables, room: ModelRoom) -> RoomRow:
    """A room with all who are in it."""
    bans = {
        name: model.users[name].ban
        for name, member in sorted(room.members.items())
        if member.role in (Role.OWNER, Role.MODERATOR)
    }
    return RoomRow(
        room.name,
        room.epoch,
        room.head,
        room.first,
        room.last_ts,
        room.settings,
        {name: attrs.evolve(row) for name, row in sorted(room.members.items())},
        {name: ban for name, ban in bans.items() if ban is not None},
        dict(sorted(room.bans.items())),
        dict(sorted(room.mutes.items())),
        dict(sorted(room.invites.items())),
        [ban for _, ban in sorted(room.barred.items())],
        list(room.was),
        room.maker,
        bool(room.messages),
    )


def user_record(model: Tables, name: UserName) -> UserRecord:
    """A user with all that he has."""
    rooms = sorted(model.rooms.items())
    return UserRecord(
        _user(model, name),
        sorted(blocked for user, blocked in model.blocks if user == name),
        [room for room, row in rooms if row.maker == name],
        [room for room, row in rooms if name in row.members or name in row.invites],
    )


def _user(model: Tables, name: UserName) -> UserRow:
    return attrs.evolve(model.users[name], password_hash=None)


def public_rooms(model: Tables, after: RoomName | None) -> list[PublicRoom]:
    """The public rooms behind one."""
    return [
        PublicRoom(name, len(room.members), room.settings)
        for name, room in sorted(model.rooms.items())
        if is_public(name) and name > (after or "")
    ]


def trimming(
    model: Tables, after: RoomName | None
) -> list[tuple[RoomName, RoomSettings]]:
    """The rooms behind one that forget their beginning."""
    return [
        (name, room.settings)
        for name, room in sorted(model.rooms.items())
        if room.settings.trims and name > (after or "")
    ]


def needless(model: Tables) -> list[RoomName]:
    """Rooms that nobody is in and nobody can want."""
    return [
        name
        for name, room in sorted(model.rooms.items())
        if not (room.members or is_direct(name))
        and (is_private(name) or (room.maker is not None and not room.messages))
    ]
