"""Make the pictures of the README again: `make screenshots`.

A team on one afternoon, as ann sees it; every word is said over the protocol, by the
people who are shown saying it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.web.page.conftest import CHROMIUM
from tests.web.page.daemon import PASSWORD, Daemon, running
from tests.web.page.person import Come, Person, people
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
HEBREW_AND_ARABIC = {"ann": "ענת כהן", "bob": "בועז לוי", "cy": "باسم"}
DESK = ViewportSize(width=1100, height=700)
PHONE = ViewportSize(width=390, height=760)

Team = dict[str, Program]
Scene = Callable[[Team, Person], None]
"""What is said, and where in it she is."""


def gather(daemon: Daemon, present: ExitStack, called: Mapping[str, str]) -> Team:
    """Let the team come in, as they are called and where they belong."""
    daemon.add("root", "admin")
    team = {}
    for name, display in called.items():
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


def talk(team: Team) -> int:
    """Say what ann has read when the pictures are made; returns what has a thread."""
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
    for name, one in team.items():
        one.ask(type="react", room="release", of=ran, emoji="🎉", cid=f"party {name}")
    cy.ask(type="react", room="release", of=ran, emoji="👀", cid="eyes")
    index = bob.send(
        "release",
        "One thing: the old index is still there. I would drop it *after* the release.",
    )
    code = (
        "```sh\nchatd backup /var/backups/chatd --keep 7\nsystemctl reload chatd\n```"
    )
    text = f"Agreed. @ann can you run this once before noon?\n{code}"
    asked = cy.send("release", text, reply_to=index)
    for who, text in (
        (bob, "On the small machine, too?"),
        (cy, "Only there."),
        (ann, "Running. `--keep 7` is a week then, good."),
        (bob, "I look at the size while you are at it 👍"),
    ):
        who.reply("release", asked, text)
    ann.send("release", "Done, 1.3 GB, verified.")
    ann.ask(type="send", to="bob", text="Thanks for the index.", cid="direct")
    return asked


def go_on(team: Team) -> None:
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
        "Notes are up: https://northwind.example/notes/0.2 — שלום to the new people 👋",
        "The mail is out, too.",
    )
    cy.ask(type="status", state="away", text="lunch", id=1)


def write(team: Team, ann: Person) -> None:
    """Let both others be at it, once all is there that is loaded a moment later."""
    if ann.page.viewport_size != PHONE and not ann.page.locator(".thread").count():
        expect(ann.people.get_by_text("you")).to_be_visible()
    expect(ann.button("Copy code").first).to_be_visible()
    expect(ann.page.locator("pre .token").first).to_be_visible()
    for writer in ("bob", "cy"):
        team[writer].ask(type="typing", room="release", id=1)
    expect(ann.page.get_by_text("are typing…")).to_be_visible()


def a_room(team: Team, ann: Person) -> None:
    """One room, and what can be done with a message of it."""
    talk(team)
    go_on(team)
    ann.log_in("ann")
    if ann.page.viewport_size != PHONE:
        ann.enter("lobby")
    ann.enter("release")
    expect(ann.log.get_by_text("The mail is out")).to_be_visible()
    # Not the first that is new: its tools would lie over the line that says so.
    if ann.page.viewport_size != PHONE:
        ann.log.locator("[data-seq]").last.hover()
    write(team, ann)


def a_busy_room(team: Team, ann: Person) -> None:
    """Much at once: a thread beside the room, and what came while she reads."""
    bob, cy = team["bob"], team["cy"]
    of = talk(team)
    go_on(team)
    ann.log_in("ann")
    ann.enter("release")
    ann.page.locator(f"[data-seq='{of}'] .replies").click()
    beside = ann.page.get_by_role("region", name="Thread in release")
    expect(beside.get_by_text("I look at the size")).to_be_visible()
    log = ann.page.get_by_role("log", name="Messages in release")
    log.hover()
    ann.page.mouse.wheel(0, -120)
    expect(ann.button("To the latest").first).to_be_visible()
    cy.send("release", "Back. I take the mail to the lists.", "Draft is up.")
    bob.send("release", "Read it, two commas, else good.")
    expect(ann.button("3 new")).to_be_visible()
    ann.page.mouse.move(0, 0)
    write(team, ann)


def right_to_left(team: Team, ann: Person) -> None:
    """Names and texts in both directions, side by side."""
    said = (
        ("cy", "صباح الخير"),
        ("bob", "בוקר טוב 👋"),
        ("bob", "גרסה 0.2 מוכנה: https://northwind.example/notes/0.2"),
        ("ann", "תודה רבה! הקומקום רותח, אני בדרך עם עוגה"),
        ("cy", "أي كعكة؟"),
        ("bob", "Chocolate, I hope — `make release` takes four minutes anyway."),
    )
    for who, text in said:
        team[who].send("release", text)
    first = team["cy"].ask(type="history", room="release")["messages"][0]["seq"]
    for who in ("ann", "bob"):
        team[who].ask(type="react", room="release", of=first, emoji="☀️", cid="sun")
    team["cy"].send(
        "release",
        "@ann أنا في الطريق\n```sh\nchatd backup /var/backups/chatd --keep 7\n```",
        reply_to=first + 3,
    )
    team["ann"].send("release", "מצוין")
    ann.log_in("ann")
    ann.enter("release")
    write(team, ann)


def an_empty_room(team: Team, ann: Person) -> None:
    """Nothing was said yet."""
    team["ann"].ask(type="join", room="offsite")
    team["ann"].ask(type="room", room="offsite", topic="Where to, and when?")
    ann.log_in("ann")
    ann.enter("offsite")
    expect(ann.log.get_by_role("heading", name="This is where")).to_be_visible()


def a_first_run(come: Come, daemon: Daemon, size: ViewportSize) -> Person:
    """Whoever follows the link that the daemon has printed."""
    ann = come(viewport=size)
    link = (daemon.data / "setup-link").read_text().strip()
    ann.visit(link[link.index("#") :])
    ann.field("Name of the place").fill("northwind")
    ann.field("Name").fill("ann")
    ann.field("Display name").fill("Ann A.")
    ann.field("Password").fill(PASSWORD)
    return ann


def keep(one: Person, name: str) -> None:
    """Make the picture of what somebody has before him."""
    one.page.screenshot(
        path=PICTURES / f"{name}.png", animations="disabled", caret="hide"
    )


def paint(
    browser: Browser,
    name: str,
    scene: Scene,
    size: ViewportSize = DESK,
    theme: str = "light",
    called: Mapping[str, str] = TEAM,
) -> None:
    """Make one picture, on a place of its own: what was read once is not new again."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), more=ROOMS, grace_s=60) as daemon,
        ExitStack() as present,
        people(browser, daemon) as come,
    ):
        team = gather(daemon, present, called)
        ann = come(viewport=size, color_scheme=theme, has_touch=size is PHONE)
        scene(team, ann)
        keep(ann, name)


def begin(browser: Browser, name: str, size: ViewportSize) -> None:
    """Make the picture of a place that is nobody's yet."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), names=(), registration="closed") as daemon,
        people(browser, daemon) as come,
    ):
        keep(a_first_run(come, daemon, size), name)


def main(*wanted: str) -> None:
    """Make all of them, or those that are named."""
    PICTURES.mkdir(exist_ok=True)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=options) as browser,
    ):
        pictures: dict[str, Callable[[str], None]] = {
            "light": lambda name: paint(browser, name, a_room),
            "dark": lambda name: paint(browser, name, a_room, theme="dark"),
            "busy": lambda name: paint(browser, name, a_busy_room),
            "right-to-left": lambda name: paint(
                browser, name, right_to_left, called=HEBREW_AND_ARABIC
            ),
            "phone": lambda name: paint(browser, name, a_room, size=PHONE),
            "empty": lambda name: paint(browser, name, an_empty_room, size=PHONE),
            "first-run": lambda name: begin(browser, name, PHONE),
        }
        for name in wanted or pictures:
            pictures[name](name)


if __name__ == "__main__":
    main(*sys.argv[1:])
