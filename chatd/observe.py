"""What an operator sees: log lines and numbers.

The log is for people and for `journalctl`: one line when a connection ends, one
for everything that needs somebody's attention, none for a message. A value whose
key is among `SECRET_KEYS` never reaches a line, whoever logs it.

The numbers are counted here and read in Prometheus' text format at `/metrics`.
None is labelled by room or user, so their number is bounded; a gauge is asked
for when somebody looks, so it cannot be wrong.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from chatd.errors import Ending, RejectCode

SECRET_KEYS = frozenset({"password", "token", "secret", "session", "bearer", "text"})
"""Keys that are replaced in every line: secrets, and what people wrote."""

VALUE_CHARS_MAX = 500
"""Where a logged string is cut, since some of it comes from clients."""

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

EventDict = MutableMapping[str, Any]


def configure_log(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send log lines to standard error, or to `stream`.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `text`, `json`, or `auto`: text, for the journal where it reads us.
        stream: Where to instead.
    """
    target = sys.stderr if stream is None else stream
    journal = form == "auto" and _is_journal(target)
    chain: list[Any] = [structlog.processors.add_log_level, _redact]
    if journal:
        # The journal has its own times, and reads a priority from `<N>`.
        chain += [_for_journal]
    elif form == "json":
        chain += [
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ]
    else:
        chain += [structlog.processors.TimeStamper(fmt="iso", utc=True), _for_people]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, level.upper())
        ),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )


def log() -> Any:
    """The logger: `log().info("event", key=value)`."""
    return structlog.get_logger()


def _is_journal(stream: TextIO) -> bool:
    """Whether the journal reads what is written here.

    The variable alone says little: everything that is started from a desktop
    inherits it, terminals as well. Source: systemd.exec(5), `$JOURNAL_STREAM`.
    """
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


def _redact(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """Keep secrets out, and whatever a client sent short and on one line."""
    for key, value in line.items():
        if key in SECRET_KEYS:
            line[key] = "***"
        elif isinstance(value, str) and len(value) > VALUE_CHARS_MAX:
            line[key] = value[:VALUE_CHARS_MAX] + "…"
    return line


def _for_people(_logger: Any, _method: str, line: EventDict) -> str:
    when = line.pop("timestamp")
    return f"{when} {_words(line)}"


def _for_journal(_logger: Any, _method: str, line: EventDict) -> str:
    priority = _PRIORITY[line["level"]]
    return "\n".join(f"<{priority}>{part}" for part in _words(line).split("\n"))


def _words(line: EventDict) -> str:
    """`level event key=value …`, and below it a traceback if there is one."""
    level, event = line.pop("level"), line.pop("event")
    error = line.pop("exc_info", None)
    pairs = [f"{key}={_value(value)}" for key, value in line.items()]
    words = " ".join([f"{level:<7}", event, *pairs])
    if isinstance(error, BaseException):
        words += "\n" + "".join(traceback.format_exception(error)).rstrip()
    return words


def _value(value: object) -> str:
    """A value on one line: quoted as soon as it could be mistaken."""
    text = str(value)
    plain = text.isascii() and text.isprintable() and " " not in text and text
    return text if plain else repr(text)


class Metrics:
    """All counters and gauges of one daemon."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.fast_messages = 0
        self.slow_messages = 0
        self.events = 0
        self._registry.register(self)
        self.gaps = self._counter("gaps", "Gaps that slow readers were told of.")
        self.connection_bugs = self._counter(
            "connection_bugs", "Connections that a bug of this program ended."
        )
        self._refused = Counter(
            "chatd_refused",
            "Frames that were no command.",
            ["code"],
            registry=self._registry,
        )
        self._ended = Counter(
            "chatd_connections_ended",
            "Connections that ended.",
            ["reason"],
            registry=self._registry,
        )
        self._turned_away = Counter(
            "chatd_connections_refused",
            "Connections that were not let in.",
            ["reason"],
            registry=self._registry,
        )
        # Every reason is there from the start, so that a rate can be taken.
        for ending in Ending:
            self._ended.labels(ending.reason)

    def collect(self) -> Iterator[Metric]:
        """Tell the registry what is counted for every message.

        Plain integers: a `Counter` takes a lock each time, 1 µs.
        """
        messages = CounterMetricFamily(
            "chatd_messages",
            "Messages that clients sent, by the lane they took: fast is whole text "
            "frames, slow is fragments and binary.",
            labels=["lane"],
        )
        messages.add_metric(["fast"], self.fast_messages)
        messages.add_metric(["slow"], self.slow_messages)
        yield messages
        yield CounterMetricFamily(
            "chatd_events", "Timeline events that were delivered.", self.events
        )

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"chatd_{name}", text, registry=self._registry)

    def gauge(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """Add a number that is asked for when somebody looks."""
        Gauge(f"chatd_{name}", text, registry=self._registry).set_function(ask)

    def refused(self, code: RejectCode) -> None:
        """Count a frame that was no command."""
        self._refused.labels(code).inc()

    def ended(self, ending: Ending) -> None:
        """Count the end of a connection."""
        self._ended.labels(ending.reason).inc()

    def turned_away(self, reason: str) -> None:
        """Count a connection that was not let in."""
        self._turned_away.labels(reason).inc()

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
