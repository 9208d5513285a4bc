"""Limits as values: token buckets that are functions of `now`.

A `Bucket` holds a level that rises with time and falls with use. It has no
clock and no task: whoever uses it passes the time in, so a test can ask about
any moment. A rate of 0 means no limit, as everywhere in the `[limits]` section.

`Buckets` is a table of them by key, which never grows beyond its bound: a full
bucket is as good as none, so those go first. What an address counts by is its
`address_key`, wherever one counts.
"""

from __future__ import annotations

import ipaddress

import attrs

TOLERANCE = 1e-6
"""Of a token. Whoever waits as long as he was told is let in, although seconds
since a far moment are rounded: after a hundred days by 1e-9."""

KEYS_MAX = 16_384
"""Keys in one table: about 5 MB, and more addresses than `connections_max` has
connections. To have a bucket that is not full forgotten, somebody needs so many
addresses, and could as well use them."""

UNIX_PEER = "unix"
"""The address of whoever comes through a Unix socket."""
_V6_BITS = 64


@attrs.define
class Bucket:
    """A token bucket: `burst` at once, `per_s` in the long run.

    Invariants: `0 <= level <= burst`; `at` never moves back.
    """

    per_s: float
    """Tokens that come back each second; 0 is no limit."""
    burst: float
    """The most that can be saved up."""
    level: float
    """What was there at `at`."""
    at: float
    """When `level` was true, in seconds of the clock that is passed in."""

    def take(self, now: float, cost: float = 1.0) -> float:
        """Take `cost` tokens, or learn how long that would have to wait.

        Returns:
            0.0 if they were taken; otherwise the seconds until they could be,
            and nothing was taken.
        """
        if not self.per_s:
            return 0.0
        if now > self.at:
            self.level = min(self.burst, self.level + (now - self.at) * self.per_s)
            self.at = now
        if self.level >= cost - TOLERANCE:
            self.level = max(0.0, self.level - cost)
            return 0.0
        return (cost - self.level) / self.per_s

    def wait(self, now: float, cost: float = 1.0) -> float:
        """How long `take` would have to wait; nothing is taken."""
        level = self._level(now)
        return 0.0 if level >= cost - TOLERANCE else (cost - level) / self.per_s

    def whole(self, now: float, most: int) -> int:
        """How many whole tokens are there now, counted up to `most`."""
        if not self.per_s:
            return most
        return min(most, int(self._level(now) + TOLERANCE))

    def is_full(self, now: float) -> bool:
        """Whether it is as if nobody had ever used it."""
        return self._level(now) >= self.burst - TOLERANCE

    def give_back(self, cost: float = 1.0) -> None:
        """Return what was taken for something that turned out to cost nothing."""
        self.level = min(self.burst, self.level + cost)

    def _level(self, now: float) -> float:
        return min(self.burst, self.level + max(0.0, now - self.at) * self.per_s)


def full_bucket(per_s: float, burst: float, now: float) -> Bucket:
    """A bucket that nobody has used yet."""
    return Bucket(per_s, burst, burst, now)


@attrs.define(eq=False)
class Buckets:
    """Buckets of one kind by key: an address, a name. A new key's is full.

    Where there is no room for a new key, all full buckets are forgotten, which
    changes nothing; if that is too few, an eighth of the table goes, those that
    were used least recently. So a key costs the same however many there are.

    Invariants: never more than `most` keys.
    """

    per_s: float
    """Tokens that come back each second."""
    burst: float
    """The most that one key can save up."""
    most: int = KEYS_MAX
    _kept: dict[str, Bucket] = attrs.field(factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        """How many keys have a bucket now."""
        return len(self._kept)

    def take(self, key: str, now: float, cost: float = 1.0) -> float:
        """Take `cost` tokens of a key, or learn how long that would have to wait.

        Returns:
            0.0 if they were taken; otherwise the seconds until they could be.
        """
        bucket = self._kept.get(key)
        if bucket is None:
            bucket = self._add(key, now)
        return bucket.take(now, cost)

    def wait(self, key: str, now: float, cost: float = 1.0) -> float:
        """How long `take` would have to wait; nothing is taken or kept."""
        bucket = self._kept.get(key)
        return 0.0 if bucket is None else bucket.wait(now, cost)

    def _add(self, key: str, now: float) -> Bucket:
        if len(self._kept) >= self.most:
            self._make_room(now)
        bucket = self._kept[key] = full_bucket(self.per_s, self.burst, now)
        return bucket

    def _make_room(self, now: float) -> None:
        kept = [item for item in self._kept.items() if not item[1].is_full(now)]
        stay = self.most - max(1, self.most // 8)
        if len(kept) > stay:
            kept.sort(key=lambda item: item[1].at)
            del kept[: len(kept) - stay]
        self._kept = dict(kept)


def address_key(address: str) -> str | None:
    """What limits per address count by: an IPv6 /64, which is one subscriber's.

    Args:
        address: Canonical, or `UNIX_PEER`.

    Returns:
        None for a Unix socket's peer: they are all one and the operator's.
    """
    if address == UNIX_PEER:
        return None
    if ":" not in address:
        return address
    return str(ipaddress.IPv6Network((address, _V6_BITS), strict=False))
