"""`chatd status`, `chatd who`, `chatd kick`: the daemon that runs, and who is there."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import attrs
import click

from chatd.amounts import number, size
from chatd.cli.admin import ask, ask_all
from chatd.cli.clean import clean
from chatd.cli.config import config_option
from chatd.cli.doctor import show_finding
from chatd.cli.operator import (
    Place,
    data_option,
    json_option,
    now,
    place_of,
    say,
    short_text,
    told,
)
from chatd.cli.steering import say_reach
from chatd.cli.table import Forms, hung, show, span
from chatd.client.frames import Frame
from chatd.configfile import load
from chatd.doctor import QUICK, Finding, Level, examine, glance
from chatd.errors import ConfigError, StoreUnavailable
from chatd.store.sqlite import overview

DIGEST_SHOWN_CHARS = 12
"""Enough to compare by eye. Source: git."""
LABEL_CHARS = 15
"""Of a line of `chatd status`, before what it says."""
BUT = "; but "
"""Stands before what somebody has to see to."""
NOT_READY = "the store does not answer: journalctl -u chatd -p err says why"
BUS_AWAY = "other nodes are heard once a second: see cluster.bus, and the log"
SILENT_S = 3.0
"""A node says each 2 s that it is there."""
FORMS: Forms = {
    "for": span,
    "lag": lambda seconds: f"{seconds:g} s",
    "received": size,
    "sent": size,
    "unread": size,
}


@click.command("status")
@config_option
@data_option
@json_option
def status(*, config_file: Path | None, data: str | None, as_json: bool) -> None:
    """Say how the running daemon is, and what has to be seen to.

    Warnings are those of `chatd doctor`, which looks at more. Exits with 69 if no
    daemon runs.
    """
    place = place_of(config_file, data)
    reply = ask(place.directory, {"type": "report"})
    counts, counted = _count(place)
    warnings = _warnings(place, reply)
    if as_json:
        said = {"warnings": [attrs.asdict(one) for one in warnings]}
        click.echo(json.dumps(_fields(reply) | counts | said, ensure_ascii=False))
        return
    for label, text in _lines(reply, counted, _database(place)):
        click.secho(f"{label:<{LABEL_CHARS}}", fg="cyan", nl=False)
        colour = "yellow" if BUT in text else None
        click.secho(hung(clean(text), LABEL_CHARS), fg=colour)
    for finding in warnings:
        show_finding(finding)


@click.command("who")
@click.argument("name", required=False)
@config_option
@data_option
@json_option
def who(
    name: str | None, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """List who is connected, or NAME's connections, and how they go.

    UNREAD is what waits for a connection or was not acknowledged by its side, and LAG
    for how many seconds it has taken nothing of what waits.
    """
    place = place_of(config_file, data)
    command: Frame = {"type": "connections"}
    if name is not None:
        command["user"] = place.user(name)
    found = ask_all(place.directory, command, "connections")
    rows: list[Frame] = [{"user": None, "device": None} | row for row in found]
    if not as_json:
        at = now() / 1000
        rows = [row | {"for": at - _seconds(row["opened"])} for row in rows]
    columns = (
        *("connection", "user", "address", "device", "for", "unread", "lag"),
        *("messages", "rooms", "received", "sent"),
    )
    show(rows, columns, as_json=as_json, forms=FORMS)


@click.command("kick")
@click.argument("name", required=False)
@click.option(
    "--connection",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Only this one, as `chatd who` numbers it.",
)
@click.option("--room", metavar="ROOM", help="Take NAME out of this room instead.")
@click.option(
    "--reason",
    metavar="TEXT",
    callback=short_text,
    help="With --room: what the room is told.",
)
@config_option
@data_option
@json_option
def kick(
    name: str | None,
    connection: int | None,
    *,
    room: str | None,
    reason: str | None,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """End all connections of NAME, or one by its number.

    A client that behaves does not come back by itself, but its user may: `chatd user
    logout` ends the session, and `chatd user ban` keeps him out. With --room it is his
    membership that ends, as by a moderator, and his connections stay.
    """
    if (name is None) == (connection is None):
        raise click.UsageError("give NAME, or --connection NUMBER")
    if room is None and reason is not None:
        raise click.UsageError("--reason is told in a room: give --room ROOM")
    if room is not None and name is None:
        raise click.UsageError("--room is for NAME, not for a connection")
    place = place_of(config_file, data)
    if room is not None and name is not None:
        _remove(place, name, room, reason, as_json=as_json)
        return
    command: Frame = {"type": "disconnect"}
    if name is not None:
        command["user"] = name = place.user(name)
    else:
        command["connection"] = connection
    reply = ask(place.directory, command)
    ended = reply["ended"]
    if not ended and not reply.get("nodes"):
        if as_json:
            click.echo(json.dumps({"ended": 0, "nodes": 0}))
        missing = f"{name} is not connected" if name else f"no connection {connection}"
        raise click.ClickException(missing)
    text, there = f"ended {number(ended, 'connection')}", "those on"
    say_reach(place.directory, text, there, reply, field="ended", as_json=as_json)


def _remove(
    place: Place, name: str, room: str, reason: str | None, *, as_json: bool
) -> None:
    """End somebody's membership of a room."""
    command: Frame = {"type": "kick", "room": place.room(room)}
    command["user"] = user = place.user(name)
    if reason is not None:
        command["reason"] = reason
    found = ask(place.directory, command)["room"]
    fields = {"user": user, "room": found}
    say(f"{user} is not in {found} any more", fields, as_json=as_json)


def _warnings(place: Place, reply: Frame) -> list[Finding]:
    """What is not well, as far as a glance can tell.

    By the settings of the daemon's own file, wherever the command was told to look.
    """
    file = reply["config"].get("file")
    config_file, config = None if file is None else Path(file), place.config
    with suppress(ConfigError):  # then the daemon's is another, of which is told
        config = load(config_file, {}, {"store.path": str(place.directory)}).config
    found = examine(glance(config, config_file, reply), QUICK)
    return [one for one in found if one.level is not Level.OK]


def _fields(reply: Frame) -> Frame:
    """What a reply tells, without what makes it one."""
    return {key: value for key, value in reply.items() if key not in ("type", "re")}


def _count(place: Place) -> tuple[Frame, str]:
    """How many there are in all, for programs and in words.

    The store is read for it, by this process: where that cannot be, how the daemon is
    is told all the same.
    """
    with told():
        try:
            totals = overview.totals(place.store)
        except StoreUnavailable as error:
            nothing = {one.name: None for one in attrs.fields(overview.Totals)}
            return nothing, f"not counted{BUT}{error}"
    return attrs.asdict(totals), _counted(totals)


def _database(place: Place) -> str | None:
    """Which database has the store, if one has."""
    if not place.config.store.url:
        return None
    from chatd.store.postgres.opening import place_of as where  # noqa: PLC0415 - an extra

    return where(place.config.store.url)


def _lines(reply: Frame, counted: str, database: str | None) -> list[tuple[str, str]]:
    store, events = reply["store"], reply["events"]
    sizes = f"{size(store['bytes'])}, {size(store['free_bytes'])} free"
    kept, backup = f"{store['directory']}, {sizes}", store.get("backup")
    backed_up = _backup(backup, reply["now"])
    if database is not None:
        kept, backed_up = database, "PostgreSQL's own, of which nothing is known here"
    users, count = reply["users_online"], reply["connections"]
    since = f"{span(_lasts_s(reply['started'], reply['now']))}, since"
    lines = [
        ("daemon", f"{reply['server']}, process {reply['pid']}"),
        ("running", f"for {since} {reply['started']}"),
        ("ready", "yes" if reply["ready"] else f"no{BUT}{NOT_READY}"),
        ("configuration", _configuration(reply["config"])),
        ("listening", ", ".join(reply["listening"])),
        ("connections", f"{count}, of {number(users, 'user')} online"),
        ("in all", counted),
        (
            "events",
            f"{events}, {reply['events_per_s']:.1f} a second in the last minute",
        ),
        ("waiting", f"{reply['queued']} commands to be stored"),
        ("store", kept),
        ("last backup", backed_up),
        ("log", f"{reply['log_level']} and above"),
    ]
    if reply.get("metrics"):
        lines.insert(5, ("metrics", ", ".join(reply["metrics"])))
    if "bus" in reply:
        lines.append(("bus", "up" if reply["bus"] else f"away{BUT}{BUS_AWAY}"))
    lines += [("node", _node(one)) for one in reply.get("nodes", ())]
    return lines


def _node(node: Frame) -> str:
    """One of the nodes that share the store."""
    parts = [
        f"{node['name']}{' (this one)' if node.get('here') else ''}, {node['server']}",
        f"number {node['node']}",
        f"{node['connections']} connections of {node['users_online']} online",
    ]
    if node["silent"] > SILENT_S:
        parts.append(f"silent for {span(node['silent'])}")
    if node["behind"] > 0:
        parts.append(f"{span(node['behind'])} behind")
    return ", ".join(parts)


def _counted(totals: overview.Totals) -> str:
    """How many there are, in words."""
    counts = (("account", totals.accounts), ("room", totals.rooms))
    return ", ".join(number(n, what) for what, n in counts)


def _configuration(config: Frame) -> str:
    if "file" not in config:
        return "no file, so defaults"
    return f"{config['file']}, sha256 {config['digest'][:DIGEST_SHOWN_CHARS]}"


def _backup(backup: Frame | None, now: str) -> str:
    if backup is None:
        return "none is noted"
    lasts_s = _lasts_s(backup["made"], now)
    return f"{span(lasts_s)} ago, {size(backup['bytes'])}, {backup['file']}"


def _lasts_s(begin: str, end: str) -> float:
    return max(0.0, _seconds(end) - _seconds(begin))


def _seconds(ts: str) -> float:
    return datetime.fromisoformat(ts).timestamp()
