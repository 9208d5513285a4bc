"""`chatd export` and `chatd erase`: what a user may ask for under data protection.

An export is JSON lines on standard output, one snapshot, of a user or of everything. It
is made completely before it is printed: as long as a snapshot lasts the write-ahead log
cannot be emptied, and a pipe may be read slowly. Only everything that goes into a file
is written at once, since it may be as large as the store, and its head tells whether it
is complete. What goes into a file is on the disk when the command ends.

An erasure cannot be taken back, so it is confirmed, by whoever types or by a line of
standard input, or by `--yes`.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from chatd.cli.admin import erase as erase_all
from chatd.cli.admin import fail, order
from chatd.cli.config import config_option
from chatd.cli.operator import confirm, data_option, json_option, place_of, say, told
from chatd.cli.progress import shown
from chatd.client.frames import Frame
from chatd.enums import Erasure, Fate
from chatd.store.sqlite.export import export as read_all
from chatd.store.sqlite.transfer import export_all

_MEMORY_BYTES = 16 * 2**20
"""What of an export waits in memory; the rest does in a file without a name."""


@click.command()
@click.argument("user", required=False)
@click.option(
    "--received",
    is_flag=True,
    help="Also what others wrote to USER in direct conversations.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Everything of everybody, with all secrets, for `chatd import`.",
)
@config_option
@data_option
def export(
    user: str | None,
    *,
    received: bool,
    everything: bool,
    config_file: Path | None,
    data: str | None,
) -> None:
    """Print all that there is of USER, or of everybody, as JSON lines.

    Each has a `type`; the README says which there are of a user, and what is in them.
    It works while the daemon runs, and shows one moment.
    """
    if (user is None) != everything or (everything and received):
        raise click.UsageError("give USER, or --all and nothing else")
    place = place_of(config_file, data)
    with shown() as tell:
        if user is not None:
            records = read_all(place.files, place.user(user), received=received)
            _print(map(orjson.dumps, records))
        elif _is_file(sys.stdout.buffer):
            _write(export_all(place.files, tell))
        else:
            _print(export_all(place.files, tell))
    if everything:
        click.echo(_warning(sys.stdout.buffer), err=True)


def _warning(out: BinaryIO) -> str:
    """Say what everything is, and who can read it where it has gone."""
    said = (
        "note: this has all that was said, and the secrets of all: hashes of passwords"
        " and tokens, private rooms, direct conversations; keep it as the data is kept"
    )
    if _is_file(out):
        mode = stat.S_IMODE(os.fstat(out.fileno()).st_mode)
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            said += f". Others can read that file (mode {mode:04o}): chmod 600"
    return said


def _write(lines: Iterator[bytes]) -> None:
    """Write lines into the file that standard output is."""
    with told():
        sys.stdout.buffer.writelines(line + b"\n" for line in lines)
    _settle(sys.stdout.buffer)


def _settle(out: BinaryIO) -> None:
    """Have what was written on its way, and on the disk where it is a file."""
    out.flush()
    if _is_file(out):
        os.fsync(out.fileno())


def _print(lines: Iterator[bytes]) -> None:
    """Print lines when they are all there."""
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as spool:
        try:
            with told():
                for line in lines:
                    spool.write(line + b"\n")
            spool.seek(0)
        except OSError as error:
            with suppress(OSError):  # of what is not written yet, once more
                spool.close()
            raise click.ClickException(
                f"{tempfile.gettempdir()}: {error.strerror}; TMPDIR may name another"
                " directory"
            ) from None
        shutil.copyfileobj(spool, sys.stdout.buffer)
        _settle(sys.stdout.buffer)


def _is_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # it has no descriptor
        return False


_ASKED = {
    "tombstone": ", and all that he has written",
    "reassign": "; what he has written stays, and is nobody's",
}
"""What the question says of the messages."""


@click.command()
@click.argument("user")
@click.option(
    "--messages",
    "fate",
    type=click.Choice(["tombstone", "reassign"]),
    default="tombstone",
    show_default=True,
    help="Empty the messages, or leave them to a user without a name.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@data_option
@json_option
def erase(
    user: str,
    *,
    fate: str,
    yes: bool,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Erase USER for good; it works while the daemon runs.

    He is nobody at once, and what he has left goes in the background: whoever breaks
    this off need not ask again. Where no daemon runs it goes for a few seconds each
    time this is typed, else when the daemon starts.

    Sessions, tokens, password, display name, memberships, bans, mutes, blocks,
    invitations and reactions go. The name stays taken. Where others have
    written it, it stays.
    """
    place = place_of(config_file, data)
    user = place.user(user)
    found = order(place, {"type": "user_erasure", "user": user})
    fields: Frame = {"user": user, "was_erased": found["state"] == Erasure.DONE}
    if fields["was_erased"]:
        say(f"{user} was erased before", fields, as_json=as_json)
        return
    begin: Frame = {}
    if found["state"] == Erasure.NONE:
        if not yes:
            confirm(f"Erase {user} for good{_ASKED[fate]}?")
        messages = Fate.REASSIGN if fate == "reassign" else Fate.EMPTY
        begin = {"type": "user_erase", "user": user, "messages": messages}
    with shown() as tell:
        said, done = erase_all(place, user, begin, partial(tell, "erasing"))
    if done["state"] != Erasure.DONE:
        fail(
            f"{user} is nobody any more, and {done['part']:.0%} of what is left is"
            " gone: start the daemon, which does the rest, or type this again",
            os.EX_TEMPFAIL,
        )
    fields |= {
        "messages": done["messages"],
        "reactions": done["reactions"],
        "nameless": said.get("nameless"),
        "ownerless": said.get("ownerless", []),
        "is_overwritten": done.get("overwritten", False),
    }
    say(f"{user} is erased: {_told(fields)}", fields, as_json=as_json)
    if fields["ownerless"]:
        rooms = ", ".join(fields["ownerless"])
        click.echo(
            f"note: no owner is left in {rooms}: those with the highest role there"
            " have charge of it now",
            err=True,
        )
    if not fields["is_overwritten"]:
        why = "somebody was reading the database, so"
        what = "its write-ahead log may have the texts until it is used again"
        if place.config.store.url:
            why, what = "PostgreSQL", "may have the texts until VACUUM, and in its log"
        click.echo(f"note: {why} {what}", err=True)


def _told(fields: Frame) -> str:
    said = f"{fields['messages']} messages emptied"
    if fields["nameless"] is not None:
        said = f"the messages belong to {fields['nameless']}"
    return f"{said}, {fields['reactions']} reactions removed"
