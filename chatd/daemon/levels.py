"""The level of the log, which the operator changes while the daemon runs.

What was asked for a while goes back by itself to what the configuration says: a log
that was made loud for a search and forgotten fills a disk.
"""

from __future__ import annotations

from math import inf

import attrs
import trio

from chatd.observe import log


@attrs.define(eq=False)
class Levels:
    """The level in force, and until when."""

    configured: str
    """What the configuration says."""
    _until: float = attrs.field(default=inf, init=False)
    """On the clock of the loop."""
    _waiting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    @property
    def current(self) -> str:
        """The level in force."""
        return log().level

    def set(self, level: str, for_s: float | None) -> None:
        """Log from this level on, for some seconds or until it is set again."""
        log().level = level
        if for_s is None:
            log().info("the level of the log is another", least=level)
            self._until = inf
        else:
            log().info("the level of the log is another", least=level, seconds=for_s)
            self._until = trio.current_time() + for_s
        self._waiting.deadline = self._until

    def configure(self, level: str) -> None:
        """Log from another level on, which is configured now, or when time is up."""
        self.configured = level
        if self._until == inf:
            log().level = level

    async def keep(self) -> None:
        """Go back to what is configured when time is up, until cancelled.

        Cancellation: safe.
        """
        while True:
            with trio.CancelScope(deadline=self._until) as self._waiting:
                await trio.sleep_forever()
            self._until = inf
            log().level = self.configured
            log().info("the level of the log is as configured", least=self.configured)
