"""`chatd drain`, `reload`, `log`, `announce`: what the daemon that runs is to do."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click

from chatd.amounts import number
from chatd.cli.admin import ask, fail
from chatd.cli.config import config_option
from chatd.cli.operator import (
    data_option,
    duration_ms,
    json_option,
    place_of,
    say,
    told,
)
from chatd.client.frames import Frame
from chatd.enums import LogLevel
from chatd.store.sqlite.lock import is_served
from chatd.wire.fields import LEVEL_S_MAX

DRAINED_S = 45.0
"""How long a drain may take. Source: as long as the service file lets a stop take."""
LOOK_EVERY_S = 0.05


@click.command("drain")
@config_option
@data_option
@json_option
def drain(*, config_file: Path | None, data: str | None, as_json: bool) -> None:
    """Stop the running daemon in order, and return when it has ended.

    What was accepted is stored and delivered, and clients are told when to come back,
    as by SIGTERM. A service manager starts it again only if it is told to.
    """
    directory = place_of(config_file, data).directory
    ask(directory, {"type": "drain"})
    with told():
        has_ended = _wait_ended(directory)
    if not has_ended:
        fail(f"it has not ended within {DRAINED_S:g} s", os.EX_TEMPFAIL)
    click.echo(json.dumps({"drained": True}) if as_json else "it has ended")


def _wait_ended(directory: Path) -> bool:
    """Wait until no daemon holds the lock of the data; says whether that came."""
    give_up = time.monotonic() + DRAINED_S
    while is_served(directory):
        if time.monotonic() > give_up:
            return False
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - no loop runs here
    return True


@click.command("reload")
@click.option(
    "--wait",
    is_flag=True,
    expose_value=False,
    help="Return when it is in force, or refused: that is always so.",
)
@config_option
@data_option
@json_option
def reload(*, config_file: Path | None, data: str | None, as_json: bool) -> None:
    """Put what is configured into force, and say what has changed.

    Nobody is dropped. If anything is wrong nothing changes, and the exit status is 78.
    """
    reply = ask(place_of(config_file, data).directory, {"type": "reload"})
    found = {key: reply.get(key, []) for key in ("changed", "connect", "restart")}
    if as_json:
        click.echo(json.dumps(found))
        return
    for key, text in (
        ("changed", "changed"),
        ("connect", "for new connections only"),
        ("restart", "needs a restart"),
    ):
        if found[key]:
            click.echo(f"{text}: {', '.join(found[key])}")
    if not any(found.values()):
        click.echo("nothing has changed")


@click.group("log")
def log_group() -> None:
    """The log of the running daemon."""


@log_group.command("level")
@click.argument("level", type=click.Choice([level.value for level in LogLevel]))
@click.option(
    "--for",
    "for_ms",
    callback=duration_ms,
    metavar="TIME",
    help="How long, such as 10m; then it is as configured again.",
)
@config_option
@data_option
@json_option
def set_level(
    level: str,
    for_ms: int | None,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Log from LEVEL on, until the daemon starts anew or for a while."""
    command: Frame = {"type": "log_level", "level": level}
    if for_ms is not None:
        if for_ms > LEVEL_S_MAX * 1000:
            raise click.BadParameter("expected at most 7d", param_hint="--for")
        command["for"] = for_ms // 1000
    ask(place_of(config_file, data).directory, command)
    if as_json:
        click.echo(json.dumps({"level": level, "for": command.get("for")}))
    else:
        lasts = f" for {command['for']} s" if "for" in command else ""
        click.echo(f"the log has {level} and above{lasts}")


def say_reach(
    directory: Path, text: str, there: str, reply: Frame, *, field: str, as_json: bool
) -> None:
    """Say what was done here, and on other nodes; end with 75 where they do not hear.

    Args:
        directory: The data directory of the daemon that has done it.
        text: What was done.
        there: What of those on other nodes.
        reply: Its reply: `nodes` is how many others it has told, or would have.
        field: The field of the reply that counts what was done.
        as_json: Whether programs read it.
    """
    told = reply.get("nodes", 0)
    nodes = told if told and ask(directory, {"type": "report"})["bus"] else 0
    if told:
        text += " here"
    if nodes:
        text += f", and {there} {number(nodes, 'other node')}"
    say(text, {field: reply[field], "nodes": nodes}, as_json=as_json)
    if nodes != told:
        unheard = "the bus is away, so other nodes do not hear of it"
        fail(f"{unheard}: type it there, or later", os.EX_TEMPFAIL)


@click.command("announce")
@click.argument("text")
@click.option("--room", metavar="ROOM", help="Only to who is online in ROOM.")
@config_option
@data_option
@json_option
def announce(
    text: str,
    *,
    room: str | None,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Tell TEXT to everybody who is connected.

    It is shown at once, above all rooms, and kept nowhere: who comes later is not told.
    """
    place = place_of(config_file, data)
    command: Frame = {"type": "announce", "text": text}
    if room is not None:
        command["room"] = place.room(room)
    reply = ask(place.directory, command)
    text, there = f"told to {number(reply['users'], 'user')}", "to those of"
    say_reach(place.directory, text, there, reply, field="users", as_json=as_json)
