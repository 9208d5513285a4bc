"""Counts what is done at once: between two times that all others had their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio


@attrs.define(eq=False)
class Passes(trio.abc.Instrument):
    """By how much something has grown each time when all others had their turn."""

    count: Callable[[], int]
    found: list[int] = attrs.field(factory=list)
    _before: int = 0

    def before_io_wait(self, timeout: float) -> None:
        """All tasks that could run have; now sockets and clocks are looked at."""
        now = self.count()
        self.found.append(now - self._before)
        self._before = now


@contextmanager
def passes(count: Callable[[], int]) -> Iterator[list[int]]:
    """Count something at each pass of Trio's loop."""
    instrument = Passes(count, before=count())
    trio.lowlevel.add_instrument(instrument)
    try:
        yield instrument.found
    finally:
        trio.lowlevel.remove_instrument(instrument)
