"""Whether a peer is alive, judged as a function of `now`. Pure.

Any byte from the peer is a sign of life. After `interval_s` without one a ping is
due. First the ping, then the check: a loop that was late never ends a connection
that it had not asked. The first ping comes early by chance, so that the clients of a
restart do not beat in step.

An answer can be expected only of a peer that has got the ping, which on a slow line
takes its time. So three cases are told apart:

* The ping **waits** in the outbox. Nothing is judged here: a peer that takes nothing of
  what waits is too slow, which `chatd.net.outlet` judges.
* Bytes are on their way **ahead** of it. Each look at which the peer has acknowledged
  more of them is a sign of life; `stall_s` without one is the end, and `timeout_s`
  where its machine does not answer at all.
* The peer **has** it. What its side has acknowledged is still to be read, by an
  application or a proxy that takes its time, at `SLOWEST_BYTES_PER_S` or more; from
  then on `timeout_s` of silence is the end.

While nothing is read from a peer its silence says nothing: `heard` is called when
reading goes on.

Source: protocol section 8.
"""

from __future__ import annotations

from enum import Enum, auto
from math import inf

import attrs

SLOWEST_BYTES_PER_S = 2048.0
"""How fast a peer reads what has reached its side, at the least. Source: half of the
4 kB/s of a bad line."""


class Beat(Enum):
    """What is due."""

    NOTHING = auto()
    PING = auto()
    """The peer was silent for the interval: ask it."""
    DEAD = auto()
    """It was silent since it was asked."""


@attrs.frozen
class Line:
    """What is known of the way to a peer at one moment."""

    sent: int = 0
    """How many bytes have left, in all."""
    taken: int = 0
    """How many of those its side has acknowledged, at the least."""
    queued: bool = False
    """Whether something waits that has not left yet."""
    ping_waits: bool = False
    """Whether a ping is among that."""
    pongs: int = 0
    """How many pongs have come, in all."""
    quiet_s: float = 0.0
    """How long nothing has left, at the least."""
    deaf_s: float = 0.0
    """How long the kernel has repeated itself without an answer."""


CLEAR = Line()
"""To a peer that was sent nothing."""


@attrs.define
class Heartbeat:
    """One peer's signs of life."""

    interval_s: float
    """Silence after which a ping is due; 0 is never."""
    timeout_s: float
    """Silence, since it can have got the ping, that ends the connection."""
    last: float
    """When the last byte came."""
    early_s: float = 0.0
    """How much earlier than `interval_s` the first ping comes."""
    stall_s: float = 0.0
    """How long nothing may be acknowledged of what is ahead of a ping, and how much
    longer than `timeout_s` the answer of a peer with much to read may take; 0 is no
    longer."""
    pinged: float | None = None
    """When a ping was made that nothing came after."""
    _judged_at: float = inf
    """When it is looked at again."""
    _ahead: int | None = None
    """Where the ping stands in all that is sent, at the most; None: not known yet."""
    _taken: int = 0
    """How much of that was acknowledged at the last look."""
    _taken_at: float | None = None
    """When that was found to have grown; None where nothing is ahead any more."""
    _read: int = 0
    """Up to where it has read all: a pong has said so."""
    _pongs: int = 0
    """How many had come when the ping was made."""

    def heard(self, now: float) -> None:
        """A byte came, or reading goes on after a pause."""
        self.last = now
        self.pinged = None

    def deadline(self) -> float:
        """When something will be due if nothing is heard until then."""
        if self.pinged is not None:
            return self._judged_at
        if not self.interval_s:
            return inf
        return self.last + self.interval_s - self.early_s

    def look_at(self, now: float) -> float:
        """When to look next at what is due.

        What is heard moves no alarm. So a peer that was sent a ping is looked at when
        it would be due for the next one, also where its silence is judged later: it
        has answered meanwhile.
        """
        deadline = self.deadline()
        if self.pinged is None or now >= self.pinged + self.interval_s:
            return deadline
        return min(deadline, self.pinged + self.interval_s)

    def due(self, now: float, line: Line = CLEAR) -> Beat:
        """Find what is due; a due ping counts as made.

        Args:
            now: The moment.
            line: The way to the peer; before the ping, if one is due.
        """
        if now < self.deadline():
            return Beat.NOTHING
        if self.pinged is None:
            self._ask(now, line)
            return Beat.PING
        return self._judge(now, line)

    def _ask(self, now: float, line: Line) -> None:
        if self._ahead is not None and line.pongs > self._pongs:
            self._read = self._ahead
        self._pongs = line.pongs
        self.pinged = now
        self.early_s = 0.0
        self._judged_at = now + self.timeout_s
        self._ahead = self._taken_at = None
        if line.queued:
            return
        self._ahead, self._taken = line.sent, line.taken
        if line.taken < line.sent:
            self._taken_at = now
        else:
            # Nothing is on its way, as is nearly always so: one look is enough.
            self._judged_at += self._reading_s(line.quiet_s)

    def _judge(self, now: float, line: Line) -> Beat:
        """Look at a peer that has been asked and has not answered."""
        if line.ping_waits:
            self._judged_at = now + self.timeout_s
            return Beat.NOTHING
        if self._ahead is None:
            self._ahead, self._taken, self._taken_at = line.sent, line.taken, now
        if self._taken_at is None:
            return Beat.DEAD
        if line.taken >= self._ahead:
            self._taken_at = None
            self._judged_at = now + self.timeout_s + self._reading_s(0.0)
            return Beat.NOTHING
        if line.taken > self._taken:
            self._taken, self._taken_at = line.taken, now
        end = self._taken_at + max(self.stall_s, self.timeout_s)
        self._judged_at = min(end, now + self.timeout_s)
        is_dead = now >= end or line.deaf_s >= self.timeout_s
        return Beat.DEAD if is_dead else Beat.NOTHING

    def _reading_s(self, quiet_s: float) -> float:
        """How long it may take to read what was sent ahead of the ping."""
        assert self._ahead is not None
        needed_s = (self._ahead - self._read) / SLOWEST_BYTES_PER_S - quiet_s
        return min(max(0.0, needed_s), self.stall_s)
