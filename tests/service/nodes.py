"""Three nodes on one machine, as contrib/cluster/README.md has an operator make them.

All commands are read from there, from *On machines of their own* on, and typed as they
are shown; the machine has all addresses of the samples. What one daemon had before, in
its file of SQLite, moves to PostgreSQL on the way, and back in the end.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.service.look import PORT, headline, holds, people_talking, written
from tests.service.machine import Machine
from tests.service.readme import CONFIG, HERE, ROOT, check_out
from tests.service.talk import PASSWORD

README = ROOT / "contrib" / "cluster" / "README.md"
ADDRESSES = ("10.0.87.11", "10.0.87.20", "10.0.87.30")
"""A node, PostgreSQL, Valkey. Where a standby would be nobody is."""
NODES = tuple(f"chatd@{port}" for port in (PORT, PORT + 1, PORT + 2))
WHERE = ("-c", CONFIG, "--data", f"/var/lib/chatd-{PORT}")
ONE, OTHER, THIRD = (f"ws://10.0.87.11:{PORT + n}/ws" for n in range(3))
LINES_MAX = 80
"""In the journal of a node, for all that is done to it here."""
COMMANDS = re.compile(r"^ {4,}((?:sudo|echo|\(umask) .*)$", re.MULTILINE)


def shown(begin: str, end: str) -> list[str]:
    """What a part of the README has an operator type."""
    text = README.read_text() + "\n## "
    text = text[text.index(begin) :]
    return COMMANDS.findall(text[: text.index(end)])


def last(said: str) -> str:
    """What a command has said in the end, where a terminal was between."""
    return f"it {said[said.find('has all ') :]}".partition("\n")[0]


class Operator:
    """Somebody who reads the README in a checkout, and types what it says."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def type(self, text: str) -> str:
        """Type one line, with what it asks for; there are three nodes here."""
        text = re.sub(f"{NODES[0]}$", " ".join(NODES), text)
        told = f"{self.password}\n" * 2 if "--pwprompt" in text else "y\n"
        if "--pty" in text:
            said = self.machine.typed(f"cd /{HERE} && {text}")
            holds(text, so=True)
            return said
        # Nobody knows the name of the place, of which the doctor says so.
        fails = "chatd doctor" in text
        command = ("bash", "-c", f"cd /{HERE} && {text}")
        said = self.machine.run(*command, told=told, fails=fails)
        holds(text, so=True)
        return said

    @property
    def password(self) -> str:
        """That of PostgreSQL, which somebody has made."""
        made = (self.machine.root / HERE / "node.env").read_text()
        return made.split("PGPASSWORD=", 1)[1].split("\n", 1)[0]

    def status(self) -> str:
        """How the nodes are, as the README has it asked."""
        return self.machine.run("sudo", "chatd", "status", *WHERE)


def follow_nodes(machine: Machine, package: Path, wheels: Path) -> None:
    """Make nodes of a machine on which one daemon runs, and hurt them.

    Args:
        machine: A bare one.
        package: That of `make deb`.
        wheels: What pip would download.
    """
    headline("contrib/cluster: one daemon, before")
    check_out(machine, package, wheels)
    for address in ADDRESSES:
        machine.run("ip", "address", "add", f"{address}/32", "dev", "lo")
    machine.run("apt-get", "install", "-y", f"/{HERE}/dist/{package.name}")
    for name in ("ann", "bob"):
        machine.run("chatd", "user", "add", name, "-c", CONFIG, told=f"{PASSWORD}\n")
    with people_talking(machine, 0):
        pass
    said = written(machine)
    operator = Operator(machine)
    headline("contrib/cluster, On machines of their own")
    for line in shown("On machines of their own", "Clients, accounts,"):
        told = operator.type(line)
        if "chatd migrate" in line:
            holds(last(told), so="compared; now set store.url" in told)
        if "chatd doctor" in line:
            broken = re.findall("^broken +(.*?):", told, re.MULTILINE)
            holds(f"what is broken is the {broken}", so=broken == ["public url"])
    look_at_nodes(operator)
    hurt(operator)
    headline("contrib/cluster, back to one daemon")
    end, move, start = shown("Back to one daemon", "\n## ")
    operator.type(end)
    told = operator.type(move)
    holds(last(told), so="compared; now remove store.url" in told)
    machine.run("cp", f"/{HERE}/config/team.toml", CONFIG)
    operator.type(start)
    now = written(machine)
    holds(
        f"{len(now)} messages are there, {len(said)} of them from before",
        so=len(now) > len(said) > 0 and now[: len(said)] == said,
    )
    with people_talking(machine, 0):
        pass


def look_at_nodes(operator: Operator) -> None:
    """All are there, and whoever is on one is heard on the others."""
    machine, status = operator.machine, operator.status()
    found = re.findall(r"^node +\S+-(\d+)", status, re.MULTILINE)
    ports = [str(PORT + n) for n in range(len(NODES))]
    holds(f"status lists all nodes: {found}", so=sorted(found) == ports)
    bus = re.findall("^bus +(.*)$", status, re.MULTILINE)
    holds("and the bus is up", so=bus == ["up"])
    listed = machine.run("sudo", "chatd", "user", "list", *WHERE)
    holds("accounts are those of before", so="ann" in listed and "bob" in listed)
    with people_talking(machine, 0, ONE, OTHER):
        pass
    with people_talking(machine, 0, THIRD, ONE):
        pass


def hurt(operator: Operator) -> None:
    """Kill one, restart them all, take Valkey and PostgreSQL away: people go on.

    They say no more than the limits of each have it, so whoever was away for a while
    is told what he has missed, and does not have to load it.
    """
    machine = operator.machine
    headline("contrib/cluster, When something fails")
    with people_talking(machine, 1, ONE, OTHER):
        machine.run("systemctl", "kill", "--signal=KILL", NODES[1])
    holds("a node that was killed is there again", so=_is_up(machine, NODES[1]))
    with people_talking(machine, None, ONE, OTHER):
        for node in NODES:
            machine.run("systemctl", "restart", node)
            holds(f"{node} is restarted", so=_is_up(machine, node))
    machine.run("systemctl", "reload", *NODES)
    with people_talking(machine, 0, ONE, OTHER):
        machine.run("systemctl", "restart", "redis-server")
    with people_talking(machine, None, ONE, OTHER):
        machine.run("systemctl", "restart", "postgresql")
    machine.run("systemctl", "stop", "postgresql")
    status = operator.status()
    holds("status tells more than that it is away", so="not counted; but" in status)
    machine.run("systemctl", "start", "postgresql")
    for node in NODES:
        log = machine.run("journalctl", "-u", node, "-o", "cat").splitlines()
        holds(
            f"the journal of {node} is short: {len(log)} lines", so=len(log) < LINES_MAX
        )
        bad = [line for line in log if line.startswith(("critical", "error"))]
        holds(f"nothing in it is an error: {bad}", so=not bad)


def _is_up(machine: Machine, node: str) -> bool:
    """Whether a unit is, or becomes, active."""
    wait = f"until systemctl is-active {node}; do sleep 0.2; done"
    return "active" in machine.run("timeout", "60", "bash", "-c", wait)
