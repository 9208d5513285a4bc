"""Typing commands in this process."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from click.testing import CliRunner, Result

from chatd.cli import main


def run(
    *words: str, given: str = "", env: Mapping[str, str | None] | None = None
) -> Result:
    """Do what a command does, also where a loop runs: it may need one of its own.

    Args:
        words: What is typed.
        given: What comes on standard input.
        env: What the environment has besides; None takes a variable away.
    """
    with ThreadPoolExecutor(1) as thread:
        invoke = CliRunner().invoke
        return thread.submit(invoke, main, words, input=given, env=env).result()
