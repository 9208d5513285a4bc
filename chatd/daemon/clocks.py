"""Reading the clocks of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from chatd.core.clock import Reading

SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd whenever it has asked its server. adjtimex(2), which
knows of other programs too, is forbidden inside the unit (`ProtectClock`)."""
FRESH_S = 3600.0
"""How old that may be. Source: timesyncd.conf(5), `PollIntervalMaxSec`, 34 minutes."""
APART_S = 1.0
"""Between the two readings of one clock; if more, the process was stopped there."""


def wall() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def read_clocks(
    boot: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    wall: Callable[[], int] = wall,
    mark: Path = SYNCHRONIZED,
) -> Reading:
    """Read both clocks in one moment.

    Args:
        boot: Seconds since the machine was started, its sleep among them.
        wall: Milliseconds since 1970.
        mark: The file that the network's time-keeping touches.

    Returns:
        Both, and whether the wall clock was set by the network lately.
    """
    while True:
        before_s, wall_ms = boot(), wall()
        if boot() - before_s < APART_S:
            return Reading(wall_ms, before_s, _is_fresh(mark, wall_ms))


def _is_fresh(mark: Path, wall_ms: int) -> bool:
    """Whether the network has set the clock lately, and nothing else since."""
    try:
        age_s = wall_ms / 1000 - mark.stat().st_mtime
    except OSError:
        return False  # nobody can tell
    return -APART_S <= age_s <= FRESH_S
