"""What an operator sees: log lines (`lines`) and numbers (`metrics`).

`behind` is where the lines go, and `strays` makes lines of what others would write
beside them.
"""

from chatd.observe.lines import (
    SECRET_KEYS,
    VALUE_CHARS_MAX,
    Line,
    choose_form,
    configure_log,
    configure_log_behind,
    log,
)
from chatd.observe.metrics import Metrics

__all__ = [
    "SECRET_KEYS",
    "VALUE_CHARS_MAX",
    "Line",
    "Metrics",
    "choose_form",
    "configure_log",
    "configure_log_behind",
    "log",
]
