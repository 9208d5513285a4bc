"""From SQLite to PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from chatd.errors import StoreRefused
from chatd.store.moving import on_postgres, on_sqlite
from chatd.store.moving.holding import held
from chatd.store.moving.link import Link, named
from chatd.store.moving.sums import Moved, Sums
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.opening import place_of
from chatd.store.sqlite import files
from chatd.store.sqlite.copying import Tell, untold


def to_postgres(directory: Path, url: str, tell: Tell = untold) -> Moved:
    """Move the store of a directory into a database, which is empty, or go on with it.

    Args:
        directory: The data directory, which no daemon serves.
        url: Where the database is.
        tell: Is told how far it is.

    Raises:
        StoreRefused: The store cannot be moved, or not there; the text says what to do.
        StoreUnavailable: It cannot be done now. The same again goes on.
        StoreFailed: What has arrived is not what was sent.
    """
    where = place_of(url)
    if files.find_database(directory, moves=True) is None:
        raise StoreRefused(
            f"there is no store in {directory.absolute()}: name the file that the"
            " daemon reads with -c FILE, or its directory with --data DIR"
        )
    settings = on_postgres.SETTINGS | {"synchronous_commit": "off"}
    with ExitStack() as stack:
        stack.enter_context(held(directory))
        source = stack.enter_context(on_sqlite.opened(directory))
        origin, moved = source.coming.origin, source.side.moved
        if moved not in {"", where}:
            raise StoreRefused(f"{origin} was moved to {moved} before")
        link = Link(Connection(url, settings), where)
        stack.callback(link.db.close)
        target = on_postgres.Target(link.db, source.tables)
        if link.run(lambda: _is_there(source, target, where)):
            rows = sum(map(target.count, source.tables))
            return Moved(origin, where, rows, is_done=True)
        sums = Sums(source.tables, tell)
        sums.take(source.count, source.sum_of)
        link.run(partial(_fill, source, target, sums, where))
    return Moved(origin, where, sums.rows)


def _is_there(source: on_sqlite.Source, target: on_postgres.Target, where: str) -> bool:
    """Whether an earlier command has moved all of it; else see that it may be moved."""
    with named(where):
        there = target.found()
        if not source.side.moved:
            target.require(there, source.coming)
            return False
        if there is None or there.store != source.coming.store:
            raise StoreRefused(
                f"{source.coming.origin} was moved here, and is not here any more; to"
                f" use what is still there, remove {source.directory / files.SIDE}"
            )
        return there.is_whole


def _fill(
    source: on_sqlite.Source, target: on_postgres.Target, sums: Sums, where: str
) -> None:
    """Copy what is missing, compare, and have it served from now on."""
    there = target.found()
    if not source.side.moved:
        with named(where):
            target.require(there, source.coming)
    if there is None:
        target.begin(source.coming)
    sums.copy(target.count, target.last, source.pages, target.put)
    target.settle()
    sums.compare(target.sum_of)
    if not source.side.moved:
        source.note_moved(where)
    target.finish(source.numbers())
