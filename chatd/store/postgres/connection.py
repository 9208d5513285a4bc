"""A connection to PostgreSQL that is asked as one of SQLite's is.

Within a transaction nothing is sent before an answer is wanted, so that what needs none
goes together with what does, or with the commit (`chatd.store.postgres.pipeline`). An
error of what was asked comes with the next answer, then, or with the commit.

It is a plain synchronous one: whoever has it runs it in one thread at a time, and
`AsyncConnection` is how Trio does that. A connection that was lost is made again when
it is asked to (`reopen`), never by itself in the middle of a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs
import psycopg
import trio
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import TextLoader

from chatd.store.postgres.faults import CommitLost, ConnectionLost, refusal
from chatd.store.postgres.pipeline import Answer, Pipeline
from chatd.store.postgres.statements import in_order, kind_of, spread, translated

CONNECT_S = 5
"""How long a server has to answer a connection."""
DEAD_MS = 15_000
"""How long what was sent may be unconfirmed by the other machine's kernel."""
QUIET_S, AGAIN_S, ASKED_MAX = 10, 5, 3
"""After how long that is asked for a sign of life while nothing is on its way, how long
until it is asked again, and how often."""
SCHEMA = "chatd"
"""The schema of all tables, so that a database may have others beside them."""

# Of the server's end, too: who is gone keeps what he has locked, and his connection,
# for twenty seconds; not for two hours, nor for sixteen minutes where an answer was on
# its way.
_ALIVE = {
    "tcp_user_timeout": f"{DEAD_MS}",
    "tcp_keepalives_idle": f"{QUIET_S}",
    "tcp_keepalives_interval": f"{AGAIN_S}",
    "tcp_keepalives_count": f"{ASKED_MAX}",
}
_NUMBER = "SELECT CAST(pg_current_xact_id() AS text)"
_ENDS = "COMMIT", "ROLLBACK"
_POINTS = "SAVEPOINT", "RELEASE", "ROLLBACK"
"""With which it has to be known whether all before them was done."""

T = TypeVar("T")


class _Whole(Loader):
    """A sum, which PostgreSQL has as `numeric`, as the whole number that it is."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


@attrs.define(eq=False)
class Connection:
    """`apsw.Connection`, as far as the store's modules use it.

    Args:
        url: Where the database is.
        settings: What is set in each session, by its name.
        is_timed: Whether statements have a bound of time.
    """

    url: str
    settings: dict[str, str]
    is_timed: bool = False
    _raw: psycopg.Connection[Any] | None = None
    _pipeline: Pipeline | None = None
    _last: Answer | None = None
    """What the last statement is answered."""
    _gathers: bool = False
    """Whether what is asked waits: in a transaction."""

    def open(self) -> None:
        """Connect.

        Raises:
            ConnectionLost: Nobody is there, or whoever is does not let us in (now).
        """
        try:
            raw = psycopg.connect(
                self.url,
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                connect_timeout=CONNECT_S,
                tcp_user_timeout=DEAD_MS,
                keepalives_idle=QUIET_S,
                keepalives_interval=AGAIN_S,
                keepalives_count=ASKED_MAX,
                application_name="chatd",
            )
        except psycopg.Error as error:
            raise ConnectionLost(refusal(error)) from error
        # One width, so that a statement is prepared once.
        raw.adapters.register_dumper(int, Int8Dumper)
        raw.adapters.register_loader("numeric", _Whole)
        raw.adapters.register_loader("json", TextLoader)
        self._raw, self._pipeline = raw, Pipeline(raw, self.is_timed)
        self._gathers = False
        said = {"search_path": SCHEMA, "jit": "off"} | _ALIVE | self.settings
        for name, value in said.items():
            self._pipeline.ask("SELECT set_config($1, $2, false)", (name, value))
        self._pipeline.send()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._raw is not None and not self._raw.closed

    def reopen(self) -> None:
        """Connect again where the connection was lost; raises as `open`."""
        if not self.is_open:
            self.open()

    def close(self) -> None:
        """Disconnect; what was not committed is not."""
        if self._raw is not None:
            self._raw.close()

    # --- what SQLite's has, too -----------------------------------------------------

    def execute(self, sql: str, values: Any = ()) -> Answer:
        """Run a statement, or have it run with the next one of a transaction.

        Raises:
            ConnectionLost: As `faults.meaning` has it; so are the others.
            StoreUnavailable: The same.
            StoreFailed: The same.
            RowFault: The same.
            TooSlow: The same.
        """
        text, names = translated(sql)
        return self._ask(text, in_order(names, values))

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of many values; as `execute`."""
        for row in rows:
            self.execute(sql, row)

    def execute_rows(self, sql: str, rows: Sequence[Sequence[Any]]) -> Answer:
        """Run a statement once for many rows, where `$ROWS` stands; as `execute`."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        kinds = tuple(map(kind_of, columns))
        given = [column for column, kind in zip(columns, kinds, strict=True) if kind]
        return self._ask(spread(sql, kinds), given)

    def begin(self) -> Answer:
        """Begin a transaction that writes; the answer is its number."""
        self.execute("BEGIN IMMEDIATE")
        return self.execute(_NUMBER)

    def changes(self) -> int:
        """How many rows the last statement has changed; raises as `execute`."""
        self._way().send()
        return 0 if self._last is None else self._last.changed

    def _ask(self, text: str, values: Sequence[Any]) -> Answer:
        way = self._way()
        if text.startswith("ROLLBACK"):
            way.forget()
        self._last = way.ask(text, values)
        if text.startswith("BEGIN"):
            self._gathers = True
        elif text in _ENDS:
            self._gathers = False
        if not self._gathers or text.startswith(_POINTS):
            way.send()
        return self._last

    def _run(self, execute: Callable[[psycopg.Cursor[Any]], object]) -> None:
        """Have psycopg do something, behind all that was asked."""
        way = self._way()
        way.send()
        try:
            with way.raw.cursor() as cursor:
                execute(cursor)
        except psycopg.Error as error:
            raise way.meaning(error) from error

    def script(self, sql: str) -> None:
        """Run many statements, in PostgreSQL's words; raises as `execute`."""
        self._run(lambda it: it.execute(sql))

    def copy_in(self, sql: str, lines: bytes) -> None:
        """Run a `COPY … FROM STDIN` with all of its lines; raises as `execute`."""

        def feed(cursor: psycopg.Cursor[Any]) -> None:
            with cursor.copy(sql) as copy:
                copy.write(lines)

        self._run(feed)

    def copy_out(self, sql: str, take: Callable[[Buffer], object]) -> None:
        """Run a `COPY … TO STDOUT`; raises as `execute`.

        Args:
            sql: The statement.
            take: Gets its lines, one after the other.
        """

        def feed(cursor: psycopg.Cursor[Any]) -> None:
            with cursor.copy(sql) as copy:
                for line in copy:
                    take(line)

        self._run(feed)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun and can be ended."""
        if self._raw is None or self._raw.closed:
            return False
        is_idle = self._raw.info.transaction_status is TransactionStatus.IDLE
        return self._gathers or not is_idle

    @property
    def process(self) -> int:
        """The number of the server's process for this connection."""
        return self._live().info.backend_pid

    def _live(self) -> psycopg.Connection[Any]:
        if self._raw is None or self._raw.closed:
            raise ConnectionLost("there is no connection to PostgreSQL")
        return self._raw

    def _way(self) -> Pipeline:
        self._live()
        assert self._pipeline is not None
        return self._pipeline


def again_if_lost(db: Connection, attempt: Callable[[], T]) -> T:
    """Do something over a connection, once more if it was lost since its last use.

    That shows in its use alone, for all connections of a server that was restarted.

    Args:
        db: The connection, which `attempt` opens where it is not.
        attempt: What is to be done; it has changed nothing where the connection was
            lost, and is not repeated where that was with its commit (`CommitLost`).
    """
    was_there = db.is_open
    try:
        return attempt()
    except ConnectionLost as lost:
        if not was_there or isinstance(lost, CommitLost):
            raise
    return attempt()


@attrs.define(eq=False)
class AsyncConnection:
    """A connection, of which one thread at a time does what Trio asks for."""

    db: Connection
    _turn: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1))

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function in a thread, which may use the connection there.

        Cancellation: safe before it has begun; then it is waited for, and as long as
        the connection's bound of time lets a statement run.
        """
        return await trio.to_thread.run_sync(function, *args, limiter=self._turn)

    async def close(self) -> None:
        """Disconnect. Cancellation: shielded."""
        with trio.CancelScope(shield=True):
            await self.run(self.db.close)
