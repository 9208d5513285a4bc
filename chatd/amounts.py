"""Amounts as people read them. Pure."""

from __future__ import annotations

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def number(count: int, what: str) -> str:
    """How many of something there are, whose plural ends with an s."""
    return f"{count} {what}{'s' if count != 1 else ''}"


def size(count: float) -> str:
    """A number of bytes."""
    unit = 0
    while count >= 1024 and unit < len(_SIZES) - 1:
        count /= 1024
        unit += 1
    return f"{count:.1f} {_SIZES[unit]}" if unit else f"{count:.0f} B"
