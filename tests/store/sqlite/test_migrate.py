"""Every file goes through the same numbered steps, each whole or not at all."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from chatd.core.changes import SessionsEnded
from chatd.core.drafts import Committed, EndNamedSession, OpenSession
from chatd.core.query import parse_query
from chatd.errors import IndexBehind, StoreRefused, TooSlow
from chatd.ids import Seq, session_tag
from chatd.store import SqliteStore, open_store
from chatd.store.sqlite import migrate, offline
from chatd.store.sqlite.admin import accounts
from chatd.store.sqlite.sql import select
from chatd.words import FOLD
from tests.store.sqlite.older import before, store_at
from tests.store.support import (
    ANN,
    BOB,
    CY,
    LOBBY,
    T0,
    fill,
    nothing_left,
    one,
    say,
    session_id,
    sqlite,
)


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
        await store.load(T0)
        await one(store, OpenSession(new, ANN, None, T0, device="phone"))
        (found, more) = await store.sessions(ANN, T0, None, 9)
        assert {kept.id: kept.device for kept in found} == {old: None, new: "phone"}
        assert not more
        ended = await one(store, EndNamedSession(ANN, session_tag(old)))
        assert ended == Committed((SessionsEnded((old,), ANN),))


async def test_what_others_wrote_before_is_in_the_store_and_needs_no_log(
    tmp_path: Path,
) -> None:
    """A log of it that is left goes; an erasure that was begun by hand goes on."""
    with store_at(tmp_path, before("one_way")) as db:
        db.execute("INSERT INTO change (kind, body) VALUES ('RoleSet', '{}')")
        db.execute("INSERT INTO reader (name, position) VALUES ('daemon', 0)")
        db.execute("UPDATE user SET erased = 'begun' WHERE name = ?", (ANN,))
        db.execute(
            "INSERT INTO erasure (user_id, name, stage, by_hand)"
            " SELECT id, name, 'messages', 1 FROM user WHERE name = ?",
            (ANN,),
        )
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        done = await nothing_left(store)
        assert done.part == 1


OLD_INDEX = """
INSERT INTO message_fts (rowid, text, tags)
SELECT id, text, 'r' || room_id || ' u' || user_id FROM message
WHERE text IS NOT NULL"""


async def test_an_index_of_before_is_made_anew_behind_the_commits(
    tmp_path: Path,
) -> None:
    """What it did not find is found from the start on, and nothing else is changed."""
    texts = ["Straße", "καλημέρα", "회의록", None, "tea", "🎉"]
    with store_at(tmp_path, 1) as db:
        db.executemany(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, ?, ?, 1, ?)",
            [(seq, T0, text) for seq, text in enumerate(texts, 1)],
        )
        db.execute("UPDATE room SET head = 6")
        db.execute(OLD_INDEX)
        db.execute("UPDATE store SET indexed = 6")
    async with sqlite(tmp_path) as store:
        for _ in range(2):
            for seq, sought in (
                (1, "strasse"),
                (2, "καλημερα"),
                (3, "의록"),
                (5, "TEA"),
            ):
                assert await found(store, sought) == [seq]
            await store.load(T0)  # from here on the index is made
            await wait_until_indexed(store, tmp_path)
    with closing(apsw.Connection(str(tmp_path / "chatd.db"))) as db:
        migrate.configure(db)
        db.execute(
            "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
        )
        rows = select(db, "SELECT seq, text FROM message ORDER BY seq")
        assert rows == list(enumerate(texts, 1))


async def test_a_search_never_finds_less_while_the_index_is_made(
    tmp_path: Path,
) -> None:
    """It finds what there is, or says when to ask again; commits go on meanwhile."""
    with store_at(tmp_path, 1) as db:
        db.execute(
            "WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
            " INSERT INTO message (room_id, seq, ts, user_id, text)"
            " SELECT 1, i, 0, 1, iif(i = 7, 'Straße', 'word' || i) FROM n"
        )
        db.execute("UPDATE room SET head = 40000")
        db.execute("UPDATE store SET indexed = 40000")
    async with open_store(
        tmp_path, cid_keep_d=7, session_days=30, guest_hold_s=900, search_s=0.02
    ) as store:
        await store.load(T0)
        waits = []
        seqs: list[int] = []
        while not seqs:
            await store.commit([say("tea")], T0)
            try:
                seqs = await found(store, "STRASSE")
                assert seqs == [7]
            except IndexBehind as behind:
                waits.append(behind.retry_after_s)
            except TooSlow:
                assert waits  # the rest of it
        assert waits[0] == 5
        assert all(waits)


async def test_an_index_of_another_fold_is_made_anew_by_whoever_writes(
    tmp_path: Path,
) -> None:
    """Readers do not mind, and cannot write: that is for the next start."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit([say("tea"), say("Straße")], T0)
        await store.load(T0)
        await wait_until_indexed(store, tmp_path)
        with closing(apsw.Connection(str(tmp_path / "chatd.db"))) as db:
            db.execute("UPDATE store SET fold = '0'")
        assert [account.name for account in accounts(tmp_path)] == [ANN, BOB, CY]
    with offline.connected(tmp_path) as db, pytest.raises(apsw.ReadOnlyError):
        db.execute("UPDATE store SET fold = '1'")
    async with sqlite(tmp_path):
        pass
    with closing(apsw.Connection(str(tmp_path / "chatd.db"))) as db:
        assert select(db, "SELECT indexed, fold FROM store") == [(0, FOLD)]
        assert select(db, "SELECT count(*) FROM message_fts_idx") == [(0,)]


async def found(store: SqliteStore, text: str) -> list[int]:
    """The seq of what is found in the lobby."""
    scope = [(LOBBY, Seq(1), Seq(10**6))]
    page = await store.search(parse_query(text), scope, None, 9, ANN)
    assert page is not None
    return [hit.message.seq for hit in page[0]]


async def wait_until_indexed(store: SqliteStore, directory: Path) -> None:
    """Let the tender do all that there is."""
    with closing(apsw.Connection(str(directory / "chatd.db"))) as db:
        while select(db, "SELECT 1 FROM message, store WHERE message.id > indexed"):
            await store.user(ANN)
