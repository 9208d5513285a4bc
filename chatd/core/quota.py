"""Limits as values: token buckets that are functions of `now`.

A `Bucket` holds a level that rises with time and falls with use. It has no
clock and no task: whoever uses it passes the time in, so a test can ask about
any moment. A rate of 0 means no limit, as everywhere in the `[limits]` section.
"""

from __future__ import annotations

import attrs

TOLERANCE = 1e-6
"""Of a token. Whoever waits as long as he was told is let in, although seconds
since a far moment are rounded: after a hundred days by 1e-9."""


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

    def whole(self, now: float, most: int) -> int:
        """How many whole tokens are there now, counted up to `most`."""
        if not self.per_s:
            return most
        level = self.level + max(0.0, now - self.at) * self.per_s
        return min(most, int(min(self.burst, level) + TOLERANCE))

    def give_back(self, cost: float = 1.0) -> None:
        """Return what was taken for something that turned out to cost nothing."""
        self.level = min(self.burst, self.level + cost)


def full_bucket(per_s: float, burst: float, now: float) -> Bucket:
    """A bucket that nobody has used yet."""
    return Bucket(per_s, burst, burst, now)
