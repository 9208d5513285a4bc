"""What stands around where one writes: who is not reached, why one may not write."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come
from tests.web.page.program import program


def test_who_is_not_in_the_room_is_named(come: Come, daemon: Daemon) -> None:
    """Whoever mentions him is told so, may ask him in, and is told no longer once he
    says something else.
    """
    with program(daemon, "cy") as cy:
        cy.ask(type="join", room="garden")
        ann = come("ann")
        # What names him is loaded behind the room.
        ann.page.wait_for_load_state("networkidle")
        ann.say("@cy and @nobody: tea?")
        line = ann.page.locator(".unreached")
        expect(line).to_contain_text("cy is not in this room")
        expect(line).not_to_contain_text("nobody")
        ann.button("Invite cy").click()
        expect(ann.page.get_by_text("cy is invited.")).to_be_visible()
        expect(line).to_have_count(0)
        expect(ann.box).to_be_focused()
        ann.say("@cy: still?")
        expect(line).to_be_visible()
        ann.say("well")
        expect(line).to_have_count(0)
        ann.say("@cy: again")
        line.get_by_role("button", name="Close").click()
        expect(line).to_have_count(0)


def test_whoever_is_there_is_not_named(come: Come, daemon: Daemon) -> None:
    """Nor what one addresses in a thread above where one writes in the room."""
    with program(daemon, "bob", "lobby"), program(daemon, "cy", "garden"):
        ann = come("ann")
        ann.say("@bob: tea?")
        ann.sees("@bob: tea?")
        expect(ann.page.locator(".unreached")).to_have_count(0)
        ann.log.locator("[data-seq]").hover()
        ann.log.get_by_role("button", name="Reply in thread").click()
        box = ann.page.get_by_role("textbox", name="Reply in this thread")
        box.fill("@cy, too")
        box.press("Enter")
        thread = ann.page.get_by_role("region", name="Thread in lobby")
        expect(thread.locator(".unreached")).to_contain_text("cy is not in this room")
        expect(ann.page.locator(".unreached")).to_have_count(1)


def test_who_is_muted_sees_it_where_he_would_write(come: Come, daemon: Daemon) -> None:
    """At once, until when and why, and after a reload; then he may write again."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        ann = come("ann")
        ann.page.evaluate("location.hash = 'room=tea'")
        ann.button("Join").click()
        ann.box.fill("begun")
        bob.ask(
            **{"type": "mute", "room": "tea", "user": "ann", "for": 3600},
            reason="noise",
            cid="b",
        )
        why = re.compile(r"You are muted here: until .+ · noise")
        expect(ann.box).to_have_attribute("readonly", "")
        expect(ann.box).to_have_attribute("placeholder", why)
        expect(ann.page.locator(".note")).to_have_text(why)
        ann.page.reload()
        expect(ann.box).to_have_attribute("placeholder", why)
        expect(ann.box).to_have_value("begun")
        bob.ask(type="unmute", room="tea", user="ann", cid="c")
        expect(ann.box).not_to_have_attribute("readonly", "")
        ann.box.press("Enter")
        ann.sees("begun")


def test_a_mute_ends_by_itself(come: Come, daemon: Daemon) -> None:
    """The box opens when its time is over."""
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        ann = come("ann")
        ann.page.evaluate("location.hash = 'room=tea'")
        ann.button("Join").click()
        expect(ann.box).to_be_visible()
        bob.ask(**{"type": "mute", "room": "tea", "user": "ann", "for": 2}, cid="b")
        expect(ann.box).to_have_attribute("readonly", "")
        expect(ann.box).not_to_have_attribute("readonly", "")


def test_a_mute_of_long_ago_is_known(come: Come, daemon: Daemon) -> None:
    """Also where what is held of the room does not tell of it, and after a reload: the
    daemon says so, until when and why.
    """
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="tea", cid="a")
        with program(daemon, "ann", "lobby", "tea"):
            pass
        bob.ask(
            **{"type": "mute", "room": "tea", "user": "ann", "for": 3600},
            reason="noise",
            cid="b",
        )
        bob.ask(type="join", room="tea")
        bob.send("tea", *(f"line {n}" for n in range(80)))
        ann = come("ann")
        ann.enter("tea")
        why = re.compile(r"You are muted here: until .+ · noise")
        expect(ann.box).to_have_attribute("placeholder", why)
        ann.page.reload()
        expect(ann.box).to_have_attribute("placeholder", why)
        bob.ask(type="unmute", room="tea", user="ann", cid="c")
        expect(ann.box).not_to_have_attribute("readonly", "")


def test_two_windows_of_one_draft(come: Come) -> None:
    """What is written in one stands in the other, which goes on from there; what was
    sent is gone in both.
    """
    ann = come("ann")
    other = ann.context.new_page()
    other.goto(ann.page.url)
    box = other.get_by_role("textbox", name="Message #lobby")
    expect(box).to_be_visible()
    ann.box.fill("from here")
    expect(box).to_have_value("from here")
    box.press("End")
    box.press_sequentially(" and there")
    expect(ann.box).to_have_value("from here and there")
    ann.box.press("Enter")
    expect(box).to_have_value("")
    ann.sees("from here and there")


def test_a_draft_does_not_get_lost_in_an_edit(come: Come) -> None:
    """What another window has written meanwhile is there when the edit is over."""
    ann = come("ann")
    ann.say("said")
    ann.sees("said")
    other = ann.context.new_page()
    other.goto(ann.page.url)
    box = other.get_by_role("textbox", name="Message #lobby")
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("said")
    box.fill("from there")
    other.bring_to_front()
    expect(box).to_have_value("from there")
    ann.page.bring_to_front()
    expect(ann.box).to_have_value("said")
    ann.box.press("Escape")
    expect(ann.box).to_have_value("from there")
