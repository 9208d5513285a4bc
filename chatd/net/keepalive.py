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
from chatd.net.heartbeat import Beat
from chatd.net.websocket import WebSocketStream
from chatd.wire.framing import ping_frame

_PING = ping_frame()
_TURN = 64
"""So many are seen to before others have their turn."""


@attrs.define(eq=False)
class KeepAliveScheduler:
    """Who is due when.

    Invariants: a stream is under the second that it knows (its `due_at`), or under
    none; every second with a stream is in the heap.
    """

    _due: dict[int, dict[WebSocketStream, None]] = attrs.field(factory=dict)
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
                streams = self._due[second]
                while streams:
                    stream, _ = streams.popitem()
                    self.watch(stream)
                    seen += 1
                    if seen % _TURN == 0:
                        await trio.lowlevel.checkpoint()
                del self._due[heappop(self._seconds)]

    def watch(self, stream: WebSocketStream) -> None:
        """Do what is due for a stream now, and come back when something will be."""
        self.forget(stream)
        deadline = judge(stream, trio.current_time())
        if stream.finished or deadline == inf:
            return
        second = stream.due_at = ceil(deadline)
        streams = self._due.get(second)
        if streams is None:
            streams = self._due[second] = {}
            heappush(self._seconds, second)
            self._alarm.deadline = min(self._alarm.deadline, second)
        streams[stream] = None

    def forget(self, stream: WebSocketStream) -> None:
        """Let go of a stream, if it is here."""
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
        return beat.deadline()
    due = beat.due(now, stream.line())
    if due is Beat.PING:
        stream.push_first(_PING)
    elif due is Beat.DEAD:
        # A loop that was busy for long has not read what came in time.
        if stream.has_unread():
            beat.heard(now)
        else:
            stream.finish(Ending.NO_PONG)
    return beat.deadline()
