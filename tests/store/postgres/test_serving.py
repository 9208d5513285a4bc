"""One chatd for a database, with the schema that SQLite has, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw
import pytest
import trio

from chatd.core import drafts as d
from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.store.postgres import PostgresStore, open_store
from chatd.store.postgres.opening import place_of
from chatd.store.sqlite import migrate
from chatd.store.sqlite.sql import select
from tests import postgresql
from tests.live.daemon import PATIENCE_S
from tests.postgresql import connected, server, shared_at, store_at
from tests.store.support import ANN, T0, fill, one, row, say

MERGED = {"merge_due"}
"""What only SQLite's search index needs."""
ONLY_HERE = {
    "change": {"stamp", "xid", "node", "at", "body"},
    "node": {
        *("id", "name", "process", "schema", "seen", "ended", "horizon", "facts"),
    },
    "room": {"rights", "rights_by"},
    "session": {"node"},
    "store": {"home"},
}
"""What only a server has, or several nodes need."""


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with server().database() as url:
        yield url


def test_each_table_has_the_columns_that_it_has_on_sqlite(url: str) -> None:
    """A change of SQLite's schema is one of PostgreSQL's, too."""
    db = apsw.Connection(":memory:")
    migrate.configure(db)
    migrate.migrate(db)
    wanted = {
        (table, column)
        for (table,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'message_fts%'"
        ).fetchall()
        for (column,) in db.execute(
            "SELECT name FROM pragma_table_info(?)", (table,)
        ).fetchall()
        if column not in MERGED
    }
    here: Any = connected(url)
    found = set(
        select(
            here,
            "SELECT CAST(table_name AS text), CAST(column_name AS text)"
            " FROM information_schema.columns WHERE table_schema = 'chatd'"
            " AND table_name NOT IN ('version', 'message_words')",
        )
    )
    here.close()
    assert found == wanted | {
        (table, column) for table, columns in ONLY_HERE.items() for column in columns
    }


async def test_a_second_daemon_is_refused(url: str) -> None:
    """The first one goes on, and when it has ended another may begin."""
    async with store_at(url) as first:
        with pytest.raises(
            StoreUnavailable, match="another chatd serves this database: its"
        ):
            async with store_at(url):
                """Not reached."""
        await first.load(T0)
        await fill(first)
    async with store_at(url):
        """It is free."""


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://chatd@127.0.0.1:1/chatd?connect_timeout=2",
        "postgresql:///chatd?host=/nonexistent",
    ],
)
async def test_a_server_that_is_not_there_is_named(url: str) -> None:
    """It may come: the service manager may try again."""
    with pytest.raises(StoreUnavailable, match=r"database chatd at .* cannot be"):
        async with store_at(url):
            """Not reached."""


async def test_who_may_not_make_tables_is_told_so() -> None:
    """A role that owns nothing gets no schema."""
    server().execute("CREATE DATABASE others")
    try:
        with pytest.raises(StoreRefused, match="permission denied for database others"):
            async with store_at(server().url("others")):
                """Not reached."""
    finally:
        server().execute("DROP DATABASE others WITH (FORCE)")


async def test_a_url_of_something_else_is_refused() -> None:
    """The key is named, which is to be mended."""
    with pytest.raises(StoreRefused, match=r"store\.url"):
        async with store_at("postgresql://x?nonsense=1"):
            """Not reached."""


async def test_a_restored_copy_begins_new_epochs(url: str) -> None:
    """Positions of clients may lie in a future that is gone."""
    async with store_at(url) as store:
        await store.load(T0)
        await fill(store)
        before = (await row(store)).epoch
    async with store_at(url) as store:
        assert (await row(store)).epoch == before, "a restart is none"
    name = "copied"
    server().execute(
        f"CREATE DATABASE {name} TEMPLATE {postgresql.DATABASE} OWNER {postgresql.ROLE}"
    )
    try:
        async with store_at(server().url(name)) as store:
            assert (await row(store)).epoch != before
    finally:
        server().execute(f"DROP DATABASE {name} WITH (FORCE)")


async def idle(store: PostgresStore) -> None:
    """Wait until the tender waits, or it would connect again."""
    with trio.fail_after(60):
        while not store._untended.statistics().tasks_waiting:  # noqa: ASYNC110 - of any
            await trio.sleep(0.001)


async def test_whoever_was_replaced_writes_no_more(url: str) -> None:
    """Its connection was cut, and another chatd has served the database meanwhile."""
    async with store_at(url) as store:
        await store.load(T0)
        await fill(store)
        await idle(store)
        store._db.db.close()
        async with store_at(url) as other:
            await other.load(T0)
            await one(other, say("other"))
        with pytest.raises(StoreFailed, match="another chatd has served"):
            await store.commit([say("late")], T0)
        with pytest.raises(StoreFailed):
            await store.commit([say("later")], T0)


async def test_a_server_that_has_taken_over_may_lack_what_was_acknowledged(
    url: str,
) -> None:
    """So the daemon ends, and the next start begins new epochs."""
    async with store_at(url) as store:
        await store.load(T0)
        await fill(store)
        await idle(store)
        store._writer.serving.home = "another timeline"
        store._db.db.close()
        with pytest.raises(StoreFailed, match="taken the database over"):
            await store.commit([say("late")], T0)


async def test_the_search_index_is_made_again_for_another_fold(url: str) -> None:
    """As when a letter is folded otherwise by a newer version."""
    async with store_at(url) as store:
        await store.load(T0)
        await fill(store)
        await one(store, say("tea"))
    db: Any = connected(url)
    db.execute("UPDATE store SET fold = 'older'")
    async with open_store(url, cid_keep_d=7, session_days=30, guest_hold_s=900):
        assert select(db, "SELECT fold <> 'older' FROM store") == [(True,)]
    db.close()


async def test_an_ok_means_on_disk_whatever_the_server_says(url: str) -> None:
    """The server's own setting may be off."""
    server().execute("ALTER DATABASE chatd SET synchronous_commit TO off")
    try:
        async with store_at(url) as store:
            rows = select(store._writer.db, "SHOW synchronous_commit")
            assert rows == [("on",)]
            await store.load(T0)
            await fill(store)
            assert isinstance(await one(store, d.SetPlace("Tea", ANN)), d.Committed)
    finally:
        server().execute("ALTER DATABASE chatd RESET synchronous_commit")


@pytest.mark.parametrize("_", range(5))
async def test_nodes_that_begin_at_the_same_moment_all_begin(url: str, _: int) -> None:
    """In a database in which nothing is: one makes it ready, and the others join it."""
    names, begun, all_have = ("one", "two", "three", "four"), set(), trio.Event()

    async def begin(name: str) -> None:
        async with shared_at(url, name):
            begun.add(name)
            if len(begun) == len(names):
                all_have.set()
            await all_have.wait()

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(begin, name)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://u:secret@/x", "x at the local socket"),
        ("postgresql://u@db.example.org:5433/x", "x at db.example.org:5433"),
        ("postgresql://u@10.0.0.1,10.0.0.2/x", "x at 10.0.0.1, 10.0.0.2"),
        ("postgresql://u@a:1,b:2/x", "x at a:1, b:2"),
        ("postgresql://u@a,b/x?port=6432", "x at a:6432, b:6432"),
    ],
)
def test_a_database_is_named_by_its_servers(url: str, where: str) -> None:
    """Each with its port, and nobody with his password."""
    assert place_of(url) == f"the database {where}"
