"""Commands of owners and moderators: rooms, their settings, their members."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Role
from chatd.ids import Cid, RoomName, UserName
from chatd.wire.kinds import (
    BanSeconds,
    CommandId,
    PublicRoom,
    Reason,
)
from chatd.wire.settings import FirstSettings, Settings, own_first


@attrs.define(field_transformer=own_first)
class Create(FirstSettings):
    """Create a room and become its owner: `room` is public, else `private` is true."""

    type: ClassVar[str] = "create"
    room: PublicRoom | None = None
    private: bool = False
    cid: Cid | None = None
    id: CommandId = None


@attrs.define(field_transformer=own_first)
class SetRoom(Settings):
    """Change settings of a room: those that are given."""

    type: ClassVar[str] = "room"
    room: RoomName
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Rename:
    """Give a public room another name; those it had lead to it for ever."""

    type: ClassVar[str] = "rename"
    room: RoomName
    name: PublicRoom
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Destroy:
    """End a room for good: everybody is out, and what was said goes."""

    type: ClassVar[str] = "destroy"
    room: RoomName
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Invite:
    """Invite a user to a room, or with `on` false take that back."""

    type: ClassVar[str] = "invite"
    room: RoomName
    user: UserName
    cid: Cid | None = None
    on: bool = True
    id: CommandId = None


@attrs.define
class Decline:
    """Refuse an invitation to a room; to refuse it again changes nothing."""

    type: ClassVar[str] = "decline"
    room: RoomName
    id: CommandId = None


@attrs.define
class Kick:
    """End a user's membership of a room."""

    type: ClassVar[str] = "kick"
    room: RoomName
    user: UserName
    reason: Reason | None = None
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Ban:
    """End a user's membership of a room, and refuse a new one; `for` seconds."""

    type: ClassVar[str] = "ban"
    room: RoomName
    user: UserName
    seconds: BanSeconds | None = None
    """Called `for` on the wire; without it the ban is for good."""
    reason: Reason | None = None
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Unban:
    """Lift a user's ban."""

    type: ClassVar[str] = "unban"
    room: RoomName
    user: UserName
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Mute:
    """Let a user read but not write in a room; `for` seconds."""

    type: ClassVar[str] = "mute"
    room: RoomName
    user: UserName
    seconds: BanSeconds | None = None
    """Called `for` on the wire; without it the mute is for good."""
    reason: Reason | None = None
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Unmute:
    """Let a user write again."""

    type: ClassVar[str] = "unmute"
    room: RoomName
    user: UserName
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class SetRole:
    """Make a member `owner`, `moderator` or `member`."""

    type: ClassVar[str] = "role"
    room: RoomName
    user: UserName
    role: Role
    cid: Cid | None = None
    id: CommandId = None
