"""One connection after the other: is it alive, and when is the next one due.

Three questions, each answered from times that are passed in:

* **Is anybody there?** After silence a `ping` is due; after silence upon the
  ping, or upon `hello`, the connection is to be given up. Any byte is a sign of life,
  since a large frame takes its time on a slow line; and the server can answer only
  what has been sent. While nothing is read, nobody is judged.
* **May we come back?** A close code says so. Where the transport ended without
  one, the `bye` before it speaks for it.
* **When?** After what the server asked for, else after a random part of 1 s,
  doubled with each failure up to 30 s. `welcome` starts anew.

No I/O, no clock; randomness is passed in.
"""

from __future__ import annotations

import math
from enum import Enum, auto
from random import Random

import attrs

from chatd.client.frames import Frame, need, seconds
from chatd.errors import Ending

WELCOME_TIMEOUT_S = 30.0
"""How long `hello` may stay unanswered. Source: `auth.login_timeout_s`."""
ANSWER_TIMEOUT_S = 10.0
"""How long `ping` may stay unanswered. Source: protocol section 8."""
HEARTBEAT_S = 25.0
"""Where `welcome` names none. Source: `heartbeat.interval_s`."""
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 30.0
"""Source: protocol section 8, 1 s doubling to 30 s, each with full jitter."""
AFTER_MAX_S = 300.0
"""No server can send a client away for longer than this."""
REASONS = {ending.code: ending.reason for ending in reversed(Ending)}
"""The word for each close code, and for None."""
FINAL_CODES = frozenset({1000, 1002, 1007, 1008, *range(4500, 5000)})
"""Close codes that say stop. Source: protocol section 8."""


class Beat(Enum):
    """What silence asks for."""

    NOTHING = auto()
    PING = auto()
    HANG_UP = auto()


@attrs.define
class Lifeline:
    """What is known about the connection, and about those before it."""

    _rng: Random
    judged_at: float = attrs.field(default=math.inf, init=False)
    """When silence will have lasted too long."""
    _welcomed: bool = attrs.field(default=False, init=False)
    _pinged: bool = attrs.field(default=False, init=False)
    _asking: bool = attrs.field(default=False, init=False)
    """Whether `hello` or the ping is still to be sent."""
    _silence_s: float = attrs.field(default=2 * HEARTBEAT_S, init=False)
    """How long nothing may be heard before it is asked."""
    _failures: int = attrs.field(default=0, init=False)
    _bye_code: int | None = attrs.field(default=None, init=False)
    _after: float | None = attrs.field(default=None, init=False)

    def opened(self, now: float) -> None:
        """Take a new connection, on which `hello` is sent."""
        self._welcomed = self._pinged = False
        self._asking = True
        self._bye_code = self._after = None
        self.judged_at = now + WELCOME_TIMEOUT_S

    def welcomed(self, welcome: Frame) -> None:
        """Take the answer to `hello`."""
        self._welcomed = True
        self._failures = 0
        beat = seconds(welcome.get("heartbeat"), AFTER_MAX_S) or HEARTBEAT_S
        timeout = seconds(welcome.get("heartbeat_timeout"), AFTER_MAX_S) or beat
        self._silence_s = beat + timeout

    def sent(self, now: float) -> None:
        """All that was to be sent has left: an answer is waited for from now on."""
        if self._asking:
            self._asking = False
            self.judged_at = now + (
                ANSWER_TIMEOUT_S if self._welcomed else WELCOME_TIMEOUT_S
            )

    def paused(self) -> None:
        """Nothing is read for a while, until `heard`."""
        if self._welcomed:
            self._pinged = self._asking = False
            self.judged_at = math.inf

    def heard(self, now: float) -> None:
        """Take any byte as a sign of life.

        Both times of the heartbeat are waited for the next one; a server that tells one
        gets it twice.
        """
        if self._welcomed:
            self._pinged = self._asking = False
            self.judged_at = now + self._silence_s

    def beat(self, now: float) -> Beat:
        """Judge the silence."""
        if now < self.judged_at:
            return Beat.NOTHING
        if self._pinged or not self._welcomed:
            return Beat.HANG_UP
        self._pinged = self._asking = True
        self.judged_at = now + ANSWER_TIMEOUT_S
        return Beat.PING

    def bye(self, frame: Frame) -> None:
        """Take the server's own announcement of the end."""
        self._bye_code = need(frame, "code", int)
        self._after = seconds(frame.get("after"), AFTER_MAX_S)

    def put_off(self, reply: Frame) -> None:
        """Take a `hello` that was refused for a moment."""
        self._after = seconds(reply.get("retry_after"), AFTER_MAX_S)

    def ended(
        self, code: int | None, retry_after_s: float | None
    ) -> tuple[int | None, float | None]:
        """Take the end: return its code, and when to come back (None: never)."""
        code = self._bye_code if code is None else code
        self.judged_at = math.inf
        failures, self._failures = self._failures, self._failures + 1
        if code in FINAL_CODES:
            return code, None
        after = seconds(retry_after_s, AFTER_MAX_S)
        after = self._after if after is None else after
        return code, self.backoff(failures) if after is None else after

    def backoff(self, failures: int) -> float:
        """Draw the wait after so many failures."""
        most = min(BACKOFF_FIRST_S * 2.0 ** min(failures, 16), BACKOFF_MAX_S)
        return self._rng.uniform(0, most)


def reason_of(code: int | None) -> str:
    """Return the word for a close code."""
    return REASONS.get(code, "closed")
