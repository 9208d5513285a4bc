from __future__ import annotations

import shutil
import threading
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio

from chatd.errors import StoreFailed, StoreRefused
from chatd.store.sqlite import open_store, wal
from tests.store.support import EPOCH, LOBBY, T0, fill, say

opened = partial(open_store, cid_keep_d=7, session_days=30, guest_hold_s=900)


async def test_commits_go_on_while_the_log_is_brought_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of it beside them; what has come meanwhile between two of them."""
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()
    copy, threads = wal.copy, []

    def slow(db: apsw.Connection) -> None:
        threads.append(threading.get_ident())
        if len(threads) == 1:
            begun.set()
            go_on.wait()
        copy(db)
        if len(threads) == 2:
            done.set()

    monkeypatch.setattr(wal, "copy", slow)
    async with opened(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await store.commit([say("x" * 4000) for _ in range(wal.PAGES + 200)], T0)
        await trio.to_thread.run_sync(begun.wait)
        size = (tmp_path / "chatd.db").stat().st_size
        await store.commit([say("y")], T0)
        assert (tmp_path / "chatd.db").stat().st_size == size
        go_on.set()
        await trio.to_thread.run_sync(done.wait)
        assert (tmp_path / "chatd.db").stat().st_size > size + 4000 * wal.PAGES
    assert len(set(threads)) == 2


async def test_a_log_that_cannot_be_brought_over_ends_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any failed write: what an fsync has lost is not there any more."""

    def broken(_db: apsw.Connection) -> None:
        raise apsw.IOError("fsync")

    monkeypatch.setattr(wal, "copy", broken)
    async with opened(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await store.commit([say("x" * 4000) for _ in range(wal.PAGES + 200)], T0)
        with pytest.raises(StoreFailed):
            for _ in range(10_000):
                await store.commit([say("y")], T0)


async def crashed(directory: Path) -> Path:
    """What a daemon leaves that was killed: the log has all that was stored."""
    life, left = directory / "life", directory / "left"
    async with opened(life) as store:
        await store.load(T0)
        await fill(store)
        for number in range(5):
            await store.commit([say(f"{number} " + "x" * 5000)], T0)
        shutil.copytree(life, left)
    return left / "chatd.db-wal"


def content(directory: Path) -> dict[str, bytes]:
    """The files, but for the lock, which says who looked last."""
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.name != "chatd.lock"
    }


async def state(directory: Path) -> tuple[int, str]:
    """How many messages are there, and the epoch."""
    async with opened(directory) as store:
        await store.load(T0)
        (room,) = await store.rooms([LOBBY])
        return room.head, room.epoch


@pytest.mark.parametrize("at", [0, 8, 17, 31])
async def test_a_log_whose_head_is_damaged_is_refused(tmp_path: Path, at: int) -> None:
    """SQLite would begin without all that is in it; nothing is changed."""
    log = await crashed(tmp_path)
    data = bytearray(log.read_bytes())
    data[at] ^= 0x40
    log.write_bytes(data)
    before = content(log.parent)
    with pytest.raises(StoreRefused, match="-wal is damaged: ") as refused:
        async with opened(log.parent):
            pytest.fail("opened")
    assert "restore the store from a backup, or move this file" in str(refused.value)
    assert content(log.parent) == before


@pytest.mark.parametrize("at", [0.5, 0.6, 0.7])
async def test_a_log_that_is_damaged_further_down_begins_new_epochs(
    tmp_path: Path, at: float
) -> None:
    """What is behind the damage is lost, and clients are told so."""
    log = await crashed(tmp_path)
    data = bytearray(log.read_bytes())
    data[int(at * len(data))] ^= 0x40
    log.write_bytes(data)
    head, epoch = await state(log.parent)
    assert head < 5
    assert epoch != EPOCH


@pytest.mark.parametrize("cut", [0, 1, 4100, 5000])
async def test_a_log_that_ends_in_the_middle_is_whole(tmp_path: Path, cut: int) -> None:
    """As a process leaves it that is killed while it writes: nobody was told."""
    log = await crashed(tmp_path)
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - cut)
    head, epoch = await state(log.parent)
    # Behind the last message its words were put into the index, or something like it.
    assert head in ({5} if cut == 0 else {4, 5})
    assert epoch == EPOCH


@pytest.mark.parametrize("size", [0, 20, 32])
async def test_a_log_without_anything_is_none(tmp_path: Path, size: int) -> None:
    """A file whose size was written, and nothing else of it."""
    log = await crashed(tmp_path)
    shutil.copy(tmp_path / "life" / "chatd.db", log.parent)
    shutil.copy(tmp_path / "life" / "chatd.id", log.parent)
    log.write_bytes(bytes(size))
    assert await state(log.parent) == (5, EPOCH)
