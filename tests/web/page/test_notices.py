"""Notifications and sounds of a browser: by choice, never of what one looks at."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

BROWSER = """
globalThis.shown = [];
globalThis.notices = [];
globalThis.asked = 0;
globalThis.tones = 0;
const answer = "ANSWER";
globalThis.Notification = class {
  static permission = sessionStorage.permission ?? "default";
  static async requestPermission() {
    asked += 1;
    sessionStorage.permission = answer;
    return (Notification.permission = answer);
  }
  constructor(title, options) {
    shown.push({ title, ...options });
    notices.push(Object.assign(this, { title, ...options }));
  }
  close() {}
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  tones += 1;
  return start.apply(this, when);
};
Document.prototype.hasFocus = () => globalThis.looks ?? true;
"""
"""What the browser shows and plays, and whether somebody looks, for a test to see."""


def sit(come: Come, answer: str = "granted", **options: Any) -> Person:
    """Ann before a browser that gives this answer when it is asked."""
    ann = come(**options)
    ann.context.add_init_script(BROWSER.replace("ANSWER", answer))
    ann.log_in("ann")
    ann.enter("lobby")
    return ann


def want(ann: Person, *names: str) -> None:
    """Switch some of the wishes in the settings."""
    ann.button("Settings").click()
    ann.page.get_by_role("dialog").get_by_text("Notifications", exact=True).click()
    for name in names:
        ann.page.get_by_role("checkbox", name=name).click()
    ann.page.keyboard.press("Escape")
    expect(ann.page.get_by_role("dialog")).to_have_count(0)


def shown(ann: Person) -> list[dict[str, str]]:
    """The notifications so far."""
    found: list[dict[str, str]] = ann.page.evaluate("shown")
    return found


def waits_for(ann: Person, count: int) -> None:
    """Wait until so many notifications were shown."""
    ann.page.wait_for_function("(count) => shown.length >= count", arg=count)
    assert len(shown(ann)) == count


def test_the_bell_of_a_room_switches_them_on(come: Come, daemon: Daemon) -> None:
    """Where one looks for them one is told that this device shows none."""
    ann = sit(come)
    dialog = ann.page.get_by_role("dialog")
    ann.button("Notifications").click()
    expect(dialog).to_contain_text("On this device no notifications are shown.")
    ann.button("Show notifications").click()
    expect(dialog).not_to_contain_text("no notifications are shown")
    ann.page.keyboard.press("Escape")
    with program(daemon, "bob", "lobby") as bob:
        ann.page.evaluate("looks = false")
        bob.send("lobby", "hello")
        waits_for(ann, 1)


def test_nothing_is_asked_or_shown_that_nobody_wanted(
    come: Come, daemon: Daemon
) -> None:
    """The browser's question comes by a click alone; without it there is silence."""
    ann = sit(come)
    with program(daemon, "bob", "lobby", "garden") as bob:
        ann.page.evaluate("looks = false")
        bob.send("garden", "one")
        expect(ann.room("garden").locator(".badge")).to_be_visible()
    assert ann.page.evaluate("[asked, shown.length, tones]") == [0, 0, 0]
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name)"
    assert not [name for name in ann.page.evaluate(loaded) if "notices" in name]


def test_a_notification_leads_to_its_message(come: Come, daemon: Daemon) -> None:
    """Of a room that is open and looked at there is none; after a reload, too."""
    ann = sit(come)
    want(ann, "Show notifications")
    assert ann.page.evaluate("asked") == 1
    ann.page.reload()
    ann.enter("lobby")
    with program(daemon, "bob", "lobby", "garden") as bob:
        bob.send("lobby", "looked at")
        bob.send("garden", "the *one*")
        waits_for(ann, 1)
        (notice,) = shown(ann)
        assert (notice["title"], notice["body"]) == ("bob · garden", "the one")
        bob.send("garden", *(f"behind {n}" for n in range(70)))
        waits_for(ann, 71)
    ann.page.evaluate("notices[0].onclick()")
    expect(ann.page.get_by_role("heading", level=1, name="garden")).to_be_visible()
    message = ann.log.locator("[data-seq]").filter(has_text="the one")
    expect(message).to_be_focused()


def test_the_level_says_what_is_shown_and_the_text_need_not_be(
    come: Come, daemon: Daemon
) -> None:
    """Mentions only, once each, also by an edit; and without what they say."""
    ann = sit(come)
    want(ann, "Show notifications", "Show the text")
    ann.enter("garden")
    ann.button("Notifications").click()
    ann.page.get_by_role("radio", name=re.compile("^Mentions")).check()
    ann.page.keyboard.press("Escape")
    ann.enter("lobby")
    with program(daemon, "bob", "lobby", "garden") as bob:
        seq = bob.send("garden", "secret")
        bob.send("garden", "@ann secret")
        waits_for(ann, 1)
        assert shown(ann)[0]["body"] == "New message"
        assert "secret" not in str(shown(ann))
        bob.ask(type="edit", room="garden", of=seq, text="@ann secret", cid="edit")
        waits_for(ann, 2)


def test_what_is_read_elsewhere_is_not_shown_here(come: Come, daemon: Daemon) -> None:
    """Another window of hers looks at it."""
    ann = sit(come)
    want(ann, "Show notifications")
    other = come("ann")
    other.enter("garden")
    with program(daemon, "bob", "lobby", "garden") as bob:
        bob.send("garden", "read there")
        expect(other.message("read there")).to_be_visible()
        ann.page.evaluate("looks = false")
        bob.send("lobby", "read nowhere")
        waits_for(ann, 1)
    assert [notice["body"] for notice in shown(ann)] == ["read nowhere"]


def test_a_refusal_is_told_and_leaves_it_off(come: Come) -> None:
    """With what helps: only the browser's own settings."""
    ann = sit(come, "denied")
    ann.button("Settings").click()
    ann.page.get_by_role("dialog").get_by_text("Notifications", exact=True).click()
    box = ann.page.get_by_role("checkbox", name="Show notifications")
    box.click()
    expect(ann.page.get_by_role("dialog").get_by_role("status")).to_contain_text(
        "The browser does not allow notifications here"
    )
    expect(box).not_to_be_checked()


def test_a_sound_by_choice_and_none_in_quiet_hours(come: Come, daemon: Daemon) -> None:
    """One hears it when one chooses it, and then when something calls."""
    ann = sit(come)
    ann.page.clock.set_fixed_time("2026-11-22T23:30:00")
    want(ann, "Play a sound")
    assert ann.page.evaluate("tones") == 2
    with program(daemon, "bob", "lobby", "garden") as bob:
        bob.send("garden", "one")
        ann.page.wait_for_function("() => tones === 4")
        want(ann, "Show notifications", "Quiet hours")
        bob.send("garden", "in the night")
        expect(ann.room("garden").locator(".badge [aria-hidden]")).to_have_text("2")
        ann.page.clock.set_fixed_time("2026-11-23T07:00:00")
        bob.send("garden", "in the morning")
        waits_for(ann, 1)
    assert [notice["body"] for notice in shown(ann)] == ["in the morning"]


def test_threads_that_one_follows_call(come: Come, daemon: Daemon) -> None:
    """Others do not, in the same room; a click leads to the reply in its thread."""
    ann = sit(come)
    want(ann, "Show notifications")
    ann.say("tea?")
    ann.sees("tea?")
    with program(daemon, "bob", "lobby") as bob:
        own = bob.ask(type="history", room="lobby")["messages"][-1]["seq"]
        other = bob.send("lobby", "of others")
        bob.reply("lobby", other, "no")
        bob.reply("lobby", own, "yes")
        waits_for(ann, 1)
        assert shown(ann)[0]["body"] == "yes"
    ann.page.evaluate("notices[0].onclick()")
    column = ann.page.get_by_role("region", name="Thread in lobby")
    expect(column.locator("[data-seq]").filter(has_text="yes")).to_be_focused()
