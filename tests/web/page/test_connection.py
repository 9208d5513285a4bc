"""The connection of a page: how it begins, and that it stays."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.web.page.daemon import PASSWORD, running
from tests.web.page.person import Come, people


def test_1_1_connect_and_authenticate(come: Come) -> None:
    """A wrong password is told and lets nobody in; the right one does, over a reload,
    too; it stands in no address, and nowhere in what the browser keeps.
    """
    ann = come()
    ann.visit()
    ann.field("Name").fill("ann")
    ann.field("Password").fill("wrong horse")
    ann.button("Log in").click()
    expect(ann.page.get_by_role("alert")).to_contain_text("is not right")
    expect(ann.rooms).to_have_count(0)

    ann.field("Password").fill(PASSWORD)
    ann.field("Password").press("Enter")
    expect(ann.box).to_be_editable()
    expect(ann.online).to_have_text("1 online")
    ann.page.reload()
    # One can write before there is a connection.
    expect(ann.box).to_be_editable()
    expect(ann.online).to_have_text("1 online")
    kept = ann.page.evaluate("[JSON.stringify(localStorage), document.cookie]")
    assert PASSWORD not in str(kept) + ann.page.url
    assert kept[1] == ""
    assert ann.welcomes() == 2


def test_1_2_keep_alive_over_six_and_more_cycles(
    browser: Browser, tmp_path: Path
) -> None:
    """Whoever says nothing stays: pings go both ways, and nothing is disconnected."""
    with (
        running(tmp_path, heartbeat_s=1) as daemon,
        people(browser, daemon) as come,
    ):
        ann = come("ann")
        before = daemon.numbers()
        for _ in range(7):
            ann.hears(re="ping")
        after = daemon.numbers()
        assert ann.closes() == [1000], "that of the question before the login"
        assert ended(after) == ended(before)
        assert daemon.log_text().count("connection ended") == 1
        expect(ann.online).to_have_text("1 online")
        ann.say("still here")
        ann.sees("still here")


def ended(numbers: dict[str, float]) -> dict[str, float]:
    """How many connections have ended, by why."""
    return {
        name: value
        for name, value in numbers.items()
        if name.startswith("chatd_connections_ended")
    }
