"""Commands that leave no event behind; see `chatd.wire.commands`."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import State
from chatd.ids import RoomName, Seq
from chatd.wire.kinds import CommandId, StatusText


@attrs.define
class Typing:
    """Tell the others in a room that the user is writing, or has stopped."""

    type: ClassVar[str] = "typing"
    room: RoomName
    on: bool = True
    id: CommandId = None


@attrs.define
class Status:
    """Say whether the user is there or away."""

    type: ClassVar[str] = "status"
    state: State
    text: StatusText | None = None
    id: CommandId = None


@attrs.define
class Read:
    """Say that everything up to `seq` has been read, with `back` nothing behind it."""

    type: ClassVar[str] = "read"
    room: RoomName
    seq: Seq
    back: bool = False
    thread: Seq | None = None
    """Only of the thread of this message."""
    id: CommandId = None
