"""The ways in: the first one, an account, a guest, an invitation, another device."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.web.page.daemon import PASSWORD, Daemon, running
from tests.web.page.person import Come, Person, people


def settings(one: Person, section: str) -> None:
    """Open a section of somebody's settings."""
    one.button("Settings").click()
    one.page.get_by_role("dialog").get_by_text(section, exact=True).first.click()


def test_the_first_one_makes_the_place_his(browser: Browser, tmp_path: Path) -> None:
    """By the link that the daemon left, which works once; he is its administrator."""
    with (
        running(tmp_path, names=(), registration="closed") as daemon,
        people(browser, daemon) as come,
    ):
        early = come()
        early.visit()
        expect(
            early.page.get_by_text("Nobody administers this place yet.")
        ).to_be_visible()
        link = (daemon.data / "setup-link").read_text().strip()
        fragment = link[link.index("#") :]

        ann = come()
        ann.visit(fragment)
        expect(
            ann.page.get_by_role("heading", name="Make this place yours")
        ).to_be_visible()
        assert ann.page.url == daemon.url, "the secret is gone from the address"
        ann.field("Name of the place").fill("northwind")
        ann.field("Name").fill("ann")
        ann.field("Display name").fill("Ann A.")
        ann.field("Password").fill(PASSWORD)
        ann.button("Begin").click()
        title = ann.rooms.get_by_role("heading", level=1, name="northwind")
        expect(title).to_be_visible()
        expect(ann.page).to_have_title(re.compile("northwind$"))
        settings(ann, "Name of the place")
        expect(
            ann.page.get_by_role("dialog").get_by_label("Name of the place")
        ).to_have_value("northwind")

        late = come()
        late.visit(fragment)
        late.field("Name of the place").fill("southwind")
        late.field("Name").fill("bob")
        late.field("Password").fill(PASSWORD)
        late.button("Begin").click()
        expect(late.page.get_by_role("alert").last).to_contain_text("not known here")
        early.page.reload()
        expect(
            early.page.get_by_role("heading", name="Log in to northwind")
        ).to_be_visible()


def test_an_account_is_made_where_that_is_open(come: Come, daemon: Daemon) -> None:
    """What is wrong is said at the form, and nothing that was typed is lost by it."""
    dina = come()
    dina.visit()
    dina.button("No account yet? Create an account").click()
    own = "staple battery"
    for name, said in (("bob", "taken"), ("b!b", "cannot be a name")):
        dina.field("Name").fill(name)
        dina.field("Display name").fill("Dina D.")
        dina.field("Password").fill(own)
        dina.button("Create an account").click()
        expect(dina.page.get_by_role("alert").last).to_contain_text(said)
        expect(dina.field("Display name")).to_have_value("Dina D.")
        expect(dina.field("Password")).to_have_value(own)
    dina.field("Name").fill("dina")
    dina.button("Create an account").click()
    expect(dina.rooms).to_be_visible()
    dina.enter("lobby")
    dina.say("hello")
    expect(dina.log.get_by_text("Dina D.").first).to_be_visible()


def test_a_guest_comes_without_a_password(come: Come) -> None:
    """He talks in rooms; what is not for guests is not offered."""
    guest, ann = come(), come("ann")
    guest.visit()
    guest.button("Enter as a guest").click()
    guest.field("Name, if you like").fill("zoe")
    guest.button("Enter as a guest").click()
    guest.enter("lobby")
    guest.say("just looking")
    ann.sees("just looking")
    expect(ann.log.get_by_text(re.compile("^zoe~....$")).first).to_be_visible()
    guest.page.reload()
    expect(guest.texts).to_have_text(["just looking"])
    guest.button("Settings").click()
    expect(guest.page.get_by_text("Change password")).to_have_count(0)
    section = guest.page.get_by_role("dialog").get_by_text("Invite people")
    expect(section).to_have_count(0)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_guests_and_accounts_are_offered_where_they_are_welcome(
    browser: Browser, tmp_path: Path, closed: bool
) -> None:
    """A page offers no way that the daemon would refuse."""
    registration = "closed" if closed else "open"
    with (
        running(tmp_path, registration=registration) as daemon,
        people(browser, daemon) as come,
    ):
        ann = come()
        ann.visit()
        expect(ann.button("Log in")).to_be_visible()
        offer = ann.button("No account yet? Create an account")
        expect(offer).to_have_count(0 if closed else 1)


def test_names_in_other_scripts(browser: Browser, tmp_path: Path) -> None:
    """An account, a mention, a conversation and a room, where names may be so."""
    with (
        running(tmp_path, characters="unicode") as daemon,
        people(browser, daemon) as come,
    ):
        ann, other = come("ann"), come()
        other.visit()
        other.button("No account yet? Create an account").click()
        other.field("Name").fill("Ирина")
        other.field("Password").fill("staple battery")
        other.button("Create an account").click()
        other.enter("lobby")
        ann.say("@ирина, hello")
        expect(other.log.locator(".mention.to-me")).to_have_text("@ирина")
        expect(ann.people.get_by_text("ирина", exact=True)).to_be_visible()

        other.begin_room()
        other.field("Name of the room").fill("Кухня")
        other.button("Create").click()
        expect(other.page.get_by_role("heading", level=1, name="кухня")).to_be_visible()
        other.say("чай")
        other.sees("чай")
        other.page.reload()
        other.sees("чай")

        ann.page.keyboard.press("Control+k")
        ann.field("Room or person").fill("Ирина")
        ann.field("Room or person").press("Enter")
        ann.say("привет")
        ann.sees("привет")
        other.enter("ann")
        other.sees("привет")


def test_invitations_are_made_used_counted_and_taken_back(
    browser: Browser, tmp_path: Path
) -> None:
    """In the page and on the terminal; each link lets in as many as it is for."""
    with (
        running(tmp_path, registration="invite") as daemon,
        people(browser, daemon) as come,
    ):
        daemon.add("boss", role="admin")
        boss = come("boss")
        settings(boss, "Invite people")
        boss.button("Create a link").click()
        link = boss.page.get_by_role("textbox", name="Copy link").input_value()
        assert link.startswith(f"{daemon.url}#invite=")
        expect(boss.page.get_by_text("1 use left")).to_be_visible()

        dina = come()
        dina.page.goto(link)
        expect(
            dina.page.get_by_role("heading", name="You are invited to")
        ).to_be_visible()
        assert "invite" not in dina.page.url
        dina.page.reload()
        dina.field("Name").fill("dina")
        dina.field("Password").fill(PASSWORD)
        dina.button("Create an account").click()
        expect(dina.rooms).to_be_visible()

        late = come()
        late.page.goto(link)
        late.field("Name").fill("elif")
        late.field("Password").fill(PASSWORD)
        late.button("Create an account").click()
        expect(late.page.get_by_role("alert").last).to_contain_text("has been used")
        late.button("You have an account? Log in").click()
        expect(late.button("Log in")).to_be_visible()

        boss.button("Close").click()
        settings(boss, "Invite people")
        expect(boss.page.get_by_text("1 use left")).to_have_count(0)
        boss.field("How many may use it").fill("2")
        boss.button("Create a link").click()
        expect(boss.page.get_by_text("2 uses left")).to_be_visible()
        boss.button("Take back").click()
        expect(boss.page.get_by_text("2 uses left")).to_have_count(0)

        printed = daemon.terminal("invite", "--room", "garden")
        secret = re.search(r"#invite=\S+", printed)
        assert secret
        frank = come()
        frank.visit(secret[0])
        frank.field("Name").fill("frank")
        frank.field("Password").fill(PASSWORD)
        frank.button("Create an account").click()
        frank.enter("garden")


def test_one_logs_in_on_another_device_by_a_link(come: Come) -> None:
    """Shown as a QR code, too; it works once. Each device is listed and can be ended,
    and stays out.
    """
    ann = come("ann")
    settings(ann, "Log in on your phone")
    ann.button("Create a link").first.click()
    expect(ann.page.get_by_role("img", name="Log in on your phone")).to_be_visible()
    link = ann.page.get_by_role("textbox", name="Copy link").input_value()
    ann.button("Close").click()
    settings(ann, "Devices")
    devices = ann.page.get_by_role("dialog").get_by_role("listitem")
    expect(devices).to_have_count(1)
    phone = come()
    phone.page.goto(link)
    phone.enter("lobby")
    expect(devices).to_have_count(2)
    assert "link" not in phone.page.url
    phone.say("from my phone")
    thief = come()
    thief.page.goto(link)
    expect(thief.page.get_by_role("alert").first).to_contain_text("not valid")

    ann.button("Close").click()
    ann.sees("from my phone")
    settings(ann, "Devices")
    expect(devices).to_have_count(2)
    expect(devices.filter(has_text="this one")).to_have_count(1)
    ann.page.get_by_role("button", name="Log out: ").click()
    question = ann.page.get_by_role("group", name="Log out: ")
    question.get_by_role("button", name="Log out").click()
    expect(devices).to_have_count(1)
    expect(phone.page.get_by_role("alert").first).to_contain_text("logged out")
    phone.page.reload()
    expect(phone.button("Log in")).to_be_visible()
    expect(ann.rooms).to_be_visible()


def test_the_list_of_devices_comes_back_with_the_connection(
    come: Come, daemon: Daemon
) -> None:
    """What is wrong with it is told as long as it is."""
    ann = come("ann")
    settings(ann, "Devices")
    dialog = ann.page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    wrong = dialog.get_by_text("The server cannot be reached.")
    ann.expects_losses()
    daemon.kill()
    expect(wrong).to_be_visible()
    daemon.start()
    # The browser says so when there is a network again, and the page tries at once.
    ann.page.evaluate("dispatchEvent(new Event('online'))")
    expect(wrong).to_have_count(0)
    expect(dialog.get_by_role("listitem")).to_have_count(1)


def test_a_password_is_changed(come: Come) -> None:
    """A wrong one of now is told; other devices are out, and the old is no good."""
    ann, phone = come("ann"), come("ann")
    settings(ann, "Change password")
    for old, said in (("wrong horse", "not right"), (PASSWORD, "")):
        ann.field("Current password").fill(old)
        ann.field("New password").fill("battery staple")
        ann.button("Change password").click()
        if said:
            expect(ann.page.get_by_role("alert").last).to_contain_text(said)
    expect(ann.page.get_by_text("The password is changed.")).to_be_visible()
    expect(phone.page.get_by_role("alert").first).to_contain_text(
        "password was changed"
    )
    phone.type_credentials("ann")
    expect(phone.page.get_by_role("alert").last).to_contain_text("not right")
    phone.type_credentials("ann", "battery staple")
    expect(phone.rooms).to_be_visible()
    ann.say("still here")
    ann.sees("still here")
