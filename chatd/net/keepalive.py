"""The keep-alive scheduler: one task pings and judges all connections.

A task for each connection that sleeps until its next ping would cost two wake-ups a
ping, 50 to 100 µs each on an idle machine. Here one task wakes for all, a ping is
one send, and an idle connection costs one more wake-up, that of its pong. Deadlines
are rounded up to whole seconds, so that connections share them.

Each connection is filed under its second and knows it (`due_at`), so that one that
ends is taken out at once.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil, inf

import attrs
import trio

from chatd.errors import Ending
from chatd.net.heartbeat import Beat
from chatd.net.websocket import WebSocketStream
from chatd.wire.framing import ping_frame

_PING = ping_frame()
_TURN = 64
"""So many are judged before other tasks have their turn."""


@attrs.define(eq=False)
class KeepAliveScheduler:
    """Which connection is to be pinged or judged when.

    Invariants: a stream is under the second that it knows (its `due_at`), or under
    none; every second with a stream is in the heap.
    """

    _due: dict[int, dict[WebSocketStream, None]] = attrs.field(factory=dict)
    _seconds: list[int] = attrs.field(factory=list)
    _alarm: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def run(self) -> None:
        """Ping and judge connections when they are due, until cancelled.

        Cancellation: safe; no connection is pinged or judged any more.
        """
        while True:
            with trio.CancelScope(deadline=self._next()) as self._alarm:
                await trio.sleep_forever()
            seen = 0
            while self._next() <= trio.current_time():
                second = self._seconds[0]
                streams = self._due[second]
                while streams:
                    stream, _ = streams.popitem()
                    self.watch(stream)
                    seen += 1
                    if seen % _TURN == 0:
                        await trio.lowlevel.checkpoint()
                del self._due[heappop(self._seconds)]

    def watch(self, stream: WebSocketStream) -> None:
        """Do what is due for a stream now, and schedule what comes next."""
        self.forget(stream)
        deadline = judge(stream, trio.current_time())
        if stream.outlet.finished or deadline == inf:
            return
        second = stream.due_at = ceil(deadline)
        streams = self._due.get(second)
        if streams is None:
            streams = self._due[second] = {}
            heappush(self._seconds, second)
            self._alarm.deadline = min(self._alarm.deadline, second)
        streams[stream] = None

    def forget(self, stream: WebSocketStream) -> None:
        """Take a stream out of the schedule, if it is there."""
        streams = self._due.get(stream.due_at)
        if streams is not None:
            streams.pop(stream, None)

    def _next(self) -> float:
        return self._seconds[0] if self._seconds else inf


def judge(stream: WebSocketStream, now: float) -> float:
    """Ping, or end, a connection that is due, and say when it is due again."""
    beat = stream.beat
    if not stream.reading:
        beat.heard(now)
    if now < beat.deadline():
        return beat.look_at(now)
    due = beat.due(now, stream.line())
    if due is Beat.PING:
        stream.outlet.push_control(_PING)
    elif due is Beat.DEAD:
        # A loop that was busy for long has not read what came in time.
        if stream.has_unread():
            beat.heard(now)
        else:
            stream.outlet.finish(Ending.NO_PONG)
    return beat.look_at(now)
