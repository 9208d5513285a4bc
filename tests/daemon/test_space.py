from __future__ import annotations

import os
from pathlib import Path

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.config import Config, LiveConfig, Store
from chatd.core.quota import Space
from chatd.daemon.space import EVERY_S, watch_space
from chatd.store.sqlite.access import free_bytes
from tests.logs import capture_logs

CONFIG = LiveConfig(Config(store=Store(free_bytes_min=9)))


def test_free_bytes_are_those_that_a_user_may_write(tmp_path: Path) -> None:
    """Not those that are kept for root."""
    found = os.statvfs(tmp_path)
    assert 0 < free_bytes(tmp_path) <= found.f_bfree * found.f_frsize


async def test_each_change_is_one_line_and_measured_before_anybody_is_let_in(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    """Nothing is said while all stays as it is; a failing disk is said once."""
    sizes: list[int | OSError] = [1, 1, 2, 2, 2, 1, 0, 0]
    sizes[3:3] = [OSError(5, "Input/output error")] * 3
    spaces = [Space.AMPLE, Space.SCARCE, Space.NONE]
    judged: list[int] = []

    def measure() -> int:
        size = sizes.pop(0) if sizes else 0
        if isinstance(size, OSError):
            raise size
        return size

    def judge(free: int) -> Space:
        judged.append(free)
        return spaces[free]

    with capture_logs() as lines:
        await nursery.start(watch_space, measure, judge, Path("/data"), CONFIG)
        assert judged == [1]
        while len(judged) < 8:
            mock_clock.jump(EVERY_S)
            # For as long as a thread takes.
            await wait_all_tasks_blocked(0.001)
    assert judged[:8] == [1, 1, 2, 2, 2, 1, 0, 0]
    assert [(line["level"], line.get("free")) for line in lines] == [
        ("warning", 1),
        ("error", 2),
        ("error", None),
        ("warning", 1),
        ("info", 0),
    ]
    assert {line["directory"] for line in lines} == {"/data"}, "which disk it is"
    for line in lines[:2] + lines[3:4]:
        assert line["bytes_min"] == 9
        assert line["event"].endswith("free some, or lower store.free_bytes_min")
    nursery.cancel_scope.cancel()
