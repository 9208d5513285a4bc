"""What a room is, and what those who run it make of it, to its end."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.page.daemon import PASSWORD, Daemon
from tests.web.page.person import Come, Person
from tests.web.page.test_members import HOSTILE, dialog, happened, meet, tea


def details(one: Person, *sections: str) -> None:
    """Open what there is of the room that is open, and sections of it."""
    one.button("Details").click()
    for section in sections:
        dialog(one).locator("summary", has_text=section).click()


def test_an_owner_changes_what_a_room_is(come: Come, daemon: Daemon) -> None:
    """Title, topic, pace, who writes; only what was changed is sent, and all see it."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        details(ann, "Settings of the room")
        ann.field("Title").fill("The tea room")
        ann.field("Topic").fill(HOSTILE)
        ann.field("Slow mode").select_option("30 seconds")
        ann.field("Who writes").select_option("moderators only")
        ann.button("Save").click()
        expect(dialog(ann).get_by_text("Saved")).to_be_visible()
        (said,) = [frame for frame in ann.said if frame["type"] == "room"]
        changed = {"title", "topic", "slow_s", "post"}
        assert set(said) == {"type", "id", "cid", "room"} | changed
        expect(
            dialog(ann).get_by_text("Slow mode: one message in 30 seconds.")
        ).to_be_visible()
        expect(
            bob.page.get_by_role("heading", level=1, name="The tea room")
        ).to_be_visible()
        expect(bob.page.locator("header .topic")).to_have_text(HOSTILE)
        expect(
            bob.page.get_by_placeholder("Only moderators write here.")
        ).to_be_disabled()
        expect(bob.log.locator("[data-happened=room]")).to_contain_text(
            "called the room"
        )
        details(bob)
        expect(dialog(bob).get_by_text(HOSTILE)).to_be_visible()
        for name in ("Settings of the room", "Rename the room", "Delete the room"):
            expect(dialog(bob).get_by_text(name)).to_have_count(0)


def test_a_moderator_finds_what_moderators_may(come: Come, daemon: Daemon) -> None:
    """The topic, and nothing that is an owner's."""
    with tea(daemon, "bob") as owner:
        owner.ask(type="role", room="tea", user="bob", role="moderator")
        bob = meet(come, "bob")
        details(bob, "Settings of the room")
        for label in ("Who writes", "What newcomers can read", "Days that messages"):
            expect(dialog(bob).get_by_label(label)).to_have_count(0)
        for name in ("Rename the room", "Archive or delete the room"):
            expect(dialog(bob).get_by_text(name)).to_have_count(0)
        bob.field("Topic").fill("Green")
        bob.button("Save").click()
        expect(bob.page.locator("header .topic")).to_have_text("Green")
        owner.ask(type="role", room="tea", user="bob", role="member")
        expect(dialog(bob).get_by_text("Settings of the room")).to_have_count(0)


def test_less_is_kept_only_by_whoever_says_so(come: Come, daemon: Daemon) -> None:
    """What it deletes is said before it does; keeping more asks nothing."""
    with tea(daemon) as owner:
        ann = meet(come, "ann")
        details(ann, "Settings of the room")
        sure = dialog(ann).get_by_role("checkbox", name="Delete what is beyond that")
        ann.field("Days that messages are kept").fill("30")
        expect(sure).to_be_visible()
        ann.button("Save").click()
        # The browser itself points to what is not ticked.
        expect(sure).to_be_focused()
        assert not [frame for frame in ann.said if frame["type"] == "room"]
        sure.check()
        ann.button("Save").click()
        expect(
            dialog(ann).get_by_text("Messages are kept for 30 days.")
        ).to_be_visible()
        expect(sure).to_have_count(0)
        ann.field("Days that messages are kept").fill("60")
        expect(sure).to_have_count(0)
        ann.button("Save").click()
        expect(
            dialog(ann).get_by_text("Messages are kept for 60 days.")
        ).to_be_visible()
        assert owner.ask(type="join", room="tea")["keep_days"] == 60


def test_a_room_is_renamed_and_found_by_what_it_was(come: Come, daemon: Daemon) -> None:
    """What is wrong with a name is said beside it."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        bob.box.fill("half a sentence")
        details(ann, "Rename the room")
        for name, said in (
            ("lobby", "something of this name already"),
            ("tea!", "cannot be a name"),
            ("Green Tea", ""),
        ):
            ann.field("Name of the room").fill(name)
            dialog(ann).get_by_role("button", name="Rename the room").click()
            if said:
                expect(dialog(ann).get_by_role("alert").last).to_contain_text(said)
        for one in (ann, bob):
            heading = one.page.get_by_role("heading", level=1, name="green-tea")
            expect(heading).to_be_visible()
        expect(bob.box).to_have_value("half a sentence")
        happened(bob, "ann and bob joined", "ann renamed #tea to #green-tea")


def test_a_room_is_archived_and_opened_again(come: Come, daemon: Daemon) -> None:
    """Nobody writes there meanwhile."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        details(ann, "Archive or delete the room")
        ann.button("Archive").click()
        expect(dialog(ann).get_by_text("can be opened again")).to_be_visible()
        ann.button("Archive").click()
        expect(bob.page.get_by_placeholder("This room is archived")).to_be_disabled()
        ann.button("Open again").click()
        bob.say("at last")
        ann.sees("at last")
        happened(
            bob,
            "ann and bob joined",
            "ann archived the room",
            "ann opened the room again",
        )


def test_a_room_is_deleted_by_whoever_says_so_twice(come: Come, daemon: Daemon) -> None:
    """What goes is said before; everybody is told after."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        details(ann, "Archive or delete the room")
        ann.button("Delete the room").click()
        sure = dialog(ann).get_by_role("group", name="Delete the room")
        expect(sure).to_contain_text("all that was said there is deleted")
        expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
        sure.get_by_role("button", name="Cancel").click()
        expect(ann.button("Delete the room")).to_be_focused()
        expect(ann.room("tea")).to_have_count(1)
        ann.button("Delete the room").click()
        sure.get_by_role("button", name="Delete the room").click()
        expect(dialog(ann)).to_have_count(0)
        for one in (ann, bob):
            expect(one.room("tea")).to_have_count(0)
        expect(bob.page.get_by_text("#tea was deleted.")).to_be_visible()


def test_the_last_owner_is_told_why_he_cannot_leave(come: Come, daemon: Daemon) -> None:
    """And what helps; others leave, and see that they can come back."""
    with tea(daemon, "bob"):
        ann, bob = meet(come, "ann"), meet(come, "bob")
        for one in (ann, bob):
            details(one)
            one.button("Leave the room").click()
            expect(dialog(one).get_by_text("You can join again.")).to_be_visible()
            one.button("Leave the room").click()
        expect(dialog(ann).get_by_role("alert")).to_contain_text("the only owner")
        expect(bob.room("tea")).to_have_count(0)
        ann.page.keyboard.press("Escape")
        expect(dialog(ann)).to_be_visible()
        ann.page.keyboard.press("Escape")
        happened(ann, "ann and bob joined", "bob left")


def test_a_room_of_the_configuration_says_so(come: Come, daemon: Daemon) -> None:
    """Where its settings are, to whom they would be offered."""
    daemon.add("root", "admin")
    root = come("root")
    details(root)
    expect(
        dialog(root).get_by_text("set up by whoever runs the server")
    ).to_be_visible()
    expect(dialog(root).locator("summary")).to_have_count(0)


def test_another_device_is_logged_out_by_whoever_says_so(come: Come) -> None:
    """What will happen is said before."""
    ann, phone = come("ann"), come("ann")
    ann.button("Settings").click()
    ann.page.get_by_text("Devices", exact=True).click()
    ann.page.get_by_role("button", name="Log out: Chrome, Linux").click()
    expect(dialog(ann).get_by_text("is logged out at once")).to_be_visible()
    expect(phone.rooms).to_be_visible()
    group = dialog(ann).get_by_role("group", name="Log out: Chrome, Linux")
    group.get_by_role("button", name="Log out").click()
    expect(phone.page.get_by_text("You were logged out")).to_be_visible()


def test_an_account_is_deleted_by_its_password(come: Come, daemon: Daemon) -> None:
    """A wrong one is said beside it; what one has written stays without one's name."""
    ann, bob = come("ann"), come("bob")
    ann.say("remember me")
    bob.sees("remember me")
    ann.button("Settings").click()
    ann.page.locator("summary", has_text="Delete your account").click()
    ann.button("Delete your account").click()
    sure = dialog(ann).get_by_role("group", name="Delete your account")
    expect(sure).to_contain_text("This cannot be undone.")
    sure.get_by_label("What you have written").select_option("stays, without your name")
    sure.get_by_label("Password").fill("not this one")
    sure.get_by_role("button", name="Delete your account").click()
    expect(sure.get_by_role("alert")).to_contain_text("password is not right")
    sure.get_by_label("Password").fill(PASSWORD)
    sure.get_by_role("button", name="Delete your account").click()
    expect(ann.button("Log in")).to_be_visible()
    ann.type_credentials("ann")
    expect(ann.page.get_by_role("alert").first).to_contain_text("not right")
    bob.page.reload()
    bob.sees("remember me")
    expect(bob.log.get_by_text("erased~")).to_be_visible()


def test_an_invitation_leads_where_and_as_what_it_says(
    come: Come, daemon: Daemon
) -> None:
    """Into a room; and the list has who came by it."""
    daemon.add("root", "admin")
    root = come("root")
    root.button("Settings").click()
    dialog(root).get_by_text("Invite people", exact=True).click()
    root.field("They start in").select_option("lobby")
    root.page.get_by_role("checkbox", name="They become administrators").check()
    root.button("Create a link").click()
    link = root.page.get_by_role("textbox", name="Copy link").input_value()
    expect(dialog(root).get_by_text("administrator", exact=False).last).to_be_visible()
    dina = come()
    dina.page.goto(link)
    dina.field("Name").fill("dina")
    dina.field("Password").fill(PASSWORD)
    dina.button("Create an account").click()
    dina.enter("lobby")
    dina.button("Settings").click()
    expect(dina.page.locator("summary", has_text="Name of the place")).to_be_visible()
    root.button("Close").click()
    root.button("Settings").click()
    dialog(root).get_by_text("Invite people", exact=True).click()
    expect(dialog(root).get_by_text("Who came by a link")).to_be_visible()
    expect(dialog(root).get_by_text("dina")).to_be_visible()
