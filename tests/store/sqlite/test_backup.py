"""A copy of the store, made while somebody writes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import trio

from chatd.errors import StoreFailed, StoreRefused
from chatd.store.sqlite.backup import REST, SYNC_BYTES, WORK_S, Pace, backup
from chatd.store.sqlite.files import DATABASE
from tests.store.support import T0, fill, one, page, say, sqlite


async def test_a_copy_is_whole_and_of_one_moment(tmp_path: Path) -> None:
    """Also of what is in the log only; what is written later is not in it."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    copy.mkdir()
    async with sqlite(data) as store:
        await store.load(T0)
        await fill(store)
        await one(store, say("before"))
        await trio.to_thread.run_sync(backup, data, copy / DATABASE)
        await one(store, say("behind"))
    assert stat.S_IMODE((copy / DATABASE).stat().st_mode) == 0o600
    async with sqlite(copy) as store:
        await store.load(T0)
        assert [message.text for message in await page(store)] == ["before"]


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """The file must not be there, and its directory must."""
    async with sqlite(tmp_path / "data"):
        pass
    there = tmp_path / "there"
    there.write_text("mine")
    for target, said in ((there, "File exists"), (tmp_path / "no/copy", "No such")):
        with pytest.raises(StoreRefused, match=said):
            backup(tmp_path / "data", target)
    assert there.read_text() == "mine"
    with pytest.raises(StoreRefused, match="there is no store"):
        backup(tmp_path, tmp_path / "copy")


async def test_a_copy_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one is none."""
    async with sqlite(tmp_path / "data"):
        pass

    def fail(*_: object) -> None:
        raise StoreFailed("gone")

    monkeypatch.setattr("chatd.store.sqlite.files.sync_directory", fail)
    with pytest.raises(StoreFailed):
        backup(tmp_path / "data", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_it_rests_longer_than_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it has written is on the disk before it is much."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with (tmp_path / "copy").open("wb") as file:
        pace = Pace(written := file.fileno())
        file.truncate(SYNC_BYTES - 1)
        assert pace.rest_s(WORK_S / 2) == 0
        assert pace.rest_s(2 * WORK_S) == pytest.approx(REST * 2 * WORK_S)
        file.truncate(SYNC_BYTES)
        assert pace.rest_s(WORK_S / 2) == 0
        assert synced == []
        for size in (SYNC_BYTES, SYNC_BYTES + 1, 2 * SYNC_BYTES):
            file.truncate(size)
            pace.rest_s(1.0)
    assert synced == [written, written]
