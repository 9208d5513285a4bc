"""`chatd user`: accounts, bans from the server, sessions.

A secret never travels on the command line, where every user of the machine can
read it: a password comes from a prompt or from standard input.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import attrs
import click

from chatd.auth import hash_password
from chatd.cli.config import config_option
from chatd.cli.operator import (
    data_option,
    duration_ms,
    json_option,
    now,
    place_of,
    session_tag,
    short_text,
    show,
    time_of,
    told,
    wait_in_force,
)
from chatd.core.entities import Sanction
from chatd.enums import AccountRole
from chatd.ids import SessionTag
from chatd.names import skeleton
from chatd.store.sqlite import admin
from chatd.wire.events import Millis
from chatd.wire.fields import parse_password


@click.group("user")
def user_group() -> None:
    """Accounts: people and programs that log in; bans; sessions."""


@user_group.command("add")
@click.argument("name")
@click.option("--bot", "role", flag_value="bot", help="A program; it needs a token.")
@click.option("--admin", "role", flag_value="admin", help="May do everything.")
@config_option
@data_option
def add_user(
    name: str, role: str | None, config_file: Path | None, data: str | None
) -> None:
    """Add the account NAME; a name is for ever, and never given out again.

    The password is asked for, or read as the first line of standard input; a
    bot gets none.
    """
    place = place_of(config_file, data)
    directory, name = place.directory, place.new_account(name)
    password_hash = None if role == AccountRole.BOT else hash_password(_password())
    with told():
        position = admin.add_account(
            directory,
            name,
            password_hash,
            skeleton(name),
            distinct=place.names.distinct,
            role=AccountRole(role or AccountRole.USER),
        )
        if position is not None:
            wait_in_force(directory, position)
    click.echo(f"added {name}")


@user_group.command("list")
@config_option
@data_option
@json_option
def list_users(*, config_file: Path | None, data: str | None, as_json: bool) -> None:
    """List all accounts."""
    with told():
        accounts = admin.accounts(place_of(config_file, data).directory)
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


@user_group.command("password")
@click.argument("name")
@config_option
@data_option
def change_password(name: str, config_file: Path | None, data: str | None) -> None:
    """Give the account NAME another password; its sessions and tokens end.

    The password is asked for, or read as the first line of standard input.
    """
    place = place_of(config_file, data)
    directory, name = place.directory, place.account(name)
    password_hash = hash_password(_password())
    with told():
        position = admin.set_password(directory, name, password_hash)
        wait_in_force(directory, position)
    click.echo(f"{name} has another password, and has to log in again everywhere")


@user_group.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["user", "bot", "admin"]))
@config_option
@data_option
def change_role(
    name: str, role: str, config_file: Path | None, data: str | None
) -> None:
    """Make the account NAME a user, a bot or an admin of this server."""
    place = place_of(config_file, data)
    directory, name = place.directory, place.account(name)
    with told():
        wait_in_force(directory, admin.set_role(directory, name, AccountRole(role)))
    click.echo(f"{name} is {role} now")


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
def ban_user(
    name: str,
    for_ms: int | None,
    reason: str | None,
    config_file: Path | None,
    data: str | None,
) -> None:
    """Ban NAME from the server, for good or for a while; he is cut off at once.

    His sessions end. His tokens rest while the ban lasts. What he wrote stays.
    """
    place = place_of(config_file, data)
    directory, name = place.directory, place.user(name)
    at = now()
    until = None if for_ms is None else at + for_ms
    with told():
        position = admin.ban(directory, name, Sanction(until, reason), at)
        wait_in_force(directory, position)
    click.echo(f"{name} is banned" + (f" until {time_of(until)}" if until else ""))


@user_group.command("unban")
@click.argument("name")
@config_option
@data_option
def unban_user(name: str, config_file: Path | None, data: str | None) -> None:
    """Let NAME in again."""
    place = place_of(config_file, data)
    directory, name = place.directory, place.user(name)
    with told():
        position = admin.unban(directory, name)
        if position is not None:
            wait_in_force(directory, position)
    was_banned = position is not None
    click.echo(f"{name} may log in" if was_banned else f"{name} was not banned")


@user_group.command("sessions")
@click.argument("name")
@config_option
@data_option
@json_option
def list_sessions(
    name: str, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """List the sessions of NAME: devices that may come back without a password.

    Each has a tag, by which `chatd user logout` ends it. What a device is called its
    client has said, so it may be anything.
    """
    place = place_of(config_file, data)
    with told():
        found = admin.sessions(place.directory, place.user(name))
    show(
        [
            {
                "session": session.tag,
                "device": session.device,
                "created": time_of(session.created),
                "state": "idle" if session.idle_since is not None else "connected",
                "idle_since": time_of(session.idle_since),
                "token": session.token,
            }
            for session in found
        ],
        ["session", "device", "created", "state", "idle_since", "token"],
        as_json=as_json,
    )


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
def log_out(
    name: str, tag: SessionTag | None, config_file: Path | None, data: str | None
) -> None:
    """End all sessions of NAME, or one; tokens and password stay."""
    place = place_of(config_file, data)
    directory, name = place.directory, place.user(name)
    with told():
        wait_in_force(directory, admin.log_out(directory, name, tag))
    if tag is None:
        click.echo(f"{name} has to log in again everywhere")
    else:
        click.echo(f"session {tag} of {name} has ended")


def _password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True
        )
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        return parse_password(password)
    except ValueError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(os.EX_DATAERR)
