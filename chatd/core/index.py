"""What is found by another key than its own: one key, many values.

It costs one entry for each value, and none for a key that has no value left.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


class Index(dict[K, dict[V, None]]):
    """Values by key, in the order in which they were added.

    Invariants: each key has a value.
    """

    __slots__ = ()

    def add(self, key: K, value: V) -> None:
        """Have a value be found by a key."""
        self.setdefault(key, {})[value] = None

    def discard(self, key: K, value: V) -> None:
        """Have a value be found by a key no more, if it was."""
        found = self.get(key)
        if found is not None:
            found.pop(value, None)
            if not found:
                del self[key]
