"""Bookmarks: what one keeps for oneself, in a list over all of one's rooms.

Nobody else learns of them. They go with the message, and with the membership.
"""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.commands.timeline.messages import check_readable
from chatd.core.drafts import SetBookmark
from chatd.core.entities import Connection
from chatd.core.inputs import Answered
from chatd.core.pages import fit_own, may_still_ask
from chatd.core.queries import Page, ReadBookmarks
from chatd.core.turn import Turn
from chatd.wire.kinds import BookmarkNumber
from chatd.wire.replies import BookmarksPage, MessageKept
from chatd.wire.timeline import Bookmark, Bookmarks


def bookmark(turn: Turn, connection: Connection, command: Bookmark) -> None:
    """Have a bookmark recorded, or taken back; if it is one, the writer knows."""
    user = turn.user(connection)
    room = turn.member_room(connection, command.room)
    check_readable(command.of, room.members[user.name].first, "of")
    rate_limits.may_send(turn, connection)
    draft = SetBookmark(user.name, room.name, command.of, command.on)
    turn.append(draft, connection, command)
    turn.pend(connection)


def bookmarks(turn: Turn, connection: Connection, command: Bookmarks) -> None:
    """Have a page of the user's bookmarks read."""
    user = turn.user(connection).name
    turn.query(connection, command, ReadBookmarks(user))


def bookmarks_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Bookmarks, ReadBookmarks, Page[tuple[BookmarkNumber, MessageKept]]],
) -> None:
    """Answer `bookmarks` with what its user may read now; that may be nothing."""
    command = found.command
    if not may_still_ask(turn, connection, command):
        return
    page, place = fit_own(turn, connection, found.answer, lambda one: one.seq)
    turn.answer(connection.id, BookmarksPage(page, next=place, id=command.id))
