"""The queue of searches: the store carries out one after the other.

A search that would have to wait long is refused at once, and each user has only a few
places, so one user's searches cannot shut out the others'. Users take turns: a user's
second search comes after the first of all others that wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from chatd.core.query import SEARCH_S
from chatd.errors import (
    IndexBehind,
    Reject,
    RejectCode,
    TooSlow,
)
from chatd.hub.turns import Turns
from chatd.ids import UserName

T = TypeVar("T")

SEARCHES_MAX = 32
"""Searches that run or wait: 6.4 s at the most. Source: as for passwords."""
SEARCHES_PER_USER_MAX = 4
"""Two devices, each with a search for what was typed last and what is typed now."""


@attrs.define(eq=False)
class Searches:
    """The queue in front of the store's search."""

    _open: Counter[UserName] = attrs.field(factory=Counter)
    _turns: Turns = attrs.field(factory=Turns)

    async def find(self, user: UserName, read: Callable[[], Awaitable[T]]) -> T:
        """Carry out one search.

        Args:
            user: Who searches.
            read: Asks the store.

        Returns:
            What the store has returned.

        Raises:
            Reject: `rate_limited`, or `unavailable`, since it takes too long.
            StoreUnavailable: The store cannot be read now.

        Cancellation: safe.
        """
        total, own = self._open.total(), self._open[user]
        if total >= SEARCHES_MAX or own >= SEARCHES_PER_USER_MAX:
            whose = "you have" if own >= SEARCHES_PER_USER_MAX else "there are"
            raise Reject(
                RejectCode.RATE_LIMITED,
                f"{whose} too many searches under way",
                retry_after_s=round(total * SEARCH_S, 1),
            )
        self._open[user] += 1
        try:
            async with self._turns.of(user):
                return await read()
        except TooSlow as slow:
            raise _too_slow(slow) from None
        finally:
            self._open -= Counter([user])


def _too_slow(slow: TooSlow) -> Reject:
    """Say what would help: to ask for less, or to ask later."""
    text = "this search takes too long: name a room, a person or a rarer word"
    retry_after_s = None
    if isinstance(slow, IndexBehind):
        share = 100 * (slow.of - slow.lacking) // slow.of
        text = (
            f"the search index is being made and has {share} % of the messages: name a"
            " room, or try again later"
        )
        retry_after_s = slow.retry_after_s
    return Reject(
        RejectCode.UNAVAILABLE,
        f"query: {text}",
        field="query",
        retry_after_s=retry_after_s,
    )
