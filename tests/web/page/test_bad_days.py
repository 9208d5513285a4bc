"""What a page says when something is the matter, and that nothing typed is lost."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
from playwright.sync_api import Browser, Locator, expect

from tests.web.page.daemon import Daemon, running
from tests.web.page.person import Come, Person, people
from tests.web.page.program import program


def told(one: Person) -> Locator:
    """What a page says first and foremost."""
    return one.page.get_by_role("alert").first


def returns(one: Person, name: str, draft: str) -> None:
    """Log in again on the same page, and find what was being typed."""
    one.type_credentials(name)
    expect(one.rooms).to_be_visible()
    one.enter("lobby")
    expect(one.box).to_have_value(draft)


def test_a_daemon_that_is_away_counts_down_and_is_tried_at_once_on_demand(
    come: Come, daemon: Daemon
) -> None:
    """The line under the header says so and never covers what one types."""
    ann = come("ann")
    ann.box.fill("a thought")
    # Each pause is nearly as long as it may be: the fifth outlasts the daemon's start.
    ann.page.evaluate("Math.random = () => 0.95")
    daemon.kill()
    ann.is_offline()
    expect(ann.page.get_by_text("Messages are kept and sent later.")).to_be_visible()
    strip, box = ann.strip.bounding_box(), ann.box.bounding_box()
    assert strip
    assert box
    assert strip["y"] + strip["height"] <= box["y"]
    ann.box.press("Enter")
    expect(ann.waiting).to_contain_text("a thought")
    expect(ann.strip).to_contain_text(re.compile(r"in 1\d seconds"))
    daemon.start()
    ann.button("Try now").click()
    ann.is_back()
    ann.sees("a thought")


def test_a_page_that_is_loaded_while_the_daemon_is_away(
    come: Come, daemon: Daemon
) -> None:
    """What was typed and not sent before is sent after, once."""
    ann, bob = come("ann"), come("bob")
    daemon.kill()
    ann.is_offline()
    ann.say("before the reload")
    ann.box.fill("half")
    bob.is_offline()
    ann.page.close()
    daemon.start()
    ann.page = ann.context.new_page()
    ann.visit("#room=lobby")
    for one in (ann, bob):
        one.sees("before the reload")
    expect(ann.box).to_have_value("half")


def test_a_daemon_that_is_stopped(browser: Browser, tmp_path: Path) -> None:
    """SIGSTOP: the network is there and nobody answers. The page finds out, says so,
    and what was sent meanwhile arrives once.
    """
    with (
        running(tmp_path, heartbeat_s=1) as daemon,
        people(browser, daemon) as come,
    ):
        ann, bob = come("ann"), come("bob")
        daemon.freeze()
        ann.say("hello?")
        expect(ann.waiting).to_contain_text("sending…")
        ann.is_offline()
        bob.is_offline()
        bob.say("anybody?")
        expect(bob.waiting).to_contain_text("will be sent when you are back")
        daemon.thaw()
        for one in (ann, bob):
            one.is_back()
            expect(one.waiting).to_have_count(0)
            expect(one.texts).to_have_count(2)
        assert sorted(ann.texts.all_inner_texts()) == ["anybody?", "hello?"]


def test_a_backup_is_restored(come: Come, daemon: Daemon) -> None:
    """Another epoch: what the store has forgotten is not shown any more, what waits to
    be sent is sent, and what comes is there once.
    """
    ann, bob = come("ann"), come("bob")
    ann.say("kept")
    bob.sees("kept")
    backup = daemon.directory / "backup.db"
    store = apsw.Connection(str(daemon.data / "chatd.db"))
    store.execute("VACUUM INTO ?", (str(backup),))
    store.close()
    bob.say("forgotten")
    ann.sees("kept", "forgotten")
    daemon.stop()
    for one in (ann, bob):
        one.is_offline()
    ann.say("waited")
    for end in ("-wal", "-shm"):
        (daemon.data / f"chatd.db{end}").unlink(missing_ok=True)
    backup.rename(daemon.data / "chatd.db")
    daemon.start()
    for one in (ann, bob):
        one.is_back()
        one.sees("kept", "waited")
    bob.say("as ever")
    for one in (ann, bob):
        one.sees("kept", "waited", "as ever")
    daemon.expected.append("older state")


def test_a_full_disk(come: Come, daemon: Daemon) -> None:
    """Messages wait and say why; they are sent when there is room again."""
    ann, bob = come("ann"), come("bob")
    ann.say("before")
    bob.sees("before")
    daemon.stop()
    for one in (ann, bob):
        one.is_offline()
    daemon.start(CHATD_STORE__FREE_BYTES_MIN="1125899906842624")
    daemon.expected.append("disk")
    for one in (ann, bob):
        one.is_back()
    ann.say("does it fit?")
    expect(ann.waiting).to_contain_text("cannot store")
    bob.sees("before")
    daemon.stop()
    for one in (ann, bob):
        one.is_offline()
    daemon.start()
    for one in (ann, bob):
        one.is_back()
        one.sees("before", "does it fit?")


def test_logged_out_elsewhere(come: Come) -> None:
    """By "log out everywhere" of another device: the page says so and stays out."""
    ann, phone = come("ann"), come("ann")
    ann.box.fill("half a sentence")
    phone.button("Settings").click()
    for _ in range(2):
        phone.button("Log out everywhere").click()
    expect(told(phone)).to_contain_text("You are logged out.")
    expect(told(ann)).to_contain_text("What you had typed is kept.")
    returns(ann, "ann", "half a sentence")


def test_banned_from_the_server(come: Come, daemon: Daemon) -> None:
    """At once, and with the operator's reason at the next try to log in."""
    ann = come("ann")
    ann.box.fill("half a sentence")
    daemon.terminal("user", "ban", "ann", "--reason", "spam & <b>worse</b>")
    expect(told(ann)).to_have_text("You are banned from this server.")
    ann.type_credentials("ann")
    expect(ann.page.get_by_text("spam & <b>worse</b>")).to_be_visible()
    daemon.terminal("user", "unban", "ann")
    returns(ann, "ann", "half a sentence")


def test_removed_from_a_room_and_muted(come: Come, daemon: Daemon) -> None:
    """Each is told in words; what was being typed there is not sent elsewhere."""
    with program(daemon, "bob", "den") as bob:
        ann = come("ann")
        ann.button("Find or create a room").click()
        ann.page.get_by_role("button", name="Join: den").click()
        expect(ann.page.get_by_role("heading", level=1, name="den")).to_be_visible()
        ann.box.fill("to be said")
        bob.ask(type="mute", room="den", user="ann", cid="m", reason="noise")
        why = "You are muted here: for good · noise"
        expect(ann.box).to_have_attribute("placeholder", why)
        expect(ann.box).to_have_value("to be said")
        bob.ask(type="unmute", room="den", user="ann", cid="u")
        expect(ann.box).not_to_have_attribute("readonly", "")
        ann.box.press("Enter")
        ann.sees("to be said")
        bob.ask(type="kick", room="den", user="ann", cid="k")
        expect(ann.page.get_by_text("You were removed from #den.")).to_be_visible()
        expect(ann.room("den")).to_have_count(0)


def test_too_fast(browser: Browser, tmp_path: Path) -> None:
    """Whoever types faster than is allowed waits, and nothing is lost."""
    with (
        running(tmp_path, messages_per_s=4) as daemon,
        people(browser, daemon) as come,
    ):
        ann = come("ann")
        texts = [f"number {number}" for number in range(26)]
        for text in texts:
            ann.say(text)
        ann.sees(*texts)


NO_STORAGE = """
const get = () => { throw new DOMException("denied", "SecurityError"); };
for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
  Object.defineProperty(globalThis, name, { get });
}
"""
FULL_STORAGE = """
Storage.prototype.setItem = () => {
  throw new DOMException("full", "QuotaExceededError");
};
"""


def test_storage_is_denied(come: Come) -> None:
    """As in a private window of some browsers: one can talk, and is told what that
    costs.
    """
    for script in (NO_STORAGE, FULL_STORAGE):
        ann, bob = come(), come("bob")
        ann.context.add_init_script(script)
        ann.visit()
        expect(ann.page.get_by_text("This browser stores nothing")).to_be_visible()
        ann.type_credentials("ann")
        ann.enter("lobby")
        ann.box.fill("a draft")
        ann.enter("garden")
        ann.enter("lobby")
        expect(ann.box).to_have_value("a draft")
        ann.box.press("Enter")
        expect(bob.texts.last).to_have_text("a draft")
        ann.log_out()
        bob.log_out()


def test_a_clock_that_is_off_by_an_hour(come: Come) -> None:
    """Times, who is typing and what waits go by the daemon's clock."""
    ann, bob = come(), come("bob")
    ann.page.clock.install()
    ann.page.clock.fast_forward("01:00:00")
    ann.log_in("ann")
    ann.enter("lobby")
    ann.say("what time is it?")
    bob.sees("what time is it?")
    bob.say("late")
    ann.sees("what time is it?", "late")
    times = ann.log.get_by_role("time").all_inner_texts()
    assert times == bob.log.get_by_role("time").all_inner_texts()
    bob.box.type("very")
    expect(ann.page.get_by_text("bob is typing…")).to_be_visible()


def test_two_tabs_of_one_browser(come: Come) -> None:
    """Neither throws the other out; each sends what is typed in it, once; and one
    that is closed leaves the other be.
    """
    ann, bob = come("ann"), come("bob")
    second = ann.context.new_page()
    second.goto(ann.page.url)
    box = second.get_by_role("textbox", name="Message #lobby")
    box.fill("from the second")
    ann.say("from the first")
    box.press("Enter")
    expect(bob.texts).to_have_count(2)
    assert sorted(bob.texts.all_inner_texts()) == ["from the first", "from the second"]
    expect(ann.texts).to_have_count(2)
    expect(second.get_by_role("log").locator("[data-seq]")).to_have_count(2)
    expect(bob.online).to_have_text("2 online")
    for page in (ann.page, second):
        assert 4506 not in page.evaluate("closes"), "taken over by the other"
        page.reload()
        expect(page.get_by_role("textbox", name="Message #lobby")).to_be_editable()
    expect(ann.texts).to_have_count(2)
    second.close()
    expect(bob.online).to_have_text("2 online")
    ann.say("still here")
    expect(bob.texts.last).to_have_text("still here")


def test_an_upgrade_offers_to_load_the_page_again(come: Come, daemon: Daemon) -> None:
    """A page never goes on with a daemon that has other files for it without saying
    so; what one types stays, and what it has not loaded yet it does not mix in.
    """
    ann = come("ann")
    # What it loads behind its first messages is of the old version, too.
    ann.page.wait_for_load_state("networkidle")
    style = style_of(ann)
    ann.box.fill("half a sentence")
    daemon.kill()
    ann.is_offline()
    daemon.start_newer()
    expect(ann.strip).to_contain_text("The server was updated.")
    ann.button("Reload").click()
    ann.is_back()
    expect(ann.box).to_have_value("half a sentence")
    assert style_of(ann) != style
    ann.box.press("Enter")
    ann.sees("half a sentence")


def style_of(one: Person) -> str | None:
    """The address of a page's style sheet, which names the version of all its files."""
    return one.page.locator('link[href$="/app.css"]').get_attribute("href")
