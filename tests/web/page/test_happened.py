"""What moderators did, and who came and went: in its place, whenever one looks."""

from __future__ import annotations

import sqlite3

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.filled import fill
from tests.web.page.person import Come, Person
from tests.web.page.program import Program, program
from tests.web.page.test_axe import passes
from tests.web.page.test_long_rooms import settle
from tests.web.page.test_members import ISOLATES, meet, tea
from tests.web.page.test_recalled import (
    KEPT,
    SOCKETS,
    WAIT,
    reload_without_sockets,
    sockets,
)

LINES = """(log) =>
  [...log.querySelectorAll("[data-seq] .text, [data-happened]")].map((one) => {
    const line = one.cloneNode(true);
    for (const time of line.querySelectorAll("time")) time.remove();
    return line.textContent.trim();
  })"""


KEPT_LAST = WAIT.replace(
    KEPT, KEPT.replace("texts(room)", "room.happened.at(-1)?.change")
).replace("IS_IT", "(all, wanted) => all.some((one) => one[2] === wanted)")
"""Waits until what the browser keeps of some room ends with a change of a member."""


def lines(one: Person) -> list[str]:
    """What the room shows, messages and all else, without the times."""
    found: list[str] = one.log.evaluate(LINES)
    return [ISOLATES.sub("", line) for line in found]


def shows(one: Person, *wanted: str) -> None:
    """Wait until there is this to see and nothing else, by how each line begins."""
    entries = one.log.locator("[data-seq] .text, [data-happened]")
    expect(entries).to_have_count(len(wanted))
    shown = lines(one)
    for line, begin in zip(shown, wanted, strict=True):
        assert line.startswith(begin), shown


def moderate(owner: Program) -> None:
    """Do all that a moderator does, and say something between."""
    owner.send("tea", "one")
    owner.ask(type="mute", room="tea", user="bob", reason="noise", **{"for": 600})
    owner.ask(type="ban", room="tea", user="cy", reason="spam")
    owner.send("tea", "two")
    owner.ask(type="room", room="tea", topic="Green", slow_s=5)
    owner.ask(type="role", room="tea", user="bob", role="moderator")
    owner.ask(type="rename", room="tea", name="orchard")
    owner.send("orchard", "three")
    owner.ask(type="unmute", room="orchard", user="bob")


DONE = (
    "ann, bob and cy joined",
    "one",
    "ann muted bob until",
    "ann banned cy for good · spam",
    "two",
    "ann set the topic to “Green” · ann changed",
    "ann made bob a moderator",
    "ann renamed #tea to #orchard",
    "three",
    "ann unmuted bob",
)


def test_what_happened_is_the_same_after_a_reload(come: Come, daemon: Daemon) -> None:
    """As it was seen when it came, each once and in its place; so it is for whoever was
    not there, and in the names that were given then.
    """
    with tea(daemon, "bob", "cy") as owner:
        ann = meet(come, "ann")
        expect(ann.log.locator("[data-happened]")).to_have_count(1)
        moderate(owner)
        shows(ann, *DONE)
        before = lines(ann)
        ann.page.reload()
        shows(ann, *DONE)
        assert lines(ann) == before
        passes(ann.page, "what happened, after a reload")
        bob = meet(come, "bob", "orchard")
        shows(bob, *DONE)
        owner.ask(type="rename", room="orchard", name="attic")
        shows(bob, *DONE, "ann renamed #orchard to #attic")
        bob.page.reload()
        shows(bob, *DONE, "ann renamed #orchard to #attic")


def test_what_the_operator_does_and_says_is_shown(come: Come, daemon: Daemon) -> None:
    """By whom, in the room; what he announces stays until one has put it away."""
    with tea(daemon, "bob", "cy"):
        ann = meet(come, "ann")
        daemon.terminal("room", "set", "tea", "--topic", "Green")
        shows(ann, "ann, bob and cy joined", "Operator set the topic to “Green”")
        daemon.terminal("announce", "We restart at 18:00.")
        daemon.terminal("announce", "Tea is ready.", "--room", "tea")
        told = ann.page.locator(".announced")
        expect(told).to_have_count(2)
        expect(told.first).to_contain_text("Operator: We restart at 18:00.")
        expect(told.last).to_contain_text("Operator · tea: Tea is ready.")
        passes(ann.page, "what the operator has announced")
        told.first.get_by_role("button").click()
        expect(told).to_have_count(1)
        expect(told).to_contain_text("Tea is ready.")


def test_nothing_comes_twice_when_one_comes_back(come: Come, daemon: Daemon) -> None:
    """What is kept, what was missed and what is asked for are one; without a connection
    there is what was seen before.
    """
    with tea(daemon, "bob", "cy") as owner:
        ann = come()
        ann.context.add_init_script(SOCKETS)
        ann.log_in("ann")
        ann.enter("tea")
        owner.send("tea", "zero")
        owner.ask(type="mute", room="tea", user="bob")
        begin = "ann, bob and cy joined", "zero", "ann muted bob for good"
        shows(ann, *begin)
        assert ann.page.evaluate(KEPT_LAST, "mute") is None
        reload_without_sockets(ann)
        shows(ann, *begin)
        owner.ask(type="unmute", room="tea", user="bob")
        owner.send("tea", "half")
        sockets(ann, on=True)
        ann.is_back()
        shows(ann, *begin, "ann unmuted bob", "half")
        ann.page.reload()
        shows(ann, *begin, "ann unmuted bob", "half")


def test_what_happened_far_up_is_there_when_one_comes_to_it(
    come: Come, daemon: Daemon
) -> None:
    """Over pages of messages, up and down; each once."""
    with tea(daemon, "bob", "cy") as owner:
        moderate(owner)
    daemon.stop()
    fill(daemon.data, "orchard", 400)
    daemon.start()
    with program(daemon, "ann") as owner:
        owner.ask(type="ban", room="orchard", user="bob", reason="at the end")
    numbers = [f"number {n}" for n in range(1, 401)]
    ann = meet(come, "ann", "orchard")
    expect(ann.message("number 400")).to_be_in_viewport()
    settle(ann)
    expect(ann.log.locator("[data-happened]")).to_have_count(1)
    assert lines(ann)[-2:] == ["number 400", "ann banned bob for good · at the end"]
    beginning = ann.log.get_by_text("This is where orchard begins.")
    while beginning.count() == 0:
        first = ann.texts.first.inner_text()
        ann.log.evaluate("(view) => { view.scrollTop = 0; }")
        expect(ann.texts.first).not_to_have_text(first)
        settle(ann)
    expect(ann.log.locator("[data-happened]")).to_have_count(7)
    shown = lines(ann)
    for line, begin in zip(shown, [*DONE, *numbers], strict=False):
        assert line.startswith(begin), shown
    assert len(shown) > len(DONE)
    while ann.message("number 400").count() == 0:
        last = ann.texts.last.inner_text()
        ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
        expect(ann.texts.last).not_to_have_text(last)
        settle(ann)
    ann.log.evaluate("(view) => { view.scrollTop = view.scrollHeight; }")
    expect(ann.message("number 400")).to_be_in_viewport()
    expect(ann.log.locator("[data-happened]").last).to_contain_text("at the end")
    assert lines(ann)[-2:] == ["number 400", "ann banned bob for good · at the end"]


def test_a_room_in_which_only_something_happened(come: Come, daemon: Daemon) -> None:
    """However much that is, one comes to what was said before."""
    with tea(daemon, "bob") as owner:
        owner.send("tea", "one")
        for number in range(130):
            owner.ask(type="room", room="tea", topic=f"topic {number}")
        ann = meet(come, "ann")
        expect(ann.log.locator("[data-happened]")).to_have_count(131)
        ann.sees("one")
        shown = lines(ann)
        assert shown[1:3] == ["one", "ann set the topic to “topic 0”"], shown
        assert shown[-1] == "ann set the topic to “topic 129”", shown


def test_what_happened_on_another_day_is_with_that_day(
    come: Come, daemon: Daemon
) -> None:
    """Before the heading of the day on which somebody says something again."""
    with tea(daemon) as owner:
        owner.send("tea", "one")
        owner.ask(type="room", room="tea", topic="Green")
        owner.send("tea", "two")
        owner.ask(type="room", room="tea", topic="Black")
    daemon.stop()
    with sqlite3.connect(daemon.data / "chatd.db") as db:
        for table in ("event", "message"):
            db.execute(f"UPDATE {table} SET ts = ts - 2 * 86400000 WHERE seq < 4")  # noqa: S608 - a word
    daemon.start()
    ann = meet(come, "ann")
    expect(ann.log.locator("[data-happened]")).to_have_count(3)
    order = ann.log.locator(".day, [data-happened], [data-seq] .text")
    kinds = order.evaluate_all(
        "(all) => all.map((one) => one.dataset.happened ?? one.classList[0])"
    )
    assert kinds == ["day", "join", "text", "room", "day", "text", "room"]
