"""What Trio sees of the store on disk: closing, failing, going on."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest
import trio

from chatd.errors import StoreFailed, StoreUnavailable
from chatd.store import SqliteStore
from chatd.store.sqlite.faults import translated
from chatd.store.sqlite.files import read_side
from chatd.store.sqlite.sql import select
from tests.store.support import T0, fill, one, page, say, seqs, sqlite, timeline


async def indexed(store: SqliteStore) -> int:
    """How many messages the search index has."""

    def count(db: apsw.Connection) -> int:
        number: int = select(db, "SELECT indexed FROM store")[0][0]
        return number

    return await store._readers.key(count)


async def test_the_tender_indexes_behind_the_commits(tmp_path: Path) -> None:
    """Nobody asks it to, and what a stop left over is done after the start."""
    with trio.fail_after(60):
        async with sqlite(tmp_path) as store:
            await fill(store)
            await store.commit([say("tea") for _ in range(600)], T0)
            while await indexed(store) < 600:
                """It works meanwhile."""
            await store.commit([say("tea") for _ in range(600)], T0)
        async with sqlite(tmp_path) as store:
            await store.load(T0)
            while await indexed(store) < 1200:
                """It works meanwhile."""


async def test_closing_ends_in_a_cancelled_scope(tmp_path: Path) -> None:
    """It is clean, no thread stays behind, and what was committed is there."""
    before = set(threading.enumerate())
    with trio.CancelScope() as scope:
        async with sqlite(tmp_path) as store:
            await fill(store)
            await one(store, say("a"))
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    side = read_side(tmp_path)
    assert side is not None
    assert side.clean
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
    async with sqlite(tmp_path) as store:
        assert len(await timeline(store)) == 1


async def test_opening_may_be_cancelled(tmp_path: Path) -> None:
    """No thread stays behind, and the next one opens it."""
    before = set(threading.enumerate())
    for _ in range(5):
        with trio.CancelScope() as scope:
            scope.cancel()
            async with sqlite(tmp_path):
                await trio.sleep_forever()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
    async with sqlite(tmp_path) as store:
        await fill(store)
        assert seqs([await one(store, say("a"))]) == [1]


async def test_the_bodys_error_comes_out_as_it_is(tmp_path: Path) -> None:
    """Not wrapped in a group; the stop is a clean one all the same."""
    with pytest.raises(KeyError):
        async with sqlite(tmp_path):
            raise KeyError
    side = read_side(tmp_path)
    assert side is not None
    assert side.clean


async def test_a_full_disk_is_survived(tmp_path: Path) -> None:
    """Commits are refused whole, reads go on, and it recovers by itself."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit([say("a", "1"), say("b", "2")], T0)

        def limit(pages: int) -> None:
            store._writer.db.pragma("max_page_count", pages)

        await store._db.async_run(limit, 1)
        big = [say("x" * 4000, f"big{n}") for n in range(20)]
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.commit(big, T0)
            assert [message.text for message in await page(store)] == ["a", "b"]
        await store._db.async_run(limit, 10**6)
        assert seqs(await store.commit(big, T0)) == list(range(3, 23))
        assert seqs(await store.commit(big, T0)) == list(range(3, 23))


async def test_a_failed_store_stays_failed(tmp_path: Path) -> None:
    """A second attempt that succeeds would say nothing about the first."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, say("a"))
        break_, mend = ("cid", "broken"), ("broken", "cid")

        def rename(names: tuple[str, str]) -> None:
            old, new = names
            store._writer.db.execute(f"ALTER TABLE {old} RENAME TO {new}")

        await store._db.async_run(rename, break_)
        with pytest.raises(StoreFailed):
            await one(store, say("b", "c"))
        await store._db.async_run(rename, mend)
        for _ in range(2):
            with pytest.raises(StoreFailed):
                await one(store, say("c", "c"))
        assert [message.text for message in await page(store)] == ["a"]
    side = read_side(tmp_path)
    assert side is not None
    assert not side.clean
    async with sqlite(tmp_path) as store:
        assert seqs([await one(store, say("d", "c"))]) == [2]


@attrs.define
class Errno:
    """A connection that knows one thing: what the system said last."""

    system_errno: int


@pytest.mark.parametrize(
    ("code", "number", "meaning"),
    [
        (apsw.SQLITE_FULL, 0, StoreUnavailable),
        (apsw.SQLITE_BUSY, 0, StoreUnavailable),
        (apsw.SQLITE_IOERR_WRITE, errno.ENOSPC, StoreUnavailable),
        (apsw.SQLITE_IOERR_SHMSIZE, errno.EDQUOT, StoreUnavailable),
        (apsw.SQLITE_IOERR_WRITE, errno.EIO, StoreFailed),
        (apsw.SQLITE_IOERR_FSYNC, errno.ENOSPC, StoreFailed),
        (apsw.SQLITE_CORRUPT, 0, StoreFailed),
        (apsw.SQLITE_NOTADB, 0, StoreFailed),
    ],
)
def test_errors_have_one_of_two_meanings(
    code: int, number: int, meaning: type[Exception]
) -> None:
    """A full disk may have room again; what an I/O error left nobody knows."""
    connection: Any = Errno(number)
    with pytest.raises(meaning), translated(connection):
        raise apsw.exception_for(code)


@pytest.mark.parametrize(
    ("number", "meaning"),
    [(errno.ENOSPC, StoreUnavailable), (errno.EIO, StoreFailed)],
)
def test_the_side_files_errors_mean_the_same(
    number: int, meaning: type[Exception]
) -> None:
    """It is written on the same disk."""
    connection: Any = Errno(0)
    with pytest.raises(meaning), translated(connection):
        raise OSError(number, "side file")
