"""What happened: one class for each frame that the server sends by itself.

Three families:

* **Timeline events** are facts of a room, numbered by `seq` without a hole, and kept as
  its settings say. Live and in a replay they are the same classes; a replay shows each
  as it is now, so a message that was deleted since has `deleted` and no content.
* **Ephemeral events** are never stored and are the first to be dropped.
* **Notices** are for one connection, or for all of one user.

What answers a command is in `chatd.wire.replies`.

Times are milliseconds since 1970 (UTC) as integers inside the daemon; the codec
writes them as RFC 3339. A field that is None, False or empty is left out of the
frame unless the class says otherwise. `sender` is called `from` on the wire.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Level, MemberChange, Role, State
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName
from chatd.wire.kinds import CommandId
from chatd.wire.rooms import Joined
from chatd.wire.settings import Settings, own_first
from chatd.wire.threads import Followed, ThreadMark, ThreadUnread

Millis = int
"""Milliseconds since 1970-01-01 UTC."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


# --- the timeline -----------------------------------------------------------


@attrs.define
class Message:
    """A message was written."""

    type: ClassVar[str] = "message"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    text: str | None
    cid: Cid | None = None
    reply_to: Seq | None = None
    thread: Seq | None = None
    """The first message of the thread that it is in."""
    edited: bool = False
    deleted: bool = False
    epoch: Epoch | None = None
    """Given with the first event of a direct room, which nobody joined."""


@attrs.define
class Edit:
    """The text of the message `of` was replaced."""

    type: ClassVar[str] = "edit"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    of: Seq
    text: str | None
    deleted: bool = False


@attrs.define
class Delete:
    """The message `of` was emptied."""

    type: ClassVar[str] = "delete"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    of: Seq


@attrs.define
class React:
    """An emoji was put on the message `of`, or taken away (`on`)."""

    type: ClassVar[str] = "react"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    of: Seq
    emoji: str | None
    on: bool | None
    """Always written, also when False; None only when the message is deleted."""
    deleted: bool = False


@attrs.define
class Pin:
    """The message `of` was pinned to the room, or is so no longer (`on`)."""

    type: ClassVar[str] = "pin"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    of: Seq
    on: bool
    """Always written, also when False."""


@attrs.define
class Member:
    """A membership changed: `sender` did it, `user` is the one concerned."""

    type: ClassVar[str] = "member"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    user: UserName
    change: MemberChange
    role: Role | None = None
    until: Millis | None = None
    """When a ban or mute lapses; without it never."""
    reason: str | None = None


@attrs.define(field_transformer=own_first)
class Room(Settings):
    """Settings of the room were changed: those that are there."""

    type: ClassVar[str] = "room"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName


@attrs.define
class Rename:
    """The room has another name from here on; `room` is the one that it has now."""

    type: ClassVar[str] = "rename"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    name: RoomName
    """The one that it was given."""
    was: list[RoomName]
    """The one that it had until then."""


@attrs.define
class Destroy:
    """The room is no more: this is its last event."""

    type: ClassVar[str] = "destroy"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName


TimelineEvent = Message | Edit | Delete | React | Pin | Member | Room | Rename | Destroy
"""Any event with a seq."""
Happened = Member | Room | Rename
"""One that is no message and is not worked into one."""


@attrs.define
class Hidden:
    """What a user gets in place of a timeline event of a user whom they block.

    It takes the event's place, so that the stream has no hole.
    """

    type: ClassVar[str] = "hidden"
    room: RoomName
    seq: Seq
    ts: Millis
    epoch: Epoch | None = None
    """As that of `Message`."""

    @classmethod
    def instead_of(cls, event: TimelineEvent) -> Hidden:
        """What is shown in the place of an event."""
        epoch = event.epoch if isinstance(event, Message) else None
        return cls(event.room, event.seq, event.ts, epoch)


TimelineShown = TimelineEvent | Hidden
"""What a reader is shown under a seq."""


# --- ephemeral events -------------------------------------------------------


@attrs.define
class Typing:
    """A user is writing, for so many seconds; 0 means no longer."""

    type: ClassVar[str] = "typing"
    room: RoomName
    sender: UserName
    seconds: int
    """Called `for` on the wire; always written."""


@attrs.define
class UserShown:
    """How one user is shown in lists."""

    name: UserName
    display: str | None = None
    """Left out where it is the name itself."""
    state: State | None = None
    text: str | None = None
    role: Role | None = None
    """In the list of all members: `owner` or `moderator`."""


@attrs.define
class Presence:
    """Who came, left, went away or came back in a room since the last frame."""

    type: ClassVar[str] = "presence"
    room: RoomName
    online: int
    """Exact when the frame is made; always written."""
    join: list[UserShown] = attrs.field(factory=list)
    leave: list[UserName] = attrs.field(factory=list)
    away: list[UserShown] = attrs.field(factory=list)
    back: list[UserName] = attrs.field(factory=list)
    users: list[UserShown] | None = None
    """The whole list instead of differences; written even when empty."""


@attrs.define
class ReadMark:
    """A user has read everything up to `seq`."""

    type: ClassVar[str] = "read"
    room: RoomName
    sender: UserName
    seq: Seq
    back: bool = False
    """Whether the user says that it is no further; only to connections of his own."""


# --- events for one connection or one user ----------------------------------


@attrs.define
class CaughtUp:
    """A join's replay is complete; what follows is live."""

    type: ClassVar[str] = "caught_up"
    room: RoomName
    epoch: Epoch
    seq: Seq
    id: CommandId = None


@attrs.define
class Left:
    """The user's own membership of a room has ended."""

    type: ClassVar[str] = "left"
    room: RoomName
    reason: str


@attrs.define
class Notify:
    """The user has said elsewhere what of a room to be called for."""

    type: ClassVar[str] = "notify"
    room: RoomName
    level: Level


@attrs.define
class Invited:
    """The user is invited to a room."""

    type: ClassVar[str] = "invited"
    room: RoomName
    sender: UserName
    title: str = ""


@attrs.define
class Uninvited:
    """An invitation is over: taken back, declined, accepted or void."""

    type: ClassVar[str] = "uninvited"
    room: RoomName


@attrs.define
class Renamed:
    """A room of this user is called otherwise from here on, by all that follows."""

    type: ClassVar[str] = "renamed"
    room: RoomName
    was: list[RoomName]
    """The one that it had until then."""


@attrs.define
class PlaceNamed:
    """The place is called otherwise from here on."""

    type: ClassVar[str] = "place"
    name: str


@attrs.define
class Mention:
    """A message addresses this user, whether the connection has joined its room or not.

    `seq` is the message's, also where an edit of it does so for the first time.
    """

    type: ClassVar[str] = "mention"
    room: RoomName
    seq: Seq
    sender: UserName


@attrs.define
class Bookmark:
    """This user has bookmarked the message `of`, or no longer, on another device."""

    type: ClassVar[str] = "bookmark"
    room: RoomName
    of: Seq
    on: bool
    """Always written, also when False."""


@attrs.define
class Gap:
    """Events `have` + 1 to `seq` of a room were not sent to this connection."""

    type: ClassVar[str] = "gap"
    room: RoomName
    have: Seq
    seq: Seq


@attrs.define
class Bye:
    """The server is about to close, and why."""

    type: ClassVar[str] = "bye"
    code: int
    reason: str
    reconnect: bool
    """Always written."""
    after: float | None = None


@attrs.define
class Expiring:
    """The token that a connection depends on ends in `left` seconds."""

    type: ClassVar[str] = "expiring"
    left: int
    """Called `in` on the wire; always written."""


Ephemeral = Typing | Presence | ReadMark
"""Anything that is dropped first under pressure."""

Notice = (
    CaughtUp
    | Joined
    | Left
    | Notify
    | Followed
    | ThreadUnread
    | ThreadMark
    | Invited
    | Uninvited
    | Renamed
    | PlaceNamed
    | Mention
    | Bookmark
    | Gap
    | Bye
    | Expiring
)
"""Anything for one connection or one user that has no seq."""
