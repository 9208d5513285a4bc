"""Where values come from: a file, the environment, the command line.

Each source gives raw TOML values; `merge` lays them over each other and remembers
where each is from. Nothing is checked here but spelling: a file that is no TOML, a
variable that names no setting.

An environment variable holds a TOML value. Where the setting is a string, quotes
may be left out: what does not read as a TOML string is taken as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import attrs

from chatd.configfile.problems import Problem, near, shown
from chatd.configfile.table import ENV_PREFIX, KEYS, Key
from chatd.errors import ConfigError

DEFAULT = "default"
COMMAND_LINE = "command line"


@attrs.frozen
class Merged:
    """What all sources say together."""

    raw: dict[str, Any]
    """Shaped as a file; no default is in it."""
    origins: dict[str, str]
    """Where a key's value is from, for every path that has one."""
    problems: list[Problem]
    """Names in the environment that are no settings."""


def read_file(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: It cannot be read, or is not TOML. The parser stops at the
            first fault, so there is one problem, with its line.
    """
    name = shown_path(path)
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError([f"{name}: {error.strerror or error}"]) from error
    except ValueError as error:
        # UnicodeDecodeError, or a path with a NUL.
        if not isinstance(error, UnicodeDecodeError):
            raise ConfigError([f"{name}: {error}"]) from error
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{name}: not UTF-8 (at line {line})"]) from error
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError([f"{name}: nested too deeply"]) from None
    except ValueError as error:
        # TOMLDecodeError; a bare ValueError comes from a number or a date that
        # Python cannot hold.
        raise ConfigError([f"{name}: {error}"]) from error


def merge(
    file: Mapping[str, Any],
    file_name: str,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
) -> Merged:
    """Lay environment and command line over a file."""
    raw = {
        name: dict(table) if isinstance(table, dict) else table
        for name, table in file.items()
    }
    origins = {
        f"{section}.{name}": file_name
        for section, table in raw.items()
        if isinstance(table, dict)
        for name in table
    }
    problems: list[Problem] = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(ENV_PREFIX):
            continue
        key = _VARIABLES.get(variable)
        if key is None:
            hint = near(variable, _VARIABLES, skip=len(ENV_PREFIX))
            problems.append(Problem((variable,), f"not a setting{hint}"))
            continue
        _put(raw, key.path, from_text(text, key))
        origins[key.path] = f"environment {variable}"
    for path, value in overrides.items():
        _put(raw, path, list(value) if isinstance(value, tuple) else value)
        origins[path] = COMMAND_LINE
    return Merged(raw, origins, problems)


def from_text(text: str, key: Key) -> object:
    """Read a variable's text as the TOML value that its setting wants."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    # A newline could have smuggled in a second key.
    value = parsed["value"] if len(parsed) == 1 else text
    if not _is_number_or_array(key) and not isinstance(value, str):
        return text
    return value


def shown_path(path: Path) -> str:
    """A file's name for people: quoted where it would break a line."""
    name = str(path)
    return name if name.isprintable() else shown(name)


def _is_number_or_array(key: Key) -> bool:
    return key.type in {bool, int, float} or get_origin(key.type) is tuple


def _put(raw: dict[str, Any], path: str, value: object) -> None:
    section, _, name = path.partition(".")
    table = raw.setdefault(section, {})
    # A section that is no table is a problem of its own, found later.
    if isinstance(table, dict):
        table[name] = value


_VARIABLES = {key.variable: key for key in KEYS.values()}
