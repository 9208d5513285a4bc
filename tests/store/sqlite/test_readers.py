"""Who reads when: nobody's login waits for what others look up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from chatd.errors import TooSlow
from chatd.ids import RoomName, Seq, UserName
from chatd.store import SqliteStore
from chatd.store.sqlite import reader
from chatd.store.sqlite.readers import (
    CONNECTIONS,
    COUNTED_ROOMS,
    LOADED_ROOMS,
    Readers,
)
from chatd.store.sqlite.reads import Reads
from tests.store.gate import Gate
from tests.store.support import ANN, BOB, LOBBY, fill, one, page, say, sqlite

ENDLESS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
SELECT count(*) FROM n"""


def endless(db: apsw.Connection) -> object:
    """A look-up that never ends."""
    return db.execute(ENDLESS).fetchall()


def held(_db: apsw.Connection, gate: Gate, name: str) -> str:
    """A look-up that is under way until the test lets it end."""
    gate.enter(name)
    return name


@asynccontextmanager
async def gated(directory: Path) -> AsyncIterator[tuple[SqliteStore, Gate]]:
    """A store, and a gate that is opened whatever becomes of the test."""
    with trio.fail_after(60):
        async with sqlite(directory) as store:
            await fill(store)
            gate = Gate()
            try:
                yield store, gate
            finally:
                gate.open.set()


async def test_who_somebody_is_never_waits_for_what_is_read(tmp_path: Path) -> None:
    """Neither for pages nor for counts, however many there are."""
    async with gated(tmp_path) as (store, gate), trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(store._readers.page, held, gate, f"page {number}")
            nursery.start_soon(store._readers.count, held, gate, f"count {number}")
        await gate.wait_begun(CONNECTIONS - 1)
        for _ in range(10):
            assert await store.user(ANN) is not None
            assert await store.token(b"none") is None
        assert len(gate.begun) == CONNECTIONS - 1
        gate.open.set()


async def test_a_count_never_waits_for_pages(tmp_path: Path) -> None:
    """A login has its numbers while all who may are reading history."""
    async with gated(tmp_path) as (store, gate), trio.open_nursery() as nursery:
        await one(store, say("hi", user=UserName("bob")))
        for number in range(60):
            nursery.start_soon(store._readers.page, held, gate, f"page {number}")
        await gate.wait_begun(CONNECTIONS - 2)
        for _ in range(10):
            assert await store.unread(ANN, [(LOBBY, Seq(0), Seq(9))]) == [(1, 0, 0)]
        assert len(gate.begun) == CONNECTIONS - 2
        gate.open.set()


async def test_a_page_never_waits_for_counts(tmp_path: Path) -> None:
    """However many come back at once, others read on meanwhile."""
    async with gated(tmp_path) as (store, gate), trio.open_nursery() as nursery:
        await one(store, say("hi"))
        for number in range(60):
            nursery.start_soon(store._readers.count, held, gate, f"count {number}")
        await gate.wait_begun(1)
        for _ in range(10):
            assert len(await page(store)) == 1
        assert len(gate.begun) == 1
        gate.open.set()


async def test_who_comes_back_to_many_rooms_is_counted_for_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes back to one does not wait for all of them."""
    counted: list[tuple[str, int]] = []

    def unread(_db: apsw.Connection, user: UserName, marks: Any) -> Any:
        counted.append((user, len(marks)))
        return [(0, 0)] * len(marks)

    monkeypatch.setattr(reader, "unread", unread)
    mark = (LOBBY, Seq(0), Seq(9))
    many = 3 * COUNTED_ROOMS + 1
    async with gated(tmp_path) as (store, gate), trio.open_nursery() as nursery:
        nursery.start_soon(store._readers.count, held, gate, "before")
        await gate.wait_begun(1)
        for user, count in ((ANN, many), (BOB, 1)):
            nursery.start_soon(store.unread, user, [mark] * count)
            await trio.testing.wait_all_tasks_blocked()
        gate.open.set()
        assert len(await store.unread(ANN, [mark] * many)) == many
    assert counted[:3] == [(ANN, COUNTED_ROOMS), (BOB, 1), (ANN, COUNTED_ROOMS)]


async def test_who_comes_back_to_many_rooms_has_them_loaded_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside those for whom is counted; one room alone waits for nobody."""
    loaded: list[tuple[RoomName, int]] = []

    def rooms(_db: apsw.Connection, names: Sequence[RoomName]) -> Any:
        loaded.append((names[0], len(names)))
        return []

    monkeypatch.setattr(Reads, "LOAD", staticmethod(rooms))
    tea, many = RoomName("tea"), 3 * LOADED_ROOMS + 1
    async with gated(tmp_path) as (store, gate), trio.open_nursery() as nursery:
        nursery.start_soon(store._readers.count, held, gate, "before")
        await gate.wait_begun(1)
        for room, count in ((LOBBY, many), (tea, 2)):
            nursery.start_soon(store.rooms, [room] * count)
            await trio.testing.wait_all_tasks_blocked()
        await store.rooms([LOBBY])
        assert loaded == [(LOBBY, 1)]
        gate.open.set()
        await store.rooms([LOBBY] * many)
    assert loaded[1:4] == [(LOBBY, LOADED_ROOMS), (tea, 2), (LOBBY, LOADED_ROOMS)]


async def test_pages_are_served_in_the_order_of_asking(tmp_path: Path) -> None:
    """Whoever has waited longest is next."""
    names = [f"{number:02}" for number in range(20)]
    async with gated(tmp_path) as (store, gate), trio.open_nursery() as nursery:
        # With two at a time it is the threads that are faster or slower.
        store._readers._pages = trio.Semaphore(1)
        for name in names:
            nursery.start_soon(store._readers.page, held, gate, name)
            await trio.testing.wait_all_tasks_blocked()
        gate.open.set()
        await gate.wait_begun(len(names))
    assert gate.begun == names


async def test_a_look_up_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """Of every kind; and its connection is there for the next one."""
    async with gated(tmp_path) as (store, _):
        store._readers.read_s = 0.05
        for ask in (store._readers.key, store._readers.count, store._readers.page):
            for _ in range(CONNECTIONS + 1):
                with pytest.raises(TooSlow):
                    await ask(endless)
        store._readers.read_s = 60.0
        assert await store.user(ANN) is not None
        found = await store.history(
            LOBBY, before=None, after=None, limit=9, upto=Seq(9), viewer=ANN
        )
        assert found == ([], [], False)


async def test_a_look_up_that_nobody_waits_for_any_more_ends(tmp_path: Path) -> None:
    """A running statement is interrupted, and the place is free again."""
    async with gated(tmp_path) as (store, gate):
        for _ in range(2 * CONNECTIONS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store._readers.page, endless)
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
        gate.open.set()
        assert await store._readers.page(held, gate, "next") == "next"


async def test_one_connection_is_enough() -> None:
    """As the tests have it that are not about threads."""
    readers = Readers(1)
    assert readers._pages.value == readers._counts.value == 1
