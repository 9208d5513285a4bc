from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from chatd.daemon.levels import Levels
from chatd.observe import log


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The log as it is before a test."""
    before = log().level
    log().level = "warning"
    yield
    log().level = before


async def test_a_level_for_a_while_goes_back(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """To what is configured, and not before its time."""
    levels = Levels("warning")
    nursery.start_soon(levels.keep)
    levels.set("error", 10)
    await trio.sleep(9)
    assert levels.current == "error"
    await trio.sleep(2)
    assert levels.current == "warning"


async def test_the_last_word_counts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Longer, or for good; and once more for a while."""
    levels = Levels("warning")
    nursery.start_soon(levels.keep)
    await trio.testing.wait_all_tasks_blocked()
    levels.set("error", 10)
    await trio.sleep(5)
    levels.set("error", 10)
    await trio.sleep(9)
    assert levels.current == "error"
    levels.set("error", None)
    await trio.sleep(1000)
    assert levels.current == "error"
    levels.set("error", 1)
    await trio.sleep(2)
    assert levels.current == "warning"


async def test_what_is_configured_anew_counts_when_the_while_is_over(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """At once, where nothing was asked for a while."""
    levels = Levels("warning")
    nursery.start_soon(levels.keep)
    await trio.testing.wait_all_tasks_blocked()
    levels.configure("error")
    assert levels.current == "error"
    levels.set("warning", 10)
    levels.configure("critical")
    assert levels.current == "warning"
    await trio.sleep(11)
    assert levels.current == "critical"
