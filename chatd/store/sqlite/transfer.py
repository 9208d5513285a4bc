"""Moving a whole store as lines of JSON: all of its rows, and a new store made of them.

The first line says what follows: of which schema the rows are, and how many. Each line
behind it is one row, its `type` the table's name; what is no text and no number is in
base64. So a store of an older schema is read as it is, and made again as it was before
it is brought up to date like any other. Not in it are the search index, which is made
from the rest, and what the side file knows: the next start takes the store for one that
was not here before, and gives each room a new epoch (`chatd.store.sqlite.generation`).

An export is one reading transaction, of one moment. It rests as a backup does
(`chatd.store.sqlite.copying`), and holds no more than a row.

An import makes the store under another name, with the directory's lock held, and names
it when all lines are in. Each line is looked at before it is stored: what is in each of
its fields (`chatd.store.sqlite.columns`), and what it says of the lines before it
(`chatd.store.sqlite.relations`); so tables come in an order in which no row refers to a
later one. At last the rows are counted, and SQLite looks at the file. So there is all
of it or nothing, whatever is killed; a line that is wrong is told by its number; and
what was imported is what a daemon could have written.
"""

from __future__ import annotations

import base64
import binascii
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import apsw
import attrs
import orjson

from chatd import __version__
from chatd.errors import FileRefused, ImportRefused
from chatd.store.sqlite import copying, files, lock, migrate, modes, relations
from chatd.store.sqlite.columns import BadField, Row, check_row
from chatd.store.sqlite.copying import REST, WORK_S, Headroom, Tell, untold
from chatd.store.sqlite.faults import ROW_FAULTS, refusing
from chatd.store.sqlite.offline import connected
from chatd.store.sqlite.relations import Looker
from chatd.store.sqlite.sql import select, snapshot, transaction
from chatd.wire.timestamps import rfc3339

HEAD = "chatd"
"""The `type` of the first line."""
FORMAT = 1
LINE_BYTES_MAX = 16 * 2**20
"""Of a line that is read: more than any row has."""
CACHE_KIB = 64 * 1024
"""What of a store that is being made stays in memory: the ends of its indexes."""
TOLD_EVERY = 1000
"""Lines until it is told again how far it is."""

_SEQUENCES = "sqlite_sequence"
"""The highest numbers that tables have given; they never come back."""


@attrs.frozen
class Table:
    """A table of which all rows are moved."""

    name: str
    columns: Mapping[str, str]
    """Their types; SQLite's own tables have none."""

    def named(self) -> str:
        """The columns, as they stand in a statement."""
        return ", ".join(f'"{name}"' for name in self.columns)


def tables_of(db: apsw.Connection) -> list[Table]:
    """Say which tables a store is made of; no row refers to one of a later table."""
    found = select(
        db,
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
        " AND name NOT LIKE 'message_fts%' AND name NOT LIKE 'sqlite_%'",
    )
    names = [*relations.order(db, [name for (name,) in found]), _SEQUENCES]
    return [Table(name, _columns(db, name)) for name in names]


def _columns(db: apsw.Connection, table: str) -> dict[str, str]:
    rows = select(db, f"PRAGMA table_info({table})")
    return {name: kind for _, name, kind, *_ in rows}


# --- out ------------------------------------------------------------------------


def export_all(directory: Path, tell: Tell = untold) -> Iterator[bytes]:
    """Read everything that there is, as it is at one moment.

    Args:
        directory: The data directory.
        tell: Is told how far it is.

    Yields:
        Lines, without their ends. Whoever has them has every secret of the store.

    Raises:
        StoreRefused: There is no store that could be read.
        StoreUnavailable: It cannot be read now, or the disk is nearly full.
        StoreFailed: Anything else that SQLite says.
    """
    with (
        connected(directory, any_schema=True) as db,
        snapshot(db),
    ):
        headroom = Headroom(directory / files.DATABASE)
        tables = tables_of(db)
        counts = [_count(db, table) for table in tables]
        total, done = sum(counts), 0
        yield orjson.dumps(_head(db, total))
        rest = REST if lock.is_served(directory) else 0
        began = time.monotonic()
        for table in tables:
            for row in db.execute(f'SELECT {table.named()} FROM "{table.name}"'):  # noqa: S608 - the schema's names
                yield orjson.dumps(_record(table, row))
                done += 1
                if not done % TOLD_EVERY:
                    tell("exporting", done / total)
                worked = time.monotonic() - began
                if worked >= WORK_S:
                    pause_s = 0.0 if headroom.is_scarce() else rest * worked
                    time.sleep(pause_s)  # noqa: TID251 - no loop runs here
                    began = time.monotonic()
        tell("exporting", 1.0)


def _count(db: apsw.Connection, table: Table) -> int:
    ((count,),) = select(db, f'SELECT count(*) FROM "{table.name}"')  # noqa: S608 - as above
    return int(count)


def _head(db: apsw.Connection, lines: int) -> dict[str, object]:
    return {
        "type": HEAD,
        "format": FORMAT,
        "schema": db.pragma("user_version"),
        "version": __version__,
        "ts": rfc3339(time.time_ns() // 1_000_000),
        "lines": lines,
    }


def _record(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
    values = {
        column: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for column, value in zip(table.columns, row, strict=True)
    }
    return {"type": table.name} | values


# --- in -------------------------------------------------------------------------


@attrs.frozen
class Head:
    """What the first line says."""

    schema: int
    lines: int


class _WrongLine(Exception):
    """A line is not what it should be; the text says why."""


@attrs.define
class _Lines:
    """What is read, line by line, and where that is.

    Args:
        source: The lines.
        called: What they are called where one is refused.
    """

    source: BinaryIO
    called: str
    number: int = 0
    """Of the line that was read last."""

    def next(self) -> dict[str, Any] | None:
        """Read a record; None behind the last.

        Raises:
            _WrongLine: It is none.
        """
        self.number += 1
        line = self.source.readline(LINE_BYTES_MAX + 1)
        if not line:
            return None
        if len(line) > LINE_BYTES_MAX:
            raise _WrongLine(f"it has more than {LINE_BYTES_MAX // 2**20} MiB")
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _WrongLine(f"it is no JSON ({error})") from None
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            raise _WrongLine('it is no object with a "type"')
        return record

    @contextmanager
    def told(self) -> Iterator[None]:
        """Run the block; what is wrong with the line that was read last is told.

        Raises:
            ImportRefused: Something is.
        """
        try:
            yield
        except (_WrongLine, BadField) as wrong:
            raise ImportRefused(
                f"{self.called}, line {self.number}: {wrong}; nothing was imported"
            ) from wrong.__cause__


def import_all(
    directory: Path, source: BinaryIO, called: str, tell: Tell = untold
) -> Head:
    """Make a store of what `export_all` has read.

    Args:
        directory: The data directory, made where there is none. It has no store.
        source: The lines.
        called: What they are called where they are refused.
        tell: Is told how far it is.

    Returns:
        What the first line says.

    Raises:
        ImportRefused: A line is wrong. Nothing was imported.
        FileRefused: There is a store already.
        StoreRefused: None can be made there.
        StoreUnavailable: The disk is full. Nothing was imported.
        OSError: The lines cannot be read. Nothing was imported.
    """
    migrate.require_sqlite()
    files.make_directory(directory)
    lines = _Lines(source, called)
    with lock.locked(directory), refusing(directory):
        if (there := files.find_database(directory)) is not None:
            raise FileRefused(
                f"{there} is there already, and an import begins where there is"
                " nothing; name another directory"
            )
        new = directory / files.NEW
        files.remove_new(directory)
        try:
            mode = modes.mode_beside(directory / files.DATABASE)
            descriptor = modes.create(new, os.O_EXCL | os.O_RDWR, mode)
            try:
                with lines.told(), closing(apsw.Connection(str(new))) as db:
                    head = _load(db, lines, tell)
                copying.verify(new, Path(called), tell=tell)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            files.put(new, directory / files.DATABASE)
        finally:
            files.remove_new(directory)
    return head


def _load(db: apsw.Connection, lines: _Lines, tell: Tell) -> Head:
    """Fill a new database, and bring it up to date."""
    head = _read_head(lines)
    migrate.configure(db)
    db.pragma("application_id", migrate.APPLICATION_ID)
    # Nobody has it yet, and what is broken off goes whole.
    for pragma, value in {
        "journal_mode": "OFF",
        "synchronous": "OFF",
        "cache_size": -CACHE_KIB,
    }.items():
        db.pragma(pragma, value)
    migrate.migrate(db, head.schema)
    # What triggers count is counted in the rows.
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    with transaction(db):
        _insert_all(db, lines, head, tell)
        db.execute("UPDATE store SET indexed = 0")
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 1)
    migrate.migrate(db)
    _require_whole(db, head)
    return head


def _read_head(lines: _Lines) -> Head:
    record = lines.next()
    if record is None or record["type"] != HEAD:
        raise _WrongLine("it is not the head of what chatd export --all has written")
    if record.get("format") != FORMAT:
        raise BadField("format", f"this chatd knows {FORMAT}")
    schema, count = record.get("schema"), record.get("lines")
    known = len(migrate.migrations())
    if type(schema) is not int or schema < 1:
        raise BadField("schema", "expected a whole number from 1")
    if type(count) is not int or count < 0:
        raise BadField("lines", "expected a whole number")
    if schema > known:
        raise BadField(
            "schema",
            f"it is of a newer chatd ({schema}, this one knows {known}); install that"
            " version",
        )
    return Head(schema, count)


def _insert_all(db: apsw.Connection, lines: _Lines, head: Head, tell: Tell) -> None:
    tables = tables_of(db)
    places = {table.name: place for place, table in enumerate(tables)}
    statements = [_insertion(table) for table in tables]
    looker = Looker(db, is_current=head.schema == len(migrate.migrations()))
    reached = 0
    while (record := lines.next()) is not None:
        if lines.number > head.lines + 1:
            raise _WrongLine(f"the head says that only {head.lines} lines follow it")
        place = places.get(record.pop("type"))
        if place is None:
            raise BadField("type", "it is none of this schema")
        table = tables[place]
        if place < reached:
            last = tables[reached].name
            raise BadField("type", f'a "{table.name}" stands before each "{last}"')
        reached = place
        row = _row(table, record)
        looker.look(table.name, row)
        _insert(db, table, statements[place], row)
        if not lines.number % TOLD_EVERY:
            tell("importing", lines.number / (head.lines + 1))
    if lines.number <= head.lines + 1:
        raise _WrongLine(
            f"it is missing; the head says that {head.lines} lines follow it"
        )


def _insertion(table: Table) -> str:
    marks = ", ".join("?" * len(table.columns))
    return f'INSERT INTO "{table.name}" ({table.named()}) VALUES ({marks})'  # noqa: S608 - the schema's names


def _insert(db: apsw.Connection, table: Table, sql: str, row: Row) -> None:
    """Store a row that was looked at; what is left to refuse is one that is doubled."""
    if table.name == _SEQUENCES:
        # The rows of that table have begun one.
        db.execute(f"DELETE FROM {_SEQUENCES} WHERE name = ?", (row["name"],))  # noqa: S608 - ours
    try:
        db.execute(sql, [*row.values()])
    except ROW_FAULTS as error:
        raise _WrongLine(f"it cannot be stored ({error})") from error


def _row(table: Table, record: Mapping[str, Any]) -> Row:
    """What a record has to store, in the order of the table's columns."""
    if wrong := sorted(record.keys() ^ table.columns.keys()):
        is_known = wrong[0] in table.columns
        said = "it is missing" if is_known else f'a "{table.name}" has no such field'
        raise BadField(wrong[0], said)
    row = {}
    for column, kind in table.columns.items():
        value = record[column]
        if kind == "BLOB" and value is not None:
            try:
                value = base64.b64decode(value, validate=True)
            except (TypeError, ValueError, binascii.Error):
                raise BadField(column, "it is not in base64") from None
        row[column] = value
    check_row(table.name, row)
    return row


def _require_whole(db: apsw.Connection, head: Head) -> None:
    """Refuse what has lost lines in its middle, though all numbers are right."""
    if select(db, "SELECT count(*) FROM store") != [(1,)]:
        raise _WrongLine('the file ends, and had no line of the type "store"')
    # What each line says of those before it was looked at, but for an older schema.
    is_current = head.schema == len(migrate.migrations())
    wanted = () if is_current else relations.REFERENCES
    wrong = relations.contradiction(db, (*wanted, *relations.COUNTS))
    if wrong is not None:
        raise _WrongLine(
            f'the file ends, and the {wrong.field} of a "{wrong.table}" contradicts'
            f" the other lines: {wrong.reason}"
        )
