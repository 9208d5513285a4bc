"""`chatd token`: access tokens, for programs that log in as an account.

A token goes to standard output, once, and is not kept; what is listed of it says
nothing about its secret.
"""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import click

from chatd.auth import digest_of
from chatd.cli.config import config_option
from chatd.cli.operator import (
    Place,
    data_option,
    duration_ms,
    json_option,
    now,
    place_of,
    short_text,
    show,
    time_of,
    told,
    wait_in_force,
)
from chatd.configfile.problems import near
from chatd.core.scope import ACTIONS
from chatd.store.sqlite import tokens


@click.group("token")
def token_group() -> None:
    """Access tokens: for programs that log in as an account."""


@token_group.command("issue")
@click.argument("user", metavar="NAME")
@click.option("--name", callback=short_text, default="", help="What it is for.")
@click.option(
    "--expires",
    callback=duration_ms,
    metavar="TIME",
    help="How long it lasts, such as 30d.",
)
@click.option("--room", "rooms", multiple=True, help="Only for this room; repeatable.")
@click.option(
    "--only",
    "actions",
    multiple=True,
    metavar="COMMAND",
    help=f"Only this command; repeatable: {', '.join(sorted(ACTIONS))}.",
)
@config_option
@data_option
def issue_token(
    user: str,
    name: str,
    expires: int | None,
    rooms: tuple[str, ...],
    actions: tuple[str, ...],
    config_file: Path | None,
    data: str | None,
) -> None:
    """Print a new access token for the account NAME; it is shown only now.

    Without `--room` and `--only` it allows all that its account may do. Where the
    account is no member of a room it needs `join` as well.
    """
    place = place_of(config_file, data)
    directory, user = place.directory, place.account(user)
    scope = _scope(place, rooms, actions)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    created = now()
    ends = None if expires is None else created + expires
    with told():
        number = tokens.add_token(
            directory, user, digest_of(secret), ends, created, name=name, scope=scope
        )
    click.echo(secret)
    click.echo(f"this is token {number} of {user}", err=True)


def _scope(
    place: Place, rooms: tuple[str, ...], actions: tuple[str, ...]
) -> str | None:
    if not rooms and not actions:
        return None
    unknown = sorted(set(actions) - ACTIONS)
    if unknown:
        text = f'"{unknown[0]}" is no action that a token can have'
        raise click.UsageError(text + near(unknown[0], sorted(ACTIONS)))
    scope: dict[str, list[str]] = {}
    if rooms:
        scope["rooms"] = sorted(set(map(place.room, rooms)))
    if actions:
        scope["actions"] = sorted(set(actions))
    return json.dumps(scope)


@token_group.command("list")
@click.argument("user", metavar="[NAME]", required=False)
@config_option
@data_option
@json_option
def list_tokens(
    user: str | None, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """List all tokens, or those of the account NAME."""
    place = place_of(config_file, data)
    with told():
        found = tokens.tokens(
            place.directory, None if user is None else place.account(user)
        )
    at = now()
    show(
        [_token(token) | {"expired": _is_over(token, at)} for token in found],
        ["id", "user", "name", "rooms", "only", "created", "expires"],
        as_json=as_json,
    )


def _token(token: tokens.TokenShown) -> dict[str, Any]:
    scope = {} if token.scope is None else json.loads(token.scope)
    return {
        "id": token.id,
        "user": token.user,
        "name": token.name,
        "rooms": scope.get("rooms"),
        "only": scope.get("actions"),
        "created": time_of(token.created),
        "expires": time_of(token.expires),
    }


def _is_over(token: tokens.TokenShown, at: int) -> bool:
    return token.expires is not None and token.expires <= at


@token_group.command("revoke")
@click.argument("number", metavar="ID", type=int)
@config_option
@data_option
def revoke_token(number: int, config_file: Path | None, data: str | None) -> None:
    """End the token ID, as `list` shows it, and the sessions that came from it."""
    directory = place_of(config_file, data).directory
    with told():
        revoked = tokens.revoke_token(directory, number)
        if revoked is None:
            raise click.ClickException(f"there is no token {number}")
        wait_in_force(directory, revoked[1])
    click.echo(f"token {number} of {revoked[0]} is revoked")
