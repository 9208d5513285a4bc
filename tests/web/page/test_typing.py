"""Who is writing is shown to the others, and for no longer than it is so."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person


def typing(one: Person) -> Locator:
    """What somebody reads of others who are writing."""
    return one.page.get_by_role("status").get_by_text("typing…")


def test_3_1_typing_is_shown_to_the_others(come: Come) -> None:
    """In the room where it is, and not to whoever types."""
    ann, bob, cy = come("ann"), come("bob"), come("cy")
    cy.enter("garden")
    bob.box.type("h")
    expect(typing(ann)).to_have_text("bob is typing…")
    expect(typing(bob)).to_have_count(0)
    cy.box.type("h")
    bob.enter("garden")
    expect(typing(bob)).to_have_text("cy is typing…")
    expect(typing(cy)).to_have_count(0)


def test_3_2_typing_is_gone_when_sent_stopped_left_or_after_a_while(
    come: Come,
) -> None:
    """Each of the four."""
    ann, bob = come("ann"), come("bob")
    bob.box.type("h")
    expect(typing(ann)).to_be_visible()
    bob.box.press("Enter")
    ann.sees("h")
    expect(typing(ann)).to_have_count(0)

    bob.box.type("h")
    expect(typing(ann)).to_be_visible()
    bob.box.fill("")
    expect(typing(ann)).to_have_count(0)

    bob.box.type("h")
    expect(typing(ann)).to_be_visible()
    bob.enter("garden")
    expect(typing(ann)).to_have_count(0)

    bob.enter("lobby")
    bob.box.type("i")
    expect(typing(ann)).to_be_visible()
    expect(typing(ann)).to_have_count(0)
    expect(bob.box).to_have_value("hi")

    bob.box.type("!")
    expect(typing(ann)).to_be_visible()
    bob.page.close()
    expect(typing(ann)).to_have_count(0)


def test_3_3_several_people_typing(come: Come, daemon: Daemon) -> None:
    """Two are named, in the order of their names whoever wrote last; more are several;
    and each of them stops for himself.
    """
    daemon.add("dina")
    ann, bob, cy, dina = (come(name) for name in ("ann", "bob", "cy", "dina"))
    cy.box.type("h")
    expect(typing(ann)).to_have_text("cy is typing…")
    bob.box.type("h")
    expect(typing(ann)).to_have_text("bob and cy are typing…")
    dina.box.type("h")
    expect(typing(ann)).to_have_text("Several people are typing…")
    dina.box.press("Enter")
    for one in (bob, cy):
        one.box.type("i")
    expect(typing(ann)).to_have_text("bob and cy are typing…")
    bob.box.press("Enter")
    expect(typing(ann)).to_have_text("cy is typing…")
