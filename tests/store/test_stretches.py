"""A time is found in a timeline whose stamps go back here and there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.clock import SLIP_MS
from chatd.store.stretches import Dent, bounds, first_young, stamp

DAY = 86_400_000


def timeline(clock: Sequence[tuple[int, bool]]) -> tuple[list[int], list[Dent]]:
    """The stamps of seq 0, 1, 2 and so on, and where they go back."""
    stamps: list[int] = []
    dents = []
    for now, is_sure in clock:
        ts = stamp(now, stamps[-1]) if stamps else now
        if stamps and ts < stamps[-1]:
            dents.append(Dent(len(stamps), is_sure))
        stamps.append(ts)
    return stamps, dents


clocks = st.lists(
    st.tuples(st.integers(0, 6).map(lambda n: n * SLIP_MS), st.booleans()), max_size=30
)
moments = st.integers(0, 7).map(lambda n: n * SLIP_MS)


def test_a_small_step_back_is_waited_for() -> None:
    """A larger one is told."""
    assert stamp(100, 100) == 100
    assert stamp(101, 100) == 101
    assert stamp(100, 100 + SLIP_MS) == 100 + SLIP_MS
    assert stamp(100, 101 + SLIP_MS) == 100


@given(clocks, moments | st.none(), moments | st.none(), st.data())
def test_all_of_a_time_is_within_its_bounds(
    clock: list[tuple[int, bool]],
    after: int | None,
    before: int | None,
    data: st.DataObject,
) -> None:
    """And each end of them is of that time."""
    stamps, dents = timeline(clock)
    low = data.draw(st.integers(0, len(stamps)))
    high = data.draw(st.integers(low, len(stamps)))
    found = bounds(stamps.__getitem__, dents, low, high, after, before)
    inside = [
        seq
        for seq in range(low, high)
        if (after is None or stamps[seq] >= after)
        and (before is None or stamps[seq] < before)
    ]
    if inside:
        assert found == (inside[0], inside[-1] + 1)
    else:
        assert found[0] == found[1]


@given(clocks, moments, st.data())
def test_what_goes_is_what_is_old_and_all_before_it(
    clock: list[tuple[int, bool]], ts: int, data: st.DataObject
) -> None:
    """Up to the first that is young, but for what a later stamp shows to be old."""
    stamps, dents = timeline(clock)
    low = data.draw(st.integers(0, len(stamps)))
    sure = [dent.seq for dent in dents if dent.is_sure and dent.seq > low]
    begin = max([low, *(seq for seq in sure if stamps[seq] < ts)])
    young = (seq for seq in range(begin, len(stamps)) if stamps[seq] >= ts)
    found = first_young(stamps.__getitem__, dents, low, len(stamps), ts)
    assert found == next(young, len(stamps))


def test_a_minute_in_the_future_is_not_kept_longer() -> None:
    """What came after it and is certain shows how old it is at the least."""
    stamps, dents = timeline(
        [(1 * DAY, True), (41 * DAY, False), (1 * DAY + 60_000, True), (9 * DAY, True)]
    )
    assert first_young(stamps.__getitem__, dents, 0, 4, 2 * DAY) == 3


def test_a_minute_in_the_past_is_kept_as_long_as_what_was_before_it() -> None:
    """Nobody can be sure of it, so it is not older than what it follows."""
    stamps, dents = timeline(
        [(9 * DAY, True), (0, False), (60_000, False), (9 * DAY + 120_000, True)]
    )
    assert dents == [Dent(1, is_sure=False)]
    assert first_young(stamps.__getitem__, dents, 0, 4, 8 * DAY) == 0
    assert first_young(stamps.__getitem__, dents, 0, 4, 9 * DAY + 1) == 3


def test_a_time_is_found_by_halving() -> None:
    """In a million events stamps are looked at some twenty times."""
    asked: list[int] = []

    def ts_at(seq: int) -> int:
        asked.append(seq)
        return seq

    assert first_young(ts_at, [], 0, 10**6, 765_432) == 765_432
    assert len(asked) <= math.log2(10**6) + 1
