"""What a look finds: `ok`, a `warning` or `broken`. Pure.

A finding's text says what is so; its cure is what one would type or change.
"""

from __future__ import annotations

from enum import StrEnum

import attrs


class Level(StrEnum):
    """How good or bad it is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@attrs.frozen
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    text: str
    cure: str = ""


def ok(text: str) -> Finding:
    """What is as it should be."""
    return Finding("", Level.OK, text)


def warning(text: str, cure: str) -> Finding:
    """What works, and will not for ever, or not for all."""
    return Finding("", Level.WARNING, text, cure)


def broken(text: str, cure: str) -> Finding:
    """What does not work."""
    return Finding("", Level.BROKEN, text, cure)
