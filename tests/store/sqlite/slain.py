"""Commands that are killed: before their n-th step on the disk, or at some moment.

What is a step: making durable, naming, removing, making a directory, as Python asks the
system for it; and what a test adds. What SQLite does in between, it does in
transactions of its own.

Beside commands there is `start`, which opens the store of a data directory as a daemon
does, and closes it again.

To start Python for each of many kills would take most of the time. So one process has
loaded what commands need, and has a copy of itself run each.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

_ROOT = Path(__file__).parents[3]
_SCRIPT = """
import gc, json, os, signal, sys, time
from chatd.cli import main
import chatd.cli.backup, tests.store.support

def counted(call):
    def step(*args, **options):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **options)
    return step

def run(words):
    signal.alarm(60)  # what never ends is a fault, and not one of the kills
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdin = open(os.devnull)  # what comes in is for the one that forks
    for name in ("fdatasync", "fsync", "link", "mkdir", "rename", "replace", "rmdir",
                 "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    if words[0] == "start":
        tests.store.support.start_and_stop(words[1])
    else:
        main(words)
    sys.exit()

exec(sys.argv[1])
# A collection would write to all that a copy has from here, and so make it a whole one.
gc.collect()
gc.freeze()

def ended(pid):
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

def kill_at(pid, moment_s):
    began = time.monotonic()
    while not ended(pid) and time.monotonic() - began < moment_s:
        time.sleep(0.0001)
    os.kill(pid, signal.SIGKILL)

for line in sys.stdin:
    left, words, moment_s = json.loads(line)
    began, pid = time.monotonic(), os.fork()
    if not pid:
        run(words)
    if moment_s is not None:
        kill_at(pid, moment_s)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(json.dumps([status, time.monotonic() - began]), flush=True)
"""
_NEVER = 0
"""The step before which nothing is killed."""


@attrs.define
class Slayer:
    """Runs commands, and kills them."""

    _process: subprocess.Popen[str]
    _errors: Path
    _rng: random.Random = attrs.field(factory=lambda: random.Random(12))

    def at_step(self, step: int, words: Sequence[str]) -> bool:
        """Type a command, and kill it before a step; whether it came to that."""
        was_killed, _ = self._told(step, words, None)
        return was_killed

    def at_moments(self, kills: int, words: Sequence[str]) -> Iterator[None]:
        """Type a command until it was killed so often, each time at some moment.

        How long it lasts is learned from the first time, and whenever it was too fast.
        """
        _, lasts_s = self._told(_NEVER, words, None)
        yield
        while kills:
            moment_s = self._rng.random() * lasts_s
            was_killed, lasted_s = self._told(_NEVER, words, moment_s)
            yield
            kills -= was_killed
            if not was_killed:
                lasts_s = lasted_s

    def _told(
        self, step: int, words: Sequence[str], moment_s: float | None
    ) -> tuple[bool, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([step, words, moment_s]) + "\n")
        self._process.stdin.flush()
        status, lasted_s = json.loads(self._process.stdout.readline())
        assert status in {0, -signal.SIGKILL}, self._errors.read_text()
        return status == -signal.SIGKILL, lasted_s


@contextmanager
def slayer(place: Path, first: str = "") -> Iterator[Slayer]:
    """Have one for a block.

    Args:
        place: A directory for what commands say.
        first: What Python does there before; `counted` makes a step of a function.
    """
    errors = place / "said.log"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, first],
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        yield Slayer(process, errors)


def at_each_step(
    place: Path, words: Callable[[], list[str]], after: Callable[[], None]
) -> int:
    """Type a command again and again, and kill it one step later each time.

    Args:
        place: A directory for what it says.
        words: Makes ready what the command needs, and returns the command.
        after: Looks at what it has left.

    Returns:
        How often it was killed.
    """
    kills, was_killed = 0, True
    with slayer(place) as slay:
        while was_killed:
            assert kills < 1000, "it does not end"
            was_killed = slay.at_step(kills + 1, words())
            after()
            kills += was_killed
    return kills
