"""Pages of messages that do not follow one another in their room.

What is pinned, what is in a thread, and the threads that somebody follows. What a page
of history shows of a pin and of a thread is in `chatd.store.sqlite.pins` and
`chatd.store.sqlite.thread_replies`.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from chatd.ids import RoomName, Seq, UserName
from chatd.store import answers
from chatd.store.ranking import NEWEST
from chatd.store.sqlite import pins as pins_now
from chatd.store.sqlite import reactions, thread_replies
from chatd.store.sqlite.reader import HISTORY, HISTORY_COLUMNS, place_of, shown
from chatd.store.sqlite.sql import select, snapshot
from chatd.wire.kinds import ThreadNumber
from chatd.wire.replies import MessageShown, ThreadListed

_THREAD = (
    HISTORY_COLUMNS
    + """FROM message m INDEXED BY message_thread JOIN user u ON u.id = m.user_id
WHERE m.room_id = ? AND m.seq > ? AND m.seq < ? AND m.thread = ? ORDER BY m.seq """
)
_FOLLOWED = """
SELECT f.at, r.id, r.name, f.root FROM thread_follower f INDEXED BY {index}
JOIN room r ON r.id = f.room_id AND r.ended IS NULL
WHERE f.user_id = (SELECT id FROM user WHERE name = ?) AND f.{wanted} AND f.at < ?
ORDER BY f.at DESC LIMIT ?"""
_ALL_FOLLOWED = _FOLLOWED.format(index="thread_follower_user", wanted="is_on = TRUE")
_ALL_UNREAD = _FOLLOWED.format(index="thread_follower_unread", wanted="is_unread")


def pins(
    db: apsw.Connection,
    room: RoomName,
    first: Seq,
    after: Seq | None,
    limit: int,
    upto: Seq,
    viewer: UserName,
) -> tuple[list[MessageShown], bool]:
    """Read a page of the pinned messages, the last pinned first, as in `history`."""
    with snapshot(db):
        found = place_of(db, room)
        if found is None:
            return [], False
        below = upto + 1 if after is None else min(after, upto + 1)
        seen = pins_now.viewer_in(db, room, viewer)
        values = seen, found[0], below, first, viewer, limit + 1
        rows = select(db, pins_now.PINNED, values)
        read = [shown(*row) for _, *row in rows[:limit]]
        for message, (pinned, *_) in zip(read, rows, strict=False):
            message.pinned = pinned
        page = read[: answers.shown_whole(_named(db, found[0], read, viewer))]
        thread_replies.fold(db, found[0], page, viewer)
    return page, len(rows) > len(page)


def thread(
    db: apsw.Connection,
    room: RoomName,
    root: Seq,
    before: Seq | None,
    after: Seq | None,
    limit: int,
    upto: Seq,
    viewer: UserName,
) -> tuple[MessageShown | None, list[MessageShown], bool]:
    """Read a page of a thread, and its first message."""
    with snapshot(db):
        found = place_of(db, room)
        if found is None:
            return None, [], False
        below = upto + 1 if before is None else min(before, upto + 1)
        rows = select(
            db,
            _THREAD + ("DESC" if after is None else "ASC") + " LIMIT ?",
            (viewer, found[0], after or 0, below, root, limit + 1),
        )
        read = [shown(*row) for row in rows[:limit]]
        page = read[: answers.shown_whole(_named(db, found[0], read, viewer))]
        if after is None:
            page.reverse()
        seen = pins_now.viewer_in(db, room, viewer)
        pins_now.fold(db, found[0], page, seen)
        first = _first(db, found[0], room, root, upto, viewer)
    return first, page, len(rows) > len(page)


def threads(
    db: apsw.Connection,
    user: UserName,
    after: ThreadNumber | None,
    limit: int,
    unread: bool,  # noqa: FBT001 - as the readers call it
) -> tuple[list[tuple[ThreadNumber, ThreadListed]], bool]:
    """Read a page of the threads that a user follows."""
    page = []
    with snapshot(db):
        sql = _ALL_UNREAD if unread else _ALL_FOLLOWED
        behind = NEWEST if after is None else after
        rows = select(db, sql, (user, behind, limit + 1))
        for at, room, name, root in rows[:limit]:
            first = _first(db, room, name, root, root, user)
            assert first is not None
            page.append((at, ThreadListed(name, first)))
    return page, len(rows) > limit


def _first(
    db: apsw.Connection,
    room: int,
    name: RoomName,
    root: Seq,
    upto: Seq,
    viewer: UserName,
) -> MessageShown | None:
    """A message with everything folded in, if it is there."""
    values = viewer, room, root - 1, min(root, upto) + 1
    found = [shown(*row) for row in select(db, HISTORY, values)]
    reactions.fold(db, room, found, viewer)
    pins_now.fold(db, room, found, pins_now.viewer_in(db, name, viewer))
    thread_replies.fold(db, room, found, viewer)
    return found[0] if found else None


def _named(
    db: apsw.Connection, room: int, read: list[MessageShown], viewer: UserName
) -> Iterator[int]:
    """Give messages their reactions, one after the other; how many names each has."""
    for message in read:
        reactions.fold(db, room, [message], viewer)
        yield sum(map(len, message.reactions.values()))
