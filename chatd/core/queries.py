"""What is read from the store, as values.

A command that needs the store wants an `effects.Query` with one of these, and gets what
was read as an `inputs.Answered`. How each is read, and who answers, is its row in
`chatd.core.commands.look_ups`. Whatever the command itself says is not said again.

What is read for nobody's command alone is wanted by an `effects.Fetch`, and comes as
an `inputs.Fetched`; its rows are in `FETCHES`.
"""

from __future__ import annotations

from typing import TypeVar

import attrs

from chatd.core.principal import Principal
from chatd.core.query import Place
from chatd.core.query import Query as SearchQuery
from chatd.ids import RoomName, Seq, UserName
from chatd.wire.events import Millis

T = TypeVar("T")

Page = tuple[list[T], bool]
"""Entries, and whether there are more behind them."""


@attrs.define
class Unread:
    """What of a room is unread behind a mark up to a seq."""

    read: Seq
    upto: Seq
    unread: int
    """Messages."""
    mentions: int
    """Those among them that address the user."""
    in_threads: int = 0
    """Those of the messages that are in threads."""


@attrs.define
class CountUnread:
    """Count unread messages, for a hello."""

    principal: Principal
    marks: list[tuple[RoomName, Seq, Seq]]
    """Room, read mark, and the head up to which to count."""
    counted: dict[RoomName, Unread]
    """What was counted before."""


@attrs.define
class ListRooms:
    """Read a page of the public rooms."""


@attrs.define
class ReadDisplays:
    """Read how some of a page of a room's members are shown."""

    users: list[UserName]
    """Those who are not in memory."""
    names: list[UserName]
    """All of the page."""
    more: bool
    """Whether there are members behind them."""


@attrs.define
class ReadHistory:
    """Read a page of messages up to `upto`."""

    upto: Seq
    viewer: UserName


@attrs.define
class ReadThread(ReadHistory):
    """Read a page of a thread up to `upto`, and its first message."""


@attrs.define
class ReadThreads:
    """Read a page of the threads that a user follows."""

    user: UserName


@attrs.define
class ReadReactions:
    """Read a page of the users who have an emoji on a message."""

    viewer: UserName


@attrs.define
class ReadPins:
    """Read a page of what is pinned up to `upto`, of messages from `first` on."""

    first: Seq
    upto: Seq
    viewer: UserName


@attrs.define
class ReadBookmarks:
    """Read a page of what a user has bookmarked."""

    user: UserName


@attrs.define
class ReadSessions:
    """Read a page of a user's sessions, of those that were idle since then at most."""

    user: UserName
    since: Millis


@attrs.define
class ReadInvitations:
    """Read a page of invitations to the server: of one user, or for None all."""

    maker: UserName | None


@attrs.define
class ReadErasure:
    """Read how far the erasure of a user is."""


@attrs.define
class ReadAudit:
    """Read a page of the audit, of nothing older."""

    since: Millis | None


@attrs.define
class FindMessages:
    """Find messages in some rooms, each from a first seq up to the head."""

    query: SearchQuery
    scope: list[tuple[RoomName, Seq, Seq]]
    place: Place | None
    viewer: UserName


# --- for nobody's command alone ---------------------------------------------------


@attrs.define
class LoadUser:
    """Read a user into memory."""

    user: UserName


@attrs.define
class LoadRooms:
    """Read rooms into memory."""

    rooms: list[RoomName]


@attrs.define
class ListTrimming:
    """Read a page of the rooms that forget their beginning."""

    after: RoomName | None
