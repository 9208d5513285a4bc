"""`chatd room`: the rooms that there are, and who is in one; making and ending them.

What is shown is read from the data. What changes something goes through the daemon, by
the commands that people have, so whoever is there sees it at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from chatd.cli.admin import ask
from chatd.cli.config import config_option
from chatd.cli.operator import (
    confirm,
    data_option,
    json_option,
    now,
    place_of,
    say,
    show_fields,
    time_of,
    told,
)
from chatd.cli.table import show
from chatd.client.frames import Frame
from chatd.core.entities import Sanction
from chatd.core.rows import RoomRow
from chatd.enums import Post, Visibility
from chatd.ids import UserName
from chatd.store.sqlite import overview
from chatd.wire.events import Millis
from chatd.wire.fields import KEEP_MAX, SLOW_S_MAX
from chatd.wire.settings import SETTINGS

F = TypeVar("F", bound=Callable[..., Any])

_SETTINGS = (
    click.option("--title", metavar="TEXT", help="What people call it."),
    click.option("--topic", metavar="TEXT", help="What it is about."),
    click.option(
        "--post",
        type=click.Choice([post.value for post in Post]),
        help="Who sends.",
    ),
    click.option(
        "--history",
        type=click.Choice([history.value for history in Visibility]),
        help="What newcomers may read: all, or what came since they did.",
    ),
    click.option(
        "--slow-s",
        type=click.IntRange(0, SLOW_S_MAX),
        metavar="SECONDS",
        help="Between two messages of one member; 0 is none.",
    ),
    click.option(
        "--keep-days",
        type=click.IntRange(0, KEEP_MAX),
        metavar="DAYS",
        help="How long messages are kept; 0 is for good.",
    ),
    click.option(
        "--keep-messages",
        type=click.IntRange(0, KEEP_MAX),
        metavar="COUNT",
        help="How many messages are kept; 0 is all.",
    ),
)
"""An option for each setting that is not a command of its own."""


def _setting_options(command: F) -> F:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


@click.group("room")
def room_group() -> None:
    """Rooms: which there are, who is in them, who is kept out."""


@room_group.command("list")
@config_option
@data_option
@json_option
def list_rooms(*, config_file: Path | None, data: str | None, as_json: bool) -> None:
    """List all rooms but direct conversations."""
    with told():
        found = overview.rooms(place_of(config_file, data).store)
    show(
        [
            {
                "name": one.name,
                "title": one.settings.title,
                "topic": one.settings.topic,
                "members": one.members,
                "events": one.events,
                "last": time_of(one.last),
                "state": "archived" if one.settings.archived else "",
            }
            for one in found
        ],
        ["name", "title", "members", "events", "last", "state"],
        as_json=as_json,
    )


@room_group.command("show")
@click.argument("room", metavar="NAME")
@config_option
@data_option
@json_option
def show_room(
    room: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Show the room NAME: settings, members, bans, invitations.

    A name that it had before finds it, too.
    """
    place = place_of(config_file, data)
    with told():
        found = overview.room(place.store, place.room(room, "NAME"))
    fields = _fields(found, place.declared, now())
    if as_json:
        click.echo(json.dumps(fields, ensure_ascii=False))
        return
    members = fields.pop("members")
    sanctions = [fields.pop("bans"), fields.pop("mutes")]
    show_fields(fields | fields.pop("settings"))
    for heading, records, columns in (
        ("members", members, ["name", "role", "read", "level"]),
        ("banned", sanctions[0], ["name", "until", "reason"]),
        ("muted", sanctions[1], ["name", "until", "reason"]),
    ):
        if records:
            click.echo(f"\n{heading}:")
            show(records, columns, as_json=False)


def _fields(room: RoomRow, declared: frozenset[Any], at: Millis) -> dict[str, Any]:
    """A room for a program."""
    return {
        "name": room.room,
        "was": room.was,
        "epoch": room.epoch,
        "first": room.first,
        "head": room.head,
        "last": time_of(room.last_ts or None),
        "maker": room.maker,
        "declared": room.room in declared,
        "settings": attrs.asdict(room.settings),
        "members": [
            {"name": name, "role": one.role, "read": one.read, "level": one.level}
            for name, one in room.members.items()
        ],
        "bans": _sanctions(room.bans, at),
        "mutes": _sanctions(room.mutes, at),
        "invited": sorted(room.invites),
    }


def _sanctions(held: dict[UserName, Sanction], at: Millis) -> list[dict[str, Any]]:
    """Those that hold now."""
    return [
        {"name": name, "until": time_of(one.until), "reason": one.reason}
        for name, one in held.items()
        if one.holds(at)
    ]


# --- through the daemon -------------------------------------------------------------


@room_group.command("create")
@click.argument("room", metavar="NAME")
@click.option("--owner", metavar="USER", help="Who owns it; else who comes first.")
@_setting_options
@config_option
@data_option
@json_option
def create_room(
    room: str,
    *,
    owner: str | None,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Make the public room NAME."""
    place = place_of(config_file, data)
    command = {"type": "create", "room": place.room(room, "NAME"), **_given(settings)}
    if owner is not None:
        command["owner"] = place.user(owner)
    name = ask(place.directory, command)["room"]
    fields = {"room": name, "owner": command.get("owner")}
    say(f"{name} is made", fields, as_json=as_json)


@room_group.command("set")
@click.argument("room", metavar="NAME")
@_setting_options
@config_option
@data_option
@json_option
def set_room(
    room: str,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Change settings of the room NAME: those that are given.

    An empty --title or --topic takes it away.
    """
    if not (given := _given(settings)):
        raise click.UsageError("say what to change, such as --topic TEXT")
    _change(room, given, "is changed", config_file, data, as_json=as_json)


@room_group.command("archive")
@click.argument("room", metavar="NAME")
@click.option("--undo", is_flag=True, help="Let people write there again.")
@config_option
@data_option
@json_option
def archive_room(
    room: str, *, undo: bool, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Have nobody write in the room NAME any more; it is read as ever."""
    said = "is open again" if undo else "is archived"
    change = {"archived": not undo}
    _change(room, change, said, config_file, data, as_json=as_json)


@room_group.command("delete")
@click.argument("room", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@data_option
@json_option
def delete_room(
    room: str, *, yes: bool, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """End the room NAME for good, with all that was said there.

    Its members are told, and nobody else gets the name.
    """
    place = place_of(config_file, data)
    with told():
        name = overview.room(place.store, place.room(room, "NAME")).room
    if not yes:
        confirm(f"Delete {name} with all that was said there?")
    ask(place.directory, {"type": "destroy", "room": name})
    say(f"{name} is deleted", {"room": name}, as_json=as_json)


def _change(
    room: str,
    settings: Frame,
    said: str,
    config_file: Path | None,
    data: str | None,
    *,
    as_json: bool,
) -> None:
    """Have settings changed; what is so already stays so."""
    place = place_of(config_file, data)
    command = {"type": "room", "room": place.room(room, "NAME"), **settings}
    reply = ask(place.directory, command)
    is_new = not reply.get("dup", False)
    fields = {"room": reply["room"], **settings, "changed": is_new}
    text = f"{reply['room']} {said}"
    say(text if is_new else f"{text} already", fields, as_json=as_json)


def _given(settings: dict[str, Any]) -> Frame:
    """The settings that somebody has given, in the order of the protocol."""
    return {key: settings[key] for key in SETTINGS if settings.get(key) is not None}
