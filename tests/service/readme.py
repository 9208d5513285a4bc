"""The README's operator part, typed line by line on a machine that has booted.

The lines are read from the README: all commands of all sections from `As a service` to
`Read on`, and those of `Configuration` behind the installation. Each is typed as it is
shown, by somebody in a checkout, and has to succeed; what it names that only a run can
know is put in (`Tour.typed`). Before and behind a line that needs it stands a method of
`Tour`. What is not typed here is in `NOT_HERE` with its reason, so a new line is typed
from its first day.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from tests.service.look import DATA, SERVICE, headline, holds, is_ready
from tests.service.machine import PATIENCE_S, Machine
from tests.service.talk import PASSWORD

ROOT = Path(__file__).parents[2]
HERE = "root/chatd"
"""The checkout on the machine."""
CONFIG = "/etc/chatd/chatd.toml"
URL = "ws://127.0.0.1:8765/ws"
NOT_HERE = {
    "make deb": "make test-service has just made it",
    "make manual": "it is part of what make deb makes",
    "chatd serve -c chatd.toml": "it goes on, and the service does the same",
    "chatd top": "it goes on until somebody leaves it",
    "sudo systemctl reload fail2ban": "fail2ban is not here; its filter has a test",
    "pip install 'chatd[postgres]'": "Debian's package has it",
    "pip install 'chatd[cluster]'": "the same",
}
"""Lines that are not typed, each with its reason."""
DATABASE = "postgresql://chatd@/chatd?host=/var/run/postgresql"
MIGRATE = (
    "sudo systemd-run --pty -p DynamicUser=yes -p User=chatd -p StateDirectory=chatd"
    " chatd migrate "
)
UPGRADE = "Upgrade"
"""The section that is typed behind an upgrade."""
BY_HAND = "sudo python3 -m venv /opt/chatd"
"""Where the other way of installing begins, which is a machine of its own."""
COPY = re.compile(r"(/var/lib/chatd\S*/chatd[-.][a-z]*)\S*Z\.db")
"""A copy whose name has its moment in it."""
COMMANDS = re.compile(
    r"^    ((?:sudo|chatd|make|pip|podman|\(umask) .*?)(?:   +.*)?$", re.MULTILINE
)


@attrs.frozen
class Line:
    """A command of the README."""

    section: str
    text: str


def operator_lines(readme: str) -> Iterator[Line]:
    """All that the README has an operator type, the installation first."""
    sections = re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", readme, re.MULTILINE)
    names = [name for name, _ in sections]
    first, end = names.index("As a service"), names.index("Read on")
    configuration = sections[names.index("Configuration")]
    for name, text in [sections[first], configuration, *sections[first + 1 : end]]:
        for command in COMMANDS.findall(text):
            yield Line(name, command)


def go_back(machine: Machine) -> None:
    """Type the way back from an upgrade."""
    lines = operator_lines((ROOT / "README.md").read_text())
    with ExitStack() as people:
        tour = Tour(machine, people, directory="/root")
        tour.follow([line for line in lines if line.section == UPGRADE])


def by_hand(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """Cut out the other way to install, which is for a machine without the package."""
    install = lines[0].section
    first = next(index for index, line in enumerate(lines) if line.text == BY_HAND)
    end = first + sum(line.section == install for line in lines[first:])
    return lines[:first] + lines[end:], lines[first:end]


@contextmanager
def connected(machine: Machine, name: str, room: str) -> Iterator[None]:
    """Have somebody with an account be in a room for a block, if he is let."""
    client = [sys.executable, "-m", "chatd", "connect", URL, "--room", room]
    with subprocess.Popen(
        [*machine.inside("--net"), *client, "--name", name, "--password", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{PASSWORD}\n")
        process.stdin.flush()
        joined = any('"caught_up"' in line for line in process.stdout)
        holds(f"{name} is in {room}", so=joined)
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@attrs.define
class Tour:
    """Somebody who reads the README and types what it says."""

    machine: Machine
    people: ExitStack
    """Who is connected meanwhile."""
    directory: str = f"/{HERE}"
    before: dict[str, Callable[[], None]] = attrs.field(init=False)
    """What has to be so when a line that begins so is typed."""
    behind: dict[str, Callable[[str], None]] = attrs.field(init=False)
    """What is looked at when it was, with what it has said."""

    def __attrs_post_init__(self) -> None:
        """Say where somebody has to do or to look at more."""
        self.before = {
            "sudo systemctl reload chatd": self.change,
            "sudo install -m 644 contrib/fail2ban/filter": self.have_fail2ban,
            "chatd who": lambda: self.welcome("bob"),
            "chatd kick": lambda: self.welcome("bob"),
            "chatd kick bob --room tea": self.open_rooms,
            "chatd backup": self.have_data_here,
            "pip install --constraint": self.go_to_wheels,
            "sudo -u postgres createuser": self.have_postgresql,
            MIGRATE: self.stop,
        }
        self.behind = {
            "sudo cat": self.look_at_link,
            "sudo systemctl reload chatd": self.look_at_reload,
            "chatd status": lambda said: holds("it says so", so="ready" in said),
            "chatd who bob": lambda said: holds("he is there", so="bob" in said),
            "chatd kick": lambda said: holds(said.strip(), so=bool(said)),
            "chatd drain": self.look_at_next_start,
            "sudo systemctl enable --now chatd-backup.timer": self.have_night,
            "sudo systemctl start chatd.socket": self.look_at_next_start,
            "sudo systemctl enable --now chatd.socket": self.look_at_next_start,
            MIGRATE: self.look_at_move,
        }

    def follow(self, lines: list[Line]) -> None:
        """Type lines, one after the other."""
        section = ""
        for line in lines:
            if line.section != section:
                section = line.section
                headline(f"README, {section}")
            why = NOT_HERE.get(line.text)
            if line.text.startswith("podman"):
                why = "there is none; make test-container runs the image"
            if why is not None:
                holds(f"not typed: {line.text} ({why})", so=True)
                continue
            self._prepare(line.text)
            command = self.typed(line)
            told = "y\n" if " apt " in command else f"{PASSWORD}\n"
            cd = f"cd {self.directory} && {command}"
            if "--pty" in command:
                said = self.machine.typed(cd)
            else:
                said = self.machine.run("bash", "-c", cd, told=told)
            holds(command, so=True)
            for begins, look in self.behind.items():
                if line.text.startswith(begins):
                    look(said)

    def _prepare(self, text: str) -> None:
        for begins, prepare in self.before.items():
            if text.startswith(begins):
                prepare()

    def typed(self, line: Line) -> str:
        """Put in what a reader puts in: where the service is, and numbers and names."""
        text = line.text
        if line.section == "Watching it" and text.startswith("chatd "):
            text = f"sudo {text} -c {CONFIG}"
        if "--connection 17" in text:
            said = self.machine.run("chatd", "who", "--json", "-c", CONFIG)
            number = json.loads(said.splitlines()[0])["connection"]
            text = text.replace("17", str(number))
        return COPY.sub(self._newest, text)

    def _newest(self, shown: re.Match[str]) -> str:
        """The newest file in the place of one that is shown."""
        newest = f"ls --sort=time {shown[1]}*.db"
        return self.machine.run("bash", "-c", newest).split()[0]

    def welcome(self, name: str) -> None:
        """Have somebody connected, unless he is."""
        said = self.machine.run("chatd", "who", name, "--json", "-c", CONFIG)
        if not said:
            self.people.enter_context(connected(self.machine, name, "lobby"))

    def open_rooms(self) -> None:
        """Make the rooms that are named, with bob in one of them."""
        for room in ("tea", "dev"):
            self.machine.run("chatd", "room", "create", room, "-c", CONFIG)
        self.people.enter_context(connected(self.machine, "bob", "tea"))

    def change(self) -> None:
        """Change the settings: a team's name is not that of the sample."""
        file = self.machine.root / CONFIG[1:]
        text = file.read_text()
        sample = 'public_url = "https://chat.example.org"'
        assert sample in text
        own = 'public_url = "http://127.0.0.1:8765"'
        file.write_text(text.replace(sample, own))

    def look_at_reload(self, _: str) -> None:
        """The log says what has changed; nothing was started anew."""
        log = self.machine.run("journalctl", "-u", SERVICE, "-o", "cat")
        (found,) = re.findall(r"^info +reloaded\b.*\bchanged=(\S+)", log, re.MULTILINE)
        holds(
            f"the log says what has changed: {found}", so=found == "server.public_url"
        )

    def look_at_link(self, said: str) -> None:
        """The link is one."""
        holds("it shows the link", so="#setup=" in said)

    def look_at_next_start(self, _: str) -> None:
        """Whoever asks is answered, at once or by a start."""
        holds("who comes is served", so=is_ready(self.machine))

    def have_fail2ban(self) -> None:
        """Make the directories that fail2ban's package has."""
        for kind in ("filter.d", "jail.d"):
            (self.machine.root / "etc/fail2ban" / kind).mkdir(parents=True)

    def have_night(self, _: str) -> None:
        """Have done what a timer starts at night."""
        self.machine.run("systemctl", "start", "chatd-backup.service")

    def have_data_here(self) -> None:
        """Let the service's data be where a daemon without a file has them."""
        there = self.machine.root / HERE
        if not (there / "data").is_symlink():
            (there / "data").symlink_to(DATA)
            (there / "copies").mkdir()

    def have_postgresql(self) -> None:
        """Run a PostgreSQL, as it is in Debian."""
        self.machine.run("apt-get", "install", "-y", "postgresql")

    def stop(self) -> None:
        """Stop the service as for an upgrade."""
        self.machine.run("systemctl", "stop", "chatd.socket", SERVICE)

    def look_at_move(self, said: str) -> None:
        """Do what the command says comes next, and find all where it went."""
        compared = re.search(r"has all \d+ rows of .* compared; now", said)
        holds("all of it was compared", so=compared is not None)
        where, file = f'[store]\nurl = "{DATABASE}"\n', self.machine.root / CONFIG[1:]
        text, is_back = file.read_text(), "now remove store.url" in said
        old, new = (where, "[store]\n") if is_back else ("[store]\n", where)
        assert old in text
        file.write_text(text.replace(old, new))
        self.machine.run("systemctl", "start", "chatd.socket", SERVICE)
        self.look_at_next_start("")
        status = self.machine.run("sudo", "chatd", "status", "-c", CONFIG)
        kept = "store          " + (DATA if is_back else "the database chatd")
        holds("it is served from there", so=kept in status)
        listed = self.machine.run("sudo", "chatd", "user", "list", "-c", CONFIG)
        holds("bob has moved, too", so="bob" in listed)

    def go_to_wheels(self) -> None:
        """Go where `make wheel` has put them, with that pip first that is there."""
        self.directory = f"/{HERE}/dist && PATH=/opt/chatd/bin:$PATH"


def check_out(machine: Machine, package: Path, wheels: Path) -> None:
    """Put what git has, and what was built, where somebody has a checkout."""
    there = machine.root / HERE
    names = ("-c", "-o", "--exclude-standard", "-z")
    files = subprocess.run(
        ["git", "ls-files", *names], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, there / name)
    shutil.copytree(package.parent, there / "dist")
    # There is no network but its own: what pip would download lies here.
    shutil.copytree(wheels, machine.root / "srv/wheels")
    conf = "[global]\nno-index = true\nfind-links = /srv/wheels\n"
    (machine.root / "etc/pip.conf").write_text(conf)


def follow_readme(machine: Machine, package: Path, wheels: Path) -> None:
    """Do all that the README's operator part shows.

    Args:
        machine: A bare one.
        package: That of `make deb`, beside the wheel and its lock.
        wheels: What pip would download.
    """
    check_out(machine, package, wheels)
    shown = operator_lines((ROOT / "README.md").read_text())
    lines, others = by_hand([line for line in shown if line.section != UPGRADE])
    installation = sum(line.section == lines[0].section for line in lines)
    with ExitStack() as people:
        tour = Tour(machine, people)
        tour.follow(lines[:installation])
        machine.run("chatd", "user", "add", "bob", "-c", CONFIG, told=f"{PASSWORD}\n")
        tour.follow(lines[installation:])
    left = machine.run("bash", "-c", f"ls -d {DATA} {CONFIG} 2>&1 || :")
    holds("nothing is left", so=left.count("No such file") == 2)
    with ExitStack() as people:
        Tour(machine, people).follow(others)
