"""A page that starts, and goes on, while there is no daemon."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from chatd.web.tree import read_tree
from tests.web.page.daemon import Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program
from tests.web.page.proxy import proxied
from tests.web.page.test_bad_days import style_of, told
from tests.web.page.test_loaded_later import NO_WORKERS
from tests.web.page.test_recalled import keeps, kept_is

FILES = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const { url } of await cache.keys()) {
      const answer = await cache.match(url);
      found[url] = [answer.headers.get("Content-Type"), await answer.text()];
    }
  }
  return found;
}"""
"""All that any worker keeps: the media type and the text, by the address."""

CONTROLLED = """async (version) => {
  const { serviceWorker } = navigator;
  const next = (target, type) =>
    new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
  for (;;) {
    const { controller } = serviceWorker;
    if (!controller?.scriptURL.includes(version))
      await next(serviceWorker, "controllerchange");
    else if (controller.state !== "activated") await next(controller, "statechange");
    else return;
  }
}"""
"""Resolves once a worker of a version serves the page."""


def is_served(one: Person) -> None:
    """Wait until the worker of the page's version has its files, and serves it."""
    one.page.evaluate(CONTROLLED, f"/_/{version_of(one)}/")


def version_of(one: Person) -> str:
    """The version of the page that is shown."""
    found = re.search(r"_/(\w+)/", style_of(one) or "")
    assert found
    return found[1]


def comes_anew(one: Person, fragment: str = "") -> None:
    """Close the tab, and open the page in another."""
    one.page.close()
    one.page = one.context.new_page()
    one.visit(fragment)


def dies(daemon: Daemon, *all_of_them: Person) -> None:
    """Kill a daemon, which its people may lose."""
    for one in all_of_them:
        one.expects_losses()
    daemon.kill()


def test_a_cold_start_without_a_daemon(come: Come, daemon: Daemon) -> None:
    """In a new tab there are rooms and the last messages, one can write, and all that
    the page has can be had; what one wrote goes out once there is a daemon, once.
    """
    ann = come("ann")
    with program(daemon, "bob", "lobby", "garden") as bob:
        bob.send("lobby", "one", "two")
        ann.sees("one", "two")
        keeps(ann, ["ann", "lobby", ["one", "two"]])
        is_served(ann)
    dies(daemon, ann)
    comes_anew(ann)
    ann.is_offline()
    expect(ann.room("lobby")).to_be_visible()
    ann.sees("one", "two")
    ann.say("written without a daemon")
    expect(ann.waiting).to_contain_text("will be sent when you are back")
    # Nothing of this was loaded before.
    ann.button("Emoji").click()
    expect(ann.page.get_by_role("button", name="party popper")).to_be_visible()
    ann.page.keyboard.press("Escape")
    comes_anew(ann)
    expect(ann.waiting).to_contain_text("written without a daemon")
    daemon.start()
    ann.is_back()
    ann.sees("one", "two", "written without a daemon")
    with program(daemon, "bob", "lobby") as bob:
        history = bob.ask(type="history", room="lobby")
    texts = [message["text"] for message in history["messages"]]
    assert texts.count("written without a daemon") == 1


def test_what_is_kept(come: Come, daemon: Daemon) -> None:
    """The files of the version that is shown, as the daemon has them, and the page that
    names them; nothing of anybody's.
    """
    ann = come("ann")
    ann.say("for nobody else")
    ann.sees("for nobody else")
    is_served(ann)
    tree = read_tree()
    below = f"{daemon.url}_/{tree.version}/"
    expected = {daemon.url: [tree.index.kind, tree.index.content.decode()]}
    for name, asset in tree.assets.items():
        expected[below + name] = [asset.kind, asset.content.decode()]
    assert ann.page.evaluate(FILES) == expected


def test_nothing_else_is_answered_for(come: Come, daemon: Daemon) -> None:
    """What is not the page's own is asked of the daemon, as if there were no worker."""
    ann = come("ann")
    is_served(ann)
    own = version_of(ann)
    dies(daemon, ann)
    ann.is_offline()
    ask = """(path) => fetch(path).then(({ status }) => status, () => "lost")"""
    for path, wanted in {
        f"_/{own}/page/app.mjs": 200,
        f"_/{own}/page/none.mjs": "lost",
        "_/0123456789abcdef0123/page/app.mjs": "lost",
        "": "lost",
        "ws": "lost",
        "healthz": "lost",
        "metrics": "lost",
        "api/uploads": "lost",
    }.items():
        assert ann.page.evaluate(ask, daemon.url + path) == wanted, path
    for path in ("healthz", "other/", "index.html"):
        with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
            ann.page.goto(daemon.url + path)
    ann.expected.append("Failed to load resource|failed: ")


def test_an_upgrade_while_nobody_looked(come: Come, daemon: Daemon) -> None:
    """The new page is shown at once, and is what is kept from then on: the old one is
    not shown any more, not even without a daemon.
    """
    ann = come("ann")
    ann.say("one")
    ann.sees("one")
    keeps(ann, ["ann", "lobby", ["one"]])
    is_served(ann)
    old = version_of(ann)
    dies(daemon, ann)
    comes_anew(ann)
    ann.is_offline()
    assert version_of(ann) == old
    ann.page.close()
    daemon.start_newer()
    ann.page = ann.context.new_page()
    ann.visit()
    ann.sees("one")
    new = version_of(ann)
    assert new != old
    is_served(ann)
    assert len(ann.page.evaluate("caches.keys()")) == 1
    dies(daemon, ann)
    comes_anew(ann)
    ann.is_offline()
    ann.sees("one")
    assert version_of(ann) == new


def test_an_upgrade_while_the_page_is_open(come: Come, daemon: Daemon) -> None:
    """What was started from what is kept says so, as any page does."""
    ann = come("ann")
    is_served(ann)
    old = version_of(ann)
    dies(daemon, ann)
    comes_anew(ann, "#room=lobby")
    ann.is_offline()
    ann.box.fill("half a sentence")
    daemon.start_newer()
    expect(ann.strip).to_contain_text("The server was updated.")
    assert version_of(ann) == old
    ann.button("Reload").click()
    ann.is_back()
    assert version_of(ann) != old
    expect(ann.box).to_have_value("half a sentence")
    is_served(ann)
    assert len(ann.page.evaluate("caches.keys()")) == 1


def test_after_a_logout(come: Come, daemon: Daemon) -> None:
    """There is what one sees who is not in, in words, and nothing of what was there;
    once there is a daemon, one can log in.
    """
    ann = come("ann")
    ann.say("for ann alone")
    ann.sees("for ann alone")
    keeps(ann, ["ann", "lobby", ["for ann alone"]])
    is_served(ann)
    ann.log_out()
    kept_is(ann, "(all) => !all.length")
    dies(daemon, ann)
    comes_anew(ann)
    expect(told(ann)).to_contain_text("The server cannot be reached.")
    expect(ann.page.get_by_text("It is tried again")).to_be_visible()
    expect(ann.page.get_by_text(re.compile(r"\\bann\\b|lobby"))).to_have_count(0)
    daemon.start()
    ann.type_credentials("ann")
    expect(ann.rooms).to_be_visible()


def test_below_paths_of_a_proxy(come: Come, daemon: Daemon, tmp_path: Path) -> None:
    """Each has its own files, and they start where the proxy says that nobody is there;
    a page at another path is not theirs.
    """
    with proxied(daemon, tmp_path, "/chat/", "/chat/too/") as root:
        ann = come("ann", f"{root}/chat/")
        ann.say("one")
        ann.sees("one")
        keeps(ann, ["ann", "lobby", ["one"]])
        is_served(ann)
        first, ann.page = ann.page, ann.context.new_page()
        ann.visit("too/")
        ann.type_credentials("bob")
        expect(ann.rooms).to_be_visible()
        is_served(ann)
        version = version_of(ann)
        assert sorted(ann.page.evaluate("caches.keys()")) == [
            f"chatd {root}/chat/ _/{version}/",
            f"chatd {root}/chat/too/ _/{version}/",
        ]
        first.close()
        dies(daemon, ann)
        ann.expected.append("status of 502")
        comes_anew(ann, "too/")
        ann.is_offline()
        expect(ann.rooms.get_by_text("bob", exact=True)).to_be_visible()
        comes_anew(ann)
        ann.is_offline()
        ann.sees("one")
        ann.say("two")
        gone = ann.page.evaluate("fetch('healthz').then(({ status }) => status)")
        assert gone == 502
        daemon.start()
        ann.is_back()
        ann.sees("one", "two")


def test_where_the_context_is_not_secure(come: Come, daemon: Daemon) -> None:
    """As over plain HTTP elsewhere: there are no workers, and all else is as ever."""
    ann = come()
    ann.context.add_init_script(NO_WORKERS)
    ann.log_in("ann")
    ann.enter("lobby")
    ann.say("hello")
    ann.sees("hello")
    ann.page.wait_for_load_state("networkidle")
    assert ann.page.evaluate("caches.keys()") == []
