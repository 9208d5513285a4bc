from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.config import Config, LiveConfig
from chatd.config import sections as config
from chatd.core import drafts as d
from chatd.core.effects import Origin
from chatd.core.inputs import Executed, Now
from chatd.core.settings import RoomSettings
from chatd.errors import RejectCode, StoreFailed, StoreUnavailable
from chatd.hub.committer import BATCH_MAX, Committer, writing_to
from chatd.hub.timing import Timing
from chatd.ids import ConnectionId, Stamp
from chatd.observe import Metrics
from chatd.ports import Store
from chatd.wire.place import Ping
from tests.hub.support import T0

STALL_S = 5.0


@attrs.define(eq=False)
class FakeWriter:
    """The part of a store that commits: one batch for each `let`."""

    batches: list[list[Any]] = attrs.field(factory=list)
    error: Exception | None = None
    _permits: trio.Semaphore = attrs.field(factory=lambda: trio.Semaphore(0))

    def let(self, count: int = 1) -> None:
        """Let so many batches be committed."""
        for _ in range(count):
            self._permits.release()

    async def commit(
        self, drafts: Sequence[d.Draft], now: int, certain: int | None = None
    ) -> list[d.Outcome]:
        assert now == T0
        self.batches.append(
            [cast(d.DeclareRoom, draft).settings.topic for draft in drafts]
        )
        await self._permits.acquire()
        if self.error is not None:
            raise self.error
        return [d.Duplicate(ts=len(self.batches)) for _ in drafts]


@attrs.define(eq=False)
class Bench:
    """A committer, its store and what it has told."""

    writer: FakeWriter = attrs.field(factory=FakeWriter)
    told: list[list[tuple[str, int | None, d.Outcome]]] = attrs.field(factory=list)
    gave_up: list[float] = attrs.field(factory=list)
    fan_out: Callable[[], None] = lambda: None
    settles: bool = False
    metrics: Metrics = attrs.field(factory=Metrics)
    committer: Committer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.committer = Committer(
            writing_to(cast(Store, self.writer)),
            LiveConfig(Config(store=config.Store(stall_timeout_s=STALL_S))),
            lambda: Now(0.0, T0),
            self.tell,
            self.give_up,
            lambda: self.settles,
            Timing(self.metrics),
        )

    def tell(self, executed: Sequence[Executed]) -> None:
        self.told.append(
            [
                (
                    cast(d.DeclareRoom, e.origin.draft).settings.topic,
                    e.origin.connection,
                    e.outcome,
                )
                for e in executed
            ]
        )
        self.fan_out()

    def give_up(self) -> None:
        self.gave_up.append(trio.current_time())

    def append(self, *words: str, connection: int | None = 1) -> None:
        """Queue drafts that are known by a word."""
        number = ConnectionId(connection) if connection is not None else None
        for word in words:
            draft = d.DeclareRoom(cast(Any, "lobby"), RoomSettings(topic=word))
            self.committer.append(Origin(number, Ping(), draft))


def codes(told: list[tuple[str, int | None, d.Outcome]]) -> list[RejectCode]:
    """Why each of them was refused."""
    return [cast(d.Refused, outcome).code for _, _, outcome in told]


async def test_what_was_queued_meanwhile_is_one_batch(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """The first draft goes at once; all that came during its commit go together."""
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    bench.append("a")
    await wait_all_tasks_blocked()
    bench.append("b", "c")
    assert bench.committer.depth == 3
    bench.writer.let(2)
    await bench.committer.wait_idle()
    assert bench.writer.batches == [["a"], ["b", "c"]]
    assert [[word for word, _, _ in batch] for batch in bench.told] == [
        ["a"],
        ["b", "c"],
    ]
    assert bench.committer.depth == 0


async def test_a_batch_has_a_bound(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """One more than fits waits for the next batch, in order."""
    bench = Bench()
    bench.append(*map(str, range(BATCH_MAX + 1)))
    nursery.start_soon(bench.committer.run)
    bench.writer.let(2)
    await bench.committer.wait_idle()
    assert [len(batch) for batch in bench.writer.batches] == [BATCH_MAX, 1]
    assert bench.writer.batches[1] == [str(BATCH_MAX)]


async def test_a_full_disk_is_unavailable_for_the_whole_batch(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Everybody in the batch is told to try again; the next batch is tried anew."""
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    bench.writer.error = StoreUnavailable("the disk is full")
    bench.append("a", "b")
    bench.writer.let()
    await bench.committer.wait_idle()
    (told,) = bench.told
    assert codes(told) == [RejectCode.UNAVAILABLE] * 2
    assert "disk is full" in cast(d.Refused, told[0][2]).text
    assert cast(d.Refused, told[0][2]).retry_after_s == 1.0
    assert not bench.committer.stalled
    bench.writer.error = None
    bench.append("c")
    bench.writer.let()
    await bench.committer.wait_idle()
    assert bench.told[1] == [("c", 1, d.Duplicate(ts=2))]


async def test_a_stall_is_told_once_and_its_outcome_still_counts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """All who wait are told; later the outcomes come, and nobody waits for them."""
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    bench.append("a")
    await wait_all_tasks_blocked()
    bench.append("b")
    bench.append("own", connection=None)
    await trio.sleep(STALL_S - 0.1)
    assert bench.told == []
    await trio.sleep(0.2)
    assert bench.committer.stalled
    (told,) = bench.told
    assert [(word, number) for word, number, _ in told] == [("a", 1), ("b", 1)]
    assert codes(told) == [RejectCode.UNAVAILABLE] * 2
    bench.writer.let(2)
    await bench.committer.wait_idle()
    assert bench.told[1:] == [
        [("a", None, d.Duplicate(ts=1))],
        [("b", None, d.Duplicate(ts=2)), ("own", None, d.Duplicate(ts=2))],
    ]
    assert not bench.committer.stalled
    assert bench.gave_up == []


async def test_a_store_that_never_answers_is_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """After twice the time, once, and not before."""
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    await trio.sleep(100)
    bench.append("a")
    began = trio.current_time()
    await trio.sleep(50 * STALL_S)
    assert bench.gave_up == [began + 2 * STALL_S]
    assert len(bench.told) == 1
    bench.writer.let()


async def test_a_store_that_asks_what_became_of_a_batch_is_not_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Its server has gone: all are told so, and wait. Where it then hangs, it counts
    from there.
    """
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    bench.append("a")
    bench.settles = True
    await trio.sleep(20.5 * STALL_S)
    assert bench.committer.stalled
    assert not bench.committer.hangs
    assert bench.gave_up == []
    assert len(bench.told) == 1
    bench.settles = False
    assert bench.committer.hangs
    began = trio.current_time()
    await trio.sleep(20 * STALL_S)
    (gave_up,) = bench.gave_up
    assert 0 < gave_up - began <= 2 * STALL_S
    bench.writer.let()


async def test_each_batch_has_its_own_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Batches that are slow but come never add up to a stall."""
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    for word in "abcd":
        bench.append(word)
        await trio.sleep(STALL_S - 0.1)
        bench.writer.let()
        await bench.committer.wait_idle()
    await trio.sleep(10 * STALL_S)
    assert [outcome for batch in bench.told for _, _, outcome in batch] == [
        d.Duplicate(ts=number) for number in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("late_s", [0.0, 10 * STALL_S])
@pytest.mark.parametrize("attempt", range(8))
async def test_an_answer_in_the_moment_of_the_stall_leaves_no_stall(
    nursery: trio.Nursery, mock_clock: MockClock, attempt: int, late_s: float
) -> None:
    """After the process was stopped, the answer and the deadline come together.

    Whichever is seen first (Trio's order is random), writes go on afterwards; and
    nobody is refused because the process was stopped for long.
    """
    bench = Bench()
    nursery.start_soon(bench.committer.run)
    bench.append("a")
    await wait_all_tasks_blocked()
    mock_clock.jump(STALL_S + late_s)
    bench.writer.let()
    await wait_all_tasks_blocked()
    assert not bench.committer.stalled
    assert not late_s or bench.told == [[("a", 1, d.Duplicate(ts=1))]]
    bench.append("b")
    bench.writer.let()
    await bench.committer.wait_idle()
    assert bench.told[-1] == [("b", 1, d.Duplicate(ts=2))]


async def test_nothing_waits_after_a_costly_fan_out(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    """What comes while a batch is told is committed next, without a pause."""
    bench = Bench(fan_out=lambda: mock_clock.jump(1.0))
    bench.append("a", "b")
    nursery.start_soon(bench.committer.run)
    bench.writer.let(2)
    await wait_all_tasks_blocked()
    bench.append("c")
    bench.append("d")
    await bench.committer.wait_idle()
    assert bench.writer.batches == [["a", "b"], ["c", "d"]]


async def test_cancellation_hands_on_what_was_begun() -> None:
    """The batch in the store is finished and told; the next is not begun."""
    bench = Bench()
    bench.append("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.committer.run)
        await wait_all_tasks_blocked()
        bench.append("b")
        nursery.cancel_scope.cancel()
        bench.writer.let(2)
    assert bench.told == [[("a", 1, d.Duplicate(ts=1))]]
    assert bench.writer.batches == [["a"]]


async def test_a_failed_store_ends_the_committer() -> None:
    """What cannot be trusted is not tried again."""
    bench = Bench()
    bench.writer.error = StoreFailed("disk I/O error")
    bench.writer.let()
    bench.append("a")
    with pytest.RaisesGroup(StoreFailed):
        await bench.committer.run()
    assert bench.told == []


async def test_waiting_for_idle_ends_at_once_where_nothing_waits() -> None:
    """An idle committer is idle, also before it has run."""
    with trio.fail_after(1):
        await Bench().committer.wait_idle()


async def test_outcomes_have_the_stamp_of_their_batch() -> None:
    """Where other nodes write beside this one, by which they are in one order."""

    async def write(
        batch: Sequence[Origin], _now: Now
    ) -> tuple[list[d.Outcome], Stamp | None]:
        return [d.Committed() for _ in batch], Stamp(7)

    told: list[Executed] = []
    committer = Committer(
        write,
        LiveConfig(Config()),
        lambda: Now(0.0, T0),
        told.extend,
        lambda: None,
        lambda: False,
        Timing(Metrics()),
    )
    committer.append(Origin(None, None, d.RecordTime()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(committer.run)
        await committer.wait_idle()
        nursery.cancel_scope.cancel()
    assert [one.stamp for one in told] == [Stamp(7)]
