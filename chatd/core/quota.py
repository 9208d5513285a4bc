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
from enum import IntEnum

import attrs

from chatd.config import Limits

TOLERANCE = 1e-6
"""Of a token. Whoever waits as long as he was told is let in, although seconds
since a far moment are rounded: after a hundred days by 1e-9."""

KEYS_MAX = 16_384
"""Keys in one table: about 5 MB, and more addresses than `connections_max` has
connections. To have a bucket that is not full forgotten, somebody needs so many
addresses, and could as well use them."""

HOUR_S = 3600.0
DAY_S = 86_400.0

UNIX_PEER = "unix"
"""The address of whoever comes through a Unix socket."""
_V6_BITS = 64


@attrs.define
class Bucket:
    """A token bucket: `burst` at once, `per_s` in the long run.

    Invariants: `level <= burst`, and only `owe` takes it below 0; `at` never
    moves back.
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
            and nothing was taken. Never enough for more than the burst.
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
        if not self.per_s:
            return 0.0
        level = self._level(now)
        return 0.0 if level >= cost - TOLERANCE else (cost - level) / self.per_s

    def whole(self, now: float, most: int) -> int:
        """How many whole tokens are there now, counted up to `most`."""
        if not self.per_s:
            return most
        return max(0, min(most, int(self._level(now) + TOLERANCE)))

    def is_full(self, now: float) -> bool:
        """Whether it is as if nobody had ever used it."""
        return not self.per_s or self._level(now) >= self.burst - TOLERANCE

    def owe(self, cost: float) -> None:
        """Pay for something that is done already, if need be on credit."""
        if self.per_s:
            self.level -= cost

    def give_back(self, cost: float = 1.0) -> None:
        """Return what was taken for something that turned out to cost nothing."""
        self.level = min(self.burst, self.level + cost)

    def adjust(self, per_s: float, burst: float) -> None:
        """Go on with other settings; one that had no limit begins full.

        What has come back since it was used last counts by them.
        """
        if (per_s, burst) != (self.per_s, self.burst):
            full = not self.per_s
            self.per_s, self.burst = per_s, burst
            self.level = burst if full else min(self.level, burst)

    def _level(self, now: float) -> float:
        return min(self.burst, self.level + max(0.0, now - self.at) * self.per_s)


def full_bucket(per_s: float, burst: float, now: float) -> Bucket:
    """A bucket that nobody has used yet."""
    return Bucket(per_s, burst, burst, now)


def adjusted(kept: Bucket | None, per_s: float, burst: float, now: float) -> Bucket:
    """The bucket by the settings in force; one that nobody has used yet if it is None.

    Args:
        kept: What there is of it.
        per_s: Tokens that come back each second.
        burst: The most that can be saved up.
        now: The moment.
    """
    if kept is None:
        return full_bucket(per_s, burst, now)
    kept.adjust(per_s, burst)
    return kept


@attrs.define(eq=False)
class Buckets:
    """Buckets of one kind by key: an address, a name. A new key's is full.

    Where there is no room for a new key, all full buckets are forgotten, which
    changes nothing; if that is too few, an eighth of the table goes, those that
    were used least recently. So a key costs the same however many there are.

    Invariants: never more than `most` keys.
    """

    per_s: float
    """Tokens that come back each second; 0 is no limit, and nothing is kept."""
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
        if not self.per_s:
            return 0.0
        bucket = self._kept.get(key)
        if bucket is None:
            bucket = self._add(key, now)
        return bucket.take(now, cost)

    def wait(self, key: str, now: float, cost: float = 1.0) -> float:
        """How long `take` would have to wait; nothing is taken or kept."""
        bucket = self._kept.get(key)
        if bucket is None:
            bucket = full_bucket(self.per_s, self.burst, now)
        return bucket.wait(now, cost)

    def adjust(self, per_s: float, burst: float) -> None:
        """Go on with other settings, also for the keys that have a bucket."""
        self.per_s, self.burst = per_s, burst
        for bucket in self._kept.values():
            bucket.adjust(per_s, burst)

    def give_back(self, key: str, cost: float = 1.0) -> None:
        """Return to a key what was taken for something that cost nothing."""
        bucket = self._kept.get(key)
        if bucket is not None:
            bucket.give_back(cost)

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


@attrs.define(eq=False)
class Shares:
    """What each address has used of what all behind it may do together."""

    messages: Buckets = attrs.field(factory=lambda: Buckets(0.0, 0.0))
    creations: Buckets = attrs.field(factory=lambda: Buckets(0.0, 0.0))
    guest_bytes: Buckets = attrs.field(factory=lambda: Buckets(0.0, 0.0))

    def adjust(self, limits: Limits) -> None:
        """Go on with these limits."""
        factor, day = limits.address_factor, limits.guest_bytes_per_d
        per_s, burst = limits.messages_per_s, limits.messages_burst
        self.messages.adjust(per_s * factor, burst * factor)
        per_s, burst = limits.creations_per_h / HOUR_S, limits.creations_burst
        self.creations.adjust(per_s * factor, burst * factor)
        self.guest_bytes.adjust(day / DAY_S, day)


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


class Space(IntEnum):
    """Who may still add to the store, by the space that is free where it is."""

    AMPLE = 0
    """Everybody."""
    SCARCE = 1
    """Accounts only: guests are refused first."""
    NONE = 2
    """Nobody. Reading goes on, and so does what takes away."""


def space_of(free_bytes: int, bytes_min: int, before: Space) -> Space:
    """Judge the free space.

    Args:
        free_bytes: What is free.
        bytes_min: Below it guests are refused, below half of it everybody; 0 is
            no bound.
        before: What was judged last. It takes a tenth more to be let in again, so
            that what is freed and used again is not news each time.
    """
    found = Space.AMPLE
    for worse, bound in ((Space.SCARCE, bytes_min), (Space.NONE, bytes_min // 2)):
        enough = bound + bound // 10 if before >= worse else bound
        if free_bytes < enough:
            found = worse
    return found
