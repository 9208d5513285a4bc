"""The fair queue: which connection's messages are handled next. Pure.

A turn of the hub handles so much and no more, so it matters in which order. Each
connection is served a few messages, then the next one is, however many the first has
left. Connections that have used little time lately are served before those that have
used much, except one in `HEAVY_EVERY`: a client that sends much, or what is expensive,
waits for itself, and others do not wait for it.

What was used leaks away with time, as a bucket fills. Both times are passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import attrs

from chatd.core.inputs import Closed
from chatd.wire.malformed import BadCommand

HEAVY_S = 0.001
"""Use of the loop from which on a connection is heavy. Source: measured, one of the
most expensive frames, or twenty ordinary messages."""
LEAK_S_PER_S = 0.0005
"""So much use is forgotten each second: a connection that stays below it is never
heavy. Source: ten ordinary messages; a hundred that stay below it use a twentieth."""
USED_S_MAX = 0.005
"""No more is remembered, so that it is forgotten in ten seconds."""
HEAVY_EVERY = 4
"""Of so many that are served one is heavy, if there is one: none starves."""


Message = bytes | BadCommand | Closed
"""A text frame, the reason why one is no command, or that none will follow."""


class Sender(Protocol):
    """A connection that sends."""

    inbox: list[Message]
    """What it has sent and is not handled yet."""
    used_s: float
    """Time of the loop that it has used, as far as that has not leaked away."""
    used_at: float
    """When `used_s` was true."""


@attrs.define(eq=False)
class Ready:
    """Senders with something in their inbox, each once.

    Invariants: a sender waits here if, and only if, its inbox is not empty and it is
    not being served.
    """

    _light: deque[Sender] = attrs.field(factory=deque)
    _heavy: deque[Sender] = attrs.field(factory=deque)
    _turns: int = 0
    _messages: int = 0

    def __len__(self) -> int:
        """How many messages wait."""
        return self._messages

    def add(self, sender: Sender, messages: Sequence[Message], now: float) -> None:
        """Take what a connection has sent."""
        waits = bool(sender.inbox)
        sender.inbox += messages
        self._messages += len(messages)
        if not waits:
            self._put(sender, now)

    def take(self) -> Sender:
        """Take the sender whose turn it is; one must be waiting."""
        self._turns += 1
        if self._light and (not self._heavy or self._turns % HEAVY_EVERY):
            return self._light.popleft()
        return (self._heavy or self._light).popleft()

    def served(self, sender: Sender, count: int, now: float) -> None:
        """Remove `count` handled messages of a sender; it waits again with the rest."""
        self._messages -= count
        del sender.inbox[:count]
        if sender.inbox:
            self._put(sender, now)

    def _put(self, sender: Sender, now: float) -> None:
        """Let a sender wait, behind others of its kind."""
        is_heavy = sender.used_s >= HEAVY_S and used_s(sender, now) >= HEAVY_S
        (self._heavy if is_heavy else self._light).append(sender)


def used_s(sender: Sender, now: float) -> float:
    """What a sender has used and has not leaked away by now."""
    return max(0.0, sender.used_s - (now - sender.used_at) * LEAK_S_PER_S)


def use(sender: Sender, seconds: float, now: float) -> None:
    """Count time of the loop that a sender has used."""
    sender.used_s = min(USED_S_MAX, used_s(sender, now) + seconds)
    sender.used_at = now
