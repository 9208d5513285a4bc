"""Writing to the store, for Trio: commits, and what is done between them.

All stores on SQL have this; where they differ is said by the methods that a store has
to have. Each connection is used by one thread at a time, and a call is one function
that runs there from beginning to end. Commits are shielded: once begun, their outcome
is learned.

The tender is a task that does, in steps between the commits, what need not be done
before an `ok`. It never raises: a store that has failed says so to the next commit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

import attrs
import trio

from chatd.core.drafts import Draft, Outcome
from chatd.core.query import Hit, Place, Query
from chatd.errors import IndexBehind, StoreFailed, StoreUnavailable
from chatd.ids import RoomName, Seq, UserName
from chatd.observe import log
from chatd.ports import ErasureRow, Snapshot
from chatd.store.sqlite.executing import Batch
from chatd.store.sqlite.filling import Filling
from chatd.store.sqlite.reads import Reads
from chatd.wire.events import Millis

T = TypeVar("T")
B = TypeVar("B", bound=Batch)


class StoreWriter(Protocol):
    """What runs in the thread of the writer's connection."""

    @property
    def lacking(self) -> int:
        """Messages that the search index did not have after the last step of `tend`."""

    def load(
        self,
        now: Millis,
        certain: Millis,
        session_ms: Millis,
        guest_ms: Millis,
        *,
        serves: bool,
    ) -> Snapshot:
        """Read what the core needs at the start."""

    def commit(
        self, drafts: Sequence[Draft], now: Millis, certain: Millis | None = None
    ) -> Batch:
        """Execute drafts in order in one durable transaction."""

    def erasure(self, name: UserName) -> ErasureRow | None:
        """Look how far the erasure of a user is."""

    def tend(self, now: Millis) -> bool:
        """Do a little of what need not be done before an `ok`; is there more?"""


@attrs.frozen
class TendPace:
    """How the tender rests.

    Args:
        rest: Between two steps, so many times as long as the step took.
        least_s: But as long as this at the least,
        most_s: And at the most.
        away_s: After how long it tries again where the store takes nothing; None: it
            waits for the next commit.
    """

    rest: float
    least_s: float
    most_s: float
    away_s: float | None = None

    def pause_s(self, took_s: float) -> float:
        """How long to rest from a step."""
        return min(max(self.rest * took_s, self.least_s), self.most_s)


@attrs.define(eq=False)
class Writes(Reads):
    """The writing half of `chatd.ports.Store`, and searching.

    Args:
        writer: What runs in the thread of the writer's connection.
        session_ms: How long an idle session of an account lasts.
        guest_ms: How long a guest's lasts.
        serves: Whether those who were here when it ended have gone from now on.
        search_s: How long a search may take, in seconds.
    """

    PACE: ClassVar[TendPace]

    _writer: StoreWriter
    _session_ms: Millis
    _guest_ms: Millis
    _serves: bool
    _search_s: float
    _failure: StoreFailed | None = attrs.field(default=None, init=False)
    _now: Millis = attrs.field(default=0, init=False)
    """A time that has at least been reached."""
    _untended: trio.Event = attrs.field(factory=trio.Event, init=False)
    _filling: Filling = attrs.field(factory=Filling, init=False)
    _searching: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    # --- what a store has to have -------------------------------------------

    @property
    def settles(self) -> bool:
        """Whether a commit's server has gone meanwhile; see the port."""
        return False

    @abstractmethod
    async def _in_writer(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function in the thread of the writer's connection."""

    @abstractmethod
    async def _find(self, *what: Any) -> tuple[list[Hit], bool] | None:
        """Search, with the arguments of `search` and the seconds that it may take."""

    async def _tended(self) -> None:
        """Do what else belongs to a step of tending."""

    # --- writing ------------------------------------------------------------

    async def load(self, now: Millis, certain: Millis | None = None) -> Snapshot:
        """Read what the core needs at the start; see the port.

        Cancellation: shielded.
        """
        times = now, now if certain is None else certain
        limits = self._session_ms, self._guest_ms
        read = partial(self._writer.load, *times, *limits, serves=self._serves)
        with trio.CancelScope(shield=True):
            snapshot = await self._write(read)
        self._now = now
        self._untended.set()
        return snapshot

    async def commit(
        self, drafts: Sequence[Draft], now: Millis, certain: Millis | None = None
    ) -> list[Outcome]:
        """Execute drafts in order in one durable transaction; see the port.

        Cancellation: shielded; the outcome is always learned.
        """
        return (await self._commit(self._writer.commit, drafts, now, certain)).outcomes

    async def _commit(
        self,
        commit: Callable[..., B],
        drafts: Sequence[Draft],
        now: Millis,
        certain: Millis | None,
        *more: Any,
    ) -> B:
        """Have a batch committed, and tend the store behind it."""
        with trio.CancelScope(shield=True):
            batch = await self._write(commit, drafts, now, certain, *more)
        for fault in batch.faults:
            log().error("draft_failed", fault=fault)
        self._now = now if certain is None else min(now, certain)
        self._untended.set()
        return batch

    async def erasure(self, name: UserName) -> ErasureRow | None:
        """How far an erasure is; see the port.

        Cancellation: shielded: the writer's connection is not interrupted.
        """
        with trio.CancelScope(shield=True):
            found: ErasureRow | None = await self._write(self._writer.erasure, name)
        return found

    async def _write(self, function: Callable[..., T], *args: Any) -> T:
        """Run one step in the writer's thread; a failure is for good."""
        return await self._run(self._in_writer, function, *args)

    async def _run(self, call: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run one step that changes the store; a failure is for good."""
        if self._failure is not None:
            raise type(self._failure)(str(self._failure)) from self._failure
        try:
            return await call(*args)
        except StoreFailed as failure:
            self._failure = failure
            raise

    async def tend(self) -> None:
        """Do what need not be done before an `ok`; `open_store` runs it.

        Cancellation: safe; a step is never interrupted.
        """
        while self._failure is None:
            await self._untended.wait()
            self._untended = trio.Event()
            more = True
            while more:
                more, began = False, trio.current_time()
                try:
                    with trio.CancelScope(shield=True):
                        more = await self._write(self._writer.tend, self._now)
                        self._filling.note(self._writer.lacking, trio.current_time())
                        await self._tended()
                except StoreUnavailable as error:
                    log().warning("store_not_tended", error=str(error))
                    if self.PACE.away_s is not None:
                        await trio.sleep(self.PACE.away_s)
                        more = True
                except StoreFailed as error:
                    log().error("store_failed", error=str(error))
                await trio.sleep(self.PACE.pause_s(trio.current_time() - began))

    # --- searching ----------------------------------------------------------

    async def search(
        self,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[Hit], bool] | None:
        """Find messages; see the port. Cancellation: safe."""
        what = query, scope, place, limit, viewer
        async with self._searching:
            try:
                return await self._find(*what, self._search_s)
            except IndexBehind as behind:
                now = trio.current_time()
                behind.retry_after_s = self._filling.left_s(behind.lacking, now)
                raise
