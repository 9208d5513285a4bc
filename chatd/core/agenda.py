"""What is due when: deadlines of the chat, as a heap of moments.

There is one deadline of each kind for each thing, so asking for it again moves it,
and one that is taken back is gone. In the heap it stays until it comes to the top,
or until those that are gone are more than those that are not: then the heap is made
anew, which costs no more than they did. So what was asked for and taken back a
million times takes no space, and whoever is told of a deadline need not ask whether
a later one has replaced it.
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
    FORGET_INVITE = auto()
    RETENTION = auto()
    TRIM = auto()
    EXPIRY = auto()
    EMPTY = auto()
    BAN = auto()
    MUTE = auto()
    ADDRESS_BANS = auto()
    IDLE = auto()
    UNHELD = auto()
    HOLE = auto()
    SOUGHT = auto()
    UNSURE = auto()


DeadlineKey = (
    ConnectionId | UserName | RoomName | SessionId | tuple[UserName, RoomName] | None
)


@attrs.define(eq=False)
class Agenda:
    """Deadlines, the earliest first; those of one moment in the order of asking.

    Invariants: every deadline is in the heap with the number that `_asked` has;
    at least half of the heap are deadlines.
    """

    _heap: list[tuple[float, int, Due, DeadlineKey]] = attrs.field(factory=list)
    _asked: dict[tuple[Due, DeadlineKey], int] = attrs.field(factory=dict)
    _number: int = 0

    def __len__(self) -> int:
        """How many deadlines there are."""
        return len(self._asked)

    def has(self, due: Due, key: DeadlineKey) -> bool:
        """Whether there is such a deadline."""
        return (due, key) in self._asked

    def keys(self, due: Due) -> set[DeadlineKey]:
        """What has a deadline of this kind."""
        return {key for kind, key in self._asked if kind is due}

    def add(self, at: float, due: Due, key: DeadlineKey) -> None:
        """Ask to be told at `at`, and not when it was asked for before."""
        self._number += 1
        self._asked[due, key] = self._number
        heapq.heappush(self._heap, (at, self._number, due, key))
        self._tidy()

    def cancel(self, due: Due, key: DeadlineKey) -> None:
        """Take a deadline back, if there is one."""
        if self._asked.pop((due, key), None) is not None:
            self._tidy()

    def next(self) -> float | None:
        """When something is due next, or None."""
        heap = self._heap
        while heap and not self._holds(heap[0]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop(self, now: float) -> tuple[Due, DeadlineKey] | None:
        """Take one deadline that has come, or None."""
        at = self.next()
        if at is None or at > now:
            return None
        _, _, due, key = heapq.heappop(self._heap)
        del self._asked[due, key]
        return due, key

    def _holds(self, entry: tuple[float, int, Due, DeadlineKey]) -> bool:
        _, number, due, key = entry
        return self._asked.get((due, key)) == number

    def _tidy(self) -> None:
        """Make the heap anew if most of it was taken back."""
        if len(self._heap) > 2 * len(self._asked):
            self._heap = [entry for entry in self._heap if self._holds(entry)]
            heapq.heapify(self._heap)
