"""The watch over the clock: a doubt becomes a line in the operator's log.

What a doubt means is decided in `chatd.core.clock`; here the clocks are read every few
seconds, a change is one line in the log, and the certain time is stored every hour, so
that the next start knows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import trio

from chatd.core.clock import Clock, Doubt, Reading
from chatd.observe import log
from chatd.wire.events import Millis

EVERY_S = 5.0
"""How long a jump may go unnoticed; nothing expires by it meanwhile."""
RECORD_S = 3600.0
"""How often the certain time is stored, also while nothing is said."""

SUSPENDED = (
    "no age is counted by it until it has run steadily for an hour, or for ten minutes"
    " if the network keeps it; set it if it is wrong"
)
"""What an operator has to know of a doubt."""


async def keep_clock(
    clock: Clock, read: Callable[[], Reading], record: Callable[[], None]
) -> None:
    """Compare the clocks until cancelled.

    Args:
        clock: What is known of them; it is changed.
        read: Reads both clocks.
        record: Has the certain time stored.

    Cancellation: safe.
    """
    if clock.doubt is Doubt.AHEAD:
        _tell(" since the start before, or the daemon was off for so long", clock)
    elif clock.doubt is not None:
        _tell(" since the start before", clock)
    record_at = trio.current_time() + RECORD_S
    while True:
        # At whole seconds, like the heartbeat: a wake-up of its own costs most.
        await trio.sleep_until(math.floor(trio.current_time()) + EVERY_S)
        before = clock.doubt
        jump_ms = clock.read(read(), trio.current_time())
        if jump_ms is not None and clock.doubt is not None:
            _tell("", clock, jump=spell(jump_ms))
        elif jump_ms is not None:
            log().info("the clock has jumped, and is trusted", jump=spell(jump_ms))
        elif before is not None and clock.doubt is None:
            log().info("the clock is trusted again")
        if trio.current_time() >= record_at:
            record()
            record_at += RECORD_S


def _tell(since: str, clock: Clock, **jump: str) -> None:
    text = f"the clock has jumped{since}: {SUSPENDED}"
    log().warning(text, **jump, off=spell(clock.off_ms))


def spell(ms: Millis) -> str:
    """Write a difference of times for people: `+40 days, 0:00:00`."""
    sign = "-" if ms < 0 else "+"
    return sign + str(timedelta(seconds=abs(ms) // 1000))
