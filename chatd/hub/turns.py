"""Whose page is read now: one of each user at a time.

The store's readers serve in the order of asking. So that whoever asks for much is
not served before everybody else, his look-ups wait here for each other, on all his
connections together, and at the store each user has one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

from chatd.ids import UserName


@attrs.define(eq=False)
class Turns:
    """Users who wait for a page, or for whom one is read."""

    _locks: dict[UserName, trio.Lock] = attrs.field(factory=dict)

    @asynccontextmanager
    async def of(self, user: UserName) -> AsyncIterator[None]:
        """Wait for a turn of the user's, and have it in the block.

        Cancellation: safe.
        """
        lock = self._locks.setdefault(user, trio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._locks.pop(user, None)

    def __len__(self) -> int:
        """How many users have one."""
        return len(self._locks)
