"""How many connections there are, and how fast new ones come, by address. Pure.

A connection counts from its acceptance, by the address of its socket; one that a
trusted proxy speaks for counts by its client's from the moment on in which that is
known. Whoever is one too many is told when it is worth trying again.
"""

from __future__ import annotations

import attrs

from chatd.core.quota import Buckets

FULL_RETRY_S = 10.0
"""What one too many is told to wait: about the grace of a reconnect."""


def _no_rate() -> Buckets:
    return Buckets(0.0, 0.0)


@attrs.define
class Census:
    """How many connections there are, in all and by address. 0 is no limit."""

    most: int
    most_per_address: int
    arrivals: Buckets = attrs.field(factory=_no_rate, eq=False)
    """Of new connections, by address."""
    total: int = 0
    by_key: dict[str, int] = attrs.field(factory=dict)

    def enter(self, key: str | None, now: float) -> float:
        """Count one more, if it may be.

        Returns:
            0.0 if it was counted; otherwise after how many seconds to try again.
        """
        if 0 < self.most <= self.total:
            return FULL_RETRY_S
        wait_s = self._take(key, now)
        if not wait_s:
            self.total += 1
        return wait_s

    def leave(self, key: str | None) -> None:
        """Count one less."""
        self.total -= 1
        self._give(key)

    def move(self, old: str | None, new: str | None, now: float) -> float:
        """Count one that is there under another address, if it may be.

        Returns:
            As `enter`.
        """
        wait_s = self._take(new, now)
        if not wait_s:
            self._give(old)
        return wait_s

    def _take(self, key: str | None, now: float) -> float:
        if key is None:
            return 0.0
        count = self.by_key.get(key, 0)
        if 0 < self.most_per_address <= count:
            return FULL_RETRY_S
        wait_s = self.arrivals.take(key, now)
        if not wait_s:
            self.by_key[key] = count + 1
        return wait_s

    def _give(self, key: str | None) -> None:
        if key is not None:
            count = self.by_key.pop(key) - 1
            if count:
                self.by_key[key] = count
