"""What is due when: deadlines of the chat, as a heap of moments.

A deadline is never taken back. Whoever is told of one looks whether there is
still a reason; most have gone by then.
"""

from __future__ import annotations

import heapq
from enum import Enum, auto

import attrs

from chatd.ids import ConnectionId, RoomName, SessionId, UserName


class Due(Enum):
    """What a deadline is for."""

    LOGIN = auto()
    GRACE = auto()
    PRESENCE = auto()
    GUEST = auto()
    MARKS = auto()
    FORGET_SESSION = auto()
    RETENTION = auto()
    TRIM = auto()
    EXPIRY = auto()


DeadlineKey = ConnectionId | UserName | RoomName | SessionId | None


@attrs.define(eq=False)
class Agenda:
    """Deadlines, the earliest first; those of one moment in the order of asking."""

    _heap: list[tuple[float, int, Due, DeadlineKey]] = attrs.field(factory=list)
    _number: int = 0

    def add(self, at: float, due: Due, key: DeadlineKey) -> None:
        """Ask to be told at `at`; whoever is told looks whether it still holds."""
        self._number += 1
        heapq.heappush(self._heap, (at, self._number, due, key))

    def next(self) -> float | None:
        """When something is due next, or None."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> tuple[Due, DeadlineKey] | None:
        """Take one deadline that has come, or None."""
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, due, key = heapq.heappop(self._heap)
        return due, key
