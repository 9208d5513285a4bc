"""SQLite's ends of a move: a store to read, and one that is being made.

What is read is of one moment, page by page. What is made is a file of its own name
(`files.MOVING`) in which each page is a transaction; nothing in it is synced singly,
since SQLite's log holds its order: a power cut takes pages away, and never one of their
middle.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import apsw
import attrs

from chatd.errors import StoreRefused
from chatd.store.moving.layout import SEQUENCES, Key, Kind, Table, layout
from chatd.store.moving.sums import Sum
from chatd.store.postgres.marks import Coming, begin_coming, end_coming, read_coming
from chatd.store.sqlite import checking, copying, files, migrate, modes, wal
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.files import Side
from chatd.store.sqlite.offline import connected
from chatd.store.sqlite.restore import exchange
from chatd.store.sqlite.sql import select, snapshot, transaction
from chatd.words import FOLD

PAGE_ROWS, PAGE_BYTES = 10_000, 4 * 2**20
"""How much is read, and stored, at once."""
CACHE_KIB = 64 * 1024


def lines_of(
    db: apsw.Connection, table: Table, after: Key = ()
) -> Iterator[list[bytes]]:
    """Read a table's lines, page by page, in the order of keys.

    Args:
        db: The store.
        table: The table.
        after: Only those behind that.
    """
    page: list[bytes] = []
    size = 0
    for (line,) in db.execute(table.ordered(table.line, is_after=bool(after)), after):
        page.append(line)
        size += len(line)
        if len(page) >= PAGE_ROWS or size >= PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def sum_of(db: apsw.Connection, table: Table, *, is_sent: bool) -> Sum:
    """Sum a table's lines up.

    Args:
        db: The store.
        table: The table.
        is_sent: Whether it goes to PostgreSQL, which must be able to have it.

    Raises:
        StoreRefused: One of its rows cannot be on PostgreSQL.
    """
    rows, digest = 0, blake2b()
    for page in lines_of(db, table):
        text = joined(page)
        if is_sent and not _is_text(text):
            raise _refused(db, table, page)
        digest.update(text)
        rows += len(page)
    return Sum(rows, digest.digest())


def _count(db: apsw.Connection, table: Table) -> int:
    return int(select(db, table.count)[0][0])


def joined(page: list[bytes]) -> bytes:
    """A page as `COPY` takes it."""
    return b"\n".join(page) + b"\n"


def _is_text(text: bytes) -> bool:
    """Whether PostgreSQL takes it for text: UTF-8, and no U+0000 in it."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in text


def _refused(db: apsw.Connection, table: Table, page: list[bytes]) -> StoreRefused:
    """Say which row of a page it is."""
    line = next(line for line in page if not _is_text(line))
    values = dict(zip(table.columns, line.split(b"\t"), strict=True))
    column = next(name for name, value in values.items() if not _is_text(value))
    said = [
        f"{name} {values[name].decode()}"
        for name in dict.fromkeys((*table.key, "room_id", "seq"))
        if table.columns.get(name) is Kind.NUMBER
    ]
    if "room_id" in values:
        number = int(values["room_id"])
        rooms = select(db, "SELECT name FROM room WHERE id = ?", (number,))
        said += [f"of the room {name}" for (name,) in rooms]
    return StoreRefused(
        f'{db.filename}: the {column} of a row of "{table.name}" ({", ".join(said)})'
        " has U+0000 or is no UTF-8, which PostgreSQL cannot keep; nothing was changed:"
        " change or delete it here, then type this again"
    )


# --- a store to read ------------------------------------------------------------


@attrs.frozen
class Source:
    """A store on SQLite that is moved."""

    db: apsw.Connection
    directory: Path
    tables: list[Table]
    coming: Coming
    """What a half-done copy of it is marked with."""
    side: Side
    """What the side file says, or would."""

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        return _count(self.db, table)

    def pages(self, table: Table, after: Key) -> Iterator[list[bytes]]:
        """Read a table's lines, page by page; see `lines_of`."""
        return lines_of(self.db, table, after)

    def sum_of(self, table: Table) -> Sum:
        """Sum a table up.

        Raises:
            StoreRefused: One of its rows cannot be on PostgreSQL.
        """
        return sum_of(self.db, table, is_sent=True)

    def numbers(self) -> dict[str, int]:
        """The highest number that each table has given, where it numbers its rows."""
        given = dict(select(self.db, f"SELECT name, seq FROM {SEQUENCES}"))  # noqa: S608 - ours
        for table in self.tables:
            if table.key == ("id",) and table.columns["id"] is Kind.NUMBER:
                ((last,),) = select(self.db, f'SELECT max(id) FROM "{table.name}"')  # noqa: S608 - ours
                if last is not None:
                    given.setdefault(table.name, last)
        return given

    def note_moved(self, target: str) -> None:
        """Have nobody serve it any more, durably; an older chatd begins new epochs."""
        ahead = max(self.side.generation, copying.marks_of(self.db).generation) + 1
        side = attrs.evolve(self.side, generation=ahead, clean=False, moved=target)
        files.write_side(self.directory, side)


@contextmanager
def opened(directory: Path) -> Iterator[Source]:
    """Open the store of a directory, whose lock is held.

    Raises:
        StoreRefused: There is none, or it is older, or damaged.
        StoreUnavailable: It cannot be read now.
        StoreFailed: Anything else that SQLite says in the block.
    """
    path = directory / files.DATABASE
    with refusing(path):
        lacks_commits = path.exists() and wal.lacks_commits(path)
    with connected(directory, moves=True) as db, snapshot(db):
        marks, side = copying.marks_of(db), files.read_side(directory)
        is_known = side is not None and side.store == marks.store
        if side is None or not is_known:
            side = Side(marks.store, marks.generation, clean=False)
        is_known &= marks.generation - side.generation in {0, 1} and not lacks_commits
        whole = side.clean and side.generation == marks.generation
        for name in checking.doubtful(db, side.unchecked, whole=whole):
            checking.check(db, path, name)
        mark = f"{marks.generation}/{side.generation}"
        coming = Coming(marks.store, mark, str(path.absolute()), is_known)
        yield Source(db, directory, layout(), coming, side)


# --- a store that is made -------------------------------------------------------


@attrs.frozen
class Target:
    """A store on SQLite that is being made."""

    db: apsw.Connection
    directory: Path
    coming: Coming

    def count(self, table: Table) -> int:
        """How many rows are there."""
        return _count(self.db, table)

    def last(self, table: Table) -> Key:
        """The last key that is there; none where nothing is."""
        rows = select(self.db, table.last)
        return rows[0] if rows else ()

    def put(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        """Store rows, all or none of them."""
        with transaction(self.db):
            self.db.executemany(table.insertion, rows)

    def sum_of(self, table: Table) -> Sum:
        """Sum a table up."""
        return sum_of(self.db, table, is_sent=False)

    def number(self, numbers: Mapping[str, int]) -> None:
        """Have tables go on behind the numbers that were given; all is durable then."""
        rows = select(
            self.db, "SELECT name FROM sqlite_schema WHERE sql LIKE '%AUTOINCREMENT%'"
        )
        for name in numbers.keys() & {name for (name,) in rows}:
            self.db.execute(f"DELETE FROM {SEQUENCES} WHERE name = ?", (name,))  # noqa: S608 - ours
            self.db.execute(
                f"INSERT INTO {SEQUENCES} VALUES (?, ?)",  # noqa: S608 - ours
                (name, numbers[name]),
            )
        self.db.pragma("synchronous", "FULL")
        self.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def finish(self, generation: int) -> Path | None:
        """Give the store its name, durably.

        Args:
            generation: Its number; see `chatd.store.sqlite.generation`.

        Returns:
            Where what was there before is now; None where nothing was.
        """
        if self.db.table_exists(None, "coming"):
            with transaction(self.db):
                self.db.execute("UPDATE store SET indexed = 0, fold = ?", (FOLD,))
                end_coming(self.db)
            self.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self.db.close()
        path = self.directory / files.MOVING
        copying.verify(path, path)
        side = None  # then each room begins a new epoch
        if self.coming.is_known:
            side = Side(self.coming.store, generation, clean=True)
        return exchange(self.directory, path, side)


@contextmanager
def making(directory: Path, coming: Coming, *, is_moved: bool) -> Iterator[Target]:
    """Make a store in a directory, or go on with one; its lock is held.

    Args:
        directory: The directory.
        coming: Of what it is a copy.
        is_moved: Whether the other one was marked as moved here, so this is whole.

    Raises:
        StoreRefused: What is there is half of another store's, or of another state.
        StoreUnavailable: The disk is full.
    """
    path = directory / files.MOVING
    with refusing(path):
        if path.exists() and not is_moved and not _is_begun(path):
            files.remove_moving(directory)
        if not path.exists():
            mode = modes.mode_beside(directory / files.DATABASE)
            os.close(modes.create(path, os.O_EXCL | os.O_WRONLY, mode))
        with closing(apsw.Connection(str(path))) as db:
            migrate.configure(db)
            db.pragma("cache_size", -CACHE_KIB)
            db.pragma("journal_mode", "wal")
            db.pragma("synchronous", "NORMAL")
            if not is_moved:
                _prepare(db, path, coming)
            db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
            yield Target(db, directory, coming)


def _is_begun(path: Path) -> bool:
    """Whether a file was prepared to its end by whoever has made it."""
    with closing(apsw.Connection(str(path))) as db:
        return db.table_exists(None, "coming")


def _prepare(db: apsw.Connection, path: Path, coming: Coming) -> None:
    """Make the tables and mark them, or see whose half is there."""
    if not db.table_exists(None, "coming"):
        db.pragma("application_id", migrate.APPLICATION_ID)
        migrate.migrate(db)
        with transaction(db):
            begin_coming(db, coming, "INTEGER")
    elif (there := read_coming(db)) != coming:
        is_same = there.store == coming.store
        what = "an older state of it" if is_same else f"another store, {there.origin}"
        raise StoreRefused(
            f"{path} is half of {what}, and not of {coming.origin} as it is now; remove"
            " the file, then type this again"
        )
