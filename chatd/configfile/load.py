"""From the sources to one `Config`, or to one `ConfigError` with all problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import attrs

from chatd.config import Config
from chatd.configfile.problems import Problem
from chatd.configfile.sources import (
    DEFAULT,
    Merged,
    merge,
    read_file,
    shown_path,
)
from chatd.configfile.strict import structure
from chatd.configfile.table import KEYS
from chatd.errors import ConfigError


@attrs.frozen
class Loaded:
    """A configuration, and where each of its values came from."""

    config: Config
    origins: Mapping[str, str]
    """For every key's path: `default`, the file's name, `environment NAME` or
    `command line`."""


def load(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """Read and check the whole configuration.

    Args:
        path: The file; None for none.
        environ: The environment; every `CHATD_*` in it is looked at.
        overrides: Raw values by path (`server.listen`), from the command line.

    Raises:
        ConfigError: With every problem there is, in the order of the file, then
            those of keys that the file does not have. What came from elsewhere
            says so.
    """
    file = {} if path is None else read_file(path)
    name = "" if path is None else shown_path(path)
    merged = merge(file, name, environ, overrides or {})
    config, problems = structure(merged.raw)
    if problems or merged.problems:
        order = _order(merged)
        problems.sort(key=lambda problem: order.get(problem.key, len(order)))
        raise ConfigError(
            [_line(problem, merged, name) for problem in problems]
            + [_line(problem, merged, name) for problem in merged.problems]
        )
    origins = {key: merged.origins.get(key, DEFAULT) for key in KEYS}
    return Loaded(config, origins)


def log_format(path: Path | None, environ: Mapping[str, str]) -> str:
    """How one wants to be told what is wrong with the configuration.

    Args:
        path: The file, as far as it can be read.
        environ: The environment.

    Returns:
        A `log.format`; `auto` where none is asked for that there is.
    """
    try:
        file = {} if path is None else read_file(path)
    except ConfigError:
        file = {}
    table = merge(file, "", environ, {}).raw.get("log")
    wanted = table.get("format") if isinstance(table, dict) else None
    known: tuple[str, ...] = get_args(KEYS["log.format"].type)
    return wanted if wanted in known else "auto"


def _order(merged: Merged) -> dict[str, int]:
    """The place of every key in the file."""
    keys: list[str] = []
    for section, table in merged.raw.items():
        keys.append(section)
        if isinstance(table, dict):
            keys += [f"{section}.{name}" for name in table]
    return {key: index for index, key in enumerate(keys)}


def _line(problem: Problem, merged: Merged, file: str) -> str:
    origin = merged.origins.get(problem.key, file)
    end = f" ({origin})" if origin != file else ""
    return f"{problem.path}: {problem.reason}{end}"
