"""What is answered: one class for each reply of the server.

A reply answers exactly one command, with its type as `re` and its `id`. How fields
are written is said in `chatd.wire.events`.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import AccountRole, Level, Role
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName
from chatd.wire.admissions import InvitationCreated, InvitationsPage, Linked
from chatd.wire.events import (
    Ephemeral,
    Happened,
    Millis,
    Notice,
    TimelineShown,
    UserShown,
)
from chatd.wire.kinds import BookmarkNumber, CommandId, ThreadNumber
from chatd.wire.moderation import SanctionShown, StandingPage
from chatd.wire.operator import OperatorReply
from chatd.wire.place import Announcement, Described
from chatd.wire.rooms import RoomsPage
from chatd.wire.sessions import SessionsPage
from chatd.wire.settings import Settings, own_first
from chatd.wire.users import BlocksPage


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
    level: Level | None = None
    """What the user wants to be called for; left out where that is `all`."""
    mute: SanctionShown | None = None
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
    """One of the user's rooms in `welcome`; numbers are there, but for the last."""

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
    level: Level | None = None
    """What the user wants to be called for; left out where that is `all`."""
    in_threads: int = 0
    """How many of the unread messages are in threads."""


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
class ThreadShown:
    """The thread of a message, as its reader has it."""

    count: int
    """Its replies, but those that were deleted; always written."""
    last: Seq
    """The newest of them; always written."""
    ts: Millis
    """When that was."""
    users: list[UserName]
    """The first who have written in it; always written."""
    follow: bool = False
    """Whether the reader follows it."""
    unread: int = 0
    """How many replies the reader has not read, if so; counted up to 99."""


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
    thread: Seq | None = None
    """The first message of the thread that it is in."""
    replies: ThreadShown | None = None
    """The thread that it has opened."""
    reactions: dict[str, list[UserName]] = attrs.field(factory=dict)
    """The first 50 users for each emoji, and the reader; as they have put it."""
    reacted: dict[str, int] = attrs.field(factory=dict)
    """How many there are, for each emoji that has more users than are told."""
    pinned: Seq | None = None
    """The event that has pinned it to the room, while it is pinned."""
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
    start: Seq
    """The page has all from this seq on,"""
    end: Seq
    """and up to this one."""
    messages: list[MessageShown]
    """Always written, also when empty."""
    more: bool
    """Always written."""
    root: MessageShown | None = None
    """The first message of the thread that was asked for, if one may read it."""
    events: list[Happened] = attrs.field(factory=list)
    """What happened between the messages, in rising seq, if it was asked for."""
    re: str = "history"
    id: CommandId = None


@attrs.define
class ThreadListed:
    """One of the threads that the user follows."""

    room: RoomName
    message: MessageShown
    """The first one, with what is to be said of its thread."""


@attrs.define
class ThreadsPage:
    """`ok` of `threads`: the one that was unread last comes first."""

    type: ClassVar[str] = "ok"
    threads: list[ThreadListed]
    """Always written, also when empty."""
    next: ThreadNumber | None = None
    re: str = "threads"
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
class PinsPage:
    """`ok` of `pins`: the last pinned first."""

    type: ClassVar[str] = "ok"
    room: RoomName
    messages: list[MessageShown]
    """Always written, also when empty."""
    next: Seq | None = None
    re: str = "pins"
    id: CommandId = None


@attrs.define
class MessageKept:
    """A message that is bookmarked, as it is now."""

    room: RoomName
    seq: Seq
    ts: Millis
    sender: UserName
    text: str
    edited: bool = False
    reply_to: Seq | None = None


@attrs.define
class BookmarksPage:
    """`ok` of `bookmarks`: the last one first."""

    type: ClassVar[str] = "ok"
    messages: list[MessageKept]
    """Always written, also when empty."""
    next: BookmarkNumber | None = None
    re: str = "bookmarks"
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
    thread: Seq | None = None
    """The first message of the thread that it is in."""


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
    | PinsPage
    | BookmarksPage
    | ThreadsPage
    | SearchPage
    | WhoPage
    | StandingPage
    | BlocksPage
    | RoomsPage
    | SessionsPage
    | Linked
    | InvitationCreated
    | InvitationsPage
    | OperatorReply
    | Refusal
)
"""Anything that answers one command."""

ServerFrame = TimelineShown | Ephemeral | Notice | Announcement | Reply
"""Anything that a server sends."""
