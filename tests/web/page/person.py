"""Somebody in front of a browser, who finds things by what they are called.

Whatever the browser complains of is kept: lines of its console, exceptions, requests
that fail or that go elsewhere, dialogs. A test in which the network is lost says
which of that it expects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import attrs
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Locator,
    Page,
    Request,
    WebSocket,
    expect,
)

from tests.live.daemon import Frame
from tests.web.page.daemon import PASSWORD, Daemon

PATIENCE_MS = 30_000
"""When a test gives up on something that never comes; not a measure of speed."""

expect.set_options(timeout=PATIENCE_MS)

NO_CONNECTION = (
    r"WebSocket connection to '[^']*' failed"
    r"|net::ERR_(CONNECTION|SOCKET|EMPTY_RESPONSE|ABORTED)"
)
"""What Chromium itself says of each attempt that comes to nothing, also to load what
the page has behind its first messages."""

CLOSES = """
globalThis.closes = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...all) {
    super(...all);
    this.addEventListener("close", ({ code }) => closes.push(code));
  }
};
"""
"""The codes with which WebSockets were closed, which Playwright does not tell."""


# Playwright keeps its own things in the objects of methods that it calls.
@attrs.define(eq=False, slots=False)
class Person:
    """One browser, and who sits before it."""

    context: BrowserContext
    url: str
    page: Page = attrs.field(init=False)
    complaints: list[str] = attrs.field(factory=list, init=False)
    expected: list[str] = attrs.field(factory=list, init=False)
    """Patterns of complaints that are no fault of the page."""
    sockets: list[WebSocket] = attrs.field(factory=list, init=False)
    said: list[Frame] = attrs.field(factory=list, init=False)
    """What the page has sent over its WebSockets."""
    heard: list[Frame] = attrs.field(factory=list, init=False)
    """What it has received."""

    def __attrs_post_init__(self) -> None:
        """Open a window and listen to what the browser says."""
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(CLOSES)
        self.context.on("page", self._listen)
        self.page = self.context.new_page()

    def _listen(self, page: Page) -> None:
        say = self.complaints.append
        page.on("console", lambda line: say(f"console {line.type}: {line.text}"))
        page.on("pageerror", lambda error: say(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        page.on("dialog", self._asks)
        page.on("crash", lambda page: say(f"crash of {page.url}"))
        page.on("request", lambda one: self._asked(one.url))
        page.on("websocket", self._connected)

    def _failed(self, request: Request) -> None:
        # A page that is left lets go of what it was loading, its icon above all.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _asks(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _connected(self, socket: WebSocket) -> None:
        self._asked(socket.url)
        self.sockets.append(socket)
        socket.on("framesent", lambda text: self.said.append(json.loads(text)))
        socket.on("framereceived", lambda text: self.heard.append(json.loads(text)))

    def _asked(self, url: str) -> None:
        home = re.escape(self.url.partition("://")[2])
        if not re.match(rf"(http|ws)://{home}|(data|blob):", url):
            self.complaints.append(f"asked elsewhere: {url}")

    def unexpected(self) -> list[str]:
        """The complaints that no test has expected."""
        return [
            line
            for line in self.complaints
            if not any(re.search(pattern, line) for pattern in self.expected)
        ]

    # --- getting in -------------------------------------------------------------

    def visit(self, fragment: str = "") -> None:
        """Open the page."""
        self.page.goto(self.url + fragment)

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        """Open the page, type a name and a password, and wait for the rooms."""
        self.visit()
        self.type_credentials(name, password)
        expect(self.rooms).to_be_visible()

    def type_credentials(self, name: str, password: str = PASSWORD) -> None:
        """Type a name and a password, and press the button."""
        self.field("Name").fill(name)
        self.field("Password").fill(password)
        self.button("Log in").click()

    def log_out(self) -> None:
        """Press what logs out, and wait until one is."""
        self.button("Settings").click()
        self.button("Log out").click()
        expect(self.page.get_by_role("heading", name="Log in to")).to_be_visible()

    def closes(self) -> list[int]:
        """The codes with which the page's WebSockets were closed."""
        codes: list[int] = self.page.evaluate("closes")
        return codes

    def welcomes(self) -> int:
        """How often the page has been let in, on all its connections."""
        return [frame["type"] for frame in self.heard].count("welcome")

    # --- what there is to see -----------------------------------------------------

    def button(self, name: str) -> Locator:
        """A button by all of its name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, label: str) -> Locator:
        """A field of a form by all of its label."""
        return self.page.get_by_label(label, exact=True)

    @property
    def rooms(self) -> Locator:
        """The first column."""
        return self.page.get_by_role("navigation", name="Rooms")

    def room(self, name: str) -> Locator:
        """The entry of a room, or of somebody, in the first column."""
        return self.rooms.get_by_role("link").filter(
            has=self.page.get_by_text(name, exact=True)
        )

    def begin_room(self) -> None:
        """Unfold what makes a room, below the list of those that there are.

        Not before all of that is there: it moves what is below, and a press that ends
        where it did not begin is none.
        """
        self.button("Find or create a room").click()
        listed = self.page.locator("ul.directory")
        expect(listed).to_have_attribute("aria-busy", "false")
        self.page.get_by_text("Create a room", exact=True).click()

    def enter(self, name: str) -> None:
        """Open a room that one is in."""
        self.room(name).click()
        expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()

    @property
    def log(self) -> Locator:
        """The messages of the room that is open."""
        return self.page.get_by_role("log")

    @property
    def texts(self) -> Locator:
        """What the messages that are stored say."""
        return self.log.locator("[data-seq] .text")

    @property
    def waiting(self) -> Locator:
        """The messages that are not stored yet."""
        return self.log.locator("[data-cid]")

    def message(self, text: str) -> Locator:
        """The messages with a text, stored or not."""
        return self.log.get_by_role("listitem").filter(
            has=self.page.get_by_text(text, exact=True)
        )

    @property
    def box(self) -> Locator:
        """Where one writes."""
        return self.page.get_by_role("textbox", name=re.compile("^Message "))

    @property
    def online(self) -> Locator:
        """How many are said to be online."""
        return self.page.locator("section > header").get_by_text(
            re.compile(r"^\d+ online$")
        )

    @property
    def strip(self) -> Locator:
        """The line under the header, which tells what the connection is doing."""
        return self.page.locator("section > [role=status]")

    @property
    def people(self) -> Locator:
        """The third column."""
        return self.page.get_by_role("region", name="People")

    # --- what one does ------------------------------------------------------------

    def say(self, text: str) -> None:
        """Type a text and press Enter."""
        self.box.fill(text)
        self.box.press("Enter")

    def sees(self, *texts: str) -> None:
        """Wait until these are all the messages, in this order, each of them stored."""
        expect(self.texts).to_have_text(list(texts))
        expect(self.waiting).to_have_count(0)

    def expects_losses(self) -> None:
        """Take what the browser says of lost connections as no complaint."""
        self.expected.append(NO_CONNECTION)

    def is_offline(self) -> None:
        """Wait until the page says that there is no connection, as there is none."""
        self.expects_losses()
        expect(self.strip).to_contain_text(re.compile("You are offline|Connecting"))

    def is_back(self) -> None:
        """Wait until the page has nothing to say of its connection."""
        expect(self.strip).to_be_empty()

    def hears(self, **wanted: Any) -> None:
        """Wait until the daemon sends a frame with these fields."""
        self.sockets[-1].wait_for_event(
            "framereceived", lambda text: wanted.items() <= json.loads(text).items()
        )


class Come(Protocol):
    """Brings somebody before a browser."""

    def __call__(self, name: str = "", url: str = "", **options: Any) -> Person:
        """Open a browser, and log in whoever is named.

        Args:
            name: Of an account, which then is in the lobby; "": nothing is opened.
            url: Where the page is, if not at the daemon itself.
            options: Of the browser's context.
        """


@contextmanager
def people(browser: Browser, daemon: Daemon) -> Iterator[Come]:
    """Bring people before browsers; none may have seen it complain in the end."""
    found: list[Person] = []

    def come(name: str = "", url: str = "", **options: Any) -> Person:
        context = browser.new_context(**{"locale": "en-GB", **options})
        one = Person(context, url or daemon.url)
        found.append(one)
        if name:
            one.log_in(name)
            one.enter("lobby")
        return one

    try:
        yield come
        unexpected = [line for one in found for line in one.unexpected()]
        assert unexpected == [], unexpected
    finally:
        for one in found:
            one.context.close()
