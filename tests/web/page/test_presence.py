"""Who is there."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.live.daemon import Frame
from tests.web.page.daemon import running
from tests.web.page.line import line_to
from tests.web.page.person import Come, Person, people


def online(one: Person, *names: str) -> None:
    """Wait until somebody's page counts and lists exactly these as online."""
    expect(one.online).to_have_text(f"{len(names)} online")
    expect(one.people.get_by_role("heading")).to_have_text("Online")
    expect(one.people.get_by_role("listitem")).to_contain_text(list(names))


def test_4_1_coming_online_is_announced(come: Come) -> None:
    """To those who are in the room, and whoever comes sees those who are there."""
    ann = come("ann")
    online(ann, "ann")
    bob = come("bob")
    for one in (ann, bob):
        online(one, "ann", "bob")


def test_4_2_going_offline_is_announced_a_short_drop_is_not(
    browser: Browser, tmp_path: Path
) -> None:
    """A lost line that is back in time is nobody's news; a closed page is."""
    with (
        running(tmp_path, grace_s=5) as daemon,
        line_to(daemon) as line,
        people(browser, daemon) as come,
    ):
        ann, bob = come("ann"), come("bob", line.url)
        online(ann, "ann", "bob")
        heard = len(ann.heard)

        def news() -> list[Frame]:
            frames = ann.heard[heard:]
            return [
                f for f in frames if f["type"] == "presence" and f["room"] == "lobby"
            ]

        bob.expects_losses()
        line.drop()
        bob.say("was I away?")
        ann.sees("was I away?")
        assert bob.welcomes() == 2
        assert news() == []

        bob.page.close()
        online(ann, "ann")
        assert [(f["online"], f["leave"]) for f in news()] == [(1, ["bob"])]


def test_4_3_the_list_and_the_number_agree_over_two_devices(come: Come) -> None:
    """Somebody with two devices is one, until the last of them is gone; who is away
    is there all the same.
    """
    ann, bob, second = come("ann"), come("bob"), come("bob")
    for one in (ann, bob, second):
        online(one, "ann", "bob")
    cy = come("cy")
    second.page.close()
    for one in (ann, bob, cy):
        online(one, "ann", "bob", "cy")
    bob.page.close()
    for one in (ann, cy):
        online(one, "ann", "cy")

    cy.button("Settings").click()
    cy.page.get_by_role("radio", name="Away").check()
    cy.field("Status text").fill("lunch")
    cy.button("Save").first.click()
    cy.button("Close").click()
    expect(ann.online).to_have_text("2 online")
    expect(ann.people.get_by_role("heading")).to_have_text(["Online", "Away"])
    expect(ann.people.get_by_role("listitem").last).to_contain_text("lunch")


def test_who_is_there_is_not_known_without_a_connection(
    browser: Browser, tmp_path: Path
) -> None:
    """Nobody is said to be online, nor how many are, nor that somebody writes; with the
    connection all of it comes back.
    """
    with (
        running(tmp_path) as daemon,
        line_to(daemon) as line,
        people(browser, daemon) as come,
    ):
        ann, bob = come("ann", line.url), come("bob")
        ann.page.evaluate("location.hash = 'room=@ann,bob'")
        ann.box.fill("hello")
        ann.box.press("Enter")
        header = ann.page.locator(".room > header > .online")
        expect(header).to_have_text("online")
        ann.enter("lobby")
        online(ann, "ann", "bob")
        bob.box.press_sequentially("so")
        expect(ann.page.get_by_text("bob is typing…")).to_be_visible()
        line.cut()
        ann.is_offline()
        expect(ann.online).to_have_count(0)
        expect(ann.page.get_by_text("bob is typing…")).to_have_count(0)
        expect(ann.people.get_by_role("heading")).to_have_text(
            "When you were last online"
        )
        expect(ann.page.locator(".dot.online, .dot.away, .dot.offline")).to_have_count(
            0
        )
        expect(ann.rooms.locator(".me small")).to_have_text("offline")
        ann.room("bob").click()
        expect(header).to_have_text("")
        line.mend()
        ann.is_back()
        expect(header).to_have_text("online")
        ann.enter("lobby")
        online(ann, "ann", "bob")
        expect(ann.page.locator(".dot.unknown")).to_have_count(0)
