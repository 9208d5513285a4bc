"""PostgreSQL's ends of a move: a database to read, and one that is filled.

Both hold the lock that a daemon would hold, so nobody serves the database meanwhile. It
ends with the connection: whoever connects again takes it again, and looks again whether
what is there is what was left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import attrs

from chatd.errors import FileRefused, StoreRefused
from chatd.store.moving.layout import Key, Table
from chatd.store.moving.on_sqlite import joined
from chatd.store.moving.sums import Sum
from chatd.store.postgres import marks, migrate, serving
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.faults import RowFault
from chatd.store.postgres.marks import Coming
from chatd.store.sqlite.sql import select, snapshot, transaction
from chatd.words import FOLD

SETTINGS = {"client_encoding": "UTF8", "bytea_output": "hex"}
"""In which form rows are read."""
PAGE_ROWS = 1000
"""How many rows are read at once."""


@attrs.frozen
class There:
    """What is in a database."""

    store: str
    """The store's id, also where only half of it is there."""
    coming: Coming | None
    """Of what it is half."""

    @property
    def is_whole(self) -> bool:
        """Whether it can be served."""
        return self.coming is None


def found(db: Any) -> There | None:
    """Look at what is in a database; None where there is no store.

    Raises:
        StoreRefused: A store is there of another version's schema.
    """
    ((is_there,),) = select(db, "SELECT to_regclass('version') IS NOT NULL")
    if not is_there:
        return None
    ((number,),) = select(db, "SELECT number FROM version")
    known = len(migrate.migrations())
    if number != known:
        raise StoreRefused(
            f"its store is another version's (schema {number}, this one knows {known});"
            " start the daemon of this one once"
        )
    if (coming := marks.coming_of(db)) is not None:
        return There(coming.store, coming)
    ((store,),) = select(db, "SELECT id FROM store")
    return There(store, None)


def require_whole(db: Any) -> None:
    """Refuse a database without a store, or with half of one.

    Raises:
        StoreRefused: It is one.
    """
    there = found(db)
    if there is None:
        raise StoreRefused("there is no store in it")
    if there.coming is not None:
        raise StoreRefused(f"it has only half of {there.coming.origin}")


def sum_of(db: Connection, table: Table) -> Sum:
    """Sum a table's lines up."""
    rows, digest = 0, blake2b()

    def take(line: Any) -> None:
        nonlocal rows
        rows += 1
        digest.update(line)

    query = table.ordered(table.named, is_after=False)
    db.copy_out(f"COPY ({query}) TO STDOUT", take)
    return Sum(rows, digest.digest())


_INDEXES = """
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)
AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)"""
_REFERENCES = """
FROM pg_constraint WHERE contype = 'f'
AND connamespace = CAST(CAST(current_schema() AS text) AS regnamespace)"""
_LATER = f"""
SELECT 1, pg_get_indexdef(indexrelid) {_INDEXES}
UNION ALL SELECT 2, 'ALTER TABLE ' || CAST(CAST(conrelid AS regclass) AS text)
|| ' ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
{_REFERENCES}"""
"""What makes the indexes, then the references, that there are."""
_OFF = f"""
SELECT 'DROP INDEX ' || CAST(CAST(indexrelid AS regclass) AS text) {_INDEXES}
UNION ALL SELECT 'ALTER TABLE ' || CAST(CAST(conrelid AS regclass) AS text)
|| ' DROP CONSTRAINT ' || quote_ident(conname) {_REFERENCES}"""


# --- a database that is filled --------------------------------------------------


@attrs.frozen
class Target:
    """A database that is being filled."""

    db: Any
    tables: list[Table]

    def found(self) -> There | None:
        """Look at what is there; see `found`."""
        return found(self.db)

    @staticmethod
    def require(there: There | None, coming: Coming) -> None:
        """Refuse what is neither nothing nor half of what comes.

        Raises:
            StoreRefused: A store is there, or half of another one, or of another state.
        """
        if there is None or there.coming == coming:
            return
        if there.coming is None:
            raise FileRefused(
                "there is a store in it, and a move begins where there is none: name"
                f" another database, or remove what is there: {marks.REMOVE}"
            )
        is_same = there.store == coming.store
        what = "an older state of it" if is_same else f"another, {there.coming.origin}"
        raise StoreRefused(
            f"it has half of {what}, and not of {coming.origin} as it is now: name"
            f" another database, or remove what is there: {marks.REMOVE}"
        )

    def begin(self, coming: Coming) -> None:
        """Make the tables, and mark them as half of what comes."""
        with transaction(self.db):
            serving.make_schema(self.db)
            self._let_triggers("DISABLE")
            self._put_off()
            marks.begin_coming(self.db, coming)

    def count(self, table: Table) -> int:
        """How many rows are there."""
        return int(select(self.db, table.count)[0][0])

    def last(self, table: Table) -> Key:
        """The last key that is there; none where nothing is."""
        rows = select(self.db, table.last)
        return rows[0] if rows else ()

    def put(self, table: Table, page: list[bytes]) -> None:
        """Store rows, all or none of them.

        Raises:
            StoreRefused: One cannot be stored.
        """
        try:
            self.db.copy_in(
                f'COPY "{table.name}" ({table.named}) FROM STDIN', joined(page)
            )
        except RowFault as fault:
            raise StoreRefused(
                f'it does not take a row of "{table.name}": {fault}'
            ) from (fault)

    def settle(self) -> None:
        """Make the indexes and look at the references, of all rows at once.

        Raises:
            StoreRefused: The rows contradict each other.
        """
        if select(self.db, "SELECT to_regclass('later') IS NULL") == [(True,)]:
            return
        try:
            with transaction(self.db):
                for (sql,) in select(self.db, "SELECT sql FROM later ORDER BY number"):
                    self.db.execute(sql)
                self.db.execute("DROP TABLE later")
        except RowFault as fault:
            raise StoreRefused(
                f"the rows of {marks.read_coming(self.db).origin} contradict each"
                f" other: {fault.__cause__}; nothing was changed there"
            ) from fault

    def sum_of(self, table: Table) -> Sum:
        """Sum a table up."""
        return sum_of(self.db, table)

    def finish(self, numbers: Mapping[str, int]) -> None:
        """Have it served from now on.

        Args:
            numbers: The highest that each table has given, where it numbers its rows.
        """
        coming = marks.read_coming(self.db)
        home = serving.home_of(self.db) if coming.is_known else ""
        with transaction(self.db):
            self.db.execute("SET LOCAL synchronous_commit TO on")
            self._let_triggers("ENABLE")
            for table, column in numbered(self.db):
                if table in numbers:
                    self.db.execute(
                        "SELECT setval(pg_get_serial_sequence(quote_ident(?), ?), ?)",
                        (table, column, numbers[table]),
                    )
            self.db.execute(
                "UPDATE store SET home = ?, indexed = 0, fold = ?", (home, FOLD)
            )
            marks.end_coming(self.db)
        self.db.execute("ANALYZE")

    def _put_off(self) -> None:
        """Take away what would be looked at, or kept, for each row by itself."""
        self.db.execute("CREATE TABLE later (number BIGINT, sql TEXT)")
        self.db.execute(f"INSERT INTO later {_LATER}")
        for (sql,) in select(self.db, _OFF):
            self.db.execute(sql)

    def _let_triggers(self, how: str) -> None:
        """What triggers would count is counted in the rows."""
        for table in self.tables:
            self.db.execute(f'ALTER TABLE "{table.name}" {how} TRIGGER USER')


def numbered(db: Any) -> list[tuple[str, str]]:
    """Which columns get numbers by themselves, each with its table."""
    return select(
        db,
        "SELECT CAST(table_name AS text), CAST(column_name AS text)"
        " FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND is_identity = 'YES'",
    )


# --- a database that is read ----------------------------------------------------


@attrs.frozen
class Source:
    """A database whose store is moved."""

    db: Any
    coming: Coming
    generation: int

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        return int(select(self.db, table.count)[0][0])

    def sum_of(self, table: Table) -> Sum:
        """Sum a table up."""
        return sum_of(self.db, table)

    def note_moved(self, target: str) -> None:
        """Have nobody serve it any more, durably; it is read no more.

        Args:
            target: Where the store is now.
        """
        self.db.execute("ROLLBACK")
        with transaction(self.db):
            marks.note_moved(self.db, target, is_known=self.coming.is_known)

    def pages(self, table: Table, after: Key) -> Iterator[list[tuple[Any, ...]]]:
        """Read a table's rows, page by page, in the order of keys."""
        keys = [list(table.columns).index(column) for column in table.key]
        while True:
            sql = table.ordered(table.named, is_after=bool(after), limit=PAGE_ROWS)
            page = select(self.db, sql, table.typed(after) if after else ())
            if page:
                yield page
            if len(page) < PAGE_ROWS:
                return
            after = tuple(page[-1][at] for at in keys)

    def numbers(self) -> dict[str, int]:
        """The highest number that each table has given, where it numbers its rows."""
        found = {}
        for table, column in numbered(self.db):
            ((sequence,),) = select(
                self.db,
                "SELECT pg_get_serial_sequence(quote_ident(?), ?)",
                (table, column),
            )
            ((last, is_called),) = select(
                self.db,
                f"SELECT last_value, is_called FROM {sequence}",  # noqa: S608 - the schema's
            )
            if is_called:
                found[table] = last
        return found


@contextmanager
def read(db: Any, origin: str) -> Iterator[Source]:
    """Read a database whose lock is held, as it is at one moment.

    Args:
        db: A connection.
        origin: What it is called.
    """
    with snapshot(db):
        ((store, generation),) = select(db, "SELECT id, generation FROM store")
        is_known = marks.is_known(db, serving.home_of(db))
        yield Source(db, Coming(store, f"{generation}", origin, is_known), generation)
