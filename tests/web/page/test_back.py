"""The browser's "back" puts away what lies over the page before it leaves a room."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def dialog(one: Person) -> Locator:
    """What is open over the page."""
    return one.page.get_by_role("dialog")


def heading(one: Person, name: str) -> Locator:
    """That of the room that is seen."""
    return one.page.get_by_role("heading", level=1, name=name)


def test_back_closes_a_dialog(come: Come) -> None:
    """One is in the same room, where one was; "forward" opens nothing and breaks
    nothing.
    """
    ann = come("ann")
    ann.enter("garden")
    ann.button("Details").click()
    expect(dialog(ann)).to_be_visible()
    ann.page.go_back()
    expect(dialog(ann)).to_have_count(0)
    expect(heading(ann, "garden")).to_be_visible()
    expect(ann.button("Details")).to_be_focused()
    ann.page.go_forward()
    expect(heading(ann, "garden")).to_be_visible()
    expect(dialog(ann)).to_have_count(0)
    ann.page.go_back()
    expect(heading(ann, "lobby")).to_be_visible()


@pytest.mark.parametrize("times", [1, 3])
def test_what_was_closed_costs_no_step_back(come: Come, times: int) -> None:
    """By Esc, its button or a choice: one step back is one room back."""
    ann = come("ann")
    ann.enter("garden")
    for _ in range(times):
        ann.button("Details").click()
        expect(dialog(ann)).to_be_visible()
        ann.page.keyboard.press("Escape")
        expect(dialog(ann)).to_have_count(0)
        ann.button("Pinned messages").click()
        dialog(ann).get_by_role("button", name="Close").click()
        expect(dialog(ann)).to_have_count(0)
    ann.page.go_back()
    expect(heading(ann, "lobby")).to_be_visible()
    ann.page.go_forward()
    expect(heading(ann, "garden")).to_be_visible()


def test_where_a_dialog_has_led_back_leads_to_before_it(come: Come) -> None:
    """From a room that was chosen in it one comes back to the one below it."""
    ann = come("ann")
    ann.page.keyboard.press("Control+k")
    ann.field("Room or person").fill("garden")
    ann.page.keyboard.press("Enter")
    expect(heading(ann, "garden")).to_be_visible()
    ann.page.go_back()
    expect(heading(ann, "lobby")).to_be_visible()
    expect(dialog(ann)).to_have_count(0)


def test_a_reload_over_a_dialog(come: Come) -> None:
    """The dialog is gone, and its step back with it."""
    ann = come("ann")
    ann.enter("garden")
    ann.button("Details").click()
    expect(dialog(ann)).to_be_visible()
    ann.page.reload()
    expect(heading(ann, "garden")).to_be_visible()
    # With what it is for comes what knows of it.
    ann.button("Details").click()
    expect(dialog(ann)).to_be_visible()
    ann.page.go_back()
    expect(dialog(ann)).to_have_count(0)
    expect(heading(ann, "garden")).to_be_visible()


def test_back_on_a_phone(come: Come, daemon: Daemon) -> None:
    """Of two things that lie over each other the topmost goes, then the next, then
    the thread, then the room.
    """
    with program(daemon, "bob", "lobby") as bob:
        root = bob.send("lobby", "which tea?")
        bob.reply("lobby", root, "green")
        ann = come(**PHONE)
        ann.log_in("ann")
        ann.room("lobby").tap()
        ann.button("People").tap()
        expect(ann.people).to_be_visible()
        ann.people.get_by_role("button", name="bob").tap()
        expect(dialog(ann)).to_be_visible()
        ann.page.go_back()
        expect(dialog(ann)).to_have_count(0)
        expect(ann.people).to_be_visible()
        ann.page.go_back()
        expect(ann.people).to_have_count(0)
        expect(ann.button("People")).to_be_focused()
        ann.button("Emoji").tap()
        picker = ann.page.locator(".picker")
        expect(picker).to_be_visible()
        ann.page.go_back()
        expect(picker).to_have_count(0)
        ann.log.get_by_role("button", name="1 reply").tap()
        thread = ann.page.get_by_role("region", name="Thread in lobby")
        expect(thread).to_be_visible()
        ann.button("Emoji").last.tap()
        expect(picker).to_be_visible()
        ann.page.go_back()
        expect(picker).to_have_count(0)
        ann.page.go_back()
        expect(thread).to_have_count(0)
        expect(heading(ann, "lobby")).to_be_visible()
        ann.page.go_back()
        expect(ann.room("lobby")).to_be_visible()
