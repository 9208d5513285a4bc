"""Marks on a database that is not served: half of a copy, or one that was moved away.

Both are tables of their own, so that a database that is neither has nothing of them;
`chatd.store.moving` makes them. Whoever else opens the store asks `require_settled`.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.errors import StoreRefused
from chatd.store.sqlite.sql import select

REMOVE = 'psql URL -c "DROP SCHEMA chatd CASCADE"'
"""What removes all that chatd has in a database."""


@attrs.frozen
class Coming:
    """Of what a half-done copy is one."""

    store: str
    """The store's id."""
    mark: str
    """Which state of it: another where anybody has served it since."""
    origin: str
    """Where it is, for people."""
    is_known: bool
    """Whether positions that clients hold are right there, and so here."""


_COLUMNS = "store TEXT, mark TEXT, origin TEXT, is_known {flag}"


def coming_of(db: Any) -> Coming | None:
    """Say of what a store on PostgreSQL is a half-done copy; None if it is none."""
    return read_coming(db) if _has(db, "coming") else None


def read_coming(db: Any) -> Coming:
    """Read of what a store of either kind is a half-done copy, as it says."""
    ((store, mark, origin, is_known),) = select(
        db, "SELECT store, mark, origin, is_known FROM coming"
    )
    return Coming(store, mark, origin, bool(is_known))


def begin_coming(db: Any, coming: Coming, flag: str = "BOOLEAN") -> None:
    """Mark a store as a half-done copy, in the caller's transaction.

    Args:
        db: A connection to a store of either kind.
        coming: Of what.
        flag: The type of a column that says yes or no.
    """
    db.execute(f"CREATE TABLE coming ({_COLUMNS.format(flag=flag)})")
    db.execute("INSERT INTO coming VALUES (?, ?, ?, ?)", attrs.astuple(coming))


def end_coming(db: Any) -> None:
    """Take that mark away, in the caller's transaction."""
    db.execute("DROP TABLE coming")


def moved_to(db: Any) -> str | None:
    """Say where a store on PostgreSQL was moved to; None if it was not."""
    if not _has(db, "moved"):
        return None
    ((target,),) = select(db, "SELECT target FROM moved")
    return str(target)


def is_known(db: Any, home: str) -> bool:
    """Whether a store on PostgreSQL is, or was when it moved, the one of last time.

    Args:
        db: A connection.
        home: Where it is now.
    """
    if _has(db, "moved"):
        return bool(select(db, "SELECT is_known FROM moved")[0][0])
    return select(db, "SELECT home FROM store") == [(home,)]


def note_moved(db: Any, target: str, *, is_known: bool) -> None:
    """Mark a store on PostgreSQL as moved away, in the caller's transaction.

    Whoever serves it none the less begins new epochs: what is there is a past that goes
    on elsewhere.

    Args:
        db: A connection.
        target: Where it is now.
        is_known: Whether positions that clients hold are right.
    """
    db.execute("CREATE TABLE moved (target TEXT NOT NULL, is_known BOOLEAN NOT NULL)")
    db.execute("INSERT INTO moved VALUES (?, ?)", (target, is_known))
    db.execute("UPDATE store SET home = ''")


def require_settled(db: Any) -> None:
    """Refuse a database that is not to be served, or looked into.

    Raises:
        StoreRefused: It is half of a copy, or was moved away.
    """
    if (coming := coming_of(db)) is not None:
        raise StoreRefused(
            f"it has half of {coming.origin}, which is being moved here: type that"
            f" `chatd migrate` again, which goes on, or remove what is here: {REMOVE}"
        )
    if (target := moved_to(db)) is not None:
        raise StoreRefused(
            f"its store was moved to {target}: remove store.url; or, to serve the old"
            ' state that is still here, psql URL -c "DROP TABLE chatd.moved"'
        )


def _has(db: Any, table: str) -> bool:
    ((is_there,),) = select(db, "SELECT to_regclass(?) IS NOT NULL", (table,))
    return bool(is_there)
