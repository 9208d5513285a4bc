"""How many connections there are, and how fast new ones come, by address. Pure.

A connection counts from its acceptance, by the address of its socket; behind a trusted
proxy it counts by the client's address as soon as that is known. A client that is
refused is told when to try again, and the operator which limit it was.
"""

from __future__ import annotations

import attrs

from chatd.config import Limits
from chatd.core.quota import Buckets
from chatd.net.trouble import Cause, Trouble

FULL_RETRY_S = 10.0
"""What a refused client is told to wait. Source: about the grace of a reconnect."""


def _no_rate() -> Buckets:
    return Buckets(0.0, 0.0)


@attrs.frozen
class Full:
    """One more connection is not allowed now."""

    wait_s: float
    """After how many seconds to try again."""
    trouble: Trouble
    """Which limit it was, and for which address."""


@attrs.define
class ConnectionLimiter:
    """How many connections there are, in all and by address. 0 is no limit."""

    most: int = 0
    most_per_address: int = 0
    arrivals: Buckets = attrs.field(factory=_no_rate, eq=False)
    """Of new connections, by address."""
    files_max: int = 0
    """How many the descriptors of this process are enough for; 0 is no limit."""
    total: int = 0
    by_key: dict[str, int] = attrs.field(factory=dict)

    def adjust(self, limits: Limits) -> None:
        """Use these limits from now on; connections that are open stay."""
        self.most = limits.connections_max
        self.most_per_address = limits.connections_per_address
        self.arrivals.adjust(limits.connects_per_s, limits.connects_burst)

    def enter(self, key: str | None, now: float) -> Full | None:
        """Count one more, or say why not.

        Args:
            key: What it counts by; None for a proxy, which counts in all only.
            now: On the clock of the loop.
        """
        if 0 < self.most <= self.total:
            return Full(FULL_RETRY_S, Trouble(Cause.CONNECTIONS_MAX))
        if 0 < self.files_max <= self.total:
            return Full(FULL_RETRY_S, Trouble(Cause.OPEN_FILES))
        full = self._take(key, now)
        if full is None:
            self.total += 1
        return full

    def leave(self, key: str | None) -> None:
        """Count one less."""
        self.total -= 1
        self._give(key)

    def move(self, old: str | None, new: str | None, now: float) -> Full | None:
        """Count an open connection under another address, or say why not."""
        full = self._take(new, now)
        if full is None:
            self._give(old)
        return full

    def _take(self, key: str | None, now: float) -> Full | None:
        if key is None:
            return None
        count = self.by_key.get(key, 0)
        if 0 < self.most_per_address <= count:
            trouble = Trouble(Cause.CONNECTIONS_PER_ADDRESS, key)
            return Full(FULL_RETRY_S, trouble)
        if wait_s := self.arrivals.take(key, now):
            return Full(wait_s, Trouble(Cause.CONNECTS_PER_S, key))
        self.by_key[key] = count + 1
        return None

    def _give(self, key: str | None) -> None:
        if key is not None:
            count = self.by_key.pop(key) - 1
            if count:
                self.by_key[key] = count
