from __future__ import annotations

from typing import cast

import attrs
import trio
from trio.testing import MockClock

from chatd.daemon.daemon import DRAIN_MAX_S, _drain
from chatd.errors import Ending
from chatd.net.listener import Listener
from chatd.net.monitor import Monitor
from tests.hub.support import DEN, Rig, running
from tests.store.memory import MemoryStore


@attrs.define
class FakeListener:
    """Notes when it was told to let nobody in."""

    stopped: float | None = None

    def stop_accepting(self) -> None:
        self.stopped = trio.current_time()


async def drained(rig: Rig) -> tuple[FakeListener, FakeListener]:
    """Drain a hub."""
    listener, monitor = FakeListener(), FakeListener()
    await _drain(rig.hub, [cast(Listener, listener)], cast(Monitor, monitor))
    return listener, monitor


async def test_a_drain_ends_when_everybody_has_gone(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Nobody new at once; monitoring is answered until the end."""
    async with running() as rig:
        ann = await rig.login("ann")

        async def go() -> None:
            while not ann.outlet.finished:
                await ann.outlet.wait_change()
            await trio.sleep(2)
            rig.hub.detach(ann.outlet)

        nursery.start_soon(go)
        began = trio.current_time()
        listener, monitor = await drained(rig)
        assert listener.stopped == began
        assert monitor.stopped is not None
        assert 2 <= monitor.stopped - began < 4
        assert ann.outlet.ending is Ending.RESTART
        assert ann.outlet.holds == 1


async def test_a_store_that_hangs_does_not_keep_people_waiting(
    autojump_clock: MockClock,
) -> None:
    """They are sent away without it, and the drain ends in its time."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi")
        began = trio.current_time()
        await drained(rig)
        assert trio.current_time() - began == DRAIN_MAX_S
        assert ann.outlet.ending is Ending.RESTART
        assert ann.outlet.after_s is not None
        store.set_stalled(False)
