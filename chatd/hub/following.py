"""Following the store: how the daemon learns what other processes have written.

The command line adds to the store's log of changes, and this task looks once a second
whether another process has written there. As long as none has, a look is one step of
the store's thread. What it finds goes the way of the daemon's own commits, behind those
that were answered before. Each is a line of the log, in the words of who reads that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import trio

from chatd.core.changes import (
    AccessRevoked,
    Banned,
    Change,
    RoleSet,
    SessionsEnded,
    Unbanned,
    UserAdded,
    UserErased,
)
from chatd.core.inputs import Changed
from chatd.errors import StoreUnavailable
from chatd.observe import log
from chatd.ports import Store
from chatd.wire.events import Millis


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
                log().info("changed by the command line", **told(change))
            happened(Changed(changes, position))


def told(change: Change) -> dict[str, Any]:
    """What a line of the log says of a change that another process has made.

    Nothing of it is a secret, or a digest of one; a ban's reason is not told either.
    """
    match change:
        case UserAdded(user, _, role):
            return {"what": "account added", "user": user, "role": role}
        case RoleSet(user, role):
            return {"what": "role given", "user": user, "role": role}
        case Banned(user, until):
            end = "lifted" if until is None else _day(until)
            return {"what": "banned", "user": user, "until": end}
        case Unbanned(user):
            return {"what": "ban lifted", "user": user}
        case AccessRevoked(user, None):
            return {"what": "logged out everywhere", "user": user}
        case AccessRevoked(user):
            return {"what": "token revoked", "user": user}
        case SessionsEnded(sessions):
            return {"what": "sessions ended", "count": len(sessions)}
        case UserErased(user):
            return {"what": "account erased", "user": user}
    raise AssertionError(f"the command line makes no {type(change).__name__}")


def _day(at: Millis) -> str:
    """A moment, to the second."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
