"""flake8-async without the part of it that takes nearly all of its time.

It has two halves. The one that walks `ast` has almost all rules and costs 20 ms a file.
The other walks libcst's tree, seven times, and finds all positions anew each time: half
a second a file, two minutes for all. Of its rules `make check` needs one: ASYNC101, a
`yield` in a nursery or a cancel scope. So a file is shown to the second half only where
such a `yield` may be. Its other rules are

- ASYNC100, a scope without anything to await, which ruff has;
- ASYNC300, about asyncio, which nothing here imports (TID251);
- ASYNC124 and ASYNC9xx, which were off before, with ASYNC114, which the other half has:
  checkpoints on every path, tests that need a loop without waiting for anything, and a
  list of startable functions by bare name (`run` is everybody's).

tests/contrib/test_async_rules.py holds the two against each other.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from flake8_async import Plugin
from flake8_async.base import Error
from flake8_async.runner import Flake8AsyncRunner
from flake8_async.visitors.visitor_utility import NOQA_INLINE_REGEXP

OFF = "ASYNC9,ASYNC114,ASYNC124"
"""Rules that are not looked for."""


def main(files: Sequence[str]) -> int:
    """Print what is wrong, a line each; 1 if anything is."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [
            line for lines in pool.map(faults, files, chunksize=16) for line in lines
        ]
    for line in found:
        print(line)
    return 1 if found else 0


def faults(file: str) -> list[str]:
    """Find what is wrong in one file, as the linter says it."""
    source = Path(file).read_text()
    return [f"{file}:{error}" for error in sorted(errors(source))]


def errors(source: str) -> Iterator[Error]:
    """Find what is wrong in a source."""
    options, tree = _options(), ast.parse(source)
    if may_yield_in_scope(tree):
        yield from Plugin.from_source(source).run()
        return
    lines = source.splitlines()
    for error in Flake8AsyncRunner.run(tree, options):
        noqa = NOQA_INLINE_REGEXP.search(lines[error.line - 1])
        if noqa is None or (noqa["codes"] and error.code not in noqa["codes"]):
            yield error


def may_yield_in_scope(tree: ast.Module) -> bool:
    """Whether a `yield` stands in a `with` of a function that makes no context."""
    return any(
        _has_yield(body.body)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        if not any("context" in name or "fixture" in name for name in _names(function))
        for body in ast.walk(function)
        if isinstance(body, ast.With | ast.AsyncWith)
    )


def _has_yield(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Yield) for part in body for node in ast.walk(part))


def _names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [ast.unparse(decorator) for decorator in function.decorator_list]


@cache
def _options() -> argparse.Namespace:
    """The linter's options, which it keeps once for a process."""
    parser = argparse.ArgumentParser()
    Plugin.add_options(parser)
    Plugin.parse_options(parser.parse_args([f"--disable={OFF}"]))
    options: argparse.Namespace = Plugin._options  # noqa: SLF001 - where it has them
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
