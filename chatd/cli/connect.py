"""`chatd connect`: a terminal on a chat, or a pipe into one.

What is typed and what becomes of it is `chatd.cli.talk`: lines go from a screen, which
is a terminal with an editor or a pipe, into a conversation. The client comes back by
itself, and nothing that was typed meanwhile is lost or sent twice.

The end of input waits until everything is answered, so a pipe may simply end; a line
that was refused, or has no answer at the end, is said with the reason, and the exit
status is not 0.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click
import trio

from chatd.cli.standard import hidden
from chatd.cli.talk.conversation import Conversation
from chatd.cli.talk.pipe import Pipe, complain, read_lines
from chatd.client import (
    SOCKET_PATH,
    UNIX,
    Client,
    CommandRefused,
    Credential,
    Unreachable,
    open_client,
)

SECRET_BYTES_MAX = 4096
SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
INTERRUPTED = 130
"""The exit code of a program that SIGINT ended, as shells report it."""


@click.command("connect")
@click.argument("url")
@click.option("--name", help="Your name: a guest's, or with --password an account's.")
@click.option("--password", is_flag=True, help="Log in; the password is asked for.")
@click.option(
    "--token-file",
    type=click.Path(),
    help="Log in by the access token in FILE; - is the first line of standard input.",
)
@click.option("--room", help="The room to join; without it your own, or a suggested.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON, one per line.")
def connect(
    url: str,
    name: str | None,
    token_file: str | None,
    room: str | None,
    *,
    password: bool,
    as_json: bool,
) -> None:
    """Talk in the rooms of the daemon at URL, or at unix:PATH.

    Typed lines are messages; /help lists the commands, and // at the beginning of a
    line is a plain slash. With --json, lines that start with { are commands of the
    protocol.

    Exits with 0 when every line was taken, 1 if one was refused, 69 if the daemon
    cannot be reached, 75 if it may be tried again later, and 77 if it refuses.
    """
    if password and name is None:
        raise click.UsageError("--password needs --name")
    if token_file is not None and name is not None:
        raise click.UsageError("a token says who you are: leave --name out")
    address = websocket_url(url)
    secret = secret_line("Password") if password else None
    token = token_of(token_file) if token_file is not None else None
    credential = Credential(name, secret, token, device="chatd connect")
    sys.exit(trio.run(_main, address, credential, room, as_json))


def secret_line(prompt: str) -> str:
    """Return a secret: typed unseen, or the first line of a pipe.

    Read byte by byte, since what is behind that line is the conversation's.
    """
    if sys.stdin.isatty():
        try:
            return hidden(prompt)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    line = b""
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
        if len(line) > SECRET_BYTES_MAX:
            raise click.UsageError("the first line of standard input is no secret")
    try:
        return line.decode().removesuffix("\r")
    except UnicodeDecodeError:
        text = "the first line of standard input is no UTF-8"
        raise click.UsageError(text) from None


def token_of(path: str) -> str:
    """Return the access token in a file, or `-`.

    Raises:
        click.UsageError: There is none: whoever has one does not want to be a guest.
    """
    try:
        text = secret_line("Token") if path == "-" else Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"{path} cannot be read: {reason}") from None
    token = text.strip()
    if not token or len(token.split()) > 1:
        where = "standard input" if path == "-" else path
        raise click.UsageError(f"{where} has no token")
    return token


def websocket_url(url: str) -> str:
    """Return the WebSocket's URL for what a browser's address bar may show.

    `unix:PATH`, a socket's file on this machine, stays as it is.

    Raises:
        click.BadParameter: It has another scheme, or no host.
    """
    if url.startswith(UNIX) and url != UNIX:
        return url
    wrong = click.BadParameter(
        "expected something like ws://127.0.0.1:8765", param_hint="URL"
    )
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.scheme in SCHEMES and parts.port != 0
    except ValueError:
        raise wrong from None
    if not usable:
        raise wrong
    path = SOCKET_PATH if parts.path in ("", "/") else parts.path
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, path, parts.query, ""))


async def _main(
    url: str,
    credential: Credential,
    room: str | None,
    as_json: bool,  # noqa: FBT001 - trio.run names no arguments
) -> int:
    """Connect and talk, until the end or a signal; return the exit code."""
    status = INTERRUPTED
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_interrupted, nursery.cancel_scope)
        try:
            async with open_client(url, credential) as client:
                status = await _talk(client, room, as_json=as_json)
        except Unreachable as error:
            complain(f"{url} cannot be reached: {error}")
            status = os.EX_UNAVAILABLE
        except CommandRefused as refused:
            complain(f"{url} refuses: {refused.reply.get('text')}")
            status = os.EX_NOPERM
            if (wait := refused.reply.get("retry_after")) is not None:
                complain(f"wait {wait} s, then try again")
                status = os.EX_TEMPFAIL
        nursery.cancel_scope.cancel()
    return status


async def _talk(client: Client, room: str | None, *, as_json: bool) -> int:
    """Talk by an editor on a terminal, else line by line; return the exit code."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if as_json or not is_terminal or os.environ.get("TERM", "dumb") == "dumb":
        conversation = Conversation(room, Pipe(as_json, read_lines(sys.stdin.fileno())))
        await conversation.run(client)
        return conversation.status
    # Half of a start, which a pipe does without.
    from chatd.cli.talk.terminal import Terminal  # noqa: PLC0415

    terminal = Terminal()
    conversation = Conversation(room, terminal)
    async with terminal.opened():
        await conversation.run(client)
    return INTERRUPTED if terminal.interrupted else conversation.status


async def _until_interrupted(scope: trio.CancelScope) -> None:
    """End everything at Ctrl-C, without a traceback."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
