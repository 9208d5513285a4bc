"""`chatd audit`: who has moderated whom, and what the operator has done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chatd.cli.admin import ask_all
from chatd.cli.config import config_option
from chatd.cli.operator import (
    data_option,
    duration_ms,
    json_option,
    place_of,
)
from chatd.cli.table import show
from chatd.client.frames import Frame
from chatd.wire.fields import AUDIT_S_MAX

_BESIDE = ("entry", "ts", "from", "what", "room", "user")
"""What each entry has, and what stands in columns of its own."""


@click.command("audit")
@click.argument("name", required=False)
@click.option("--by", metavar="USER", help="Only what USER has done.")
@click.option("--operator", is_flag=True, help="Only what the operator has done.")
@click.option("--room", metavar="ROOM", help="Only what was done in ROOM.")
@click.option(
    "--since",
    "since_ms",
    callback=duration_ms,
    metavar="TIME",
    help="Only of the last so long, such as 7d.",
)
@config_option
@data_option
@json_option
def audit(
    name: str | None,
    *,
    by: str | None,
    operator: bool,
    room: str | None,
    since_ms: int | None,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """List what moderators and the operator have done, or to NAME.

    The newest come first. It has kicks, bans, mutes and roles in rooms, deletions of
    others' messages, settings, names and ends of rooms; the name of the place, and
    invitations by which administrators come; and what the operator has changed by the
    daemon's commands: accounts, sessions, tokens, invitations, rooms, the daemon
    itself. Reasons are with it. It goes back a year.
    """
    if by is not None and operator:
        raise click.UsageError("give --by USER or --operator")
    place = place_of(config_file, data)
    command: Frame = {"type": "audit"}
    if name is not None:
        command["user"] = place.user(name)
    if by is not None:
        command["by"] = place.user(by)
    if operator:
        command["operator"] = True
    if room is not None:
        command["room"] = place.room(room)
    if since_ms is not None:
        if since_ms > AUDIT_S_MAX * 1000:
            raise click.BadParameter("expected at most 365d", param_hint="--since")
        command["for"] = since_ms // 1000
    found = ask_all(place.directory, command, "entries")
    if not as_json:
        found = [_row(entry) for entry in found]
    columns = ["time", "by", "what", "user", "room", "more"]
    show(found, columns, as_json=as_json)


def _row(entry: Frame) -> dict[str, Any]:
    """An entry as people read it."""
    said = {key: value for key, value in entry.items() if key not in _BESIDE}
    return {
        "time": entry["ts"],
        "by": entry["from"],
        "what": entry["what"],
        "user": entry.get("user"),
        "room": entry.get("room"),
        "more": " ".join(f"{key}={_word(value)}" for key, value in said.items()),
    }


def _word(value: object) -> str:
    """A value in a line."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
