"""`chatd import`: a store made of what `chatd export --all` has written."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from chatd.cli.activation import require_stopped
from chatd.cli.config import config_option
from chatd.cli.operator import data_option, json_option, place_of, say, told
from chatd.cli.progress import shown
from chatd.store.sqlite.transfer import import_all


@click.command("import")
@click.argument("file", type=click.File("rb"))
@config_option
@data_option
@json_option
def import_store(
    file: BinaryIO, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Make a store of FILE, which `chatd export --all` has written.

    There must be no store yet, and no daemon that would make one. All of FILE is
    imported or, where a line of it is wrong, nothing; `-` is standard input.
    """
    directory = place_of(config_file, data).files
    require_stopped(directory)
    name = getattr(file, "name", None)
    called = name if isinstance(name, str) and name != "<stdin>" else "standard input"
    with told(), shown() as tell:
        head = import_all(directory, file, called, tell)
    database = directory / "chatd.db"
    text = f"{database} has all {head.lines} lines of {called}"
    fields = {"file": str(database.absolute()), "lines": head.lines}
    say(text, fields | {"schema": head.schema}, as_json=as_json)
