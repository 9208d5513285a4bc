"""What is read from the store for a command, as values.

A command that needs the store wants an `effects.Query` with one of these, and gets what
was read as an `inputs.Answered`. How each is read, and who answers, is its row in
`LOOK_UPS` (`chatd.core.commands`). Whatever the command itself says is not said again.
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
    """What of a room is unread up to a seq."""

    upto: Seq
    unread: int
    """Messages."""
    mentions: int
    """Those among them that address the user."""


@attrs.define
class CountUnread:
    """Count unread messages, for a hello."""

    principal: Principal
    marks: list[tuple[RoomName, Seq, Seq]]
    """Room, read mark, and the head up to which to count."""
    counted: dict[RoomName, Unread]
    """What was counted before."""


@attrs.define
class LoadDirect:
    """Read a user's direct conversations, for a hello."""

    principal: Principal


@attrs.define
class FindUser:
    """Look for a user whom the command names."""

    user: UserName


@attrs.define
class ReadHistory:
    """Read a page of messages up to `upto`."""

    upto: Seq
    viewer: UserName


@attrs.define
class ReadReactions:
    """Read a page of the users who have an emoji on a message."""

    viewer: UserName


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
class FindMessages:
    """Find messages in some rooms, each from a first seq up to the head."""

    query: SearchQuery
    scope: list[tuple[RoomName, Seq, Seq]]
    place: Place | None
    viewer: UserName
