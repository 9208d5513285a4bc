"""What the hub gets from the process: clocks, randomness, and a way to end it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from chatd.auth import Issuers
from chatd.core.clock import Reading
from chatd.ids import Epoch


@attrs.frozen
class Environment:
    """Clocks, randomness, outside issuers, and how to give up."""

    wall: Callable[[], int]
    """What the wall clock says, in milliseconds."""
    read_clock: Callable[[], Reading]
    """Reads it together with the clock that counts from the machine's start."""
    random_bytes: Callable[[int], bytes]
    gave_up: Callable[[], None]
    """Ends the process when the store has not answered for too long."""
    issuers: Issuers = attrs.field(factory=Issuers)
    """Outside issuers of tokens, with their keys."""

    busy: Callable[[], float] = lambda: 0.0
    """A clock in seconds by which work is measured; while it stands, no turn ends."""

    def new_epoch(self) -> Epoch:
        """Make a random epoch."""
        return Epoch(self.random_bytes(8).hex())
