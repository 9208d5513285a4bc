"""A place in a reader's thread where a test holds up what runs there."""

from __future__ import annotations

import threading

import attrs
import trio


@attrs.define(eq=False)
class Gate:
    """Holds up whoever comes, until the test opens it for good."""

    open: threading.Event = attrs.field(factory=threading.Event)
    begun: list[str] = attrs.field(factory=list)
    """Who has come, in order."""
    _arrived: trio.Event = attrs.field(factory=trio.Event)
    _token: trio.lowlevel.TrioToken = attrs.field(
        factory=trio.lowlevel.current_trio_token
    )

    def enter(self, name: str) -> None:
        """Come to the gate, in any thread."""
        self._token.run_sync_soon(self._begin, name)
        self.open.wait()

    def _begin(self, name: str) -> None:
        self.begun.append(name)
        self._arrived.set()

    async def wait_begun(self, count: int) -> None:
        """Wait until so many have come."""
        while len(self.begun) < count:
            await self._arrived.wait()
            self._arrived = trio.Event()
