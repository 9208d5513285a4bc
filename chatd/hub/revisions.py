"""How the daemon learns what the command line changes while it runs.

There is no signal and no process id: the command line leaves word in the
database, and this task looks once a second whether somebody else has written
there. As long as nobody has, a look is one step of the store's thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from chatd.core.inputs import Revised
from chatd.errors import StoreUnavailable
from chatd.observe import log
from chatd.ports import Store


async def watch(store: Store, happened: Callable[[Revised], None]) -> None:
    """Hand on what is revised, until cancelled.

    Raises:
        StoreFailed: The store cannot be trusted any more.

    Cancellation: safe; the next start finds it in its snapshot.
    """
    after = 0
    while True:
        # At whole seconds, like the heartbeat: a wake-up of its own costs most.
        await trio.sleep_until(math.floor(trio.current_time()) + 1)
        try:
            revisions = await store.revisions(after)
        except StoreUnavailable as error:
            log().warning("revisions cannot be read now", error=str(error))
            continue
        if revisions:
            after = revisions[-1].number
            for revision in revisions:
                log().info("revised", change=revision.kind, user=revision.user)
            happened(Revised(revisions))
