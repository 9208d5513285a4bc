"""Drafts about rooms that tell their timelines nothing."""

from __future__ import annotations

import attrs

from chatd.core.settings import RoomSettings
from chatd.enums import Role
from chatd.ids import Cid, Epoch, RoomName, UserName
from chatd.wire.events import Millis


@attrs.define
class CreateRoom:
    """Create a room with its first members; one that exists is `Duplicate`.

    With `event`, the join of the first member is the room's first event
    (`member`, change `join`, with the role); otherwise joins are silent. With a
    `cid` the first member's earlier use of it is looked up: then it is `Duplicate`
    with the room that was made, or `Conflict`.

    Refused: `no_room` if the name was that of a room which has ended, but where it has
    ended since nobody was there (`DropRoom`), and this is who made that one, or where
    the configuration declares it, which has no members, or it is the operator's; with
    `distinct`, `name_taken` if another room has its `skeleton`.
    """

    room: RoomName
    epoch: Epoch
    settings: RoomSettings
    members: dict[UserName, Role]
    """Name to role."""
    event: bool = False
    cid: Cid | None = None
    skeleton: str | None = None
    """What the name looks like; None for one that nobody chose."""
    distinct: bool = False
    maker: UserName | None = None
    """Whose it is to count it, and to make it again."""
    by_operator: bool = False
    """Whether it was made by who gives names out as he wants, for its members."""


@attrs.define
class DeclareRoom:
    """Give a declared room the settings that the configuration has; no event."""

    room: RoomName
    settings: RoomSettings


@attrs.define
class DropRoom:
    """End a private room in which nobody is any more; it tells nobody.

    One in which somebody is stays, and is `Duplicate`.
    """

    room: RoomName


TRIM_ROWS = 128
TRIM_TEXT_BYTES = 32_768
"""What one step of trimming removes at most; on disk it ends sooner when its time is
over (`chatd.store.sqlite.trim`)."""


@attrs.define
class TrimRoom:
    """Forget the beginning of a room's timeline, a step of it.

    All goes that comes before the first event of `before_ts` or later, and all below
    the oldest of the newest `keep_messages` messages; of each, None asks for nothing.
    Where the clock was put back, what came before is not later than what came then.
    A step ends before it has more than `rows` events or reactions or `text_bytes` of
    text, or when it takes too long, but it removes one event at least. The room's head,
    epoch and cids stay. The outcome is `Trimmed`.
    """

    room: RoomName
    before_ts: Millis | None
    keep_messages: int | None
    """At least 1."""
    rows: int = TRIM_ROWS
    text_bytes: int = TRIM_TEXT_BYTES
