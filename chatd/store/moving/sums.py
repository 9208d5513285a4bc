"""Copying a store's tables, and what two are compared by: rows, and digests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import attrs

from chatd.errors import StoreFailed
from chatd.store.moving.layout import Key, Table
from chatd.store.sqlite.copying import Tell

Row = TypeVar("Row")


@attrs.frozen
class Moved:
    """A store that was moved."""

    source: str
    target: str
    rows: int
    is_done: bool = False
    """Whether an earlier command had moved it."""
    replaced: Path | None = None
    """Where what the target had before is now: what was moved away once."""


@attrs.frozen
class Sum:
    """Of all rows of a table, in the order of their keys."""

    rows: int
    digest: bytes


@attrs.define
class Sums:
    """The sums of all tables of a source.

    Args:
        tables: The tables.
        tell: Is told how far it is.
    """

    tables: Sequence[Table]
    tell: Tell
    _found: dict[str, Sum] = attrs.field(factory=dict)

    def take(
        self, count: Callable[[Table], int], sum_of: Callable[[Table], Sum]
    ) -> None:
        """Sum up what was not yet.

        Args:
            count: Says how many rows a table has.
            sum_of: Sums one up.
        """
        missing = [table for table in self.tables if table.name not in self._found]
        total, done = max(1, sum(map(count, missing))), 0
        for table in missing:
            self.tell("reading", done / total)
            self._found[table.name] = sum_of(table)
            done += self._found[table.name].rows

    @property
    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(one.rows for one in self._found.values())

    def told(self, what: str, done: int) -> None:
        """Tell how many rows something was done with."""
        self.tell(what, min(1.0, done / max(1, self.rows)))

    def copy(
        self,
        count: Callable[[Table], int],
        last: Callable[[Table], Key],
        pages: Callable[[Table, Key], Iterable[list[Row]]],
        put: Callable[[Table, list[Row]], None],
    ) -> None:
        """Bring to a target what it does not have yet, page by page.

        Args:
            count: Says how many rows of a table the target has.
            last: Says which of its keys there is the last.
            pages: Reads the source's rows behind a key.
            put: Stores a page in the target, all of it or nothing.
        """
        done = sum(map(count, self.tables))
        for table in self.tables:
            for page in pages(table, last(table)):
                put(table, page)
                done += len(page)
                self.told("copying", done)

    def compare(self, sum_of: Callable[[Table], Sum]) -> None:
        """See that a target has the same.

        Args:
            sum_of: Sums one of its tables up.

        Raises:
            StoreFailed: It has not.
        """
        done = 0
        for table in self.tables:
            sent, there = self._found[table.name], sum_of(table)
            if there != sent:
                raise StoreFailed(
                    f'what has arrived is not what was sent: "{table.name}" has'
                    f" {sent.rows} rows here and {there.rows} there, and they differ;"
                    " remove what has arrived, then type this again"
                )
            done += there.rows
            self.told("comparing", done)
