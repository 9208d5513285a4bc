"""Make the pictures of the terminal again: `make screenshots`.

A team on one afternoon, as its operator and ann see it: a real daemon, people who talk
from addresses of their own, and each command on a pseudo-terminal of 80 columns.

It runs as root of a namespace of its own, where the directory, the port and the
addresses are free and those that a reader would have.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from threading import Event, Thread

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from websockets.sync.client import connect

from tests.cli.talk.tty import PATIENCE_S, ROOT, Tty
from tests.web.page.program import Program

PICTURES = ROOT / "contrib" / "screenshots"
HERE = Path("/srv/chatd")
"""Where all of it is: on a file system of its own, over a directory that is empty."""
COLUMNS = 80
PASSWORD = "correct horse"
PEOPLE = {
    "ann": ("192.0.2.7", "Firefox on Linux"),
    "bob": ("192.0.2.19", "chatd.mjs"),
    "cy": ("198.51.100.4", "Safari on iOS"),
}
"""Who is there, from where, and with what."""
CONFIG = """\
[server]
listen = ["127.0.0.1:8765"]
public_url = "http://127.0.0.1:8765"
[store]
path = "/srv/chatd/data"
[metrics]
listen = ["127.0.0.1:9765"]
[limits]
messages_per_s = 0
[[rooms.permanent]]
name = "lobby"
topic = "Say hello"
[[rooms.permanent]]
name = "release"
topic = "0.2 on Thursday"
[[rooms.permanent]]
name = "support"
"""
URL = "ws://127.0.0.1:8765/ws"

# --- what is drawn ------------------------------------------------------------------

DARK = TerminalTheme(
    background=(23, 26, 33),
    foreground=(215, 218, 224),
    normal=[
        *((59, 64, 72), (240, 113, 120), (152, 195, 121), (229, 192, 123)),
        *((108, 178, 247), (199, 146, 234), (86, 182, 194), (215, 218, 224)),
    ],
    bright=[
        *((127, 135, 148), (240, 113, 120), (152, 195, 121), (229, 192, 123)),
        *((108, 178, 247), (199, 146, 234), (86, 182, 194), (255, 255, 255)),
    ],
)
FORMAT = """\
<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}"
  xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font: {char_height}px "DejaVu Sans Mono", Menlo, Consolas, monospace;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})"
  clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""As rich's own, which would load a font from elsewhere."""
NAMED = {"brown": "yellow", "default": "default"}
"""Colours that pyte calls otherwise than rich."""


def keep(name: str, command: str, tty: Tty) -> None:
    """Make the picture of a screen, below what was typed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(f"[green]$[/] [b]{command}[/]", highlight=False)
    for y in range(_height(tty.screen)):
        console.print(_row(tty.screen, y), no_wrap=True, crop=True)
    svg = console.export_svg(title="", theme=DARK, code_format=FORMAT, unique_id=name)
    (PICTURES / f"terminal-{name}.svg").write_text(svg)


def _height(screen: pyte.Screen) -> int:
    """How many rows there are, without the empty ones below."""
    filled = [y for y, row in enumerate(screen.display) if row.strip()]
    return filled[-1] + 1 if filled else 0


def _row(screen: pyte.Screen, y: int) -> Text:
    """A row of a screen; what is wide has an empty place behind it."""
    row = Text()
    chars = (screen.buffer[y][x] for x in range(screen.columns))
    for style, alike in groupby(chars, _style):
        row.append("".join(char.data for char in alike), style)
    row.rstrip()
    return row


def _style(char: Char) -> Style:
    return Style(
        color=_colour(char.fg),
        bgcolor=_colour(char.bg),
        bold=char.bold,
        italic=char.italics,
        reverse=char.reverse,
    )


def _colour(called: str) -> str:
    """A colour of pyte's as rich calls it."""
    if re.fullmatch("[0-9a-f]{6}", called):
        return f"#{called}"
    return NAMED.get(called, called.replace("bright", "bright_"))


# --- the place ----------------------------------------------------------------------


def settle() -> None:
    """Have a directory and a network of one's own."""
    if os.getuid() != 0 or Path("/proc/self/uid_map").read_text().split()[2] != "1":
        sys.exit("run it by `make screenshots`: it needs a namespace of its own")
    subprocess.run(["mount", "-t", "tmpfs", "none", HERE.parent], check=True)
    HERE.mkdir(mode=0o700)
    (HERE / "chatd.toml").write_text(CONFIG)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _change(control, SIOCSIFFLAGS, "lo", struct.pack("h", IFF_UP))
        for number, (address, _) in enumerate(PEOPLE.values()):
            given = struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(address))
            _change(control, SIOCSIFADDR, f"lo:{number}", given)


SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 0x1
"""Source: netdevice(7), linux/sockios.h."""


def _change(control: socket.socket, what: int, interface: str, value: bytes) -> None:
    fcntl.ioctl(control, what, struct.pack("16s24s", interface.encode(), value))


def chatd(*words: str, told: str = "") -> str:
    """Do what a command does, and return what it prints."""
    command = (sys.executable, "-m", "chatd", *words)
    done = subprocess.run(
        command,
        input=told,
        capture_output=True,
        text=True,
        cwd=HERE,
        env=ENVIRON,
        check=True,
    )
    return done.stdout


ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@contextmanager
def serving() -> Iterator[None]:
    """Have the daemon, and the people whom it knows."""
    for name in PEOPLE:
        chatd("user", "add", name, "-c", "chatd.toml", told=f"{PASSWORD}\n")
    command = (sys.executable, "-m", "chatd", "serve", "-c", "chatd.toml")
    with subprocess.Popen(
        command,
        cwd=HERE,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as daemon:
        assert daemon.stdout is not None
        assert any(line.startswith("try: ") for line in daemon.stdout)
        yield
        daemon.terminate()
        daemon.stdout.read()


@contextmanager
def come(name: str) -> Iterator[Program]:
    """Let somebody in, from where he is."""
    address, device = PEOPLE[name]
    with connect(URL, source_address=(address, 0), ping_interval=None) as ws:
        one = Program(ws)
        one.ask(type="hello", name=name, password=PASSWORD, device=device)
        one.ask(type="join", room="lobby")
        one.ask(type="join", room="release")
        yield one


@contextmanager
def talking(one: Program, room: str, pause_s: float) -> Iterator[None]:
    """Have somebody go on saying things while the block runs."""
    over = Event()

    def talk() -> None:
        while not over.wait(pause_s):
            one.send(room, "Row by row, it is moved.")

    thread = Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE_S)


# --- what is seen -------------------------------------------------------------------


@contextmanager
def terminal(words: Sequence[str], rows: int = 40) -> Iterator[Tty]:
    """Have a command on a terminal."""
    command = (sys.executable, "-m", "chatd", *words)
    tty = Tty(command, COLUMNS, rows, HERE, ENVIRON)
    try:
        yield tty
    finally:
        tty.close()


def once(*words: str) -> None:
    """Show a command that ends."""
    with terminal(words) as tty:
        tty.end()
        keep(words[0], f"chatd {' '.join(words)}", tty)


def watched() -> None:
    """Show `chatd top` when it has looked twice."""
    words = ("top", "-c", "chatd.toml")
    with terminal(words, 16) as tty:
        tty.until("ROOM", "CONNECTION")
        keep("top", f"chatd {' '.join(words)}", tty)


def spoken(bob: Program, cy: Program) -> None:
    """Show ann's terminal in the middle of a conversation."""
    token = HERE / "ann.token"
    token.write_text(chatd("token", "issue", "ann", "-c", "chatd.toml"))
    words = ("connect", URL, "--token-file", "ann.token", "--room", "release")
    with terminal(words, 16) as ann:
        ann.prompted("[release]", "online")
        ran = bob.send(
            "release", "Migrations ran on staging, 2.1 million rows in 48 s."
        )
        cy.ask(type="react", room="release", of=ran, emoji="\N{PARTY POPPER}", cid="1")
        cy.send("release", "@ann can you run the backup once before noon?")
        ann.until("before noon?")
        ann.type("Running.\r")
        ann.prompted("[release]", "ann: Running.")
        cy.send("support", "The printer again.", "And the other one.")
        bob.ask(type="send", to="ann", text="Thanks for the index.", cid="2")
        ann.until("Thanks for the index.", "support 2")
        ann.type("Done, 1.3 GB, ver")
        ann.until("Done, 1.3 GB, ver")
        keep("connect", f"chatd {' '.join(words[:4])} …", ann)


def main() -> None:
    """Make all of them."""
    settle()
    with serving(), ExitStack() as present:
        ann, bob, cy = (present.enter_context(come(name)) for name in PEOPLE)
        bob.ask(type="join", room="support")
        cy.ask(type="join", room="support")
        ann.ask(type="join", room="support")
        cy.send("release", "Good morning. The changelog is done.")
        ann.send("release", "And I have begun the notes.")
        (HERE / "copies").mkdir()
        chatd("backup", "--keep", "7", "copies", "-c", "chatd.toml")
        with talking(cy, "lobby", 0.5), talking(bob, "lobby", 0.05):
            watched()
            once("who", "-c", "chatd.toml")
            once("status", "-c", "chatd.toml")
        once("doctor", "-c", "chatd.toml")
        spoken(bob, cy)


if __name__ == "__main__":
    main()
