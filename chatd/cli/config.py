"""`chatd config`, and how every command reads the configuration.

A configuration that cannot be used is told on standard error, one problem a line, and
ends with 78 (`EX_CONFIG`), which the service file takes as a reason not to try again.

No file is looked for: without `-c` none is read, and the output says so.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from chatd.configfile import Loaded, effective, example, json_schema, load
from chatd.errors import ConfigError

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
        exit_with(error)


def exit_with(error: ConfigError) -> NoReturn:
    """Tell all that is wrong with a configuration, and exit with 78."""
    for problem in error.problems:
        click.echo(problem, err=True)
    sys.exit(os.EX_CONFIG)


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
