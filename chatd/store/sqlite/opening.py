"""Opening the store on disk: its files, its connections, what runs beside them.

Everything that is opened here is closed here, in the opposite order, cancelled or not:
first what runs beside the body, the tender and the check; then the readers; at last the
writer, which marks a clean stop before its connection goes.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import apsw
import apsw.aio
import trio

from chatd.core.query import SEARCH_S
from chatd.errors import StoreRefused
from chatd.store.sqlite import files, migrate, search
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.generation import begin
from chatd.store.sqlite.readers import CONNECTIONS, Readers
from chatd.store.sqlite.store import SqliteStore
from chatd.store.sqlite.threads import call
from chatd.store.sqlite.writer import Writer
from chatd.wire.events import DAY_MS, HOUR_MS

STORE_ID_BYTES = 16


@asynccontextmanager
async def open_store(
    directory: Path,
    *,
    cid_keep_d: float,
    session_days: float,
    guest_hold_s: float,
    guest_ban_h: float = 24,
    search_s: float = SEARCH_S,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> AsyncIterator[SqliteStore]:
    """Open the store in a directory, made where there is none, until the end.

    Args:
        directory: The data directory.
        cid_keep_d: How long cids are remembered, in days.
        session_days: How long an idle session of an account lasts, in days.
        guest_hold_s: How long a guest's lasts, in seconds.
        guest_ban_h: How long a ban of a guest holds for the address, in hours.
        search_s: How long a search may take, in seconds.
        random_bytes: Where new epochs and the store's id come from.

    Raises:
        StoreRefused: The directory or a file in it is not what it should be.

    Cancellation: closing is shielded and takes as long as one checkpoint.
    """
    migrate.require_sqlite()
    async with AsyncExitStack() as stack:
        files.make_directory(directory)
        stack.enter_context(files.locked(directory))
        path = files.find_database(directory)
        if path is None:
            files.create_database(directory, random_bytes(STORE_ID_BYTES).hex())
            path = directory / files.DATABASE
        files.check_header(path)
        with refusing(path):
            db = await _connect(stack, path, apsw.SQLITE_OPEN_READWRITE)
            sync = cast(apsw.Connection, db)
            generation = await call(db, begin, sync, path, random_bytes)
            cid_keep_ms = round(cid_keep_d * DAY_MS)
            guest_ban_ms = round(guest_ban_h * HOUR_MS)
            writer = await call(db, Writer, sync, generation, cid_keep_ms, guest_ban_ms)
            log_db = await _connect(stack, path, apsw.SQLITE_OPEN_READWRITE)
            await call(log_db, migrate.configure, log_db)
            searcher = await _connect_reader(stack, path)
            await call(searcher, search.prepare, searcher)
            readers = Readers(CONNECTIONS)
            store = SqliteStore(
                writer,
                db,
                log_db,
                readers,
                round(session_days * DAY_MS),
                round(guest_hold_s * 1000),
                searcher,
                search_s,
            )
            stack.push_async_callback(_shielded, store.finish)
            for _ in range(CONNECTIONS):
                readers.add(await _connect_reader(stack, path))
            checker = None
            if generation.side.unchecked:
                checker = await _connect_reader(stack, path)
        async with _tending(store, checker, path):
            yield store


async def _connect(
    stack: AsyncExitStack, path: Path, flags: int
) -> apsw.AsyncConnection:
    """Open a connection that the stack closes, cancelled or not.

    One that stays open keeps its thread, and the process, for ever.
    """
    # To find out by itself which loop runs, apsw loads one of AnyIO's.
    apsw.async_controller.set(apsw.aio.Trio)  # type: ignore[arg-type] # in the stub
    with trio.CancelScope(shield=True):
        db = await apsw.Connection.as_async(str(path), flags)
        stack.push_async_callback(_shielded, db.aclose)
    return db


async def _connect_reader(stack: AsyncExitStack, path: Path) -> apsw.AsyncConnection:
    db = await _connect(stack, path, apsw.SQLITE_OPEN_READONLY)
    await call(db, migrate.configure, db)
    return db


async def _shielded(function: Callable[[], Any]) -> None:
    with trio.CancelScope(shield=True):
        await function()


@asynccontextmanager
async def _tending(
    store: SqliteStore, checker: apsw.AsyncConnection | None, path: Path
) -> AsyncIterator[None]:
    """Run the tender beside the body, and the check if there is anything to look at.

    The body's error, and what the check has found, come out as they are.
    """
    error: Exception | None = None

    async def check(db: apsw.AsyncConnection) -> None:
        nonlocal error
        try:
            await store.check(db, path)
        except StoreRefused as refused:
            error = refused
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend)
        if checker is not None:
            nursery.start_soon(check, checker)
        try:
            yield
        except Exception as raised:  # noqa: BLE001 - raised again below
            error = error or raised  # past the nursery, which would wrap it in a group
        nursery.cancel_scope.cancel()
    if error is not None:
        raise error
