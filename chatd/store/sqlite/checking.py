"""The check for damage after a stop that was not clean.

SQLite checks table by table, each with its indexes, which takes as long as reading the
file. So a start checks for `START_S` and no longer; the rest is checked while the
daemon serves, by a connection of its own, in a thread that rests as long as it works.

The side file says which tables are left (`Side.unchecked`). A stop in the middle loses
nothing of that. After a crash in the middle all are doubtful again, but those that were
left come first: so each table has its turn, however often the daemon ends.

Damage is never mended here: the daemon logs it and stops, and a start finds it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from chatd.errors import StoreRefused, TooSlow
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.sql import resting, select, within

START_S = 1.0
"""How long a start looks for damage. Source: half of what it may take longer after a
crash; measured, enough for 500,000 messages."""
FAULTS_MAX = 3
"""How many faults of a table are told."""


def tables(db: apsw.Connection) -> list[str]:
    """All tables, with that of the tables first."""
    rows = select(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    return ["sqlite_schema", *(name for (name,) in rows)]


def doubtful(db: apsw.Connection, left: Sequence[str], *, whole: bool) -> list[str]:
    """Say which tables have to be looked at, in their order.

    Args:
        db: A connection.
        left: Those that were left when the daemon ended last.
        whole: Whether it left all others as they should be.
    """
    there = tables(db)
    first = [name for name in left if name in there]
    return first if whole else [*first, *(name for name in there if name not in first)]


def check_some(
    db: apsw.Connection, path: Path, names: Sequence[str], seconds: float
) -> list[str]:
    """Look at one table after the other until the time is over.

    Returns:
        The tables that are left.

    Raises:
        StoreRefused: One is damaged.
    """
    left = list(names)
    with suppress(TooSlow), within(db, seconds):
        while left:
            check(db, path, left[0])
            del left[0]
    return left


def check_gently(db: apsw.Connection, path: Path, name: str) -> None:
    """Check one table, resting as long as it works.

    Raises:
        StoreRefused: It is damaged.
    """
    with resting(db):
        check(db, path, name)


def check(db: apsw.Connection, path: Path, name: str) -> None:
    """Check one table, if it still exists.

    Raises:
        StoreRefused: It is damaged.
    """
    if name not in tables(db):
        return
    with _refusing_damage(path):
        rows = select(db, f'PRAGMA quick_check("{name}")')
    found = [str(row[0]) for row in rows[:FAULTS_MAX]]
    if found != ["ok"]:
        raise StoreRefused(
            f"{path} is damaged ({'; '.join(found)}); restore it from a backup"
        )


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    """Refuse the file where SQLite cannot go on; an interruption is no damage."""
    try:
        with refusing(path):
            yield
    except StoreRefused as refused:
        if isinstance(refused.__cause__, apsw.InterruptError):
            raise refused.__cause__ from None
        raise
