"""`chatd backup` and `chatd restore`: a copy of the store, and the way back."""

from __future__ import annotations

from pathlib import Path

import click

from chatd.cli.activation import require_stopped
from chatd.cli.config import config_option
from chatd.cli.operator import data_option, json_option, place_of, say, told
from chatd.cli.progress import shown
from chatd.store.sqlite.backup import backup as make
from chatd.store.sqlite.restore import restore as put_back


@click.command()
@click.argument("target", metavar="FILE|DIR", type=click.Path(path_type=Path))
@click.option("--zstd", is_flag=True, help="Compress it.")
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Leave the newest N in DIR, and remove older ones that have their names.",
)
@config_option
@data_option
@json_option
def backup(
    target: Path,
    *,
    zstd: bool,
    keep: int | None,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Copy all that there is into FILE, which is new, or into DIR.

    It works while the daemon runs, shows one moment, and takes its time, so that
    nobody's messages wait for it. The copy is checked before it gets its name, which in
    DIR is made of the store and the time. Owner and mode are those of the data.
    """
    directory = place_of(config_file, data).files
    if keep is not None and not target.is_dir():
        raise click.UsageError("--keep needs the directory of the backups, not a file")
    with told(), shown() as tell:
        made = make(directory, target, compressed=zstd, keep=keep, tell=tell)
    text = f"{made.file}: {made.size / 2**20:.1f} MiB, checked"
    if made.removed:
        text += f"; {len(made.removed)} older removed"
    fields = {
        "file": str(made.file.absolute()),
        "bytes": made.size,
        "removed": [str(path.absolute()) for path in made.removed],
    }
    say(text, fields, as_json=as_json)
    if made.unrecorded is not None:
        click.echo(f"note: it is not noted down ({made.unrecorded})", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@data_option
@json_option
def restore(
    file: Path, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Put the backup FILE in the place of the store; no daemon runs.

    It is checked before anything is touched. What was there is kept beside it, in
    `chatd.replaced-TIME`, and comes back by `chatd restore` of the database in there.
    The next start tells clients to begin anew.
    """
    directory = place_of(config_file, data).files
    require_stopped(directory)
    with told(), shown() as tell:
        done = put_back(directory, file, tell)
    text = f"{directory / 'chatd.db'} is what {file} has"
    if done.replaced is not None:
        text += f"; what was there is in {done.replaced}"
    fields = {
        "file": str(file.absolute()),
        "schema": done.schema,
        "replaced": None if done.replaced is None else str(done.replaced.absolute()),
    }
    say(text, fields, as_json=as_json)
