"""Standard input, output and error, as every command finds them.

Whoever starts a command may have closed them, may stop reading in the middle, or send
its output to a disk that is full. None of that is a fault of a command, of the daemon
that it asks, or of the library in between that would take the error for its own; so
what cannot be written is `OutputLost`, which is no `OSError`, and ends the command
here: without a word and with 141 where nobody reads any more, as SIGPIPE ends other
programs, else with the reason and 1.

What the encoding of the terminal does not have is written by its number, and what comes
in and is none of it is kept as half characters, which are no text to any parser.

systemd takes what a program writes for information; an error of a command that it has
started gets its priority, so that `journalctl -p err` finds it.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NOBODY_READS = 141
"""The exit status of a program that SIGPIPE has ended, as shells report it."""
ERROR = "Error: "
"""How a line begins that says why a command has failed. Source: click."""
ERROR_PRIORITY = "<3>"
"""Source: sd-daemon(3), `SD_ERR`."""


class OutputLost(Exception):
    """What was written to standard output or error went nowhere."""

    def __init__(self, name: str, fd: int, error: OSError) -> None:
        super().__init__(name, fd, error)
        self.name = name
        self.fd = fd
        self.nobody_reads = error.errno == errno.EPIPE
        self.reason = error.strerror or str(error)
        if error.errno == errno.EBADF:
            self.reason = "it is closed"

    def settle(self) -> None:
        """Let what is still to be written vanish, or Python's end would fail by it."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fd)
        os.close(nowhere)


class _Output(io.FileIO):
    """A descriptor to which a command writes."""

    def __init__(self, name: str, fd: int) -> None:
        super().__init__(fd, "w", closefd=False)
        self._name = name

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, and wait for that where others have made it not wait."""
        while True:
            try:
                count: int | None = super().write(data)
            except OSError as error:
                raise OutputLost(self._name, self.fileno(), error) from None
            if count is not None:
                return count
            import select  # noqa: PLC0415 - hardly ever

            room = select.poll()
            room.register(self, select.POLLOUT)
            room.poll()


class _Journal(io.TextIOWrapper):
    """Standard error that the journal reads."""

    def write(self, text: str, /) -> int:
        """Write, an error with its priority."""
        return super().write(ERROR_PRIORITY + text if text.startswith(ERROR) else text)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Have streams in the block that hold up to whatever the caller has given.

    Where others have put theirs in their places, as tests do, these stay.
    """
    if sys.stdout is not sys.__stdout__:
        yield
        return
    _take_input()
    sys.stdout = _output("standard output", 1, sys.stdout, io.TextIOWrapper)
    kind = _Journal if _is_journal() else io.TextIOWrapper
    sys.stderr = _output("standard error", 2, sys.stderr, kind)
    lost: OutputLost | None = None
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except* OutputLost as found:
        lost = _first(found)
    if lost is not None:
        _end(lost)


def _take_input() -> None:
    """Take what comes in; a closed one has its end at once."""
    if sys.stdin is None:
        fd = os.open(os.devnull, os.O_RDONLY)
        sys.stdin = open(fd, encoding="utf-8", closefd=False)  # noqa: SIM115
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="surrogateescape")


def _output(
    name: str, fd: int, given: Any, kind: type[io.TextIOWrapper]
) -> io.TextIOWrapper:
    """Make a stream of a descriptor.

    One that was closed gets something, or the next file would have its number. To write
    there is an error, as it was; nobody could be told of that where it is standard
    error.
    """
    if given is None:
        flags = os.O_RDONLY if fd == 1 else os.O_WRONLY
        fd = os.open(os.devnull, flags)
    raw = _Output(name, fd)
    return kind(
        io.BufferedWriter(raw),
        encoding=getattr(given, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=raw.isatty() or fd == 2,
    )


def _is_journal() -> bool:
    if sys.stderr is None or "JOURNAL_STREAM" not in os.environ:
        return False
    from chatd.observe.lines import is_journal  # noqa: PLC0415 - started by systemd

    return is_journal(sys.stderr)


def _first(group: BaseExceptionGroup[OutputLost]) -> OutputLost:
    """The first of a group, however deep."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _end(lost: OutputLost) -> None:
    """End the command whose words nobody gets."""
    lost.settle()
    if lost.nobody_reads:
        sys.exit(NOBODY_READS)
    if lost.fd != sys.stderr.fileno():
        click.echo(f"{ERROR}{lost.name}: {lost.reason}", err=True)
    sys.exit(1)


def hidden(prompt: str) -> str:
    """Ask a person for a secret, which is not shown.

    Raises:
        ValueError: What is typed is no text.
    """
    try:
        typed = click.prompt(prompt, hide_input=True, err=True)
    except UnicodeDecodeError:
        raise ValueError("that is no UTF-8: which encoding has the terminal?") from None
    return str(typed)
