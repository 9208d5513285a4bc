"""Commands about messages: written, changed, read again and found."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.wire.kinds import (
    BookmarkNumber,
    CommandId,
    Emoji,
    PageLimit,
    PlaceText,
    QueryText,
    Text,
)


@attrs.define
class Send:
    """Write a message into `room`, or to the user `to`; exactly one is given."""

    type: ClassVar[str] = "send"
    text: Text
    room: RoomName | None = None
    to: UserName | None = None
    cid: Cid | None = None
    reply_to: Seq | None = None
    thread: bool = False
    """Whether the reply goes into the thread of what it replies to."""
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
class Pin:
    """Pin the message `of` to the room, or unpin it."""

    type: ClassVar[str] = "pin"
    room: RoomName
    of: Seq
    on: bool = True
    cid: Cid | None = None
    id: CommandId = None


@attrs.define
class Bookmark:
    """Keep the message `of` in the user's own list, or no longer."""

    type: ClassVar[str] = "bookmark"
    room: RoomName
    of: Seq
    on: bool = True
    id: CommandId = None


@attrs.define
class History:
    """Ask for a page of messages before or after a seq, or the newest."""

    type: ClassVar[str] = "history"
    room: RoomName
    before: Seq | None = None
    after: Seq | None = None
    limit: PageLimit = PageLimit(50)
    thread: Seq | None = None
    """The message whose thread is asked for; None: the whole room."""
    events: bool = False
    """Whether the page also has what happened between the messages of a room."""
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
class Pins:
    """Ask for the messages that are pinned to a room, the last pinned first."""

    type: ClassVar[str] = "pins"
    room: RoomName
    after: Seq | None = None
    limit: PageLimit = PageLimit(50)
    id: CommandId = None


@attrs.define
class Bookmarks:
    """Ask for the messages that the user has bookmarked, the last one first."""

    type: ClassVar[str] = "bookmarks"
    after: BookmarkNumber | None = None
    limit: PageLimit = PageLimit(50)
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
