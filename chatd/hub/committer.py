"""The one task that writes: everything queued, one transaction, then all outcomes.

A batch of commits becomes a batch of fan-out, which is what makes both cheap. Nothing
is waited for: what comes while a batch is committed and told is the next one.

A store that does not answer for `store.stall_timeout_s` is **stalled**: clients that
wait are told `unavailable` (the outcome, when it comes, still counts), and no command's
draft is queued any more. After twice that time the daemon gives up, unless the store
itself asks its server, which has gone meanwhile, what became of the batch (`settles`).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

import attrs
import trio

from chatd.config import LiveConfig
from chatd.core.drafts import Outcome, Refused
from chatd.core.effects import Origin
from chatd.core.inputs import Executed, Now
from chatd.errors import StoreUnavailable
from chatd.hub.timing import Timing
from chatd.ids import Stamp
from chatd.ports import Store

BATCH_MAX = 512
"""Drafts in one transaction. Measured: beyond it a commit only gets longer."""

LATE_S = 1.0
"""Whoever wakes up so much too late was stopped, or was not let run."""


Write = Callable[[Sequence[Origin], Now], Awaitable[tuple[list[Outcome], Stamp | None]]]
"""Commits a batch, else as `Store.commit`; and its stamp, where there are nodes."""


def writing_to(store: Store) -> Write:
    """How a batch is committed to a store that this process has for itself."""

    async def write(batch: Sequence[Origin], now: Now) -> tuple[list[Outcome], None]:
        drafts = [origin.draft for origin in batch]
        return await store.commit(drafts, now.wall, now.certain), None

    return write


@attrs.define(eq=False)
class Committer:
    """The queue in front of the store's writer, and the task that empties it.

    Args:
        write: Commits a batch.
        config: The settings in force, `store.stall_timeout_s` of them.
        moment: The time, for `ts`, and what is certain about it.
        executed: Takes the outcomes of a whole batch, in order.
        gave_up: Called when there was no answer for twice the time. A thread
            that hangs in the kernel cannot be cancelled, so nothing that waits
            for it would ever end the daemon.
        settles: Whether the store asks what became of the batch, which has an end.
        timing: Learns how long batches take.
    """

    _write: Write
    _config: LiveConfig
    _moment: Callable[[], Now]
    _executed: Callable[[Sequence[Executed]], None]
    _gave_up: Callable[[], None]
    _settles: Callable[[], bool]
    _timing: Timing
    _queue: list[Origin] = attrs.field(factory=list)
    _batch: list[Origin] = attrs.field(factory=list)
    _wake: trio.Event = attrs.field(factory=trio.Event)
    _idle: trio.Event = attrs.field(factory=trio.Event)
    _began: float = 0.0
    _judged: float = 0.0
    """Since when it counts how long that takes."""
    _queued: float = 0.0
    """When the first of those was queued that wait or were in the last batch."""
    _alarm: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    stalled: bool = False
    refused: str = ""
    """Why the store has taken nothing of the last batch; nothing if it has."""

    def append(self, origin: Origin) -> None:
        """Queue a draft. Never waits; the caller asks `stalled` first."""
        if not self._queue:
            self._queued = trio.current_time()
        self._queue.append(origin)
        self._wake.set()

    @property
    def hangs(self) -> bool:
        """Whether the store does not answer, and nobody knows why."""
        return self.stalled and not self._settles()

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
                await self._commit()

    async def _commit(self) -> None:
        """Commit one batch and hand its outcomes on."""
        self._batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
        queued, self._began = self._queued, trio.current_time()
        self._judged = self._began
        self._alarm.deadline = self._due()
        now = self._moment()
        with trio.CancelScope(shield=True):
            try:
                outcomes, stamp = await self._write(self._batch, now)
                self.refused = ""
            except StoreUnavailable as error:
                self.refused = str(error)
                refused = Refused.for_now(f"nothing was stored: {error.told}")
                outcomes, stamp = [refused] * len(self._batch), None
        batch, self._batch = self._batch, []
        self.stalled = False
        self._alarm.deadline = math.inf
        done = trio.current_time()
        commands = sum(1 for origin in batch if origin.connection is not None)
        self._timing.committed(queued, self._began, done, len(batch), commands)
        executed = list(map(Executed, batch, outcomes))
        if stamp is not None:
            for one in executed:
                one.stamp = stamp
        self._executed(executed)

    async def _watch(self) -> None:
        """Notice a store that does not answer.

        One parked task whose deadline `_commit` moves: a nursery for each batch
        would cost more than the batch.
        """
        while True:
            with trio.CancelScope(deadline=self._due()) as self._alarm:
                await trio.sleep_forever()
            now, due = trio.current_time(), self._due()
            if now < due:
                continue  # the answer came in the moment in which time was up
            if now - due > LATE_S:
                # It was this process that was stopped, and the store with it: the
                # answer may be there already. It has all of the time again.
                self._judged = now
                continue
            if self.stalled and self._settles():
                self._judged = now
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
        return self._judged + timeout_s * (1 + self.stalled)

    def _stall(self) -> None:
        """Tell all who wait; outcomes that come later count, and answer nobody."""
        self.stalled = True
        waiting = [*self._batch, *self._queue]
        self._batch = [_nobodys(origin) for origin in self._batch]
        self._queue = [_nobodys(origin) for origin in self._queue]
        self._executed(
            [
                Executed(origin, Refused.for_now(_advice(origin)), final=False)
                for origin in waiting
                if origin.connection
            ]
        )


def _advice(origin: Origin) -> str:
    """What is said of a draft that may be committed yet."""
    if getattr(origin.command, "cid", None) is not None:
        return "the store does not answer; send again with the same cid"
    return "the store does not answer; it may be done yet, so look before you ask again"


def _nobodys(origin: Origin) -> Origin:
    """The same draft, for whose outcome nobody waits any more."""
    return Origin(None, None, origin.draft, origin.basis)
