"""Looking into a store without the daemon, or beside one that serves it.

Each call opens a connection of its own for one look, which cannot write: to change
something is for the daemon, or where none runs for the same code (`chatd.daemon.desk`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import apsw

from chatd.errors import Reject, RejectCode, StoreRefused
from chatd.ids import UserName
from chatd.store.sqlite import files, migrate
from chatd.store.sqlite.faults import refusing, translated
from chatd.store.sqlite.ledger import GUEST
from chatd.store.sqlite.sql import select, snapshot

Where = Path | str
"""Where a store is: the data directory of one on SQLite, or the URL of a database."""


@contextmanager
def connected(
    where: Where, *, any_schema: bool = False, moves: bool = False
) -> Iterator[apsw.Connection]:
    """Connect to the store, to read it.

    Args:
        where: Where it is.
        any_schema: Whether it may be an older one than this code's.
        moves: Whether to move it, as it may have been before.

    Raises:
        StoreRefused: There is no store, or none that may be opened.
        StoreUnavailable: It cannot be read now (in the block, too).
        StoreFailed: Anything else that SQLite says in the block.
    """
    if isinstance(where, str):
        from chatd.store.postgres import offline  # noqa: PLC0415 - who wants it needs it

        with offline.connected(where) as other:
            yield other
        return
    migrate.require_sqlite()
    path = files.find_database(where, moves=moves)
    if path is None:
        raise StoreRefused(
            f"there is no store in {where.absolute()}: name the file that the"
            " daemon reads with -c FILE, or its directory with --data DIR"
        )
    with ExitStack() as stack:
        with refusing(path):
            db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
            stack.callback(db.close)
            migrate.configure(db)
            migrate.identify(db, path)
            if not any_schema and migrate.is_old(db):
                raise StoreRefused(
                    f"{path} was written by an older chatd; start the daemon of this"
                    " one once: it copies the store, then brings it up to date"
                )
        with translated(db):
            yield db


@contextmanager
def reading(where: Where) -> Iterator[apsw.Connection]:
    """Connect for one look: everything that is read is of one moment.

    Raises:
        StoreRefused: There is no store, or none that may be opened.
        StoreUnavailable: It cannot be read now.
        StoreFailed: Anything else that SQLite says.
    """
    with connected(where) as db, snapshot(db):
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
