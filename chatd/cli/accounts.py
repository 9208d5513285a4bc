"""`chatd user` and `chatd token`: who may log in.

Both write into the daemon's database, and may do so while it runs: it looks an
account or a token up when somebody presents it. A secret never travels on the
command line, where every user of the machine can read it: a password comes from
a prompt or from standard input, a token goes to standard output, once.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import time
from pathlib import Path

import click

from chatd.auth import digest_of, hash_password
from chatd.cli.config import config_option, load_or_exit
from chatd.config import Config
from chatd.errors import Reject, StoreRefused
from chatd.ids import UserName
from chatd.names import NAMES, Names, skeleton
from chatd.store.sqlite import admin

PASSWORD_CHARS_MIN = 8
"""Source: NIST SP 800-63B, section 3.1.1.2, for a password beside nothing else."""
PASSWORD_CHARS_MAX = 1024

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
    config = _config(config_file, data)
    names = NAMES[config.auth.names]
    user = _name_or_exit(names, name)
    hashed = hash_password(_password())
    try:
        admin.add_account(
            Path(config.store.path),
            user,
            hashed,
            skeleton(user),
            distinct=names.distinct,
        )
    except (Reject, StoreRefused) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"added {user}")


@token_group.command("issue")
@click.argument("name")
@config_option
@data_option
def issue_token(name: str, config_file: Path | None, data: str | None) -> None:
    """Print a new access token for the account NAME; it is shown only now."""
    config = _config(config_file, data)
    user = _name_or_exit(NAMES[config.auth.names], name)
    token = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    created = time.time_ns() // 1_000_000
    try:
        admin.add_token(Path(config.store.path), user, digest_of(token), None, created)
    except (Reject, StoreRefused) as error:
        raise click.ClickException(str(error)) from None
    click.echo(token)


def _name_or_exit(names: Names, text: str) -> UserName:
    try:
        return names.account(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None


def _config(config_file: Path | None, data: str | None) -> Config:
    overrides: dict[str, object] = {} if data is None else {"store.path": data}
    return load_or_exit(config_file, overrides).config


def _password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True
        )
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        click.echo(
            f"Error: a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX}"
            " characters",
            err=True,
        )
        sys.exit(os.EX_DATAERR)
    return password
