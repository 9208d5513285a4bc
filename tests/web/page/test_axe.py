"""Each view as a machine checks it for those who see little, or hear it: axe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.web.page.daemon import Daemon, running
from tests.web.page.person import Come, Person, people
from tests.web.page.program import program

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]

SAID = """**bold**, *italic*, ~~struck~~, `code`, https://example.org/ and @ann
> a quotation

- a list

```
chatd backup /var/backups/chatd
```"""


@pytest.fixture(scope="module")
def filled_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a room in which something of everything was said."""
    with running(tmp_path_factory.mktemp("axe")) as daemon:
        daemon.add("root", "admin")
        with (
            program(daemon, "bob", "lobby") as bob,
            program(daemon, "ann", "garden", "lobby") as ann,
        ):
            seq = bob.send("lobby", "tea?", SAID)
            bob.ask(type="react", room="lobby", of=seq, emoji="🎉", cid="react")
            ann.ask(type="react", room="lobby", of=seq, emoji="🎉", cid="react")
            bob.ask(type="send", room="lobby", text="Agreed", reply_to=seq, cid="reply")
            gone = bob.send("lobby", "gone")
            bob.ask(type="delete", room="lobby", of=gone, cid="delete")
            edited = bob.send("lobby", "soon")
            bob.ask(type="edit", room="lobby", of=edited, text="now", cid="edit")
            bob.ask(type="send", to="ann", text="psst", cid="direct")
            den = bob.ask(type="create", private=True, title="The den", cid="den")
            bob.ask(type="invite", room=den["room"], user="ann")
        yield daemon


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """What the system is set to."""
    chosen: str = request.param
    return chosen


def passes(page: Page, view: str) -> None:
    """Let axe look at what is there."""
    # What moves in is half transparent on the way.
    page.evaluate(
        "Promise.all(document.getAnimations().map(({ finished }) => finished))"
    )
    response = Axe().run(page, options={"runOnly": RULES}).response
    found = [
        f"{view}: {one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in response["violations"]
        for node in one["nodes"]
    ]
    assert not found, "\n".join(found)
    assert response["passes"], "axe has looked at nothing"


def open_everything(one: Person) -> None:
    """Unfold all that a dialog has."""
    for summary in one.page.locator("dialog details:not([open]) > summary").all()[::-1]:
        summary.click()


def test_axe_getting_in(browser: Browser, filled_daemon: Daemon, theme: str) -> None:
    """Login, what went wrong with it, registration, guest, invited, first run."""
    with people(browser, filled_daemon) as come:
        one = come(color_scheme=theme)
        one.visit()
        expect(one.button("Log in")).to_be_visible()
        passes(one.page, "login")
        one.type_credentials("ann", "not this one")
        expect(one.page.get_by_role("alert")).not_to_be_empty()
        passes(one.page, "wrong password")
        one.page.get_by_role("button", name="Make an account").click()
        expect(one.field("Display name")).to_be_visible()
        passes(one.page, "registration")
        one.button("Come in as a guest").first.click()
        expect(one.field("Name, if you like")).to_be_visible()
        passes(one.page, "guest")
        for kind, button in (("invite", "Make an account"), ("setup", "Begin")):
            another = come(color_scheme=theme)
            another.visit(f"#{kind}=secret")
            expect(another.button(button)).to_be_visible()
            passes(another.page, kind)


def test_axe_talking(browser: Browser, filled_daemon: Daemon, theme: str) -> None:
    """A busy room with its line of what is new, an empty one, a conversation, people,
    what one can do with a message, what one asks before, and all dialogs.
    """
    with people(browser, filled_daemon) as come:
        ann = come(color_scheme=theme, viewport={"width": 1280, "height": 800})
        ann.log_in("ann")
        ann.enter("lobby")
        with program(filled_daemon, "bob", "lobby") as bob:
            bob.ask(type="status", state="away", text="lunch", id=1)
            expect(
                ann.page.get_by_role("region", name="People").get_by_text("lunch")
            ).to_be_visible()
            passes(ann.page, "busy room")
            bob.ask(type="typing", room="lobby", id=1)
            expect(ann.page.get_by_text("bob is typing…")).to_be_visible()
            passes(ann.page, "typing")
        message = ann.log.get_by_role("listitem").filter(has_text="bold").last
        message.hover()
        passes(ann.page, "pointing at a message")
        message.get_by_role("button", name="React", exact=True).click()
        expect(ann.page.get_by_role("group", name="Emoji")).to_be_visible()
        passes(ann.page, "emoji of a message")
        ann.page.keyboard.press("Escape")
        message.get_by_role("button", name="Reply", exact=True).click()
        passes(ann.page, "reply")
        ann.button("Cancel").click()
        ann.button("Emoji").click()
        passes(ann.page, "emoji")
        ann.page.keyboard.press("Escape")
        ann.box.fill("x" * 4001)
        expect(ann.page.get_by_text("4001 of 4000 characters")).to_be_visible()
        passes(ann.page, "too long")
        ann.box.fill("")
        ann.enter("garden")
        passes(ann.page, "empty room")
        ann.enter("bob")
        passes(ann.page, "conversation")
        ann.enter("garden")
        ann.button("Leave the room").click()
        expect(ann.page.get_by_role("dialog")).to_be_visible()
        passes(ann.page, "leave?")
        ann.page.keyboard.press("Escape")
        ann.page.keyboard.press("Control+k")
        expect(ann.page.get_by_role("dialog")).to_be_visible()
        passes(ann.page, "jump")
        ann.page.keyboard.press("Escape")
        ann.button("Find or make a room").click()
        expect(ann.page.get_by_role("dialog").get_by_text("lobby")).to_be_visible()
        open_everything(ann)
        passes(ann.page, "directory")
        ann.page.keyboard.press("Escape")


def test_axe_settings(browser: Browser, filled_daemon: Daemon, theme: str) -> None:
    """All that an administrator and a guest find in their settings."""
    with people(browser, filled_daemon) as come:
        root = come(color_scheme=theme)
        root.log_in("root")
        root.button("Settings").click()
        expect(root.page.get_by_role("dialog")).to_be_visible()
        open_everything(root)
        expect(root.field("Current password")).to_be_visible()
        passes(root.page, "settings")


def test_axe_offline(come: Come, daemon: Daemon, theme: str) -> None:
    """The strip that counts down, and messages that wait."""
    ann = come("ann", color_scheme=theme)
    ann.expects_losses()
    daemon.stop()
    expect(ann.page.get_by_text("Try now")).to_be_visible()
    ann.say("later")
    expect(ann.waiting).to_have_count(1)
    passes(ann.page, "offline")
    daemon.start()
    expect(ann.waiting).to_have_count(0)


def test_axe_phone(browser: Browser, filled_daemon: Daemon, theme: str) -> None:
    """The list, one room, and who is there, on 360 px."""
    with people(browser, filled_daemon) as come:
        ann = come(
            color_scheme=theme, viewport={"width": 360, "height": 740}, has_touch=True
        )
        ann.log_in("ann")
        passes(ann.page, "list of rooms")
        ann.enter("lobby")
        passes(ann.page, "room")
        ann.button("People").click()
        expect(ann.page.get_by_role("region", name="People")).to_be_visible()
        passes(ann.page, "people")
