"""What one has read is what one has seen, and one stays where one reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from tests.web.page.daemon import PASSWORD, Daemon
from tests.web.page.filled import fill
from tests.web.page.line import line_to
from tests.web.page.person import Come, Person
from tests.web.page.program import Program, program
from tests.web.page.test_long_rooms import place, settle, top

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 664}, "has_touch": True}


def lines(first: int, last: int) -> list[str]:
    """Texts to be said."""
    return [f"line {n}" for n in range(first, last + 1)]


def unread(daemon: Daemon, name: str, room: str = "lobby") -> int:
    """How much somebody has not read, as the daemon has it."""
    with connect(f"ws{daemon.url[4:]}ws") as ws:
        one = Program(ws)
        welcome = one.ask(type="hello", name=name, password=PASSWORD)
        (count,) = (
            entry["unread"] for entry in welcome["rooms"] if entry["room"] == room
        )
        return int(count)


def seen(one: Person) -> list[str]:
    """The texts of the messages that are in the view to their end."""
    texts: list[str] = one.log.evaluate(
        """(view) => {
          const { top, bottom } = view.getBoundingClientRect();
          return [...view.querySelectorAll("[data-seq]")].filter((node) => {
            const box = node.getBoundingClientRect();
            return box.bottom > top && box.bottom <= bottom + 1;
          }).map((node) => node.querySelector(".text").innerText);
        }"""
    )
    return texts


def wait_until(condition: Callable[[], bool], one: Person) -> None:
    """Ask again and again, each time after the page has drawn a frame."""
    for _ in range(200):
        if condition():
            return
        one.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert condition()


def number(text: str) -> int:
    """Of `line 7` it is 7."""
    return int(text.rsplit(maxsplit=1)[-1])


def marked(one: Person, count: int) -> None:
    """Wait until the entry of the lobby says that so much is unread, or nothing."""
    badge = one.room("lobby").locator(".badge")
    if count:
        expect(badge).to_contain_text(f"{count} unread")
    else:
        expect(badge).to_have_count(0)


@pytest.mark.parametrize("count", [40, 200])
def test_one_begins_with_what_is_new(come: Come, daemon: Daemon, count: int) -> None:
    """However much that is: its line is seen, with what was read above it. What is
    below the view is unread until one gets there.
    """
    with program(daemon, "bob", "lobby") as bob:
        ann = come("ann")
        bob.send("lobby", "of before")
        ann.sees("of before")
        ann.enter("garden")
        bob.send("lobby", *lines(1, count))
        marked(ann, count)
        ann.enter("lobby")
        expect(ann.log.get_by_text("New", exact=True)).to_be_in_viewport()
        settle(ann)
        expect(ann.message("line 1")).to_be_in_viewport()
        expect(ann.message("of before")).to_be_in_viewport()
        last = number(seen(ann)[-1])
        assert last < count
        marked(ann, count - last)
        expect(ann.button(f"{count - last} new")).to_be_visible()
        ann.log.evaluate("(view) => { view.scrollTop += view.clientHeight / 2; }")
        expect(ann.message(f"line {last + 1}")).to_be_in_viewport()
        settle(ann)
        further = number(seen(ann)[-1])
        assert further > last
        marked(ann, count - further)
        ann.page.locator(".pill").click()
        expect(ann.message(f"line {count}")).to_be_in_viewport()
        marked(ann, 0)


def test_a_small_view_has_seen_little(come: Come, daemon: Daemon) -> None:
    """What comes while nobody looks is not read by a phone that is taken up again;
    the daemon knows as much as was seen.
    """
    with program(daemon, "bob", "lobby") as bob:
        ann = come(**PHONE)
        ann.page.add_init_script(
            "Document.prototype.hasFocus = () => globalThis.looks ?? true;"
        )
        ann.log_in("ann")
        ann.room("lobby").tap()
        bob.send("lobby", "of before")
        ann.sees("of before")
        ann.page.evaluate("looks = false; dispatchEvent(new Event('blur'))")
        bob.send("lobby", *lines(1, 50))
        expect(ann.message("line 50")).to_have_count(1)
        expect(ann.message("line 1")).to_be_in_viewport()
        ann.page.evaluate("looks = true; dispatchEvent(new Event('focus'))")
        expect(ann.page.locator(".pill")).to_contain_text("new")
        last = number(seen(ann)[-1])
        assert last < 50
        expect(ann.button(f"{50 - last} new")).to_be_visible()
        expect(ann.message("line 1")).to_be_in_viewport()
        # It is told a moment later.
        wait_until(lambda: unread(daemon, "ann") == 50 - last, ann)


def test_what_was_missed_is_seen_from_its_beginning(come: Come, daemon: Daemon) -> None:
    """Whoever was at the end when the line was lost goes on where he was."""
    with line_to(daemon) as line, program(daemon, "bob", "lobby") as bob:
        ann = come("ann", line.url)
        bob.send("lobby", "of before")
        ann.sees("of before")
        line.cut()
        ann.is_offline()
        bob.send("lobby", *lines(1, 60))
        line.mend()
        ann.is_back()
        expect(ann.message("line 60")).to_have_count(1)
        expect(ann.log.get_by_text("New", exact=True)).to_be_in_viewport()
        expect(ann.message("line 1")).to_be_in_viewport()
        last = number(seen(ann)[-1])
        expect(ann.button(f"{60 - last} new")).to_be_visible()
        marked(ann, 60 - last)


def test_a_jump_reads_nothing_between(come: Come, daemon: Daemon) -> None:
    """What is new and lies before where one has jumped to is unread still."""
    with program(daemon, "bob", "lobby") as bob:
        ann = come("ann")
        bob.send("lobby", "of before")
        ann.sees("of before")
        ann.enter("garden")
        bob.send("lobby", *lines(1, 150))
        far = bob.send("lobby", "far")
        bob.send("lobby", *lines(151, 300))
        marked(ann, 301)
        ann.page.evaluate(f"location.hash = 'room=lobby&at={far}'")
        expect(ann.message("far")).to_be_focused()
        settle(ann)
        marked(ann, 301)


RESIZES = {
    "narrower": "one.style.width = '340px'",
    "lower": "one.style.height = '420px'",
    "larger letters": "one.querySelector('.log').style.fontSize = '22px'",
    "denser": "document.documentElement.dataset.density = 'compact'",
}


@pytest.mark.parametrize("how", RESIZES)
@pytest.mark.parametrize("where", ["end", "middle"])
def test_one_stays_where_one_reads(
    come: Come, daemon: Daemon, how: str, where: str
) -> None:
    """Whatever becomes of the window: turned, with a keyboard, with larger letters."""
    daemon.stop()
    fill(daemon.data, "lobby", 120)
    daemon.start()
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", *(f"{n} " + "many words " * 40 for n in range(12)))
    ann = come("ann")
    expect(ann.texts.last).to_be_in_viewport()
    settle(ann)
    if where == "middle":
        ann.log.evaluate("(view) => { view.scrollTop -= 1500; }")
        expect(ann.page.locator(".pill")).to_be_visible()
        settle(ann)
    before = top(ann)

    def stays() -> None:
        ann.page.evaluate(
            "() => new Promise((done) => "
            "requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        if where == "end":
            below = ann.log.evaluate(
                "(view) => view.scrollHeight - view.scrollTop - view.clientHeight"
            )
            assert below < 2
        else:
            text, offset = before
            assert abs(place(ann, text) - offset) < 2

    change = f"const one = document.querySelector('.talk'); {RESIZES[how]};"
    ann.page.evaluate(f"() => {{ {change} }}")
    stays()
    # Whatever has the page look where one is before the next frame is drawn.
    ann.page.evaluate(
        "() => { document.querySelector('.log').style.lineHeight = '2.5';"
        " dispatchEvent(new Event('focus')); }"
    )
    stays()
