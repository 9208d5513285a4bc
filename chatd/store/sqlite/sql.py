"""How SQL is run here: whole transactions, whole results, many rows at once.

Everything takes a plain connection and runs in whichever thread owns it. Rows
are `Any`: the tables are STRICT, so what comes out is what was put in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import apsw
import attrs

from chatd.errors import TooSlow

STEPS = 10_000
"""SQLite's steps between two looks at the clock: less than a millisecond."""
STEP_S = 0.001
"""How long a step takes of what is done in steps: what a commit may have to wait."""
CHUNKS = (64, 16, 4, 1)
"""Rows to a statement: few texts, so that the statement cache holds them all."""


def room_called(name: str) -> str:
    """An expression for the id of the room that has or had a name, or NULL.

    Args:
        name: An expression for the name.
    """
    return (
        f"coalesce((SELECT id FROM main.room WHERE name = {name}),"  # noqa: S608 - ours
        f" (SELECT room_id FROM main.former_name WHERE name = {name}))"
    )


@contextmanager
def transaction(db: apsw.Connection) -> Iterator[None]:
    """Everything in the block is on disk after it, or nothing is."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def unsynced(db: apsw.Connection) -> Iterator[None]:
    """Commit what is in the block without waiting for the disk.

    For what can be done again: a power cut may take it, and the log's end with it. The
    next commit that is synced is synced with all that is before it in the log. Nobody
    else can write while a commit is synced, so this is most of what others wait for.
    """
    level = db.pragma("synchronous")
    db.pragma("synchronous", "NORMAL")
    try:
        yield
    finally:
        db.pragma("synchronous", level)


@contextmanager
def snapshot(db: apsw.Connection) -> Iterator[None]:
    """Everything that is read in the block is of one moment."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def select(
    db: apsw.Connection, sql: str, values: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Run one statement and take all that it gives."""
    return db.execute(sql, tuple(values)).fetchall()


def select_of(
    db: apsw.Connection, key: int | str, *asked: str
) -> list[list[tuple[Any, ...]]]:
    """Run some statements of one key, and take all that each gives.

    In a transaction on PostgreSQL they go there together.
    """
    answers = [db.execute(sql, (key,)) for sql in asked]
    return [answer.fetchall() for answer in answers]


# --- in time ----------------------------------------------------------------


@attrs.define
class Deadline:
    """When a look-up has to be over."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """One that is so long from now."""
        return cls(time.monotonic() + seconds)

    def is_over(self) -> bool:
        """Whether it is."""
        return time.monotonic() >= self.at

    def check(self) -> None:
        """Give up if it is over.

        Raises:
            TooSlow: It is.
        """
        if self.is_over():
            raise TooSlow


@contextmanager
def within(db: apsw.Connection, seconds: float) -> Iterator[Deadline]:
    """Interrupt what runs in the block when it takes longer.

    Raises:
        TooSlow: It did.
    """
    deadline = Deadline.after(seconds)
    deadline.check()
    db.set_progress_handler(deadline.is_over, STEPS, id=deadline)
    try:
        yield deadline
    except apsw.InterruptError:
        # It may have been cancelled instead.
        deadline.check()
        raise
    finally:
        db.set_progress_handler(None, id=deadline)


@contextmanager
def resting(
    db: apsw.Connection,
    rest_s: Callable[[float], float] = lambda worked: worked,
    steps: int = STEPS,
) -> Iterator[None]:
    """Have what runs in the block rest again and again, so that others have a turn.

    Args:
        db: The connection, in a thread without a loop.
        rest_s: How long to rest after so many seconds of work, 0 for not yet; as long
            as it has worked, if nothing is said.
        steps: SQLite's steps until that is asked again.
    """
    began = time.monotonic()

    def rest() -> bool:
        nonlocal began
        pause_s = rest_s(time.monotonic() - began)
        if pause_s:
            time.sleep(pause_s)  # noqa: TID251 - no loop runs here
            began = time.monotonic()
        return False

    db.set_progress_handler(rest, steps, id=rest)
    try:
        yield
    finally:
        db.set_progress_handler(None, id=rest)


# --- many rows to a statement -------------------------------------------------
# PostgreSQL's connection takes several at once (`execute_rows`); one is cheaper alone.


def change_rows(db: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert or update by many rows; `$ROWS` in `sql` stands for the values."""
    if len(rows) > 1 and not isinstance(db, apsw.Connection):
        db.execute_rows(sql, rows)
        return
    for text, values in _statements(sql, rows):
        db.execute(text, values)


def find_rows(
    db: Any, sql: str, keys: Sequence[Sequence[Any]]
) -> Iterator[tuple[Any, ...]]:
    """Find rows by many keys; `$ROWS` in `sql` stands for the keys."""
    if len(keys) > 1 and not isinstance(db, apsw.Connection):
        yield from db.execute_rows(sql, keys).fetchall()
        return
    for text, values in _statements(sql, keys):
        yield from select(db, text, values)


def _statements(
    sql: str, rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, list[Any]]]:
    at = 0
    for size in CHUNKS:
        while len(rows) - at >= size:
            chunk = rows[at : at + size]
            yield _text(sql, len(chunk[0]), size), [v for row in chunk for v in row]
            at += size


@cache
def _text(sql: str, columns: int, size: int) -> str:
    row = f"({','.join('?' * columns)})"
    return sql.replace("$ROWS", ",".join([row] * size))
