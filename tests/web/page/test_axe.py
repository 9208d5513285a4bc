"""Each view as a machine checks it for those who see little, or hear it: axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.web.page.daemon import Daemon, running
from tests.web.page.person import Come, Person, people
from tests.web.page.program import program

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    # Of what is well one example is enough; to name all took half of the time.
    "resultTypes": ["violations"],
}

SAID = """**bold**, *italic*, ~~struck~~, `code`, https://example.org/ and @ann
> a quotation

- a list

```sh
chatd backup /var/backups/chatd  # once a day
```

```python
@cache
def greet(name: str, times=3):
    '''Say hello.'''
    return [f"hello, {name}" for _ in range(times) if name is not None]
```

```diff
- tea
+ coffee
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
            bob.send("lobby", "Agreed", reply_to=seq)
            gone = bob.send("lobby", "gone")
            bob.ask(type="delete", room="lobby", of=gone, cid="delete")
            edited = bob.send("lobby", "soon")
            bob.ask(type="edit", room="lobby", of=edited, text="now", cid="edit")
            bob.ask(type="send", to="ann", text="psst", cid="direct")
            den = bob.ask(type="create", private=True, title="The den", cid="den")
            bob.ask(type="invite", room=den["room"], user="ann")
            ann.ask(type="join", room="tea")
            bob.ask(type="join", room="tea")
            ann.ask(type="mute", room="tea", user="bob", reason="noise")
            ann.ask(type="ban", room="tea", user="cy", **{"for": 86400})
            ann.ask(type="invite", room="tea", user="root")
            ann.ask(type="block", user="cy")
        yield daemon


THEMES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "high contrast": {"color_scheme": "light", "contrast": "more"},
    "dark, high contrast": {"color_scheme": "dark", "contrast": "more"},
    "400 %": {"color_scheme": "light"},
}

ZOOMED: ViewportSize = {"width": 320, "height": 256}
"""What is left of 1280 x 1024 pixels at 400 %."""

is_zoomed = False
"""Whether each view is looked at so."""

CUT = """
() => {
  const found = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > innerWidth) found.push(`${root.scrollWidth} px wide`);
  const panes = [...document.querySelectorAll(".talk > :is(.sidebar, .room)")];
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true });
  if (panes.filter(isSeen).length > 1) found.push("two panes");
  const all = [...document.querySelectorAll("*")];
  const scrolled = all.map((one) => [one, one.scrollTop]);
  const within = document.querySelector("dialog[open]") ?? document.body;
  const acting = "button, a, input, select, textarea, summary";
  for (const one of within.querySelectorAll(acting)) {
    if (!isSeen(one)) continue;
    // A small choice over the room is there alone, as a dialog is.
    const over = document.querySelector(".picker, .people, .completions");
    if (over && within === document.body && !over.contains(one)) continue;
    one.scrollIntoView({ block: "center" });
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const isIn = left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight;
    const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const isOn = middle && (one === middle || one.contains(middle));
    if (!isIn || !isOn)
      found.push(`${isIn ? "covered" : "cut off"}: ${one.cloneNode(false).outerHTML}`
        + ` ${[left, top, right, bottom]} ${middle?.cloneNode(false).outerHTML}`);
  }
  for (const [one, top] of scrolled) if (one.scrollTop !== top) one.scrollTop = top;
  return found;
}
"""
"""What of a small view is cut off, or lies below something else."""


@pytest.fixture(params=THEMES)
def theme(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What the system is set to."""
    monkeypatch.setattr(f"{__name__}.is_zoomed", request.param == "400 %")
    return THEMES[request.param]


def passes(page: Page, view: str) -> None:
    """Let axe look at what is there; where that is zoomed, nothing is cut off."""
    before = page.viewport_size
    assert before is not None
    if is_zoomed:
        page.set_viewport_size(ZOOMED)
    look_at(page, view)
    if is_zoomed:
        cut = page.evaluate(CUT)
        page.set_viewport_size(before)
        assert not cut, (view, cut)


def look_at(page: Page, view: str) -> None:
    """Let axe look at what is there."""
    # What moves in is half transparent on the way, and may begin at any time.
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(
        "Promise.all(document.getAnimations().map(({ finished }) => finished))"
    )
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(Axe().axe_script)
    response = page.evaluate("(options) => axe.run(options)", OPTIONS)
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


def test_axe_getting_in(
    browser: Browser, daemon: Daemon, theme: dict[str, str]
) -> None:
    """Login, what went wrong with it, registration, guest, invited, first run."""
    # Of a daemon that others use as well, wrong passwords would keep them waiting.
    with people(browser, daemon) as come:
        one = come(**theme)
        one.visit()
        expect(one.button("Log in")).to_be_visible()
        passes(one.page, "login")
        one.type_credentials("ann", "not this one")
        expect(one.page.get_by_role("alert")).not_to_be_empty()
        passes(one.page, "wrong password")
        one.page.get_by_role("button", name="Create an account").click()
        expect(one.field("Display name")).to_be_visible()
        passes(one.page, "registration")
        one.button("Enter as a guest").first.click()
        expect(one.field("Name, if you like")).to_be_visible()
        passes(one.page, "guest")
        for kind, button in (("invite", "Create an account"), ("setup", "Begin")):
            another = come(**theme)
            another.visit(f"#{kind}=secret")
            expect(another.button(button)).to_be_visible()
            passes(another.page, kind)


def test_axe_talking(
    browser: Browser, filled_daemon: Daemon, theme: dict[str, str]
) -> None:
    """A busy room with its line of what is new, an empty one, a conversation, people,
    what one can do with a message, what one asks before, and all dialogs.
    """
    with people(browser, filled_daemon) as come:
        ann = come(**theme, viewport={"width": 1280, "height": 800})
        ann.log_in("ann")
        ann.enter("lobby")
        with program(filled_daemon, "bob", "lobby") as bob:
            bob.ask(type="status", state="away", text="lunch", id=1)
            expect(
                ann.page.get_by_role("region", name="People").get_by_text("lunch")
            ).to_be_visible()
            expect(ann.log.locator("pre .insert")).to_be_visible()
            passes(ann.page, "busy room")
            bob.ask(type="typing", room="lobby", id=1)
            expect(ann.page.get_by_text("bob is typing…")).to_be_visible()
            passes(ann.page, "typing")
        message = ann.log.get_by_role("listitem").filter(has_text="bold").last
        message.hover()
        passes(ann.page, "pointing at a message")
        message.get_by_role("button", name="React", exact=True).click()
        expect(ann.page.get_by_role("group", name="Emoji", exact=True)).to_be_visible()
        passes(ann.page, "emoji of a message")
        ann.page.keyboard.press("Escape")
        message.get_by_role("button", name="Reply", exact=True).click()
        passes(ann.page, "reply")
        ann.button("Cancel").click()
        ann.button("Emoji").click()
        passes(ann.page, "emoji")
        ann.button("Hands and people").click()
        ann.page.get_by_label("Search emoji").fill("no such thing")
        expect(ann.page.get_by_text("No emoji of this name.")).to_be_visible()
        passes(ann.page, "no emoji found")
        ann.page.keyboard.press("Escape")
        for typed in ("@b", ":ta"):
            ann.box.fill("")
            ann.box.press_sequentially(typed)
            expect(ann.page.get_by_role("option").first).to_be_visible()
            passes(ann.page, f"completing {typed}")
        ann.box.fill("x" * 4001)
        expect(ann.page.get_by_text("4001 of 4000 characters")).to_be_visible()
        passes(ann.page, "too long")
        ann.box.fill("")
        message.hover()
        message.get_by_role("button", name=re.compile("^Mark as unread")).click()
        expect(ann.log.locator(".new-line")).to_be_visible()
        passes(ann.page, "unread again")
        ann.button("Who reacted").click()
        expect(ann.page.get_by_role("dialog").get_by_text("bob")).to_be_visible()
        passes(ann.page, "who reacted")
        ann.page.keyboard.press("Escape")
        ann.enter("garden")
        passes(ann.page, "empty room")
        ann.button("Notifications").click()
        ann.page.get_by_role("radio", name=re.compile("^Nothing")).check()
        passes(ann.page, "level")
        ann.page.keyboard.press("Escape")
        expect(ann.room("garden")).to_contain_text("notifies you of nothing")
        passes(ann.page, "quiet room")
        ann.enter("bob")
        passes(ann.page, "conversation")
        ann.enter("garden")
        ann.button("Details").click()
        expect(ann.page.get_by_role("dialog")).to_be_visible()
        ann.button("Leave the room").click()
        passes(ann.page, "leave?")
        ann.page.keyboard.press("Escape")
        ann.page.keyboard.press("Control+k")
        expect(ann.page.get_by_role("dialog")).to_be_visible()
        passes(ann.page, "jump")
        ann.page.keyboard.press("Escape")
        ann.page.keyboard.press("Control+Shift+F")
        ann.button("Go to a day").click()
        expect(ann.field("Day")).to_be_focused()
        passes(ann.page, "day")
        ann.page.keyboard.press("Escape")
        ann.enter("bob")
        psst = ann.log.get_by_role("listitem").filter(has_text="psst")
        for tool in ("Pin", "Bookmark"):
            psst.hover()
            psst.get_by_role("button", name=tool, exact=True).click()
        expect(ann.log.get_by_text("pinned", exact=True)).to_be_visible()
        for name in ("Pinned messages", "Bookmarks"):
            ann.button(name).click()
            expect(ann.page.get_by_role("dialog").get_by_text("psst")).to_be_visible()
            passes(ann.page, name)
            ann.button("Show in its place").click()
            expect(psst).to_be_focused()
            passes(ann.page, f"{name}: shown in its place")
        psst.hover()
        psst.get_by_role("button", name="Unpin", exact=True).click()
        psst.get_by_role("button", name="Remove the bookmark", exact=True).click()
        expect(ann.log.get_by_text("pinned", exact=True)).to_have_count(0)
        ann.rooms.get_by_role("button", name="Search", exact=True).click()
        ann.field("What was said").fill("psst from:b")
        suggestions = ann.page.get_by_role("list", name="Suggestions")
        expect(suggestions.get_by_role("button", name="bob")).to_be_visible()
        passes(ann.page, "search: suggestions")
        ann.field("What was said").fill("psst")
        ann.page.keyboard.press("Enter")
        expect(ann.page.locator(".found mark")).to_have_text("psst")
        passes(ann.page, "search: results")
        ann.page.get_by_role("dialog").get_by_role("button", name="Close").click()
        ann.button("Find or create a room").click()
        expect(ann.page.get_by_role("dialog").get_by_text("lobby")).to_be_visible()
        open_everything(ann)
        passes(ann.page, "directory")
        ann.page.keyboard.press("Escape")


def test_axe_rooms_and_people(
    browser: Browser, filled_daemon: Daemon, theme: dict[str, str]
) -> None:
    """What an owner finds of a room and of those in it, what he is asked, and what the
    room tells of it.
    """
    with people(browser, filled_daemon) as come:
        ann = come(viewport={"width": 1280, "height": 800}, **theme)
        ann.log_in("ann")
        ann.enter("tea")
        with program(filled_daemon, "bob", "tea") as bob:
            bob.ask(type="leave", room="tea")
            bob.ask(type="join", room="tea")
        expect(ann.log.get_by_text("joined").last).to_be_visible()
        passes(ann.page, "what happened")
        ann.button("Details").click()
        dialog = ann.page.get_by_role("dialog")
        expect(dialog.get_by_text("Settings of the room")).to_be_visible()
        open_everything(ann)
        ann.field("Days that messages are kept").fill("7")
        ann.button("Delete the room").click()
        expect(dialog.get_by_role("group", name="Delete the room")).to_be_visible()
        passes(ann.page, "a room")
        ann.page.keyboard.press("Escape")
        dialog.get_by_role("button", name="All members").click()
        expect(dialog.get_by_text("Banned (1)")).to_be_visible()
        passes(ann.page, "members")
        ann.button("Details: bob").first.click()
        open_everything(ann)
        ann.button("Ban").click()
        expect(dialog.get_by_role("group", name="Ban")).to_be_visible()
        passes(ann.page, "somebody")


def test_axe_settings(
    browser: Browser, filled_daemon: Daemon, theme: dict[str, str]
) -> None:
    """All that an administrator and a guest find in their settings."""
    with people(browser, filled_daemon) as come:
        root = come(**theme)
        root.log_in("root")
        root.button("Settings").click()
        expect(root.page.get_by_role("dialog")).to_be_visible()
        open_everything(root)
        expect(root.field("Current password")).to_be_visible()
        root.button("Delete your account").click()
        passes(root.page, "settings")
        ann = come(**theme)
        ann.log_in("ann")
        ann.button("Settings").click()
        ann.page.locator("summary", has_text="Blocked people").click()
        expect(ann.button("Unblock: cy")).to_be_visible()
        passes(ann.page, "blocked people")


def test_axe_writing(come: Come, theme: dict[str, str]) -> None:
    """A message that goes, the way back from a quotation, what waits, and the keys."""
    ann = come("ann", **theme)
    ann.say("one")
    ann.sees("one")
    message = ann.log.locator("[data-seq]").first
    message.hover()
    message.get_by_role("button", name="Reply", exact=True).click()
    ann.say("two")
    ann.sees("one", "two")
    ann.log.locator(".quote").click()
    expect(ann.button("Back to the reply")).to_be_visible()
    passes(ann.page, "way back")
    message.hover()
    message.get_by_role("button", name="Delete").click()
    expect(ann.button("Undo")).to_be_visible()
    passes(ann.page, "message that goes")
    ann.button("Undo").click()
    ann.box.fill("a draft")
    ann.enter("garden")
    passes(ann.page, "draft elsewhere")
    ann.button("1 not sent").click()
    expect(ann.page.get_by_role("dialog").get_by_text("a draft")).to_be_visible()
    passes(ann.page, "not sent")
    ann.page.keyboard.press("Escape")
    ann.page.keyboard.press("Control+/")
    keys = ann.page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_role("checkbox")).to_be_checked()
    passes(ann.page, "keys")


def test_axe_threads(come: Come, daemon: Daemon, theme: dict[str, str]) -> None:
    """A thread under its message, open, empty, followed or not, and the list."""
    ann = come("ann", viewport={"width": 1280, "height": 800}, **theme)
    with program(daemon, "bob", "lobby") as bob:
        root = bob.send("lobby", "tea?")
        bob.reply("lobby", root, "@ann which?", "green")
    below = ann.page.get_by_role("button", name=re.compile("^2 replies of bob"))
    expect(below).to_contain_text("2 new")
    expect(ann.rooms.get_by_text("1 unread")).to_be_attached()
    passes(ann.page, "unread thread")
    ann.rooms.get_by_role("button", name=re.compile("^Threads")).click()
    expect(ann.page.get_by_role("dialog").get_by_text("tea?")).to_be_visible()
    passes(ann.page, "list of threads")
    ann.button("Open the thread").click()
    column = ann.page.get_by_role("region", name="Thread in lobby")
    expect(column.get_by_text("green")).to_be_visible()
    passes(ann.page, "open thread")
    column.get_by_role("button", name="Follow").click()
    column.locator("[data-seq]").last.hover()
    column.get_by_role("button", name="React", exact=True).last.click()
    expect(ann.page.get_by_role("group", name="Emoji", exact=True)).to_be_visible()
    passes(ann.page, "thread that is not followed, emoji")
    ann.page.keyboard.press("Escape")
    ann.say("and this?")
    own = ann.page.get_by_role("log", name="Messages in lobby").locator("[data-seq]")
    expect(own.last).to_contain_text("and this?")
    own.last.hover()
    own.last.get_by_role("button", name="Reply in thread").click()
    expect(column.get_by_text("No reply yet.")).to_be_visible()
    passes(ann.page, "empty thread")
    ann.page.set_viewport_size({"width": 360, "height": 740})
    expect(ann.box).to_be_hidden()
    passes(ann.page, "thread on a phone")


def test_axe_offline(come: Come, daemon: Daemon, theme: dict[str, str]) -> None:
    """The strip that counts down, and messages that wait."""
    ann = come("ann", **theme)
    ann.expects_losses()
    # Without what is loaded behind the room its people would lie over it once zoomed.
    ann.page.wait_for_load_state("networkidle")
    daemon.stop()
    expect(ann.page.get_by_text("Try now")).to_be_visible()
    ann.say("later")
    expect(ann.waiting).to_have_count(1)
    passes(ann.page, "offline")
    daemon.start()
    expect(ann.waiting).to_have_count(0)


def test_axe_phone(
    browser: Browser, filled_daemon: Daemon, theme: dict[str, str]
) -> None:
    """The list, one room, what can be done there, and who is there, on 360 px."""
    with people(browser, filled_daemon) as come:
        ann = come(**theme, viewport={"width": 360, "height": 740}, has_touch=True)
        ann.log_in("ann")
        passes(ann.page, "list of rooms")
        ann.enter("lobby")
        passes(ann.page, "room")
        ann.button("Emoji").click()
        expect(ann.page.get_by_role("button", name="thumbs up")).to_be_visible()
        passes(ann.page, "emoji")
        ann.page.keyboard.press("Escape")
        ann.box.press_sequentially("@b")
        expect(ann.page.get_by_role("option").first).to_be_visible()
        passes(ann.page, "completing")
        ann.box.fill("")
        message = ann.log.get_by_role("listitem").filter(has_text="bold").last
        message.get_by_text("Agreed").tap()
        more = message.get_by_role("button", name="More: ")
        expect(more).to_be_visible()
        passes(ann.page, "tools of a message")
        more.tap()
        expect(ann.page.get_by_role("dialog", name="More")).to_be_visible()
        passes(ann.page, "more tools of a message")
        ann.page.keyboard.press("Escape")
        ann.button("People").click()
        expect(ann.page.get_by_role("region", name="People")).to_be_visible()
        passes(ann.page, "people")
        ann.page.get_by_role("button", name="All members").click()
        expect(ann.button("Details: bob")).to_be_visible()
        passes(ann.page, "members")
