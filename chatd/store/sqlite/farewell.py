"""The end of a user: he is nobody at once, and one can ask how far the rest is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import apsw
import attrs

from chatd.core.changes import UserErased
from chatd.core.drafts import Erased, EraseUser, Outcome
from chatd.core.rows import ErasureRow
from chatd.enums import Erasure
from chatd.ids import RoomName, UserName
from chatd.store import answers
from chatd.store.sqlite import erasing
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis

ENDED_MAX = 1000
"""Users whose erasure has ended and can still be asked about, the latest."""


def erase_user(ledger: Ledger, draft: EraseUser, now: Millis) -> Outcome:  # noqa: ARG001
    """Make a user nobody; what he has left is taken away later, in steps."""
    user = ledger.user(draft.user)
    if user is None and draft.by_operator:
        user = _begun_before(ledger, draft.user)
    if user is None:
        return answers.NO_USER
    sql = "SELECT 1 FROM user WHERE id = ? AND password_hash IS NOT DISTINCT FROM ?"
    is_right = draft.by_operator or ledger.one(sql, user, draft.instead_of)
    if not is_right:
        return answers.PASSWORD_REPLACED
    if draft.nameless is not None and ledger.is_taken(draft.nameless):
        return answers.NAME_TAKEN
    ownerless = _owned_alone(ledger.db, user)
    erasing.begin(ledger.db, draft.user, user, draft.nameless)
    ledger.forget_user(draft.user)
    return Erased((UserErased(draft.user),), ownerless=ownerless)


def _begun_before(ledger: Ledger, name: UserName) -> int | None:
    """One whom an older version has begun to erase, and not said what becomes of him.

    A start does nothing about him: somebody has to ask again.
    """
    row = ledger.one(
        "SELECT u.id FROM user u WHERE u.name = ? AND u.erased = 'begun'"
        " AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.name = u.name)",
        name,
    )
    return None if row is None else row[0]


def _owned_alone(db: apsw.Connection, user: int) -> tuple[RoomName, ...]:
    """Rooms with other members, of which a user is the only owner."""
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
    return tuple(name for (name,) in rows)


@attrs.define(eq=False)
class Erasures:
    """What is left to take away of those who were erased, and how far that is.

    Args:
        db: The writer's connection.
        transaction: A block in which something is taken away.
        settle: Sees to what texts have left in a log; whether that is overwritten.
    """

    _db: apsw.Connection
    _transaction: Callable[[], AbstractContextManager[None]]
    _settle: Callable[[], bool]
    _ended: dict[UserName, erasing.Progress] = attrs.field(init=False, factory=dict)
    """What was done to those whose erasure has ended since the start, the latest."""

    def step(self) -> bool:
        """Take away a little of what an erased user has left; whether there is more."""
        rows = select(self._db, "SELECT user_id, name FROM erasure LIMIT 1")
        for user, name in rows:
            with self._transaction():
                progress = erasing.steps(self._db, user)
            if progress is not None and progress.is_done:
                self._ended[name] = attrs.evolve(
                    progress, is_overwritten=self._settle()
                )
                if len(self._ended) > ENDED_MAX:
                    del self._ended[next(iter(self._ended))]
        return bool(rows)

    def look(self, name: UserName) -> ErasureRow | None:
        """Look how far the erasure of a user is; None if there was never such a one."""
        return look(self._db, name, self._ended.get(name))


def look(
    db: apsw.Connection, name: UserName, ended: erasing.Progress | None
) -> ErasureRow | None:
    """Look how far the erasure of a user is.

    Args:
        db: The connection.
        name: The user's.
        ended: What was done, if it has ended lately.

    Returns:
        None if there was never such a user.
    """
    rows = select(
        db,
        "SELECT u.erased, e.stage, e.room, e.at, e.messages, e.reactions"
        " FROM user u LEFT JOIN erasure e ON e.name = u.name WHERE u.name = ?",
        (name,),
    )
    for erased, stage, room, at, messages, taken in rows:
        if stage is not None:
            part = _part(db, stage, room, at)
            return ErasureRow(Erasure.BEGUN, messages, taken, part)
        if erased != "done":
            return ErasureRow(Erasure.NONE)
        done = ended or erasing.Progress(0, 0, is_done=True)
        return ErasureRow(
            Erasure.DONE, done.messages, done.reactions, 1.0, done.is_overwritten
        )
    return None


def _part(db: apsw.Connection, stage: str, room: int, at: int) -> float:
    """How much of all is done, as if each stage took as long."""
    table = _TABLES.get(stage)
    within = 0.0
    if table is not None:
        highest = select(db, f"SELECT max(id) FROM {table}")[0][0]  # noqa: S608 - one word
        within = (at if table != "room" or not room else room) / max(highest or 1, 1)
    stages = list(erasing.STAGES)
    return (stages.index(stage) + min(within, 1.0)) / len(stages)


_TABLES = {
    "messages": "message",
    "reactions": "room",
    "cids": "cid",
    "mentions": "room",
}
"""The table that a stage goes through by its ids."""
