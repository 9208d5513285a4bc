"""What is answered: one class for each reply of the server.

A reply answers exactly one command, with its type as `re` and its `id`. How fields
are written is said in `chatd.wire.events`.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import AccountRole, Role
from chatd.ids import Cid, Epoch, RoomName, Seq, SessionTag, UserName
from chatd.wire.admissions import InvitationCreated, InvitationsPage, Linked
from chatd.wire.events import Ephemeral, Millis, Notice, TimelineShown, UserShown
from chatd.wire.kinds import CommandId
from chatd.wire.settings import Settings, own_first


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
    unreached: list[UserName] | None = None
    """Users whom the text names and who are not told."""
    id: CommandId = None


@attrs.define(field_transformer=own_first)
class Joined(Settings):
    """`ok` of a join: where the room stands; settings are there that are no default."""

    type: ClassVar[str] = "ok"
    room: RoomName
    epoch: Epoch
    seq: Seq
    """Always written, also when 0."""
    first: Seq
    online: int
    users: list[UserShown] | None = None
    recovered: bool | None = None
    """Only where `since` was given; then always written."""
    created: bool = False
    role: Role | None = None
    """Left out for a plain member."""
    was: list[RoomName] = attrs.field(factory=list)
    """Names that the room had before; the join may have named one of them."""
    re: str = "join"
    id: CommandId = None


@attrs.define
class Created:
    """`ok` of `create`: the room, of which one is a member now."""

    type: ClassVar[str] = "ok"
    room: RoomName
    epoch: Epoch
    seq: Seq
    """Always written, also when 0."""
    dup: bool = False
    cid: Cid | None = None
    re: str = "create"
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
    mentions: int
    title: str = ""
    archived: bool = False
    was: list[RoomName] = attrs.field(factory=list)
    """Names that the room had before."""


@attrs.define
class InviteShown:
    """An invitation that waits, in `welcome`."""

    room: RoomName
    sender: UserName
    ts: Millis
    title: str = ""


@attrs.define
class LimitsShown:
    """The limits that a client should know."""

    frame_bytes: int
    text_chars: int
    per_second: float
    burst: int


@attrs.define
class EntryLimits:
    """The limits that a client should know before a login."""

    name_chars: int
    display_chars: int
    password_min: int
    password_max: int
    """Both in characters."""
    text_chars: int
    frame_bytes: int


@attrs.define
class Described:
    """`ok` of `about`: what this server is called, and how to log in."""

    type: ClassVar[str] = "ok"
    place: str
    """The displayed name of the server."""
    server: str
    protocol: int
    registration: str
    """Who may make an account: `closed` (whom the operator lets), `invite` (who has an
    invitation) or `open` (anybody)."""
    guests: bool
    """Whether people without an account may come in; always written."""
    names: str
    """The letters of names: `ascii` or `unicode`."""
    limits: EntryLimits
    setup: bool = False
    """Whether there is no administrator yet, and the first one is waited for."""
    re: str = "about"
    id: CommandId = None


@attrs.define
class Welcome:
    """The answer to `hello`: the user, and the user's rooms."""

    type: ClassVar[str] = "welcome"
    user: UserName
    display: str
    role: AccountRole
    session: str = attrs.field(repr=False)
    place: str
    """The displayed name of the server."""
    server: str
    protocol: int
    now: Millis
    heartbeat: float
    """After so many seconds of silence the server sends a ping."""
    heartbeat_timeout: float
    """After so many more it takes the connection for dead."""
    limits: LimitsShown
    rooms: list[RoomState]
    """Always written, also when empty."""
    suggested: list[RoomName]
    """Always written, also when empty."""
    invites: list[InviteShown] = attrs.field(factory=list)
    page: str | None = None
    """The version of the page that comes with the server."""
    re: str = "hello"
    id: CommandId = None


@attrs.define
class MessageShown:
    """A message in `history`, with everything up to `as_of` folded in."""

    seq: Seq
    ts: Millis
    sender: UserName | None
    """None only for what is hidden."""
    text: str | None
    edited: bool = False
    deleted: bool = False
    cid: Cid | None = None
    reply_to: Seq | None = None
    reactions: dict[str, list[UserName]] = attrs.field(factory=dict)
    """The first 50 users for each emoji, and the reader; as they have put it."""
    reacted: dict[str, int] = attrs.field(factory=dict)
    """How many there are, for each emoji that has more users than are told."""
    hidden: bool = False
    """Its sender was blocked by the reader when writing it: nothing is shown."""


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
class ReactionsPage:
    """`ok` of `reactions`: as they have put it."""

    type: ClassVar[str] = "ok"
    room: RoomName
    of: Seq
    emoji: str
    users: list[UserName]
    """Always written, also when empty."""
    next: Seq | None = None
    re: str = "reactions"
    id: CommandId = None


@attrs.define
class MessageFound:
    """A message that `search` has found, as it is now."""

    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    text: str
    snippet: str
    """One line of it, with what was sought in it."""
    hits: list[list[int]] = attrs.field(factory=list)
    """Where in the snippet that begins and ends, in code points."""
    edited: bool = False
    reply_to: Seq | None = None


@attrs.define
class SearchPage:
    """`ok` of `search`: the best first, or without words the newest."""

    type: ClassVar[str] = "ok"
    messages: list[MessageFound]
    """Always written, also when empty."""
    next: str | None = None
    re: str = "search"
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
class BlocksPage:
    """`ok` of `blocks`."""

    type: ClassVar[str] = "ok"
    users: list[UserName]
    """Always written, also when empty."""
    next: UserName | None = None
    re: str = "blocks"
    id: CommandId = None


@attrs.define
class RoomShown:
    """One public room in `rooms`; the numbers are always written."""

    room: RoomName
    online: int
    members: int
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


@attrs.define
class SessionShown:
    """One of the user's sessions in `sessions`."""

    session: SessionTag
    """What `logout` ends it by; not its secret."""
    opened: Millis
    seen: Millis | None
    """When its last connection ended; left out while it has one."""
    device: str | None = None
    """What the client called itself."""
    connected: bool = False
    current: bool = False
    """Whether it is the session that asks."""
    token: bool = False
    """Whether it ends with an access token."""


@attrs.define
class SessionsPage:
    """`ok` of `sessions`: by what they are called."""

    type: ClassVar[str] = "ok"
    sessions: list[SessionShown]
    """Always written, also when empty."""
    next: SessionTag | None = None
    re: str = "sessions"
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


Reply = (
    Done
    | Stored
    | Joined
    | Created
    | Described
    | Welcome
    | HistoryPage
    | ReactionsPage
    | SearchPage
    | WhoPage
    | BlocksPage
    | RoomsPage
    | SessionsPage
    | Linked
    | InvitationCreated
    | InvitationsPage
    | Refusal
)
"""Anything that answers one command."""

ServerFrame = TimelineShown | Ephemeral | Notice | Reply
"""Anything that a server sends."""
