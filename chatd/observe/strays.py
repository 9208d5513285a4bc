"""What others would write to standard error becomes entries of the log.

Python's own last words of an exception that nobody caught, wherever that was; its
warnings; and what libraries give to `logging`. Otherwise a log for programs would have
lines that are none of it, and the journal would take a traceback for information.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from types import TracebackType

from chatd.observe.lines import log

FLUSH_S = 1.0
"""How long the process waits for its last words to be read."""


def take_strays() -> None:
    """Take over all ways in which others write to standard error, for good."""
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread
    warnings.showwarning = _warned
    logging.root.addHandler(_Bridge(logging.WARNING))


def _uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log().critical("interrupted")
    else:
        text = "bug: the daemon stops; please report this"
        log().critical(text, exc_info=error.with_traceback(trace))
    log().flush(FLUSH_S)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    text = what.err_msg or "an exception that could not be raised"
    log().error(text, at=repr(what.object), exc_info=what.exc_value)


def _uncaught_in_thread(what: threading.ExceptHookArgs) -> None:
    name = what.thread.name if what.thread is not None else "-"
    text = "a thread has ended with an exception"
    log().error(text, at=name, exc_info=what.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    del file, line
    text = f"a warning of Python: {category.__name__}"
    log().warning(text, said=str(message), at=f"{filename}:{lineno}")


class _Bridge(logging.Handler):
    """Hands over what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Make an entry of a record."""
        error = record.exc_info[1] if record.exc_info else None
        pairs = {} if error is None else {"exc_info": error}
        tell = log().error if record.levelno >= logging.ERROR else log().warning
        tell(record.getMessage(), by=record.name, **pairs)
