"""Networks and daemons that go away, and credentials that are no good."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.web.page.daemon import Daemon
from tests.web.page.line import line_to
from tests.web.page.person import Come, Person


def reads(one: Person, *texts: str) -> None:
    """Wait until these are all the messages, in whatever order, each of them once."""
    expect(one.waiting).to_have_count(0)
    expect(one.texts).to_have_count(len(texts))
    assert sorted(one.texts.all_inner_texts()) == sorted(texts)


def test_6_1_network_lost_and_back(come: Come, daemon: Daemon) -> None:
    """What was said meanwhile on both sides is there: nothing is missing, nothing is
    there twice, and all read it in one order.
    """
    with line_to(daemon) as line:
        ann, bob = come("ann", line.url), come("bob")
        ann.say("before")
        bob.sees("before")
        ann.context.set_offline(True)
        line.cut()
        ann.is_offline()
        ann.say("from the train")
        ann.say("still on it")
        ann.box.type("half a sen")
        expect(ann.waiting).to_have_count(2)
        expect(ann.waiting.first).to_contain_text("will be sent when you are back")
        bob.say("where is ann?")
        bob.say("in a tunnel")
        bob.sees("before", "where is ann?", "in a tunnel")
        expect(ann.texts).to_have_text(["before"])

        line.mend()
        ann.context.set_offline(False)
        ann.is_back()
        expect(ann.box).to_have_value("half a sen")
        all_of_it = ["before", "where is ann?", "in a tunnel"]
        all_of_it += ["from the train", "still on it"]
        for one in (ann, bob):
            one.sees(*all_of_it)


def test_6_1_a_line_that_breaks_in_mid_sentence(come: Come, daemon: Daemon) -> None:
    """However often it is lost while messages are under way, each arrives once."""
    with line_to(daemon) as line:
        ann, bob = come("ann", line.url), come("bob")
        ann.expects_losses()
        for number in range(12):
            ann.say(f"number {number}")
            if number % 3 == 1:
                line.drop()
        for one in (ann, bob):
            one.sees(*(f"number {number}" for number in range(12)))


def test_6_2_daemon_killed_and_restarted(come: Come, daemon: Daemon) -> None:
    """The page says so and comes back by itself; what was acknowledged is there, what
    was not is sent, and nothing of it twice.
    """
    ann, bob = come("ann"), come("bob")
    ann.say("before")
    bob.sees("before")
    ann.say("at the same moment")
    daemon.kill()
    for one in (ann, bob):
        one.is_offline()
    ann.say("of ann")
    bob.say("of bob")
    for one in (ann, bob):
        expect(one.waiting.last).to_contain_text("will be sent when you are back")
    daemon.start()
    for one in (ann, bob):
        one.is_back()
    for one in (ann, bob):
        reads(one, "before", "at the same moment", "of ann", "of bob")
    assert ann.texts.all_inner_texts() == bob.texts.all_inner_texts()


def test_6_3_wrong_expired_and_revoked_tokens(come: Come, daemon: Daemon) -> None:
    """One that is none, or is over, says so and leaves the way in that there is; one
    that ends while it is used ends what it is used for, at once. The address bar and
    the history have none of them.
    """
    stranger = come()
    stranger.visit("#token=none")
    expect(stranger.page.get_by_role("alert").first).to_contain_text("not valid")
    expect(stranger.button("Log in")).to_be_visible()
    assert stranger.page.url == daemon.url

    short = daemon.terminal("token", "issue", "ann", "--expires", "3s").split()[0]
    ann = come()
    ann.visit(f"#token={short}")
    expect(ann.rooms).to_be_visible()
    assert short not in ann.page.url
    ann.enter("lobby")
    ann.box.fill("not finished")
    expect(ann.page.get_by_role("alert").first).to_contain_text("expired")
    ann.visit(f"#token={short}")
    expect(ann.page.get_by_role("alert").first).to_contain_text("not valid")
    ann.log_in("ann")
    ann.enter("lobby")
    expect(ann.box).to_have_value("not finished")

    token = daemon.terminal("token", "issue", "bob").split()[0]
    bob = come()
    bob.visit(f"#token={token}")
    bob.enter("lobby")
    (listed,) = daemon.terminal("token", "list", "bob", "--json").splitlines()
    number = str(json.loads(listed)["id"])
    daemon.terminal("token", "revoke", number)
    expect(bob.page.get_by_role("alert").first).to_contain_text("logged out")
    bob.visit(f"#token={token}")
    expect(bob.page.get_by_role("alert").first).to_contain_text("not valid")
