"""How the page looks on a device: colours, density, hours; from the first paint on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

LIGHT, DARK = "rgb(252, 251, 249)", "rgb(25, 24, 22)"
PAINTS = """
globalThis.backgrounds = [];
const look = () => {
  if (document.body && document.styleSheets.length)
    backgrounds.push(getComputedStyle(document.body).backgroundColor);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""What colour the page has in each frame that the browser paints."""


def choose(one: Person, *labels: str) -> None:
    """Choose in the settings how the page looks."""
    one.button("Settings").click()
    one.page.get_by_role("dialog").get_by_text("Appearance", exact=True).click()
    for label in labels:
        one.page.get_by_role("radio", name=label, exact=True).check()
    one.page.keyboard.press("Escape")
    expect(one.page.get_by_role("dialog")).to_have_count(0)


def background(page: Page) -> str:
    """The colour behind everything."""
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def height(message: Locator) -> float:
    """How much room a message takes, in px."""
    box = message.bounding_box()
    assert box is not None
    return box["height"]


@pytest.mark.parametrize("system", ["light", "dark"])
def test_colours_are_the_systems_until_one_chooses(come: Come, system: str) -> None:
    """They follow it as it changes; what is chosen stays, from the first frame on."""
    ann = come("ann", color_scheme=system)
    other = "light" if system == "dark" else "dark"
    colours = {"light": LIGHT, "dark": DARK}
    assert background(ann.page) == colours[system]
    ann.page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
    expect(ann.page.locator("body")).to_have_css("background-color", colours[other])
    choose(ann, system.capitalize())
    expect(ann.page.locator("body")).to_have_css("background-color", colours[system])
    ann.context.add_init_script(PAINTS)
    ann.page.reload()
    expect(ann.room("lobby")).to_be_visible()
    assert set(ann.page.evaluate("backgrounds")) == {colours[system]}


def test_high_contrast_is_chosen_here_or_wanted_by_the_system(come: Come) -> None:
    """Black on white, or white on black where the system is dark."""
    ann = come("ann", color_scheme="light", contrast="more")
    body = ann.page.locator("body")
    expect(body).to_have_css("background-color", "rgb(255, 255, 255)")
    ann.page.emulate_media(contrast="no-preference")
    expect(body).to_have_css("background-color", LIGHT)
    choose(ann, "High contrast")
    expect(body).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(body).to_have_css("color", "rgb(0, 0, 0)")
    ann.page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", "rgb(0, 0, 0)")


def test_compact_shows_more_of_the_same(come: Come, daemon: Daemon) -> None:
    """And the next window of this browser looks so from the beginning."""
    ann = come("ann")
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "one")
    message = ann.message("one")
    high = height(message)
    choose(ann, "Compact")
    low = height(message)
    assert low < high
    ann.page.reload()
    expect(message).to_be_visible()
    assert height(message) == low


def test_hours_go_to_12_or_24_as_one_says(come: Come, daemon: Daemon) -> None:
    """Until then as the language has it; what is there is written anew at once."""
    ann = come("ann", locale="en-GB")
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "one")
    time = ann.message("one").locator("time").first
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d$"))
    choose(ann, "12 hours")
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d\s[ap]m$", re.IGNORECASE))
    ann.page.reload()
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d\s[ap]m$", re.IGNORECASE))
    choose(ann, "24 hours")
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d$"))
