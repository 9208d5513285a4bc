"""No query of the store grows with what there has ever been."""

from __future__ import annotations

import importlib
from functools import reduce

import apsw
import pytest

from chatd.ids import UserName
from chatd.store.sqlite import migrate, reader
from chatd.store.sqlite.sql import select
from tests.store.plans import EXCEPTIONS, Watch, judge

BY_KEY = "SELECT text FROM message WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT 9"


@pytest.fixture
def db() -> apsw.Connection:
    """An empty database."""
    db = apsw.Connection(":memory:")
    migrate.configure(db)
    migrate.migrate(db)
    return db


@pytest.mark.parametrize(
    ("sql", "values", "faults"),
    [
        (BY_KEY, (1, 2), []),
        ("SELECT indexed FROM store", (), []),
        ("PRAGMA user_version", (), []),
        ("SELECT 1 FROM message WHERE ts > ?", (1,), ["SCAN message"]),
        ("SELECT 1 FROM message m WHERE m.cid = ?", ("c",), ["SCAN m"]),
        ("DELETE FROM session WHERE expires < ?", (1,), ["SCAN session"]),
        (
            "SELECT text FROM message WHERE room_id = ? ORDER BY ts",
            (1,),
            ["USE TEMP B-TREE FOR ORDER BY"],
        ),
        (
            "SELECT 1 FROM room WHERE name = ? AND head = (SELECT max(ts) FROM event)",
            ("lobby",),
            ["SEARCH event USING PRIMARY KEY"],
        ),
    ],
)
def test_what_reads_a_table_or_sorts_it_is_a_fault(
    sql: str, values: tuple[object, ...], faults: list[str]
) -> None:
    """Also deep inside; what goes by a key, and what is small, is none."""
    assert judge(sql, values) == faults


def test_what_the_store_runs_is_told_with_its_function(
    db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever helped it, and once; what a test runs itself is no matter."""
    watch = Watch()
    watch.attach(db)
    monkeypatch.setattr("tests.store.plans.EXCEPTIONS", {})
    monkeypatch.setattr(
        "chatd.store.sqlite.reader._UNREAD",
        "SELECT count(ts), ?3, ?1 || ?2 FROM message",
    )
    select(db, "SELECT ts FROM message")
    db.execute("SELECT ts FROM message")
    assert watch.faults() == []
    for _ in range(2):
        reader.unread(db, UserName("ann"), [("lobby", 0, 9)])  # type: ignore[list-item]
    assert watch.faults() == [
        "reader.unread: SCAN message: SELECT count(ts), ?3, ?1 || ?2 FROM message"
    ]
    assert watch.faults() == []


def test_what_is_unread_is_counted_without_reading_messages(
    db: apsw.Connection,
) -> None:
    """All that is asked of them is in the index of what counts."""
    sql = f"EXPLAIN QUERY PLAN {reader._UNREAD}"
    plan = [str(step) for *_, step in select(db, sql, ("[]", 1, 999))]
    found = [step for step in plan if "SEARCH message " in step]
    assert len(found) == 1
    assert found[0].startswith("SEARCH message USING COVERING INDEX message_unread (")


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_every_exception_is_a_function_that_there_is(name: str) -> None:
    """One that went, or has another name, is none any more."""
    module, *path = name.split(".")
    found = importlib.import_module(f"chatd.store.sqlite.{module}")
    assert callable(reduce(getattr, path, found)) or not path
