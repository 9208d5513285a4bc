from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from chatd.daemon.gauges import Disk, watch_loop
from chatd.net.budget import Budget
from chatd.observe import Metrics
from chatd.store.sqlite.files import BackupNote, write_backup_note


def test_the_disk_is_looked_at(tmp_path: Path) -> None:
    """What is free, what the store takes, and when it was copied; nothing where there
    is none yet.
    """
    disk = Disk(tmp_path)
    assert disk.measure() == disk.free > 0
    assert (disk.store, disk.wal) == (0, 0)
    (tmp_path / "chatd.db").write_bytes(b"x" * 100)
    (tmp_path / "chatd.db-wal").write_bytes(b"x" * 10)
    disk.measure()
    assert (disk.store, disk.wal, disk.backup_s) == (100, 10, None)
    write_backup_note(tmp_path, BackupNote(1_500, "/b/1.db", 100))
    disk.measure()
    assert disk.backup_s == 1.5


def test_a_disk_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """And no number."""
    with pytest.raises(OSError, match="No such file"):
        Disk(tmp_path / "gone").measure()


@attrs.define(eq=False)
class Holder:
    """Something that holds bytes."""

    held: int = 0

    def shed(self) -> None:
        raise AssertionError


async def test_the_loop_is_looked_at_once_a_second(autojump_clock: MockClock) -> None:
    """How late it is, and what waits at that moment."""
    metrics, budget, holder = Metrics(), Budget(), Holder()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_loop, metrics, budget)
        await trio.sleep(2.5)
        assert sum(metrics.loop_lag_seconds.counts) == 2
        assert metrics.loop_lag_seconds.total == 0
        assert sum(metrics.outbox_bytes.counts) == 0
        budget.count(holder, 3000)
        autojump_clock.jump(1.25)
        await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        assert sum(metrics.loop_lag_seconds.counts) == 3
        assert metrics.loop_lag_seconds.total == 0.75
        assert metrics.outbox_bytes.buckets()[1:3] == [("2048", 0.0), ("4096", 1.0)]
        nursery.cancel_scope.cancel()
