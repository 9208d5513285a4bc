"""What was committed, as values: one for each durable change.

The store's writer answers a draft with the changes that it has made (`Committed`), and
nobody else writes. `chatd.core.applying.apply` takes a change into the state and says
who is told of it, whoever has caused it. A change says what is so from here on, not
what was asked for, so that it can be applied without looking at a draft, and twice.

A change that a room's timeline tells of brings the event, which has its seq: then it
is applied in the order of the seqs, and once. The store has nothing that is not a
timeline's, or in one of these, and that the chat keeps in memory; what is only looked
up (invitations to the server, tokens, links, idle times) makes no change.

`Lapsed` is not committed: time alone ends what it tells of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

import attrs

from chatd.core.mentions import Mentions
from chatd.core.settings import RoomSettings
from chatd.enums import AccountRole, Level, Role
from chatd.ids import Epoch, NodeId, RoomName, Seq, SessionId, UserName
from chatd.wire import events
from chatd.wire.events import Millis, TimelineEvent

# --- rooms and their timelines ------------------------------------------------


@attrs.define
class Appended:
    """Something was said, or a message was changed; made for each message."""

    event: TimelineEvent
    hidden: bool = False
    """Whether the other one in the direct conversation must not see it: he blocks
    the sender, or it is an edit of what was hidden from him before."""
    addressed: Mentions | None = None
    """Whom it addresses, and the same message has not addressed before."""
    told: tuple[UserName, ...] = ()
    """To whom that is no news, though he is one of everybody."""
    followed: tuple[UserName, ...] = ()
    """Who follows the thread from here on; by name."""
    unread: tuple[UserName, ...] = ()
    """Who follows it, and has something unread there now and had nothing; by name."""
    thread: Seq | None = None
    """Which thread that is."""
    author: UserName | None = None
    """Whose message it is that somebody else has deleted."""


@attrs.frozen
class RoomMade:
    """There is a new room, with its first members."""

    room: RoomName
    epoch: Epoch
    settings: RoomSettings
    members: Mapping[UserName, Role]
    """Name to role."""
    maker: UserName | None = None
    event: events.Member | None = None
    """The join of the first member; None: nobody is told."""


@attrs.frozen
class RoomDeclared:
    """A room has the settings that the configuration gives it."""

    room: RoomName
    settings: RoomSettings


@attrs.frozen
class SettingsSet:
    """Some of a room's settings are others."""

    changes: Mapping[str, Any]
    event: events.Room


@attrs.frozen
class RoomRenamed:
    """A room has another name; the event comes behind it, under that one."""

    room: RoomName
    """What it was called until now."""
    name: RoomName


@attrs.frozen
class RoomEnded:
    """A room is no more."""

    room: RoomName
    event: events.Destroy | None = None
    """None: nobody was there who could be told."""


@attrs.frozen
class RoomTrimmed:
    """A timeline begins later."""

    room: RoomName
    first: Seq
    """The lowest seq that is kept; head + 1 if none."""


# --- who is in them -----------------------------------------------------------


@attrs.frozen
class MemberSet:
    """Somebody has come into a room, or gone."""

    room: RoomName
    user: UserName
    role: Role | None
    """None: he is no member."""
    first: Seq = Seq(1)
    """The lowest seq that a new member may read."""
    event: events.Member | None = None
    """None: nobody is told."""


@attrs.frozen
class LevelSet:
    """A member wants to be called for something else, of which only he is told."""

    room: RoomName
    user: UserName
    level: Level


@attrs.frozen
class AddressBan:
    """That no guest from an address is let in, because one was banned."""

    user: UserName
    """Who was banned; lifting his ban ends it."""
    address: bytes
    """Its digest."""
    at: Millis
    """When he was banned."""
    until: Millis | None
    """When his own ban ends; None is never."""
    reason: str | None


@attrs.frozen
class Moderated:
    """Somebody may do something else in a room, which the event tells."""

    event: events.Member
    barred: AddressBan | None = None
    """What a ban of a guest holds for beside him."""


# --- users and how they come in -------------------------------------------------


@attrs.frozen
class UserAdded:
    """There is a new user."""

    user: UserName
    display: str
    role: AccountRole


@attrs.frozen
class DisplaySet:
    """A user is shown otherwise."""

    user: UserName
    display: str


@attrs.frozen
class RoleSet:
    """A user has another role on this server."""

    user: UserName
    role: AccountRole


@attrs.frozen
class BlockSet:
    """A user blocks another one, or no longer."""

    user: UserName
    blocked: UserName
    on: bool


@attrs.frozen
class BookmarkSet:
    """A user has bookmarked a message, or no longer."""

    user: UserName
    room: RoomName
    of: Seq
    on: bool


@attrs.frozen
class FollowSet:
    """A user follows a thread, or no longer."""

    room: RoomName
    user: UserName
    root: Seq
    on: bool


@attrs.frozen
class ThreadRead:
    """A user has read a thread further."""

    room: RoomName
    user: UserName
    root: Seq
    seq: Seq


@attrs.frozen
class Banned:
    """A user is banned from the server; his sessions have ended."""

    user: UserName
    until: Millis | None
    reason: str | None
    barred: AddressBan | None = None
    """What that holds for beside him, if he is a guest."""


@attrs.frozen
class Unbanned:
    """A user may come in again."""

    user: UserName


@attrs.frozen
class SessionOpened:
    """A user has one more session."""

    session: SessionId
    user: UserName


@attrs.frozen
class SessionsEnded:
    """Some sessions of a user are void."""

    sessions: tuple[SessionId, ...]
    user: UserName | None = None
    """Whose they were; None: they were not there."""
    left: bool = False
    """Whether he was a guest and has no other, so that his memberships went, too."""


@attrs.frozen
class SessionTaken:
    """Another node has a session from here on."""

    session: SessionId
    user: UserName
    node: NodeId


@attrs.frozen
class AccessRevoked:
    """What a user had come in by is void: sessions, and what was just verified.

    Where that is all of them, a guest's memberships went, too.
    """

    user: UserName
    token: bytes | None = None
    """SHA-256 of the one token that it is about; None: all sessions."""
    besides: SessionId | None = None
    """One that stays, and depends on no token any more."""
    void: tuple[SessionId, ...] = ()
    """Those that have ended by it, in order."""


@attrs.frozen
class UserErased:
    """A user is nobody any more: no credentials, no memberships."""

    user: UserName


@attrs.frozen
class PlaceNamed:
    """The place is called so."""

    name: str


# --- what time alone changes ------------------------------------------------------


class Lapse(Enum):
    """What time can end."""

    BAN = auto()
    MUTE = auto()
    INVITE = auto()
    """One that does not matter any more."""
    ADDRESS_BANS = auto()
    """Those of a place that hold no longer."""


@attrs.frozen
class Lapsed:
    """Something has ended by itself; of it nothing was committed."""

    what: Lapse
    room: RoomName | None
    """None: the server."""
    user: UserName | None = None


Change = (
    Appended
    | RoomMade
    | RoomDeclared
    | SettingsSet
    | RoomRenamed
    | RoomEnded
    | RoomTrimmed
    | MemberSet
    | LevelSet
    | Moderated
    | UserAdded
    | DisplaySet
    | RoleSet
    | BlockSet
    | BookmarkSet
    | FollowSet
    | ThreadRead
    | Banned
    | Unbanned
    | SessionOpened
    | SessionsEnded
    | SessionTaken
    | AccessRevoked
    | UserErased
    | PlaceNamed
    | Lapsed
)
"""Anything that changes what is durable."""


def event_of(change: Change) -> TimelineEvent | None:
    """The event by which a timeline tells of a change, if one does."""
    return getattr(change, "event", None)


def room_of(change: Change) -> RoomName | None:
    """The room that a change is about, if it is about one."""
    event = event_of(change)
    return event.room if event is not None else getattr(change, "room", None)


def users_of(change: Change) -> Sequence[UserName]:
    """The users of whom a change says something."""
    if isinstance(change, RoomMade):
        return tuple(change.members)
    event = event_of(change)
    user = event.user if isinstance(event, events.Member) else None
    user = user if user is not None else getattr(change, "user", None)
    return () if user is None else (user,)
