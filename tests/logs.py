"""What is logged during a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chatd.observe import Line, log


@contextmanager
def capture_logs() -> Iterator[list[Line]]:
    """Keep the lines of all levels from being written, and hand them out."""
    lines: list[Line] = []
    before = log().level, log().write
    log().level, log().write = "debug", lines.append
    try:
        yield lines
    finally:
        log().level, log().write = before
