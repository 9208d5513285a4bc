"""The log: for people, for programs, and for the journal.

One line for each login, for each end of a connection, and for everything that needs the
operator's attention; none for a message. A value whose key is among `SECRET_KEYS` never
reaches a line, and no value can begin another line.

There is one `Log`; `configure_log` says what it writes, in which form and where
(`behind`). It is no larger than what the daemon asks of it: the libraries for it take a
sixth of the daemon's start, for `asyncio` and tracebacks in colours.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any, TextIO

import attrs

from chatd.observe.behind import Behind, Direct, Sink

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
        self.form = "console"
        """`console`, `json` or `journal`."""
        self.sink: Sink = Direct()
        """Where the text of an entry goes."""
        self.write: Callable[[Line], None] = Writer("console", self.sink)
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

    def flush(self, limit_s: float) -> bool:
        """Wait until all entries are where they go; whether they are."""
        return self.sink.flush(limit_s)


@attrs.frozen
class Writer:
    """Writes entries.

    Args:
        form: `console`, `json` or `journal`.
        sink: Where to.
        is_journal: Whether the journal reads it.
    """

    _form: str
    _sink: Sink
    _is_journal: bool = False

    def __call__(self, line: Line) -> None:
        """Write one entry."""
        self._sink.write(text_of(self._form, line, is_journal=self._is_journal))


def text_of(form: str, line: Line, *, is_journal: bool = False) -> str:
    """An entry in a form, with what may not be read left out, and its end of line.

    Args:
        form: As for `Writer`.
        line: The entry.
        is_journal: Whether the journal reads it. It takes the priority off again, so
            that `journalctl -p err` finds what is wrong, whatever the form is.
    """
    text = _FORMS[form](_redacted(line))
    if is_journal or form == "journal":
        head = f"<{_PRIORITIES[line['level']]}>"
        text = "\n".join(head + part for part in text.split("\n"))
    return text + "\n"


def configure_log(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send log lines to standard error, or to `stream`, and wait for that.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `console`, `json`, `journal`, or `auto`: for the journal where it reads
            us, else for people.
        stream: Where to instead.
    """
    reader = sys.stderr if stream is None else stream
    _configure(level, _chosen(form, reader), Direct(stream), reader)


def configure_log_behind(level: str, form: str) -> None:
    """Send log lines to standard error from a thread, so that nobody waits for it.

    Who ends the process calls `log().flush` first.

    Args:
        level: As for `configure_log`.
        form: As for `configure_log`.
    """
    chosen = _chosen(form, sys.stderr)

    def say(count: int) -> str:
        event = "lines were not written: nobody read fast enough"
        line = {"event": event, "level": "warning", "count": count}
        return text_of(chosen, line, is_journal=is_journal(sys.stderr))

    _configure(level, chosen, Behind(sys.stderr.fileno(), say), sys.stderr)


def _configure(level: str, form: str, sink: Sink, reader: TextIO) -> None:
    _LOG.level, _LOG.form, _LOG.sink = level, form, sink
    _LOG.write = Writer(form, sink, is_journal(reader))


def choose_form(form: str) -> None:
    """Have lines written in another form from now on, to where they go.

    Args:
        form: As for `configure_log`.
    """
    _configure(_LOG.level, _chosen(form, sys.stderr), _LOG.sink, sys.stderr)


def log() -> Log:
    """The log."""
    return _LOG


def _chosen(form: str, stream: TextIO) -> str:
    """The form that `auto` stands for."""
    if form != "auto":
        return form
    return "journal" if is_journal(stream) else "console"


def is_journal(stream: TextIO) -> bool:
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


def _words(line: Line) -> str:
    """`level event key=value …`, and below it a traceback if there is one.

    No time: the journal has its own.
    """
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
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = text.isascii() and text.isprintable() and " " not in text and text
    return text if plain else repr(text)


_FORMS: dict[str, Callable[[Line], str]] = {
    "console": _for_people,
    "json": _for_programs,
    "journal": _words,
}
_LOG = Log()
