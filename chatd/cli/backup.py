"""`chatd backup`: a copy of the store while the daemon runs."""

from __future__ import annotations

from pathlib import Path

import click

from chatd.cli.config import config_option
from chatd.cli.operator import data_option, place_of, told
from chatd.store.sqlite.backup import backup as copy


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@data_option
def backup(file: Path, *, config_file: Path | None, data: str | None) -> None:
    """Copy all that there is into FILE, which must not be there yet.

    It works while the daemon runs, shows one moment, and takes its time, so that
    nobody's messages wait for it. FILE is readable for its owner alone.
    """
    directory = place_of(config_file, data).directory
    with told():
        copy(directory, file)
