"""The clock is set while people talk: an hour and a day, forwards and back."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from chatd.wire.events import HOUR_MS
from tests.live.clocks import faked, faking, put
from tests.live.daemon import Person, announced, begin, person
from tests.live.test_conversation import add_account
from tests.live.test_kill import end
from tests.live.test_moderation import PASSWORD, act, log_in

HOURS = (1, -23, 1, 0)
"""What the clock says, beside the truth: steps of an hour and of a day, both ways."""
NEAR_MS = 10 * 60_000


@pytest.fixture
def offset(tmp_path: Path) -> Path:
    """The file that has how far off the clock is."""
    path = tmp_path / "offset"
    put(path, 0)
    return path


async def say(one: Person, other: Person, text: str, *, wall: int) -> None:
    """Send a message, which the other one gets at once with the time that is told."""
    sent = await one.ask(type="send", room="lobby", text=text, cid=text)
    assert sent["type"] == "ok", sent
    heard = await other.hear_until(type="message", text=text)
    assert abs(millis(heard["ts"]) - wall) < NEAR_MS, (heard, wall)


def millis(ts: str) -> int:
    """A time of the protocol as a number."""
    return round(datetime.fromisoformat(ts).timestamp() * 1000)


async def test_the_clock_is_set_while_people_talk(tmp_path: Path, offset: Path) -> None:
    """Nobody is cut off, refused or let in for it; messages are in order and tell what
    the clock says; a mute of an hour lasts an hour, whatever day it is meanwhile.
    """
    data = tmp_path / "data"
    for name in ("ann", "bob"):
        add_account(data, name, PASSWORD)
    daemon = begin(data, env=faked(offset), forks=faking())
    await announced(daemon)
    async with person(daemon.url) as ann, person(daemon.url) as bob:
        session = (await log_in(ann, "ann"))["session"]
        await log_in(bob, "bob")
        for one in (ann, bob):
            await act(one, "join", room="tea")
            await act(one, "join", room="lobby")
        await act(ann, "mute", room="tea", user="bob", **{"for": 3600})
        for number, hours in enumerate(HOURS):
            put(offset, hours)
            wall = round(time.time() * 1000) + hours * HOUR_MS
            await say(ann, bob, f"{number} from ann", wall=wall)
            await say(bob, ann, f"{number} from bob", wall=wall)
            refused = await bob.ask(type="send", room="tea", text="x", cid="x")
            assert refused["code"] == "muted", refused
            # Each second step comes before the one before it was noticed.
            if hours == min(HOURS):
                await daemon.said("the clock has jumped: ")
        await daemon.said("the clock has jumped, and is trusted")
        page = await bob.ask(type="history", room="lobby")
        assert [one["text"] for one in page["messages"]] == [
            f"{number} from {name}"
            for number in range(len(HOURS))
            for name in ("ann", "bob")
        ]
        state = await bob.ask(type="join", room="lobby", users=True)
        assert sorted(one["name"] for one in state["users"]) == ["ann", "bob"]
    async with person(daemon.url) as ann:
        assert (await ann.hello(session=session))["user"] == "ann"
    await end(daemon)
    assert "Traceback" not in daemon.log_text()
    assert " error " not in daemon.log_text()
