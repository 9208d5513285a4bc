"""How fast a count goes, over the last minute.

It is noted where something wakes up anyway, every five seconds or so.
"""

from __future__ import annotations

from collections import deque

import attrs

WINDOW_S = 60.0
"""What is looked back on. Source: the first of the load averages of Unix."""


@attrs.define
class Pace:
    """What a count was at some moments of the last minute."""

    _notes: deque[tuple[float, int]] = attrs.field(factory=deque)

    def note(self, now: float, count: int) -> None:
        """Keep the count of this moment, and one that is a minute old."""
        self._notes.append((now, count))
        while len(self._notes) > 1 and self._notes[1][0] <= now - WINDOW_S:
            self._notes.popleft()

    def per_s(self, now: float, count: int) -> float:
        """How much it has grown each second since the oldest note; 0.0 without one."""
        if not self._notes:
            return 0.0
        then, before = self._notes[0]
        return round((count - before) / (now - then), 2) if now > then else 0.0
