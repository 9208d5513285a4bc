"""Statements that go together: when they go, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.pq import TransactionStatus

from chatd.store.postgres import pipeline
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.faults import ConnectionLost, NotUnique, RowFault
from chatd.store.sqlite.sql import select, transaction
from tests.postgresql import connected, server

_PUT = "INSERT INTO thing (name) VALUES ($1)"
_ALL = "SELECT name FROM thing ORDER BY name"


@pytest.fixture
def db() -> Iterator[Connection]:
    """A connection with a table of its own."""
    with server().database() as url:
        found = connected(url)
        found.script("CREATE TEMPORARY TABLE thing (name TEXT UNIQUE NOT NULL)")
        yield found
        found.close()


def status(db: Connection) -> TransactionStatus:
    """What the server has said of the transaction."""
    assert db._raw is not None
    return db._raw.info.transaction_status


def names(db: Connection) -> list[str]:
    """What is in the table."""
    return [name for (name,) in select(db, _ALL)]  # type: ignore[arg-type] # as SQLite's


def test_a_transaction_goes_when_an_answer_is_wanted(db: Connection) -> None:
    """With all that was asked before, in its order; the rest goes with the commit."""
    number = db.begin()
    db.execute(_PUT, ("a",))
    assert status(db) is TransactionStatus.IDLE
    assert db.in_transaction
    assert names(db) == ["a"]
    assert status(db) is TransactionStatus.INTRANS
    ((found,),) = number.fetchall()
    assert int(found) > 0
    db.execute(_PUT, ("b",))
    db.execute("COMMIT")
    assert not db.in_transaction
    assert names(db) == ["a", "b"]


def test_alone_each_goes_at_once(db: Connection) -> None:
    """Nobody would send it later."""
    db.execute(_PUT, ("a",))
    with pytest.raises(NotUnique):
        db.execute(_PUT, ("a",))
    assert names(db) == ["a"]


def test_how_many_rows_were_changed(db: Connection) -> None:
    """By the last statement; whoever asks has it sent."""
    assert names(db) == []
    with transaction(db):  # type: ignore[arg-type]
        db.execute_rows("INSERT INTO thing (name) VALUES $ROWS", [("a",), ("b",)])
        assert db.changes() == 2
        db.execute("DELETE FROM thing WHERE name = $1", ("c",))
        assert db.changes() == 0


def test_an_error_comes_with_the_next_answer(db: Connection) -> None:
    """What stands behind it was not done, and the transaction can only be left."""
    db.begin()
    db.execute(_PUT, ("a",))
    db.execute(_PUT, ("a",))
    db.execute(_PUT, ("b",))
    with pytest.raises(NotUnique):
        names(db)
    assert db.in_transaction
    db.execute("ROLLBACK")
    assert not db.in_transaction
    assert names(db) == []


def test_an_error_comes_with_the_commit(db: Connection) -> None:
    """Nothing is stored, then."""
    with pytest.raises(NotUnique), transaction(db):  # type: ignore[arg-type]
        db.execute(_PUT, ("a",))
        db.execute(_PUT, ("a",))
    assert status(db) is TransactionStatus.IDLE
    assert names(db) == []


def test_a_value_that_cannot_be_sent_is_a_fault_at_once(db: Connection) -> None:
    """Nothing of what waited is sent any more."""
    with pytest.raises(RowFault), transaction(db):  # type: ignore[arg-type]
        db.execute(_PUT, ("a",))
        db.execute(_PUT, ("\0",))
    assert names(db) == []


def test_one_of_many_is_taken_back(db: Connection) -> None:
    """Behind a point that is known to be reached."""
    with transaction(db):  # type: ignore[arg-type]
        for name in ("a", "a", "b"):
            db.execute("SAVEPOINT draft")
            try:
                db.execute(_PUT, (name,))
                db.execute("RELEASE draft")
            except RowFault:
                db.execute("ROLLBACK TO draft")
                db.execute("RELEASE draft")
    assert names(db) == ["a", "b"]


def test_what_was_begun_and_never_sent_is_rolled_back(db: Connection) -> None:
    """It costs nothing, and leaves nothing."""
    db.begin()
    db.execute(_PUT, ("a",))
    db.execute("ROLLBACK")
    assert not db.in_transaction
    assert names(db) == []


def test_what_is_asked_again_is_prepared(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time, by the types of its values; up to a number of them."""
    held = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%thing%'"
    for name in "abc":
        db.execute(_PUT, (name,))
    with transaction(db):  # type: ignore[arg-type]
        db.execute("DELETE FROM thing")
    assert db.execute(held).fetchall() == [(_PUT,)]
    monkeypatch.setattr(pipeline, "PREPARED_MAX", 1)
    for _ in range(3):
        assert names(db) == []
        assert db.execute("SELECT 1").fetchall() == [(1,)]
    assert db.execute(held).fetchall() == [(_PUT,)]


def test_a_statement_that_cannot_be_prepared(db: Connection) -> None:
    """It fails as often as it is asked, and others do not."""
    db.execute("CREATE TEMPORARY TABLE other (name TEXT)")
    sql = "SELECT name FROM other"
    db.execute(sql)
    db.execute("DROP TABLE other")
    for _ in range(3):
        with pytest.raises(Exception, match="other"):
            db.execute(sql)
        assert names(db) == []


def test_much_goes_both_ways(db: Connection) -> None:
    """More than lies between the two, which neither waits for the other to take."""
    long = "x" * 100_000
    db.begin()
    found = [db.execute("SELECT $1::text", (f"{n}{long}",)) for n in range(300)]
    db.execute("COMMIT")
    for number, answer in enumerate(found):
        assert answer.fetchall() == [(f"{number}{long}",)]


def test_no_more_than_so_many_wait(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to want an answer."""
    monkeypatch.setattr(pipeline, "WAITING_MAX", 3)
    db.begin()
    for name in "ab":
        db.execute(_PUT, (name,))
    assert status(db) is TransactionStatus.INTRANS
    db.execute("COMMIT")
    assert names(db) == ["a", "b"]


def test_rows_come_while_others_are_asked(db: Connection) -> None:
    """Some at a time, as somebody asks for each."""
    sql = "SELECT n FROM generate_series(1, 200) AS n ORDER BY n"
    found = []
    for (number,) in db.execute(sql):
        found.append(number)
        assert names(db) == []
    assert found == list(range(1, 201))
    assert list(db.execute(_ALL)) == []


@pytest.mark.parametrize("where", ["begun", "between", "ended"])
def test_a_connection_that_is_lost(db: Connection, where: str) -> None:
    """Whenever that is, it is said; what was not committed is not, and one may
    connect again.
    """
    if where != "begun":
        db.begin()
    if where == "ended":
        db.execute(_PUT, ("a",))
        names(db)
    server().execute(f"SELECT pg_terminate_backend({db.process})")
    with pytest.raises(ConnectionLost):
        db.execute("COMMIT" if where == "ended" else _ALL).fetchall()
    assert not db.is_open
    assert not db.in_transaction
    with pytest.raises(ConnectionLost):
        db.execute("SELECT 1")
    db.reopen()
    assert db.execute("SELECT 1").fetchall() == [(1,)]
