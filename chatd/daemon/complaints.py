"""Log lines about what only the operator can mend, at a bounded rate.

One line for each cause and place an hour, at the default level: a browser that asks
again each second is one line, and so are all scanners that speak TLS to a plain port.
A client that can choose places, an origin or an address, causes `LINES_AT_ONCE` lines
for each cause and then one in ten minutes, which says how many were left out. At the
level `debug` all are written.
"""

from __future__ import annotations

import attrs

from chatd.core.quota import HOUR_S, Buckets
from chatd.net.trouble import Cause, Trouble
from chatd.observe import log

LINES_AT_ONCE = 10
"""Of one cause."""
LINE_EVERY_S = 600.0
"""Of one cause in the long run."""
PLACES_MAX = 1024
"""Places that are remembered of all causes together."""


@attrs.define(eq=False)
class Complaints:
    """Writes lines about troubles, within bounds."""

    _places: Buckets = attrs.field(
        factory=lambda: Buckets(1 / HOUR_S, 1.0, PLACES_MAX), init=False
    )
    _causes: Buckets = attrs.field(
        factory=lambda: Buckets(1 / LINE_EVERY_S, LINES_AT_ONCE), init=False
    )
    _untold: dict[Cause, int] = attrs.field(factory=dict, init=False)
    """How many lines were left out for each cause since its last one."""

    def tell(self, trouble: Trouble, now: float) -> None:
        """Write a line; at the level `debug` where there was one lately.

        Args:
            trouble: What happened.
            now: Seconds of a clock that does not go back.
        """
        row = trouble.cause.value
        about = {row.place: trouble.where} if row.place else {}
        if trouble.detail:
            about["reason"] = trouble.detail
        if row.setting:
            about["setting"] = row.setting
        if not self._may_tell(trouble, now):
            log().debug(row.text, **about)
            return
        if untold := self._untold.pop(trouble.cause, 0):
            about["others"] = str(untold)
        log().warning(row.text, **about)

    def _may_tell(self, trouble: Trouble, now: float) -> bool:
        """Take a line of its place and one of its cause, or neither."""
        cause = trouble.cause
        place = f"{cause.name} {trouble.where}"
        if self._places.take(place, now):
            return False
        if self._causes.take(cause.name, now):
            self._places.give_back(place)
            self._untold[cause] = self._untold.get(cause, 0) + 1
            return False
        return True
