"""Lines in and lines out: what `chatd connect` is between other programs.

Standard input is read when it is readable, without O_NONBLOCK: that flag would
belong to the terminal, and with it to every program that shares it.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable

import attrs
import click
import trio

from chatd.cli.clean import clean
from chatd.cli.transcript import shown
from chatd.client import Frame

LINE_CHARS_MAX = 2**20
"""A longer line is cut: no server takes it as one message."""
READ_BYTES = 65536
NOTICES = frozenset({"mention", "thread"})
"""What is not shown where the message itself is."""


@attrs.frozen
class Pipe:
    """A `Screen` that is standard input and standard output, line by line."""

    as_json: bool
    lines: AsyncIterator[str]

    @property
    def interactive(self) -> bool:
        """Whether somebody types."""
        return sys.stdin.isatty()

    async def take(self, event: Frame, *, followed: bool) -> None:
        """Print what has happened.

        Cancellation: safe; the event is printed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.as_json:
            click.echo(json.dumps(event))
        elif not (followed and event["type"] in NOTICES):
            for line in shown(event):
                click.echo(line)

    def tell(self, lines: Iterable[str]) -> None:
        """Print lines, where they are no event's."""
        for line in lines:
            click.echo(line, err=self.as_json)

    def complain(self, text: str) -> None:
        """Say on standard error what went wrong."""
        complain(text)

    def give_back(self, line: str) -> None:
        """Say which line it was, so that it can be sent again."""
        complain(f"not sent: {line}")

    def ask(self, question: str) -> None:
        """Ask on standard error, without the end of a line."""
        if question:
            click.echo(question, nl=False, err=True)

    def enter(self, room: str | None) -> None:
        """Nothing: each line that is shown has its room."""

    def wait_for(self, count: int) -> None:
        """Nothing: a pipe ends when there are none."""


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
