"""From PostgreSQL to SQLite."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from chatd.errors import FileRefused, StoreRefused
from chatd.store.moving import on_postgres, on_sqlite
from chatd.store.moving.holding import held
from chatd.store.moving.layout import layout
from chatd.store.moving.link import Link, named
from chatd.store.moving.sums import Moved, Sums
from chatd.store.postgres import marks
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.opening import place_of
from chatd.store.sqlite import files
from chatd.store.sqlite.copying import Tell, untold
from chatd.store.sqlite.sql import select


@attrs.frozen
class _Way:
    """From where to where."""

    link: Link
    directory: Path
    sums: Sums

    @property
    def path(self) -> str:
        """The database that is to be there."""
        return str(self.directory.absolute() / files.DATABASE)


def to_sqlite(url: str, directory: Path, beside: Path, tell: Tell = untold) -> Moved:
    """Move the store of a database into a directory without one, or go on with it.

    Args:
        url: Where the database is, which no daemon serves.
        directory: The data directory that is to have it, made where there is none.
        beside: The data directory of those who serve the database.
        tell: Is told how far it is.

    Raises:
        StoreRefused: The store cannot be moved, or not there; the text says what to do.
        StoreUnavailable: It cannot be done now. The same again goes on.
        StoreFailed: What has arrived is not what was sent.
    """
    where = place_of(url)
    files.make_directory(directory)
    with ExitStack() as stack:
        stack.enter_context(held(directory))
        if beside.is_dir() and not beside.samefile(directory):
            stack.enter_context(held(beside))
        link = Link(Connection(url, on_postgres.SETTINGS), where)
        stack.callback(link.db.close)
        way = _Way(link, directory, Sums(layout(), tell))
        if link.run(lambda: _is_there(way)):
            counts = [select(link.db, table.count) for table in way.sums.tables]  # type: ignore[arg-type] # asked as SQLite's is
            rows = sum(count for ((count,),) in counts)
            return Moved(where, way.path, rows, is_done=True)
        replaced = link.run(lambda: _fill(way))
    return Moved(where, way.path, way.sums.rows, replaced=replaced)


def _is_there(way: _Way) -> bool:
    """Whether an earlier command has moved all of it.

    Raises:
        StoreRefused: Another store is there, or this one has gone elsewhere.
    """
    db = way.link.db
    with named(way.link.where):
        on_postgres.require_whole(db)
    found = files.find_database(way.directory, moves=True)
    moved = marks.moved_to(db)
    if moved not in {None, way.path}:
        raise StoreRefused(f"the store of {way.link.where} was moved to {moved} before")
    is_half = _is_half(way.directory, found)
    if moved is not None and found is not None and not is_half:
        return True
    if found is not None and not _is_former(db, way.directory):
        raise FileRefused(
            f"{found} is there already, and a move begins where there is no store; move"
            " it away, or name another directory"
        )
    if moved is not None and not is_half:
        raise StoreRefused(
            f"{way.path} is what the store of {way.link.where} was moved to, and it is"
            " not there any more; to use what is still in the database: psql URL -c"
            ' "DROP TABLE chatd.moved"'
        )
    return False


def _is_half(directory: Path, found: Path | None) -> bool:
    """Whether something is there that has not got its name yet."""
    half = directory / files.MOVING
    if found is not None and half.exists() and half.samefile(found):
        half.unlink()  # it has, and was killed in this moment
    return half.exists()


def _is_former(db: Any, directory: Path) -> bool:
    """Whether a directory has what a database's store was before it was moved."""
    side = files.read_side(directory)
    ((store,),) = select(db, "SELECT id FROM store")
    return side is not None and bool(side.moved) and side.store == store


def _fill(way: _Way) -> Path | None:
    """Copy what is missing, compare, and give it its name.

    Returns:
        Where what was there before is now; None where nothing was.
    """
    db, sums = way.link.db, way.sums
    with named(way.link.where):
        on_postgres.require_whole(db)
    is_moved = marks.moved_to(db) is not None
    with on_postgres.read(db, way.link.where) as source:
        making = on_sqlite.making(way.directory, source.coming, is_moved=is_moved)
        with making as target:
            sums.take(source.count, source.sum_of)
            sums.copy(target.count, target.last, source.pages, target.put)
            sums.compare(target.sum_of)
            target.number(source.numbers())
            if not is_moved:
                source.note_moved(way.path)
            return target.finish(source.generation)
