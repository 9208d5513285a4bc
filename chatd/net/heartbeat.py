"""Whether a peer is alive, judged as a function of `now`. Pure.

Any byte from the peer is a sign of life. After `interval_s` without one a ping
is due; after `timeout_s` without one since that ping the peer is gone. First the
ping, then the check: a loop that was late never ends a connection that it had
not asked. The first ping comes early by chance, so that the clients of a restart
do not beat in step.

While nothing is read from a peer its silence says nothing: `heard` is called
when reading goes on.

Source: protocol section 8.
"""

from __future__ import annotations

from enum import Enum, auto
from math import inf

import attrs


class Beat(Enum):
    """What is due."""

    NOTHING = auto()
    PING = auto()
    """The peer was silent for the interval: ask it."""
    DEAD = auto()
    """It was silent since it was asked."""


@attrs.define
class Heartbeat:
    """One peer's signs of life."""

    interval_s: float
    """Silence after which a ping is due; 0 is never."""
    timeout_s: float
    """Silence after a ping that ends the connection."""
    last: float
    """When the last byte came."""
    early_s: float = 0.0
    """How much earlier than `interval_s` the first ping comes."""
    pinged: float | None = None
    """When a ping went out that nothing came after."""

    def heard(self, now: float) -> None:
        """A byte came, or reading goes on after a pause."""
        self.last = now
        self.pinged = None

    def deadline(self) -> float:
        """When something will be due if nothing is heard until then."""
        if self.pinged is not None:
            return self.pinged + self.timeout_s
        if not self.interval_s:
            return inf
        return self.last + self.interval_s - self.early_s

    def due(self, now: float) -> Beat:
        """Find what is due; a due ping counts as sent."""
        if now < self.deadline():
            return Beat.NOTHING
        if self.pinged is not None:
            return Beat.DEAD
        self.pinged = now
        self.early_s = 0.0
        return Beat.PING
