"""Every file goes through the same numbered steps, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from chatd.core.drafts import Committed, EndNamedSession, OpenSession
from chatd.errors import StoreRefused
from chatd.ids import session_tag
from chatd.store.sqlite import migrate
from chatd.store.sqlite.sql import select
from tests.store.sqlite.older import before, store_at
from tests.store.support import ANN, T0, one, session_id, sqlite


def test_a_new_database_reaches_the_head_and_stays_there() -> None:
    """Running it again changes nothing."""
    db = apsw.Connection(":memory:")
    migrate.configure(db)
    migrate.migrate(db)
    schema = select(db, "SELECT sql FROM sqlite_schema ORDER BY name")
    assert db.pragma("user_version") == len(migrate.migrations()) >= 1
    migrate.migrate(db)
    assert select(db, "SELECT sql FROM sqlite_schema ORDER BY name") == schema


def test_an_old_database_takes_the_steps_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that fails leaves the number and the schema before it."""
    first = migrate.migrations()
    second = "CREATE TABLE later (x INTEGER) STRICT; CREATE INDEX later_x ON later (x);"
    broken = "CREATE TABLE half (x INTEGER) STRICT; CREATE TABLE half (x INTEGER);"
    db = apsw.Connection(":memory:")
    migrate.migrate(db)
    monkeypatch.setattr(migrate, "migrations", lambda: (*first, second, broken))
    with pytest.raises(apsw.SQLError):
        migrate.migrate(db)
    assert db.pragma("user_version") == len(first) + 1
    assert db.table_exists("main", "later")
    assert not db.table_exists("main", "half")
    monkeypatch.setattr(migrate, "migrations", lambda: (*first, second))
    migrate.migrate(db)
    assert db.pragma("user_version") == len(first) + 1


def test_every_table_is_strict() -> None:
    """A value of the wrong type is refused where it is written."""
    db = apsw.Connection(":memory:")
    migrate.migrate(db)
    lax = select(
        db,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND NOT strict AND name NOT LIKE 'sqlite%'",
    )
    assert lax == []


@pytest.mark.parametrize(
    ("version", "good"),
    [("3.40.1", False), ("3.51.2", False), ("3.51.3", True), ("3.100.0", True)],
)
def test_an_sqlite_that_loses_commits_is_refused(version: str, good: bool) -> None:
    """With what to do about it."""
    if good:
        migrate.require_sqlite(version)
    else:
        with pytest.raises(StoreRefused, match=r"3\.51\.3 or newer"):
            migrate.require_sqlite(version)
    migrate.require_sqlite()


# --- stores of before -------------------------------------------------------------


async def test_sessions_of_before_are_told_from_each_other(tmp_path: Path) -> None:
    """They have no device, and are called by their ids as new ones are."""
    old, new = session_id("old"), session_id("new")
    with store_at(tmp_path, before("sessions")) as db:
        db.execute(
            "INSERT INTO session (id, user_id, created, idle_since)"
            " VALUES (?1, 1, ?2, ?2)",
            (old, T0),
        )
        db.execute("INSERT INTO revision (kind, user) VALUES ('logout', ?)", (ANN,))
    async with sqlite(tmp_path) as store:
        assert [change.session for change in await store.revisions(0)] == [None]
        await store.load(T0)
        await one(store, OpenSession(new, ANN, None, T0, device="phone"))
        (found, more) = await store.sessions(ANN, T0, None, 9)
        assert {kept.id: kept.device for kept in found} == {old: None, new: "phone"}
        assert not more
        ended = await one(store, EndNamedSession(ANN, session_tag(old)))
        assert ended == Committed(ended=(old,))
