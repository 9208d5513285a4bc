"""How far the search index is behind, and how long it will take to catch up.

That is a matter of some milliseconds, but where an index is made anew. Then it is
logged, and a search that has to wait for it can say for how long.
"""

from __future__ import annotations

import attrs

from chatd.observe import log

LACKING_MIN = 10_000
"""So many messages that the index lacks are told of: fewer, it has in a second."""
USUAL_PER_S = 8000.0
"""Messages a second, as long as nothing was measured. Source: measured, short texts."""


@attrs.define
class Filling:
    """What was seen of the index being filled."""

    _since: float = 0.0
    _lacked: int = 0
    """Messages that the index lacked then; 0 if it does not lack many."""

    def note(self, lacking: int, now: float) -> None:
        """Take note of how many messages the index lacks.

        Args:
            lacking: Messages.
            now: By a clock that does not jump, in seconds.
        """
        if not self._lacked and lacking >= LACKING_MIN:
            self._since, self._lacked = now, lacking
            log().info("search_index_behind", messages=lacking)
        elif self._lacked and not lacking:
            log().info("search_index_complete", seconds=round(now - self._since))
            self._lacked = 0

    def left_s(self, lacking: int, now: float) -> float:
        """How long it takes until the index has all, at the rate seen so far.

        Returns:
            Seconds, at least one.
        """
        done, took = self._lacked - lacking, now - self._since
        per_s = done / took if done > 0 and took > 1 else USUAL_PER_S
        return max(1.0, round(lacking / per_s))
