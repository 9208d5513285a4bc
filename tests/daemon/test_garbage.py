from __future__ import annotations

import gc
import weakref

import pytest
import trio
from trio.testing import MockClock

from chatd.daemon.garbage import (
    FULL_EVERY_S,
    THRESHOLDS,
    TICK_S,
    Frozen,
    Step,
    next_step,
    tend,
)


@pytest.mark.parametrize(
    ("frozen", "connections", "busy", "now", "step"),
    [
        (Frozen(0, 0), 49, 0.9, 1, Step.NOTHING),
        (Frozen(0, 0), 50, 0.9, 1, Step.FREEZE),
        (Frozen(4000, 0), 5049, 0.9, 1, Step.NOTHING),
        (Frozen(4000, 0), 5050, 0.9, 1, Step.FREEZE),
        (Frozen(4000, 0), 5050, 0.0, 1e6, Step.FREEZE),
        (Frozen(4000, 0), 4000, 0.9, 1e6, Step.NOTHING),
        (Frozen(4000, 0), 4000, 0.0, FULL_EVERY_S - 1, Step.NOTHING),
        (Frozen(4000, 0), 4000, 0.0, FULL_EVERY_S, Step.COLLECT),
        (Frozen(4000, 0), 1976, 0.0, 1, Step.NOTHING),
        (Frozen(4000, 0), 1975, 0.0, 1, Step.COLLECT_ALL),
        (Frozen(4000, 0), 1975, 0.9, 1, Step.NOTHING),
        (Frozen(50, 0), 0, 0.0, 1, Step.COLLECT_ALL),
        (Frozen(49, 0), 0, 0.0, 1, Step.NOTHING),
    ],
)
def test_what_is_done_and_when(
    frozen: Frozen, connections: int, busy: float, now: float, step: Step
) -> None:
    """Growth freezes at once; a full collection waits until nothing else is due."""
    assert next_step(frozen, connections, busy, now) is step


async def test_a_growing_chat_is_frozen_and_everything_is_given_back(
    autojump_clock: MockClock,
) -> None:
    """New objects are hidden once the connections have grown; at the end none is."""
    before = gc.get_threshold()
    count = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tend, lambda: count)
        await trio.testing.wait_all_tasks_blocked()
        assert gc.get_threshold() == THRESHOLDS
        at_start = gc.get_freeze_count()
        assert at_start > 0
        kept = [[number] for number in range(5000)]
        await trio.sleep(2 * TICK_S)
        assert gc.get_freeze_count() < at_start + len(kept)
        count = 50
        await trio.sleep(2 * TICK_S)
        assert gc.get_freeze_count() >= at_start + len(kept)
        nursery.cancel_scope.cancel()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


async def test_a_cycle_among_the_old_is_found_when_the_daemon_rests(
    autojump_clock: MockClock,
) -> None:
    """Frozen cycles go once most connections went, others after ten quiet minutes."""

    class Held:
        me: object

    found: list[str] = []
    count = 100

    def tie(name: str) -> None:
        held = Held()
        held.me = held
        weakref.finalize(held, found.append, name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tend, lambda: count)
        await trio.testing.wait_all_tasks_blocked()
        tie("frozen")
        await trio.sleep(1.5 * TICK_S)
        tie("not frozen")
        for _ in range(40):
            await trio.sleep(FULL_EVERY_S / 10)
            if found:
                break
        assert found == ["not frozen"]
        count = 0
        for _ in range(40):
            await trio.sleep(TICK_S)
            if len(found) > 1:
                break
        assert found == ["not frozen", "frozen"]
        nursery.cancel_scope.cancel()
