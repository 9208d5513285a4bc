"""Who is let into a room and out of it, and what each may do there."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Role
from chatd.ids import Cid, RoomName, UserName
from chatd.wire.kinds import (
    BanSeconds,
    CommandId,
    Reason,
)


@attrs.define
class Invite:
    """Ask somebody into a room, or with `on` false take that back."""

    type: ClassVar[str] = "invite"
    room: RoomName
    user: UserName
    cid: Cid | None = None
    on: bool = True
    id: CommandId = None


@attrs.define
class Decline:
    """Refuse an invitation; to refuse it again changes nothing."""

    type: ClassVar[str] = "decline"
    room: RoomName
    id: CommandId = None


@attrs.define
class Kick:
    """End somebody's membership of a room."""

    type: ClassVar[str] = "kick"
    room: RoomName
    user: UserName
    reason: Reason | None = None
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Ban:
    """End somebody's membership of a room, and keep him out; `for` seconds."""

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
    """Let somebody in again."""

    type: ClassVar[str] = "unban"
    room: RoomName
    user: UserName
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Mute:
    """Let somebody read but not write in a room; `for` seconds."""

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
    """Let somebody write again."""

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
