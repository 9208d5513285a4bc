"""Lists of messages: results, bookmarks, what is not sent."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come
from tests.web.page.program import program


def test_a_result_that_is_deleted_meanwhile_says_so(come: Come, daemon: Daemon) -> None:
    """It leads nowhere any more; the others do."""
    with program(daemon, "bob", "lobby") as bob:
        first = bob.send("lobby", "green tea", "black tea") - 1
        ann = come("ann")
        ann.button("Search").click()
        dialog = ann.page.get_by_role("dialog")
        dialog.get_by_role("searchbox").fill("tea")
        dialog.get_by_role("searchbox").press("Enter")
        rows = dialog.locator(".found").get_by_role("listitem")
        expect(rows).to_have_count(2)
        bob.ask(type="delete", room="lobby", of=first, cid="gone")
        gone = rows.filter(has_text="This message was deleted meanwhile.")
        expect(gone).to_have_count(1)
        expect(gone.get_by_role("button")).to_have_count(0)
        rows.filter(has_text="black").get_by_role("button").click()
        expect(ann.message("black tea")).to_be_focused()


def test_arrows_lead_through_a_list(come: Come, daemon: Daemon) -> None:
    """From the field into what was found, and from one row to another."""
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", *(f"tea {n}" for n in range(1, 5)))
        ann = come("ann")
        ann.button("Search").click()
        dialog = ann.page.get_by_role("dialog")
        box = dialog.get_by_role("searchbox")
        box.fill("tea")
        box.press("Enter")
        rows = dialog.locator(".found").get_by_role("listitem")
        expect(rows).to_have_count(4)
        box.press("ArrowDown")
        for key, row in (
            ("ArrowDown", 1),
            ("End", 3),
            ("ArrowUp", 2),
            ("Home", 0),
        ):
            ann.page.keyboard.press(key)
            expect(rows.nth(row).get_by_role("button")).to_be_focused()


def test_what_is_not_sent_says_where_and_when(come: Come, daemon: Daemon) -> None:
    """As a list of messages does, and arrows lead through it as well."""
    ann = come("ann")
    ann.box.fill("for the lobby")
    ann.enter("garden")
    ann.expects_losses()
    daemon.stop()
    ann.is_offline()
    ann.say("waits")
    ann.button("2 not sent").click()
    rows = ann.page.get_by_role("dialog").locator(".found").get_by_role("listitem")
    expect(rows).to_have_text(
        [re.compile(r"garden .*\d\d:\d\d.*waits"), re.compile("lobby.*for the lobby")]
    )
    daemon.start()
    ann.is_back()
    expect(rows).to_have_count(1)


def test_what_was_unfolded_stays_so(come: Come) -> None:
    """Whatever is listed above it, and however late that comes."""
    ann = come("ann")
    ann.begin_room()
    for wanted in ("nowhere", ""):
        ann.field("Search by name").fill(wanted)
        expect(ann.field("Name of the room")).to_have_value(wanted)
        expect(ann.field("Name of the room")).to_be_visible()
    ann.page.get_by_text("Create a room", exact=True).click()
    expect(ann.field("Name of the room")).to_be_hidden()
