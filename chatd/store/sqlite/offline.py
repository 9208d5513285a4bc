"""Access to a store without the daemon, or beside one that serves it.

Each call opens a connection of its own for one short transaction; SQLite makes it and
the daemon's writer wait for each other. A running daemon learns of a change from a row
of the log in the same transaction (`chatd.store.sqlite.log`); when it has applied that,
and what the users concerned had under way is done, it keeps its position
(`chatd.hub.following`). So a caller that waits for that position knows that the change
is in force.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import apsw

from chatd.errors import Reject, RejectCode, StoreRefused
from chatd.ids import UserName
from chatd.store.sqlite import files, log, migrate
from chatd.store.sqlite.faults import refusing, translated
from chatd.store.sqlite.ledger import GUEST
from chatd.store.sqlite.sql import select, snapshot, transaction

TAKEN_MAX_S = 10.0
"""How long a running daemon may take. Twice the time that SQLite lets it wait for
the database (`BUSY_TIMEOUT_MS`); it looks once a second."""
LOOK_EVERY_S = 0.02


@contextmanager
def connected(directory: Path, *, read_only: bool = False) -> Iterator[apsw.Connection]:
    """Connect to the store, at this code's schema.

    Raises:
        StoreRefused: There is no store, or none that may be opened.
        StoreUnavailable: It cannot be read or written now (in the block, too).
        StoreFailed: Anything else that SQLite says in the block.
    """
    migrate.require_sqlite()
    path = files.find_database(directory)
    if path is None:
        raise StoreRefused(f"there is no store in {directory}: is it the right --data?")
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE
    with ExitStack() as stack:
        with refusing(path):
            db = apsw.Connection(str(path), flags)
            stack.callback(db.close)
            migrate.configure(db)
            migrate.identify(db, path)
            if not migrate.is_current(db, read_only=read_only):
                _migrate(db, path, read_only=read_only)
        with translated(db):
            yield db


def _migrate(db: apsw.Connection, path: Path, *, read_only: bool) -> None:
    """Bring the schema up to date, unless a daemon of another chatd serves it."""
    if read_only:
        raise StoreRefused(
            f"{path} was written by an older chatd; start this one once, which brings"
            " it up to date"
        )
    with files.locked(path.parent):
        migrate.migrate(db)


def make_store(directory: Path) -> None:
    """Make a store where there is none: the first account may come first.

    Raises:
        StoreRefused: There is something, and it is no store; or it cannot be made.
    """
    migrate.require_sqlite()
    files.make_directory(directory)
    if files.find_database(directory) is None:
        files.create_database(directory, secrets.token_hex(16))


@contextmanager
def writing(directory: Path) -> Iterator[apsw.Connection]:
    """Connect for one transaction.

    Raises:
        StoreRefused: As `connected`, and the other two.
    """
    with connected(directory) as db, transaction(db):
        yield db


@contextmanager
def reading(directory: Path) -> Iterator[apsw.Connection]:
    """Connect for one look: everything that is read is of one moment.

    Raises:
        StoreRefused: As `connected`, and the other two.
    """
    with connected(directory, read_only=True) as db, snapshot(db):
        yield db


def user_id(db: apsw.Connection, name: UserName) -> int:
    """Find a user, guest or account.

    Raises:
        Reject: `no_user`: there is none, or it was erased.
    """
    return _only(
        select(db, "SELECT id FROM user WHERE name = ? AND erased IS NULL", (name,)),
        f"there is no user {name}",
    )


def account_id(db: apsw.Connection, name: UserName) -> int:
    """Find an account.

    Raises:
        Reject: `no_user`: there is none, or it was erased.
    """
    return _only(
        select(
            db,
            "SELECT id FROM user WHERE name = ? AND erased IS NULL AND role <> ?",
            (name, GUEST),
        ),
        f"there is no account {name}",
    )


def _only(rows: list[tuple[int]], otherwise: str) -> int:
    for (number,) in rows:
        return number
    raise Reject(RejectCode.NO_USER, otherwise)


def wait_taken(directory: Path, position: int) -> bool:
    """Wait until a daemon that serves the store has taken a change.

    Args:
        directory: Where the store is.
        position: That of the change (`chatd.store.sqlite.log`).

    Returns:
        Whether it has, or there is none that could; False after `TAKEN_MAX_S`.

    Raises:
        StoreRefused: As `connected`, and the other two.
    """
    give_up = time.monotonic() + TAKEN_MAX_S
    with connected(directory, read_only=True) as db:
        while not log.has_taken(db, position):
            if not files.is_served(directory):
                return True
            if time.monotonic() > give_up:
                return False
            time.sleep(LOOK_EVERY_S)  # noqa: TID251 - no loop runs here
    return True
