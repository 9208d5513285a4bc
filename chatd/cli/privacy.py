"""`chatd export` and `chatd erase`: what a user may ask for under data protection.

An export is JSON lines on standard output, one snapshot. It is made completely before
it is printed: as long as a snapshot lasts the write-ahead log cannot be emptied, and a
pipe may be read slowly. An erasure cannot be taken back, so it is confirmed on a
terminal, and needs `--yes` anywhere else.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click
import orjson

from chatd.cli.config import config_option
from chatd.cli.operator import data_option, place_of, told
from chatd.ids import UserName
from chatd.store.sqlite.erase import Erasure, Fate
from chatd.store.sqlite.erase import erase as erase_all
from chatd.store.sqlite.export import export as read_all

_MEMORY_BYTES = 16 * 2**20
"""What of an export waits in memory; the rest does in a file without a name."""


@click.command()
@click.argument("user")
@click.option(
    "--received",
    is_flag=True,
    help="Also what others wrote to USER in direct conversations.",
)
@config_option
@data_option
def export(
    user: str, *, received: bool, config_file: Path | None, data: str | None
) -> None:
    """Print everything that there is of USER, one JSON object a line.

    Each has a `type`; the README says which there are, and what is in them.
    It works while the daemon runs, and shows one moment.
    """
    place = place_of(config_file, data)
    directory, user = place.directory, place.user(user)
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as lines:
        try:
            with told():
                for record in read_all(directory, user, received=received):
                    lines.write(orjson.dumps(record) + b"\n")
            lines.seek(0)
        except OSError as error:
            with suppress(OSError):  # of what is not written yet, once more
                lines.close()
            raise click.ClickException(
                f"{tempfile.gettempdir()}: {error.strerror}; TMPDIR may name another"
                " directory"
            ) from None
        shutil.copyfileobj(lines, sys.stdout.buffer)


@click.command()
@click.argument("user")
@click.option(
    "--messages",
    "fate",
    type=click.Choice([fate.value for fate in Fate]),
    default=Fate.TOMBSTONE.value,
    show_default=True,
    help="Empty the messages, or leave them to a user without a name.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@data_option
def erase(
    user: str,
    *,
    fate: str,
    yes: bool,
    config_file: Path | None,
    data: str | None,
) -> None:
    """Erase USER for good; it works while the daemon runs.

    Sessions, tokens, password, display name, memberships, bans, mutes, blocks,
    invitations and reactions go. The name stays taken. Where others have
    written it, it stays.
    """
    place = place_of(config_file, data)
    directory, user = place.directory, place.user(user)
    if not yes:
        if not _is_terminal():
            raise click.UsageError("nobody can be asked here: give --yes")
        click.confirm(f"Erase {user} for good?", abort=True)
    with told():
        done = erase_all(directory, user, Fate(fate), _nameless)
    if done is None:
        click.echo(f"{user} was erased before")
        return
    click.echo(f"{user} is erased: {_told(done)}")
    if done.ownerless:
        rooms = ", ".join(done.ownerless)
        click.echo(
            f"note: no owner is left in {rooms}: those with the highest role there"
            " have charge of it now",
            err=True,
        )
    if not done.is_overwritten:
        click.echo(
            "note: somebody was reading the database, so its write-ahead log may have"
            " the texts until it is used again",
            err=True,
        )


def _told(done: Erasure) -> str:
    said = f"{done.messages} messages emptied"
    if done.nameless is not None:
        said = f"the messages belong to {done.nameless}"
    return f"{said}, {done.reactions} reactions removed"


def _nameless() -> UserName:
    """Draw a name that no account can have, as a guest's."""
    return UserName(
        f"erased~{base64.b32encode(secrets.token_bytes(5)).decode()[:4].lower()}"
    )


def _is_terminal() -> bool:
    return sys.stdin.isatty()
