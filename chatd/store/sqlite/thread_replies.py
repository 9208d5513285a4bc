"""Threads as they are now: what is in each, who has written there, who follows it.

A page of messages shows of a thread how many replies it has, its newest, and the first
who have written there. A thread may have any number of them, so these are kept, in the
transaction that changes them, and never counted: whatever writes a reply, empties it or
hides it, comes by here. All of it goes when the message goes that has the thread, which
is before any of its replies.

Only in a direct conversation there is something that not everybody sees: what is hidden
counts for its author alone.

Whether something is unread is kept with each who follows, and changes only when he has
read everything before: so a reply costs those whose state it changes.

(Threads of the operating system are those of `chatd.store.sqlite.calling`.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw
import attrs
import orjson

from chatd.core.changes import FollowSet, ThreadRead
from chatd.core.drafts import (
    Committed,
    Duplicate,
    MarkThread,
    Outcome,
    Refused,
    SetFollow,
)
from chatd.ids import Seq, UserName
from chatd.store import answers
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.sql import find_rows, select
from chatd.wire.events import Millis
from chatd.wire.replies import MessageShown, ThreadShown

_NUMBER = "SELECT id FROM message WHERE room_id = ? AND seq = ?"
_ADD = """
INSERT INTO thread (room_id, root, replies, newest) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (room_id, root) DO UPDATE SET replies = thread.replies + ?3,
newest = CASE WHEN thread.newest > ?4 THEN thread.newest ELSE ?4 END
RETURNING replies"""
_ADD_WRITER = """
INSERT INTO thread_writer (room_id, root, user_id, written, shown, since)
VALUES (?1, ?2, ?3, 1, ?4, ?5)
ON CONFLICT (room_id, root, user_id) DO UPDATE
SET written = thread_writer.written + 1, shown = thread_writer.shown + ?4"""
_WRITER_FOLLOWS = """
INSERT INTO thread_follower (room_id, root, user_id, is_on, read, is_unread, at)
VALUES (?1, ?2, ?3, TRUE, ?4, FALSE, ?5) ON CONFLICT (room_id, root, user_id)
DO UPDATE SET is_on = TRUE, read = ?4, is_unread = FALSE, at = ?5"""
_OTHERS_FOLLOW = """
INSERT INTO thread_follower (room_id, root, user_id, is_on, read, is_unread, at)
VALUES $ROWS ON CONFLICT DO NOTHING RETURNING user_id"""
# Whoever has written the first message, and those whom it addresses.
_OF_ROOT = """
SELECT u.id FROM message m JOIN user u ON u.id = m.user_id
WHERE m.room_id = ?1 AND m.seq = ?2 AND u.erased IS NULL
UNION ALL
SELECT u.id FROM mention n JOIN user u ON u.id = n.user_id
WHERE n.room_id = ?1 AND n.of = ?2 AND n.is_on = TRUE AND u.erased IS NULL"""
_NOW_UNREAD = """
UPDATE thread_follower INDEXED BY thread_follower_read SET is_unread = TRUE, at = ?4
WHERE room_id = ?1 AND root = ?2 AND is_on AND NOT is_unread AND user_id <> ?3
RETURNING user_id"""
_NAMES = "SELECT name FROM user WHERE erased IS NULL AND (id) IN (VALUES $ROWS)"

_LESS = """
UPDATE thread SET replies = replies - ? WHERE room_id = ? AND root = ?
RETURNING newest"""
_LESS_OF_WRITER = """
UPDATE thread_writer SET written = written - ?, shown = shown - ?
WHERE room_id = ? AND root = ? AND user_id = ? RETURNING written"""
_NEWEST = """
SELECT coalesce(max(seq), 0) FROM message INDEXED BY message_thread_seen
WHERE room_id = ? AND thread = ? AND text IS NOT NULL AND NOT hidden"""
_NOW_READ = """
UPDATE thread_follower SET is_unread = FALSE
WHERE room_id = ? AND root = ? AND is_unread AND read >= ?"""

# What of a thread somebody is shown who wrote `own` hidden replies in it: they count
# for him alone, and may be the newest.
_SHOWN = """
SELECT t.root, t.replies, t.newest, coalesce(w.written - w.shown, 0) AS own,
CASE WHEN w.written > w.shown THEN (
  SELECT max(seq) FROM message INDEXED BY message_thread_hidden
  WHERE room_id = t.room_id AND thread = t.root AND user_id = v.id
  AND text IS NOT NULL AND hidden) ELSE 0 END,
coalesce(f.is_on, FALSE),
CASE WHEN f.is_unread THEN (SELECT count(*) FROM (
  SELECT 1 FROM message INDEXED BY message_thread_seen
  WHERE room_id = t.room_id AND thread = t.root AND seq > f.read
  AND text IS NOT NULL AND NOT hidden AND user_id <> v.id
  LIMIT ?4) AS found) ELSE 0 END,
(SELECT json_group_array(name) FROM (
  SELECT u.name FROM thread_writer x INDEXED BY thread_writer_first
  JOIN user u ON u.id = x.user_id
  WHERE x.room_id = t.room_id AND x.root = t.root
  AND (x.shown > 0 OR u.name = ?3)
  ORDER BY x.since LIMIT ?5) AS found)
FROM json_each(?2) j CROSS JOIN thread t
ON t.room_id = ?1 AND t.root = CAST(j.value AS BIGINT)
LEFT JOIN user v ON v.name = ?3
LEFT JOIN thread_writer w
ON w.room_id = t.room_id AND w.root = t.root AND w.user_id = v.id
LEFT JOIN thread_follower f
ON f.room_id = t.room_id AND f.root = t.root AND f.user_id = v.id"""
_STAMPS = """
SELECT seq, ts FROM message WHERE (room_id, seq) IN (VALUES $ROWS)"""


@attrs.frozen
class Reply:
    """A message in a thread."""

    room: int
    """The id of its room."""
    root: Seq
    seq: Seq
    user: int
    """Who has written it."""
    hidden: bool = False
    """From all but him."""


def add(
    ledger: Ledger, reply: Reply, named: Iterable[int]
) -> tuple[tuple[UserName, ...], tuple[UserName, ...]]:
    """Take a new reply into its thread.

    Args:
        ledger: The writer's.
        reply: Which; its row is there.
        named: The users whom it addresses by their names.

    Returns:
        Who follows the thread from here on, and for whom something is unread there and
        nothing was.
    """
    db, key = ledger.db, (reply.room, reply.root)
    (number,) = ledger.one(_NUMBER, reply.room, reply.seq)
    shown = not reply.hidden
    (replies,) = ledger.one(_ADD, *key, int(shown), reply.seq if shown else 0)
    db.execute(_ADD_WRITER, (*key, reply.user, int(shown), reply.seq))
    own = ledger.one(
        "SELECT is_on FROM thread_follower"
        " WHERE room_id = ? AND root = ? AND user_id = ?",
        *key,
        reply.user,
    )
    db.execute(_WRITER_FOLLOWS, (*key, reply.user, reply.seq, number))
    followed = [] if own == (1,) else [reply.user]
    if not shown:
        return _named(db, followed), ()
    if replies == 1:
        state = True, reply.root, False, number
        first = [(*key, user, *state) for user in _of_root(db, key)]
        followed += [user for (user,) in find_rows(db, _OTHERS_FOLLOW, first)]
    seen = reply.seq - 1
    rows = [(*key, user, True, seen, False, number) for user in named]
    followed += [user for (user,) in find_rows(db, _OTHERS_FOLLOW, rows)]
    unread = select(db, _NOW_UNREAD, (*key, reply.user, number))
    return _named(db, followed), _named(db, [user for (user,) in unread])


def follow_named(
    ledger: Ledger, reply: Reply, named: Sequence[int]
) -> tuple[UserName, ...]:
    """Have those follow a thread whom an edit of a reply there addresses.

    Returns:
        Who did not before. For them the reply is unread, and what comes behind it.
    """
    key = reply.room, reply.root
    thread = ledger.one("SELECT 1 FROM thread WHERE room_id = ? AND root = ?", *key)
    if thread is None:
        return ()
    (number,) = ledger.one(_NUMBER, reply.room, reply.seq)
    rows = [(*key, user, True, reply.seq - 1, True, number) for user in named]
    found = [user for (user,) in find_rows(ledger.db, _OTHERS_FOLLOW, rows)]
    return _named(ledger.db, found)


def remove(db: apsw.Connection, reply: Reply) -> None:
    """Take a reply out of its thread that was deleted."""
    shown = not reply.hidden
    values = 1, int(shown), reply.room, reply.root, reply.user
    if select(db, _LESS_OF_WRITER, values) == [(0,)]:
        db.execute(
            "DELETE FROM thread_writer WHERE room_id = ? AND root = ? AND user_id = ?",
            values[2:],
        )
    if shown:
        _lessen(db, reply)


def hide(db: apsw.Connection, reply: Reply) -> None:
    """Let a reply that was hidden now count for its author alone."""
    db.execute(_LESS_OF_WRITER, (0, 1, reply.room, reply.root, reply.user)).fetchall()
    _lessen(db, reply)


def _lessen(db: apsw.Connection, reply: Reply) -> None:
    """Count one reply less, and find the newest if that was it."""
    key = reply.room, reply.root
    if select(db, _LESS, (1, *key)) == [(reply.seq,)]:
        newest = select(db, _NEWEST, key)[0][0]
        db.execute(
            "UPDATE thread SET newest = ? WHERE room_id = ? AND root = ?",
            (newest, *key),
        )
        db.execute(_NOW_READ, (*key, newest))


def trim(db: apsw.Connection, room: int, below: int) -> None:
    """Remove the threads of all messages below a seq."""
    for table in ("thread", "thread_writer", "thread_follower"):
        db.execute(
            f"DELETE FROM {table} WHERE room_id = ? AND root < ?",  # noqa: S608 - ours
            (room, below),
        )


def _of_root(db: apsw.Connection, key: tuple[int, Seq]) -> list[int]:
    """Who follows a thread from its beginning, without whoever begins it."""
    return list(dict.fromkeys(user for (user,) in select(db, _OF_ROOT, key)))


def _named(db: apsw.Connection, users: Iterable[int]) -> tuple[UserName, ...]:
    """The names of users, sorted, without those who were erased."""
    names = find_rows(db, _NAMES, [(user,) for user in users])
    return tuple(sorted(name for (name,) in names))


# --- who follows, and what he has read ------------------------------------------


def set_follow(ledger: Ledger, draft: SetFollow, _now: Millis) -> Outcome:
    """Have somebody follow a thread, or no longer."""
    found = ledger.locate(draft.room, draft.user)
    if isinstance(found, Refused):
        return found
    room, user = found
    key = room.id, draft.root
    thread = ledger.one(
        "SELECT t.newest, m.id FROM thread t"
        " JOIN message m ON m.room_id = t.room_id AND m.seq = t.root"
        " WHERE t.room_id = ? AND t.root = ?",
        *key,
    )
    if thread is None:
        return answers.NO_THREAD
    own = ledger.one(
        "SELECT is_on, read FROM thread_follower"
        " WHERE room_id = ? AND root = ? AND user_id = ?",
        *key,
        user,
    )
    if own is not None and bool(own[0]) == draft.on:
        return Duplicate()
    newest, number = thread
    read = newest if own is None else max(newest, own[1])
    ledger.db.execute(
        "INSERT INTO thread_follower"
        " (room_id, root, user_id, is_on, read, is_unread, at)"
        " VALUES (?, ?, ?, ?, ?, FALSE, ?) ON CONFLICT (room_id, root, user_id)"
        " DO UPDATE SET is_on = excluded.is_on, read = excluded.read,"
        " is_unread = FALSE, at = excluded.at",
        (*key, user, draft.on, read, number),
    )
    return Committed((FollowSet(room.name, draft.user, draft.root, draft.on),))


def mark_thread(ledger: Ledger, draft: MarkThread, _now: Millis) -> Outcome:
    """Note how far somebody has read a thread that he follows."""
    found = ledger.locate(draft.room, draft.user)
    if isinstance(found, Refused):
        return found
    room, user = found
    seq = min(draft.seq, room.head)
    ledger.db.execute(
        "UPDATE thread_follower SET read = ?4, is_unread = ?4 < (SELECT newest"
        " FROM thread WHERE room_id = ?1 AND root = ?2)"
        " WHERE room_id = ?1 AND root = ?2 AND user_id = ?3 AND is_on AND read < ?4",
        (room.id, draft.root, user, seq),
    )
    if not ledger.db.changes():
        return Duplicate()
    return Committed((ThreadRead(room.name, draft.user, draft.root, seq),))


# --- reading ------------------------------------------------------------------


def fold(
    db: apsw.Connection, room: int, page: Sequence[MessageShown], viewer: UserName
) -> None:
    """Give each message what somebody is shown of the thread that it has opened."""
    shown = {message.seq: message for message in page if not message.hidden}
    if not shown:
        return
    roots = orjson.dumps(list(shown)).decode()
    most = answers.THREAD_UNREAD_MAX, answers.FACES_MAX
    found = {}
    for root, replies, newest, own, newest_own, is_on, unread, users in select(
        db, _SHOWN, (room, roots, viewer, *most)
    ):
        if replies + own:
            found[root] = ThreadShown(
                replies + own,
                max(newest, newest_own),
                0,
                orjson.loads(users),
                follow=bool(is_on),
                unread=unread,
            )
    last = [(room, thread.last) for thread in found.values()]
    stamps = dict(find_rows(db, _STAMPS, last))
    for root, thread in found.items():
        thread.ts = stamps[thread.last]
        shown[root].replies = thread
