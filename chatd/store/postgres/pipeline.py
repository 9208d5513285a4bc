"""Statements that go to PostgreSQL together, and their answers.

What is asked waits until an answer is wanted; then all goes in one way to the server
and back, by libpq's pipeline mode. A statement that fails takes those behind it along,
as it does within a transaction anyway. What is asked again and again is prepared.

Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import attrs
import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

from chatd.store.postgres.faults import meaning

PREPARED_MAX = 512
"""Statements that are prepared in a session; more are sent with their texts."""
WAITING_MAX = 512
"""Statements that wait to be sent."""
AT_ONCE = 64
"""Rows that are made at once where one asks for each."""
_DONE = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})
_Key = tuple[bytes, tuple[int, ...]]


@attrs.define(eq=False)
class Answer:
    """What a statement gives; its rows are here as soon as somebody wants them."""

    sql: bytes
    values: Sequence[Any] = ()
    """As they are sent."""
    types: tuple[int, ...] = ()
    formats: Sequence[Any] = ()
    _pipeline: Pipeline | None = None
    """Where it waits, or waited."""
    result: Any = None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows.

        Raises:
            StoreUnavailable: As `Pipeline.send`; so are the others.
            StoreFailed: The same.
            RowFault: The same.
            TooSlow: The same.
        """
        assert self._pipeline is not None
        return self._pipeline.rows(self)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Each row, in order, made when its turn comes; raises as `fetchall`."""
        assert self._pipeline is not None
        begin = 0
        while rows := self._pipeline.rows(self, begin, begin + AT_ONCE):
            yield from rows
            begin += len(rows)

    def close(self) -> None:
        """Let go of the rows."""
        self.result = None

    @property
    def changed(self) -> int:
        """How many rows a statement that was sent has changed."""
        return 0 if self.result is None else self.result.command_tuples or 0


@attrs.define(eq=False)
class Pipeline:
    """The way to the server of one connection, for one thread at a time.

    Args:
        raw: The connection.
        is_timed: Whether statements have a bound of time.
    """

    raw: psycopg.Connection[Any]
    is_timed: bool
    _waiting: list[Answer] = attrs.field(factory=list, init=False)
    _once: dict[_Key, None] = attrs.field(factory=dict, init=False)
    """What was asked once."""
    _names: dict[_Key, bytes] = attrs.field(factory=dict, init=False)
    """What is prepared."""
    _numbers: Iterator[int] = attrs.field(factory=count, init=False)
    _adapter: Any = attrs.field(init=False)
    _readable: select.poll = attrs.field(init=False)
    _writable: select.poll = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Have psycopg prepare nothing: it would forget all with each ROLLBACK."""
        self.raw.prepare_threshold = None
        self._adapter = Transformer(self.raw)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self.raw.pgconn.socket, select.POLLIN)
        both = select.POLLIN | select.POLLOUT
        self._writable.register(self.raw.pgconn.socket, both)

    def meaning(self, error: psycopg.Error) -> Exception:
        """What an error means; nothing of what waits is sent any more."""
        self.forget()
        return meaning(error, is_lost=self.raw.closed, is_timed=self.is_timed)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """Have a statement sent with the next ones.

        Raises:
            RowFault: A value cannot be sent.
        """
        answer = Answer(sql.encode(), pipeline=self)
        if values:
            dumper, formats = self._adapter, [PyFormat.AUTO] * len(values)
            try:
                answer.values = dumper.dump_sequence(values, formats)
            except psycopg.Error as error:
                raise self.meaning(error) from error
            answer.types, answer.formats = tuple(dumper.types or ()), dumper.formats
        self._waiting.append(answer)
        if len(self._waiting) >= WAITING_MAX:
            self.send()
        return answer

    def rows(
        self, answer: Answer, begin: int = 0, end: int | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of an answer, for which it is waited if need be; raises as `send`.

        Args:
            answer: Whose.
            begin: How many are left out.
            end: Where it ends at the latest; None: where they do.
        """
        if answer.result is None:
            self.send()
        adapter, found = self._adapter, answer.result
        count = found.ntuples if end is None else min(end, found.ntuples)
        if begin >= count:
            return []
        adapter.set_pgresult(found)
        rows: list[tuple[Any, ...]] = adapter.load_rows(begin, count, tuple)
        return rows

    def forget(self) -> None:
        """Send nothing of what waits."""
        self._waiting.clear()

    def send(self) -> None:
        """Send all that waits, and take the answers.

        Raises:
            StoreUnavailable: Of the first that failed, as `faults.meaning` has it; so
                are the others. Those behind it were not done.
            StoreFailed: The same.
            RowFault: The same.
            TooSlow: The same.
        """
        asked, self._waiting = self._waiting, []
        if not asked:
            return
        try:
            self._exchange(asked)
        except psycopg.Error as error:
            raise self.meaning(error) from error

    def _exchange(self, asked: Sequence[Answer]) -> None:
        """Send statements, and take their answers."""
        to = self.raw.pgconn
        try:
            to.enter_pipeline_mode()
            prepared = [self._send(answer) for answer in asked]
            to.pipeline_sync()
            self._flush()
            failed = self._take(asked, prepared)
            to.exit_pipeline_mode()
        except BaseException:
            # Nobody knows which answers are still to come.
            self.raw.close()
            raise
        if failed is not None:
            raise errors.error_from_result(failed, self.raw.info.encoding)

    def _send(self, answer: Answer) -> _Key | None:
        """Send a statement; which it was if it is prepared now."""
        to, key = self.raw.pgconn, (answer.sql, answer.types)
        name, new = self._names.get(key), None
        if name is None and key in self._once and len(self._names) < PREPARED_MAX:
            del self._once[key]
            name, new = b"chatd%d" % next(self._numbers), key
            self._names[key] = name
            to.send_prepare(name, answer.sql, answer.types)
        values, formats = answer.values or None, answer.formats or None
        if name is not None:
            to.send_query_prepared(name, values, formats)
        else:
            if len(self._once) >= PREPARED_MAX:
                del self._once[next(iter(self._once))]
            self._once[key] = None
            to.send_query_params(answer.sql, values, answer.types or None, formats)
        return new

    def _flush(self) -> None:
        """Send what is in libpq's buffer, and take what comes meanwhile."""
        to = self.raw.pgconn
        while to.flush():
            for _, event in self._writable.poll():
                if event & ~select.POLLOUT:
                    to.consume_input()

    def _take(
        self, asked: Sequence[Answer], prepared: Sequence[_Key | None]
    ) -> Any | None:
        """Take the answers in order; what the first that failed was told, if any."""
        failed = None
        for answer, key in zip(asked, prepared, strict=True):
            if key is not None:
                found = self._result()
                if found.status not in _DONE:
                    failed = failed or found
                    self._names.pop(key, None)
            found = self._result()
            answer.result = found
            if found.status not in _DONE:
                failed = failed or found
        self._next()  # what says that all is done
        return failed

    def _result(self) -> Any:
        """The result of one thing that was sent, which something empty ends."""
        found = self._next()
        if found is None:
            raise psycopg.OperationalError("the server has ended the connection")
        while self._next() is not None:
            continue
        return found

    def _next(self) -> Any:
        to = self.raw.pgconn
        while to.is_busy():
            self._readable.poll()
            to.consume_input()
        return to.get_result()
