"""Commands of owners about a room: made, set, renamed, ended."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import Cid, RoomName
from chatd.wire.kinds import (
    CommandId,
    PublicRoom,
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
