"""A dictionary whose keys can be read in order, from any of them on.

Lists are given out in pages, by name. Sorting all names for each page costs as much
as there are names, however few are shown. Here they are sorted when they are asked
for the first time, and kept so from then on: one more or less is a search and a move
within the list.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any, TypeVar

K = TypeVar("K", bound=str)
V = TypeVar("V")


class Roster(dict[K, V]):
    """What there is by name; it is changed by one key at a time.

    Invariants: what is kept in order are its keys (`chatd.core.invariants`).
    """

    __slots__ = ("_ordered",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what a dictionary takes."""
        super().__init__(*args, **kwargs)
        self._ordered: list[K] | None = None

    def ordered(self) -> Sequence[K]:
        """The keys in order; good until the next change."""
        if self._ordered is None:
            self._ordered = sorted(self)
        return self._ordered

    def __setitem__(self, key: K, value: V) -> None:
        """Put a value in its place."""
        if self._ordered is not None and key not in self:
            insort(self._ordered, key)
        super().__setitem__(key, value)

    def setdefault(self, key: K, default: Any = None) -> Any:
        """Put a value in its place unless one is there; give what is there then."""
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key: K) -> None:
        """Take a key out; it must be there."""
        super().__delitem__(key)
        self._forget(key)

    def pop(self, key: K, *default: Any) -> Any:
        """Take a key out and give what was there, or the default."""
        was_there = key in self
        value = super().pop(key, *default)
        if was_there:
            self._forget(key)
        return value

    def _forget(self, key: K) -> None:
        if self._ordered is not None:
            del self._ordered[bisect_left(self._ordered, key)]
