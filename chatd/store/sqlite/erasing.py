"""Erasing a user, in steps that can be interrupted.

`begin` removes all credentials and sessions, in the transaction of the answer: from
then on nothing new of the user comes in. Then the messages are emptied as a deletion
empties them, or stay; the user's reactions and `cid`s, and mentions of the user, go
either way. That may take long, so it is done in steps, each of them whole and short,
since the writer waits while one runs: a step looks at so many rows, changes so many,
and takes so much text out of the search index. The row in `erasure` says where to go
on. A call of `step` does as many as its time allows. When the messages are empty the
search index is merged, or their words would still be in its pages.

Nothing here takes a seq or moves a head: those belong to the events of a room.

To leave messages to a nameless user, the row of the user gets another name,
whatever it has, and the old name a new row, which keeps it taken.
"""

from __future__ import annotations

from collections.abc import Callable

import apsw
import attrs
import orjson

from chatd.ids import UserName
from chatd.store.sqlite import (
    admissions,
    migrate,
    reactions,
    search_index,
    thread_replies,
)
from chatd.store.sqlite.ledger import GUEST
from chatd.store.sqlite.sql import STEP_S, Deadline, select
from chatd.store.sqlite.thread_replies import Reply
from chatd.store.sqlite.timeline import forget_of

STEP_ROWS = 64
"""Rows that one step changes by themselves, and a few times as many with them."""
STEP_TEXT_BYTES = 32_768
"""Text that one step takes out of the search index."""
LOOK_ROWS = 2048
"""Rows that one step looks at. Measured on two cores: 1 ms of a table of messages."""
LOOK_ROOMS = 256
"""Rooms in which one step looks for mentions; a look is one search in an index."""

# With whether there is anything of others on a message.
_OWN = """
SELECT id, room_id, seq, text, hidden, thread,
EXISTS (SELECT 1 FROM reaction x WHERE x.room_id = m.room_id AND x.of = m.seq)
OR EXISTS (SELECT 1 FROM mention x WHERE x.room_id = m.room_id AND x.of = m.seq)
OR EXISTS (SELECT 1 FROM event x WHERE x.room_id = m.room_id AND x.of = m.seq)
OR EXISTS (SELECT 1 FROM bookmark x WHERE x.room_id = m.room_id AND x.of = m.seq)
FROM message m WHERE id > ? AND id <= ?
AND user_id = ? AND (text IS NOT NULL OR cid IS NOT NULL) ORDER BY id LIMIT ?"""

_Place = tuple[int, int]
"""Where a stage is: a room's id where the key begins with one, and a number."""


@attrs.frozen
class Progress:
    """What was done so far."""

    messages: int
    """Those that were emptied."""
    reactions: int
    is_done: bool
    is_overwritten: bool = False
    """Whether the write-ahead log was emptied, too."""


def begin(
    db: apsw.Connection,
    name: UserName,
    user: int,
    nameless: UserName | None,
) -> None:
    """Begin to erase a user, in the caller's transaction; `step` does the rest.

    Args:
        db: The connection.
        name: The user's.
        user: The id of the user's row.
        nameless: The user whom the messages belong to from now on; None: they are
            emptied.
    """
    _forget(db, user)
    db.execute(
        "UPDATE user SET display = name, password_hash = NULL, banned_at = NULL,"
        " banned_until = NULL, ban_reason = NULL, erased = 'begun' WHERE id = ?",
        (user,),
    )
    stage = next(iter(STAGES))
    if nameless is not None:
        _rename(db, user, nameless)
        stage = "reactions"
    db.execute(
        "INSERT INTO erasure (user_id, name, stage) VALUES (?, ?, ?)",
        (user, name, stage),
    )


def _forget(db: apsw.Connection, user: int) -> None:
    """Remove sessions, tokens, memberships, and what others did to the user."""
    admissions.forget_user(db, user)
    for table, column in (
        ("session", "user_id"),
        ("token", "user_id"),
        ("member", "user_id"),
        ("sanction", "user_id"),
        ("invite", "user_id"),
        ("invite", "sender_id"),
        ("creation", "user_id"),
        ("guest", "user_id"),
        ("guest_address", "user_id"),
        ("address_ban", "user_id"),
        ("block", "user_id"),
        ("block", "blocked_id"),
        ("pin", "user_id"),
        ("bookmark", "user_id"),
    ):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (user,))  # noqa: S608 - two words


def _rename(db: apsw.Connection, user: int, nameless: UserName) -> None:
    """Give what the user has to one without a name; the old name stays taken."""
    name, skeleton, role, created = select(
        db, "SELECT name, skeleton, role, created FROM user WHERE id = ?", (user,)
    )[0]
    db.execute(
        "UPDATE user SET name = ?, skeleton = NULL, display = 'erased', role = ?"
        " WHERE id = ?",
        (nameless, GUEST, user),
    )
    db.execute(
        "INSERT INTO user (name, skeleton, display, role, created, erased)"
        " VALUES (?1, ?2, ?1, ?3, ?4, 'begun')",
        (name, skeleton, role, created),
    )


def steps(db: apsw.Connection, user: int) -> Progress | None:
    """Do steps until the time of one is over; as `step`."""
    deadline = Deadline.after(STEP_S)
    while True:
        progress = step(db, user)
        if progress is None or progress.is_done or deadline.is_over():
            return progress


def step(db: apsw.Connection, user: int) -> Progress | None:
    """Do a little, in the caller's transaction.

    Returns:
        What was done so far; None if it is done.
    """
    rows = select(
        db, "SELECT name, stage, room, at FROM erasure WHERE user_id = ?", (user,)
    )
    if not rows:
        return None
    name, stage, *place = rows[0]
    counted, after = STAGES[stage](db, user, (place[0], place[1]))
    if stage in {"messages", "reactions"}:
        db.execute(
            f"UPDATE erasure SET {stage} = {stage} + ? WHERE user_id = ?",  # noqa: S608 - two words
            (counted, user),
        )
    if after is None:
        stage, after = _after(stage), (0, 0)
    messages, reactions = select(
        db,
        "UPDATE erasure SET stage = ?, room = ?, at = ? WHERE user_id = ?"
        " RETURNING messages, reactions",
        (stage, *after, user),
    )[0]
    if stage:
        return Progress(messages, reactions, is_done=False)
    db.execute("DELETE FROM erasure WHERE user_id = ?", (user,))
    db.execute("UPDATE user SET erased = 'done' WHERE id = ? OR name = ?", (user, name))
    return Progress(messages, reactions, is_done=True)


def _after(stage: str) -> str:
    """The stage behind one; "" behind the last."""
    stages = [*STAGES, ""]
    return stages[stages.index(stage) + 1]


def empty_log(db: apsw.Connection) -> bool:
    """Empty the write-ahead log, which still has what was overwritten.

    It waits for no reader, since nobody could write meanwhile; a log that is not
    emptied now is reused later.

    Returns:
        Whether it is empty.
    """
    db.set_busy_timeout(0)
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return False
    finally:
        db.set_busy_timeout(migrate.BUSY_TIMEOUT_MS)
    return True


# --- stages -------------------------------------------------------------------

# Each does a part of what is behind a place, and says how much that was, and the
# place up to which it has gone; None when there is nothing behind it any more.


def _empty_messages(
    db: apsw.Connection, user: int, place: _Place
) -> tuple[int, _Place | None]:
    """Empty messages as their deletion would, and forget the client's own ids."""
    _, after = place
    end = _end(db, "message", after, LOOK_ROWS)
    if end is None:
        return 0, None
    rows = select(
        db,
        _OWN,
        (after, end, user, STEP_ROWS),
    )
    taken: list[int] = []
    replies: list[Reply] = []
    emptied = changed = text_bytes = 0
    for message, room, seq, text, hidden, root, has_others in rows:
        text_bytes += len((text or "").encode())
        if taken and (text_bytes > STEP_TEXT_BYTES or changed > STEP_ROWS):
            break
        if text is not None:
            changed += forget_of(db, room, seq) if has_others else 0
            emptied += 1
            if root is not None:
                replies.append(Reply(room, root, seq, user, bool(hidden)))
        taken.append(message)
    if not taken:
        return 0, (0, end)
    listed = orjson.dumps(taken).decode()
    with search_index.many(db):
        search_index.take_out_all(db, listed)
    db.execute(
        "UPDATE message SET text = NULL, edited_seq = NULL, cid = NULL"
        " WHERE id IN (SELECT CAST(j.value AS BIGINT) FROM json_each(?) j)",
        (listed,),
    )
    for reply in replies:
        thread_replies.remove(db, reply)
    is_all = len(taken) == len(rows) < STEP_ROWS
    return emptied, (0, end if is_all else taken[-1])


def _merge_words(
    db: apsw.Connection, _user: int, place: _Place
) -> tuple[int, _Place | None]:
    """Have the words of what was emptied leave the pages of the search index."""
    _, at = place
    if at == 0:
        search_index.begin_merging(db)
    more = search_index.merge(db)
    return 0, (0, at + 1) if more else None


def _forget_reactions(
    db: apsw.Connection, user: int, place: _Place
) -> tuple[int, _Place | None]:
    """Take the user's reactions from messages, and the emoji from their events."""
    end = _end_of_events(db, place)
    if end is None:
        return 0, None
    rows = select(
        db,
        "SELECT room_id, seq, of, emoji FROM event"
        " WHERE (room_id, seq) > (?, ?) AND (room_id, seq) <= (?, ?)"
        " AND user_id = ? AND emoji IS NOT NULL ORDER BY room_id, seq LIMIT ?",
        (*place, *end, user, STEP_ROWS),
    )
    forgotten = 0
    for room, seq, of, emoji in rows:
        forgotten += reactions.remove(db, (room, of, emoji, user))
        db.execute(
            "UPDATE event SET emoji = NULL, is_on = NULL WHERE room_id = ? AND seq = ?",
            (room, seq),
        )
    return forgotten, rows[-1][:2] if len(rows) == STEP_ROWS else end


def _forget_cids(
    db: apsw.Connection, user: int, place: _Place
) -> tuple[int, _Place | None]:
    """Forget what the client called what it sent."""
    _, after = place
    end = _end(db, "cid", after, LOOK_ROWS)
    if end is None:
        return 0, None
    db.execute(
        "DELETE FROM cid WHERE id > ? AND id <= ? AND user_id = ?", (after, end, user)
    )
    return db.changes(), (0, end)


def _forget_mentions(
    db: apsw.Connection, user: int, place: _Place
) -> tuple[int, _Place | None]:
    """Forget which messages address the user: by their key, room by room."""
    _, after = place
    end = _end(db, "room", after, LOOK_ROOMS)
    if end is None:
        return 0, None
    rows = select(
        db,
        "SELECT m.room_id, m.is_on, m.seq FROM room r CROSS JOIN mention m"
        " ON m.room_id = r.id AND m.user_id = ? WHERE r.id > ? AND r.id <= ? LIMIT ?",
        (user, after, end, STEP_ROWS),
    )
    db.executemany(
        "DELETE FROM mention"
        " WHERE room_id = ? AND is_on = ? AND seq = ? AND user_id = ?",
        [(*row, user) for row in rows],
    )
    # What is left is found from the same place again.
    return len(rows), (0, after if len(rows) == STEP_ROWS else end)


def _forget_threads(
    db: apsw.Connection, user: int, place: _Place
) -> tuple[int, _Place | None]:
    """Forget which threads the user follows, and what was read of them."""
    db.execute(
        "DELETE FROM thread_follower WHERE (room_id, root, user_id) IN"
        " (SELECT room_id, root, user_id FROM thread_follower WHERE user_id = ?"
        " LIMIT ?)",
        (user, STEP_ROWS),
    )
    changed = db.changes()
    return changed, place if changed == STEP_ROWS else None


def _end(db: apsw.Connection, table: str, after: int, rows: int) -> int | None:
    """The id up to which a step looks; None if there is nothing behind `after`."""
    found: int | None = select(
        db,
        f"SELECT max(id) FROM (SELECT id FROM {table} WHERE id > ?"  # noqa: S608 - one word
        " ORDER BY id LIMIT ?) AS found",
        (after, rows),
    )[0][0]
    return found


def _end_of_events(db: apsw.Connection, place: _Place) -> _Place | None:
    """As `_end`, by the key of events."""
    behind = "SELECT room_id, seq FROM event WHERE (room_id, seq) > (?, ?)"
    full = behind + " ORDER BY room_id, seq LIMIT 1 OFFSET ?"
    rows = select(db, full, (*place, LOOK_ROWS - 1))
    if not rows:
        rows = select(db, behind + " ORDER BY room_id DESC, seq DESC LIMIT 1", place)
    return (rows[0][0], rows[0][1]) if rows else None


STAGES: dict[
    str, Callable[[apsw.Connection, int, _Place], tuple[int, _Place | None]]
] = {
    "messages": _empty_messages,
    "words": _merge_words,
    "reactions": _forget_reactions,
    "cids": _forget_cids,
    "mentions": _forget_mentions,
    "threads": _forget_threads,
}
"""In their order."""
