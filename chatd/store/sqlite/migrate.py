"""What a database of chatd is: its marks, its settings, its schema by numbers.

The schema is the sequence of `NNNN_*.sql` beside this module, and
`user_version` is the number of the last one that a file has seen. A new file
goes through all of them, an old one through the rest, each in one transaction
with its number: a crash leaves a file at one number or the next. There is no
way back but the copy that was made before (`chatd.store.sqlite.upgrade`).

Everything here takes a plain connection and runs in whichever thread owns it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import apsw

from chatd.errors import StoreRefused
from chatd.store.sqlite import search_index
from chatd.store.sqlite.sql import transaction
from chatd.wire import emojis

APPLICATION_ID = 0x63686174
"""`chat`, in the file's header: what other programs' files do not have."""
SQLITE_OLDEST = (3, 51, 3)
"""Before it, a writer and readers in WAL mode could lose commits, rarely.

Source: the documented WAL-reset bug of SQLite 3.7.0 to 3.51.2.
"""
BUSY_TIMEOUT_MS = 5000
"""How long SQLite waits for a lock that another program has for a moment."""
JOURNAL_BYTES_MAX = 64 * 2**20


def require_sqlite(version: str | None = None) -> None:
    """Refuse to run on an SQLite that can lose commits.

    Raises:
        StoreRefused: It is older than `SQLITE_OLDEST`.
    """
    version = version or apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < SQLITE_OLDEST:
        oldest = ".".join(map(str, SQLITE_OLDEST))
        raise StoreRefused(
            f"SQLite {version} has a bug that loses commits; {oldest} or newer is"
            " needed (install a newer apsw, which carries its own)"
        )


def configure(db: apsw.Connection) -> None:
    """Set what every connection of ours needs, before anything else is read."""
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    search_index.register(db)
    for pragma, value in {
        "trusted_schema": "OFF",
        "cell_size_check": "ON",
        "foreign_keys": "ON",
        "synchronous": "FULL",
        "secure_delete": "ON",
        # A full disk must not look like a file that cannot be opened.
        "temp_store": "MEMORY",
        "journal_size_limit": JOURNAL_BYTES_MAX,
    }.items():
        db.pragma(pragma, value)


def identify(db: apsw.Connection, path: Path) -> None:
    """Refuse a database that is another program's, or newer than this code.

    Raises:
        StoreRefused: It is; nothing was changed.
    """
    if db.pragma("application_id") != APPLICATION_ID:
        raise StoreRefused(
            f"{path} belongs to another program; move it away or set another store.path"
        )
    version, known = db.pragma("user_version"), len(migrations())
    if version > known:
        raise StoreRefused(
            f"{path} was written by a newer chatd (schema {version}, this one knows"
            f" {known}); install that version or restore a backup"
        )


@cache
def migrations() -> tuple[str, ...]:
    """The SQL of every step, the first being number 1."""
    found: dict[int, str] = {}
    for file in resources.files(__package__).iterdir():
        if number := re.fullmatch(r"(\d{4})_\w+\.sql", file.name):
            assert int(number[1]) not in found, file.name
            found[int(number[1])] = file.read_text("utf-8")
    assert sorted(found) == list(range(1, len(found) + 1)), sorted(found)
    return tuple(found[number] for number in sorted(found))


def migrate(db: apsw.Connection, schema: int | None = None) -> None:
    """Bring the schema to this code's number, and the index to its fold.

    At both already, do nothing.

    Args:
        db: The database.
        schema: An older number to stop at, and then the index stays as it is.
    """
    function: Any = _qualified
    db.create_scalar_function("qualified", function, 1, deterministic=True)
    last = len(migrations()) if schema is None else schema
    for number in range(db.pragma("user_version") + 1, last + 1):
        with transaction(db):
            db.execute(migrations()[number - 1])
            db.pragma("user_version", number)
    if schema is None and not search_index.is_current(db):
        with transaction(db):
            search_index.renew(db)


def is_old(db: apsw.Connection) -> bool:
    """Whether the schema is one of before."""
    return bool(db.pragma("user_version") < len(migrations()))


def is_current(db: apsw.Connection) -> bool:
    """Whether there is nothing to migrate, not even the search index."""
    return not is_old(db) and search_index.is_current(db)


def _qualified(emoji: str) -> str:
    """The one form of an emoji; what is none any more stays as it is."""
    return emojis.qualified(emoji) or emoji
