"""Histograms that cost one bisection each, where `prometheus_client` takes locks.

They belong to the loop alone. What is observed for many at once is observed once, with
how many they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import attrs

SECONDS = (
    *(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)
"""For times: from less than a commit takes to more than anybody waits."""

DRAFTS = tuple(float(1 << power) for power in range(10))
"""For a batch: up to the 512 that one has at most."""

BYTES = tuple(float(1 << power) for power in range(10, 24))
"""For what waits: 1 KiB to 8 MiB, twice the limit of a connection."""


@attrs.define(eq=False)
class Histogram:
    """How often something was at most so much.

    Args:
        bounds: The upper bounds, rising; above the last one is more.
    """

    bounds: Sequence[float]
    counts: list[int] = attrs.field(init=False)
    """For each bound, and for what is above, how much was between it and the one
    before."""
    total: float = attrs.field(default=0.0, init=False)
    """The sum of what was observed."""

    def __attrs_post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, count: int = 1) -> None:
        """Count a value, so many times."""
        self.counts[bisect_left(self.bounds, value)] += count
        self.total += value * count

    def buckets(self) -> list[tuple[str, float]]:
        """How many there were up to each bound, as Prometheus has it."""
        bounds = [
            f"{bound:g}" if bound < 1e5 else f"{bound:.0f}" for bound in self.bounds
        ]
        found, sum_ = [], 0
        for bound, count in zip([*bounds, "+Inf"], self.counts, strict=True):
            sum_ += count
            found.append((bound, float(sum_)))
        return found
