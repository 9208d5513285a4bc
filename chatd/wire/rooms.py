"""Rooms: made, joined and left, set, renamed, ended, listed.

Commands, the list, and what is told of a new membership.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Level
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName
from chatd.wire.kinds import CommandId, PageLimit, PublicRoom
from chatd.wire.settings import FirstSettings, Settings, own_first


@attrs.define(field_transformer=own_first)
class Create(FirstSettings):
    """Create a room and become its owner: `room` is public, else `private` is true."""

    type: ClassVar[str] = "create"
    room: PublicRoom | None = None
    private: bool = False
    cid: Cid | None = None
    owner: UserName | None = None
    """The operator's: who owns it."""
    id: CommandId = None


@attrs.define
class Join:
    """Become a member of a room, or subscribe to it again from a position."""

    type: ClassVar[str] = "join"
    room: RoomName
    since: Seq | None = None
    epoch: Epoch | None = None
    last: PageLimit | None = None
    users: bool = False
    id: CommandId = None
    create: bool = True
    """Whether a room that is not there is made, by whoever may."""


@attrs.define
class Joined:
    """The user is a member of a room from here on: told to his other devices."""

    type: ClassVar[str] = "joined"
    room: RoomName
    epoch: Epoch
    seq: Seq
    """The head: joined with it as `since`, the room is not entered anew."""


@attrs.define
class Leave:
    """End the membership of a room on all devices."""

    type: ClassVar[str] = "leave"
    room: RoomName
    id: CommandId = None


@attrs.define
class Notify:
    """Say what of a room the user wants to be called for, on all devices."""

    type: ClassVar[str] = "notify"
    room: RoomName
    level: Level
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
class Rooms:
    """Ask for the public rooms."""

    type: ClassVar[str] = "rooms"
    after: RoomName | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


@attrs.define
class Who:
    """Ask who is online in a room, or with `all` who is a member."""

    type: ClassVar[str] = "who"
    room: RoomName
    after: UserName | None = None
    limit: PageLimit = PageLimit(100)
    all: bool = False
    id: CommandId = None


@attrs.define
class RoomShown:
    """One public room in `rooms`."""

    room: RoomName
    online: int | None
    """Left out where people of other nodes may be there, of whom this one has not
    heard, since nobody of its own is in the room; else always written."""
    members: int
    """Always written."""
    topic: str = ""
    title: str = ""
    archived: bool = False


@attrs.define
class RoomsPage:
    """`ok` of `rooms`."""

    type: ClassVar[str] = "ok"
    rooms: list[RoomShown]
    """Always written, also when empty."""
    next: RoomName | None = None
    re: str = "rooms"
    id: CommandId = None
