"""The numbers, which are read in Prometheus' text format at `/metrics`.

None is labelled by room or user, so their number is bounded. Counters are plain
integers: one of `prometheus_client` takes a lock for each step, 1 µs. A gauge is
computed at each scrape, so it cannot be wrong. The library is imported at the first
one: most daemons are never scraped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from time import time
from typing import TYPE_CHECKING

import attrs

from chatd.errors import Ending, RejectCode

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


@attrs.define(eq=False)
class Metrics:
    """All counters and gauges of one daemon."""

    fast_messages: int = attrs.field(default=0, init=False)
    slow_messages: int = attrs.field(default=0, init=False)
    events: int = attrs.field(default=0, init=False)
    gaps: int = attrs.field(default=0, init=False)
    connection_bugs: int = attrs.field(default=0, init=False)
    _refused: Counter[str] = attrs.field(factory=Counter, init=False)
    # Every reason is there from the start, so that a rate can be taken.
    _ended: Counter[str] = attrs.field(
        factory=lambda: Counter({ending.reason: 0 for ending in Ending}), init=False
    )
    _turned_away: Counter[str] = attrs.field(factory=Counter, init=False)
    _gauges: list[tuple[str, str, Callable[[], float]]] = attrs.field(
        factory=list, init=False
    )
    _since: float = attrs.field(factory=time, init=False)

    def gauge(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """Add a number that is computed at each scrape by calling `ask`."""
        self._gauges.append((name, text, ask))

    def refused(self, code: RejectCode) -> None:
        """Count a frame that was no command."""
        self._refused[str(code)] += 1

    def ended(self, ending: Ending) -> None:
        """Count the end of a connection."""
        self._ended[ending.reason] += 1

    def turned_away(self, reason: str) -> None:
        """Count a connection or request that was refused."""
        self._turned_away[reason] += 1

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Yield all numbers, for a registry of Prometheus."""
        from prometheus_client.metrics_core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        lanes = {"fast": self.fast_messages, "slow": self.slow_messages}
        for name, label, counts in (
            ("messages", "lane", lanes),
            ("refused", "code", self._refused),
            ("connections_ended", "reason", self._ended),
            ("connections_refused", "reason", self._turned_away),
        ):
            family = CounterMetricFamily(f"chatd_{name}", _TEXTS[name], labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count, created=self._since)
            yield family
        for name, count in (
            ("events", self.events),
            ("gaps", self.gaps),
            ("connection_bugs", self.connection_bugs),
        ):
            yield CounterMetricFamily(
                f"chatd_{name}", _TEXTS[name], value=count, created=self._since
            )
        for name, text, ask in self._gauges:
            yield GaugeMetricFamily(f"chatd_{name}", text, value=ask())


_TEXTS = {
    "messages": "Messages that clients sent, by the lane they took: fast is whole text "
    "frames, slow is fragments and binary.",
    "refused": "Frames that were no command.",
    "connections_ended": "Connections that ended.",
    "connections_refused": "Connections that were not let in.",
    "events": "Timeline events that were delivered.",
    "gaps": "Gaps that slow readers were told of.",
    "connection_bugs": "Connections that a bug of this program ended.",
}
