"""Epochs change when what was here is not what was here last, and only then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from chatd.ids import Epoch, RoomName
from chatd.store import SqliteStore
from chatd.store.sqlite.files import read_side
from chatd.store.sqlite.generation import RAISED_EVERY_MS
from chatd.store.sqlite.sql import select
from tests.store.support import (
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    fill,
    one,
    row,
    say,
    seqs,
    sqlite,
)


async def epochs(store: SqliteStore) -> dict[RoomName, Epoch]:
    """Each room's epoch."""
    await store.load(T0)
    return {found.room: found.epoch for found in await store.rooms([LOBBY, DIRECT])}


def backup(directory: Path, target: Path) -> None:
    """Copy the database as a backup does, while the daemon runs."""
    db = apsw.Connection(str(directory / "chatd.db"), apsw.SQLITE_OPEN_READONLY)
    db.execute("VACUUM INTO ?", (str(target),))
    db.close()


async def run(directory: Path, then: Callable[[], object] = lambda: None) -> None:
    """One life of a daemon: open, say something, do `then`, stop cleanly."""
    async with sqlite(directory) as store:
        if LOBBY not in await epochs(store):
            await fill(store)
        await one(store, say("a"))
        then()


async def kept(directory: Path) -> bool:
    """Whether the next start keeps the epochs; the timeline goes on anyway."""
    async with sqlite(directory) as store:
        found = await epochs(store)
        head = (await row(store)).head
        assert seqs([await one(store, say("next"))]) == [head + 1]
    assert len(set(found.values())) == (1 if EPOCH in found.values() else 2)
    assert all(len(epoch) == 16 for epoch in found.values())
    return set(found.values()) == {EPOCH}


def generation(directory: Path) -> int:
    """The number in the database."""
    db = apsw.Connection(str(directory / "chatd.db"))
    number: int = select(db, "SELECT generation FROM store")[0][0]
    db.close()
    return number


def set_side(directory: Path, old: object, new: object) -> None:
    """Change the side file."""
    side = directory / "chatd.id"
    text = side.read_text()
    assert str(old) in text
    side.write_text(text.replace(str(old), str(new)))


async def test_a_clean_restart_changes_nothing(tmp_path: Path) -> None:
    """Stopped and started again, as often as one likes."""
    for _ in range(3):
        await run(tmp_path)
    assert await kept(tmp_path)


async def test_a_crash_changes_nothing(tmp_path: Path) -> None:
    """The files of a running daemon, taken away under it, are what it left."""
    life, crashed = tmp_path / "life", tmp_path / "crashed"
    await run(life, lambda: shutil.copytree(life, crashed))
    assert read_side(crashed) != read_side(life)
    assert await kept(crashed)


async def test_a_restored_backup_has_new_epochs(tmp_path: Path) -> None:
    """Made while the daemon ran, put back after it stopped: each room's is new."""
    copy = tmp_path / "copy"
    data = tmp_path / "data"
    await run(data, lambda: backup(data, copy))
    shutil.copy(copy, data / "chatd.db")
    assert not await kept(data)


async def test_a_backup_that_is_hours_old_is_told_even_after_a_crash(
    tmp_path: Path,
) -> None:
    """While there is traffic the generation is raised every hour."""
    data, copy, crashed = (tmp_path / name for name in ("data", "copy", "crashed"))
    async with sqlite(data) as store:
        await store.load(T0)
        await fill(store)
        backup(data, copy)
        before = generation(data)
        await store._write(store._writer.tend, T0)
        await store._write(store._writer.tend, T0 + RAISED_EVERY_MS - 1)
        assert generation(data) == before
        await store._write(store._writer.tend, T0 + RAISED_EVERY_MS)
        assert generation(data) == before + 1
        shutil.copytree(data, crashed)
    for leftover in crashed.glob("chatd.db-*"):
        leftover.unlink()
    shutil.copy(copy, crashed / "chatd.db")
    assert not await kept(crashed)


async def test_a_crash_between_the_two_writes_changes_nothing(tmp_path: Path) -> None:
    """The database is ahead by one, and stays so however often it happens."""
    await run(tmp_path)
    number = generation(tmp_path)
    set_side(tmp_path, f":{number},", f":{number - 1},")
    side = (tmp_path / "chatd.id").read_bytes()
    for _ in range(3):
        async with sqlite(tmp_path) as store:
            assert set((await epochs(store)).values()) == {EPOCH}
            assert generation(tmp_path) == number
            copied = tmp_path / "copied"
            shutil.copytree(tmp_path, copied)
        (copied / "chatd.id").write_bytes(side)
        assert await kept(copied)
        shutil.rmtree(copied)
        set_side(tmp_path, f":{number + 1},", f":{number},")
        number += 1
        side = (tmp_path / "chatd.id").read_bytes()


@pytest.mark.parametrize("ahead", [2, 5])
async def test_a_side_file_far_behind_is_nobodys(tmp_path: Path, ahead: int) -> None:
    """Both may come from a backup, of different moments."""
    await run(tmp_path)
    number = generation(tmp_path)
    set_side(tmp_path, f":{number},", f":{number - ahead},")
    assert not await kept(tmp_path)


async def test_a_database_without_its_side_file_has_new_epochs(tmp_path: Path) -> None:
    """Nobody knows where it comes from; the start after that is an ordinary one."""
    await run(tmp_path)
    (tmp_path / "chatd.id").unlink()
    assert not await kept(tmp_path)
    async with sqlite(tmp_path) as store:
        before = await epochs(store)
    async with sqlite(tmp_path) as store:
        assert await epochs(store) == before


async def test_another_stores_side_file_means_new_epochs(tmp_path: Path) -> None:
    """Its number says nothing about this database."""
    await run(tmp_path / "one")
    await run(tmp_path / "two")
    shutil.copy(tmp_path / "two" / "chatd.id", tmp_path / "one" / "chatd.id")
    assert not await kept(tmp_path / "one")


async def test_a_clock_that_was_put_back_puts_nothing_off(tmp_path: Path) -> None:
    """The number is raised an hour later by the clock as it is now."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        number = generation(tmp_path)
        tend = store._writer.generation.tend
        for hours, raised in ((0, 0), (-960, 1), (-960, 1), (-959, 2)):
            await store._db.async_run(tend, T0 + hours * RAISED_EVERY_MS)
            assert generation(tmp_path) == number + raised


async def test_a_side_file_that_cannot_be_written_is_caught_up(tmp_path: Path) -> None:
    """Meanwhile the database does not run ahead; a later step writes it."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        number = generation(tmp_path)
        side = read_side(tmp_path)
        (tmp_path / "chatd.id.new").mkdir()  # in the way of the side file
        tend = store._writer.generation.tend
        await store._db.async_run(tend, T0)
        for hour in (1, 2, 3):
            with pytest.raises(OSError, match=r"chatd\.id\.new"):
                await store._db.async_run(tend, T0 + hour * RAISED_EVERY_MS)
        assert generation(tmp_path) == number + 1
        assert read_side(tmp_path) == side
        (tmp_path / "chatd.id.new").rmdir()
        await store._db.async_run(tend, T0)
        side = read_side(tmp_path)
        assert side is not None
        assert side.generation == number + 1
