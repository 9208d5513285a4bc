"""`chatd token`: access tokens, for programs that log in as an account.

A token goes to standard output, once, and is not kept; what is listed of it says
nothing about its secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from chatd.cli.admin import order
from chatd.cli.config import config_option
from chatd.cli.operator import (
    data_option,
    duration_ms,
    json_option,
    now,
    place_of,
    say,
    short_text,
    time_of,
    told,
)
from chatd.cli.table import show
from chatd.client.frames import Frame
from chatd.configfile.problems import near
from chatd.core.scope import ACTIONS
from chatd.store.sqlite import tokens
from chatd.wire.fields import TOKEN_S_MAX


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
@json_option
def issue_token(
    user: str,
    name: str,
    expires: int | None,
    rooms: tuple[str, ...],
    actions: tuple[str, ...],
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Print a new token for the account NAME; it is shown only now.

    Without `--room` and `--only` it allows all that its account may do. Where the
    account is no member of a room it needs `join` as well. A room has to be there,
    unless the token is to `create` it.
    """
    place = place_of(config_file, data)
    user = place.account(user)
    _check_actions(actions)
    command: Frame = {"type": "token_issue", "user": user, "name": name}
    command["rooms"] = sorted(set(map(place.room, rooms)))
    command["actions"] = sorted(set(actions))
    if expires is not None:
        if expires > TOKEN_S_MAX * 1000:
            text = "expected at most ten years; without it a token does not end"
            raise click.BadParameter(text, param_hint="--expires")
        command["for"] = expires // 1000
    reply = order(place, command)
    number, secret = reply["token"], reply["secret"]
    fields = {"id": number, "user": user, "secret": secret}
    say(secret, fields | {"expires": reply.get("expires")}, as_json=as_json)
    click.echo(f"this is token {number} of {user}", err=True)


def _check_actions(actions: Iterable[str]) -> None:
    """Say what is no action of a token, and which one may be meant."""
    unknown = sorted(set(actions) - ACTIONS)
    if unknown:
        text = f'"{unknown[0]}" is no action that a token can have'
        raise click.UsageError(text + near(unknown[0], sorted(ACTIONS)))


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
            place.store, None if user is None else place.account(user)
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
@click.argument("number", metavar="ID", type=click.IntRange(1))
@config_option
@data_option
@json_option
def revoke_token(
    number: int, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """End the token ID, and the sessions that came from it."""
    command = {"type": "token_revoke", "token": number}
    user = order(place_of(config_file, data), command)["user"]
    text = f"token {number} of {user} is revoked"
    say(text, {"id": number, "user": user}, as_json=as_json)
