from __future__ import annotations

import trio
from trio.testing import MockClock

from chatd.hub.timing import Timing
from chatd.observe import Metrics
from tests.hub.support import DEN, running
from tests.store.memory import MemoryStore


def test_a_batch_is_followed_to_its_receivers() -> None:
    """Each of its commands took what its oldest did; who gets it late is not waited for
    by who is answered.
    """
    metrics = Metrics()
    timing = Timing(metrics)
    timing.committed(queued=1.0, began=1.5, now=2.0, drafts=4, commands=3)
    assert timing.waits
    assert (metrics.commit_seconds.total, metrics.batch_drafts.total) == (0.5, 4.0)
    timing.sent(3.0, delivered=False)
    assert timing.waits
    assert (sum(metrics.ack_seconds.counts), metrics.ack_seconds.total) == (3, 6.0)
    timing.sent(4.0, delivered=True)
    assert not timing.waits
    assert metrics.delivery_seconds.total == 2.0
    assert sum(metrics.ack_seconds.counts) == 3


def test_what_nobody_waits_for_has_no_answer() -> None:
    """The machine's own drafts."""
    metrics = Metrics()
    timing = Timing(metrics)
    timing.committed(queued=0.0, began=0.0, now=9.0, drafts=1, commands=0)
    timing.sent(9.5, delivered=True)
    assert sum(metrics.ack_seconds.counts) == 0
    assert sum(metrics.delivery_seconds.counts) == 1


class SlowStore(MemoryStore):
    """Each commit takes three seconds."""

    async def commit(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN201
        await trio.sleep(3)
        return await super().commit(*args, **kwargs)


async def test_a_hub_measures_what_people_wait_for(autojump_clock: MockClock) -> None:
    """A message that is alone waits for one commit, those behind it for two: what they
    waited for in the queue counts.
    """
    async with running(SlowStore()) as rig:
        ann = await rig.login("ann")
        await rig.hub.drain()
        metrics = rig.metrics
        before = metrics.ack_seconds.total, sum(metrics.ack_seconds.counts)
        ann.say("send", room=DEN, text="1")
        await trio.sleep(1)
        ann.say("send", room=DEN, text="2")
        ann.say("send", room=DEN, text="3")
        await rig.hub.drain()
        total = metrics.ack_seconds.total - before[0]
        assert sum(metrics.ack_seconds.counts) - before[1] == 3
        assert round(total, 6) == 3 + 5 + 5
