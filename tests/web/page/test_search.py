"""Finding what was said: the language of queries, with help to write it."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

HOSTILE = "<b>green</b> tea <script>alert(1)</script>"


def rows(one: Person) -> Locator:
    """What was found."""
    return one.page.get_by_role("dialog").locator(".found > li")


def search(one: Person, query: str) -> None:
    """Open the dialog and search."""
    one.rooms.get_by_role("button", name="Search", exact=True).click()
    one.field("What was said").fill(query)
    one.page.keyboard.press("Enter")


def test_what_is_found_leads_to_its_place_and_back(come: Come, daemon: Daemon) -> None:
    """With the words marked, also in what looks like markup; the list is as it was."""
    with program(daemon, "bob", "lobby", "garden") as bob:
        bob.send("garden", HOSTILE, *(f"line {number}" for number in range(150)))
        bob.send("lobby", "green as well")
    ann = come("ann")
    with program(daemon, "ann", "garden"):
        search(ann, "green")
        expect(rows(ann)).to_have_count(2)
        tea = rows(ann).filter(has_text="tea")
        expect(tea).to_contain_text("<b>green</b> tea <script>")
        expect(tea.locator("mark")).to_have_text("green")
        expect(tea).to_contain_text("garden")
        tea.get_by_role("button", name="Show in its place").click()
        expect(ann.page.get_by_role("heading", level=1, name="garden")).to_be_visible()
        place = ann.log.get_by_role("listitem").filter(has_text="tea")
        expect(place).to_be_focused()
        expect(place).to_be_in_viewport()
        ann.button("Back to the results").click()
        expect(ann.field("What was said")).to_have_value("green")
        expect(rows(ann)).to_have_count(2)
        expect(tea.get_by_role("button", name="Show in its place")).to_be_focused()
        ann.page.keyboard.press("Escape")
        expect(place).to_be_focused()


def test_filters_are_put_in_and_completed(come: Come, daemon: Daemon) -> None:
    """People and rooms by what they are called, days by a calendar, exact words."""
    with program(daemon, "bob", "lobby", "garden") as bob:
        bob.send("lobby", "green tea", "tea, green")
        bob.send("garden", "green tea in the garden")
        ann = come("ann")
        ann.say("my green tea")
        ann.sees("green tea", "tea, green", "my green tea")
        ann.rooms.get_by_role("button", name="Search", exact=True).click()
        box = ann.field("What was said")
        box.fill("green tea")
        ann.button("From somebody").click()
        expect(box).to_have_value("green tea from:")
        expect(box).to_be_focused()
        keys = ann.page.keyboard
        keys.type("bo")
        suggestions = ann.page.get_by_role("list", name="Suggestions")
        expect(suggestions.get_by_role("button")).to_have_count(1)
        keys.press("ArrowDown")
        keys.press("Enter")
        expect(box).to_have_value("green tea from:bob ")
        expect(box).to_be_focused()
        keys.press("Enter")
        expect(rows(ann)).to_have_count(3)
        ann.button("In a room").click()
        suggestions.get_by_role("button", name="lobby").click()
        expect(box).to_have_value("green tea from:bob in:lobby ")
        keys.press("Enter")
        expect(rows(ann)).to_have_count(2)
        ann.button("Before a day").click()
        ann.page.locator("input[type=date]").fill("2020-01-31")
        expect(box).to_have_value("green tea from:bob in:lobby before:2020-01-31 ")
        keys.press("Enter")
        expect(ann.page.get_by_text("Nothing was found. Try")).to_be_visible()
        box.fill("")
        ann.button("Exact words").click()
        keys.type("green tea")
        expect(box).to_have_value('"green tea"')
        keys.press("Enter")
        expect(rows(ann)).to_have_count(3)
        box.fill("after:tomorrow")
        keys.press("Enter")
        expect(ann.page.get_by_role("alert")).to_contain_text("cannot be searched for")


def test_more_is_found_on_demand(come: Come, daemon: Daemon) -> None:
    """Twenty at a time, until there are no more."""
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", *(f"tea {number}" for number in range(25)))
    ann = come("ann")
    search(ann, "tea")
    expect(rows(ann)).to_have_count(20)
    ann.button("Show more").click()
    expect(rows(ann)).to_have_count(25)
    expect(ann.button("Show more")).to_have_count(0)
