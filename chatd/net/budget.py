"""What all connections together may hold in memory. Pure.

Each connection has its own limits, and ten thousand times those are not a limit. So
what waits for its reader, what has come of a message that is not whole, and what was
handed over and not answered yet is also counted for all. Where that is too much, the
largest holders are asked to `shed` some of it: first what can be made good later, then
all, which ends them. A small holder is not asked.

Holders are kept by the size of what they hold, in powers of two: to count a change
costs the same however many there are, and the one that is asked holds at least half of
what the largest does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs


class Holder(Protocol):
    """What holds bytes: a connection, or an answer over HTTP."""

    held: int
    """What it holds, as it was counted last; only the budget sets it."""

    def shed(self) -> None:
        """Free some bytes, and call `Budget.count` with the rest before returning."""


@attrs.define(eq=False)
class Budget:
    """Counts bytes, and has them shed where they are too many.

    Invariants: `total` is the sum of what all hold; a holder is in the class of the
    size that it knows, and in none if it holds nothing.
    """

    most: int = 0
    """Bytes that all together may hold; 0 is no limit."""
    total: int = 0
    _classes: dict[int, dict[Holder, None]] = attrs.field(factory=dict)
    """By the number of bits in what they hold."""
    _relieving: bool = False

    def count(self, holder: Holder, size: int) -> None:
        """Note that `holder` holds `size` bytes now; the largest holders may shed."""
        before, holder.held = holder.held, size
        self.total += size - before
        old, new = before.bit_length(), size.bit_length()
        if old != new:
            if old:
                holders = self._classes[old]
                del holders[holder]
                if not holders:
                    del self._classes[old]
            if new:
                self._classes.setdefault(new, {})[holder] = None
        if 0 < self.most < self.total and not self._relieving:
            self._relieve()

    def sizes(self) -> Iterator[tuple[int, int]]:
        """How many hold how much: a power of two, and who hold at most that."""
        for bits, holders in self._classes.items():
            yield 1 << bits, len(holders)

    def _relieve(self) -> None:
        """Have the largest holders shed until `total` is within `most`."""
        self._relieving = True
        try:
            while self.total > self.most:
                before = self.total
                next(iter(self._classes[max(self._classes)])).shed()
                assert self.total < before, "a holder shed nothing"
        finally:
            self._relieving = False
