"""Threads: conversations beside a room, in two browsers."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, ViewportSize, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

PHONE = ViewportSize(width=390, height=844)


def column(one: Person) -> Locator:
    """The thread that is open."""
    return one.page.get_by_role("region", name=re.compile("^Thread in "))


def replies(one: Person) -> Locator:
    """What the replies say that are shown of the open thread."""
    return column(one).get_by_role("log").locator(".lines > ol:last-of-type .text")


def box(one: Person) -> Locator:
    """Where one writes in the thread."""
    return one.page.get_by_role("textbox", name="Reply in this thread")


def room_log(one: Person) -> Locator:
    """The messages of the room."""
    return one.page.get_by_role("log", name=re.compile("^Messages in "))


def line(one: Person, text: str) -> Locator:
    """A message of the room."""
    return (
        room_log(one)
        .locator("[data-seq]")
        .filter(has=one.page.get_by_text(text, exact=True))
    )


def below(one: Person, text: str) -> Locator:
    """What is shown of a thread below its first message."""
    return line(one, text).get_by_role("button", name=re.compile("Open the thread"))


def entry(one: Person) -> Locator:
    """What leads to the threads that one follows."""
    return one.rooms.get_by_role("button", name=re.compile("^Threads"))


def begin(one: Person, text: str) -> None:
    """Open the thread of a message by its tools."""
    line(one, text).hover()
    line(one, text).get_by_role("button", name="Reply in thread").click()
    expect(box(one)).to_be_focused()


def reply(one: Person, text: str) -> None:
    """Say something in the open thread."""
    box(one).fill(text)
    box(one).press("Enter")
    expect(replies(one).last).to_have_text(text)
    expect(column(one).locator("[data-cid]")).to_have_count(0)


def test_a_thread_is_shown_on_both_sides(come: Come) -> None:
    """Opened by the tools; the other sees faces and a count below the message."""
    ann, bob = come("ann"), come("bob")
    ann.say("tea?")
    expect(line(bob, "tea?")).to_be_visible()
    begin(bob, "tea?")
    expect(column(bob).get_by_text("No reply yet.")).to_be_visible()
    reply(bob, "which one?")
    expect(below(ann, "tea?")).to_have_accessible_name(
        re.compile(r"^1 reply of bob, the last \d\d:\d\d\. Open the thread, 1 new$")
    )
    expect(room_log(ann).locator("[data-seq] .text")).to_have_text(["tea?"])
    expect(room_log(bob).locator("[data-seq] .text")).to_have_text(["tea?"])
    expect(ann.room("lobby")).not_to_contain_text("unread")
    expect(entry(ann)).to_contain_text("1 unread")
    below(ann, "tea?").click()
    expect(replies(ann)).to_have_text(["which one?"])
    expect(below(ann, "tea?")).to_have_accessible_name(re.compile("thread$"))
    expect(entry(ann)).not_to_contain_text("unread")
    reply(ann, "green")
    expect(replies(bob)).to_have_text(["which one?", "green"])
    expect(below(bob, "tea?").locator(".avatar")).to_have_text(["BO", "AN"])
    expect(below(bob, "tea?")).to_contain_text("2 replies")
    expect(below(bob, "tea?")).not_to_contain_text("new")


def test_unread_goes_with_following(come: Come, daemon: Daemon) -> None:
    """Who follows is told and who does not is not; the list leads there."""
    ann = come("ann")
    ann.say("tea?")
    expect(line(ann, "tea?")).to_be_visible()
    with program(daemon, "bob", "lobby") as bob:
        root = bob.ask(type="history", room="lobby")["messages"][-1]["seq"]
        last = bob.reply("lobby", root, "one", "two")
        expect(below(ann, "tea?")).to_contain_text("2 new")
        entry(ann).click()
        found = ann.page.get_by_role("dialog").locator(".found > li")
        expect(found).to_contain_text("tea?")
        expect(found).to_contain_text("2 new")
        found.get_by_role("button", name="Open the thread").click()
        expect(replies(ann)).to_have_text(["one", "two"])
        expect(column(ann).locator(".new-line")).to_have_count(1)
        expect(box(ann)).to_be_focused()
        follow = column(ann).get_by_role("button", name="Follow")
        expect(follow).to_have_attribute("aria-pressed", "true")
        follow.click()
        expect(follow).to_have_attribute("aria-pressed", "false")
        box(ann).press("Escape")
        expect(column(ann)).to_have_count(0)
        bob.reply("lobby", root, "three")
        expect(below(ann, "tea?")).to_contain_text("3 replies")
        expect(below(ann, "tea?")).not_to_contain_text("new")
        expect(entry(ann)).not_to_contain_text("unread")
        below(ann, "tea?").click()
        follow.click()
        expect(follow).to_have_attribute("aria-pressed", "true")
        box(ann).press("Escape")
        bob.reply("lobby", root, "four")
        expect(below(ann, "tea?")).to_contain_text("1 new")
        bob.ask(type="delete", room="lobby", of=last, cid="gone")
        expect(below(ann, "tea?")).to_contain_text("3 replies")


def test_what_is_read_on_one_device_is_read_on_the_other(
    come: Come, daemon: Daemon
) -> None:
    """So is what is followed."""
    here, there = come("ann"), come("ann")
    here.say("tea?")
    expect(line(there, "tea?")).to_be_visible()
    with program(daemon, "bob", "lobby") as bob:
        root = bob.ask(type="history", room="lobby")["messages"][-1]["seq"]
        bob.reply("lobby", root, "which?")
        for one in (here, there):
            expect(below(one, "tea?")).to_contain_text("1 new")
            expect(entry(one)).to_contain_text("1 unread")
        here.page.bring_to_front()
        below(here, "tea?").click()
        expect(replies(here)).to_have_text(["which?"])
        for one in (here, there):
            expect(below(one, "tea?")).not_to_contain_text("new")
            expect(entry(one)).not_to_contain_text("unread")
        column(here).get_by_role("button", name="Follow").click()
        here.page.get_by_role("button", name="Close the thread").last.click()
        bob.reply("lobby", root, "well?")
        for one in (here, there):
            expect(below(one, "tea?")).to_contain_text("2 replies")
            expect(below(one, "tea?")).not_to_contain_text("new")


def test_a_search_leads_into_a_thread(come: Come, daemon: Daemon) -> None:
    """Far up in it, with the way back; little of it is in the page."""
    with program(daemon, "bob", "lobby") as bob:
        root = bob.send("lobby", "tea?")
        bob.reply("lobby", root, "the needle", *(f"straw {n}" for n in range(250)))
        bob.send("lobby", "coffee")
    ann = come("ann")
    expect(line(ann, "coffee")).to_be_visible()
    expect(line(ann, "tea?")).to_be_visible()
    ann.rooms.get_by_role("button", name="Search", exact=True).click()
    ann.field("What was said").fill("needle")
    ann.page.keyboard.press("Enter")
    ann.button("Show in its place").click()
    needle = column(ann).locator("[data-seq]").filter(has_text="the needle")
    expect(needle).to_be_focused()
    expect(needle).to_be_in_viewport()
    assert column(ann).locator("[data-seq]").count() <= 301
    ann.button("Back to the results").click()
    expect(ann.page.locator(".found mark")).to_have_text("needle")
    ann.page.keyboard.press("Escape")
    ann.button("To the latest").last.click()
    expect(replies(ann).last).to_have_text("straw 249")
    assert column(ann).locator("[data-seq]").count() <= 301


def test_the_address_keeps_a_thread(come: Come, daemon: Daemon) -> None:
    """Over a reload, as a link, and for "back"; the draft is there as well."""
    ann, bob = come("ann"), come()
    ann.say("tea?")
    expect(line(ann, "tea?")).to_be_visible()
    begin(ann, "tea?")
    reply(ann, "or coffee")
    box(ann).fill("neither")
    ann.box.fill("of the room")
    ann.page.reload()
    expect(replies(ann)).to_have_text(["or coffee"])
    expect(box(ann)).to_have_value("neither")
    expect(ann.box).to_have_value("of the room")
    bob.visit(ann.page.url.removeprefix(ann.url))
    bob.type_credentials("bob")
    bob.expected.append("not here")
    expect(bob.rooms).to_be_visible()
    with program(daemon, "bob", "lobby"):
        expect(replies(bob)).to_have_text(["or coffee"])
    ann.page.go_back()
    expect(column(ann)).to_have_count(0)
    expect(line(ann, "tea?")).to_be_focused()
    expect(ann.button("1 not sent")).to_be_visible()
    ann.button("1 not sent").click()
    dialog = ann.page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_contain_text("lobby Thread")
    dialog.get_by_role("button", name="Open", exact=True).click()
    expect(box(ann)).to_have_value("neither")
    ann.page.go_forward()


def test_a_thread_covers_the_room_on_a_phone(come: Come) -> None:
    """Both ways back lead to the room and the message."""
    ann = come("ann", viewport=PHONE, has_touch=True)
    ann.say("tea?")
    expect(line(ann, "tea?")).to_be_visible()
    line(ann, "tea?").get_by_text("tea?").tap()
    line(ann, "tea?").get_by_role("button", name="Reply in thread").tap()
    expect(column(ann).get_by_role("heading", name="Thread")).to_be_focused()
    reply(ann, "green")
    expect(ann.box).to_be_hidden()
    expect(room_log(ann)).to_have_count(0)
    assert ann.page.evaluate("document.documentElement.scrollWidth") <= 390
    ann.page.get_by_role("button", name="Close the thread").first.click()
    expect(column(ann)).to_have_count(0)
    expect(line(ann, "tea?")).to_be_focused()
    below(ann, "tea?").click()
    expect(replies(ann)).to_have_text(["green"])
    ann.page.go_back()
    expect(column(ann)).to_have_count(0)
    expect(ann.page.get_by_role("heading", level=1, name="lobby")).to_be_visible()
    expect(line(ann, "tea?")).to_be_focused()


def test_the_keyboard_alone_is_enough(come: Come) -> None:
    """To open, write, answer, go through and leave; the focus is never lost."""
    ann = come("ann")
    ann.say("tea?")
    expect(line(ann, "tea?")).to_be_visible()
    keys = ann.page.keyboard
    line(ann, "tea?").focus()
    keys.press("Enter")
    tool = line(ann, "tea?").get_by_role("button", name="Reply in thread")
    for _ in range(12):
        if tool.evaluate("(node) => node === document.activeElement"):
            break
        keys.press("Tab")
    expect(tool).to_be_focused()
    keys.press("Enter")
    expect(box(ann)).to_be_focused()
    keys.type("one")
    keys.press("Enter")
    expect(replies(ann)).to_have_text(["one"])
    keys.type("two")
    keys.press("Enter")
    expect(replies(ann)).to_have_text(["one", "two"])
    expect(column(ann).locator("[data-cid]")).to_have_count(0)
    keys.press("ArrowUp")
    expect(box(ann)).to_have_value("two")
    keys.press("Escape")
    expect(box(ann)).to_have_value("")
    expect(column(ann)).to_have_count(1)
    second = column(ann).locator("[data-seq]").last
    second.focus()
    keys.press("ArrowUp")
    first = column(ann).locator(".lines > ol:last-of-type [data-seq]").first
    expect(first).to_be_focused()
    first.get_by_role("button", name="Reply", exact=True).press("Enter")
    expect(box(ann)).to_be_focused()
    keys.type("to the first")
    keys.press("Enter")
    expect(replies(ann)).to_have_text(["one", "two", "to the first"])
    expect(column(ann).locator(".quote")).to_contain_text("one")
    keys.press("Escape")
    expect(column(ann)).to_have_count(0)
    expect(line(ann, "tea?")).to_be_focused()


def test_a_thread_shows_what_its_first_message_answers(
    come: Come, daemon: Daemon
) -> None:
    """It leads there: beside the thread, or out of it where that covers the room."""
    with program(daemon, "bob", "lobby") as bob:
        first = bob.send("lobby", "which tea?")
        bob.send("lobby", *(f"straw {n}" for n in range(40)))
        root = bob.send("lobby", "green", reply_to=first)
        bob.reply("lobby", root, "why?")
    ann = come("ann")
    asked = room_log(ann).locator(f"[data-seq='{first}']")
    for width, columns in ((1280, 1), (390, 0)):
        ann.page.set_viewport_size({"width": width, "height": 800})
        below(ann, "green").click()
        quote = column(ann).locator(".root .quote")
        expect(quote).to_have_text("bob which tea?")
        quote.click()
        expect(asked).to_be_focused()
        expect(asked).to_be_in_viewport()
        expect(column(ann)).to_have_count(columns)
        if columns:
            ann.page.get_by_role("button", name="Close the thread").last.click()


def test_what_is_deleted(come: Come, daemon: Daemon) -> None:
    """A reply lowers the count; a first message leaves its thread behind."""
    ann = come("ann")
    with program(daemon, "bob", "lobby") as bob:
        root = bob.send("lobby", "tea?")
        first = bob.reply("lobby", root, "one")
        bob.reply("lobby", root, "two")
        expect(below(ann, "tea?")).to_contain_text("2 replies")
        bob.ask(type="delete", room="lobby", of=first, cid="first")
        expect(below(ann, "tea?")).to_contain_text("1 reply")
        bob.ask(type="delete", room="lobby", of=root, cid="root")
        gone = room_log(ann).locator(f"[data-seq='{root}']")
        expect(gone).to_contain_text("Deleted")
        gone.get_by_role("button", name=re.compile("Open the thread")).click()
        expect(replies(ann)).to_have_text(["two"])
        ann.page.reload()
        expect(gone).to_contain_text("1 reply")
        expect(replies(ann)).to_have_text(["two"])
        bob.ask(type="edit", room="lobby", of=first + 1, text="two!", cid="edit")
        expect(replies(ann)).to_have_text(["two!"])


def test_a_room_full_of_threads_goes_on(come: Come, daemon: Daemon) -> None:
    """What is in threads fills whole pages, and what was said before is there."""
    with program(daemon, "bob", "lobby") as bob:
        root = bob.send("lobby", "the very first", "tea?")
        bob.reply("lobby", root, *(f"reply {n}" for n in range(150)))
    ann = come("ann")
    expect(line(ann, "tea?")).to_be_visible()
    expect(line(ann, "the very first")).to_be_visible()
    expect(below(ann, "tea?")).to_contain_text("150 replies")
    below(ann, "tea?").click()
    expect(replies(ann).last).to_have_text("reply 149")
    expect(replies(ann).last).to_be_in_viewport()
    assert column(ann).locator("[data-seq]").count() <= 121


def test_a_mention_makes_one_follow(come: Come, daemon: Daemon) -> None:
    """What one does not follow is not unread; hostile text stays text."""
    ann = come("ann")
    with program(daemon, "bob", "lobby") as bob:
        root = bob.send("lobby", "tea?")
        bob.reply("lobby", root, "not for you")
        expect(below(ann, "tea?")).to_contain_text("1 reply")
        expect(entry(ann)).not_to_contain_text("unread")
        bob.reply("lobby", root, "@ann <img src=x onerror=alert(1)>")
        expect(entry(ann)).to_contain_text("1 unread")
        below(ann, "tea?").click()
        expect(replies(ann).last).to_contain_text("<img src=x onerror=alert(1)>")
        expect(entry(ann)).not_to_contain_text("unread")
