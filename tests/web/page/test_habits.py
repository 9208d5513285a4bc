"""What people do without thinking who have used other chats leads somewhere."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.filled import fill
from tests.web.page.person import Come, Person
from tests.web.page.program import program

DROP = """([kind, text]) => {
  const all = new DataTransfer();
  all.items.add(new File(["x"], "plan.png", { type: "image/png" }));
  if (text) all.setData("text/plain", text);
  const event = kind === "paste"
    ? new ClipboardEvent(kind, { clipboardData: all, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: all, bubbles: true, cancelable: true });
  document.querySelector(".composer textarea").dispatchEvent(event);
  return event.defaultPrevented;
}"""
"""Drop a file where one writes, drag it there, or paste it, perhaps beside a text."""


def is_loaded(one: Person) -> None:
    """Wait until the page has what it loads behind its first messages."""
    one.page.wait_for_function(DROP, arg=["dragover", ""])


def heading(one: Person, name: str) -> None:
    """Wait until a room or a conversation is open."""
    title = one.page.get_by_role("heading", level=1, name=name, exact=True)
    expect(title).to_be_visible()


def title(one: Person) -> str:
    """What the dialog that is open is called."""
    return one.page.get_by_role("dialog").get_by_role("heading", level=2).inner_text()


def test_the_switcher_is_gone_through_by_arrows(come: Come, daemon: Daemon) -> None:
    """The best is the first: by its beginning before its middle; where nothing is
    typed, where one is called. The arrows choose another, and what is typed meanwhile
    is typed.
    """
    ann = come("ann")
    with program(daemon, "bob") as bob:
        for name in ("score", "core", "chore", "encore"):
            bob.ask(type="create", room=name, cid=name)
            bob.ask(type="join", room=name)
    with program(daemon, "ann") as rooms:
        for name in ("score", "core", "chore", "encore"):
            rooms.ask(type="join", room=name)
    expect(ann.room("encore")).to_be_visible()
    with program(daemon, "bob", "chore", "garden") as bob:
        bob.send("chore", "one", "two")
        bob.send("score", "@ann look")
    expect(ann.room("score")).to_contain_text("1 message for you")
    keys, dialog = ann.page.keyboard, ann.page.get_by_role("dialog")
    rows = dialog.get_by_role("listitem").get_by_role("button")
    keys.press("Control+k")
    expect(rows.nth(0)).to_contain_text("score")
    expect(rows.nth(0)).to_contain_text("1 message for you")
    expect(rows.nth(1)).to_contain_text("chore")
    expect(rows.last).to_contain_text("lobby")
    keys.type("ore")
    expect(rows.nth(0)).to_contain_text("score")
    box = ann.field("Room or person")
    box.fill("co")
    found = ("core", "score", "encore", "Write to co")
    expect(rows).to_have_text([re.compile(rf"^\s*@?{name}") for name in found])
    keys.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    keys.press("ArrowUp")
    expect(rows.nth(0)).to_be_focused()
    keys.press("ArrowUp")
    expect(box).to_be_focused()
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.type("r")
    expect(box).to_have_value("cor")
    expect(box).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Enter")
    heading(ann, "score")
    expect(ann.box).to_be_focused()


def test_faces_names_and_headings_are_clicked(come: Come, daemon: Daemon) -> None:
    """Whoever has said it, or is named, is shown; a room's name shows its details; a
    link to a place here does not open another window.
    """
    ann = come("ann")
    with program(daemon, "bob", "lobby") as bob:
        first = bob.send("lobby", "look there", "hello @ann and @bob")
    link = f"{daemon.url}#room=garden"
    ann.say(f"It is {link} then")
    is_loaded(ann)
    page, avatar = ann.page, ann.message("look there").locator(".avatar")
    for clicked, shown in (
        (avatar, "bob"),
        (ann.message("look there").locator(".who"), "bob"),
        # He is not online any more, and is named all the same.
        (ann.log.locator(".mention", has_text="@bob"), "bob"),
        (ann.log.locator(".mention", has_text="@ann"), "Settings"),
        (page.locator(".room > header h1"), "lobby"),
        (ann.log.locator(".day > span").first, "Go to a day in lobby"),
    ):
        clicked.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert title(ann) == shown
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert first
    page.get_by_role("link", name=link).click()
    heading(ann, "garden")
    assert len(ann.context.pages) == 1


def test_a_day_is_gone_to(come: Come, daemon: Daemon) -> None:
    """From the search, by the keyboard, over thousands of messages; a day on which
    nothing was said leads to what comes next, and one says so.
    """
    daemon.stop()
    count = 3000
    first = fill(daemon.data, "lobby", count)
    daemon.start()
    ann = come("ann")
    expect(ann.message(f"number {count}")).to_be_visible()
    is_loaded(ann)
    keys = ann.page.keyboard
    keys.press("Control+Shift+F")
    ann.button("Go to a day").click()
    day = datetime.fromtimestamp(time.time()).astimezone() - timedelta(days=1)
    ann.field("Day").fill(f"{day:%Y-%m-%d}")
    keys.press("Enter")
    expect(ann.page.get_by_role("dialog")).to_have_count(0)
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    focused = ann.log.locator("[data-seq]:focus")
    expect(focused).to_have_count(1)
    said = focused.locator("time").first.get_attribute("datetime") or ""
    late = datetime.fromisoformat(said) - midnight
    assert timedelta(0) <= late < timedelta(minutes=1)
    keys.press("Control+Shift+F")
    ann.button("Go to a day").click()
    ann.button("The beginning").click()
    expect(ann.log.locator(f"[data-seq='{first}']")).to_be_focused()
    keys.press("Control+Shift+F")
    ann.button("Go to a day").click()
    ann.field("Day").fill(f"{day - timedelta(days=30):%Y-%m-%d}")
    keys.press("Enter")
    expect(ann.page.get_by_text("Nothing was said then. This is")).to_be_visible()
    expect(ann.log.locator(f"[data-seq='{first}']")).to_be_focused()


def test_all_is_taken_for_read_at_once(come: Come, daemon: Daemon) -> None:
    """One is asked first; it holds for what came since the question, too."""
    names = [f"room{number}" for number in range(5)]
    ann = come("ann")
    with program(daemon, "bob") as bob, program(daemon, "ann") as other:
        for name in names:
            bob.ask(type="create", room=name, cid=name)
            for one in (bob, other):
                one.ask(type="join", room=name)
            bob.send(name, "news")
        badges = ann.rooms.locator(".badge")
        expect(badges).to_have_count(5)
        ann.button("All read").click()
        dialog = ann.page.get_by_role("dialog")
        expect(dialog).to_contain_text("What is new in 5 rooms counts as read")
        bob.send("room3", "more")
        expect(badges).to_have_count(5)
        ann.button("Mark as read").click()
        expect(dialog).to_have_count(0)
        expect(badges).to_have_count(0)
        bob.send("room3", "again")
        expect(badges).to_have_count(1)
        ann.page.keyboard.press("Shift+Escape")
        ann.button("Mark as read").click()
        expect(badges).to_have_count(0)


def test_what_is_typed_elsewhere_is_not_lost(come: Come) -> None:
    """A letter goes where one writes, also after a click on a message; marks are put by
    the keys that all editors have.
    """
    ann = come("ann")
    ann.say("one")
    ann.sees("one")
    is_loaded(ann)
    ann.message("one").locator(".text").click()
    ann.page.keyboard.type("under way")
    expect(ann.box).to_have_value("under way")
    expect(ann.box).to_be_focused()
    ann.box.press("Shift+Control+ArrowLeft")
    ann.box.press("Control+b")
    expect(ann.box).to_have_value("under **way**")
    ann.box.press("Control+b")
    expect(ann.box).to_have_value("under way")
    ann.box.press("Control+i")
    expect(ann.box).to_have_value("under *way*")
    ann.box.press("Control+z")
    expect(ann.box).to_have_value("under way")


def test_a_command_of_another_chat_is_not_told_to_the_room(
    come: Come, daemon: Daemon
) -> None:
    """It is sent as text only by whoever means that; a path is no command."""
    ann, bob = come("ann"), come("bob")
    is_loaded(ann)
    ann.say("/msg bob the password is hunter2")
    note = ann.page.get_by_text("There is no command “/msg” here.")
    expect(note).to_be_visible()
    expect(ann.box).to_have_value("/msg bob the password is hunter2")
    ann.say("/etc/hosts is gone")
    bob.sees("/etc/hosts is gone")
    ann.box.fill("/shrug")
    ann.button("Send").click()
    expect(ann.page.get_by_text("There is no command “/shrug” here.")).to_be_visible()
    ann.button("Send").click()
    bob.sees("/etc/hosts is gone", "/shrug")


def test_a_file_is_refused_in_words(come: Come) -> None:
    """It does not take the place of the page; a text that has a picture beside it is
    pasted.
    """
    ann = come("ann")
    note = ann.page.get_by_text("Files cannot be sent here.")
    is_loaded(ann)
    ann.page.evaluate(DROP, ["paste", "a table"])
    expect(note).to_have_count(0)
    assert ann.page.evaluate(DROP, ["drop", ""])
    expect(note).to_be_visible()
    expect(note).to_have_count(0)
    ann.page.evaluate(DROP, ["paste", ""])
    expect(note).to_be_visible()


def test_an_edit_is_kept_and_an_empty_one_deletes(come: Come) -> None:
    """What was changed is there after a look into another room; nothing at all is a
    deletion, which can be undone as any other.
    """
    ann = come("ann")
    ann.say("frist")
    ann.sees("frist")
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("frist")
    ann.box.fill("first, corrected")
    ann.enter("garden")
    expect(ann.box).to_have_value("")
    ann.enter("lobby")
    expect(ann.box).to_have_value("first, corrected")
    ann.box.press("Enter")
    ann.sees("first, corrected")
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("first, corrected")
    ann.box.fill("")
    ann.box.press("Enter")
    expect(ann.log.get_by_text("Being deleted.")).to_be_visible()
    ann.button("Undo").click()
    ann.sees("first, corrected")


def test_rooms_are_named_and_people_without_an_account_invited(
    come: Come, daemon: Daemon
) -> None:
    """A number sign completes a room and leads there; whoever would invite somebody who
    is not here yet is led to the link for that, with the room chosen.
    """
    daemon.add("root", "admin")
    root = come("root")
    root.box.press_sequentially("see #gar")
    expect(root.page.get_by_role("option", selected=True)).to_contain_text("garden")
    root.box.press("Enter")
    expect(root.box).to_have_value("see #garden ")
    root.box.press_sequentially("not #nowhere")
    root.box.press("Enter")
    root.sees("see #garden not #nowhere")
    expect(root.texts.get_by_role("link")).to_have_text(["#garden"])
    root.texts.get_by_role("link").click()
    heading(root, "garden")
    root.people.get_by_role("button", name="Invite people").click()
    root.button("Create a link").click()
    expect(root.field("They start in")).to_have_value("garden")
    root.button("Create a link").click()
    dialog = root.page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox", name="Copy link")).to_have_value(
        re.compile("#invite=")
    )


def test_enter_takes_the_room_that_was_looked_for(come: Come, daemon: Daemon) -> None:
    """Whoever has typed its name need not aim at a button; and where a name is wrong,
    the next letter goes.
    """
    with program(daemon, "bob") as bob:
        bob.ask(type="create", room="attic", cid="attic")
    ann = come("ann")
    ann.button("Find or create a room").click()
    ann.field("Search by name").fill("atti")
    expect(ann.page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
    ann.field("Search by name").press("Enter")
    heading(ann, "attic")
    expect(ann.log.get_by_role("heading", name="This is where attic")).to_be_visible()
    ann.log.get_by_role("button", name="Invite people").click()
    assert title(ann) == "Invite people into attic"
    ann.field("Name").fill("nobody")
    ann.button("Invite").click()
    expect(ann.page.get_by_role("alert")).to_contain_text("nobody has an account")
    expect(ann.field("Name")).to_be_focused()
