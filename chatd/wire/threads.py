"""Threads: commands about them, and what somebody is told of his own.

What is said in them is any message (`chatd.wire.timeline`, `chatd.wire.events`).
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import RoomName, Seq
from chatd.wire.kinds import CommandId, PageLimit, ThreadNumber


@attrs.define
class Follow:
    """Follow the thread of a message, or no longer."""

    type: ClassVar[str] = "follow"
    room: RoomName
    thread: Seq
    on: bool = True
    id: CommandId = None


@attrs.define
class Threads:
    """Ask for the threads that the user follows, or those of them that are unread."""

    type: ClassVar[str] = "threads"
    unread: bool = False
    after: ThreadNumber | None = None
    limit: PageLimit = PageLimit(50)
    id: CommandId = None


# --- events for all connections of one user -------------------------------------


@attrs.define
class Followed:
    """The user follows a thread from here on, or no longer."""

    type: ClassVar[str] = "follow"
    room: RoomName
    thread: Seq
    on: bool
    """Always written."""


@attrs.define
class ThreadUnread:
    """Something is unread in a thread that the user follows, and nothing was."""

    type: ClassVar[str] = "thread"
    room: RoomName
    thread: Seq
    seq: Seq
    """The message that is."""


@attrs.define
class ThreadMark:
    """The user has read a thread up to `seq`.

    It is no `read`, which who knows no threads would take for the room's.
    """

    type: ClassVar[str] = "thread_read"
    room: RoomName
    thread: Seq
    seq: Seq
