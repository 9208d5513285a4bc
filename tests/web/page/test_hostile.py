"""What people put into fields is text: it does nothing, and breaks nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.web.page.daemon import Daemon, running
from tests.web.page.hostile import (
    DISPLAY,
    HOSTILE,
    LINE,
    MARKUP,
    STATUS,
    TEXT,
    VIOLATIONS,
    WIDE,
    can_be_written_in,
    logged_in,
    offer,
    spread,
    stands,
)
from tests.web.page.person import Come, Person, people

DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)


@pytest.fixture(scope="module")
def beset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon on which everybody but ann has put hostile texts into all fields."""
    directory = tmp_path_factory.mktemp("beset")
    with running(directory) as daemon, ExitStack() as present:
        taken = spread(daemon, present)
        assert min(taken.values()) > len(MARKUP) + len(WIDE), taken
        yield daemon


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def viewport(request: pytest.FixtureRequest) -> ViewportSize:
    """How large the window is."""
    size: ViewportSize = request.param
    return size


def watched(come: Come, viewport: ViewportSize, name: str = "") -> Person:
    """Bring somebody whose browser tells what its policy has stopped."""
    one = come(viewport=viewport)
    one.context.add_init_script(VIOLATIONS)
    # Who goes to another address does not wait for the picture in the tab.
    one.expected.append(r"^failed: \S+/icon\.svg net::ERR_ABORTED$")
    if name:
        one.log_in(name)
        if viewport == PHONE:
            stands(one, "the list of rooms")
        one.enter("lobby")
    return one


def test_6_4_others_texts_in_messages(
    browser: Browser, beset: Daemon, viewport: ViewportSize
) -> None:
    """Messages, edits, replies, reactions, names and what people do, from the end of
    the log to its beginning: markup is read as it was written, and nothing is done.
    """
    with people(browser, beset) as come:
        ann = watched(come, viewport, "ann")
        expect(ann.log.get_by_role("listitem").last).to_be_visible()
        if viewport == PHONE:
            ann.button("People").click()
        expect(ann.page.get_by_role("region", name="People")).to_be_visible()
        stands(ann, "people")
        if viewport == PHONE:
            ann.button("People").click()
        can_be_written_in(ann)
        beginning = ann.log.get_by_text("This is where lobby begins.")
        ann.log.hover()
        while not beginning.is_visible():
            stands(ann, f"{ann.texts.count()} messages")
            count = ann.texts.count()
            ann.page.mouse.wheel(0, -100_000)
            # All messages may be there before it is said that these are all.
            expect(beginning.or_(ann.texts.nth(count)).first).to_be_attached()
        stands(ann, "all messages")
        can_be_written_in(ann)
        for text in MARKUP.values():
            expect(ann.texts.get_by_text(text, exact=True)).to_have_count(2)
        # What one does with them names them once more.
        for label in ("script", "word", "zalgo", "ticks"):
            message = ann.log.get_by_role("listitem").filter(
                has=ann.page.locator(".who", has_text=HOSTILE[label][:DISPLAY].strip()),
            )
            message.last.hover()
            message.last.get_by_role("button", name="Reply", exact=True).click()
            stands(ann, f"answering {label}")
            can_be_written_in(ann)
            ann.button("Cancel").click()


def test_6_4_others_texts_in_rooms(
    browser: Browser, beset: Daemon, viewport: ViewportSize
) -> None:
    """Titles and topics: in invitations, in the list, above a room, where one looks
    for rooms, in what one is asked; and in conversations, by their other side's name.
    """
    with people(browser, beset) as come:
        ann = watched(come, viewport, "ann")
        entries = ann.rooms.get_by_role("link")
        if viewport == PHONE:
            ann.button("Back to the rooms").click()
        dialog = ann.page.get_by_role("dialog")
        ann.button("Find or create a room").click()
        expect(dialog.get_by_role("listitem")).not_to_have_count(0)
        stands(ann, "directory")
        ann.page.keyboard.press("Escape")
        ann.page.keyboard.press("Control+k")
        expect(dialog.get_by_role("listitem")).not_to_have_count(0)
        stands(ann, "jump")
        ann.page.keyboard.press("Escape")
        for number in range(entries.count()):
            entries.nth(number).click()
            expect(ann.box).to_be_visible()
            view = ann.page.title()
            stands(ann, view)
            can_be_written_in(ann)
            ann.button("Details").click()
            expect(dialog).to_be_visible()
            stands(ann, f"details of {view}")
            leave = ann.button("Leave the room")
            if leave.count():
                leave.click()
                stands(ann, f"leaving {view}")
            ann.button("Close").click()
            if viewport == PHONE:
                ann.button("Back to the rooms").click()


def test_6_4_the_name_of_the_place(browser: Browser, beset: Daemon) -> None:
    """An administrator's text is on every page, also on that of who is not in yet."""
    beset.add("root", "admin")
    with people(browser, beset) as come, logged_in(beset, "root") as root:
        ann = watched(come, DESK, "ann")
        visitor = watched(come, PHONE)
        for label, text in HOSTILE.items():
            ok = offer(root, type="place", name=text[:DISPLAY])
            if not ok:
                continue
            stands(ann, label)
            visitor.visit()
            expect(visitor.button("Log in")).to_be_visible()
            stands(visitor, label)


def test_6_4_texts_that_one_types(
    browser: Browser, beset: Daemon, viewport: ViewportSize
) -> None:
    """What is typed is sent and read as it was typed, or stays with a word on why not;
    where one writes does not grow over the page, or out of it.
    """
    with people(browser, beset) as come:
        bob = watched(come, viewport, "bob")
        for label, text in HOSTILE.items():
            bob.box.fill(text.encode(errors="replace").decode())
            can_be_written_in(bob)
            stands(bob, f"typing {label}")
            bob.box.press("Enter")
        unsent = bob.waiting.filter(has_text="Not sent")
        expect(bob.waiting.filter(has_not_text="Not sent")).to_have_count(0)
        # Of "only invisible" nothing can be seen.
        expect(unsent).to_have_count(1)
        for text in MARKUP.values():
            expect(bob.texts.get_by_text(text, exact=True).last).to_be_attached()
        stands(bob, "all was typed")


def test_6_4_texts_in_forms(
    browser: Browser, beset: Daemon, viewport: ViewportSize
) -> None:
    """One's own name, status and rooms, what one looks for, and the list of devices of
    which each calls itself what it likes.
    """
    with ExitStack() as present:
        for text in (
            HOSTILE["handler"],
            HOSTILE["word"],
            HOSTILE["zalgo"],
            HOSTILE["hebrew"],
        ):
            present.enter_context(logged_in(beset, "cy", device=text[:DISPLAY]))
        with people(browser, beset) as come:
            cy = watched(come, viewport, "cy")
            if viewport == PHONE:
                cy.button("Back to the rooms").click()
            dialog = cy.page.get_by_role("dialog")
            for label in (
                "handler",
                "attribute",
                "template",
                "hebrew",
                "zalgo",
                "__proto__",
            ):
                text = HOSTILE[label]
                cy.button("Settings").click()
                cy.field("Display name").fill(text[:DISPLAY])
                cy.field("Status text").fill(text[:STATUS])
                cy.button("Save").first.click()
                cy.page.get_by_text("Devices", exact=True).click()
                expect(dialog.get_by_text(HOSTILE["handler"]).first).to_be_attached()
                stands(cy, f"settings with {label}")
                cy.button("Close").click()
                cy.begin_room()
                cy.field("Search by name").fill(text)
                cy.field("Name of the room").fill(text)
                cy.field("Topic").fill(text[:LINE])
                cy.button("Create").click()
                expect(dialog.get_by_text("This cannot be a name here")).to_be_visible()
                stands(cy, f"a room called {label}")
                cy.button("Close").click()
                cy.page.keyboard.press("Control+k")
                cy.field("Room or person").fill(text)
                stands(cy, f"looking for {label}")
                cy.button("Close").click()


@pytest.mark.parametrize("label", ["handler", "template", "word", "hebrew", "isolates"])
def test_6_4_texts_before_one_is_in(
    come: Come, daemon: Daemon, viewport: ViewportSize, label: str
) -> None:
    """Names and passwords that are none, addresses that lead nowhere, and the reason
    of a ban.
    """
    text = HOSTILE[label]
    one = watched(come, viewport)
    for fragment in ("room", "invite", "token"):
        one.page.goto("about:blank")  # so that it is loaded, and not told of a hash
        one.visit(f"#{fragment}={quote(text[:TEXT])}")
        expect(one.field("Password")).to_be_visible()
        stands(one, fragment)
        one.page.evaluate("localStorage.clear()")
    one.visit()
    one.type_credentials(text, text)
    wrong = re.compile("The name or the password is not right|This cannot be a name")
    expect(one.page.get_by_role("alert").filter(has_text=wrong)).to_be_visible()
    stands(one, "wrong password")
    daemon.terminal("user", "ban", "ann", "--reason", text[:DISPLAY])
    one.type_credentials("ann")
    expect(one.page.get_by_role("alert").filter(has_text="banned")).to_be_visible()
    stands(one, "banned")
