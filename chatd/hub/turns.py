"""Turns of look-ups: of each kind, one of each user at a time.

The store serves look-ups of a kind in the order of asking. So that a user who asks for
much is not served before all others, the user's look-ups wait here for each other, on
all connections together, and at the store each user has one of a kind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

from chatd.ids import UserName


@attrs.define(eq=False)
class Turns:
    """The users who wait for a look-up of one kind, or have one under way."""

    _locks: dict[UserName, trio.Lock] = attrs.field(factory=dict)

    @asynccontextmanager
    async def of(self, user: UserName) -> AsyncIterator[None]:
        """Wait for the user's turn, and have it in the block.

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
