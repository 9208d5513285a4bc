"""`chatd user` and `chatd token`: who may log in.

Both write into the daemon's database, and may do so while it runs: it looks an
account or a token up when somebody presents it. A secret never travels on the
command line, where every user of the machine can read it: a password comes from
a prompt or from standard input, a token goes to standard output, once.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path

import click

from chatd.auth import digest_of, hash_password, new_secret
from chatd.cli.config import config_option, load_or_exit
from chatd.errors import Reject, StoreRefused
from chatd.ids import UserName, parse_account_name
from chatd.store.sqlite import admin
from chatd.wire.fields import parse_password

data_option = click.option(
    "--data", metavar="DIR", help="The data directory, as given to `chatd serve`."
)


@click.group("user")
def user_group() -> None:
    """Accounts: people who log in with a name and a password."""


@click.group("token")
def token_group() -> None:
    """Access tokens: for programs that log in as an account."""


@user_group.command("add")
@click.argument("name")
@config_option
@data_option
def add_user(name: str, config_file: Path | None, data: str | None) -> None:
    """Add the account NAME; a name is for ever, and never given out again.

    The password is asked for, or read as the first line of standard input.
    """
    user = _name_or_exit(name)
    directory = _directory(config_file, data)
    password = _password()
    try:
        admin.add_account(directory, user, hash_password(password))
    except (Reject, StoreRefused) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"added {user}")


@token_group.command("issue")
@click.argument("name")
@config_option
@data_option
def issue_token(name: str, config_file: Path | None, data: str | None) -> None:
    """Print a new access token for the account NAME; it is shown only now."""
    user = _name_or_exit(name)
    directory = _directory(config_file, data)
    token = new_secret(secrets.token_bytes)
    created = time.time_ns() // 1_000_000
    try:
        admin.add_token(directory, user, digest_of(token), None, created)
    except (Reject, StoreRefused) as error:
        raise click.ClickException(str(error)) from None
    click.echo(token)


def _name_or_exit(text: str) -> UserName:
    try:
        return parse_account_name(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None


def _directory(config_file: Path | None, data: str | None) -> Path:
    overrides: dict[str, object] = {} if data is None else {"store.path": data}
    return Path(load_or_exit(config_file, overrides).config.store.path)


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
