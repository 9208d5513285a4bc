"""Addresses that lead to rooms in which one is not, and to single messages."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.filled import fill
from tests.web.page.line import line_to
from tests.web.page.person import Come, Person
from tests.web.page.program import program

NO_CLIPBOARD = """
Object.defineProperty(Navigator.prototype, "clipboard", { get() {} });
"""
"""As over plain HTTP from elsewhere."""
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def go(one: Person, fragment: str) -> None:
    """Put a fragment into the address of the page that is open."""
    one.page.evaluate("(value) => { location.hash = value }", fragment)


def door(one: Person, title: str) -> Locator:
    """What stands where the room would be."""
    return one.page.get_by_role("region", name=title, exact=True)


def test_a_public_room_offers_to_be_joined(come: Come, daemon: Daemon) -> None:
    """It says what it is; the door is the room once one has gone through it."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", topic="Green and black", cid="a")
        bob.ask(type="join", room="tea")
        bob.send("tea", "the kettle is on")
        ann = come("ann")
        go(ann, "room=tea")
        expect(door(ann, "tea")).to_contain_text("Green and black")
        expect(door(ann, "tea")).to_contain_text("1 member")
        expect(ann.box).to_have_count(0)
        ann.button("Join").click()
        ann.sees("the kettle is on")
        expect(ann.room("tea")).to_have_attribute("aria-current", "page")
        ann.say("coming")
        ann.sees("the kettle is on", "coming")


def test_what_is_not_there_says_so(come: Come, daemon: Daemon) -> None:
    """As does a private room of others, in the same words; all else goes on."""
    with program(daemon, "bob") as bob:
        private = bob.ask(type="create", private=True, title="Den", cid="a")["room"]
        ann = come("ann")
        for name in ("nowhere", private, "@bob,cy", "no room!"):
            go(ann, f"room={name}")
            expect(door(ann, "No such room")).to_contain_text("Whoever gave you")
            expect(ann.button("Join")).to_have_count(0)
        ann.enter("lobby")
        ann.say("still here")
        ann.sees("still here")


def test_an_address_that_is_opened_first(come: Come, daemon: Daemon) -> None:
    """On a phone, and without a session: log in, see the door, go back to the list."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        ann = come(**PHONE)
        ann.visit("#room=tea")
        ann.type_credentials("ann")
        expect(ann.button("Join")).to_be_visible()
        ann.button("Back to the rooms").tap()
        expect(ann.room("lobby")).to_be_visible()
        ann.page.go_back()
        ann.button("Join").tap()
        expect(ann.page.get_by_role("heading", level=1, name="tea")).to_be_visible()


def test_an_invitation_is_taken_at_its_door(come: Come, daemon: Daemon) -> None:
    """Also where it comes while one stands there."""
    with program(daemon, "bob") as bob:
        private = bob.ask(type="create", private=True, title="Den", cid="a")["room"]
        ann = come("ann")
        go(ann, f"room={private}")
        expect(door(ann, "No such room")).to_be_visible()
        bob.ask(type="invite", room=private, user="ann", cid="b")
        expect(door(ann, "Den")).to_contain_text("bob invites you into this room.")
        ann.button("Join").click()
        expect(ann.page.get_by_role("heading", level=1, name="Den")).to_be_visible()
        expect(ann.box).to_be_visible()


def test_a_name_that_a_room_had_leads_there(come: Come, daemon: Daemon) -> None:
    """Whether one is in it or not; the address has the name of now."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        bob.ask(type="rename", room="tea", name="coffee", cid="b")
        ann, cy = come("ann"), come("cy")
        go(ann, "room=tea")
        ann.button("Join").click()
        for one in (ann, cy):
            if one is cy:
                one.button("Find or create a room").click()
                one.button("Join: coffee").click()
                go(one, "room=tea")
            heading = one.page.get_by_role("heading", level=1, name="coffee")
            expect(heading).to_be_visible()
            expect(one.page).to_have_url(re.compile("#room=coffee$"))


def test_who_is_banned_is_told(come: Come, daemon: Daemon) -> None:
    """A refusal stands at the door, which can be tried again."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        bob.ask(type="ban", room="tea", user="ann", cid="b")
        ann = come("ann")
        go(ann, "room=tea")
        ann.button("Join").click()
        expect(ann.page.get_by_role("alert")).to_have_text(
            "This did not work: you are banned here"
        )
        bob.ask(type="unban", room="tea", user="ann", cid="c")
        ann.button("Join").click()
        expect(ann.box).to_be_visible()


def test_a_door_stays_while_the_connection_is_away(come: Come, daemon: Daemon) -> None:
    """It does not become a room that one could write in."""
    with line_to(daemon) as line, program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        ann = come("ann", line.url)
        go(ann, "room=tea")
        expect(ann.button("Join")).to_be_visible()
        line.cut()
        ann.is_offline()
        expect(ann.button("Join")).to_be_visible()
        expect(ann.box).to_have_count(0)
        line.mend()
        ann.is_back()
        ann.button("Join").click()
        expect(ann.box).to_be_visible()


def test_the_address_of_a_message(come: Come, daemon: Daemon) -> None:
    """It is shown in its place, however far; a reload does not go there again."""
    daemon.stop()
    first = fill(daemon.data, "lobby", 400)
    daemon.start()
    ann = come("ann")
    go(ann, f"room=lobby&at={first + 49}")
    expect(ann.message("number 50")).to_be_focused()
    expect(ann.message("number 50")).to_be_in_viewport()
    expect(ann.page).to_have_url(re.compile("#room=lobby$"))
    ann.page.reload()
    expect(ann.message("number 400")).to_be_in_viewport()
    ann.visit("#room=none")
    ann.visit(f"#room=lobby&at={first + 99}")
    expect(ann.message("number 100")).to_be_focused()


def test_a_link_to_a_message(come: Come, daemon: Daemon) -> None:
    """Copied, also where the browser has no clipboard for pages; it leads whoever is
    in the room to the message, and whoever is not to the door and then there.
    """
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        with program(daemon, "ann", "tea"):
            pass
        bob.ask(type="join", room="tea")
        bob.send("tea", "which tea?", *(f"line {n}" for n in range(80)))
        ann, cy = come(), come("cy")
        ann.context.add_init_script(NO_CLIPBOARD)
        ann.log_in("ann")
        ann.enter("tea")
        message = ann.message("which tea?")
        message.hover()
        message.get_by_role("button", name="Copy link").click()
        expect(ann.page.get_by_role("status").get_by_text("Copied")).to_be_visible()
        ann.box.press("ControlOrMeta+v")
        link = ann.box.input_value()
        ann.page.goto("about:blank")
        ann.page.goto(link)
        expect(ann.message("which tea?")).to_be_focused()
        cy.page.goto(link)
        cy.button("Join").click()
        expect(cy.message("which tea?")).to_be_focused()


def test_the_address_of_a_message_behind_a_door(come: Come, daemon: Daemon) -> None:
    """One joins, and is there; what is in a thread is shown in it."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        bob.ask(type="join", room="tea")
        root = bob.send("tea", "which tea?")
        reply = bob.reply("tea", root, "green")
        bob.send("tea", *(f"line {n}" for n in range(80)))
        ann = come("ann")
        go(ann, f"room=tea&at={root}")
        ann.button("Join").click()
        expect(ann.message("which tea?")).to_be_focused()
        go(ann, f"room=tea&at={reply}")
        thread = ann.page.get_by_role("region", name="Thread in tea")
        found = thread.locator(f"[data-seq='{reply}']")
        expect(found).to_be_focused()
        go(ann, "room=tea&at=99999")
        expect(
            ann.page.get_by_role("status").filter(has_text="A message")
        ).to_have_text("A message that is not here any more")
