"""Times as people and programs read them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from chatd.wire.events import Millis


def rfc3339(ts: Millis) -> str:
    """Write a time as `2026-11-22T20:31:28.123Z`.

    Source: protocol section 1; RFC 3339 section 5.6.
    """
    second, millisecond = divmod(ts, 1000)
    return f"{_second(second)}.{millisecond:03d}Z"


@lru_cache(maxsize=256)
def _second(second: int) -> str:
    """The part that thousands of events share; a page of history has a few."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
