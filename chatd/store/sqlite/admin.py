"""What the command line does to a store, also while a daemon runs.

Each function opens a connection of its own for one short transaction; SQLite
makes it and the daemon's writer wait for each other. The daemon reads accounts
and tokens when they are presented, so it sees them at once. Where there is no
store yet one is made: the first account may come before the first start.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from chatd.errors import Reject, RejectCode
from chatd.ids import UserName
from chatd.store import answers
from chatd.store.sqlite import files, migrate
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Millis


def add_account(directory: Path, name: UserName, password_hash: str) -> None:
    """Add an account, shown by its name.

    Raises:
        Reject: `name_taken`: it is, or was once.
        StoreRefused: There is no store to add it to.
    """
    with _opened(directory) as db:
        added = select(
            db,
            "INSERT INTO user (name, display, role, password_hash, created)"
            " VALUES (?1, ?1, 'user', ?2, CAST(unixepoch('subsec') * 1000 AS INTEGER))"
            " ON CONFLICT DO NOTHING RETURNING id",
            (name, password_hash),
        )
        if not added:
            raise Reject(RejectCode.NAME_TAKEN, answers.NAME_TAKEN.text)


def add_token(
    directory: Path,
    user: UserName,
    digest: bytes,
    expires: Millis | None,
    created: Millis,
    *,
    name: str = "token",
    scope: str | None = None,
) -> None:
    """Add an access token, known by its SHA-256.

    Raises:
        Reject: `no_user`: there is no such account.
        StoreRefused: There is no store to add it to.
    """
    with _opened(directory) as db:
        added = select(
            db,
            "INSERT INTO token (digest, user_id, name, expires, created, scope)"
            " SELECT ?, id, ?, ?, ?, ? FROM user WHERE name = ? AND role <> 'guest'"
            " RETURNING user_id",
            (digest, name, expires, created, scope, user),
        )
        if not added:
            raise Reject(RejectCode.NO_USER, answers.NO_USER.text)


@contextmanager
def _opened(directory: Path) -> Iterator[apsw.Connection]:
    """A connection in a transaction, at this code's schema."""
    migrate.require_sqlite()
    files.make_directory(directory)
    path = files.find_database(directory)
    if path is None:
        files.create_database(directory, secrets.token_hex(16))
        path = directory / files.DATABASE
    with refusing(path):
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)
        try:
            migrate.configure(db)
            migrate.identify(db, path)
            if db.pragma("user_version") < len(migrate.migrations()):
                with files.locked(directory):
                    migrate.migrate(db)
            with transaction(db):
                yield db
        finally:
            db.close()
