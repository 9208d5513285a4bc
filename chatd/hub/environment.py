"""What the hub gets from the process: clocks, randomness, and a way to end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from chatd.auth import Issuers
from chatd.config import Difference
from chatd.core.clock import Reading
from chatd.core.observations import ProcessFacts
from chatd.ids import Epoch
from chatd.wire.operator import Drain, SetLogLevel


class Process(Protocol):
    """What an operator asks about the process, and has it do."""

    def facts(self) -> ProcessFacts:
        """Look at the process and its files."""

    def steer(self, command: Drain | SetLogLevel) -> None:
        """Begin to do what is asked; never waits."""

    async def reload(self) -> Difference:
        """Put into force what is configured now, and say what has changed.

        Raises:
            ConfigError: Something is wrong with it; nothing has changed.

        Cancellation: nothing has changed, or all.
        """


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

    process: Process | None = None
    """The process; None where no operator can ask."""
    busy: Callable[[], float] = lambda: 0.0
    """A clock in seconds by which work is measured; while it stands, no turn ends."""

    def new_epoch(self) -> Epoch:
        """Make a random epoch."""
        return Epoch(self.random_bytes(8).hex())
