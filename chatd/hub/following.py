"""Following the store: how the daemon learns what other processes have written.

The command line adds to the store's log of changes, and this task looks once a second
whether another process has written there. As long as none has, a look is one step of
the store's thread. What it finds goes the way of the daemon's own commits, behind those
that were answered before.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from chatd.core.inputs import Changed
from chatd.errors import StoreUnavailable
from chatd.observe import log
from chatd.ports import Store


async def follow(store: Store, happened: Callable[[Changed], None]) -> None:
    """Hand on what other processes write, until cancelled.

    Args:
        store: Where they write.
        happened: Gets the changes, in order, with the position behind them.

    Raises:
        StoreFailed: The store cannot be trusted any more.

    Cancellation: safe; the next start finds it in its snapshot.
    """
    position = 0
    while True:
        # At whole seconds, like the heartbeat: a wake-up of its own costs most.
        await trio.sleep_until(math.floor(trio.current_time()) + 1)
        try:
            changes, position = await store.changes(position)
        except StoreUnavailable as error:
            log().warning("changes cannot be read now", error=str(error))
            continue
        if changes:
            for change in changes:
                user = getattr(change, "user", None)
                log().info("revised", change=type(change).__name__, user=user)
            happened(Changed(changes, position))
