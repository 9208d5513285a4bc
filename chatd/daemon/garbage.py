"""Garbage collection: full ones only while the daemon is idle.

A full collection looks at every object that lives, 200 to 300 ms with 5,000
connections, and Python starts one whenever a quarter more objects have become
old: in the middle of a storm of reconnects, again and again. The daemon makes
few cycles that live long (a connection leaves none behind), so:

- Young objects are collected as always, in larger groups.
- A full collection comes only when the daemon has nothing to do.
- What lives is **frozen**, hidden from all collections, after the start, after
  each full collection, and whenever the connections have grown by a quarter.
- When most connections have gone, everything is looked at once more.

`next_step` decides and is pure; `tend` measures and does it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from enum import Enum, auto

import attrs
import trio

TICK_S = 5.0
"""How often it is asked whether something is due."""
THRESHOLDS = (5_000, 20, 1_000_000)
"""Objects in a young collection, young ones in a middle one, middle ones in a full
one: never by itself. A middle one then takes some milliseconds. Source: measured
with 5,000 connections; Python's own are 700 or 2,000, 10 and 10."""
GROWTH = 1.25
"""Frozen again when there are so many times the connections. Source: Python's own
quarter, in `gc.c`."""
GROWTH_MIN = 50
"""Fewer new connections than this are not worth it."""
FULL_EVERY_S = 600.0
"""A full collection when idle, so often at most."""
IDLE_SHARE = 0.05
"""Of a core, over a tick: less than this is nothing to do."""


class Step(Enum):
    """What is to be done now."""

    NOTHING = auto()
    FREEZE = auto()
    """Hide what lives from the collections."""
    COLLECT = auto()
    """Look through what is not frozen, then freeze."""
    COLLECT_ALL = auto()
    """Look through everything, then freeze."""


@attrs.frozen
class Frozen:
    """What was so when everything was frozen last."""

    connections: int
    """How many there were."""
    full_at: float
    """When the last full collection was, in seconds."""


def next_step(frozen: Frozen, connections: int, busy: float, now: float) -> Step:
    """Decide what to do.

    Args:
        frozen: What was so at the last freeze.
        connections: How many there are now.
        busy: Share of a core that the daemon used since the last tick.
        now: In seconds.
    """
    if connections >= frozen.connections * GROWTH + GROWTH_MIN:
        return Step.FREEZE
    if busy >= IDLE_SHARE:
        return Step.NOTHING
    if connections * 2 + GROWTH_MIN <= frozen.connections:
        return Step.COLLECT_ALL
    if now >= frozen.full_at + FULL_EVERY_S:
        return Step.COLLECT
    return Step.NOTHING


async def tend(
    connections: Callable[[], int],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Decide in Python's place when full collections happen, until cancelled.

    Started when what the start has made is frozen: before a connection is accepted.

    Args:
        connections: Tells how many there are now.
        task_status: Trio's own.

    Cancellation: safe; Python's own thresholds are back then.
    """
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    gc.collect()
    gc.freeze()
    task_status.started()
    frozen = Frozen(0, trio.current_time())
    used_s = time.process_time()
    try:
        while True:
            await trio.sleep(TICK_S)
            now = trio.current_time()
            before_s, used_s = used_s, time.process_time()
            count = connections()
            step = next_step(frozen, count, (used_s - before_s) / TICK_S, now)
            full_at = frozen.full_at
            if step is Step.NOTHING:
                continue
            if step is not Step.FREEZE:
                if step is Step.COLLECT_ALL:
                    gc.unfreeze()
                gc.collect()
                full_at = now
            gc.freeze()
            frozen = Frozen(count, full_at)
            # Its own work does not count as the daemon's.
            used_s = time.process_time()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
