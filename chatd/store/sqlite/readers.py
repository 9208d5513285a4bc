"""The reading connections, and which look-up has one when.

Three kinds of look-up share them, from the shortest to the longest:

* **single rows** by their key, and a single user or room with all that it has. A login,
  a resume and an access token need them, so one connection is always free of everything
  else;
* **pages** of history, of replays and of lists, which have two;
* **a user's rooms**, when he comes: they are loaded into memory, and what is unread in
  them is counted, which `welcome` tells. These have one connection. Either is asked for
  a few rooms at a time, so a user of hundreds of rooms takes turns with all others.

No kind waits for another one, and each kind is served in the order of asking. That
users take turns, too, is ensured by the hub (`chatd.hub.turns`). Each look-up costs
what it returns (`tests/store/sqlite/test_plans.py`); one that takes too long all the
same, on a disk that does not answer, is given up, and one that is cancelled does not
begin, or is interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import apsw
import attrs
import trio

from chatd.store.sqlite.calling import call, in_words
from chatd.store.sqlite.sql import within

CONNECTIONS = 4
"""Two of them for pages: as many as there are processors in a small machine."""
READ_S = 2.0
"""How long a look-up may take. Source: a page of 100 messages that lie apart on a disk
that turns takes a second."""
COUNTED_ROOMS = 16
"""Rooms of one look-up that counts. Source: measured, 1 ms with a thousand unread
messages in each, for which the next in line waits."""
LOADED_ROOMS = 16
"""Rooms of one look-up that loads. Source: measured, 1 ms with 150 members in each, and
10 ms for one room of ten thousand."""

T = TypeVar("T")


@attrs.define(eq=False)
class Readers:
    """The reading connections of a store, which are added one by one.

    Args:
        most: How many there will be. From four on each kind has its own.
        read_s: How long one look-up may take, in seconds.
    """

    most: int
    read_s: float = READ_S
    _idle: trio.MemoryReceiveChannel[apsw.AsyncConnection] = attrs.field(init=False)
    _back: trio.MemorySendChannel[apsw.AsyncConnection] = attrs.field(init=False)
    _pages: trio.Semaphore = attrs.field(init=False)
    _counts: trio.Semaphore = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Share the connections out."""
        self._back, self._idle = trio.open_memory_channel(self.most)
        self._pages = trio.Semaphore(max(1, self.most - 2))
        self._counts = trio.Semaphore(1)

    def add(self, db: apsw.AsyncConnection) -> None:
        """Take a connection, which its owner closes when nothing is read any more."""
        self._back.send_nowait(db)

    async def key(self, function: Callable[..., T], *args: Any) -> T:
        """Look for one row by its key, or for what belongs to it.

        Raises:
            TooSlow: It took `read_s`.
            StoreUnavailable: It cannot be read now.
            StoreFailed: The store cannot be trusted any more.

        Cancellation: safe.
        """
        db = await self._idle.receive()
        try:
            sync = cast(apsw.Connection, db)
            return await call(db, in_words, sync, _read, self.read_s, function, *args)
        finally:
            # A cancelled call may still be ending: the thread takes the next
            # one when it has.
            self._back.send_nowait(db)

    async def count(self, function: Callable[..., T], *args: Any) -> T:
        """Count in some rooms, or load them; raises as `key`. Cancellation: safe."""
        async with self._counts:
            return await self.key(function, *args)

    async def page(self, function: Callable[..., T], *args: Any) -> T:
        """Read a page; raises as `key`. Cancellation: safe."""
        async with self._pages:
            return await self.key(function, *args)


def _read(
    db: apsw.Connection, read_s: float, function: Callable[..., T], *args: Any
) -> T:
    with within(db, read_s):
        return function(db, *args)
