"""What calls for somebody: unread messages, by the level of each room, and by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.live.daemon import PATIENCE_S
from tests.web.page.daemon import Daemon, running
from tests.web.page.person import Come, Person, people
from tests.web.page.program import Program, program


def badge(one: Person, room: str) -> Locator:
    """What the first column counts in a room."""
    return one.room(room).locator(".badge [aria-hidden]")


def icon(one: Person) -> Locator:
    """The icon of the page."""
    return one.page.locator("link[rel=icon]")


def choose(one: Person, level: str) -> None:
    """Say what the room that is open is to call for."""
    one.button("Notifications").click()
    choice = one.page.get_by_role("radio", name=re.compile(f"^{level}"))
    choice.check()
    one.page.keyboard.press("Escape")
    expect(one.page.get_by_role("dialog")).to_have_count(0)


def test_each_unread_message_is_counted_in_list_title_and_icon(
    come: Come, daemon: Daemon
) -> None:
    """That is so until one says something else; who reads them has none."""
    ann = come("ann")
    expect(ann.page).to_have_title(re.compile("^lobby"))
    with program(daemon, "bob", "garden") as bob:
        bob.send("garden", *map(str, range(12)))
        expect(badge(ann, "garden")).to_have_text("12")
        expect(ann.page).to_have_title(re.compile(r"^\(12\) lobby"))
        expect(icon(ann)).to_have_attribute("href", re.compile("^data:image/svg"))
        drawn = unquote(icon(ann).get_attribute("href") or "")
        assert ">12</text>" in drawn
        ann.enter("garden")
        expect(badge(ann, "garden")).to_have_count(0)
        expect(ann.page).to_have_title(re.compile("^garden"))
        expect(icon(ann)).to_have_attribute("href", re.compile(r"icon\.svg$"))


def test_a_level_is_chosen_for_a_room_and_holds_on_all_devices(
    come: Come, daemon: Daemon
) -> None:
    """Mentions only, or nothing: the list, the title and the icon count no more."""
    desk, phone = come("ann"), come("ann")
    with program(daemon, "bob", "lobby", "garden") as bob:
        desk.enter("garden")
        choose(desk, "Mentions only")
        desk.enter("lobby")
        bob.send("garden", "one", "two")
        bob.send("garden", "@ann three")
        for one in (desk, phone):
            expect(badge(one, "garden")).to_have_text("1")
            expect(one.room("garden")).to_contain_text("1 message for you")
            expect(one.page).to_have_title(re.compile(r"^\(1\) "))
        desk.enter("garden")
        choose(desk, "Nothing")
        desk.enter("lobby")
        expect(phone.room("garden")).to_contain_text("notifies you of nothing")
        bob.send("garden", "@ann four")
        bob.send("lobby", "five")
        for one in (desk, phone):
            expect(one.message("five")).to_be_visible()
            expect(badge(one, "garden")).to_have_count(0)
            expect(one.page).to_have_title(re.compile("^lobby"))
        phone.enter("garden")
        choose(phone, "Every message")
        phone.enter("lobby")
        bob.send("garden", "six")
        for one in (desk, phone):
            expect(badge(one, "garden")).to_be_visible()


def test_the_level_is_chosen_by_keyboard(come: Come) -> None:
    """The arrows choose, Escape closes, and the focus is where it was."""
    ann = come("ann")
    button = ann.button("Notifications")
    button.focus()
    ann.page.keyboard.press("Enter")
    every = ann.page.get_by_role("radio", name=re.compile("^Every message"))
    expect(every).to_be_focused()
    expect(every).to_be_checked()
    ann.page.keyboard.press("ArrowDown")
    ann.page.keyboard.press("ArrowDown")
    expect(ann.page.get_by_role("radio", name=re.compile("^Nothing"))).to_be_checked()
    ann.page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(ann.room("lobby")).to_contain_text("notifies you of nothing")
    ann.page.reload()
    expect(ann.room("lobby")).to_contain_text("notifies you of nothing")


def hears(one: Program, **wanted: object) -> None:
    """Wait until a program is told something with these fields."""
    while not wanted.items() <= json.loads(one.ws.recv(timeout=PATIENCE_S)).items():
        """Others happen meanwhile."""


@pytest.mark.parametrize("by", ["pointer", "keyboard"])
def test_what_was_read_is_unread_again_from_here(
    come: Come, daemon: Daemon, by: str
) -> None:
    """On all devices, until one comes back to the room; a line says where it begins."""
    ann, other = come("ann"), come("ann")
    other.enter("garden")
    with (
        program(daemon, "bob", "lobby") as bob,
        program(daemon, "ann", "lobby") as third,
    ):
        head = bob.send("lobby", "one", "two", "three")
        ann.sees("one", "two", "three")
        hears(third, type="read", seq=head)
        row = ann.message("two")
        if by == "pointer":
            row.hover()
            row.get_by_role("button", name=re.compile("^Mark as unread")).click()
        else:
            last = ann.log.locator("[data-seq]").last
            last.focus()
            ann.page.keyboard.press("ArrowUp")
            expect(row).to_be_focused()
            ann.page.keyboard.press("u")
            expect(row).to_be_focused()
        hears(third, type="read", seq=head - 2, back=True)
        for one in (ann, other):
            expect(badge(one, "lobby")).to_have_text("2")
        expect(ann.log.locator(".new-line")).to_be_visible()
        bob.send("lobby", "four")
        for one in (ann, other):
            expect(badge(one, "lobby")).to_have_text("3")
        other.enter("lobby")
        expect(other.log.locator(".new-line")).to_be_visible()
        for one in (ann, other):
            expect(badge(one, "lobby")).to_have_count(0)


def test_what_one_says_reads_what_was_unread_by_hand(
    come: Come, daemon: Daemon
) -> None:
    """As one has read what one answers, and follows what comes."""
    ann = come("ann")
    ann.page.wait_for_load_state("networkidle")
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "one")
        ann.sees("one")
        ann.log.locator("[data-seq]").last.focus()
        ann.page.keyboard.press("u")
        expect(badge(ann, "lobby")).to_have_text("1")
        ann.say("mine")
        expect(badge(ann, "lobby")).to_have_count(0)
        bob.send("lobby", "two")
        ann.sees("one", "mine", "two")
        expect(badge(ann, "lobby")).to_have_count(0)


def test_what_is_new_out_of_sight_in_a_long_list(
    browser: Browser, tmp_path: Path
) -> None:
    """It is counted where the list is cut, what is for oneself stands out; by a press,
    or by keys, one is at the nearest and opens it.
    """
    rooms = [f"room-{n:02}" for n in range(40)]
    more = "".join(f'[[rooms.permanent]]\nname = "{room}"\n' for room in rooms)
    with (
        running(tmp_path, more=more) as daemon,
        people(browser, daemon) as come,
        program(daemon, "bob", rooms[-1]) as bob,
        program(daemon, "cy", "garden") as cy,
    ):
        with program(daemon, "ann", "lobby", "garden", *rooms):
            pass
        ann = come("ann", viewport={"width": 1280, "height": 560})
        ways = ann.rooms.get_by_role("button", name=re.compile("above|below"))
        expect(ann.room(rooms[-1])).not_to_be_in_viewport()
        cy.send("garden", "seen at once")
        expect(badge(ann, "garden")).to_have_text("1")
        expect(ways).to_have_count(0)
        bob.ask(type="send", to="ann", text="psst", cid="d")
        expect(ways).to_have_text(["1 unread below"])
        expect(ways).to_have_class("at")
        bob.send(rooms[-1], "and here")
        expect(ways).to_have_text(["2 unread below"])
        ways.press("Enter")
        expect(ann.room(rooms[-1])).to_be_focused()
        expect(ann.room(rooms[-1])).to_be_in_viewport()
        expect(ways.filter(has_text="above")).to_have_text("1 unread above")
        ann.page.keyboard.press("Tab")
        expect(ann.room("bob")).to_be_focused()
        ann.page.keyboard.press("Enter")
        ann.sees("psst")
        ways.filter(has_text="above").click()
        expect(ann.room("garden")).to_be_focused()
        ann.page.keyboard.press("Enter")
        ann.sees("seen at once")
        expect(ways).to_have_text(["1 unread below"])
