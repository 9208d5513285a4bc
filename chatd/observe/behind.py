"""Where the text of the log goes: at once, or from a thread that may wait.

Who reads standard error can stop reading: a pipe that is full, a terminal that is held,
a journal that is being restarted. So the daemon writes from a thread of its own. What
its queue does not take is not written, and counted; the count is a line in its place.
Nothing here is waited for without a bound.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Lock, RLock, Thread
from typing import Any, Protocol, TextIO

import attrs

LINES_MAX = 2048
"""Entries that wait for the thread: half a megabyte of usual ones."""

_ENTRIES_AT_ONCE = 256
"""Entries of one call of the kernel."""


class Sink(Protocol):
    """Takes the text of the log."""

    def write(self, text: str) -> None:
        """Write one entry, with its end of line."""

    def flush(self, limit_s: float, /) -> bool:
        """Wait until all that was written before is there.

        Args:
            limit_s: How long at most.

        Returns:
            Whether it is there.
        """


@attrs.define(eq=False)
class Direct:
    """Writes to a stream, and waits for it.

    Args:
        stream: The stream; None for standard error, whatever that is at the time.
    """

    _stream: TextIO | None = None
    # The store's threads have something to tell, too.
    _lock: Lock = attrs.field(factory=Lock, init=False)

    def write(self, text: str) -> None:
        """Write one entry."""
        stream = sys.stderr if self._stream is None else self._stream
        with self._lock:
            stream.write(text)
            stream.flush()

    def flush(self, _limit_s: float) -> bool:
        """Nothing is kept."""
        return True


@attrs.define(eq=False)
class Behind:
    """Writes to a descriptor from a thread, which lives as long as the process.

    Args:
        fd: The descriptor.
        say: Makes the entry that tells how many were not written.

    Invariants: entries are written in the order in which they came.
    """

    _fd: int
    _say: Callable[[int], str]
    _queue: SimpleQueue[str | Event] = attrs.field(factory=SimpleQueue, init=False)
    # A signal may come in the middle of a call, and have something to tell.
    _lock: Any = attrs.field(factory=RLock, init=False)
    _unwritten: int = attrs.field(default=0, init=False)
    """Since it was told last."""

    def __attrs_post_init__(self) -> None:
        """Start the thread; it holds up no end of the process."""
        Thread(target=self._run, name="log", daemon=True).start()

    def write(self, text: str) -> None:
        """Queue one entry, or count it where the queue is full. Never waits."""
        with self._lock:
            if self._queue.qsize() >= LINES_MAX:
                self._unwritten += 1
                return
            self._tell_unwritten()
            self._queue.put(text)

    def flush(self, limit_s: float) -> bool:
        """Wait until all that was queued before is written."""
        done = Event()
        with self._lock:
            self._tell_unwritten()
        self._queue.put(done)
        return done.wait(limit_s)

    def _tell_unwritten(self) -> None:
        count, self._unwritten = self._unwritten, 0
        if count:
            self._queue.put(self._say(count))

    def _run(self) -> None:
        while True:
            gathered = self._gather()
            text = "".join(one for one in gathered if isinstance(one, str))
            if not self._put(text.encode()):
                with self._lock:
                    self._unwritten += text.count("\n")
            elif self._queue.empty():
                with self._lock:
                    self._tell_unwritten()
            for one in gathered:
                if isinstance(one, Event):
                    one.set()

    def _gather(self) -> list[str | Event]:
        """Wait for something, and take what else is there."""
        gathered = [self._queue.get()]
        while len(gathered) < _ENTRIES_AT_ONCE:
            try:
                gathered.append(self._queue.get_nowait())
            except Empty:
                break
        return gathered

    def _put(self, data: bytes) -> bool:
        """Write, and wait for that; whether it could be written."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                # Whoever shares the descriptor may have made it so.
                room = select.poll()
                room.register(self._fd, select.POLLOUT)
                room.poll()
            except OSError:
                return False
        return True
