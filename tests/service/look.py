"""Looking at the service on a machine, and using it as people do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.service.machine import Failed, Machine

PORT = 8765
DATA = "/var/lib/chatd"
SERVICE, SOCKET = "chatd.service", "chatd.socket"
_READY = (
    "import urllib.request as r;"
    f"print(r.urlopen('http://127.0.0.1:{PORT}/readyz').read().decode(), end='')"
)
_SCHEMA = (
    "import sqlite3;"
    f"print(sqlite3.connect('{DATA}/chatd.db').execute('PRAGMA user_version')"
    ".fetchone()[0])"
)


def holds(fact: str, *, so: bool) -> None:
    """Say that a fact was looked at, or end where it is none."""
    if not so:
        raise Failed(f"not so: {fact}")
    print(f"  {fact}", flush=True)  # noqa: T201 - it is what one looks at


def headline(text: str) -> None:
    """Say what the facts below it are about."""
    print(text, flush=True)  # noqa: T201 - as in `holds`


def is_ready(machine: Machine) -> bool:
    """Ask the service; where only its socket is up, that starts it."""
    return machine.run("python3", "-c", _READY) == "ready\n"


def states(machine: Machine, question: str) -> list[str]:
    """What systemd says of the service and of its socket."""
    asked = [*machine.inside(), "systemctl", question, SERVICE, SOCKET]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.split()


def schema(machine: Machine) -> int:
    """Which way of keeping the data they are in."""
    return int(machine.run("python3", "-c", _SCHEMA))


def written(machine: Machine) -> list[str]:
    """What somebody has said, as it is kept."""
    lines = machine.run("chatd", "export", "ann", "--data", DATA).splitlines()
    said = [entry for entry in map(json.loads, lines) if entry["type"] == "message"]
    return [entry["text"] for entry in said]


@contextmanager
def people_talking(
    machine: Machine,
    comebacks: int | None,
    *urls: str,
    before: Sequence[str] = (),
) -> Iterator[None]:
    """Have two talk for a block, from this machine, over the network of that one.

    Args:
        machine: Where the service is.
        comebacks: How often their connections have to end meanwhile, if that is known.
        urls: Where one writes and where the other one reads, if not at the usual port.
        before: What stands before the command that they are.
    """
    where = urls or [str(PORT)]
    command = [*before, sys.executable, "-m", "tests.service.talk", *where]
    with subprocess.Popen(
        [*machine.inside("--net"), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        begun = process.stdout.readline()
        holds("people talk", so=begun == "talking\n")
        yield
        process.stdin.close()
        said = process.stdout.read().strip()
    fact = f"nothing was lost, doubled or refused: {said}"
    wanted = "" if comebacks is None else f", {comebacks} comebacks, "
    is_so = process.returncode == 0 and wanted in said
    holds(fact, so=is_so)
