from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio

from chatd.errors import StoreFailed
from chatd.store.sqlite import open_store, wal
from tests.store.support import T0, fill, say

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
        await store.commit([say("x" * 4000) for _ in range(1200)], T0)
        await trio.to_thread.run_sync(begun.wait)
        size = (tmp_path / "chatd.db").stat().st_size
        await store.commit([say("y")], T0)
        assert (tmp_path / "chatd.db").stat().st_size == size
        go_on.set()
        await trio.to_thread.run_sync(done.wait)
        assert (tmp_path / "chatd.db").stat().st_size > size + 4_000_000
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
        await store.commit([say("x" * 4000) for _ in range(1200)], T0)
        with pytest.raises(StoreFailed):
            for _ in range(10_000):
                await store.commit([say("y")], T0)
