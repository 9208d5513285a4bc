"""How long what was said took until it was stored, answered and delivered.

All of it is measured for a batch, which costs some microseconds, and counted for each
of its commands. A command's time begins when the first of its batch was queued, so the
histogram of answers is what they took at most; what a message waits for before it is
handled is not in it, but in the lag of the loop.
"""

from __future__ import annotations

import attrs

from chatd.observe import Metrics


@attrs.define(eq=False)
class Timing:
    """Follows batches from the queue to the sockets.

    Args:
        metrics: What has the histograms.
    """

    _metrics: Metrics
    _unanswered: list[tuple[float, int]] = attrs.field(factory=list, init=False)
    """Of each batch when its first draft was queued, and how many wait for answers."""
    _undelivered: list[float] = attrs.field(factory=list, init=False)
    """When each batch was committed."""

    def committed(
        self, queued: float, began: float, now: float, drafts: int, commands: int
    ) -> None:
        """Note a batch that is stored, right before its outcomes are handled.

        Args:
            queued: When the first of it was queued.
            began: When its commit began.
            now: The moment.
            drafts: How many they are.
            commands: How many of them somebody waits for.
        """
        self._metrics.commit_seconds.observe(now - began)
        self._metrics.batch_drafts.observe(drafts)
        if commands:
            self._unanswered.append((queued, commands))
        self._undelivered.append(now)

    @property
    def waits(self) -> bool:
        """Whether something was stored that is not with everybody yet."""
        return bool(self._undelivered)

    def sent(self, now: float, *, delivered: bool) -> None:
        """Note that the outcomes of all batches are handled, and their answers sent.

        Args:
            now: The moment.
            delivered: Whether everybody has got what came of it.
        """
        for queued, commands in self._unanswered:
            self._metrics.ack_seconds.observe(now - queued, commands)
        self._unanswered.clear()
        if delivered:
            for at in self._undelivered:
                self._metrics.delivery_seconds.observe(now - at)
            self._undelivered.clear()
