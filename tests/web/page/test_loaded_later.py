"""What a page loads later, and could not."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.web.page.daemon import Daemon
from tests.web.page.person import Come
from tests.web.page.test_bad_days import told

NO_WORKERS = """
Object.defineProperty(Navigator.prototype, "serviceWorker", { get() {} });
"""
"""As over plain HTTP from elsewhere."""
LATE = re.compile("/page/(keys|people|roles|task|title|tools|typing)[.]mjs$")
"""What is loaded when somebody is in."""


def test_what_could_not_be_loaded_comes_by_itself(come: Come, daemon: Daemon) -> None:
    """The daemon dies when a page begins to load what it has behind its first messages,
    and no worker has it: the page says so, and once there is a daemon, all of it is
    there.
    """
    ann = come()
    ann.context.add_init_script(NO_WORKERS)
    ann.expects_losses()
    asked: list[str] = []

    def dies_first(route: Route) -> None:
        if not asked:
            daemon.kill()
        asked.append(route.request.url)
        route.continue_()

    ann.context.route(LATE, dies_first)
    ann.log_in("ann")
    ann.say("hello")
    expect(ann.waiting).to_contain_text("hello")
    ann.is_offline()
    expect(ann.people).to_have_count(0)
    daemon.start()
    ann.sees("hello")
    expect(ann.people).to_contain_text("ann")
    ann.message("hello").hover()
    expect(ann.button("Reply")).to_be_visible()
    bob = come("bob")
    bob.box.press_sequentially("so")
    expect(ann.page.get_by_text("bob is typing…")).to_be_visible()
    bob.expects_losses()
    daemon.kill()
    ann.is_offline()


def test_the_face_of_whoever_is_not_in_comes_by_itself(
    come: Come, daemon: Daemon
) -> None:
    """The daemon died when it was to be loaded; nobody has to load the page again."""
    one = come()
    one.context.add_init_script(NO_WORKERS)
    one.expects_losses()

    def dies_first(route: Route) -> None:
        daemon.kill()
        route.continue_()

    one.context.route(re.compile("/page/login[.]mjs$"), dies_first, times=1)
    one.visit()
    expect(told(one)).to_contain_text("The server cannot be reached.")
    expect(one.button("Reload")).to_be_visible()
    daemon.start()
    one.type_credentials("ann")
    expect(one.rooms).to_be_visible()
