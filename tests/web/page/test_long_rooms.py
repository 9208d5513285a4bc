"""Rooms of any length: one holds, draws and asks for as much as one looks at."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.live.daemon import Frame
from tests.web.page.daemon import Daemon
from tests.web.page.filled import fill
from tests.web.page.person import Come, Person
from tests.web.page.program import program
from tests.web.page.test_axe import passes

LONG, SHORT = 100_000, 100
DRAWN = 500
"""More messages are never in the page."""


def filled(daemon: Daemon, count: int, room: str = "lobby") -> int:
    """Have a room be that long; returns the `seq` of its first message."""
    daemon.stop()
    first = fill(daemon.data, room, count)
    daemon.start()
    return first


def asked(person: Person) -> list[Frame]:
    """The pages of messages that the page has asked for."""
    return [frame for frame in person.said if frame["type"] == "history"]


def drawn(person: Person) -> int:
    """How many messages are in the page."""
    return person.log.locator("[data-seq]").count()


TOP = """(view) => {
  const box = (node) => node.getBoundingClientRect();
  const top = box(view).top;
  const all = [...view.querySelectorAll("[data-seq]")];
  const node = all.find((one) => box(one).top > top - 1);
  return [node.querySelector(".text").innerText, box(node).top - top];
}"""


def top(person: Person) -> tuple[str, float]:
    """The first message that is seen from its beginning, and where it stands.

    One of which only the end is seen may become lower: where it was the first that was
    loaded, it had a head of its own.
    """
    text, offset = person.log.evaluate(TOP)
    return text, offset


def place(person: Person, text: str) -> float:
    """How far from the top of the view a message stands."""
    offset: float = person.message(text).evaluate(
        """(node) => node.getBoundingClientRect().top
          - node.closest(".log").getBoundingClientRect().top"""
    )
    return offset


def settle(person: Person) -> None:
    """Wait until nothing is being loaded."""
    expect(person.log).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("count", [SHORT, LONG])
def test_opening_costs_the_same(come: Come, daemon: Daemon, count: int) -> None:
    """However long a room is, what is asked for and drawn of it is the same."""
    filled(daemon, count)
    ann = come("ann")
    expect(ann.message(f"number {count}")).to_be_in_viewport()
    settle(ann)
    pages = asked(ann)
    assert [page["limit"] for page in pages] == [60]
    assert drawn(ann) == 60


def test_scrolling_to_the_beginning(come: Come, daemon: Daemon) -> None:
    """All messages pass, each once and in order, none jumps, and never are many drawn;
    the way back down is the same.
    """
    count = 1500
    filled(daemon, count)
    ann = come("ann")
    expect(ann.message(f"number {count}")).to_be_in_viewport()
    beginning = ann.log.get_by_text("This is where lobby begins.")
    seen: set[str] = set()

    def look() -> None:
        settle(ann)
        seen.update(ann.texts.all_inner_texts())
        assert drawn(ann) <= DRAWN

    while True:
        look()
        if ann.texts.first.inner_text() == "number 1":
            break
        first = ann.texts.first.inner_text()
        ann.log.evaluate("(view) => { view.scrollTop = 0; }")
        expect(ann.texts.first).not_to_have_text(first)
        settle(ann)
        expect(ann.message(first)).to_be_in_viewport()
    assert seen == {f"number {n}" for n in range(1, count + 1)}
    ann.log.evaluate("(view) => { view.scrollTop = 0; }")
    expect(beginning).to_be_in_viewport()
    pages = len(asked(ann))
    assert pages <= count / 60 + 2

    seen.clear()
    newest = ann.message(f"number {count}")
    while True:
        look()
        if newest.count():
            break
        last = ann.texts.last.inner_text()
        ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
        expect(ann.texts.last).not_to_have_text(last)
        settle(ann)
        expect(ann.message(last)).to_be_in_viewport()
    look()
    assert seen >= {f"number {n}" for n in range(302, count + 1)}
    texts = ann.texts.all_inner_texts()
    start = int(texts[0].split()[1])
    assert texts == [f"number {n}" for n in range(start, count + 1)]
    ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
    expect(ann.button("To the latest")).to_have_count(0)


def test_nothing_jumps(come: Come, daemon: Daemon) -> None:
    """What one reads stays where it is to the pixel when a page comes before it and
    as much goes behind it, and the other way round.
    """
    filled(daemon, 2000)
    ann = come("ann")
    expect(ann.message("number 2000")).to_be_in_viewport()
    settle(ann)
    for way in ["up"] * 8 + ["down"] * 3:
        edge = ann.texts.first if way == "up" else ann.texts.last
        was = edge.inner_text()
        # What asks for more, and before it has come where one is.
        before = ann.log.evaluate(
            f"""(view, isUp) => {{
              const most = view.scrollHeight - view.clientHeight;
              view.scrollTop = isUp ? 120 : most - 120;
              return ({TOP})(view);
            }}""",
            way == "up",
        )
        expect(edge).not_to_have_text(was)
        settle(ann)
        text, offset = before
        assert abs(place(ann, text) - offset) < 1
        assert drawn(ann) <= DRAWN


def test_a_far_message_is_loaded_with_what_is_around_it(
    come: Come, daemon: Daemon
) -> None:
    """A quote leads to a message of long ago by two pages, not by all between; from
    there one reads on in both directions, and comes back to the present.
    """
    first = filled(daemon, LONG)
    with program(daemon, "bob", "lobby") as bob:
        far = first + 49_999
        bob.send("lobby", "as you said", reply_to=far)
    ann = come("ann")
    settle(ann)
    before = len(asked(ann))
    ann.message("as you said").locator(".quote").click()
    found = ann.message("number 50000")
    expect(found).to_be_in_viewport()
    expect(found).to_be_focused()
    settle(ann)
    around = asked(ann)[before:]
    assert len(around) <= 4, around
    assert drawn(ann) <= DRAWN
    ann.log.evaluate("(view) => { view.scrollTop = 0; }")
    expect(ann.message("number 49900")).to_have_count(1)
    settle(ann)
    ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
    expect(ann.message("number 50110")).to_have_count(1)
    settle(ann)
    # What is said meanwhile is behind the gap.
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "and on")
    ann.button("1 new").click()
    expect(ann.message("and on")).to_be_in_viewport()
    expect(ann.message("as you said")).to_be_in_viewport()
    assert ann.texts.last.inner_text() == "and on"
    expect(ann.button("1 new")).to_have_count(0)


def test_changes_reach_what_is_far_from_the_present(come: Come, daemon: Daemon) -> None:
    """An edit, a reaction and a deletion are seen where one reads, gap or not."""
    first = filled(daemon, 3000)
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "look", reply_to=first + 999)
        ann = come("ann")
        ann.message("look").locator(".quote").click()
        expect(ann.message("number 1000")).to_be_in_viewport()
        bob.ask(type="edit", room="lobby", of=first + 999, text="changed", cid="b")
        bob.ask(type="react", room="lobby", of=first + 998, emoji="👍", cid="c")
        bob.ask(type="delete", room="lobby", of=first + 1000, cid="d")
        expect(ann.message("changed")).to_be_in_viewport()
        expect(ann.log.get_by_text("Deleted", exact=True)).to_have_count(1)
        expect(
            ann.message("number 999").locator(".reactions [aria-pressed]")
        ).to_have_count(1)
        expect(ann.message("number 1001")).to_have_count(0)


def test_one_stays_where_one_reads_while_much_is_said(
    come: Come, daemon: Daemon
) -> None:
    """Whoever reads further up stays there to the pixel while more is said than the
    page holds of the end, and reads on through what came, without a hole.
    """
    filled(daemon, 300)
    ann = come("ann")
    expect(ann.message("number 300")).to_be_in_viewport()
    settle(ann)
    ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight / 2; }")
    settle(ann)
    before = top(ann)
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", *(f"number {n}" for n in range(301, 851)))
    expect(ann.page.locator(".pill")).to_contain_text("new")
    text, offset = before
    assert abs(place(ann, text) - offset) < 1
    assert drawn(ann) <= DRAWN
    seen: list[str] = []
    while "number 850" not in seen:
        settle(ann)
        texts = ann.texts.all_inner_texts()
        seen += [text for text in texts if text not in seen]
        assert drawn(ann) <= DRAWN
        if "number 850" not in seen:
            ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
            expect(ann.texts.last).not_to_have_text(texts[-1])
    start = int(seen[0].split()[1])
    assert seen == [f"number {n}" for n in range(start, 851)]


def test_the_focus_is_never_lost(come: Come, daemon: Daemon) -> None:
    """What has the focus may go out of the page; the focus stays with the messages."""
    filled(daemon, 1000)
    ann = come("ann")
    expect(ann.message("number 1000")).to_be_in_viewport()
    settle(ann)
    ann.message("number 1000").focus()
    while ann.message("number 1000").count():
        first = ann.texts.first.inner_text()
        ann.log.evaluate("(view) => { view.scrollTop = 0; }")
        expect(ann.texts.first).not_to_have_text(first)
        settle(ann)
    expect(ann.log).to_be_focused()
    expect(ann.log.locator("[data-seq][tabindex='0']")).to_have_count(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_in_the_middle_of_a_room(come: Come, daemon: Daemon, theme: str) -> None:
    """What leads to older and newer messages, and to the present, is for everybody."""
    first = filled(daemon, 3000)
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", "look", reply_to=first + 999)
    ann = come("ann", color_scheme=theme)
    ann.message("look").locator(".quote").click()
    expect(ann.message("number 1000")).to_be_focused()
    settle(ann)
    expect(ann.button("Show newer messages")).to_have_count(1)
    passes(ann.page, "the middle of a room")
    ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
    expect(ann.message("number 1120")).to_have_count(1)
