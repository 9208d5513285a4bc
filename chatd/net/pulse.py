"""One heartbeat for all connections: whoever is due in a second is seen to in it.

A task for each connection that sleeps until its next ping costs two wake-ups a
beat, 50 to 100 µs each on an idle machine. Here one task wakes for all, a ping is
one send, and a connection that says nothing costs one more wake-up, that of its
pong. Deadlines are rounded up to seconds that all connections share.

A connection is kept under its second and knows it, so that one that ends leaves
nothing here.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil, inf

import attrs
import trio

from chatd.errors import Ending
from chatd.net.door import Door
from chatd.net.heartbeat import Beat
from chatd.wire.framing import ping_frame

_PING = ping_frame()
_TURN = 64
"""So many are seen to before others have their turn."""


@attrs.define(eq=False)
class Pulse:
    """Who is due when.

    Invariants: a door is under the second that it knows (`Door.due_at`), or under
    none; every second with a door is in the heap.
    """

    _due: dict[int, dict[Door, None]] = attrs.field(factory=dict)
    _seconds: list[int] = attrs.field(factory=list)
    _alarm: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def run(self) -> None:
        """See to whoever is due, until cancelled.

        Cancellation: safe; nobody is pinged or judged any more.
        """
        while True:
            with trio.CancelScope(deadline=self._next()) as self._alarm:
                await trio.sleep_forever()
            seen = 0
            while self._next() <= trio.current_time():
                second = self._seconds[0]
                doors = self._due[second]
                while doors:
                    door, _ = doors.popitem()
                    self.watch(door)
                    seen += 1
                    if seen % _TURN == 0:
                        await trio.lowlevel.checkpoint()
                del self._due[heappop(self._seconds)]

    def watch(self, door: Door) -> None:
        """Do what is due for a door now, and come back when something will be."""
        self.forget(door)
        deadline = judge(door, trio.current_time())
        if door.finished or deadline == inf:
            return
        second = door.due_at = ceil(deadline)
        doors = self._due.get(second)
        if doors is None:
            doors = self._due[second] = {}
            heappush(self._seconds, second)
            self._alarm.deadline = min(self._alarm.deadline, second)
        doors[door] = None

    def forget(self, door: Door) -> None:
        """Let go of a door, if it is here."""
        doors = self._due.get(door.due_at)
        if doors is not None:
            doors.pop(door, None)

    def _next(self) -> float:
        return self._seconds[0] if self._seconds else inf


def judge(door: Door, now: float) -> float:
    """Ping, or end, a connection that is due, and say when it is due again."""
    beat = door.beat
    if not door.reading:
        beat.heard(now)
    if now < beat.deadline():
        return beat.deadline()
    due = beat.due(now, door.line())
    if due is Beat.PING:
        door.push_first(_PING)
    elif due is Beat.DEAD:
        # A loop that was busy for long has not read what came in time.
        if door.has_unread():
            beat.heard(now)
        else:
            door.finish(Ending.NO_PONG)
    return beat.deadline()
