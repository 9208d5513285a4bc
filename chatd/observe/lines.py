"""The log: for people, for programs, and for `journalctl`.

One line when a connection ends, one for everything that needs the operator's attention,
none for a message. A value whose key is among `SECRET_KEYS` never reaches a line, and
no value can begin another line.

There is one `Log`; `configure_log` says what it writes, in which form and where. It is
no larger than what the daemon asks of it: the libraries for it take a sixth of the
daemon's start, for `asyncio` and tracebacks in colours.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from time import time
from typing import Any, TextIO

import attrs

SECRET_KEYS = frozenset({"password", "token", "secret", "session", "bearer", "text"})
"""Keys that are replaced in every line: secrets, and what people wrote."""

VALUE_CHARS_MAX = 500
"""Where a logged string is cut, since some of it comes from clients."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""Source: sd-daemon(3), syslog(3)."""

Line = dict[str, Any]
"""An entry: `event`, `level`, and the pairs that its writer gave."""


class Log:
    """Where entries go: `log().info("a connection ended", user=user)`."""

    def __init__(self) -> None:
        self.level = "debug"
        """The least that is taken."""
        self.write: Callable[[Line], None] = Writer(_for_people)
        """Takes an entry of that level or a higher one."""

    def debug(self, event: str, **pairs: Any) -> None:
        """Log what is wanted only when searching for a cause."""
        self._take("debug", event, pairs)

    def info(self, event: str, **pairs: Any) -> None:
        """Log what happened."""
        self._take("info", event, pairs)

    def warning(self, event: str, **pairs: Any) -> None:
        """Log what an operator may have to mend."""
        self._take("warning", event, pairs)

    def error(self, event: str, **pairs: Any) -> None:
        """Log what has failed; an exception `exc_info` is logged with its traceback."""
        self._take("error", event, pairs)

    def critical(self, event: str, **pairs: Any) -> None:
        """Log why the daemon ends; the exception `exc_info` as above."""
        self._take("critical", event, pairs)

    def _take(self, level: str, event: str, pairs: dict[str, Any]) -> None:
        if _LEVELS[level] >= _LEVELS[self.level]:
            self.write({"event": event, "level": level} | pairs)


@attrs.define(eq=False)
class Writer:
    """Writes entries to a stream.

    Args:
        form: Makes the text of an entry, with what may not be read left out.
        stream: Where to; None for standard error, whatever that is at the time.
    """

    _form: Callable[[Line], str]
    _stream: TextIO | None = None
    # The store's threads have something to tell, too.
    _lock: Lock = attrs.field(factory=Lock, init=False)

    def __call__(self, line: Line) -> None:
        """Write one entry."""
        text = self._form(_redacted(line)) + "\n"
        stream = sys.stderr if self._stream is None else self._stream
        with self._lock:
            stream.write(text)
            stream.flush()


def configure_log(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send log lines to standard error, or to `stream`.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `text`, `json`, or `auto`: text, for the journal where it reads us.
        stream: Where to instead.
    """
    render = _for_programs if form == "json" else _for_people
    if form == "auto" and _is_journal(sys.stderr if stream is None else stream):
        render = _for_journal
    _LOG.level, _LOG.write = level, Writer(render, stream)


def log() -> Log:
    """The log."""
    return _LOG


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


def _redacted(line: Line) -> Line:
    """Keep secrets out, and whatever a client sent short and on one line."""
    return {key: _fit(key, value) for key, value in line.items()}


def _fit(key: str, value: Any) -> Any:
    if key in SECRET_KEYS:
        return "***"
    if isinstance(value, str) and len(value) > VALUE_CHARS_MAX:
        return value[:VALUE_CHARS_MAX] + "…"
    return value


def _now() -> str:
    at = datetime.fromtimestamp(time(), UTC).isoformat(timespec="microseconds")
    return at.replace("+00:00", "Z")


def _for_programs(line: Line) -> str:
    """An entry as one JSON object."""
    error = line.pop("exc_info", None)
    if isinstance(error, BaseException):
        line["exception"] = _traceback(error)
    return json.dumps({"ts": _now()} | line, default=repr)


def _for_people(line: Line) -> str:
    return f"{_now()} {_words(line)}"


def _for_journal(line: Line) -> str:
    # The journal has its own times, and reads a priority from `<N>`.
    priority = _PRIORITIES[line["level"]]
    return "\n".join(f"<{priority}>{part}" for part in _words(line).split("\n"))


def _words(line: Line) -> str:
    """`level event key=value …`, and below it a traceback if there is one."""
    level, event = line.pop("level"), line.pop("event")
    error = line.pop("exc_info", None)
    pairs = [f"{key}={_value(value)}" for key, value in line.items()]
    words = " ".join([f"{level:<7}", event, *pairs])
    return (
        f"{words}\n{_traceback(error)}" if isinstance(error, BaseException) else words
    )


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _value(value: object) -> str:
    """A value on one line: quoted as soon as it could be mistaken."""
    text = str(value)
    plain = text.isascii() and text.isprintable() and " " not in text and text
    return text if plain else repr(text)


_LOG = Log()
