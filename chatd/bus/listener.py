"""Which streams are followed, and whether the server has confirmed them.

A change of what is followed goes out with all others that have gathered; of a stream
only the last one counts. The server confirms each channel, in the order of the
commands. After a connection all that is followed is asked for anew, and nothing counts
as followed until the last of that is confirmed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import attrs
import trio

from chatd.bus.dialing import Away, Dialed, packed
from chatd.bus.link import Link

CHANNELS = 1000
"""Of one command: the server does nothing else meanwhile."""

_MESSAGE, _CONFIRMED = b"smessage", (b"ssubscribe", b"sunsubscribe")


@attrs.define(eq=False)
class Listener:
    """Follows streams, over one connection after the other.

    Args:
        prefix: What stands before a stream in the name of its channel.
        changed: Called when `is_complete` has changed to True.

    Attributes:
        is_complete: Whether all arrives that was followed when this connection began,
            and since then as far as it is confirmed.
    """

    _prefix: str
    _changed: Callable[[], None]
    heard: Callable[[str, bytes], None] = attrs.field(init=False)
    """Takes each message, with its stream."""
    is_complete: bool = False
    _streams: dict[bytes, str] = attrs.field(factory=dict)
    """All that is followed, by their channels."""
    _changes: dict[bytes, bool] = attrs.field(factory=dict)
    """What the server has not been asked for: whether to follow."""
    _asked: int = 0
    """How often something was to be changed."""
    _answered: int = 0
    """Of those, up to which all is confirmed."""
    _pending: deque[tuple[int, int]] = attrs.field(factory=deque)
    """What was asked together: how many confirmations it lacks, and what `_answered`
    is then."""
    _moved: trio.Event = attrs.field(factory=trio.Event)
    _link: Link | None = None

    def follow(self, streams: Iterable[str], unfollow: Iterable[str] = ()) -> None:
        """Follow streams, and others no longer."""
        changes = self._changes
        for stream in unfollow:
            channel = (self._prefix + stream).encode()
            if self._streams.pop(channel, None) is not None:
                changes[channel] = False
        for stream in streams:
            channel = (self._prefix + stream).encode()
            if channel not in self._streams:
                self._streams[channel] = stream
                changes[channel] = True
        if changes:
            self._asked += 1
            if self._link is not None:
                self._link.wake()

    async def following(self) -> None:
        """Wait until all that is followed now arrives, however long there is no server.

        Cancellation: safe.
        """
        mark = self._asked
        while not (self.is_complete and self._answered >= mark):
            await self._moved.wait()

    async def serve(self, dialed: Dialed) -> str:
        """Listen on a connection, for as long as it lasts; why it ended.

        Cancellation: safe.
        """
        self._pending.clear()
        self._changes = dict.fromkeys(self._streams, True)
        self._asked += 1  # so that there is something to confirm, if only that
        self._link = Link(dialed, self._take, self._got, self._is_alive)
        self._link.wake()
        try:
            return await self._link.run()
        finally:
            self.is_complete, self._link = False, None

    def _take(self) -> bytes:
        changes, self._changes = self._changes, {}
        if changes or not (self.is_complete or self._pending):
            self._pending.append((len(changes), self._asked))
        on = [channel for channel, follows in changes.items() if follows]
        off = [channel for channel, follows in changes.items() if not follows]
        commands = *_commands(b"SSUBSCRIBE", on), *_commands(b"SUNSUBSCRIBE", off)
        return b"".join(commands)

    def _is_alive(self) -> None:
        # Nothing was followed when this connection began, so nothing confirms it.
        if self._pending and not self._pending[0][0]:
            self._confirm(self._pending.popleft()[1])

    def _got(self, reply: Any) -> None:
        kind = reply[0] if isinstance(reply, list) and reply else None
        if kind == _MESSAGE:
            stream = self._streams.get(reply[1])
            if stream is not None:
                self.heard(stream, reply[2])
        elif kind in _CONFIRMED and self._pending:
            self._is_alive()
            lacking, mark = self._pending.popleft()
            if lacking > 1:
                self._pending.appendleft((lacking - 1, mark))
            else:
                self._confirm(mark)
        else:
            raise Away("answers what it was not asked")

    def _confirm(self, mark: int) -> None:
        self._answered = mark
        self._moved.set()
        self._moved = trio.Event()
        if not self.is_complete:
            self.is_complete = True
            self._changed()


def _commands(name: bytes, channels: Sequence[bytes]) -> list[bytes]:
    """Ask for channels, some at once."""
    rest = iter(channels)
    found = []
    while some := list(islice(rest, CHANNELS)):
        found.append(packed(name, *some))
    return found
