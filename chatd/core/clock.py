"""What is certain about the time, whatever the clock says.

A machine's clock may be wrong for a while: it has no battery, its network came late,
somebody mistyped. What the clock says is told and stamped all the same, since nobody
knows better; but what cannot be undone is not done because of it. So beside the time
that is **told** there is one that is **certain**: it has at least been reached. Ages
are counted by it.

Two clocks are compared: the one on the wall, which may be set, and the one that
counts from the start of the machine and goes on while it sleeps, which nobody sets.
As long as both advance alike, the wall clock is trusted and is certain. When it has
jumped, or says at the start something else than the store remembers, there is a
**doubt**, and the certain time goes on by the other clock alone. The doubt ends when
the two agree again, or when the wall clock has run steadily for so long that whoever
is responsible for it must have meant it; sooner, where it is kept by the network.

A zone or summer time is no matter here: all is UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

import attrs

from chatd.core.inputs import Now
from chatd.wire.events import Millis

SLIP_MS = 10_000
"""A smaller step is how clocks are kept right, and none. Source: ntpd slews less than
128 ms and chrony less than a second at a usual setting; a leap second is one."""
STEADY_S = 3600.0
"""How long a clock that disagrees must run to be believed."""
SYNCHRONIZED_S = 600.0
"""The same where the network keeps it meanwhile. Not at once: whoever asks one server
alone, as systemd does, believes whatever that says."""
UNSEEN_MS = 3_600_000
"""How much later than the store remembers it may be at a start without a doubt: a
restart, and as long as the store's memory is old at the most."""
RIGHT_MS = 1_767_225_600_000
"""No clock that is right says less: the beginning of 2026, when there was no chatd."""


class Doubt(StrEnum):
    """Why the wall clock is not trusted."""

    AHEAD = "ahead"
    """It is later than is certain."""
    BEHIND = "behind"
    """It has gone back."""
    UNSET = "unset"
    """It was behind from the start on: nobody has set it, or the store is wrong. What
    is certain is told; nothing ends by it, unless the clock cannot be right."""


@attrs.frozen
class Reading:
    """Both clocks, read in one moment."""

    wall: Millis
    boot_s: float
    """Seconds since the machine was started, its sleep among them."""
    synchronized: bool = False
    """Whether the network keeps the wall clock; not everywhere can that be told."""


@attrs.define(eq=False)
class Clock:
    """The time that is told, and the one that is certain."""

    doubt: Doubt | None = attrs.field(init=False, default=None)
    off_ms: Millis = attrs.field(init=False, default=0)
    """How far the wall clock is from what is certain, while there is a doubt."""
    jumps: int = attrs.field(init=False, default=0)
    """How often it has jumped."""
    _certain: Millis
    _last: Reading
    _mono: float
    _steady_since: float
    _unseen_ms: Millis

    @classmethod
    def started(cls, known: Millis | None, reading: Reading, mono: float) -> Self:
        """Begin with what the store knows.

        Args:
            known: What was certain when the store was written last; None: nothing
                is, as in a new one.
            reading: Both clocks.
            mono: The same moment on the clock of the deadlines.
        """
        certain = reading.wall if known is None else known
        clock = cls(certain, reading, mono, reading.boot_s, UNSEEN_MS)
        clock._judge(Doubt.UNSET)
        return clock

    def read(self, reading: Reading, mono: float) -> Millis | None:
        """Compare the clocks; to be done every few seconds.

        Returns:
            By how much the wall clock has jumped since the last time; None: it has
            not.
        """
        elapsed_ms = round(max(0.0, reading.boot_s - self._last.boot_s) * 1000)
        step_ms = reading.wall - self._last.wall - elapsed_ms
        self._certain += elapsed_ms
        self._last, self._mono = reading, mono
        if abs(step_ms) <= SLIP_MS:
            self._judge(Doubt.UNSET if self.doubt is Doubt.UNSET else Doubt.BEHIND)
            return None
        self.jumps += 1
        self._steady_since = reading.boot_s
        self._judge(Doubt.BEHIND)
        return step_ms

    def _judge(self, behind: Doubt) -> None:
        """Trust the wall clock, or say why not."""
        wall, steady_s = self._last.wall, self._last.boot_s - self._steady_since
        off_ms = wall - self._certain
        agrees = -SLIP_MS <= off_ms <= self._unseen_ms + SLIP_MS
        long_s = SYNCHRONIZED_S if self._last.synchronized else STEADY_S
        if agrees or (steady_s >= long_s and wall >= RIGHT_MS):
            self._certain, self._unseen_ms = wall, 0
            self.doubt, self.off_ms = None, 0
        else:
            self.doubt = Doubt.AHEAD if off_ms > 0 else behind
            self.off_ms = off_ms

    def now(self, mono: float, wall: Millis) -> Now:
        """Say what time it is; the arguments are those of `tell`."""
        now = Now(mono, wall)
        self.tell(now, mono, wall)
        return now

    def tell(self, now: Now, mono: float, wall: Millis) -> None:
        """Write down what time it is.

        Args:
            now: Where to.
            mono: The moment on the clock of the deadlines.
            wall: What the wall clock says.
        """
        certain = self._certain + int((mono - self._mono) * 1000)
        told = sure = wall
        if self.doubt is Doubt.UNSET and wall < certain:
            told = certain
            if wall < RIGHT_MS:
                sure = certain
        # Until the next reading nobody knows of a jump.
        most = certain + SLIP_MS
        now.mono, now.wall, now.certain = mono, told, certain
        now.sure = min(most, sure)
