"""On a phone: what can be done with a message has room, and nothing covers a text."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program
from tests.web.page.test_walk import CASES, LOST, Walk

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
FIRST = ["React", "Reply", "Reply in thread", "More: bob, the kettle is on"]
OTHERS = [
    "Details: bob",
    "Mark as unread from here (U)",
    "Pin",
    "Bookmark",
    "Copy link",
    "Delete",
]
TARGET_PX = 40
"""For a thumb; 24 is the least that anybody can do with."""


def tools(message: Locator) -> Locator:
    """What can be done with a message without asking for more."""
    return message.locator(".tools").get_by_role("button")


def names(buttons: Locator) -> list[str]:
    """What they are called."""
    every = "all => all.map((one) => one.getAttribute('aria-label') ?? one.textContent)"
    found: list[str] = buttons.evaluate_all(every)
    return [name.strip() for name in found]


def are_within_reach(one: Person, buttons: Locator) -> None:
    """Each is large enough, all of it is on the screen, and nothing lies over it."""
    size = one.page.viewport_size
    assert size is not None
    for button in buttons.all():
        place = button.bounding_box()
        assert place is not None
        assert min(place["width"], place["height"]) >= TARGET_PX, place
        assert place["x"] >= 0, place
        assert place["x"] + place["width"] <= size["width"], place
        button.tap(trial=True)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("width", [390, 320])
def test_tools_of_a_moderator(
    come: Come, daemon: Daemon, width: int, direction: str
) -> None:
    """The most used are beside the message, all others are named behind one of them."""
    with program(daemon, "ann", "tea"), program(daemon, "bob", "tea") as bob:
        bob.send("tea", "good morning", "the kettle is on")
        ann = come(**{**PHONE, "viewport": {"width": width, "height": 844}})
        ann.log_in("ann")
        ann.room("tea").tap()
        ann.page.evaluate("(value) => { document.dir = value }", direction)
        message = ann.message("the kettle is on")
        message.get_by_text("the kettle").tap()
        expect(tools(message)).to_have_count(len(FIRST))
        assert names(tools(message)) == FIRST
        are_within_reach(ann, tools(message))
        more = message.get_by_role("button", name=FIRST[-1], exact=True)
        more.tap()
        dialog = ann.page.get_by_role("dialog", name="More")
        rows = dialog.get_by_role("list").get_by_role("button")
        expect(rows).to_have_count(len(OTHERS))
        assert names(rows) == OTHERS
        are_within_reach(ann, rows)
        rows.filter(has_text="Pin").tap()
        expect(ann.log.get_by_text("pinned", exact=True)).to_be_visible()
        expect(more).to_be_focused()
        more.tap()
        rows.filter(has_text="Unpin").tap()
        expect(ann.log.get_by_text("pinned", exact=True)).to_have_count(0)
        more.tap()
        rows.filter(has_text="Details").tap()
        expect(ann.page.get_by_role("dialog", name="bob")).to_be_visible()
        ann.page.get_by_role("dialog").get_by_role("button", name="Close").tap()
        more.tap()
        rows.filter(has_text="Delete").tap()
        expect(ann.button("Undo")).to_be_focused()
        ann.button("Undo").tap()
        expect(message).to_be_focused()


def test_more_by_keys(come: Come) -> None:
    """In a small window: there and back, then one's own message is edited."""
    ann = come("ann", viewport=PHONE["viewport"])
    ann.say("one")
    ann.sees("one")
    walk = Walk(ann, None, CASES["English"])
    ann.page.evaluate(LOST)
    message = walk.message("one")
    walk.go(message, "Shift+Tab")
    walk.press("Enter")
    more = tools(message).last
    walk.go(more)
    walk.press("Enter")
    walk.opens("More")
    walk.closes()
    walk.at(more)
    walk.press("Enter")
    walk.opens("More")
    walk.at(walk.dialog.get_by_role("button", name="Edit"))
    walk.press("Enter")
    walk.at(walk.box)
    expect(walk.box).to_have_value("one")
    walk.has_not_lost_it()


def test_tools_are_all_there_where_there_is_room(come: Come) -> None:
    """A window that grows shows them, one that shrinks puts them away."""
    ann = come("ann", viewport=PHONE["viewport"])
    ann.say("one")
    ann.sees("one")
    message = ann.message("one")
    message.hover()
    expect(tools(message)).to_have_count(len(FIRST))
    ann.page.set_viewport_size({"width": 1280, "height": 800})
    message.hover()
    expect(message.get_by_role("button", name="Edit")).to_be_visible()
    expect(message.get_by_role("button", name="More: ")).to_have_count(0)
    expect(message.get_by_role("button", name="React 👍")).to_be_visible()
    ann.page.set_viewport_size(PHONE["viewport"])
    message.hover()
    expect(tools(message)).to_have_count(len(FIRST))


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_code_is_not_covered(come: Come, direction: str) -> None:
    """The button that copies it stands beside what is scrolled."""
    ann = come("ann", **PHONE)
    code = "chatd backup /var/backups/chatd --keep 7 && systemctl reload chatd"
    ann.say(f"```sh\n{code}\n```")
    ann.page.evaluate("(value) => { document.dir = value }", direction)
    # What waits to be stored is drawn by another view, which goes.
    block = ann.texts.locator("pre")
    button = ann.texts.get_by_role("button", name="Copy code", exact=True)
    expect(button).to_be_visible()
    # What styles it may come after it.
    ann.page.wait_for_function(
        "one => one.scrollWidth > one.clientWidth", arg=block.element_handle()
    )
    text, beside = block.bounding_box(), button.bounding_box()
    assert text is not None
    assert beside is not None
    assert text["x"] + text["width"] <= beside["x"]
    assert min(beside["width"], beside["height"]) >= TARGET_PX
    assert ann.page.evaluate("document.documentElement.scrollWidth") <= 390
