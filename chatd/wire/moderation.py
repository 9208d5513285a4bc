"""Moderation: invitations to a room, and what members may do there."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Role
from chatd.ids import Cid, RoomName, UserName
from chatd.wire.events import Millis
from chatd.wire.kinds import (
    BanSeconds,
    CommandId,
    PageLimit,
    Reason,
)


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


@attrs.define
class Standing:
    """Ask who is banned from a room, muted there, or asked in."""

    type: ClassVar[str] = "standing"
    room: RoomName
    after: UserName | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


# --- replies ------------------------------------------------------------------


@attrs.define
class SanctionShown:
    """A ban or a mute: in `standing`, and one's own mute in the `ok` of a join."""

    until: Millis | None = None
    reason: str | None = None


@attrs.define
class AskedShown:
    """An invitation in `standing`."""

    sender: UserName
    ts: Millis


@attrs.define
class StandingShown:
    """Of one user in `standing`, what holds for him."""

    name: UserName
    ban: SanctionShown | None = None
    mute: SanctionShown | None = None
    invite: AskedShown | None = None


@attrs.define
class StandingPage:
    """`ok` of `standing`."""

    type: ClassVar[str] = "ok"
    room: RoomName
    users: list[StandingShown]
    """Always written, also when empty."""
    next: UserName | None = None
    re: str = "standing"
    id: CommandId = None
