"""What is moved: tables in an order that references allow, and how a row is said.

Both kinds of store have the same tables with the same columns, so there is one list,
made of SQLite's schema; a test compares it with PostgreSQL's. What is not in it
(`APART`) is made anew where the store goes: how far the search index is, and of what
else only one of them keeps an account.

Each row has one line, by which both sides are compared: the text that PostgreSQL's
`COPY` has of it. SQLite makes the same line in SQL, which costs a tenth of making it
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from enum import Enum, auto

import apsw
import attrs

from chatd.store.sqlite import columns, migrate, transfer
from chatd.store.sqlite.sql import select

APART = frozenset({"store.indexed", "store.fold", "store.merge_due"})
"""Columns of SQLite's schema that are not moved: all are about its search index."""
SEQUENCES = "sqlite_sequence"
"""Where SQLite keeps which numbers it has given; PostgreSQL has sequences."""

_ESCAPED = {
    "\\": "\\\\",  # first, for the others are told by it
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
}
"""What stands for something else in a line. Source: PostgreSQL's `COPY`."""


class Kind(Enum):
    """What is in a column."""

    NUMBER = auto()
    FLAG = auto()
    TEXT = auto()
    BYTES = auto()


_KINDS = {"INTEGER": Kind.NUMBER, "TEXT": Kind.TEXT, "BLOB": Kind.BYTES}

Key = tuple[int | str | bytes, ...]
"""The values of a row's key."""


@attrs.frozen
class Table:
    """A table of which all rows are moved."""

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    """The columns of its primary key, in their order."""

    def ordered(self, what: str, *, is_after: bool, limit: int | None = None) -> str:
        """Say a statement, for both kinds of store, for rows in the order of keys.

        Args:
            what: What to select of each.
            is_after: Whether only those behind a key, whose values are then given.
            limit: How many.
        """
        key = _named(self.key)
        marks = ", ".join("?" * len(self.key))
        behind = f" WHERE ({key}) > ({marks})" if is_after else ""
        most = "" if limit is None else f" LIMIT {limit}"
        return f'SELECT {what} FROM "{self.name}"{behind} ORDER BY {key}{most}'  # noqa: S608 - the schema's names

    @property
    def last(self) -> str:
        """A statement for the last key that there is."""
        order = ", ".join(f'"{column}" DESC' for column in self.key)
        key = _named(self.key)
        return f'SELECT {key} FROM "{self.name}" ORDER BY {order} LIMIT 1'  # noqa: S608 - as above

    @property
    def count(self) -> str:
        """A statement for how many rows there are."""
        return f'SELECT count(*) FROM "{self.name}"'  # noqa: S608 - as above

    @property
    def named(self) -> str:
        """The columns, as they stand in a statement."""
        return _named(tuple(self.columns))

    @property
    def line(self) -> str:
        """An expression of SQLite for a row's line, in bytes."""
        said = (_said(column, kind) for column, kind in self.columns.items())
        return f"CAST({' || char(9) || '.join(said)} AS BLOB)"

    @property
    def insertion(self) -> str:
        """A statement that inserts a row."""
        marks = ", ".join("?" * len(self.columns))
        return f'INSERT INTO "{self.name}" ({self.named}) VALUES ({marks})'  # noqa: S608 - as above

    def typed(self, key: Key) -> Key:
        """A key of SQLite's as PostgreSQL has it, which knows true and false."""
        return tuple(
            bool(value) if self.columns[column] is Kind.FLAG else value
            for column, value in zip(self.key, key, strict=True)
        )


def layout() -> list[Table]:
    """Say what is moved; no row refers to one of a later table."""
    with closing(apsw.Connection(":memory:")) as db:
        migrate.configure(db)
        migrate.migrate(db)
        tables = transfer.tables_of(db)
        return [_table(db, table) for table in tables if table.name != SEQUENCES]


def _table(db: apsw.Connection, table: transfer.Table) -> Table:
    rows = select(db, "SELECT name, pk FROM pragma_table_info(?)", (table.name,))
    key = sorted((place, name) for name, place in rows if place)
    return Table(
        table.name,
        {
            column: Kind.FLAG if _is_flag(table.name, column) else _KINDS[kind]
            for column, kind in table.columns.items()
            if f"{table.name}.{column}" not in APART
        },
        tuple(name for _, name in key),
    )


def _is_flag(table: str, column: str) -> bool:
    """Whether a column may be 0 or 1 and nothing else."""
    return [_may_be(table, column, number) for number in range(3)] == [
        True,
        True,
        False,
    ]


def _may_be(table: str, column: str, value: int) -> bool:
    try:
        columns.described(table, column)(value)
    except ValueError:
        return False
    return True


def _named(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _said(column: str, kind: Kind) -> str:
    """An expression of SQLite for a value in a line."""
    name = f'"{column}"'
    if kind is Kind.FLAG:  # what is neither true nor false is refused there
        name = f"CASE {name} WHEN 1 THEN 't' WHEN 0 THEN 'f' ELSE {name} END"
    elif kind is Kind.BYTES:
        name = f"'\\\\x' || lower(hex({name}))"
        return f"CASE WHEN \"{column}\" IS NULL THEN '\\N' ELSE {name} END"
    elif kind is Kind.TEXT:
        for char, escaped in _ESCAPED.items():
            name = f"replace({name}, char({ord(char)}), '{escaped}')"
    return f"coalesce({name}, '\\N')"
