"""Opening the store on disk: its files, its connections, what runs beside them.

Everything that is opened here is closed here, in the opposite order, cancelled or not:
first what runs beside the body, the tender and the check; then the readers; at last the
writer, which marks a clean stop before its connection goes.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import apsw
import apsw.aio
import trio

from chatd.core.query import SEARCH_S
from chatd.errors import StoreHeld, StoreRefused
from chatd.observe import log
from chatd.store.sqlite import files, lock, migrate, search, wal
from chatd.store.sqlite.calling import call
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.generation import begin
from chatd.store.sqlite.readers import CONNECTIONS, Readers
from chatd.store.sqlite.store import SqliteStore
from chatd.store.sqlite.writer import Writer
from chatd.wire.events import DAY_MS, HOUR_MS

STORE_ID_BYTES = 16
LOCK_WAIT_S, LOCK_LOOK_S = 30.0, 0.1
"""How long a daemon waits for a command that changes the data. Source: a third of what
systemd gives a start (90 s); it starts the daemon again then, as often as it takes."""
WRITER_CACHE_KIB = 16 * 1024
"""What the writer's connection may keep of the file: the ends of a few thousand rooms'
timelines. With SQLite's own 2 MiB, each batch on a store of years reads again what the
one before it has just written."""


@asynccontextmanager
async def open_store(
    directory: Path,
    *,
    cid_keep_d: float,
    session_days: float,
    guest_hold_s: float,
    guest_ban_h: float = 24,
    search_s: float = SEARCH_S,
    serves: bool = True,
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
        serves: Whether this process is a daemon: it waits for a command that holds the
            lock. A command holds it for as long as it takes, and does not wait.
        random_bytes: Where new epochs and the store's id come from.

    Raises:
        StoreHeld: Another process holds the lock of the directory.
        StoreRefused: The directory or a file in it is not what it should be.
        StoreUnavailable: The disk is full.

    Cancellation: closing is shielded and takes as long as one checkpoint.
    """
    migrate.require_sqlite()
    async with AsyncExitStack() as stack:
        files.make_directory(directory)
        await hold(stack, directory, serves=serves)
        path = files.find_database(directory)
        if path is None:
            files.create_database(directory, random_bytes(STORE_ID_BYTES).hex())
            path = directory / files.DATABASE
        files.check_header(path)
        with refusing(path):
            lacks_commits = wal.lacks_commits(path)
            files.remove_new(directory)  # of a restore or an import that was killed
            db = await _connect(stack, path, apsw.SQLITE_OPEN_READWRITE)
            sync = cast(apsw.Connection, db)
            await call(db, sync.pragma, "cache_size", -WRITER_CACHE_KIB)
            generation = await call(db, begin, sync, path, random_bytes, lacks_commits)
            cid_keep_ms = round(cid_keep_d * DAY_MS)
            guest_ban_ms = round(guest_ban_h * HOUR_MS)
            writer = await call(db, Writer, sync, generation, cid_keep_ms, guest_ban_ms)
            log_db = await _connect(stack, path, apsw.SQLITE_OPEN_READWRITE)
            await call(log_db, migrate.configure, log_db)
            searcher = await _connect_reader(stack, path)
            await call(searcher, search.prepare, searcher)
            readers = Readers(CONNECTIONS)
            store = SqliteStore(
                readers=readers,
                writer=writer,
                session_ms=round(session_days * DAY_MS),
                guest_ms=round(guest_hold_s * 1000),
                serves=serves,
                search_s=search_s,
                db=db,
                log_db=log_db,
                searcher=searcher,
            )
            stack.push_async_callback(_shielded, store.finish)
            for _ in range(CONNECTIONS):
                readers.add(await _connect_reader(stack, path))
            tasks: list[Callable[[], Awaitable[None]]] = [store.tend]
            if generation.side.unchecked:
                checker = await _connect_reader(stack, path)
                tasks.append(partial(store.check, checker, path))
        async with beside(*tasks):
            yield store


async def hold(stack: AsyncExitStack, directory: Path, *, serves: bool) -> None:
    """Hold the directory's lock from here on; a daemon waits for a command's end.

    Raises:
        StoreHeld: Another process holds it.

    Cancellation: safe.
    """
    until = trio.current_time() + LOCK_WAIT_S if serves else -math.inf
    is_told = False
    while True:
        try:
            stack.enter_context(lock.locked(directory, serves=serves))
        except StoreHeld as error:
            if error.serves or trio.current_time() >= until:
                raise
            if not is_told:
                log().info("waiting for the lock of the data", because=str(error))
            is_told = True
            # That a lock is free is told to nobody but a thread that blocks for it.
            await trio.sleep(LOCK_LOOK_S)
        else:
            return


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
async def beside(*tasks: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run what belongs to a store beside the body, until its end.

    The body's error, and the refusal of a task, which ends the body, come out as they
    are.
    """
    error: Exception | None = None

    async def run(task: Callable[[], Awaitable[None]]) -> None:
        nonlocal error
        try:
            await task()
        except StoreRefused as refused:
            error = refused
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(run, task)
        try:
            yield
        except Exception as raised:  # noqa: BLE001 - raised again below
            error = error or raised  # past the nursery, which would wrap it in a group
        nursery.cancel_scope.cancel()
    if error is not None:
        raise error
