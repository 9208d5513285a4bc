"""What a client may ask: one class for each `type` of the protocol.

A command is an intent in the imperative. It carries what the client sent,
parsed and within its bounds, and nothing else: who sent it and when is known to
whoever received it. `chatd.wire.codec` makes these from bytes; the classes are
the single description of what is accepted, so a field's type here is its check
there (the NewTypes of `chatd.ids` and of this module each have one).

`id` is the client's own label for the reply; None means that it gave none.
"""

from __future__ import annotations

from typing import ClassVar, NewType

import attrs

from chatd.ids import Cid, Epoch, RoomName, Seq, UserName

Text = NewType("Text", str)
"""A message's text: 1 to `limits.text_chars` code points, not blank."""
Display = NewType("Display", str)
"""What people read instead of a name: up to 64 characters, no bidi controls."""
StatusText = NewType("StatusText", str)
"""What someone says about being away: up to 128 characters."""
GuestName = NewType("GuestName", str)
"""A name that is asked for in `hello`; an account's name, or a guest's wish."""
Secret = NewType("Secret", str)
"""A password, token or session: up to 4096 characters, never shown."""
Emoji = NewType("Emoji", str)
"""Exactly one emoji."""
State = NewType("State", str)
"""`online` or `away`."""
PageLimit = NewType("PageLimit", int)
"""How many entries of a page are asked for: 1 to 100."""
QueryText = NewType("QueryText", str)
"""What is searched for, in the language of `chatd.core.query`."""
PlaceText = NewType("PlaceText", str)
"""The `next` of a page, given back."""

PublicRoom = NewType("PublicRoom", str)
"""The name of a room that is to be created: neither private nor direct."""
Topic = NewType("Topic", str)
"""What a room is about, or its title: one line of up to 250 characters, or empty."""
Reason = NewType("Reason", str)
"""Why somebody was removed or muted: one line of up to 250 characters."""
Post = NewType("Post", str)
"""Who may send: `members` or `moderators`."""
Visibility = NewType("Visibility", str)
"""What newcomers may read: `all` or `since_join`."""
RoomRole = NewType("RoomRole", str)
"""`owner`, `moderator` or `member`."""
SlowSeconds = NewType("SlowSeconds", int)
"""Seconds between two messages of one member: 0 to 86,400."""
KeepCount = NewType("KeepCount", int)
"""Days or messages that are kept: 0 is all."""
BanSeconds = NewType("BanSeconds", int)
"""How long a ban or mute holds: 1 second to ten years."""

CommandId = str | int | None

WIRE_NAMES = {"sender": "from", "seconds": "for"}
"""What a field is called on the wire, where Python keeps the word for itself."""


@attrs.define
class Hello:
    """Say who one is; the first command of a connection."""

    type: ClassVar[str] = "hello"
    name: GuestName | None = None
    password: Secret | None = attrs.field(default=None, repr=False)
    token: Secret | None = attrs.field(default=None, repr=False)
    session: Secret | None = attrs.field(default=None, repr=False)
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


@attrs.define
class Leave:
    """End the membership of a room on all devices."""

    type: ClassVar[str] = "leave"
    room: RoomName
    id: CommandId = None


@attrs.define
class Send:
    """Write a message into `room`, or to the user `to`; exactly one is given."""

    type: ClassVar[str] = "send"
    text: Text
    room: RoomName | None = None
    to: UserName | None = None
    cid: Cid | None = None
    reply_to: Seq | None = None
    id: CommandId = None


@attrs.define
class Edit:
    """Replace the text of one's own message `of`."""

    type: ClassVar[str] = "edit"
    room: RoomName
    of: Seq
    text: Text
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Delete:
    """Empty the message `of`: one's own, or as a moderator anybody's."""

    type: ClassVar[str] = "delete"
    room: RoomName
    of: Seq
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class React:
    """Put an emoji on the message `of`, or take it away."""

    type: ClassVar[str] = "react"
    room: RoomName
    of: Seq
    emoji: Emoji
    on: bool = True
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Create:
    """Create a room and become its owner: `room` is public, else `private` is true."""

    type: ClassVar[str] = "create"
    room: PublicRoom | None = None
    private: bool = False
    topic: Topic | None = None
    title: Topic | None = None
    post: Post | None = None
    history: Visibility | None = None
    slow_s: SlowSeconds | None = None
    keep_days: KeepCount | None = None
    keep_messages: KeepCount | None = None
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class SetRoom:
    """Change settings of a room: those that are given."""

    type: ClassVar[str] = "room"
    room: RoomName
    topic: Topic | None = None
    title: Topic | None = None
    post: Post | None = None
    history: Visibility | None = None
    slow_s: SlowSeconds | None = None
    keep_days: KeepCount | None = None
    keep_messages: KeepCount | None = None
    cid: Cid | None = None
    id: CommandId = None


SETTINGS = tuple(
    field.name
    for field in attrs.fields(SetRoom)
    if field.name not in {"room", "cid", "id"}
)
"""What can be set of a room."""


@attrs.define
class Invite:
    """Ask somebody into a room."""

    type: ClassVar[str] = "invite"
    room: RoomName
    user: UserName
    cid: Cid | None = None
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
    role: RoomRole
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Typing:
    """Tell the others in a room that one is writing, or has stopped."""

    type: ClassVar[str] = "typing"
    room: RoomName
    on: bool = True
    id: CommandId = None


@attrs.define
class Status:
    """Say whether one is there."""

    type: ClassVar[str] = "status"
    state: State
    text: StatusText | None = None
    id: CommandId = None


@attrs.define
class Read:
    """Say that everything up to `seq` has been read."""

    type: ClassVar[str] = "read"
    room: RoomName
    seq: Seq
    id: CommandId = None


@attrs.define
class Profile:
    """Change what people read instead of one's name."""

    type: ClassVar[str] = "profile"
    display: Display
    id: CommandId = None


@attrs.define
class Block:
    """See nothing more of what somebody says in the direct conversation."""

    type: ClassVar[str] = "block"
    user: UserName
    id: CommandId = None


@attrs.define
class Unblock:
    """See again what somebody says from now on."""

    type: ClassVar[str] = "unblock"
    user: UserName
    id: CommandId = None


@attrs.define
class Blocks:
    """Ask whom one blocks."""

    type: ClassVar[str] = "blocks"
    after: UserName | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


@attrs.define
class History:
    """Ask for a page of messages before or after a seq, or the newest."""

    type: ClassVar[str] = "history"
    room: RoomName
    before: Seq | None = None
    after: Seq | None = None
    limit: PageLimit = PageLimit(50)
    id: CommandId = None


@attrs.define
class Search:
    """Ask for messages in rooms of one's own, or in one of them."""

    type: ClassVar[str] = "search"
    query: QueryText
    room: RoomName | None = None
    limit: PageLimit = PageLimit(20)
    next: PlaceText | None = None
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
class Rooms:
    """Ask for the public rooms."""

    type: ClassVar[str] = "rooms"
    after: RoomName | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


@attrs.define
class Ping:
    """Ask for an `ok`."""

    type: ClassVar[str] = "ping"
    id: CommandId = None


@attrs.define
class Logout:
    """End this session for good."""

    type: ClassVar[str] = "logout"
    id: CommandId = None


Command = (
    Hello
    | Join
    | Leave
    | Send
    | Edit
    | Delete
    | React
    | Create
    | SetRoom
    | Invite
    | Kick
    | Ban
    | Unban
    | Mute
    | Unmute
    | SetRole
    | Typing
    | Status
    | Read
    | Profile
    | Block
    | Unblock
    | Blocks
    | History
    | Search
    | Who
    | Rooms
    | Ping
    | Logout
)
"""Any command."""
