"""`chatd user`: accounts, bans from the server, sessions.

A secret never travels on the command line, where every user of the machine can
read it: a password comes from a prompt or from standard input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import attrs
import click

from chatd.cli.admin import order, require_access
from chatd.cli.config import config_option
from chatd.cli.operator import (
    data_option,
    duration_ms,
    json_option,
    now,
    place_of,
    say,
    session_tag,
    short_text,
    show_fields,
    time_of,
    told,
)
from chatd.cli.standard import hidden
from chatd.cli.table import show
from chatd.client.frames import Frame
from chatd.enums import AccountRole
from chatd.ids import SessionTag, is_encodable
from chatd.names import skeleton
from chatd.store.sqlite import admin, overview
from chatd.wire.events import Millis
from chatd.wire.fields import BAN_S_MAX, parse_password


@click.group("user")
def user_group() -> None:
    """Accounts: people and programs that log in; bans; sessions."""


@user_group.command("add")
@click.argument("name")
@click.option("--bot", "role", flag_value="bot", help="A program; it needs a token.")
@click.option("--admin", "role", flag_value="admin", help="May do everything.")
@config_option
@data_option
@json_option
def add_user(
    name: str,
    role: str | None,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Add the account NAME; a name is never given out again.

    The password is asked for, or read as the first line of standard input; a
    bot gets none.
    """
    place = place_of(config_file, data)
    name, distinct = place.new_account(name), place.names.distinct
    require_access(place)
    with told():
        admin.check_free(place.store, name, skeleton(name), distinct=distinct)
    fields = {"user": name, "role": role or "user"}
    command: Frame = {"type": "user_add", "name": name, "role": fields["role"]}
    if role != AccountRole.BOT:
        command["password"] = _password()
    order(place, command, makes=True)
    say(f"added {name}", fields, as_json=as_json)


@user_group.command("list")
@config_option
@data_option
@json_option
def list_users(*, config_file: Path | None, data: str | None, as_json: bool) -> None:
    """List all accounts."""
    with told():
        accounts = admin.accounts(place_of(config_file, data).store)
    at = now()
    show(
        [_account(account, at) for account in accounts],
        ["name", "role", "created", "state", "display"],
        as_json=as_json,
    )


def _account(account: admin.Account, at: Millis) -> dict[str, Any]:
    """An account for a table or a program."""
    ban = account.ban if account.ban is not None and account.ban.holds(at) else None
    state = ""
    if account.is_erased:
        state = "erased"
    elif ban is not None:
        until = time_of(ban.until)
        state = f"banned until {until}" if until else "banned"
        state += f": {ban.reason}" if ban.reason else ""
    elif not account.has_password:
        state = "no password"
    return {
        "name": account.name,
        "display": account.display,
        "role": account.role,
        "created": time_of(account.created),
        "state": state,
        "has_password": account.has_password,
        "ban": None
        if ban is None
        else attrs.asdict(ban) | {"until": time_of(ban.until)},
        "erased": account.is_erased,
    }


@user_group.command("show")
@click.argument("name")
@config_option
@data_option
@json_option
def show_user(
    name: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Show NAME, an account or a guest: what and where he is."""
    place = place_of(config_file, data)
    with told():
        found = overview.user(place.store, place.user(name))
    at, user = now(), found.record.user
    ban = user.ban if user.ban is not None and user.ban.holds(at) else None
    fields = {
        "name": user.user,
        "display": user.display,
        "role": user.role,
        "created": time_of(found.created),
        "has_password": found.has_password,
        "banned": ban is not None,
        "banned_until": time_of(ban.until) if ban is not None else None,
        "ban_reason": ban.reason if ban is not None else None,
        "made": found.record.made,
        "blocks": found.record.blocks,
    }
    rooms = [{"room": room, "role": role} for room, role in found.roles.items()]
    sessions = list(map(_session, found.sessions))
    tokens = [{"id": one.id, "name": one.name} for one in found.tokens]
    if as_json:
        lists = {"rooms": rooms, "sessions": sessions, "tokens": tokens}
        click.echo(json.dumps(fields | lists, ensure_ascii=False))
        return
    show_fields(fields)
    for heading, records, columns in (
        ("rooms", rooms, ["room", "role"]),
        ("sessions", sessions, _SESSION_COLUMNS),
        ("tokens", tokens, ["id", "name"]),
    ):
        if records:
            click.echo(f"\n{heading}:")
            show(records, columns, as_json=False)


@user_group.command("password")
@click.argument("name")
@config_option
@data_option
@json_option
def change_password(
    name: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Give the account NAME another password.

    Its sessions and tokens end. The password is asked for, or read as the first line of
    standard input.
    """
    place = place_of(config_file, data)
    name = place.account(name)
    require_access(place)
    with told():
        admin.check_account(place.store, name)
    order(place, {"type": "user_password", "user": name, "password": _password()})
    text = f"{name} has another password, and has to log in again everywhere"
    say(text, {"user": name}, as_json=as_json)


@user_group.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["user", "bot", "admin"]))
@config_option
@data_option
@json_option
def change_role(
    name: str,
    role: str,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Make the account NAME a user, a bot or an admin of this server."""
    place = place_of(config_file, data)
    name = place.account(name)
    order(place, {"type": "user_role", "user": name, "role": role})
    say(f"{name} is {role} now", {"user": name, "role": role}, as_json=as_json)


@user_group.command("ban")
@click.argument("name")
@click.option(
    "--for",
    "for_ms",
    callback=duration_ms,
    metavar="TIME",
    help="How long, such as 3d.",
)
@click.option("--reason", callback=short_text, help="Told to the user when he logs in.")
@config_option
@data_option
@json_option
def ban_user(
    name: str,
    for_ms: int | None,
    reason: str | None,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Ban NAME from the server, for good or for a while.

    He is cut off at once, and his sessions end. His tokens rest while the ban lasts.
    What he wrote stays.
    """
    place = place_of(config_file, data)
    name = place.user(name)
    command: Frame = {"type": "user_ban", "user": name, "reason": reason}
    if for_ms is not None:
        if for_ms > BAN_S_MAX * 1000:
            raise click.BadParameter(
                "expected at most ten years; without it a ban is for good",
                param_hint="--for",
            )
        command["for"] = for_ms // 1000
    ends = order(place, command).get("until")
    text = f"{name} is banned" + (f" until {ends}" if ends else "")
    fields = {"user": name, "until": ends, "reason": reason}
    say(text, fields, as_json=as_json)


@user_group.command("unban")
@click.argument("name")
@config_option
@data_option
@json_option
def unban_user(
    name: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Let NAME in again."""
    place = place_of(config_file, data)
    name = place.user(name)
    was_banned = order(place, {"type": "user_unban", "user": name})["was_banned"]
    text = f"{name} may log in" if was_banned else f"{name} was not banned"
    say(text, {"user": name, "was_banned": was_banned}, as_json=as_json)


@user_group.command("sessions")
@click.argument("name")
@config_option
@data_option
@json_option
def list_sessions(
    name: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """List the sessions of NAME: what comes back without a password.

    Each has a tag, by which `chatd user logout` ends it. What a device is called its
    client has said, so it may be anything.
    """
    place = place_of(config_file, data)
    with told():
        found = admin.sessions(place.store, place.user(name))
    show(map(_session, found), _SESSION_COLUMNS, as_json=as_json)


_SESSION_COLUMNS = ["session", "device", "created", "state", "idle_since", "token"]


def _session(session: admin.SessionShown) -> dict[str, Any]:
    """A session for a table or a program."""
    return {
        "session": session.tag,
        "device": session.device,
        "created": time_of(session.created),
        "state": "idle" if session.idle_since is not None else "connected",
        "idle_since": time_of(session.idle_since),
        "token": session.token,
    }


@user_group.command("logout")
@click.argument("name")
@click.option(
    "--session",
    "tag",
    callback=session_tag,
    metavar="TAG",
    help="Only this one, as `chatd user sessions` calls it.",
)
@config_option
@data_option
@json_option
def log_out(
    name: str,
    tag: SessionTag | None,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """End all sessions of NAME, or one; tokens and password stay."""
    place = place_of(config_file, data)
    name = place.user(name)
    order(place, {"type": "user_logout", "user": name, "session": tag})
    text = f"session {tag} of {name} has ended"
    if tag is None:
        text = f"{name} has to log in again everywhere"
    say(text, {"user": name, "session": tag}, as_json=as_json)


def _password() -> str:
    """Ask for a password until it can be one, or take the first line of a pipe."""
    if sys.stdin.isatty():
        return _asked()
    try:
        return _chosen(sys.stdin.readline().rstrip("\r\n"))
    except ValueError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(os.EX_DATAERR)


def _asked() -> str:
    """Ask for a password, and once more for the same, when it can be one."""
    while True:
        try:
            password = _chosen(hidden("Password"))
            again = hidden("Again")
        except ValueError as error:
            click.echo(f"Error: {error}", err=True)
            continue
        if again == password:
            return password
        click.echo("Error: these were two different ones", err=True)


def _chosen(text: str) -> str:
    """Check a password that is chosen."""
    if not is_encodable(text):
        raise ValueError("that is no UTF-8, in which a password has to be given")
    return parse_password(text)
