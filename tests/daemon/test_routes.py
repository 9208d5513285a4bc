from __future__ import annotations

import attrs
import trio
from trio.testing import MockClock

from chatd.config.sections import Store as StoreSection
from chatd.core.quota import Space
from chatd.daemon.routes import metrics_routes, public_routes
from tests.hub.support import DEN, quick, running
from tests.store.memory import MemoryStore


async def test_ready_is_whoever_can_store_a_message(autojump_clock: MockClock) -> None:
    """503 while the store does not answer; alive all the time."""
    store = MemoryStore()
    async with running(store) as rig:
        routes = public_routes(rig.hub)
        ready = routes["/readyz"]("GET")
        assert (ready.status, ready.body) == (200, b"ready\n")
        ann = await rig.login("ann")
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi")
        await trio.sleep(6)
        assert routes["/readyz"]("GET").status == 503
        assert routes["/healthz"]("GET").status == 200
        store.set_stalled(False)
        await rig.hub.drain()
        assert routes["/readyz"]("GET").status == 200


async def test_where_nobody_can_add_nobody_is_sent(autojump_clock: MockClock) -> None:
    """503 with a full disk; the watchdog is fed, since a restart frees nothing."""
    config = attrs.evolve(quick(), store=StoreSection(free_bytes_min=100))
    async with running(config=config) as rig:
        ready = public_routes(rig.hub)["/readyz"]
        assert rig.hub.measured(60) is Space.SCARCE
        assert ready("GET").status == 200, "accounts can"
        assert rig.hub.measured(49) is Space.NONE
        answer = ready("GET")
        assert (answer.status, answer.body) == (
            503,
            b"not ready: the store has no space left\n",
        )
        assert rig.hub.is_ready
        rig.hub.measured(200)
        assert ready("GET").status == 200


async def test_numbers_are_not_for_everybody(autojump_clock: MockClock) -> None:
    """`/metrics` is a route of the other listener alone."""
    async with running() as rig:
        assert "/metrics" not in public_routes(rig.hub)
        routes = metrics_routes(rig.metrics)
    assert list(routes) == ["/metrics"]
    answer = routes["/metrics"]("GET")
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert own(answer.body) == own(rig.metrics.text()) != []


def own(text: bytes) -> list[bytes]:
    """The lines that are not about the process, which lives on."""
    return [line for line in text.splitlines() if line.startswith(b"chatd_")]
