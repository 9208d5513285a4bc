"""What happened, and what is answered: one class for each frame of the server.

Three families travel to a client:

* **Timeline events** are facts of a room, numbered by `seq` without a hole and
  kept for good. Live and in a replay they are the same classes; a replay shows
  each as it is now, so a message that was deleted since has `deleted` and no
  content.
* **Ephemeral events** are never stored and are the first to be dropped.
* **Replies** answer exactly one command, with its type as `re` and its `id`.

Times are milliseconds since 1970 (UTC) as integers inside the house; the codec
writes them as RFC 3339. A field that is None, False or empty is left out of the
frame unless the class says otherwise. `sender` is called `from` on the wire.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import Cid, Epoch, RoomName, Seq, UserName
from chatd.wire.commands import CommandId

Millis = int
"""Milliseconds since 1970-01-01 UTC."""


# --- the timeline -----------------------------------------------------------


@attrs.define
class Message:
    """Someone wrote a message."""

    type: ClassVar[str] = "message"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    text: str | None
    cid: Cid | None = None
    reply_to: Seq | None = None
    edited: bool = False
    deleted: bool = False
    epoch: Epoch | None = None
    """Given with the first event of a direct room, which nobody joined."""


@attrs.define
class Edit:
    """Someone replaced the text of the message `of`."""

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
    """Someone put an emoji on the message `of`, or took it away (`on`)."""

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
class Member:
    """A membership changed: `sender` did it, `user` is the one concerned."""

    type: ClassVar[str] = "member"
    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    user: UserName
    change: str
    role: str | None = None


TimelineEvent = Message | Edit | Delete | React | Member
"""Any event with a seq."""


# --- ephemeral events -------------------------------------------------------


@attrs.define
class Typing:
    """Someone is writing for the next `seconds`; 0 means no longer."""

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
    state: str | None = None
    text: str | None = None


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
    """Someone has read everything up to `seq`."""

    type: ClassVar[str] = "read"
    room: RoomName
    sender: UserName
    seq: Seq


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
    """One's own membership of a room has ended."""

    type: ClassVar[str] = "left"
    room: RoomName
    reason: str


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


# --- replies ----------------------------------------------------------------


@attrs.define
class Done:
    """`ok` with nothing to add."""

    type: ClassVar[str] = "ok"
    re: str
    id: CommandId = None


@attrs.define
class Stored:
    """`ok`: the event is on disk under `seq`."""

    type: ClassVar[str] = "ok"
    re: str
    room: RoomName
    seq: Seq
    ts: Millis
    dup: bool = False
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Joined:
    """`ok` of a join: where the room stands."""

    type: ClassVar[str] = "ok"
    room: RoomName
    epoch: Epoch
    seq: Seq
    """Always written, also when 0."""
    first: Seq
    online: int
    topic: str = ""
    users: list[UserShown] | None = None
    recovered: bool | None = None
    """Only where `since` was given; then always written."""
    created: bool = False
    re: str = "join"
    id: CommandId = None


@attrs.define
class RoomState:
    """One of the user's rooms in `welcome`; every number is always written."""

    room: RoomName
    epoch: Epoch
    seq: Seq
    first: Seq
    read: Seq
    unread: int


@attrs.define
class LimitsShown:
    """The limits that a client should know."""

    frame_bytes: int
    text_chars: int
    per_second: float
    burst: int


@attrs.define
class Welcome:
    """The answer to `hello`: who one is, and what one is in."""

    type: ClassVar[str] = "welcome"
    user: UserName
    display: str
    role: str
    session: str = attrs.field(repr=False)
    server: str
    protocol: int
    now: Millis
    heartbeat: float
    limits: LimitsShown
    rooms: list[RoomState]
    """Always written, also when empty."""
    suggested: list[RoomName]
    """Always written, also when empty."""
    re: str = "hello"
    id: CommandId = None


@attrs.define
class MessageShown:
    """A message in `history`, with everything up to `as_of` folded in."""

    seq: Seq
    ts: Millis
    sender: UserName
    text: str | None
    edited: bool = False
    deleted: bool = False
    cid: Cid | None = None
    reply_to: Seq | None = None
    reactions: dict[str, list[UserName]] = attrs.field(factory=dict)


@attrs.define
class HistoryPage:
    """`ok` of `history`: messages in rising seq."""

    type: ClassVar[str] = "ok"
    room: RoomName
    epoch: Epoch
    first: Seq
    as_of: Seq
    messages: list[MessageShown]
    """Always written, also when empty."""
    more: bool
    """Always written."""
    re: str = "history"
    id: CommandId = None


@attrs.define
class WhoPage:
    """`ok` of `who`."""

    type: ClassVar[str] = "ok"
    room: RoomName
    users: list[UserShown]
    """Always written, also when empty."""
    next: UserName | None = None
    re: str = "who"
    id: CommandId = None


@attrs.define
class RoomShown:
    """One public room in `rooms`; the numbers are always written."""

    room: RoomName
    online: int
    members: int
    topic: str = ""


@attrs.define
class RoomsPage:
    """`ok` of `rooms`."""

    type: ClassVar[str] = "ok"
    rooms: list[RoomShown]
    """Always written, also when empty."""
    next: RoomName | None = None
    re: str = "rooms"
    id: CommandId = None


@attrs.define
class Refusal:
    """`error`: one command was refused."""

    type: ClassVar[str] = "error"
    code: str
    text: str
    re: str | None = None
    field: str | None = None
    cid: Cid | None = None
    retry_after: float | None = None
    id: CommandId = None


Reply = Done | Stored | Joined | Welcome | HistoryPage | WhoPage | RoomsPage | Refusal
"""Anything that answers one command."""

Ephemeral = Typing | Presence | ReadMark
"""Anything that is dropped first under pressure."""

ServerFrame = TimelineEvent | Ephemeral | CaughtUp | Left | Gap | Bye | Reply
"""Anything that a server sends."""
