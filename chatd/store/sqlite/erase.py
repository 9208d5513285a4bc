"""Erasing a user from the command line, also while a daemon serves the store.

What is removed, and in which steps, is said in `chatd.store.sqlite.erasing`. The first
step waits until a running daemon has ended the user's connections: from then on nothing
new comes in. An erasure that was interrupted goes on when it is asked for again, or
when a daemon starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import apsw
import attrs

from chatd.core.changes import UserErased
from chatd.errors import Reject, RejectCode, StoreUnavailable
from chatd.ids import RoomName, UserName
from chatd.store.sqlite import erasing, files, log
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.offline import connected, wait_taken
from chatd.store.sqlite.sql import select, transaction

PAUSE_SHARE = 1.0
"""Pause after a step, in its own lengths: SQLite's locks have no queue, so a process
that comes back at once keeps the daemon's writer out."""
CHECKPOINT_WAIT_MS = 200


class Fate(StrEnum):
    """What becomes of the messages of a user who is erased."""

    TOMBSTONE = "tombstone"
    """They are emptied, as if the user had deleted them."""
    REASSIGN = "reassign"
    """They stay, and belong to a user without a name."""


@attrs.define
class Erasure:
    """What was done, also before it was broken off."""

    messages: int = 0
    """Those that were emptied."""
    reactions: int = 0
    nameless: UserName | None = None
    """The user whom the messages belong to now; None if they were emptied."""
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
        name: The user's.
        fate: What becomes of the messages. An erasure that was begun before goes on as
            it was begun.
        new_name: Makes a random name for the user whom messages are reassigned to.

    Returns:
        What was done; None if the user was erased before.

    Raises:
        Reject: `no_user`.
        StoreRefused: The store cannot be written.
        StoreUnavailable: A daemon runs and does not take note. No message was changed;
            asking again goes on.
    """
    with connected(directory) as db:
        with transaction(db):
            user = _find(db, name)
            if user is None:
                return None
            done = Erasure(ownerless=_owned_alone(db, user))
            if not _is_under_way(db, user):
                nameless = _draw(db, new_name) if fate is Fate.REASSIGN else None
                erasing.begin(db, name, user, nameless, by_hand=True)
            done.nameless = _nameless(db, name, user)
            number = log.add(db, UserErased(name))
        if not wait_taken(directory, number):
            raise StoreUnavailable(
                "the daemon that serves this directory has not taken note yet; nothing"
                " of the messages was changed: try again"
            )
        with _synced_at_last(db):
            _go_on(db, directory, user, done)
        done.is_overwritten = erasing.empty_log(db, wait_ms=CHECKPOINT_WAIT_MS)
        return done


def _find(db: apsw.Connection, name: UserName) -> int | None:
    """Find the row of the user; None if it was erased before."""
    rows = select(
        db,
        "SELECT coalesce(e.user_id, u.id), u.erased FROM user u"
        " LEFT JOIN erasure e ON e.name = u.name WHERE u.name = ?",
        (name,),
    )
    if not rows:
        raise Reject(RejectCode.NO_USER, f"there is no user {name}")
    user: int = rows[0][0]
    return None if rows[0][1] == "done" else user


def _is_under_way(db: apsw.Connection, user: int) -> bool:
    """Whether it was begun before, by whomever."""
    return bool(select(db, "SELECT 1 FROM erasure WHERE user_id = ?", (user,)))


def _draw(db: apsw.Connection, new_name: Callable[[], UserName]) -> UserName:
    """Make a name that was never used."""
    nameless = new_name()
    while Ledger(db).is_taken(nameless):
        nameless = new_name()
    return nameless


def _nameless(db: apsw.Connection, name: UserName, user: int) -> UserName | None:
    """The user whom the messages belong to now, if they stay."""
    ((now,),) = select(db, "SELECT name FROM user WHERE id = ?", (user,))
    return None if now == name else now


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


@contextmanager
def _synced_at_last(db: apsw.Connection) -> Iterator[None]:
    """Commit in the block without syncing, and sync all of it in the end.

    While a commit is synced nobody else can write. What a power cut takes of the steps
    is done again, since the row in `erasure` goes back with them.
    """
    db.pragma("synchronous", "NORMAL")
    try:
        yield
    finally:
        db.pragma("synchronous", "FULL")
    with transaction(db):
        # A commit is synced with all that is before it in the log.
        db.execute("UPDATE store SET id = id")


def _go_on(db: apsw.Connection, directory: Path, user: int, done: Erasure) -> None:
    """Do step after step, with a pause in which a daemon's writer gets in."""
    while True:
        with transaction(db):
            began = time.monotonic()
            progress = erasing.steps(db, user)
        if progress is not None:
            done.messages, done.reactions = progress.messages, progress.reactions
        if progress is None or progress.is_done:
            return
        if files.is_served(directory):
            pause_s = (time.monotonic() - began) * PAUSE_SHARE
            time.sleep(pause_s)  # noqa: TID251 - no loop runs here
