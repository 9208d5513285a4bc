"""What a room keeps in view, and what people keep for themselves."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

HOSTILE = "<img src=x onerror=alert(1)> \u202eevil"


def dialog(one: Person) -> Locator:
    """The dialog that is open."""
    return one.page.get_by_role("dialog")


def rows(one: Person) -> Locator:
    """The messages in it."""
    return dialog(one).get_by_role("listitem")


def act(one: Person, text: str, name: str) -> None:
    """Press a tool of a message."""
    message = one.log.get_by_role("listitem").filter(has_text=text)
    message.hover()
    message.get_by_role("button", name=name, exact=True).click()


def filled(daemon: Daemon, *texts: str, room: str = "garden") -> None:
    """Let bob say something in a room."""
    with program(daemon, "bob", "lobby", room) as bob:
        bob.send(room, *texts)


def test_both_pin_in_a_conversation_and_both_see_it(come: Come, daemon: Daemon) -> None:
    """At the message and in the list, from which it is shown, and unpinned."""
    ann, bob = come("ann"), come("bob")
    with program(daemon, "bob") as other:
        other.ask(type="send", to="ann", text="the key is below the mat", cid="1")
        other.ask(type="send", to="ann", text=HOSTILE, cid="2")
    for one, partner in ((ann, "bob"), (bob, "ann")):
        one.enter(partner)
        one.button("Pinned messages").click()
        expect(dialog(one)).to_contain_text("Nothing is pinned here.")
        one.page.keyboard.press("Escape")
    act(ann, "below the mat", "Pin")
    expect(ann.page.get_by_text("Pinned for everybody here.")).to_be_visible()
    act(bob, "onerror", "Pin")
    for one in (ann, bob):
        expect(one.log.get_by_text("pinned", exact=True)).to_have_count(2)
    ann.button("Pinned messages").click()
    expect(rows(ann)).to_have_count(2)
    expect(rows(ann).first).to_contain_text("onerror=alert(1)")
    rows(ann).last.get_by_role("button", name="Unpin").click()
    expect(rows(ann)).to_have_count(1)
    expect(bob.log.get_by_text("pinned", exact=True)).to_have_count(1)


def test_moderators_pin_and_the_others_read(come: Come, daemon: Daemon) -> None:
    """Who may not has no such tool; who deletes a pinned message unpins it."""
    with program(daemon, "ann", "lobby") as program_ann:
        program_ann.ask(type="create", room="orchard", cid="room")
        program_ann.ask(type="send", room="orchard", text="rules", cid="1")
    ann = come("ann")
    ann.enter("orchard")
    with program(daemon, "bob", "lobby", "orchard"):
        bob = come("bob")
        bob.enter("orchard")
        act(ann, "rules", "Pin")
        expect(bob.log.get_by_text("pinned", exact=True)).to_be_visible()
        bob.message("rules").hover()
        expect(
            bob.message("rules").get_by_role("button", name="Reply", exact=True)
        ).to_be_visible()
        expect(bob.message("rules").get_by_role("button", name="Unpin")).to_have_count(
            0
        )
        bob.button("Pinned messages").click()
        expect(rows(bob)).to_have_count(1)
        expect(rows(bob).get_by_role("button", name="Unpin")).to_have_count(0)
        act(ann, "rules", "Delete")
        expect(dialog(bob)).to_contain_text("Nothing is pinned here.")


def test_a_bookmark_is_ones_own_on_all_devices(come: Come, daemon: Daemon) -> None:
    """It is listed over all rooms, leads to its place, from where one comes back."""
    filled(daemon, "seeds", *(f"line {number}" for number in range(150)))
    ann, phone, bob = come("ann"), come("ann"), come("bob")
    ann.say("mine")
    ann.sees("mine")
    act(ann, "mine", "Bookmark")
    expect(ann.page.get_by_text("Bookmarked.")).to_be_visible()
    phone.message("mine").hover()
    expect(
        phone.message("mine").get_by_role("button", name="Remove the bookmark")
    ).to_be_visible()
    with program(daemon, "ann", "garden") as other:
        (seeds,) = other.ask(type="search", query="seeds", id=1)["messages"]
        other.ask(type="bookmark", room="garden", of=seeds["seq"], id=2)
    ann.button("Bookmarks").click()
    expect(rows(ann)).to_have_count(2)
    expect(rows(ann).first).to_contain_text("garden")
    rows(ann).first.get_by_role("button", name="Show in its place").click()
    expect(ann.page.get_by_role("heading", level=1, name="garden")).to_be_visible()
    expect(ann.message("seeds")).to_be_focused()
    expect(ann.message("seeds")).to_be_in_viewport()
    ann.button("Back to the bookmarks").click()
    expect(
        rows(ann).first.get_by_role("button", name="Show in its place")
    ).to_be_focused()
    rows(ann).first.get_by_role("button", name="Remove the bookmark").click()
    expect(rows(ann)).to_have_count(1)
    assert ann.page.evaluate("document.activeElement.closest('dialog') !== null")
    ann.page.keyboard.press("Escape")
    expect(ann.message("seeds")).to_be_focused()
    bob.button("Bookmarks").click()
    expect(dialog(bob)).to_contain_text("You have no bookmarks.")


def test_lists_are_read_page_by_page(come: Come, daemon: Daemon) -> None:
    """Fifty at a time, as long as there are more."""
    with program(daemon, "ann", "lobby", "garden") as ann_too:
        first = ann_too.send("garden", *(f"text {number}" for number in range(60))) - 59
        for seq in range(first, first + 60):
            ann_too.ask(type="bookmark", room="garden", of=seq, id=seq)
    ann = come("ann")
    ann.button("Bookmarks").click()
    expect(rows(ann)).to_have_count(50)
    ann.button("Show more").click()
    expect(rows(ann)).to_have_count(60)
    expect(ann.button("Show more")).to_have_count(0)


def test_by_keyboard_alone(come: Come) -> None:
    """A message is bookmarked, found in the list, and shown."""
    ann = come("ann")
    ann.say("by keys")
    ann.sees("by keys")
    keys = ann.page.keyboard
    ann.message("by keys").focus()
    ann.message("by keys").get_by_role("button", name="Bookmark").focus()
    keys.press("Enter")
    expect(ann.page.get_by_text("Bookmarked.")).to_be_visible()
    ann.button("Bookmarks").focus()
    keys.press("Enter")
    expect(rows(ann)).to_have_count(1)
    keys.press("Tab")
    expect(rows(ann).get_by_role("button", name="Show in its place")).to_be_focused()
    keys.press("Enter")
    expect(ann.message("by keys")).to_be_focused()
