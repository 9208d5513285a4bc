"""Two versions over one database: what is added beside nodes that run, what waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from itertools import count
from typing import Any

import psycopg
import pytest
import trio

from chatd.errors import StoreRefused, StoreUnavailable
from chatd.store.postgres import migrate, serving
from chatd.store.postgres.cluster import SharedPostgresStore
from chatd.store.postgres.cluster.node import Node
from chatd.store.postgres.migrate import Migration
from chatd.store.postgres.offline import connected as looking
from chatd.store.sqlite.sql import select
from tests.postgresql import USER, connected, server, shared_at, store_at
from tests.store.support import T0, fill, page, say, seqs

HERE = migrate.migrations()
N = len(HERE)
"""What this version knows."""
ADDS = f"""-- oldest: {N}
CREATE TABLE paint (room_id BIGINT PRIMARY KEY REFERENCES room (id), colour TEXT);
ALTER TABLE room ADD COLUMN colour TEXT NOT NULL DEFAULT 'white';
ALTER TABLE message ADD COLUMN colour TEXT;
ALTER TABLE session ADD COLUMN colour TEXT;
ALTER TABLE change ADD COLUMN colour TEXT;
ALTER TABLE node ADD COLUMN colour TEXT;
"""
INDEXES = f"""-- oldest: {N}
CREATE INDEX CONCURRENTLY message_ts ON message (ts);
"""
BREAKS = f"""-- oldest: {N + 1}
ALTER TABLE reaction RENAME COLUMN emoji TO sign;
"""
TAKES_AWAY = f"""-- oldest: {N + 1}
ALTER TABLE reaction DROP COLUMN seen;
"""
"""What a version between does not use any more."""
_NUMBERS = count(1)
Store = SharedPostgresStore


@contextmanager
def version(*later: str) -> Iterator[None]:
    """Have whatever is opened in the block know later steps, too."""
    known = (*HERE, *map(Migration.of, later))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: known)
        yield


@asynccontextmanager
async def node(url: str, name: str, *later: str) -> AsyncIterator[Store]:
    """A node of a version, which is what it is from its start."""
    async with AsyncExitStack() as stack:
        with version(*later):
            store = await stack.enter_async_context(shared_at(url, name))
        yield store


@pytest.fixture
def url() -> Iterator[str]:
    """A database of its own, with nothing in it."""
    name = f"versions{next(_NUMBERS)}"
    yield server().create(name)
    server().execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def outsider(url: str, *begin: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else in the database, in a transaction."""
    with psycopg.connect(url.replace("chatd@", f"{USER}@")) as db:
        db.execute("SET search_path TO chatd")
        for sql in begin:
            db.execute(sql)
        yield db


def ask(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Ask the database something."""
    db: Any = connected(url)
    with closing(db):
        return select(db, sql)


def schema(url: str) -> tuple[int, int]:
    """Which schema there is, and the oldest whose code may use it."""
    ((number, oldest),) = ask(url, "SELECT number, oldest FROM version")
    return number, oldest


async def until(url: str, sql: str) -> None:
    """Wait until the database has rows; it tells nobody."""
    db: Any = connected(url.replace("chatd@", f"{USER}@"))
    with closing(db), trio.fail_after(60):
        while not select(db, sql):  # noqa: ASYNC110
            await trio.sleep(0.005)


WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND datname = current_database() AND query LIKE '%{}%'"
)


async def begin(store: Store) -> None:
    """Begin with what all tests have: ann, bob, and the lobby."""
    await store.load(T0)
    await fill(store)


async def talk(*stores: Store) -> None:
    """Each says something, and hears what the others say; no number is left out."""
    said = []
    for _ in range(2):
        for store in stores:
            landed = await store.commit_shared([say("hi")], [None], T0, T0)
            said += seqs(landed.outcomes)
    assert said == list(range(said[0], said[0] + len(said)))
    for store in stores:
        heard = {group.seq for one in await store.catch_up() for _, group in one.groups}
        assert heard >= {
            seq for at, seq in enumerate(said) if stores[at % len(stores)] is not store
        }


# --- what a step says --------------------------------------------------------------


def test_each_step_says_whose_code_may_go_on() -> None:
    """And one that builds an index beside others does nothing else."""
    before = 1
    for number, step in enumerate(HERE, 1):
        assert before <= step.oldest <= number
        assert step.index is None or step.sql.count(";") == 1
        before = step.oldest
    assert Migration.of(INDEXES).index == "message_ts"


@pytest.mark.parametrize("sql", ["", "CREATE TABLE x ()", "\n-- oldest: 1\n", "-- 1\n"])
def test_a_step_that_does_not_say_so_is_none(sql: str) -> None:
    """No daemon starts with it, and no test passes that opens a store."""
    with pytest.raises(AssertionError, match="begins with `-- oldest: N`"):
        Migration.of(sql)


# --- side by side ------------------------------------------------------------------


async def test_versions_work_side_by_side_where_one_only_adds(url: str) -> None:
    """Both store and hear; the older one is restarted beside the newer, and first."""
    async with node(url, "a") as a:
        await begin(a)
        await talk(a)
        async with node(url, "b", ADDS, INDEXES) as b:
            assert schema(url) == (N + 2, N)
            await talk(a, b)
            async with node(url, "c") as c, node(url, "d", ADDS, INDEXES) as d:
                await talk(a, b, c, d)
    async with node(url, "a") as a:
        await a.load(T0)
        await talk(a)
        async with node(url, "b", ADDS, INDEXES) as b:
            await talk(b, a)
    assert schema(url) == (N + 2, N)
    async with store_at(url) as alone:
        await alone.load(T0)
        assert [event.seq for event in await page(alone)] == list(range(1, 21))


async def test_what_breaks_waits_until_nobody_runs(url: str) -> None:
    """Those who run are named, and nothing is changed; then it is made, for good."""
    async with node(url, "b"), node(url, "a") as a:
        await begin(a)
        with pytest.raises(StoreUnavailable, match="the nodes a, b are of a version"):
            async with node(url, "c", ADDS, BREAKS):
                """Not reached."""
        assert schema(url) == (N, HERE[-1].oldest)
        await talk(a)
    async with node(url, "c", ADDS, BREAKS) as c:
        assert schema(url) == (N + 2, N + 1)
        await c.load(T0)
        await talk(c)
        with pytest.raises(StoreRefused, match="a newer chatd's"):
            async with node(url, "a"):
                """Not reached."""
        async with node(url, "b", ADDS) as b:
            await talk(b, c)
    with pytest.raises(StoreRefused, match=r"at least .*; this one knows"):
        async with store_at(url):
            """Not reached."""


async def test_nodes_that_were_killed_hinder_nothing(url: str) -> None:
    """Nobody is there to give them up; their connections are gone."""
    async with node(url, "a") as a:
        await begin(a)
    db: Any = connected(url)
    with closing(db):
        db.execute("UPDATE node SET ended = NULL")
    async with node(url, "b", BREAKS) as b:
        await b.load(T0)
        await talk(b)
    assert ask(url, "SELECT name FROM node WHERE ended IS NULL") == []


async def test_what_is_not_used_any_more_is_taken_away_a_version_later(
    url: str,
) -> None:
    """Beside nodes of the version between, and not beside one of that before it."""
    later = ADDS, TAKES_AWAY
    async with node(url, "b", ADDS) as b:
        await begin(b)
        async with node(url, "a") as a:
            await talk(a, b)
            with pytest.raises(StoreUnavailable, match="the nodes a are"):
                async with node(url, "c", *later):
                    """Not reached."""
        async with node(url, "c", *later) as c:
            assert schema(url) == (N + 2, N + 1)
            await talk(b, c)


async def test_two_nodes_that_come_together_change_it_once(url: str) -> None:
    """The other one waits for it."""
    async with node(url, "a") as a:
        await begin(a)
        with version(ADDS, INDEXES):
            async with trio.open_nursery() as nursery:
                found: list[Store] = []
                go = trio.Event()

                async def come(name: str) -> None:
                    async with shared_at(url, name) as store:
                        found.append(store)
                        await go.wait()

                for name in "bcd":
                    nursery.start_soon(come, name)
                with trio.fail_after(60):
                    while len(found) < 3:  # noqa: ASYNC110 - nobody tells
                        await trio.sleep(0.005)
                await talk(a, *found)
                go.set()
    assert schema(url) == (N + 2, N)


async def test_nodes_that_find_words_otherwise_are_not_mixed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is for one fold."""
    async with node(url, "a") as a:
        await begin(a)
        monkeypatch.setattr(serving, "FOLD", "another")
        with pytest.raises(StoreUnavailable, match="the nodes a find words otherwise"):
            async with node(url, "b"):
                """Not reached."""
    async with node(url, "b"):
        assert ask(url, "SELECT fold FROM store") == [("another",)]


async def test_a_command_reads_what_its_version_may(url: str) -> None:
    """Of a newer one, too, and not of an older one, or one that its code cannot."""
    async with node(url, "a") as a:
        await begin(a)
    older = pytest.raises(StoreRefused, match="is an older version's")
    with version(ADDS), older, looking(url):
        """Not reached."""
    async with node(url, "b", ADDS):
        pass
    with looking(url) as db:
        assert select(db, "SELECT count(*) FROM room") == [(2,)]
    async with node(url, "b", ADDS, BREAKS):
        pass
    with pytest.raises(StoreRefused, match="a newer chatd's"), looking(url):
        """Not reached."""


# --- nobody is kept waiting, and nothing is half -------------------------------------


async def test_a_table_in_use_keeps_the_step_waiting_and_nobody_else(
    url: str,
) -> None:
    """Who reads for long is waited for, again and again; others go on between."""
    async with node(url, "a") as a:
        await begin(a)
        with outsider(url, "SELECT 1 FROM message LIMIT 1") as reader:
            async with trio.open_nursery() as nursery:
                ready = trio.Event()

                async def come() -> None:
                    async with node(url, "b", ADDS) as b:
                        ready.set()
                        await talk(a, b)

                nursery.start_soon(come)
                await until(url, WAITING.format("ALTER TABLE message"))
                await talk(a)
                assert not ready.is_set()
                assert schema(url)[0] == N
                reader.rollback()
        assert schema(url)[0] == N + 1


async def test_a_step_gives_way_to_who_takes_its_tables_in_another_order(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds out that they wait for each other, and is made again."""
    monkeypatch.setattr(migrate, "LOCK_MS", 60_000)
    number = 0x77
    step = (
        ADDS
        + f"""
SELECT pg_advisory_xact_lock({number});
ALTER TABLE invite ADD COLUMN colour TEXT;
"""
    )
    async with node(url, "a") as a:
        await begin(a)
        patient = "SET deadlock_timeout TO '1min'"
        with (
            outsider(url, f"SELECT pg_advisory_xact_lock({number})") as gate,
            outsider(url, patient, "LOCK TABLE invite") as batch,
        ):
            async with trio.open_nursery() as nursery:

                async def come() -> None:
                    async with node(url, "b", step) as b:
                        await talk(a, b)

                async def cross() -> None:
                    sql = "SELECT 1 FROM room"
                    await trio.to_thread.run_sync(batch.execute, sql)
                    batch.rollback()

                nursery.start_soon(come)
                await until(url, WAITING.format("pg_advisory_xact_lock"))
                nursery.start_soon(cross)
                await until(url, WAITING.format("SELECT 1 FROM room"))
                gate.rollback()
    assert schema(url)[0] == N + 1


async def test_a_table_that_stays_in_use_is_not_waited_for_for_ever(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is told what it may be."""
    monkeypatch.setattr(migrate, "LOCK_MS", 5)
    monkeypatch.setattr(migrate, "TRIES_S", 0)
    async with node(url, "a") as a:
        await begin(a)
        with outsider(url, "SELECT 1 FROM message LIMIT 1"):  # noqa: SIM117 - async
            with pytest.raises(StoreUnavailable, match=rf"step {N + 1} .* has in use"):
                async with node(url, "b", ADDS):
                    """Not reached."""
        await talk(a)
    assert schema(url)[0] == N


async def test_what_takes_long_is_not_made_beside_others(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody is, it is."""
    slow = ADDS + "SELECT pg_sleep(0.1);"
    monkeypatch.setattr(migrate, "STATEMENT_MS", 50)
    async with node(url, "a") as a:
        await begin(a)
        with pytest.raises(StoreUnavailable, match=r"takes too long .* end them all"):
            async with node(url, "b", slow):
                """Not reached."""
        await talk(a)
        assert schema(url)[0] == N
    async with store_at_version(url, slow):
        assert schema(url)[0] == N + 1


@asynccontextmanager
async def store_at_version(url: str, *later: str) -> AsyncIterator[None]:
    """A daemon that is alone, of a version."""
    with version(*later):
        async with store_at(url):
            yield


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid());", StoreUnavailable),
        ("DROP TABLE nobodys;", StoreRefused),
    ],
)
async def test_a_step_that_ends_in_the_middle_was_not_begun(
    url: str, end: str, error: type[Exception]
) -> None:
    """The nodes go on, and the step is made by the next who comes."""
    async with node(url, "a") as a:
        await begin(a)
        with pytest.raises(error):
            async with node(url, "b", ADDS + end):
                """Not reached."""
        assert schema(url)[0] == N
        assert ask(url, "SELECT to_regclass('paint')") == [(None,)]
        await talk(a)
        async with node(url, "b", ADDS) as b:
            await talk(a, b)
    assert schema(url)[0] == N + 1


async def test_an_index_is_built_while_others_write(url: str) -> None:
    """Though it has to wait for a transaction that has begun before."""
    write = "UPDATE message SET text = 'x'"
    async with node(url, "a") as a:
        await begin(a)
        await talk(a)
        with outsider(url, write) as other:
            async with trio.open_nursery() as nursery:

                async def come() -> None:
                    async with node(url, "b", INDEXES) as b:
                        await talk(a, b)

                nursery.start_soon(come)
                await until(url, WAITING.format("INDEX CONCURRENTLY"))
                await talk(a)
                async with node(url, "c") as c:
                    await talk(a, c)
                assert schema(url)[0] == N
                other.rollback()
    assert schema(url)[0] == N + 1


@pytest.mark.parametrize("is_alone", [False, True])
async def test_what_a_crash_has_left_of_an_index_is_built_anew(
    url: str, *, is_alone: bool
) -> None:
    """PostgreSQL keeps it, and does not use it."""
    valid = (
        "SELECT indisvalid FROM pg_index"
        " WHERE indexrelid = CAST('message_ts' AS regclass)"
    )
    async with node(url, "a") as a:
        await begin(a)
        await talk(a)
        with (
            psycopg.connect(url, autocommit=True) as db,
            pytest.raises(psycopg.errors.UniqueViolation),
        ):
            db.execute(
                "CREATE UNIQUE INDEX CONCURRENTLY message_ts ON chatd.message (room_id)"
            )
        assert ask(url, valid) == [(False,)]
        if not is_alone:
            async with node(url, "b", INDEXES) as b:
                await talk(a, b)
    if is_alone:
        async with store_at_version(url, INDEXES):
            """It is made without others."""
    assert ask(url, valid) == [(True,)]


async def test_another_node_that_changes_it_is_waited_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while; then the service manager tries again."""
    monkeypatch.setattr(serving, "BACK_WAIT_S", 0)
    async with node(url, "a") as a:
        await begin(a)
        with outsider(url, f"SELECT pg_advisory_lock({serving.MIGRATES})"):
            with pytest.raises(StoreUnavailable, match="another node is making"):
                async with node(url, "b", ADDS):
                    """Not reached."""
            async with node(url, "c") as c:
                await talk(a, c)


# --- who comes in the same moment -----------------------------------------------------


async def test_a_node_that_joins_late_finds_that_it_may_not(url: str) -> None:
    """What breaks its code was made after it had looked, and before it was there."""
    async with node(url, "a") as a:
        await begin(a)
    db: Any = connected(url)
    with closing(db), outsider(url, "SELECT 1 FROM version FOR UPDATE") as newer:
        async with trio.open_nursery() as nursery:

            async def join() -> None:
                with pytest.raises(StoreRefused, match="a newer chatd's"):
                    await trio.to_thread.run_sync(Node.join, db, "late", 1)

            nursery.start_soon(join)
            await until(url, WAITING.format("FOR SHARE"))
            newer.execute("UPDATE version SET oldest = 99")
            newer.commit()
    assert ask(url, "SELECT 1 FROM node WHERE name = 'late'") == []


async def test_a_node_that_joins_just_before_is_seen(url: str) -> None:
    """Whoever wanted to change the schema had looked, too."""
    async with node(url, "a") as a:
        await begin(a)
    joins = (
        "INSERT INTO node (name, process, schema, horizon)"
        " VALUES ('early', 1, %s, pg_current_xact_id())"
    )
    with outsider(
        url,
        f"SELECT pg_advisory_lock_shared({serving.LOCK})",
        "SELECT 1 FROM version FOR SHARE",
    ) as early:
        async with trio.open_nursery() as nursery:

            async def come() -> None:
                with pytest.raises(StoreUnavailable, match="the nodes early are"):
                    async with node(url, "b", BREAKS):
                        """Not reached."""

            nursery.start_soon(come)
            await until(url, WAITING.format("FOR UPDATE"))
            early.execute(joins, (N,))
            early.commit()
    assert schema(url)[0] == N
