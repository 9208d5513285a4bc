"""`chatd migrate`: the store from SQLite to PostgreSQL, or back."""

from __future__ import annotations

import re
from pathlib import Path

import click

from chatd.cli.activation import require_stopped
from chatd.cli.config import config_option
from chatd.cli.operator import data_option, json_option, place_of, say, told
from chatd.cli.progress import shown
from chatd.config import database_url_problem
from chatd.errors import StoreRefused

_URL = re.compile(r"postgres(ql)?://")


@click.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL|DIR",
    help="An empty database of PostgreSQL; or, where store.url is set, a directory.",
)
@config_option
@data_option
@json_option
def migrate(
    target: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Move the store to PostgreSQL, or back into DIR; no daemon runs.

    All of it is copied and compared; then what was copied is not served any more.
    Whatever ends this in the middle, the same command goes on. Clients notice nothing
    but the time that it takes.
    """
    place = place_of(config_file, data)
    url, is_outward = place.config.store.url, bool(_URL.match(target))
    if url and is_outward:
        raise click.UsageError("store.url is set already: move it back with --to DIR")
    if not url and not is_outward:
        raise click.UsageError(
            "the store is in a directory: --to expects the URL of a database, such as"
            " postgresql://chatd@/chatd (to another directory: chatd backup, restore)"
        )
    if is_outward and (problem := database_url_problem(target)):
        raise click.UsageError(f"--to: {problem}")
    require_stopped(place.directory)
    with told(), shown() as tell:
        try:
            from chatd.store import moving  # noqa: PLC0415 - it needs an extra
        except ImportError as error:
            raise StoreRefused(
                f"a library for PostgreSQL is missing ({error.name}): install"
                " chatd[postgres]"
            ) from error
        if is_outward:
            done = moving.to_postgres(place.directory, target, tell)
        else:
            done = moving.to_sqlite(url, Path(target), place.directory, tell)
    text = f"{done.target} has all {done.rows} rows of {done.source}, compared"
    if done.is_done:
        text = (
            f"{done.target} has all of {done.source}: an earlier command has moved it"
        )
    after = "set store.url to that URL"
    if not is_outward:
        after = f"remove store.url, set store.path to {Path(target).absolute()}"
    replaced = None if done.replaced is None else str(done.replaced.absolute())
    fields = {
        "from": done.source,
        "to": done.target,
        "rows": done.rows,
        "replaced": replaced,
    }
    say(f"{text}; now {after}, and start the daemon", fields, as_json=as_json)
    left = done.source if replaced is None else f"{done.source}, and {replaced},"
    click.echo(
        f"note: {left} still has all as it was, also what is erased from now on:"
        " remove it when nobody would go back",
        err=True,
    )
