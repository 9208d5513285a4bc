"""What an operator sees: log lines (`lines`) and numbers (`metrics`)."""

from chatd.observe.lines import SECRET_KEYS, VALUE_CHARS_MAX, Line, configure_log, log
from chatd.observe.metrics import Metrics

__all__ = [
    "SECRET_KEYS",
    "VALUE_CHARS_MAX",
    "Line",
    "Metrics",
    "configure_log",
    "log",
]
