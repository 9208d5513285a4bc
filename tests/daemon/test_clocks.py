"""The two clocks of the machine, and whether the network keeps one of them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.core.clock import Reading
from chatd.daemon.clocks import FRESH_S, read_clocks, wall

T0 = 1_800_000_000_000


def test_they_are_the_machines_own() -> None:
    """In the units that the core counts in; one goes on while the machine sleeps."""
    before, reading, after = wall(), read_clocks(), wall()
    assert before <= reading.wall <= after
    assert reading.boot_s <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert time.clock_gettime(time.CLOCK_MONOTONIC) - 1 < reading.boot_s + 1


def test_both_are_of_one_moment(tmp_path: Path) -> None:
    """A process that is stopped between them reads them again."""
    moments: Iterator[float] = iter([10.0, 4000.0, 4000.1, 4000.2])
    walls: Iterator[int] = iter([T0, T0 + 1])
    reading = read_clocks(
        lambda: next(moments), lambda: next(walls), tmp_path / "nothing"
    )
    assert reading == Reading(T0 + 1, 4000.1, synchronized=False)


@pytest.mark.parametrize(
    ("age_s", "is_fresh"),
    [
        (0, True),
        (FRESH_S, True),
        (FRESH_S + 1, False),
        (40 * 86_400, False),
        (-0.5, True),
        (-40 * 86_400, False),
    ],
)
def test_a_mark_is_worth_what_it_is_old(
    tmp_path: Path, age_s: float, is_fresh: bool
) -> None:
    """It is of the clock that was right then; one that was set since does not fit."""
    mark = tmp_path / "synchronized"
    mark.touch()
    os.utime(mark, (0, T0 / 1000 - age_s))
    assert read_clocks(lambda: 0.0, lambda: T0, mark).synchronized is is_fresh
