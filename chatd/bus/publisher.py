"""What was published, until the server has confirmed it.

Publications wait, are handed over, and are confirmed in order by a reply for each. What
was handed over and not confirmed when a connection broke is handed over again by the
next: the server may have had it, and whoever follows gets it twice. All that is here
has a bound in bytes; beyond it all that waits is given up, and counted: so what was
published together with it, or later upon it, is not sent as if nothing was missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from chatd.bus.dialing import Away, Dialed
from chatd.bus.link import Link

MESSAGE_BYTES = 1_048_576
"""The longest message. A server ends who has more than 32 MiB waiting to be read, by
default."""
WAITING_BYTES = 16_777_216
"""Twenty thousand messages of 300 bytes in each of the two seconds after which a server
that has stopped is gone."""

_PUBLICATION = b"*3\r\n$8\r\nSPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"


@attrs.define(eq=False)
class Publisher:
    """Publishes, over one connection after the other.

    Args:
        prefix: What stands before a stream in the name of its channel.
        changed: Called when `is_complete` has changed to True.
        waiting_bytes: The most bytes that wait or are not confirmed.

    Attributes:
        lost: How many messages were given up: too many waiting, or too long.
        is_complete: Whether what is published is sent now, and taken.
    """

    _prefix: str
    _changed: Callable[[], None]
    _waiting_bytes: int = WAITING_BYTES
    lost: int = 0
    is_complete: bool = False
    _waiting: deque[bytes] = attrs.field(factory=deque)
    _sent: deque[bytes] = attrs.field(factory=deque)
    _bytes: int = 0
    """Of both."""
    _link: Link | None = None

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Queue messages, each with its stream."""
        prefix, waiting = self._prefix, self._waiting
        for stream, message in messages:
            if len(message) > MESSAGE_BYTES:
                self.lost += 1
                continue
            channel = (prefix + stream).encode()
            one = _PUBLICATION % (len(channel), channel, len(message), message)
            waiting.append(one)
            self._bytes += len(one)
        if self._bytes > self._waiting_bytes:
            self._bytes -= sum(map(len, waiting))
            self.lost += len(waiting)
            waiting.clear()
        if self._link is not None:
            self._link.wake()

    async def serve(self, dialed: Dialed) -> str:
        """Publish over a connection, for as long as it lasts; why it ended.

        Cancellation: safe.
        """
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._link = Link(dialed, self._take, self._got, self._is_alive)
        self._link.wake()
        try:
            return await self._link.run()
        finally:
            self.is_complete, self._link = False, None

    def _take(self) -> bytes:
        data = b"".join(self._waiting)
        self._sent.extend(self._waiting)
        self._waiting.clear()
        return data

    def _is_alive(self) -> None:
        # Not before: what waited may be what the server does not let us publish.
        if not self.is_complete:
            self.is_complete = True
            self._changed()

    def _got(self, _reply: Any) -> None:
        if not self._sent:
            raise Away("answers what it was not asked")
        self._bytes -= len(self._sent.popleft())
