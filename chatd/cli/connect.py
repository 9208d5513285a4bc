"""`chatd connect`: a terminal on a chat, or a pipe into one.

Lines are read from standard input and are messages to the room that was joined
last. Three words are commands: `/join ROOM`, `/me TEXT` (sent as it is typed,
shown as an action) and `/quit`; a line that starts with `//` is a message that
starts with `/`. The client comes back by itself, and nothing that was typed
meanwhile is lost or sent twice.

With `--json` each event is one JSON object on standard output, and a line that
starts with `{` is a command of the protocol, answered with its own `id`.

The end of input waits until everything is answered, so a pipe may simply end.
Standard input is read when it is readable, without O_NONBLOCK: that flag would
belong to the terminal, and with it to every program that shares it.
"""

from __future__ import annotations

import codecs
import json
import os
import signal
import sys
from collections.abc import AsyncIterable, AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import attrs
import click
import orjson
import trio

from chatd.cli.clean import clean
from chatd.cli.transcript import shown
from chatd.client import (
    SOCKET_PATH,
    UNIX,
    Client,
    CommandRefused,
    Credential,
    Frame,
    Unreachable,
    open_client,
)
from chatd.ids import is_direct

BACKLOG = 20
"""How many events of a room are shown when it is joined."""
LINE_CHARS_MAX = 2**20
"""A longer line is cut: no server takes it as one message."""
READ_BYTES = 65536
SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
INTERRUPTED = 130
"""The exit code of a program that SIGINT ended, as shells report it."""


@click.command("connect")
@click.argument("url")
@click.option("--name", help="Your name: a guest's, or with --password an account's.")
@click.option("--password", is_flag=True, help="Log in; the password is asked for.")
@click.option("--room", help="The room to join; without it your own, or a suggested.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON, one per line.")
def connect(
    url: str, name: str | None, room: str | None, *, password: bool, as_json: bool
) -> None:
    """Talk in the rooms of the daemon at URL, or at unix:PATH.

    Typed lines are messages; /join ROOM, /me TEXT and /quit are commands, and
    // at the beginning of a line is a plain slash. With --json, lines that start
    with { are commands of the protocol.

    Exits with 0 after /quit and at the end of input, 69 if the daemon cannot be
    reached, and 77 if it refuses.
    """
    if password and name is None:
        raise click.UsageError("--password needs --name")
    secret = click.prompt("Password", hide_input=True, err=True) if password else None
    address = websocket_url(url)
    conversation = Conversation(room, as_json)
    credential = Credential(name, secret, device="chatd connect")
    sys.exit(trio.run(_main, address, credential, conversation))


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


@attrs.define(eq=False)
class Conversation:
    """One run of the command: where lines go, and how events are shown."""

    room: str | None
    """Where messages go: the room that was joined last."""
    as_json: bool
    status: int = attrs.field(default=0, init=False)
    """The exit code."""

    async def run(self, client: Client, lines: AsyncIterable[str]) -> None:
        """Show events and send lines until either has its end.

        Cancellation: safe; what was not sent is lost.
        """
        started = False
        async with trio.open_nursery() as nursery:
            async for event in client:
                self._show(client, event)
                if event["type"] == "welcome" and not started:
                    started = True
                    await self._enter(client, event)
                    nursery.start_soon(self._read, client, lines)
                elif event["type"] == "offline" and event["after"] is None:
                    self.status = 0 if event["code"] == 1000 else os.EX_NOPERM
            nursery.cancel_scope.cancel()

    async def _enter(self, client: Client, welcome: Frame) -> None:
        """Join the room that was asked for, else one's own, else a suggested."""
        mine = [entry["room"] for entry in welcome["rooms"]]
        mine = [room for room in mine if not is_direct(room)]
        rooms = [self.room] if self.room else mine
        for room in rooms or welcome.get("suggested", [])[:1]:
            await self._join(client, room)

    async def _join(self, client: Client, room: str) -> None:
        await client.post({"type": "join", "room": room, "last": BACKLOG})
        self.room = room

    async def _read(self, client: Client, lines: AsyncIterable[str]) -> None:
        """Take lines until there are no more, and leave when all is answered."""
        async for line in lines:
            if line == "/quit":
                break
            if line.strip():
                await self._take(client, line)
        await client.answered()
        client.leave()

    async def _take(self, client: Client, line: str) -> None:
        """Do what one line says."""
        word, _, rest = line.partition(" ")
        if self.as_json and line.startswith("{"):
            await self._command(client, line)
        elif word == "/join" and rest.strip():
            await self._join(client, rest.strip())
        elif line.startswith("/") and not line.startswith("//") and word != "/me":
            complain("the commands are /join ROOM, /me TEXT and /quit; // sends a /")
        elif self.room is None:
            complain("you are in no room yet: /join ROOM")
        else:
            text = line.removeprefix("/") if line.startswith("//") else line
            await client.post({"type": "send", "room": self.room, "text": text})

    async def _command(self, client: Client, line: str) -> None:
        """Send a line that is a command of the protocol."""
        try:
            command = orjson.loads(line)
            await client.post(command)
        except (orjson.JSONDecodeError, TypeError) as error:
            complain(f"this is not a command: {error}")

    def _show(self, client: Client, event: Frame) -> None:
        """Print an event; if nobody reads any more, leave."""
        lines = [json.dumps(event)] if self.as_json else shown(event)
        if event["type"] == "mention" and event.get("room") in client.core.rooms:
            lines = lines if self.as_json else []  # the message itself is shown
        try:
            for line in lines:
                click.echo(line)
        except BrokenPipeError:
            # What Python still holds would fail again when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            client.leave()


def complain(text: str) -> None:
    """Tell the person at the keyboard what went wrong."""
    click.echo(f"! {clean(text)}", err=True)


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """Yield lines of UTF-8 without their ends; what is not UTF-8 is replaced.

    Cancellation: safe; a line of which only a part was read is lost.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, chunk = "", b"\n"
    while chunk:
        await _readable(descriptor)
        chunk = os.read(descriptor, READ_BYTES)
        *lines, rest = (rest + decoder.decode(chunk, final=not chunk)).split("\n")
        for line in lines:
            yield line.removesuffix("\r")[:LINE_CHARS_MAX]
        rest = rest[:LINE_CHARS_MAX]
    if rest:
        yield rest


async def _readable(descriptor: int) -> None:
    """Wait until reading does not block; a file never does, and epoll says so."""
    try:
        await trio.lowlevel.wait_readable(descriptor)
    except PermissionError:
        await trio.lowlevel.checkpoint()


async def _main(url: str, credential: Credential, conversation: Conversation) -> int:
    """Connect and talk, until the end or a signal; return the exit code."""
    status = INTERRUPTED
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_interrupted, nursery.cancel_scope)
        try:
            async with open_client(url, credential) as client:
                await conversation.run(client, read_lines(sys.stdin.fileno()))
            status = conversation.status
        except Unreachable as error:
            complain(f"{url} cannot be reached: {error}")
            status = os.EX_UNAVAILABLE
        except CommandRefused as refused:
            complain(f"{url} refuses: {refused.reply.get('text')}")
            status = os.EX_NOPERM
        nursery.cancel_scope.cancel()
    return status


async def _until_interrupted(scope: trio.CancelScope) -> None:
    """End everything at Ctrl-C, without a traceback."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
