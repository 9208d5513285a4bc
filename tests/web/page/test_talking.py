"""What people do with messages, rooms and each other all day."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come
from tests.web.page.program import program


def test_messages_are_edited_answered_reacted_to_and_deleted(come: Come) -> None:
    """Each is seen by the others, and the tools of what is not one's own are fewer."""
    ann, bob = come("ann"), come("bob")
    ann.say("first")
    bob.sees("first")
    row = bob.log.locator("[data-seq]")
    row.hover()
    expect(row.get_by_role("button", name="Edit")).to_have_count(0)
    expect(row.get_by_role("button", name="Delete")).to_have_count(0)
    row.get_by_role("button", name="React 👍").click()
    mark = ann.log.get_by_role("button", name="👍: bob")
    expect(mark).to_have_attribute("aria-pressed", "false")
    mark.click()
    expect(bob.log.get_by_role("button", name="👍: bob, ann")).to_be_visible()
    bob.log.get_by_role("button", name="👍: bob, ann").click()
    expect(ann.log.get_by_role("button", name="👍: ann")).to_be_visible()

    row.hover()
    row.get_by_role("button", name="Reply", exact=True).click()
    expect(bob.page.get_by_text("Reply to ann")).to_be_visible()
    bob.say("second")
    ann.sees("first", "second")
    quote = ann.log.locator("[data-seq]").last.get_by_role("button", name="ann first")
    expect(quote).to_be_visible()

    own = ann.log.locator("[data-seq]").first
    own.hover()
    own.get_by_role("button", name="Edit").click()
    expect(ann.box).to_have_value("first")
    ann.box.fill("first, mended")
    ann.button("Save").click()
    bob.sees("first, mended", "second")
    expect(bob.log.get_by_text("edited")).to_be_visible()

    own.hover()
    own.get_by_role("button", name="Delete").click()
    bob.sees("second")
    expect(bob.log.get_by_text("Deleted")).to_be_visible()
    expect(bob.log.get_by_text("A message that is not here any more")).to_be_visible()


def test_drafts_are_kept_for_each_room_over_reloads(come: Come) -> None:
    """Also while another message is edited, and until they are sent."""
    ann = come("ann")
    ann.say("said")
    ann.sees("said")
    ann.box.fill("to the lobby")
    ann.enter("garden")
    expect(ann.box).to_have_value("")
    ann.box.fill("to the garden\nin two lines")
    ann.page.reload()
    expect(ann.box).to_have_value("to the garden\nin two lines")
    ann.enter("lobby")
    expect(ann.box).to_have_value("to the lobby")
    ann.log.locator("[data-seq]").hover()
    ann.log.get_by_role("button", name="Edit").click()
    expect(ann.box).to_have_value("said")
    ann.box.press("Escape")
    expect(ann.box).to_have_value("to the lobby")
    ann.box.press("Enter")
    ann.sees("said", "to the lobby")
    ann.page.reload()
    expect(ann.texts).to_have_count(2)
    expect(ann.box).to_have_value("")


def test_unread_messages_and_mentions_are_counted(come: Come, daemon: Daemon) -> None:
    """At the room and in the title, until they are read; a line stands above them; and
    what is read on one device is read on all.
    """
    ann, phone = come("ann"), come("ann")
    ann.enter("garden")
    phone.enter("garden")
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "one", "two")
        for one in (ann, phone):
            expect(one.room("lobby")).to_contain_text("2 unread messages")
            expect(one.page).to_have_title("(2) garden · chatd")
        bob.send("lobby", "three for @ann")
        expect(ann.room("lobby")).to_contain_text("1 message for you")
        expect(ann.page).to_have_title("(3) garden · chatd")
    ann.enter("lobby")
    expect(ann.log.get_by_text("New", exact=True)).to_be_visible()
    for one in (ann, phone):
        expect(one.room("lobby")).not_to_contain_text(re.compile("unread|for you"))
    expect(ann.page).to_have_title("lobby · chatd")
    expect(phone.page).to_have_title("garden · chatd")


def test_rooms_are_found_made_joined_and_left(come: Come) -> None:
    """In one dialog; a private one by invitation only, and what is wrong is said."""
    ann, bob = come("ann"), come("bob")
    ann.begin_room()
    for name, said in (("lobby", "already"), ("tea!", "cannot be a name"), ("tea", "")):
        ann.field("Name of the room").fill(name)
        ann.field("Topic").fill("Green and black")
        ann.button("Create").click()
        if said:
            expect(ann.page.get_by_role("alert").last).to_contain_text(said)
    expect(ann.page.get_by_role("heading", level=1, name="tea")).to_be_visible()
    expect(ann.page.get_by_text("Green and black")).to_be_visible()

    bob.button("Find or create a room").click()
    bob.field("Search by name").fill("GREEN")
    expect(bob.page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
    bob.button("Join: tea").click()
    expect(bob.page.get_by_role("heading", level=1, name="tea")).to_be_visible()
    bob.say("is there milk?")
    ann.sees("is there milk?")
    expect(ann.online).to_have_text("2 online")
    bob.button("Details").click()
    for _ in range(2):
        bob.button("Leave the room").click()
    expect(bob.room("tea")).to_have_count(0)
    expect(ann.online).to_have_text("1 online")


def test_a_direct_conversation_begins_with_a_name(come: Come) -> None:
    """By the list of people or by typing it; somebody who is not there is told of."""
    ann, bob, cy = come("ann"), come("bob"), come("cy")
    ann.people.get_by_role("button", name="bob").click()
    ann.button("Write to bob").click()
    expect(ann.page.get_by_text("Nobody else can read it.")).to_be_visible()
    ann.say("psst")
    expect(bob.rooms.get_by_role("link").filter(has_text="ann")).to_contain_text(
        "1 message for you"
    )
    bob.enter("ann")
    bob.say("yes?")
    ann.sees("psst", "yes?")
    expect(cy.rooms.get_by_text("People", exact=True)).to_have_count(0)

    cy.page.keyboard.press("Control+k")
    cy.field("Room or person").fill("bob")
    cy.field("Room or person").press("Enter")
    cy.say("me too")
    bob.enter("cy")
    bob.sees("me too")

    cy.page.keyboard.press("Control+k")
    cy.field("Room or person").fill("nobody")
    cy.button("Write to nobody").click()
    expect(cy.page.get_by_role("dialog").get_by_role("alert")).to_contain_text(
        "nobody has an account of this name"
    )
    cy.page.keyboard.press("Escape")
    expect(cy.page.get_by_role("heading", level=1, name="bob")).to_be_visible()


def test_what_one_is_not_in_is_found_by_its_name(come: Come, daemon: Daemon) -> None:
    """A public room, which leads to its door; somebody who is not there now, by what he
    calls himself; and somebody whom one shares no room with.
    """
    daemon.add("dina")
    with program(daemon, "bob", "lobby") as bob:
        bob.ask(type="profile", display="Robert")
        bob.ask(type="create", room="teahouse", title="Tea house", cid="a")
    ann = come("ann")
    expect(ann.people).not_to_contain_text("Robert")
    ann.page.keyboard.press("Control+k")
    box, dialog = ann.field("Room or person"), ann.page.get_by_role("dialog")
    box.fill("tea h")
    found = dialog.get_by_role("listitem").get_by_role("button")
    expect(found).to_have_text([re.compile(r"Tea house\s+not joined")])
    box.press("Enter")
    expect(ann.button("Join")).to_be_visible()
    ann.page.keyboard.press("Control+k")
    box.fill("robert")
    expect(found).to_have_text([re.compile(r"Robert\s+@bob")])
    box.press("Enter")
    expect(ann.page.get_by_role("heading", level=1, name="Robert")).to_be_visible()
    ann.page.keyboard.press("Control+k")
    box.fill("dina")
    box.press("Enter")
    expect(ann.page.get_by_role("heading", level=1, name="dina")).to_be_visible()


def test_markdown_is_shown_and_what_is_not_closed_stays(come: Come) -> None:
    """Bold, italic, struck out, code, blocks, lists, quotes and links with a scheme."""
    ann = come("ann")
    ann.say("**bold** *italic* ~~gone~~ `code *as is*` and 2*3*4 or **not closed")
    ann.say("```\nx = `1`\n  *y*\n```")
    ann.say("- milk\n- bread")
    ann.say("> quoted\nand not")
    ann.say("see https://example.org/a_(b)?c=d, or [this](https://example.org).")
    expect(ann.texts).to_have_count(5)
    bold, block, items, quote, links = ann.texts.all()
    for tag, text in (
        ("strong", "bold"),
        ("em", "italic"),
        ("del", "gone"),
        ("code", "code *as is*"),
    ):
        expect(bold.locator(tag)).to_have_text(text)
    expect(bold).to_contain_text("2*3*4 or **not closed")
    assert block.locator("pre").inner_text() == "x = `1`\n  *y*"
    expect(items.get_by_role("listitem")).to_have_text(["milk", "bread"])
    expect(quote.get_by_role("blockquote")).to_have_text("quoted")
    hrefs = links.get_by_role("link").evaluate_all("all => all.map((one) => one.href)")
    assert hrefs == ["https://example.org/a_(b)?c=d", "https://example.org/"]
    for one in links.get_by_role("link").all():
        expect(one).to_have_attribute("rel", re.compile("noopener.*noreferrer"))


def test_many_lines_are_pasted(come: Come) -> None:
    """They stay one message, and the box grows without hiding what was said."""
    ann = come("ann")
    ann.say("above")
    ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = "\n".join(f"line {number}" for number in range(60))
    ann.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    ann.box.focus()
    ann.page.keyboard.press("Control+v")
    expect(ann.box).to_have_value(text)
    expect(ann.message("above")).to_be_in_viewport()
    expect(ann.button("Send")).to_be_in_viewport(ratio=1)
    ann.button("Send").click()
    expect(ann.texts).to_have_count(2)
    assert ann.texts.last.inner_text() == text


def test_the_page_speaks_german(come: Come) -> None:
    """To whoever's browser does, down to the plural and the days."""
    ann = come(locale="de-AT")
    ann.visit()
    expect(ann.page.locator("html")).to_have_attribute("lang", "de")
    ann.field("Name").fill("ann")
    ann.field("Passwort").fill("correct horse")
    ann.button("Anmelden").click()
    expect(ann.page.get_by_role("navigation", name="Räume")).to_be_visible()
    ann.page.get_by_role("textbox").fill("Grüße")
    ann.page.get_by_role("textbox").press("Enter")
    ann.sees("Grüße")
    expect(ann.log.get_by_text("Heute")).to_be_visible()


def test_a_room_of_another_device_is_there_at_once(come: Come, daemon: Daemon) -> None:
    """With all that is said in it; and it goes where it is left on that one."""
    ann = come("ann")
    with program(daemon, "ann", "garden") as elsewhere:
        expect(ann.room("garden")).to_be_visible()
        elsewhere.send("garden", "dig here")
        with program(daemon, "bob", "garden") as bob:
            bob.send("garden", "with what?")
        ann.enter("garden")
        expect(ann.message("dig here")).to_have_count(1)
        expect(ann.message("with what?")).to_have_count(1)
        ann.say("a spade")
        elsewhere.ask(type="leave", room="garden")
        expect(ann.room("garden")).to_have_count(0)
