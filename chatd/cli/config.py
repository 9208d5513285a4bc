"""`chatd check` and `chatd config`: what would be in force, and what is wrong.

Nothing is started here, and looked at are only the file, the keys that it names, the
group of its sockets and the modes of its data directory, so both may be run beside a
daemon and before its start. A configuration that cannot be
used is told on standard error, one problem a line, and ends with 78 (`EX_CONFIG`),
which the service file takes as a reason not to try again.

No file is looked for: without `-c` none is read, and the output says so.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import click

from chatd.auth import read_issuers
from chatd.config import Config, notices
from chatd.configfile import Loaded, effective, example, json_schema, load
from chatd.errors import ConfigError, StoreRefused
from chatd.net.sockets import UnixAccess
from chatd.store.sqlite.files import doubts

NO_FILE = "no file was named with -c, so none was read"

config_option = click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The TOML file to read. Without it none is read.",
)
"""The option of every command that needs a configuration."""


def load_or_exit(
    config_file: Path | None, overrides: Mapping[str, object] | None = None
) -> Loaded:
    """Load the configuration, or tell what is wrong with it and exit with 78.

    Args:
        config_file: What `-c` named.
        overrides: Values from other options, by path, such as `server.listen`.
    """
    try:
        return load(config_file, os.environ, overrides)
    except ConfigError as error:
        _exit(error)


def _exit(error: ConfigError) -> NoReturn:
    for problem in error.problems:
        click.echo(problem, err=True)
    sys.exit(os.EX_CONFIG)


@click.command()
@config_option
def check(config_file: Path | None) -> None:
    """Check the configuration, and say all that is wrong with it."""
    loaded = load_or_exit(config_file)
    found = list(notices(loaded.config))
    problems = list(_surroundings(loaded.config, found))
    if problems:
        _exit(ConfigError(problems))
    origins = Counter(loaded.origins.values())
    said = ", ".join(f"{count} from {origin}" for origin, count in origins.items())
    click.echo(f"ok: {said}")
    if config_file is None:
        click.echo(f"note: {NO_FILE}")
    for notice in found:
        click.echo(f"note: {notice}")


def _surroundings(config: Config, found: list[str]) -> Iterator[str]:
    """Look at what the configuration names on this machine.

    Args:
        config: Sound by itself.
        found: What may not be meant is added.

    Yields:
        What cannot be used.
    """
    try:
        read_issuers(config.auth.jwt)
    except ConfigError as error:
        yield from error.problems
    try:
        UnixAccess(group=config.server.unix_group).group_id()
    except ConfigError as error:
        yield from error.problems
    try:
        found += doubts(Path(config.store.path))
    except StoreRefused as error:
        yield f"store.path: {error}"


@click.group("config")
def config_group() -> None:
    """Show settings: their defaults, what is in force, their schema."""


@config_group.command()
def default() -> None:
    """Print a commented file with every setting at its default."""
    click.echo(example(), nl=False)


@config_group.command()
@config_option
def show(config_file: Path | None) -> None:
    """Print the values that are in force, each with where it came from."""
    loaded = load_or_exit(config_file)
    if config_file is None:
        click.echo(f"# {NO_FILE}")
    click.echo(effective(loaded), nl=False)


@config_group.command()
def schema() -> None:
    """Print the JSON Schema of a configuration file."""
    click.echo(json.dumps(json_schema(), indent=2))
