"""Leaving, and what is left behind."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, expect

from tests.live.daemon import PATIENCE_S
from tests.web.page.daemon import Daemon, running
from tests.web.page.person import Come, Person, people
from tests.web.page.test_presence import online


def hellos(one: Person) -> int:
    """How often somebody's page has said who he is."""
    return [frame["type"] for frame in one.said].count("hello")


def test_5_1_logout_closes_with_1000_and_does_not_reconnect(come: Come) -> None:
    """The others see it at once; the page asks who one is, also when it is loaded
    again or the network comes back.
    """
    ann, bob = come("ann"), come("bob")
    online(bob, "ann", "bob")
    codes = len(ann.closes())
    ann.log_out()
    expect(ann.page.get_by_role("alert").first).to_contain_text("You are logged out.")
    assert ann.closes()[codes] == 1000
    online(bob, "bob")
    assert hellos(ann) == 1
    ann.page.evaluate("dispatchEvent(new Event('online'))")
    ann.page.reload()
    expect(ann.button("Log in")).to_be_visible()
    assert hellos(ann) == 1
    ann.log_in("ann")


def test_whom_the_operator_has_sent_away_is_told(come: Come, daemon: Daemon) -> None:
    """He does not come back by himself, and has his session still if he wants to."""
    ann = come("ann")
    codes = len(ann.closes())
    daemon.terminal("kick", "ann")
    expect(ann.page.get_by_role("alert").first).to_contain_text("has ended this conn")
    assert ann.closes()[codes] == 4507
    ann.page.reload()
    expect(ann.rooms).to_be_visible()


def test_5_2_the_daemon_stays_calm(browser: Browser, tmp_path: Path) -> None:
    """A normal session is a line of the log for each connection, and none of them is
    a complaint; while nobody does anything, it does nothing.
    """
    with (
        running(tmp_path, heartbeat_s=1) as daemon,
        people(browser, daemon) as come,
    ):
        ann, bob = come("ann"), come("bob")
        ann.say("hi")
        bob.sees("hi")
        before = daemon.cpu_s()
        for _ in range(3):
            ann.hears(re="ping")
        # Six seconds at least, in which the daemon of old used five of a core.
        assert daemon.cpu_s() - before < 0.5
        for one in (ann, bob):
            one.log_out()
            one.page.wait_for_function("() => closes.length === 3")
        daemon.stop()
        lines = daemon.log_text().splitlines()
        ends = [line for line in lines if "connection ended" in line]
        # Of each: the question before the login, the session, the question after it.
        assert len(ends) == 6
        logins = [line for line in lines if " login " in line]
        assert len(logins) == 2
        others = len(lines) - len(ends) - len(logins)
        assert others <= 8, "what it says of its own start and end"
        daemon.start()


def test_5_3_many_cycles_leave_nothing_behind(browser: Browser, tmp_path: Path) -> None:
    """After many logins and logouts of one page neither the daemon nor the page has
    more than after the first.
    """
    with running(tmp_path) as daemon, people(browser, daemon) as come:
        bob = come("bob")
        bob.log_out()
        bob.context.close()
        before = rest(daemon, None)

        ann = come("ann")
        console = ann.context.new_cdp_session(ann.page)
        held = []
        for _ in range(12):
            ann.log_out()
            held.append(holds(console))
            ann.type_credentials("ann")
            expect(ann.rooms).to_be_visible()
        ann.log_out()
        # The first logout loads what a page needs once. A leak is one in each cycle;
        # what the browser has not let go of yet is there in some.
        half = len(held) // 2
        early, late = (
            {name: min(one[name] for one in some) for name in held[0]}
            for some in (held[1:half], held[half + 1 :])
        )
        assert all(late[name] < early[name] + half for name in late), held
        assert ann.page.evaluate("Object.keys(localStorage).length") <= 1
        ann.context.close()
        after = rest(daemon, before)
        assert all(after[name] <= before[name] for name in after), (before, after)


def rest(daemon: Daemon, wanted: dict[str, float] | None) -> dict[str, float]:
    """What a daemon has once nobody is connected.

    Args:
        daemon: The daemon.
        wanted: What it should have, which is waited for; its connections for HTTP end
            a moment after the browser.
    """
    names = ("connections", "users_online", "sessions_held", "buffered_bytes", "tasks")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        numbers = daemon.numbers()
        found = {name: numbers[f"chatd_{name}"] for name in names}
        found["descriptors"] = daemon.descriptors()
        is_rest = (
            all(found[name] <= wanted[name] for name in found)
            if wanted
            else not found["connections"]
        )
        if is_rest or time.monotonic() > deadline:
            return found


def holds(console: CDPSession) -> dict[str, float]:
    """What a page holds, after the garbage is gone."""
    # What the first look frees may be all that has held something else.
    for _ in range(3):
        console.send("HeapProfiler.collectGarbage")
    console.send("Performance.enable")
    found = console.send("Performance.getMetrics")["metrics"]
    wanted = {"JSEventListeners", "Nodes", "Documents"}
    return {one["name"]: one["value"] for one in found if one["name"] in wanted}
