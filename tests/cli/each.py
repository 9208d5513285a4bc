"""Runs commands one after the other, each in a fork that has what a caller gives it.

Most of what a command costs is importing. `main` reads jobs from standard input, a JSON
object a line, and answers each with what became of it.
"""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import click

from chatd.cli import COMMANDS, command_named, main

CLOSED, UNREAD, FULL = "closed", "unread", "full"
"""What a caller may give for standard output."""


@attrs.frozen
class Done:
    """What became of a command."""

    status: int
    said: str
    """On standard error."""


def commands() -> dict[str, click.Command]:
    """All commands that do something, by what is typed."""
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = command_named(name)
        if isinstance(command, click.Group):
            found |= {f"{name} {sub}": one for sub, one in command.commands.items()}
            if not command.invoke_without_command:
                continue
        found[name] = command
    return found


def run_each(jobs: Iterable[dict[str, Any]]) -> list[Done]:
    """Run commands.

    Args:
        jobs: Of each its `words`, what its `output` is, and whether its `input` is
            there: what is written to it, or None for a closed one.
    """
    text = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.each"],
        input=text,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return [Done(**json.loads(line)) for line in done.stdout.splitlines()]


def _each() -> None:
    commands()  # imported once
    # A collection would write to all that a fork has from here, and so copy it.
    gc.collect()
    gc.freeze()
    for line in sys.stdin.read().splitlines():
        job = json.loads(line)
        said, there = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(said)
            _run(job, there)
        os.close(there)
        with os.fdopen(said, errors="replace") as pipe:
            text = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"status": status, "said": text}), flush=True)  # noqa: T201


def _run(job: dict[str, Any], stderr: int) -> None:
    """Be the command; what is closed is as Python finds it at its start."""
    os.dup2(stderr, 2)
    os.close(stderr)
    os.close(0)
    os.close(1)
    sys.stdin = sys.__stdin__ = None  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = None  # type: ignore[misc]
    if job["input"] is not None:
        ours, theirs = os.pipe()
        assert ours == 0
        os.write(theirs, job["input"].encode("latin-1"))
        os.close(theirs)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    else:
        holder = os.open(os.devnull, os.O_RDONLY)
        assert holder == 0
    if job["output"] == UNREAD:
        ours, theirs = os.pipe()
        os.close(ours)
        os.dup2(theirs, 1)
        os.close(theirs)
    elif job["output"] == FULL:
        assert os.open("/dev/full", os.O_WRONLY) == 1
    if job["output"] != CLOSED:
        raw = io.FileIO(1, "w", closefd=False)
        stream = io.TextIOWrapper(io.BufferedWriter(raw), "utf-8")
        sys.stdout = sys.__stdout__ = stream  # type: ignore[misc]
    if job["input"] is None:
        os.close(0)
    main(job["words"], prog_name="chatd")


if __name__ == "__main__":
    _each()
