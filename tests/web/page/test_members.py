"""Who belongs to a room, and what moderators do, as they and the others see it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person, people
from tests.web.page.program import Program, program

HOSTILE = "<img src=x onerror=alert(1)> &amp; \u05e9\u05dc\u05d5\u05dd"
ISOLATES = re.compile("[\u2068\u2069]")


def dialog(one: Person) -> Locator:
    """The dialog that is open."""
    return one.page.get_by_role("dialog")


def rows(one: Person) -> Locator:
    """The members that are listed."""
    return dialog(one).locator("ul.directory").first.get_by_role("listitem")


def happened(one: Person, *lines: str) -> None:
    """Wait until this is what the room tells beside what was said, to its beginning."""
    found = one.log.locator("[data-happened]")
    expect(found).to_have_count(len(lines))
    told = [ISOLATES.sub("", text) for text in found.all_inner_texts()]
    for text, line in zip(told, lines, strict=True):
        assert text.startswith(line), told


def meet(come: Come, name: str, room: str = "tea") -> Person:
    """Bring somebody before a browser, into a room that he is in."""
    one = come()
    one.log_in(name)
    one.enter(room)
    return one


def about(one: Person, name: str) -> Locator:
    """Open what there is of somebody, from the list of all members."""
    one.people.get_by_role("button", name="All members").click()
    dialog(one).get_by_role("button", name=f"Details: {name}").first.click()
    return dialog(one)


@contextmanager
def tea(daemon: Daemon, *names: str) -> Iterator[Program]:
    """Have ann make a room, and others join it who are gone then."""
    with program(daemon, "ann", "tea") as ann:
        for name in names:
            with program(daemon, name, "tea"):
                pass
        yield ann


def test_all_members_are_listed_with_what_they_are(come: Come, daemon: Daemon) -> None:
    """Also who is not there: who runs the room first, then by name, and found by it."""
    with tea(daemon, "cy", "bob") as owner:
        owner.ask(type="role", room="tea", user="cy", role="moderator")
        ann = meet(come, "ann")
        expect(ann.people.get_by_role("listitem")).to_have_count(1)
        ann.people.get_by_role("button", name="All members").click()
        expect(rows(ann)).to_have_text(
            [
                re.compile(r"ann.*online.*you · owner"),
                re.compile(r"cy.*offline.*moderator"),
                re.compile(r"bob.*offline"),
            ]
        )
        expect(dialog(ann).get_by_text("3 members")).to_be_visible()
        ann.field("Search by name").fill("BO")
        expect(rows(ann)).to_have_count(1)
        expect(rows(ann)).to_contain_text("bob")
        ann.field("Search by name").fill("nobody")
        expect(rows(ann)).to_have_count(0)
        expect(dialog(ann).get_by_text("Nobody of this name")).to_be_visible()
        ann.field("Search by name").fill("")
        with program(daemon, "bob") as bob:
            bob.ask(type="leave", room="tea")
            expect(rows(ann)).to_have_count(2)
            bob.ask(type="join", room="tea")
            expect(rows(ann)).to_have_count(3)


def test_somebody_is_muted_for_a_while_and_why(come: Come, daemon: Daemon) -> None:
    """The room is told, the list says until when; it is taken back there."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        card = about(ann, "bob")
        card.get_by_role("button", name="Mute", exact=True).click()
        expect(card.get_by_text("can still read tea, but not write")).to_be_visible()
        card.get_by_label("For how long").select_option("10 minutes")
        card.get_by_label("Reason").fill(HOSTILE)
        card.get_by_role("button", name="Mute", exact=True).click()
        expect(card.get_by_text("bob is muted.")).to_be_visible()
        (said,) = [frame for frame in ann.said if frame["type"] == "mute"]
        assert (said["for"], said["reason"]) == (600, HOSTILE)
        expect(card.get_by_text("Muted here: until")).to_contain_text("onerror")
        card.get_by_role("button", name="Back to the members").click()
        expect(card.get_by_role("button", name="Details: bob").first).to_be_focused()
        expect(rows(ann).filter(has_text="bob")).to_contain_text("muted")
        happened(bob, "ann and bob joined", "ann muted bob until")
        expect(bob.log.locator("[data-happened=mute]")).to_contain_text("<img src=x")
        why = re.compile("^You are muted here: until .*<img src=x")
        expect(bob.box).to_have_attribute("placeholder", why)
        card.get_by_role("button", name="Unmute: bob").click()
        expect(card.get_by_text("bob can write in tea again.")).to_be_visible()
        expect(card.get_by_role("button", name="Unmute: bob")).to_have_count(0)
        expect(bob.box).not_to_have_attribute("readonly", "")
        bob.say("but")
        ann.sees("but")
        happened(ann, "ann and bob joined", "ann muted bob until", "ann unmuted bob")


def test_somebody_is_removed_and_told_why(come: Come, daemon: Daemon) -> None:
    """He may come back, and all see both."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        card = about(ann, "bob")
        card.get_by_role("button", name="Remove", exact=True).click()
        expect(card.get_by_text("has to leave tea, and may join again")).to_be_visible()
        card.get_by_label("Reason").fill("off topic")
        card.get_by_role("button", name="Remove", exact=True).click()
        notice = bob.page.get_by_text("You were removed from #tea. · off topic")
        expect(notice).to_be_visible()
        expect(bob.room("tea")).to_have_count(0)
        expect(card.get_by_role("button", name="Remove", exact=True)).to_have_count(0)
        card.get_by_role("button", name="Back to the members").click()
        expect(rows(ann)).to_have_count(1)
        expect(ann.field("Search by name")).to_be_focused()
        ann.page.keyboard.press("Escape")
        bob.button("Find or create a room").click()
        bob.button("Join: tea").click()
        bob.say("again")
        ann.sees("again")
        happened(ann, "ann and bob joined", "ann removed bob off topic", "bob joined")


def test_somebody_is_banned_listed_and_let_in_again(come: Come, daemon: Daemon) -> None:
    """Also from his line in the column; the ban is lifted in the list."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        ann.people.get_by_role("button", name="bob").click()
        card = dialog(ann)
        card.get_by_role("button", name="Ban", exact=True).click()
        card.get_by_label("For how long").select_option("for good")
        card.get_by_role("button", name="Ban", exact=True).click()
        expect(bob.page.get_by_text("You are banned from #tea.")).to_be_visible()
        expect(card.get_by_text("Banned here: for good")).to_be_visible()
        ann.page.keyboard.press("Escape")
        bob.button("Find or create a room").click()
        bob.button("Join: tea").click()
        expect(dialog(bob).get_by_role("alert")).to_contain_text("banned here")
        ann.people.get_by_role("button", name="All members").click()
        card.get_by_role("button", name="Lift the ban: bob").click()
        expect(card.get_by_text("bob may join tea again.")).to_be_visible()
        expect(card.get_by_text("Banned (1)")).to_have_count(0)
        # What had the focus has gone; it is still in the dialog.
        expect(dialog(ann).locator(":focus")).to_have_count(1)
        bob.button("Join: tea").click()
        expect(bob.page.get_by_role("heading", level=1, name="tea")).to_be_visible()
        ann.page.keyboard.press("Escape")
        happened(
            ann,
            "ann and bob joined",
            "ann banned bob for good",
            "ann lifted the ban of bob",
            "bob joined",
        )


def test_who_has_written_is_acted_on_at_the_message(come: Come, daemon: Daemon) -> None:
    """By a tool of it, which leads to who that is; one's own have none, and who may
    not act on somebody is not offered it.
    """
    with tea(daemon, "bob") as owner:
        owner.ask(type="role", room="tea", user="bob", role="moderator")
        ann, bob = meet(come, "ann"), meet(come, "bob")
        with program(daemon, "cy", "tea"):
            cy = meet(come, "cy")
        cy.say("buy now")
        bob.sees("buy now")
        row = bob.message("buy now")
        row.hover()
        row.get_by_role("button", name="Details: cy").click()
        card = dialog(bob)
        card.get_by_role("button", name="Remove", exact=True).click()
        card.get_by_role("button", name="Remove", exact=True).click()
        expect(cy.room("tea")).to_have_count(0)
        bob.page.keyboard.press("Escape")
        bob.say("sorry")
        ann.sees("buy now", "sorry")
        row = bob.message("sorry")
        row.hover()
        expect(row.get_by_role("button", name="Details:")).to_have_count(0)
        ann.say("thanks")
        row = bob.message("thanks")
        row.hover()
        row.get_by_role("button", name="Details: ann").click()
        expect(card.get_by_text("ann has the same role here as you")).to_be_visible()
        for name in ("Mute", "Remove", "Ban"):
            expect(bob.button(name)).to_have_count(0)


def test_roles_are_given_and_seen_at_once(come: Come, daemon: Daemon) -> None:
    """In the column, in the timeline, and by what is offered then."""
    with tea(daemon, "bob", "cy"):
        ann, bob, cy = (meet(come, name) for name in ("ann", "bob", "cy"))
        expect(about(bob, "cy").get_by_text("Write to cy")).to_be_visible()
        for name in ("Mute", "Remove", "Ban"):
            expect(bob.button(name)).to_have_count(0)
        card = about(ann, "bob")
        card.get_by_text("Role: member").click()
        card.get_by_role("radio", name="moderator").check()
        card.get_by_role("button", name="Change the role").click()
        expect(card.get_by_text("Role: moderator")).to_be_visible()
        for name in ("Mute", "Remove", "Ban"):
            expect(bob.button(name)).to_be_visible()
        expect(dialog(bob).get_by_text("Role:")).to_have_count(0)
        bob.page.keyboard.press("Escape")
        expect(cy.people.get_by_role("button", name="bob")).to_contain_text("moderator")
        happened(cy, "ann, bob and cy joined", "ann made bob a moderator")
        card = about(bob, "ann")
        expect(card.get_by_text("ann has the same role here as you")).to_be_visible()
        for name in ("Mute", "Remove", "Ban"):
            expect(bob.button(name)).to_have_count(0)


def test_a_refusal_is_said_where_it_happened(come: Come, daemon: Daemon) -> None:
    """What was typed stays, and what is refused no more is done from there."""
    with tea(daemon, "bob", "cy") as owner:
        owner.ask(type="role", room="tea", user="bob", role="moderator")
        owner.ask(type="mute", room="tea", user="bob")
        bob = meet(come, "bob")
        card = about(bob, "cy")
        card.get_by_role("button", name="Remove", exact=True).click()
        sure = card.get_by_role("group", name="Remove")
        sure.get_by_label("Reason").fill("spam")
        sure.get_by_role("button", name="Remove").click()
        # Who is muted gives no reasons.
        expect(sure.get_by_role("alert")).to_have_text("you are muted here")
        expect(sure.get_by_label("Reason")).to_have_value("spam")
        sure.get_by_label("Reason").fill("")
        sure.get_by_role("button", name="Remove").click()
        expect(card.get_by_text("cy is removed from tea.")).to_be_visible()
        expect(sure).to_have_count(0)


def test_only_one_owner_stays_and_it_says_so(come: Come, daemon: Daemon) -> None:
    """The refusal names what helps."""
    daemon.add("root", "admin")
    with tea(daemon), program(daemon, "root", "tea"):
        root = meet(come, "root")
        card = about(root, "ann")
        card.get_by_text("Role: owner").click()
        card.get_by_role("radio", name="member", exact=False).first.check()
        card.get_by_role("button", name="Change the role").click()
        expect(card.get_by_role("alert")).to_contain_text("ann is the only owner here.")


def test_all_of_it_by_keyboard(come: Come, daemon: Daemon) -> None:
    """From the room to a ban and back: the focus is never lost."""
    with tea(daemon, "bob"):
        ann = meet(come, "ann")
        keys = ann.page.keyboard
        ann.button("Details").focus()
        keys.press("Enter")
        members = dialog(ann).get_by_role("button", name="All members")
        expect(members).to_be_focused()
        keys.press("Enter")
        expect(ann.field("Search by name")).to_be_focused()
        expect(rows(ann)).to_have_count(2)
        keys.type("bob")
        expect(rows(ann)).to_have_count(1)
        keys.press("Tab")
        keys.press("Tab")
        expect(ann.page.get_by_role("button", name="Details: bob")).to_be_focused()
        keys.press("Enter")
        expect(ann.button("Back to the members")).to_be_focused()
        ann.button("Ban").focus()
        keys.press("Enter")
        expect(ann.field("For how long")).to_be_focused()
        keys.press("Escape")
        expect(ann.button("Ban")).to_be_focused()
        keys.press("Enter")
        ann.field("Reason").focus()
        keys.type("spam")
        keys.press("Enter")
        expect(dialog(ann).get_by_text("bob is banned from tea.")).to_be_visible()
        expect(dialog(ann).locator(":focus")).to_have_count(1)
        keys.press("Escape")
        expect(dialog(ann)).to_have_count(0)
        expect(ann.button("Details")).to_be_focused()


def test_invitations_into_a_room_are_listed_and_taken_back(
    come: Come, daemon: Daemon
) -> None:
    """By who has sent them; whoever is asked in is not any more."""
    with tea(daemon, "bob"):
        ann, bob, cy = meet(come, "ann"), meet(come, "bob"), come("cy")
        bob.people.get_by_role("button", name="Invite people").click()
        bob.field("Name").fill("cy")
        bob.button("Invite").click()
        expect(cy.rooms.get_by_text("from bob")).to_be_visible()
        bob.page.keyboard.press("Escape")
        for one in (ann, bob):
            one.people.get_by_role("button", name="All members").click()
            expect(dialog(one).get_by_text("Invited (1)")).to_be_visible()
            expect(dialog(one).get_by_text("from bob")).to_be_visible()
        bob.button("Take back: cy").click()
        for one in (ann, bob):
            expect(dialog(one).get_by_text("Invited (1)")).to_have_count(0)
        expect(cy.rooms.get_by_text("from bob")).to_have_count(0)
        ann.page.keyboard.press("Escape")
        happened(
            ann,
            "ann and bob joined",
            "bob invited cy",
            "bob took back the invitation of cy",
        )


def test_somebody_is_blocked_listed_and_not_any_more(come: Come) -> None:
    """From the conversation; what he writes meanwhile is not shown."""
    ann, bob = come("ann"), come("bob")
    ann.people.get_by_role("button", name="bob").click()
    ann.button("Write to bob").click()
    ann.say("hi")
    bob.enter("ann")
    bob.sees("hi")
    ann.button("Details").click()
    card = dialog(ann)
    expect(card.get_by_role("button", name="Write to bob")).to_have_count(0)
    card.get_by_role("button", name="Block", exact=True).click()
    expect(card.get_by_text("stays hidden when you unblock")).to_be_visible()
    card.get_by_role("button", name="Block", exact=True).click()
    expect(card.get_by_text("bob is blocked.")).to_be_visible()
    expect(card.get_by_text("You have blocked bob")).to_be_visible()
    ann.page.keyboard.press("Escape")
    bob.say("hidden")
    bob.sees("hi", "hidden")
    ann.say("still me")
    ann.sees("hi", "still me")

    ann.button("Settings").click()
    ann.page.get_by_text("Blocked people").click()
    card.get_by_role("button", name="Unblock: bob").click()
    expect(card.get_by_text("You have blocked nobody.")).to_be_visible()
    ann.page.keyboard.press("Escape")
    bob.say("seen")
    ann.sees("hi", "still me", "seen")


def test_those_who_come_at_once_are_one_line(come: Come, daemon: Daemon) -> None:
    """And what each does is one of its own."""
    with tea(daemon) as owner:
        ann = meet(come, "ann")
        for name in ("bob", "cy"):
            with program(daemon, name, "tea") as one:
                if name == "cy":
                    one.ask(type="leave", room="tea")
        owner.ask(type="room", room="tea", topic=HOSTILE, slow_s=5)
        expect(ann.log.locator("[data-happened]")).to_have_count(3)
        lines = "ann, bob and cy joined", "cy left", "ann set the topic to “<img"
        happened(ann, *lines)


def test_all_who_have_reacted_are_named(come: Come, daemon: Daemon) -> None:
    """Also where there is nothing to point with."""
    with tea(daemon, "bob") as owner, program(daemon, "bob", "tea") as bob:
        seq = owner.send("tea", "tea?")
        for one, emoji in ((owner, "👍"), (bob, "👍"), (bob, "🎉")):
            one.ask(type="react", room="tea", of=seq, emoji=emoji)
        ann = meet(come, "ann")
        ann.log.get_by_role("button", name="Who reacted").click()
        expect(dialog(ann).get_by_role("heading", level=3)).to_have_text(["👍", "🎉"])
        expect(dialog(ann).get_by_role("listitem")).to_have_count(3)
        expect(rows(ann)).to_contain_text(["ann", "bob"])


MANY = 3000


@pytest.fixture
def crowd(daemon: Daemon) -> Daemon:
    """The daemon, with thousands who are in the garden and not here."""
    with program(daemon, "ann", "garden"):
        pass
    daemon.stop()
    with sqlite3.connect(daemon.data / "chatd.db") as db:
        (room,) = db.execute("SELECT id FROM room WHERE name = 'garden'").fetchone()
        for number in range(MANY):
            name = f"member{number:04}"
            added = db.execute(
                "INSERT INTO user (name, skeleton, display, role, created)"
                " VALUES (?, ?, ?, 'user', 0)",
                (name, name, name),
            )
            db.execute(
                "INSERT INTO member (room_id, user_id, role, read, first)"
                " VALUES (?, ?, 'member', 0, 1)",
                (room, added.lastrowid),
            )
        db.execute("UPDATE room SET members = members + ? WHERE id = ?", (MANY, room))
    daemon.start()
    return daemon


def test_thousands_are_listed_some_at_a_time(come: Come, crowd: Daemon) -> None:
    """Only so many are asked for and drawn; a name finds anybody."""
    ann = meet(come, "ann", "garden")
    ann.people.get_by_role("button", name="All members").click()
    expect(dialog(ann).get_by_text("members so far")).to_have_text(
        "1000 members so far"
    )
    expect(rows(ann)).to_have_count(100)
    for count in (200, 300, 400, 500):
        ann.button("Show more").click()
        expect(rows(ann)).to_have_count(count)
    expect(ann.button("Show more")).to_have_count(0)
    expect(dialog(ann).get_by_text("Type a name to find them.")).to_be_visible()
    ann.field("Search by name").fill("member2999")
    expect(rows(ann)).to_have_count(1)
    expect(dialog(ann).get_by_text("1 member", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_in_german_nothing_is_cut_off(
    browser: Browser, daemon: Daemon, width: int
) -> None:
    """Nor where names are read from right to left."""
    with (
        tea(daemon, "bob", "cy") as owner,
        people(browser, daemon) as come,
        program(daemon, "bob") as bob,
    ):
        bob.ask(type="profile", display="בוב הבנאי")
        owner.ask(type="mute", room="tea", user="cy", reason="רעש", **{"for": 600})
        owner.ask(type="ban", room="tea", user="cy", reason="noise")
        ann = come(locale="de-DE", viewport={"width": width, "height": 844})
        ann.visit()
        ann.field("Name").fill("ann")
        ann.field("Passwort").fill("correct horse")
        ann.button("Anmelden").click()
        ann.page.get_by_role("link", name="tea").click()
        fits(ann)
        ann.button("Einzelheiten").click()
        for summary in dialog(ann).locator("summary").all():
            summary.click()
        fits(ann)
        ann.button("Alle Mitglieder").click()
        expect(dialog(ann).get_by_text("Verbannt (1)")).to_be_visible()
        fits(ann)
        dialog(ann).get_by_role("button", name="Einzelheiten: בוב").first.click()
        ann.button("Verbannen").click()
        fits(ann)


def fits(one: Person) -> None:
    """See that nothing is wider than the page or the dialog."""
    wide = one.page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll("dialog")]
        .filter((one) => one.scrollWidth > one.clientWidth + 1)
        .map((one) => one.tagName)"""
    )
    assert wide == []
