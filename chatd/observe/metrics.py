"""The numbers, which are read in Prometheus' text format at `/metrics`.

None is labelled by room or user, so their number is bounded. Counters are plain
integers, and histograms lists of them: one of `prometheus_client` takes a lock for each
step, 1 µs. A gauge is computed at each scrape, so it cannot be wrong. The library is
imported at the first one: most daemons are never scraped.

Every value of a label is there from the start where the values are known, so that a
rate can be taken of what has not happened yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import CLOCK_BOOTTIME, clock_gettime, time
from typing import TYPE_CHECKING

from chatd.errors import Ending, LoginFailure, RejectCode
from chatd.observe.histogram import BYTES, DRAFTS, SECONDS, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric


def _zeros(values: Iterable[str]) -> Counter[str]:
    return Counter(dict.fromkeys(values, 0))


class Metrics:
    """All counters, gauges and histograms of one daemon.

    Attributes:
        errors: By code.
        rate_limited: By command.
        logins: By way.
        resumes: By result.
        troubles: By cause.
    """

    def __init__(self) -> None:
        self.fast_messages = 0
        self.slow_messages = 0
        self.events = 0
        self.gaps = 0
        self.connection_bugs = 0
        self.ack_seconds = Histogram(SECONDS)
        self.commit_seconds = Histogram(SECONDS)
        self.delivery_seconds = Histogram(SECONDS)
        self.loop_lag_seconds = Histogram(SECONDS)
        self.batch_drafts = Histogram(DRAFTS)
        self.outbox_bytes = Histogram(BYTES)
        self.errors = _zeros(RejectCode)
        self.rate_limited: Counter[str] = Counter()
        self.logins = _zeros(_WAYS)
        self.resumes = _zeros(("recovered", "incomplete"))
        self.troubles: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._ended = _zeros(ending.reason for ending in Ending)
        self._logins_failed = _zeros(LoginFailure)
        self._turned_away: Counter[str] = Counter()
        self._info: dict[str, str] = {}
        self._asked: list[tuple[bool, str, str, Callable[[], float | None]]] = []
        self._registry: CollectorRegistry | None = None

    def info(self, **versions: str) -> None:
        """Say what this daemon is made of."""
        self._info = versions

    def gauge(self, name: str, text: str, ask: Callable[[], float | None]) -> None:
        """Add a number that is computed at each scrape by calling `ask`.

        Where that is None the number is not there: nothing is said of what never was.
        """
        self._asked.append((False, name, text, ask))

    def counter(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """Add one that only rises."""
        self._asked.append((True, name, text, ask))

    def refused(self, code: RejectCode) -> None:
        """Count a frame that was no command."""
        self._refused[str(code)] += 1

    def ended(self, ending: Ending) -> None:
        """Count the end of a connection."""
        self._ended[ending.reason] += 1

    def login_failed(self, failure: LoginFailure) -> None:
        """Count somebody who was not let in."""
        self._logins_failed[failure] += 1

    def turned_away(self, reason: str) -> None:
        """Count a connection or request that was refused."""
        self._turned_away[reason] += 1

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        from prometheus_client import generate_latest  # noqa: PLC0415

        if self._registry is None:
            self._registry = _registry_of(self)
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield all numbers, for a registry of Prometheus."""
        from prometheus_client.metrics_core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for name, label, counts in self._labelled():
            family = CounterMetricFamily(f"chatd_{name}", _TEXTS[name], labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family
        for name in ("events", "gaps", "connection_bugs"):
            count = getattr(self, name)
            yield CounterMetricFamily(f"chatd_{name}", _TEXTS[name], value=count)
        for name in _HISTOGRAMS:
            one: Histogram = getattr(self, name)
            yield HistogramMetricFamily(
                f"chatd_{name}", _TEXTS[name], one.buckets(), one.total
            )
        for rises, name, text, ask in self._asked:
            kind = CounterMetricFamily if rises else GaugeMetricFamily
            yield kind(f"chatd_{name}", text, value=ask())  # without one, no sample
        if self._info:
            text, names = _TEXTS["build_info"], list(self._info)
            built = GaugeMetricFamily("chatd_build_info", text, labels=names)
            built.add_metric(list(self._info.values()), 1)
            yield built

    def _labelled(self) -> Iterator[tuple[str, str, Mapping[str, int]]]:
        """The counters with a label: name, label, and the counts by its values."""
        lanes = {"fast": self.fast_messages, "slow": self.slow_messages}
        yield "messages", "lane", lanes
        yield "refused", "code", self._refused
        yield "errors", "code", self.errors
        yield "rate_limited", "command", self.rate_limited
        yield "connections_ended", "reason", self._ended
        yield "connections_refused", "status", self._turned_away
        yield "troubles", "cause", self.troubles
        yield "logins", "way", self.logins
        yield "logins_failed", "reason", self._logins_failed
        yield "resumes", "result", self.resumes


def _registry_of(metrics: Metrics) -> CollectorRegistry:
    """The numbers of a daemon, of its process and of Python."""
    from prometheus_client import (  # noqa: PLC0415
        CollectorRegistry,
        GCCollector,
        PlatformCollector,
        ProcessCollector,
    )

    class Process(ProcessCollector):
        """Where `/proc` has processes alone, as in a sandbox, it has no boot time."""

        def _boot_time(self) -> float:
            return time() - clock_gettime(CLOCK_BOOTTIME)

    registry = CollectorRegistry()
    registry.register(metrics)
    Process(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


_WAYS = ("guest", "link", "password", "resume", "session", "token")
_HISTOGRAMS = (
    *("ack_seconds", "commit_seconds", "delivery_seconds", "loop_lag_seconds"),
    *("batch_drafts", "outbox_bytes"),
)
_TEXTS = {
    "messages": "Messages that clients sent, by the lane they took: fast is whole text "
    "frames, slow is fragments and binary.",
    "refused": "Frames that were no command.",
    "errors": "Error replies, by their code.",
    "rate_limited": "Commands that came too fast.",
    "connections_ended": "Connections that ended.",
    "connections_refused": "Connections and requests that were not let in, by status.",
    "troubles": "Refusals that only the operator can mend, by their cause.",
    "logins": "Sessions that began, and with the way resume those that went on.",
    "logins_failed": "Credentials that were refused.",
    "resumes": "Rooms that a client came back to, by whether it got all it had missed.",
    "events": "Timeline events that were delivered.",
    "gaps": "Gaps that slow readers were told of.",
    "connection_bugs": "Connections that a bug of this program ended.",
    "ack_seconds": "From a command in the queue to its answer in the socket, at most.",
    "commit_seconds": "Commits of a batch.",
    "delivery_seconds": "From a commit until all receivers have what came of it.",
    "loop_lag_seconds": "How late the loop was, once a second.",
    "batch_drafts": "Drafts in one commit.",
    "outbox_bytes": "What a connection held for its reader, of those that did, once a "
    "second.",
    "build_info": "What this daemon is made of.",
}
