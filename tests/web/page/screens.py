"""Make the pictures of the README again: `make screenshots`.

A team on one afternoon, as ann sees it; every word is said over the protocol, by the
people who are shown saying it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.web.page.conftest import CHROMIUM
from tests.web.page.daemon import Daemon, running
from tests.web.page.person import people
from tests.web.page.program import Program, program

PICTURES = Path(__file__).parents[3] / "contrib" / "screenshots"

ROOMS = """
[[rooms.permanent]]
name = "release"
topic = "0.2 on Thursday · freeze today at noon"
[[rooms.permanent]]
name = "support"
[[rooms.permanent]]
name = "design"
"""

TEAM = {"ann": "Ann A.", "bob": "Bob B.", "cy": ""}
DESK = ViewportSize(width=1100, height=700)
PHONE = ViewportSize(width=390, height=760)


def gather(daemon: Daemon, present: ExitStack) -> dict[str, Program]:
    """Let the team come in, as they are called and where they belong."""
    daemon.add("root", "admin")
    team = {}
    for name, display in TEAM.items():
        rooms = ["lobby", "release", "support", "design"]
        one = team[name] = present.enter_context(program(daemon, name, *rooms))
        if display:
            one.ask(type="profile", display=display)
    root = present.enter_context(program(daemon, "root", "release"))
    root.ask(type="place", name="northwind")
    root.ask(type="role", room="release", user="ann", role="owner")
    root.ask(type="role", room="release", user="bob", role="moderator")
    root.ask(type="leave", room="release")
    den = team["ann"].ask(type="create", private=True, title="The den", cid="den")
    team["ann"].ask(type="join", room=den["room"])
    return team


def talk(team: dict[str, Program]) -> None:
    """Say what ann has read when the pictures are made."""
    ann, bob, cy = team["ann"], team["bob"], team["cy"]
    bob.send("lobby", "Good morning.")
    ann.send("support", "The queue is empty.")
    ann.send("design", "New icons are in.")
    cy.send("release", "The changelog is done, too. Who writes the notes?")
    ann.send(
        "release", "I have begun them: *what is new*, *what to do first*, and thanks."
    )
    ran = bob.send(
        "release",
        "Migrations ran on staging. 2.1 million rows in 48 s, nobody noticed.",
    )
    for name in TEAM:
        team[name].ask(
            type="react", room="release", of=ran, emoji="🎉", cid=f"party {name}"
        )
    cy.ask(type="react", room="release", of=ran, emoji="👀", cid="eyes")
    index = bob.send(
        "release",
        "One thing: the old index is still there. I would drop it *after* the release.",
    )
    code = "```\nchatd backup /var/backups/chatd --keep 7\nsystemctl reload chatd\n```"
    text = f"Agreed. @ann can you run this once before noon?\n{code}"
    cy.ask(type="send", room="release", text=text, reply_to=index, cid="code")
    ann.send("release", "Done, 1.3 GB, verified.")
    ann.ask(type="send", to="bob", text="Thanks for the index.", cid="direct")


def go_on(team: dict[str, Program]) -> None:
    """Say what she has not."""
    bob, cy = team["bob"], team["cy"]
    for number in range(14):
        cy.ask(
            type="send",
            room="design",
            text=f"Sketch {number + 1}",
            cid=f"sketch {number}",
        )
    bob.send("support", "@ann the printer again", "@ann and the other one")
    cy.ask(type="send", to="ann", text="Lunch?", cid="lunch")
    bob.send(
        "release",
        "Notes are up: https://northwind.example/notes/0.2"
        " — שלום to the new people in here 👋",
    )
    cy.ask(type="status", state="away", text="lunch", id=1)


def paint(browser: Browser, name: str, size: ViewportSize, theme: str) -> None:
    """Make one picture, on a place of its own: what was read once is not new again."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), more=ROOMS, grace_s=60) as daemon,
        ExitStack() as present,
        people(browser, daemon) as come,
    ):
        team = gather(daemon, present)
        talk(team)
        go_on(team)
        is_phone = size is PHONE
        ann = come(viewport=size, color_scheme=theme, has_touch=is_phone)
        ann.log_in("ann")
        if not is_phone:
            ann.enter("lobby")
        ann.enter("release")
        expect(ann.log.get_by_text("Notes are up")).to_be_visible()
        if not is_phone:
            ann.message("Agreed. @ann can you run this once before noon?").hover()
        for writer in ("bob", "cy"):
            team[writer].ask(type="typing", room="release", id=1)
        expect(ann.page.get_by_text("are typing…")).to_be_visible()
        path = PICTURES / f"{name}.png"
        ann.page.screenshot(path=path, animations="disabled", caret="hide")


def main() -> None:
    """Make all of them."""
    PICTURES.mkdir(exist_ok=True)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=options) as browser,
    ):
        paint(browser, "light", DESK, "light")
        paint(browser, "dark", DESK, "dark")
        paint(browser, "phone", PHONE, "light")


if __name__ == "__main__":
    main()
