"""The steps of the schema, and how they are made where nodes of two versions run.

Each file `NNNN_word.sql` is a step. Its first line says whose code may use the store
behind it: `-- oldest: N` is the oldest schema whose code still works. A step that only
adds (a table, an index, a column with a default) names that of the release before, so
nodes of both run side by side; one that code of before cannot live with names its own
number; one that takes away what the release before does not use any more names that of
that release. The store has both numbers in `version`: who knows fewer steps than were
made may use it all the same, if he knows as many as the oldest.

Where nobody else uses the store, all that is missing is made in the caller's
transaction (`migrate`). **Beside nodes that run** (`migrate_beside`) each step is a
transaction of its own, and keeps nobody waiting: a table that it has to lock is free
within `LOCK_MS`, or the step is rolled back and tried again; a statement that takes
longer than `STATEMENT_MS` is given up, since the nodes wait for it. An index is built
while others write (`CREATE INDEX CONCURRENTLY`, the only statement of its step), which
is no transaction: what a crash has left of it is removed and built anew. Nothing is
changed while a node runs whose code could not go on.

What is read here is read before a step is made: `version`, and of `node` the columns
`name`, `ended` and `schema`. No step may change what these mean.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import attrs
from psycopg import errors

from chatd.errors import StoreRefused, StoreUnavailable
from chatd.store.sqlite.sql import select, transaction

LOCK_MS = 500
"""How long a step waits for a table, and with it all who come behind it. Less than
PostgreSQL's `deadlock_timeout`, so that it is the step that gives way to a batch."""
STATEMENT_MS = 2000
"""How long one of its statements may take. Source: `store.stall_timeout_s` is 5."""
TRIES_S, PAUSE_S = 30.0, 0.5
"""For how long a step is tried that does not get its tables, and how often."""

_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (\w+)")
_TABLE = """
CREATE TABLE IF NOT EXISTS version (number BIGINT NOT NULL, oldest BIGINT NOT NULL)"""
_FIRST = """
INSERT INTO version (number, oldest)
SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM version)"""
_NOTE = "UPDATE version SET number = $1, oldest = greatest(oldest, $2)"
_TOO_OLD = """
SELECT DISTINCT name FROM node WHERE ended IS NULL AND schema < $1 ORDER BY name"""


@attrs.frozen
class Migration:
    """A step of the schema.

    Args:
        sql: What makes it.
        oldest: The oldest schema whose code may use the store behind it.
        index: The index that it builds while others write; None: it is a transaction.
    """

    sql: str
    oldest: int
    index: str | None = None

    @classmethod
    def of(cls, sql: str) -> Migration:
        """Read what a step says of itself."""
        said = re.match(r"-- oldest: (\d+)\n", sql)
        assert said, f"a migration begins with `-- oldest: N`, and not: {sql[:60]}"
        index = _INDEX.search(sql)
        return cls(sql, int(said[1]), index[1] if index else None)


@cache
def migrations() -> tuple[Migration, ...]:
    """Every step of the schema, the first being number 1."""
    files = sorted(
        (file.name, file.read_text("utf-8"))
        for file in resources.files(__package__).iterdir()
        if re.fullmatch(r"\d{4}_\w+\.sql", file.name)
    )
    return tuple(Migration.of(text) for _, text in files)


def missing(db: Any, how: str = "") -> list[tuple[int, Migration]]:
    """The steps that a store has not seen yet, with their numbers.

    Args:
        db: A connection.
        how: How the store's version is locked, in SQL.

    Raises:
        StoreRefused: It is a newer chatd's, and not for this code.
    """
    known = migrations()
    ((number, oldest),) = select(db, f"SELECT number, oldest FROM version {how}")  # noqa: S608 - ours
    if oldest > len(known):
        raise StoreRefused(
            f"it is a newer chatd's (schema {number}, for those who know at least"
            f" {oldest}; this one knows {len(known)}); install that version"
        )
    return list(enumerate(known, 1))[number:]


def migrate(db: Any) -> None:
    """Bring the schema to this code's number, in the caller's transaction.

    Raises:
        StoreRefused: It is a newer chatd's, and not for this code.
    """
    db.execute(_TABLE)
    db.execute(_FIRST)
    for number, step in missing(db):
        if step.index:
            db.execute(f"DROP INDEX IF EXISTS {step.index}")
        db.script(step.sql.replace(" CONCURRENTLY", ""))
        _note(db, number, step)


def migrate_beside(db: Any) -> Sequence[str]:
    """Bring the schema to this code's number while nodes run.

    Args:
        db: A connection, which has the lock that lets only one migrate.

    Returns:
        The nodes whose code could not go on; if there are any, they have to end first.

    Raises:
        StoreRefused: It is a newer chatd's, and not for this code.
        StoreUnavailable: It cannot be done beside what goes on in the database.
    """
    until = time.monotonic() + TRIES_S
    while steps := missing(db):
        try:
            if names := _too_old(db, steps) or _make(db, *steps[0]):
                return names
        except StoreUnavailable as error:
            if isinstance(error.__cause__, errors.QueryCanceled):
                raise StoreUnavailable(
                    f"step {steps[0][0]} of the schema takes too long to be made while"
                    " nodes run: end them all, then start this one"
                ) from error
            if not isinstance(error.__cause__, _IN_USE):
                raise
            if time.monotonic() >= until:
                raise StoreUnavailable(
                    f"step {steps[0][0]} of the schema needs a table that something"
                    " else has in use (a dump?): wait until that is over, then start"
                    " this one"
                ) from error
            time.sleep(PAUSE_S)  # noqa: TID251 - no loop runs here
    return ()


_IN_USE = errors.LockNotAvailable, errors.DeadlockDetected


def _too_old(db: Any, steps: Sequence[tuple[int, Migration]]) -> list[str]:
    """The nodes that run and could not go on behind all of some steps."""
    oldest = max(step.oldest for _, step in steps)
    return [name for (name,) in select(db, _TOO_OLD, (oldest,))]


def _make(db: Any, number: int, step: Migration) -> list[str]:
    """Make a step beside others; the nodes that have come and hinder it, if any."""
    if step.index:
        db.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {step.index}")
        db.script(step.sql)
        _note(db, number, step)
        return []
    with transaction(db):
        db.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        db.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        # A node that joins looks at the version, and locks it, too.
        if names := _too_old(db, missing(db, "FOR UPDATE")):
            return names
        db.script(step.sql)
        _note(db, number, step)
    return []


def _note(db: Any, number: int, step: Migration) -> None:
    db.execute(_NOTE, (number, step.oldest))
