"""The one task that writes: everything queued, one transaction, then all outcomes.

A batch of commits becomes a batch of fan-out, which is what makes both cheap.
An idle daemon delays nothing. After a batch of more than one whose fan-out was
costly, the committer gathers for a tenth of that cost, at most 5 ms, so that the
next commit and the next fan-out are shared by more.

A store that does not answer for `store.stall_timeout_s` is **stalled**: clients that
wait are told `unavailable` (the outcome, when it comes, still counts), and no command's
draft is queued any more. After twice that time the daemon gives up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import attrs
import trio

from chatd.config import LiveConfig
from chatd.core.drafts import Refused
from chatd.core.effects import Origin
from chatd.core.inputs import Executed, Now
from chatd.errors import RejectCode, StoreUnavailable
from chatd.ports import Store

BATCH_MAX = 512
"""Drafts in one transaction. Measured: beyond it a commit only gets longer."""

GATHER_MAX_S = 0.005
GATHER_SHARE = 0.1
"""Measured with 64 messages in flight: +25 % throughput and a lower p99."""

RETRY_AFTER_S = 1.0
"""What `unavailable` tells clients to wait."""


@attrs.define(eq=False)
class Committer:
    """The queue in front of the store's writer, and the task that empties it.

    Args:
        store: The store.
        config: The settings in force, `store.stall_timeout_s` of them.
        moment: The time, for `ts`, and what is certain about it.
        executed: Takes the outcomes of a whole batch, in order.
        gave_up: Called when there was no answer for twice the time. A thread
            that hangs in the kernel cannot be cancelled, so nothing that waits
            for it would ever end the daemon.
    """

    _store: Store
    _config: LiveConfig
    _moment: Callable[[], Now]
    _executed: Callable[[Sequence[Executed]], None]
    _gave_up: Callable[[], None]
    _queue: list[Origin] = attrs.field(factory=list)
    _batch: list[Origin] = attrs.field(factory=list)
    _wake: trio.Event = attrs.field(factory=trio.Event)
    _idle: trio.Event = attrs.field(factory=trio.Event)
    _began: float = 0.0
    _alarm: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    stalled: bool = False
    batches: int = 0

    def append(self, origin: Origin) -> None:
        """Queue a draft. Never waits; the caller asks `stalled` first."""
        self._queue.append(origin)
        self._wake.set()

    @property
    def depth(self) -> int:
        """Drafts that are queued or being committed."""
        return len(self._queue) + len(self._batch)

    async def wait_idle(self) -> None:
        """Wait until nothing is queued and nothing is being committed.

        Cancellation: safe.
        """
        while self._queue or self._batch:
            self._idle = trio.Event()
            await self._idle.wait()

    async def run(self) -> None:
        """Commit until cancelled.

        Raises:
            StoreFailed: The store cannot be trusted any more.

        Cancellation: between batches only; what was begun is committed, and
        its outcomes are handed on.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            while True:
                await trio.lowlevel.checkpoint_if_cancelled()
                if not self._queue:
                    self._idle.set()
                    self._wake = trio.Event()
                    await self._wake.wait()
                cost_s = await self._commit()
                if cost_s > 0:
                    await trio.sleep(min(cost_s * GATHER_SHARE, GATHER_MAX_S))

    async def _commit(self) -> float:
        """Commit one batch and hand its outcomes on.

        Returns:
            Seconds that the fan-out took, or 0 where gathering does not pay.
        """
        self._batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
        self._began = trio.current_time()
        self._alarm.deadline = self._due()
        drafts = [origin.draft for origin in self._batch]
        now = self._moment()
        with trio.CancelScope(shield=True):
            try:
                outcomes = await self._store.commit(drafts, now.wall, now.certain)
            except StoreUnavailable as error:
                outcomes = [unavailable(f"nothing was stored: {error}")] * len(drafts)
        batch, self._batch = self._batch, []
        self.stalled = False
        self._alarm.deadline = math.inf
        self.batches += 1
        began = trio.current_time()
        self._executed(list(map(Executed, batch, outcomes)))
        return trio.current_time() - began if len(batch) > 1 else 0.0

    async def _watch(self) -> None:
        """Notice a store that does not answer.

        One parked task whose deadline `_commit` moves: a nursery for each batch
        would cost more than the batch.
        """
        while True:
            with trio.CancelScope(deadline=self._due()) as self._alarm:
                await trio.sleep_forever()
            if trio.current_time() < self._due():
                # The answer came in the moment in which time was up: after the
                # process was stopped for a while, both are there at once.
                continue
            if self.stalled:
                self._gave_up()
                return
            self._stall()

    def _due(self) -> float:
        """When the batch that is being committed has taken too long (again)."""
        if not self._batch:
            return math.inf
        timeout_s = self._config.current.store.stall_timeout_s
        return self._began + timeout_s * (1 + self.stalled)

    def _stall(self) -> None:
        """Tell all who wait; outcomes that come later count, and answer nobody."""
        self.stalled = True
        waiting = [*self._batch, *self._queue]
        self._batch = [_nobodys(origin) for origin in self._batch]
        self._queue = [_nobodys(origin) for origin in self._queue]
        refused = unavailable("the store does not answer; send again with the same cid")
        self._executed(
            [
                Executed(origin, refused, final=False)
                for origin in waiting
                if origin.connection
            ]
        )


def unavailable(text: str) -> Refused:
    """The outcome of a draft that could not be executed now."""
    return Refused(RejectCode.UNAVAILABLE, text, retry_after_s=RETRY_AFTER_S)


def _nobodys(origin: Origin) -> Origin:
    """The same draft, for whose outcome nobody waits any more."""
    return Origin(None, None, origin.draft)
