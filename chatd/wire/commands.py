"""What a client may ask: one class for each `type` of the protocol.

A command is an intent in the imperative. It carries what the client sent, parsed and
within its bounds, and nothing else: the hub knows who sent it, and when.
`chatd.wire.codec` makes these from bytes; the classes are the single description of
what is accepted, so a field's type here is its check there (the NewTypes of `chatd.ids`
and `chatd.wire.kinds` each have one).

`id` is the client's own label for the reply; None means that it gave none.
"""

from __future__ import annotations

from typing import ClassVar, get_args

import attrs

from chatd.enums import State
from chatd.ids import Cid, Epoch, RoomName, Seq, SessionTag, UserName
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.admissions import (
    CreateInvitation,
    Invitations,
    Link,
    RevokeInvitation,
)
from chatd.wire.kinds import (
    CommandId,
    Device,
    Display,
    Emoji,
    GuestName,
    PageLimit,
    PlaceText,
    QueryText,
    Secret,
    StatusText,
    Text,
)
from chatd.wire.moderation import (
    Ban,
    Decline,
    Invite,
    Kick,
    Mute,
    SetRole,
    Unban,
    Unmute,
)
from chatd.wire.place import About, NamePlace
from chatd.wire.rooms import Create, Destroy, Rename, SetRoom


@attrs.define
class Hello:
    """Log in; the first command of a connection."""

    type: ClassVar[str] = "hello"
    name: GuestName | None = None
    password: Secret | None = attrs.field(default=None, repr=False)
    token: Secret | None = attrs.field(default=None, repr=False)
    session: Secret | None = attrs.field(default=None, repr=False)
    link: Secret | None = attrs.field(default=None, repr=False)
    """The secret that another device of the user has got by `link`."""
    another: bool = False
    """Open a new session beside the one that is named, instead of resuming it."""
    device: Device | None = None
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
    """Replace the text of the user's own message `of`."""

    type: ClassVar[str] = "edit"
    room: RoomName
    of: Seq
    text: Text
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Delete:
    """Empty the message `of`: the user's own, or as a moderator any."""

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
    """Say that everything up to `seq` has been read."""

    type: ClassVar[str] = "read"
    room: RoomName
    seq: Seq
    id: CommandId = None


@attrs.define
class Profile:
    """Change the name that is displayed in place of the user's name."""

    type: ClassVar[str] = "profile"
    display: Display
    id: CommandId = None


@attrs.define
class Block:
    """Hide what another user says in the direct conversation from now on."""

    type: ClassVar[str] = "block"
    user: UserName
    id: CommandId = None


@attrs.define
class Unblock:
    """Show what another user says in the direct conversation from now on."""

    type: ClassVar[str] = "unblock"
    user: UserName
    id: CommandId = None


@attrs.define
class Blocks:
    """Ask for the users whom this user blocks."""

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
class Reactions:
    """Ask for the users who have put `emoji` on the message `of`."""

    type: ClassVar[str] = "reactions"
    room: RoomName
    of: Seq
    emoji: Emoji
    after: Seq | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


@attrs.define
class Search:
    """Search messages in the user's rooms, or in one of them."""

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
    """Ask for an `ok`, to see that the connection works."""

    type: ClassVar[str] = "ping"
    id: CommandId = None


@attrs.define
class Logout:
    """End this session for good, or another of the user's, or all of them."""

    type: ClassVar[str] = "logout"
    everywhere: bool = False
    session: SessionTag | None = None
    """As `sessions` tells it; never the secret."""
    id: CommandId = None


@attrs.define
class Sessions:
    """Ask for the user's sessions."""

    type: ClassVar[str] = "sessions"
    after: SessionTag | None = None
    limit: PageLimit = PageLimit(100)
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
    | Rename
    | Destroy
    | Invite
    | Decline
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
    | Reactions
    | Search
    | Who
    | Rooms
    | Ping
    | About
    | NamePlace
    | Logout
    | Sessions
    | Register
    | Password
    | DeleteAccount
    | Refresh
    | Link
    | CreateInvitation
    | Invitations
    | RevokeInvitation
)
"""Any command."""

DURABLE = frozenset(
    command.type for command in get_args(Command) if hasattr(command, "cid")
)
"""Types of commands that are carried out once however often sent: they have a `cid`.
Source: protocol section 4."""
