"""Erasing a user, also beside a daemon that serves the store.

It is done in steps, each consistent and short, since the daemon's writer waits
while one runs. The first takes away everything by which the user could come
back, and waits until a running daemon has cut him off: from then on nothing new
of his comes in. Then his messages are emptied as a deletion empties them, or
stay; reactions and `cid`s go either way. The last step closes the account. Begun
and not finished, it goes on when it is asked for again.

Nothing here takes a seq or moves a head: those belong to the daemon's writer.

To leave messages to a nameless user, the row of the user gets another name,
whatever it has, and the old name a new row, which keeps it taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import apsw
import attrs

from chatd.core.inputs import RevisionKind
from chatd.errors import Reject, RejectCode, StoreUnavailable
from chatd.ids import RoomName, UserName
from chatd.store.sqlite import admin, files, search
from chatd.store.sqlite.beside import connected, revise, wait_taken
from chatd.store.sqlite.people import GUEST
from chatd.store.sqlite.sql import select, transaction

STEP_ROWS = 64
"""Rows of one step. Measured on two cores with 100,000 messages, which took 84 s,
beside a daemon that wrote all the time: a commit waited 4 ms in the middle, 60 ms
in one of a hundred cases and never more than 200 ms."""
PAUSE_SHARE = 1.0
"""Pause after a step, in its own lengths: SQLite's locks know no queue, and whoever
always comes back at once keeps the daemon's writer out."""
CHECKPOINT_WAIT_MS = 200


class Fate(StrEnum):
    """What becomes of the messages of a user who is erased."""

    TOMBSTONE = "tombstone"
    """They are emptied, as if he had deleted them."""
    REASSIGN = "reassign"
    """They stay, and belong to a user without a name."""


@attrs.define
class Erasure:
    """What was done."""

    messages: int = 0
    """Those that were emptied."""
    reactions: int = 0
    nameless: UserName | None = None
    """To whom the messages belong now."""
    is_overwritten: bool = True
    """Whether the write-ahead log was emptied, too."""
    ownerless: list[RoomName] = attrs.field(factory=list)
    """Rooms of others that have no owner now."""


def erase(
    directory: Path, name: UserName, fate: Fate, new_name: Callable[[], UserName]
) -> Erasure | None:
    """Erase a user, guest or account; the name stays taken.

    Args:
        directory: The data directory.
        name: Whom.
        fate: What becomes of his messages.
        new_name: Draws a name for who has no name.

    Returns:
        What was done; None if he was erased before.

    Raises:
        Reject: `no_user`.
        StoreRefused: The store cannot be written.
        StoreUnavailable: A daemon runs and does not take note. Nothing of his
            messages was changed; asking again goes on.
    """
    with connected(directory) as db:
        with transaction(db):
            user = _find(db, name)
            if user is None:
                return None
            done = Erasure(ownerless=_owned_alone(db, user))
            _begin(db, name, user)
            number = revise(db, RevisionKind.ERASE, name)
        if not wait_taken(directory, number):
            raise StoreUnavailable(
                "the daemon that serves this directory has not taken note yet; nothing"
                " of the messages was changed: try again"
            )
        if fate is Fate.TOMBSTONE:
            for page in _pages(db, _MESSAGES, user, (0,)):
                with _step(db, directory):
                    done.messages += _empty_messages(db, page)
        for page in _pages(db, _REACTS, user, (0, 0)):
            with _step(db, directory):
                done.reactions += _forget_reactions(db, user, page)
        for page in _pages(db, _CIDS, user, (0,)):
            with _step(db, directory):
                db.executemany("DELETE FROM cid WHERE id = ?", page)
        with transaction(db):
            _forget_memberships(db, name, user)
            if fate is Fate.REASSIGN:
                done.nameless = _rename(db, user, new_name)
            db.execute("UPDATE user SET erased = 'done' WHERE name = ?", (name,))
        done.is_overwritten = _empty_log(db)
        return done


def _find(db: apsw.Connection, name: UserName) -> int | None:
    """Find who is to be erased; None if it was done before."""
    rows = select(db, "SELECT id, erased FROM user WHERE name = ?", (name,))
    if not rows:
        raise Reject(RejectCode.NO_USER, f"there is no user {name}")
    user: int = rows[0][0]
    return None if rows[0][1] == "done" else user


def _owned_alone(db: apsw.Connection, user: int) -> list[RoomName]:
    """Rooms with other members, of which the user is the only owner."""
    rows = select(
        db,
        "SELECT r.name FROM member m JOIN room r ON r.id = m.room_id"
        " WHERE m.user_id = ?1 AND m.role = 'owner' AND r.name NOT LIKE '@%'"
        " AND r.ended IS NULL"
        " AND 'owner' NOT IN (SELECT role FROM member"
        " WHERE room_id = m.room_id AND user_id <> ?1)"
        " AND EXISTS (SELECT 1 FROM member"
        " WHERE room_id = m.room_id AND user_id <> ?1) ORDER BY r.name",
        (user,),
    )
    return [name for (name,) in rows]


def _begin(db: apsw.Connection, name: UserName, user: int) -> None:
    """Take away credentials and memberships."""
    _forget_memberships(db, name, user)
    db.execute(
        "UPDATE user SET display = name, password_hash = NULL, banned_at = NULL,"
        " banned_until = NULL, ban_reason = NULL, erased = 'begun' WHERE id = ?",
        (user,),
    )


def _forget_memberships(db: apsw.Connection, name: UserName, user: int) -> None:
    admin.void(db, name, user)
    for table in ("member", "sanction", "invite", "creation", "block"):
        db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user,))  # noqa: S608
    db.execute("DELETE FROM block WHERE blocked_id = ?", (user,))
    db.execute("DELETE FROM invite WHERE sender_id = ?", (user,))
    # By its key, room by room: there is no index by user.
    db.execute(
        "DELETE FROM mention WHERE room_id IN (SELECT id FROM room) AND user_id = ?",
        (user,),
    )


# --- messages and reactions ---------------------------------------------------

# Keys are looked for outside the transactions that change rows: there is no index
# by user, and what scans a table must not hold the writer's lock.
_MESSAGES = """
SELECT id FROM message
WHERE id > ?1 AND user_id = ?2 AND (text IS NOT NULL OR cid IS NOT NULL)
ORDER BY id LIMIT ?3"""
_REACTS = """
SELECT room_id, seq FROM event
WHERE (room_id, seq) > (?1, ?2) AND user_id = ?3 AND emoji IS NOT NULL
ORDER BY room_id, seq LIMIT ?4"""
_CIDS = """
SELECT id FROM cid WHERE id > ?1 AND user_id = ?2 ORDER BY id LIMIT ?3"""


def _pages(
    db: apsw.Connection, sql: str, user: int, after: tuple[int, ...]
) -> Iterator[list[tuple[Any, ...]]]:
    """The user's keys, so many at a time, each found after the one before."""
    while page := select(db, sql, (*after, user, STEP_ROWS)):
        yield page
        after = page[-1]


@contextmanager
def _step(db: apsw.Connection, directory: Path) -> Iterator[None]:
    """A transaction, and a pause after it in which a daemon's writer gets in."""
    with transaction(db):
        began = time.monotonic()
        yield
    if files.is_served(directory):
        time.sleep((time.monotonic() - began) * PAUSE_SHARE)  # noqa: TID251 - no loop


def _empty_messages(db: apsw.Connection, page: list[tuple[Any, ...]]) -> int:
    """Empty messages as their deletion would, and forget the client's own ids."""
    emptied = 0
    marks = ",".join("?" * len(page))
    # Once more, in the transaction: some may have gone meanwhile.
    rows = select(
        db,
        f"SELECT id, room_id, seq, text FROM message WHERE id IN ({marks})",  # noqa: S608
        [message for (message,) in page],
    )
    for message, room, seq, text in rows:
        if text is not None:
            search.replace(db, message, text, None)
        db.execute(
            "UPDATE message SET text = NULL, edited_seq = NULL, cid = NULL"
            " WHERE id = ?",
            (message,),
        )
        if text is None:
            continue
        emptied += 1
        db.execute("DELETE FROM reaction WHERE room_id = ? AND of = ?", (room, seq))
        db.execute("DELETE FROM mention WHERE room_id = ? AND of = ?", (room, seq))
        db.execute(
            "UPDATE event SET emoji = NULL, is_on = NULL"
            " WHERE room_id = ? AND of = ? AND kind = 'react'",
            (room, seq),
        )
    return emptied


def _forget_reactions(
    db: apsw.Connection, user: int, page: list[tuple[Any, ...]]
) -> int:
    """Take the user's reactions from messages, and the emoji from their events."""
    forgotten = 0
    for room, seq in page:
        for of, emoji in select(
            db,
            "SELECT of, emoji FROM event WHERE room_id = ? AND seq = ?"
            " AND emoji IS NOT NULL",
            (room, seq),
        ):
            db.execute(
                "DELETE FROM reaction"
                " WHERE room_id = ? AND of = ? AND emoji = ? AND user_id = ?",
                (room, of, emoji, user),
            )
            forgotten += db.changes()
        db.execute(
            "UPDATE event SET emoji = NULL, is_on = NULL WHERE room_id = ? AND seq = ?",
            (room, seq),
        )
    return forgotten


def _rename(
    db: apsw.Connection, user: int, new_name: Callable[[], UserName]
) -> UserName:
    """Give what the user has to one without a name; the old name stays taken."""
    nameless = new_name()
    while select(db, "SELECT 1 FROM user WHERE name = ?", (nameless,)):
        nameless = new_name()
    name, skeleton, role, created = select(
        db, "SELECT name, skeleton, role, created FROM user WHERE id = ?", (user,)
    )[0]
    db.execute(
        "UPDATE user SET name = ?, skeleton = NULL, display = 'erased', role = ?,"
        " erased = 'done' WHERE id = ?",
        (nameless, GUEST, user),
    )
    db.execute(
        "INSERT INTO user (name, skeleton, display, role, created)"
        " VALUES (?1, ?2, ?1, ?3, ?4)",
        (name, skeleton, role, created),
    )
    return nameless


def _empty_log(db: apsw.Connection) -> bool:
    """Empty the write-ahead log, which still has what was overwritten.

    While it waits for a reader to end it keeps the daemon's writer out, so it
    does not wait for long; one that is not emptied now is reused later.
    """
    db.set_busy_timeout(CHECKPOINT_WAIT_MS)
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return False
    return True
