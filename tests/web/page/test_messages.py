"""Messages: sent, received, kept."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come
from tests.web.page.program import program


def test_2_1_send_by_enter_and_by_button(come: Come) -> None:
    """Both send what was typed once and empty the box; Shift+Enter is a line, and
    nothing is sent of what has nothing to read.
    """
    ann, bob = come("ann"), come("bob")
    expect(ann.button("Send")).to_be_disabled()
    ann.say("by Enter")
    ann.box.fill("by button")
    ann.button("Send").click()
    expect(ann.box).to_have_value("")
    expect(ann.box).to_be_focused()
    ann.box.type("one")
    ann.box.press("Shift+Enter")
    ann.box.type("two")
    expect(ann.box).to_have_value("one\ntwo")
    ann.box.press("Enter")
    ann.box.fill("  \n ")
    ann.box.press("Enter")
    for one in (ann, bob):
        one.sees("by Enter", "by button", "one\ntwo")


def test_2_2_several_users_both_ways_at_once(come: Come) -> None:
    """What three people say at the same time all three read, once, in one order."""
    everyone = [come(name) for name in ("ann", "bob", "cy")]
    for number in range(8):
        for one in everyone:
            one.box.fill(f"{number} of {everyone.index(one)}")
        for one in everyone:
            one.box.press("Enter", no_wait_after=True)
    for one in everyone:
        expect(one.texts).to_have_count(24)
        expect(one.waiting).to_have_count(0)
    first, *others = [one.texts.all_inner_texts() for one in everyone]
    assert sorted(first) == sorted(
        f"{n} of {who}" for n in range(8) for who in range(3)
    )
    for texts in others:
        assert texts == first
    for who in range(3):
        own = [text for text in first if text.endswith(f" of {who}")]
        assert own == [f"{n} of {who}" for n in range(8)], "each in his own order"


def test_2_3_persistence_over_reload_and_restart_and_scrolling_back(
    come: Come, daemon: Daemon
) -> None:
    """All that was said is there, from the end back to the beginning, in order and
    once; whoever scrolls back stays with what he reads while more is loaded.
    """
    with program(daemon, "bob", "lobby") as bob:
        bob.send("lobby", *(f"number {n}" for n in range(230)))
    daemon.stop()
    daemon.start()
    ann = come("ann")
    expect(ann.message("number 229")).to_be_in_viewport()
    ann.page.reload()
    expect(ann.message("number 229")).to_be_in_viewport()
    daemon.stop()
    ann.is_offline()
    daemon.start()
    ann.is_back()
    expect(ann.message("number 229")).to_be_in_viewport()

    beginning = ann.log.get_by_text("This is where lobby begins.")
    ann.log.hover()
    while not beginning.is_visible():
        expect(ann.log).to_have_attribute("aria-busy", "false")
        first = ann.message(ann.texts.first.inner_text())
        count = ann.texts.count()
        ann.page.mouse.wheel(0, -100_000)
        expect(ann.texts).not_to_have_count(count)
        expect(first).to_be_in_viewport()
    ann.sees(*(f"number {n}" for n in range(230)))
