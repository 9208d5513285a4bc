"""Finding a time in a room's timeline, whose stamps may go back.

Stamps rise with `seq`, but for a **dent** where the clock was put back: the event
there has a lower stamp than the one before it. Between two dents is a **stretch**, in
which a time is found by halving. A clock is seldom put back, so there are few.

At a dent one of two clocks was wrong, the one before or the one after it. Which one is
known where the new stamp was certain (`chatd.core.clock`): then whatever comes before
the dent was written earlier than it, also if its stamps say something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from chatd.core.clock import SLIP_MS
from chatd.wire.events import Millis

TsAt = Callable[[int], Millis]
"""The stamp of the event with a seq."""


@attrs.frozen
class Dent:
    """Where the clock was put back."""

    seq: int
    """Of the first event after that."""
    is_sure: bool
    """Whether its stamp was certain."""


def stamp(now: Millis, last: Millis) -> Millis:
    """Say what an event is stamped with.

    Args:
        now: What time it is.
        last: The stamp of the event before it.

    Returns:
        The time; where that has gone back by no more than keeping a clock right may
        take, the stamp before.
    """
    return last if now < last <= now + SLIP_MS else now


def bounds(
    ts_at: TsAt,
    dents: Sequence[Dent],
    low: int,
    high: int,
    after: Millis | None,
    before: Millis | None,
) -> tuple[int, int]:
    """Find where all events are that have their stamp in a time.

    Args:
        ts_at: Tells stamps.
        dents: Those of the room, in rising seq.
        low: The first seq.
        high: The seq behind the last one.
        after: The lowest stamp; None: any.
        before: What stamps are lower than; None: nothing.

    Returns:
        The first seq and the one behind the last; both are the same if there is none.
    """
    found = []
    for begin, end in _stretches(dents, low, high):
        first = begin if after is None else _earliest(ts_at, begin, end, after)
        last = end if before is None else _earliest(ts_at, first, end, before)
        if first < last:
            found.append((first, last))
    return (found[0][0], max(last for _, last in found)) if found else (low, low)


def first_young(
    ts_at: TsAt, dents: Sequence[Dent], low: int, high: int, ts: Millis
) -> int:
    """Find the first event that must be kept, if all before a time has to go.

    Nothing goes that comes after something young, whatever its own stamp says.

    Args:
        ts_at: Tells stamps.
        dents: Those of the room, in rising seq.
        low: The first seq.
        high: The seq behind the last one.
        ts: What is stamped with it or later is young.

    Returns:
        Its seq; `high` if there is none.
    """
    for dent in dents:
        if dent.is_sure and low < dent.seq < high and ts_at(dent.seq) < ts:
            low = dent.seq
    for begin, end in _stretches(dents, low, high):
        at = _earliest(ts_at, begin, end, ts)
        if at < end:
            return at
    return high


def _stretches(dents: Sequence[Dent], low: int, high: int) -> Sequence[tuple[int, int]]:
    inside = [dent.seq for dent in dents if low < dent.seq < high]
    return list(zip([low, *inside], [*inside, high], strict=True))


def _earliest(ts_at: TsAt, low: int, high: int, ts: Millis) -> int:
    """The first seq of a stretch that is not stamped earlier; `high` if none is."""
    while low < high:
        middle = (low + high) // 2
        if ts_at(middle) < ts:
            low = middle + 1
        else:
            high = middle
    return low
