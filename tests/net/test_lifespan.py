from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from chatd.net.asgi import Gateway, Receive, Scope, Send
from chatd.net.lifespan import SHUTDOWN_S, NotStarted, live
from tests.net.asgi import hello


class Lived:
    """An application that keeps something from its start to its end."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.slow = False
        """Whether its end never comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Live."""
        assert scope["type"] == "lifespan"
        assert scope["asgi"]["version"] == "3.0"
        self.told.append((await receive())["type"])
        scope["state"]["kept"] = "since the start"
        await send({"type": "lifespan.startup.complete"})
        self.told.append((await receive())["type"])
        if self.slow:
            await trio.sleep_forever()
        await trio.sleep(SHUTDOWN_S / 2)
        await send({"type": "lifespan.shutdown.complete"})
        self.told.append("over")


async def test_it_lives_as_long_as_the_daemon(autojump_clock: MockClock) -> None:
    """It has started before the first request, and has time for its end."""
    app = Lived()
    gateway = Gateway(app=app)
    async with trio.open_nursery() as nursery:
        await nursery.start(live, gateway)
        assert app.told == ["lifespan.startup"]
        assert gateway.state == {"kept": "since the start"}
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    assert app.told[1:] == ["lifespan.shutdown", "over"]
    assert trio.current_time() - began == pytest.approx(SHUTDOWN_S / 2)


async def test_its_end_has_a_bound(autojump_clock: MockClock) -> None:
    """Nothing that it waits for keeps the daemon."""
    app = Lived()
    app.slow = True
    async with trio.open_nursery() as nursery:
        await nursery.start(live, Gateway(app=app))
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began == pytest.approx(SHUTDOWN_S)


async def test_one_without_a_life_is_served(autojump_clock: MockClock) -> None:
    """Whether it raises at the first word, returns, or says nothing to the end."""

    async def raises(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("only http here")

    async def returns(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    for app in (raises, returns, hello):
        async with trio.open_nursery() as nursery:
            await nursery.start(live, Gateway(app=app))
            nursery.cancel_scope.cancel()


async def test_one_that_cannot_start_ends_the_start(autojump_clock: MockClock) -> None:
    """With its own words; nobody is let in."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no templates"})

    expected = pytest.RaisesExc(NotStarted, match="^no templates$")
    with pytest.RaisesGroup(expected, flatten_subgroups=True):
        await live(Gateway(app=app))


async def test_a_bug_after_its_start_is_raised(autojump_clock: MockClock) -> None:
    """It would be missing for every request."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await trio.sleep(1)
        raise LookupError("a bug")

    with pytest.RaisesGroup(LookupError, flatten_subgroups=True):
        await live(Gateway(app=app))
