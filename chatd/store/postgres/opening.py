"""Opening the store on PostgreSQL: its connections, and what runs beside them.

Everything that is opened here is closed here, in the opposite order, cancelled or not;
the writer's connection last, and with it the lock that keeps other daemons out.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import zip_longest

import psycopg
from psycopg.conninfo import conninfo_to_dict

from chatd.core.query import SEARCH_S
from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.store.postgres.connection import AsyncConnection, Connection
from chatd.store.postgres.faults import ConnectionLost
from chatd.store.postgres.readers import PostgresReaders
from chatd.store.postgres.serving import begin
from chatd.store.postgres.store import PostgresStore
from chatd.store.postgres.writer import Writer
from chatd.store.sqlite.opening import beside
from chatd.store.sqlite.readers import CONNECTIONS, READ_S
from chatd.wire.events import DAY_MS, HOUR_MS
from chatd.words import words

WRITES = {"synchronous_commit": "on"}
"""An `ok` means on disk, whatever the server's own setting is."""
SEARCHES = {"plan_cache_mode": "force_custom_plan"}
"""What is cheapest depends on the words and the rooms."""


@asynccontextmanager
async def open_store(
    url: str,
    *,
    cid_keep_d: float,
    session_days: float,
    guest_hold_s: float,
    guest_ban_h: float = 24,
    search_s: float = SEARCH_S,
    serves: bool = True,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> AsyncIterator[PostgresStore]:
    """Open the store in a database, whose tables are made where there are none.

    Args:
        url: Where the database is, as PostgreSQL's own tools take it.
        cid_keep_d: How long cids are remembered, in days.
        session_days: How long an idle session of an account lasts, in days.
        guest_hold_s: How long a guest's lasts, in seconds.
        guest_ban_h: How long a ban of a guest holds for the address, in hours.
        search_s: How long a search may take, in seconds.
        serves: Whether this process is a daemon, or a command in its place.
        random_bytes: Where new epochs and the store's id come from.

    Raises:
        StoreRefused: The database is not what it should be.
        StoreUnavailable: The server does not answer, or lets nobody in; or another
            chatd serves the database.

    Cancellation: closing is shielded.
    """
    async with AsyncExitStack() as stack:
        with in_words(url):
            db = await connected(stack, url, WRITES)
            serving = await db.run(begin, db.db, random_bytes)
        searcher, readers = reading(stack, url, search_s)
        writer = Writer(
            db.db, serving, round(cid_keep_d * DAY_MS), round(guest_ban_h * HOUR_MS)
        )
        store = PostgresStore(
            readers=readers,
            writer=writer,
            session_ms=round(session_days * DAY_MS),
            guest_ms=round(guest_hold_s * 1000),
            serves=serves,
            search_s=search_s,
            db=db,
            searcher=searcher,
        )
        async with beside(store.tend):
            yield store


@contextmanager
def in_words(url: str) -> Iterator[None]:
    """Say of which database it is that what is in the block cannot be done.

    Raises:
        StoreRefused: The database is not what it should be.
        StoreUnavailable: It cannot be used now.
    """
    where = place_of(url)
    try:
        yield
    except ConnectionLost as lost:
        raise StoreUnavailable(
            f"{where} cannot be reached: {lost}; is PostgreSQL running there, and"
            " does it let this user in?"
        ) from lost
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{where}: {error}") from error
    except (StoreRefused, StoreFailed) as refused:
        raise StoreRefused(f"{where}: {refused}") from refused


async def connected(
    stack: AsyncExitStack, url: str, settings: Mapping[str, str]
) -> AsyncConnection:
    """Connect; closed with the stack. Raises as `Connection.open`.

    Cancellation: safe.
    """
    db = AsyncConnection(Connection(url, dict(settings)))
    stack.push_async_callback(db.close)
    await db.run(db.db.open)
    return db


def reading(
    stack: AsyncExitStack, url: str, search_s: float
) -> tuple[AsyncConnection, PostgresReaders]:
    """Make the connection that searches and those that read; closed with the stack.

    They connect when they are needed first, and again when they were lost.
    """
    words("é")  # the tables of letters are there before the first search
    searcher = _reader(url, search_s, SEARCHES)
    readers = PostgresReaders(CONNECTIONS)
    all_of_them = [_reader(url, READ_S) for _ in range(CONNECTIONS)]
    for one in (searcher, *all_of_them):
        stack.push_async_callback(one.close)
    for one in all_of_them:
        readers.add(one)  # type: ignore[arg-type] # asked as SQLite's is
    return searcher, readers


def _reader(
    url: str, seconds: float, settings: Mapping[str, str] = {}
) -> AsyncConnection:
    """A connection that only reads, and gives up what takes longer."""
    said = {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{round(seconds * 1000)}",
    }
    return AsyncConnection(Connection(url, said | dict(settings), is_timed=True))


def place_of(url: str) -> str:
    """Say where a database is, without the password that may stand in its URL.

    Raises:
        StoreRefused: It is no URL of PostgreSQL.
    """
    try:
        said = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise StoreRefused(f"store.url is none of PostgreSQL: {error}") from error
    hosts = str(said.get("host") or said.get("hostaddr") or "the local socket")
    # Of several each may have its own; without one it is the usual.
    ports = str(said.get("port") or "").split(",")
    each = zip_longest(hosts.split(","), ports, fillvalue=ports[0])
    where = ", ".join(f"{host}:{port}" if port else host for host, port in each)
    return f"the database {said.get('dbname') or '(default)'} at {where}"
