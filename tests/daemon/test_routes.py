from __future__ import annotations

import re

import attrs
import trio
from trio.testing import MockClock

from chatd import __version__
from chatd.config import PublicUrl, parse_public_url
from chatd.config.sections import Store as StoreSection
from chatd.core.quota import Space
from chatd.daemon.routes import metrics_routes, page_for, public_routes
from chatd.store import MemoryStore
from tests.hub.support import DEN, quick, running

NOWHERE = PublicUrl("")


async def test_ready_is_whoever_can_store_a_message(autojump_clock: MockClock) -> None:
    """503 while the store does not answer; alive all the time."""
    store = MemoryStore()
    async with running(store) as rig:
        routes = public_routes(rig.hub, NOWHERE)
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
        ready = public_routes(rig.hub, NOWHERE)["/readyz"]
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


async def test_a_browser_is_told_what_it_has_found(autojump_clock: MockClock) -> None:
    """A page that loads nothing from anywhere and runs nothing."""
    async with running() as rig:
        page = public_routes(rig.hub, NOWHERE)["/"]("GET")
    assert page.status == 200
    assert page.content_type == "text/html; charset=utf-8"
    body = page.body.decode()
    assert __version__ in body
    assert not re.search(r"<script|<img|<link|https?://", body)
    headers = dict(page.headers)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_page_names_an_address_that_one_can_type() -> None:
    """That of `public_url` with its path, where there is one."""
    page = page_for(parse_public_url("https://chat.example.org/team&co")).decode()
    assert page.count("wss://chat.example.org/team&amp;co/ws") == 3
    assert page_for(NOWHERE).decode().count("ws://HOST:PORT/ws") == 3


async def test_numbers_are_not_for_everybody(autojump_clock: MockClock) -> None:
    """`/metrics` is a route of the other listener alone."""
    async with running() as rig:
        assert "/metrics" not in public_routes(rig.hub, NOWHERE)
        routes = metrics_routes(rig.metrics)
    assert list(routes) == ["/metrics"]
    answer = routes["/metrics"]("GET")
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert answer.body == rig.metrics.text()
