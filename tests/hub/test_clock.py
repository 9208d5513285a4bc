"""The clock on the wall is wrong, and nothing is lost by it.

The store is the one on disk with its own tables, in this thread: Trio's time jumps.
"""

from __future__ import annotations

import attrs
import pytest
import trio
from trio.testing import MockClock

from chatd.auth import digest_of
from chatd.config import Config, PermanentRoom, Rooms
from chatd.core import drafts as d
from chatd.core.clock import STEADY_S, SYNCHRONIZED_S
from chatd.core.settings import RoomSettings
from chatd.daemon.routes import public_routes
from chatd.enums import MemberChange, Role
from chatd.hub.clock import EVERY_S, RECORD_S, spell
from chatd.ids import RoomName, SessionId
from chatd.store import SqliteStore
from chatd.wire.timestamps import rfc3339
from tests.hub.support import (
    ANN,
    BOB,
    EPOCH,
    T0,
    Peer,
    Rig,
    WallClock,
    fill,
    quick,
    running,
)
from tests.logs import capture_logs
from tests.store.support import in_memory

DAY_MS = 86_400_000
KEPT = RoomName("kept")
THIRTY = RoomSettings(keep_days=30)
ROOMS = Rooms(permanent=(PermanentRoom(name=KEPT, keep_days=30),))
CONFIG = quick(attrs.evolve(Config(), rooms=ROOMS))
SAID = ["10 days ago", "5 days ago", "0 days ago"]


async def filled() -> SqliteStore:
    """Ann has said something now and then; bob, who is banned for an hour, has not."""
    store = in_memory()
    await store.load(T0 - 10 * DAY_MS)
    await fill(store)
    members = {ANN: Role.OWNER}
    await store.commit([d.CreateRoom(KEPT, EPOCH, THIRTY, members)], T0 - 10 * DAY_MS)
    for text, days in zip(SAID, (10, 5, 0), strict=True):
        said = d.NewMessage(KEPT, ANN, None, text)
        await store.commit([said], T0 - days * DAY_MS)
    ban = d.Moderate(KEPT, ANN, None, BOB, MemberChange.BAN, seconds=3600)
    idle = {SessionId(digest_of(name)): T0 for name in ("ann", "bob", "cy")}
    await store.commit([ban, d.SaveMarks({}, {**idle})], T0)
    return store


async def said(rig: Rig, peer: Peer, text: str) -> str:
    """Say something, and return its stamp."""
    reply = await peer.answer("send", room=KEPT, text=text)
    assert reply["type"] == "ok", reply
    return str(reply["ts"])


async def texts(peer: Peer) -> list[str]:
    """What can be read of the room."""
    page = await peer.answer("history", room=KEPT)
    return [message["text"] for message in page["messages"]]


async def is_banned(rig: Rig) -> bool:
    """Whether bob, who comes back, is kept out of the room."""
    bob = await rig.login("bob")
    answer = await bob.answer("join", room=KEPT)
    bob.close()
    return answer.get("code") == "banned"


def ready(rig: Rig) -> str:
    """What a proxy is told: the status is always 200 here."""
    answer = public_routes(rig.hub)["/readyz"]("GET")
    assert answer.status == 200
    return answer.body.decode()


async def test_forty_days_ahead_for_a_minute(autojump_clock: MockClock) -> None:
    """Messages, sessions and bans are where they were; stamps are what was told."""
    clock, store = WallClock(), await filled()
    async with running(store, CONFIG, filled=False, clock=clock) as rig:
        ann = await rig.login("ann")
        before = await ann.answer("send", room=KEPT, text="before", cid="c")
        clock.off_ms = 40 * DAY_MS
        await trio.sleep(60)
        assert ready(rig).startswith("ready\nthe clock has jumped by +40 days, 0:00:00")
        assert await said(rig, ann, "ahead") == rfc3339(T0 + 40 * DAY_MS + 60_000)
        assert await is_banned(rig)
        clock.off_ms = 0
        await trio.sleep(10)
        assert ready(rig) == "ready\n"
        assert await said(rig, ann, "after") == rfc3339(T0 + 70_000)
        assert await is_banned(rig)
        again = await ann.answer("send", room=KEPT, text="before", cid="c")
        assert (again["seq"], again["dup"]) == (before["seq"], True)
        clock.slept_s += 3600
        await trio.sleep(3700)
        assert await texts(ann) == [*SAID, "before", "ahead", "after"]
        assert not await is_banned(rig)
        clock.slept_s += 20 * 86_400
        await trio.sleep(3700)
        assert await texts(ann) == [*SAID[1:], "before", "ahead", "after"]
        # What was stamped with the future goes with what was said before and after it.
        clock.slept_s += 10 * 86_400
        await trio.sleep(3700)
        assert await texts(ann) == []


async def test_a_machine_that_comes_up_ahead(autojump_clock: MockClock) -> None:
    """At the start of the daemon as well, and whatever the operator does then."""
    clock, store = WallClock(off_ms=40 * DAY_MS), await filled()
    with capture_logs() as lines:
        async with running(store, CONFIG, filled=False, clock=clock) as rig:
            await trio.sleep(60)
            assert "the clock has jumped by +40 days" in ready(rig)
            ann = await rig.login("ann")
            assert await texts(ann) == SAID
            assert await is_banned(rig)
            await rig.hub.settle()
        async with running(store, CONFIG, filled=False, clock=clock) as rig:
            ann = await rig.login("ann")
            assert await texts(ann) == SAID
            clock.off_ms = 0
            await trio.sleep(3700)
            assert ready(rig) == "ready\n"
            assert await texts(ann) == SAID
    jumped = [line for line in lines if "the clock has jumped" in line["event"]]
    assert [line["level"] for line in jumped] == ["warning", "warning", "info"]
    assert jumped[0]["off"] == "+40 days, 0:00:00"
    assert "or the daemon was off for so long" in jumped[0]["event"]
    assert jumped[2]["jump"] == "-40 days, 0:00:00"


@pytest.mark.parametrize(
    ("is_synchronized", "long_s"), [(False, STEADY_S), (True, SYNCHRONIZED_S)]
)
async def test_a_daemon_that_was_off_for_forty_days(
    autojump_clock: MockClock, is_synchronized: bool, long_s: float
) -> None:
    """It comes right by itself: what is too old goes, sessions and the ban are over."""
    clock, store = (
        WallClock(40 * DAY_MS, is_synchronized=is_synchronized),
        await filled(),
    )
    async with running(store, CONFIG, filled=False, clock=clock) as rig:
        await trio.sleep(long_s - 60)
        assert (await rig.login("cy")).rig is rig
        ann = await rig.login("ann")
        assert await texts(ann) == SAID
        await trio.sleep(60 + EVERY_S)
        assert ready(rig) == "ready\n"
        late = rig.connect()
        refused = await late.answer("hello", session="bob")
        assert refused["code"] == "bad_credentials"
        await trio.sleep(3600)
        assert await texts(ann) == []


async def test_a_machine_that_comes_up_in_1970(autojump_clock: MockClock) -> None:
    """What is certain is told and stamped instead; then somebody sets the clock."""
    clock, store = WallClock(off_ms=-T0), await filled()
    async with running(store, CONFIG, filled=False, clock=clock) as rig:
        ann = rig.connect()
        welcome = await ann.answer("hello", session="ann")
        assert welcome["now"] == rfc3339(T0)
        await trio.sleep(60)
        assert "the clock has jumped by -" in ready(rig)
        assert await said(rig, ann, "unset") == rfc3339(T0 + 60_000)
        assert await is_banned(rig)
        ann.close()
        await trio.sleep(60)
        clock.off_ms = 5 * 60_000
        await trio.sleep(3700)
        assert ready(rig) == "ready\n"
        ann = await rig.login("ann")
        assert await texts(ann) == [*SAID, "unset"]


async def test_a_machine_that_comes_up_forty_days_behind(
    autojump_clock: MockClock,
) -> None:
    """What was open when the daemon ended is idle since what is certain, not since
    what the clock said before it was set.
    """
    clock, store = WallClock(off_ms=-40 * DAY_MS), await filled()
    idle = dict.fromkeys([SessionId(digest_of("bob"))])
    await store.commit([d.SaveMarks({}, {**idle})], T0)
    async with running(store, CONFIG, filled=False, clock=clock) as rig:
        await trio.sleep(60)
        assert "the clock has jumped by -40 days" in ready(rig)
        ann = await rig.login("ann")
        assert await said(rig, ann, "behind") == rfc3339(T0 + 60_000)
        clock.off_ms = 60_000
        await trio.sleep(STEADY_S + 60)
        assert ready(rig) == "ready\n"
        await rig.login("bob")
        assert await texts(ann) == [*SAID, "behind"]


async def test_forty_days_back(autojump_clock: MockClock) -> None:
    """Stamps follow at once, a search finds by them, and nothing goes."""
    clock, store = WallClock(), await filled()
    async with running(store, CONFIG, filled=False, clock=clock) as rig:
        ann = await rig.login("ann")
        clock.off_ms = -40 * DAY_MS
        await trio.sleep(60)
        assert "the clock has jumped by -40 days" in ready(rig)
        stamp = await said(rig, ann, "tea")
        assert stamp == rfc3339(T0 - 40 * DAY_MS + 60_000)
        for query, count in (("tea before:2026-09-01", 1), ("tea after:2026-09-01", 0)):
            found = await ann.answer("search", query=query)
            assert len(found["messages"]) == count, query
        ann.close()
        assert await is_banned(rig)
        await trio.sleep(STEADY_S)
        assert ready(rig) == "ready\n"
        clock.off_ms = 0
        await trio.sleep(3700)
        ann = await rig.login("ann")
        assert await texts(ann) == [*SAID, "tea"]


async def test_a_night_asleep(autojump_clock: MockClock) -> None:
    """A machine that sleeps has no wrong clock: time has passed."""
    clock, store = WallClock(), await filled()
    with capture_logs() as lines:
        async with running(store, CONFIG, filled=False, clock=clock) as rig:
            assert await is_banned(rig)
            clock.slept_s = 9 * 3600
            await trio.sleep(2 * EVERY_S)
            assert ready(rig) == "ready\n"
            assert not await is_banned(rig)
    assert not [line for line in lines if "clock" in line["event"]]


async def test_each_jump_is_one_line(autojump_clock: MockClock) -> None:
    """With by how much, and what to do; and one when it is over."""
    clock = WallClock()
    with capture_logs() as lines:
        async with running(clock=clock) as rig:
            clock.off_ms = 90_000
            await trio.sleep(600)
            clock.off_ms = -DAY_MS
            await trio.sleep(STEADY_S + 60)
            assert rig.hub.clock.jumps == 2
    told = [
        (line["level"], line.get("jump"), line.get("off"))
        for line in lines
        if "clock" in line["event"]
    ]
    assert told == [
        ("warning", "+0:01:30", "+0:01:30"),
        ("warning", "-1 day, 0:01:30", "-1 day, 0:00:00"),
        ("info", None, None),
    ]
    assert "set it if it is wrong" in lines[0]["event"]


async def test_what_is_certain_is_written_down(autojump_clock: MockClock) -> None:
    """At the start, every hour, and at the end, also where nobody says anything."""
    clock, store = WallClock(), in_memory()
    async with running(store, clock=clock) as rig:
        start = trio.current_time()
        clock.off_ms = 40 * DAY_MS
        await trio.sleep(RECORD_S + 2 * EVERY_S)
        assert await store.certain(T0) == T0 + round((start + RECORD_S) * 1000)
        await trio.sleep(100)
        await rig.hub.settle()
        certain = await store.certain(T0)
        assert certain == T0 + 40 * DAY_MS + round(trio.current_time() * 1000)


def test_a_difference_of_times_is_written_for_people() -> None:
    """With its sign, to the second."""
    assert spell(0) == "+0:00:00"
    assert spell(-1500) == "-0:00:01"
    assert spell(40 * DAY_MS + 3_600_000) == "+40 days, 1:00:00"
