"""What the page looks like while one talks."""

from __future__ import annotations

import re
from datetime import datetime

import apsw
from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come
from tests.web.page.program import program

DAY_MS = 86_400_000


def test_7_1_follows_new_messages_only_when_at_the_bottom(
    come: Come, daemon: Daemon
) -> None:
    """Whoever reads further up stays there and is told how much is new; a press brings
    him to it, and one's own message does, too.
    """
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", *(f"number {n}" for n in range(50)))
        ann = come("ann")
        expect(ann.message("number 49")).to_be_in_viewport()
        bob.send("lobby", "number 50")
        expect(ann.message("number 50")).to_be_in_viewport()
        expect(ann.button("1 new")).to_have_count(0)

        ann.log.hover()
        ann.page.mouse.wheel(0, -600)
        expect(ann.message("number 50")).not_to_be_in_viewport()
        expect(ann.button("To the latest")).to_be_visible()
        place = ann.message("number 35").bounding_box()
        bob.send("lobby", "number 51", "number 52")
        expect(ann.button("2 new")).to_be_visible()
        assert ann.message("number 35").bounding_box() == place
        expect(ann.message("number 52")).not_to_be_in_viewport()
        ann.button("2 new").click()
        expect(ann.message("number 52")).to_be_in_viewport()
        expect(ann.button("To the latest")).to_have_count(0)

        ann.log.hover()
        ann.page.mouse.wheel(0, -600)
        expect(ann.message("number 52")).not_to_be_in_viewport()
        ann.say("mine")
        expect(ann.message("mine")).to_be_in_viewport()
        bob.send("lobby", "number 53")
        expect(ann.message("number 53")).to_be_in_viewport()


def test_7_2_timestamps_and_days(come: Come, daemon: Daemon) -> None:
    """Days are named as people name them, in the reader's zone and language; what
    somebody says within minutes stands together; the exact time is at hand.
    """
    with program(daemon, "bob", "lobby") as bob:
        for text in ("last year", "the day before", "yesterday", "today", "and more"):
            bob.send("lobby", text)
    daemon.stop()
    store = apsw.Connection(str(daemon.data / "chatd.db"))
    for seq, ago in ((1, 400), (2, 2), (3, 1)):
        moved = ago * DAY_MS
        store.execute("UPDATE message SET ts = ts - ? WHERE seq = ?", (moved, seq))
    ((now,),) = store.execute("SELECT ts FROM message WHERE seq = 4").fetchall()
    assert isinstance(now, int)
    store.close()
    daemon.start()
    ann = come("ann", timezone_id="UTC")
    days = ann.log.get_by_role("listitem").filter(
        has_text=re.compile(r"^(Today|Yesterday|\w+day,? .*)$")
    )
    spoken = [
        datetime.fromtimestamp((now - n * DAY_MS) / 1000).astimezone() for n in (400, 2)
    ]
    expect(days).to_have_text(
        [
            re.compile(f"{spoken[0]:%A}.*{spoken[0]:%B} {spoken[0]:%Y}"),
            re.compile(f"^{spoken[1]:%A}.*{spoken[1]:%B}"),
            "Yesterday",
            "Today",
        ]
    )
    times = ann.log.get_by_role("time")
    expect(times).to_have_count(5)
    expect(times.last).to_have_attribute(
        "data-exact", re.compile(f"{spoken[1]:%Y}.*:.*:")
    )
    heads = ann.log.get_by_text("bob", exact=True).and_(ann.log.locator(".who"))
    expect(heads).to_have_count(4)

    west = come("cy", timezone_id="Pacific/Honolulu")
    east = come("cy", timezone_id="Pacific/Kiritimati")
    shown = [one.log.get_by_role("time").last.inner_text() for one in (west, east)]
    assert int(shown[1][:2]) == int(shown[0][:2]), "24 hours apart"
    east.page.close()


def test_7_3_long_names_long_words_emoji_and_right_to_left(
    come: Come, daemon: Daemon
) -> None:
    """Each is whole and in its direction, on a small screen and a large one."""
    long = "a-very-long-name-of-32-charactrs"
    daemon.add(long)
    with program(daemon, long, "lobby") as one:
        one.ask(type="profile", display="A Very Long Name Indeed " * 2 + "of 64 c")
        one.send(
            "lobby", "W" * 300, "🎉👍", "שלום world", "https://e.example/" + "x" * 900
        )
        for size in ((1280, 800), (800, 600), (360, 640)):
            ann = come("ann", viewport={"width": size[0], "height": size[1]})
            expect(ann.texts).to_have_count(4)
            assert ann.page.evaluate(
                "document.documentElement.scrollWidth <= innerWidth"
            )
            for part in (ann.box, ann.button("Send")):
                expect(part).to_be_in_viewport(ratio=1)
            directions = ann.texts.locator("p").evaluate_all(
                "all => all.map((one) => getComputedStyle(one).direction)"
            )
            assert directions == ["ltr", "ltr", "rtl", "ltr"]
            ann.page.close()


def test_7_3_a_name_does_not_turn_what_it_stands_in(come: Come, daemon: Daemon) -> None:
    """Sentences of the page go as the page is read; a message goes as what it says."""
    with program(daemon, "bob", "lobby") as bob:
        bob.ask(type="profile", display="בועז")
        ann = come("ann")
        bob.send("lobby", "@ann أنا في الطريق", "@ann on my way", "@nobody בדרך")
        expect(ann.texts).to_have_count(3)
        directions = ann.texts.locator("p").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).direction)"
        )
        assert directions == ["rtl", "ltr", "ltr"]
        expect(ann.log.locator(".mention.to-me")).to_have_text(["@ann", "@ann"])
        bob.ask(type="typing", room="lobby", id=1)
        typing = ann.page.get_by_text("בועז is typing…")
        expect(typing).to_be_visible()
        expect(typing).to_have_css("direction", "ltr")
        expect(typing.locator("bdi")).to_have_css("unicode-bidi", "isolate")


def test_7_3_small_screen(come: Come) -> None:
    """One pane at a time; the browser's button leads back to the rooms, too."""
    ann = come("ann", viewport={"width": 360, "height": 640}, has_touch=True)
    expect(ann.rooms).to_be_hidden()
    ann.button("Back to the rooms").click()
    expect(ann.rooms).to_be_visible()
    expect(ann.log).to_be_hidden()
    ann.room("garden").tap()
    expect(ann.box).to_be_visible()
    ann.page.go_back()
    expect(ann.rooms).to_be_visible()
    ann.room("lobby").tap()
    ann.box.tap()
    ann.box.type("by thumb")
    ann.button("Send").tap()
    ann.sees("by thumb")
    ann.button("People").tap()
    expect(ann.people).to_be_visible()
    ann.button("People").tap()
    expect(ann.people).to_be_hidden()


def test_7_3_keyboard_alone(come: Come) -> None:
    """Log in, change rooms, write, answer, react, edit and delete without a mouse; what
    has the focus is always seen.
    """
    ann = come()
    ann.visit()
    keys = ann.page.keyboard
    expect(ann.field("Name")).to_be_focused()
    keys.type("ann")
    keys.press("Tab")
    keys.type("correct horse")
    keys.press("Enter")
    expect(ann.rooms).to_be_visible()
    keys.press("Control+k")
    expect(ann.page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    keys.type("gard")
    keys.press("Enter")
    expect(ann.page.get_by_role("heading", level=1, name="garden")).to_be_visible()
    expect(ann.box).to_be_focused()
    keys.type("one")
    keys.press("Enter")
    ann.sees("one")
    keys.press("ArrowUp")
    expect(ann.box).to_have_value("one")
    keys.type(" and more")
    keys.press("Enter")
    ann.sees("one and more")
    edited = ann.log.get_by_text("edited")
    expect(edited).to_be_visible()
    text, mark = ann.texts.locator("p").bounding_box(), edited.bounding_box()
    assert text is not None
    assert mark is not None
    assert mark["y"] < text["y"] + text["height"], "in the same line"

    message = ann.log.locator("[data-seq]").last
    message.focus()
    expect(message).to_be_focused()
    key = "Enter"
    for name in ("React 👍", "React 👎", "React ❤️", "React", "Reply"):
        keys.press(key)
        key = "Tab"
        expect(message.get_by_role("button", name=name, exact=True)).to_be_focused()
    assert not [frame for frame in ann.said if frame["type"] == "react"]
    keys.press("Enter")
    expect(ann.box).to_be_focused()
    keys.type("an answer")
    keys.press("Enter")
    expect(ann.texts).to_have_text(["one and more", "an answer"])
    expect(ann.log.locator("[data-seq]").last).to_contain_text("one and more")

    message = ann.log.locator("[data-seq]").first
    message.focus()
    message.get_by_role("button", name="Delete").focus()
    keys.press("Enter")
    expect(ann.button("Undo")).to_be_focused()
    keys.press("Enter")
    expect(message).to_be_focused()
    message.get_by_role("button", name="Delete").focus()
    keys.press("Enter")
    expect(ann.button("Undo")).to_be_focused()
    expect(message).to_contain_text("Deleted")


def test_7_3_dark_mode(come: Come) -> None:
    """By the system, and it follows when that changes."""
    ann = come("ann", color_scheme="dark")
    body = ann.page.locator("body")
    dark, light = (
        re.compile(rf"rgb\({one}, {one}, {one}\)") for one in (r"\d\d", r"2\d\d")
    )
    expect(body).to_have_css("background-color", dark)
    ann.page.emulate_media(color_scheme="light")
    expect(body).to_have_css("background-color", light)
