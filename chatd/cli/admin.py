"""Speaking to the daemon at its admin socket, or to a desk, where none runs.

The socket is found by the data directory, as the data is. What cannot be asked ends the
command with a sentence and a status that says of which kind it is: 69
(`EX_UNAVAILABLE`) that no daemon runs, 77 (`EX_NOPERM`) that one is not the operator,
75 (`EX_TEMPFAIL`) that it may work in a moment, 1 that the daemon has refused.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
)

from chatd.cli.operator import Place, told
from chatd.client.dial import LOST, UNIX, dial, innermost
from chatd.client.frames import Frame, Violation, dump, load
from chatd.daemon.admin import SOCKET
from chatd.enums import Erasure
from chatd.errors import (
    Ending,
    RejectCode,
    StoreFailed,
    StoreHeld,
    StoreRefused,
    StoreUnavailable,
)
from chatd.ids import UserName
from chatd.observe import configure_log
from chatd.store.sqlite.files import DATABASE
from chatd.store.sqlite.lock import held, is_served
from chatd.store.sqlite.offline import connected

ANSWER_S = 30.0
"""How long an answer may take: much longer than a daemon that works ever needs."""
ERASURE_EVERY_S = 0.1
"""How often one looks how far an erasure is."""
ERASURE_HOLD_S = 20.0
"""How long an erasure keeps the data from a daemon, which waits for longer before it
gives up its start (`LOCK_WAIT_S` of `chatd.store.sqlite.opening`)."""
FORBIDDEN = 403
"""The HTTP status for who is not the operator."""
LATER = frozenset({RejectCode.UNAVAILABLE, RejectCode.RATE_LIMITED})
"""Refusals that may be none in a moment."""


Converse = Callable[[str], Awaitable[list[Frame]]]
"""Speaks to whoever listens at a URL; returns the replies."""


def ask(directory: Path, command: Frame) -> Frame:
    """Have one command answered, or end this one with the reason.

    Args:
        directory: The data directory.
        command: One of the operator's.
    """
    return _run(directory, command)[0]


def look(directory: Path, command: Frame) -> Frame | str:
    """Have one command answered, if the daemon can be asked.

    Args:
        directory: The data directory.
        command: One of the operator's.

    Returns:
        The reply, or why there is none.
    """
    reply: Frame | str = ""
    try:
        (reply,) = _talked(directory, partial(_converse, command=command))
    except* (*LOST, Violation) as errors:
        reply = str(innermost(errors)) or type(innermost(errors)).__name__
    if isinstance(reply, dict) and reply["type"] == "error":
        reply = str(reply["text"])
    return reply


def ask_all(directory: Path, command: Frame, entries: str) -> list[Frame]:
    """Have all pages of a list, or end this command with the reason.

    Args:
        directory: The data directory.
        command: One of the operator's; its reply may have a `next`.
        entries: The field of the reply that has the page.
    """
    pages = _run(directory, command)
    return [entry for page in pages for entry in page[entries]]


def order(place: Place, command: Frame, *, makes: bool = False) -> Frame:
    """Have one command carried out, or end this one with the reason.

    By the daemon that runs; where none does, here, by the same code and under the lock
    of the data (`chatd.daemon.desk`).

    Args:
        place: Where the data is.
        command: One of the operator's, that needs no more than the store.
        makes: Whether it makes the store where there is none.
    """
    if require_access(place):
        return ask(place.directory, command)
    (reply,) = _at_desk(place, partial(_converse, command=command), makes=makes)
    if reply["type"] == "error":
        is_coming = command.get("room") in place.declared
        if reply["code"] == RejectCode.NO_ROOM and is_coming:
            reply["text"] += ": it is declared, and made by the daemon's first start"
        _refused(reply)
    return reply


def erase(
    place: Place, user: UserName, begin: Frame, tell: Callable[[float], None]
) -> tuple[Frame, Frame]:
    """Erase a user, and wait until all that he has left is gone.

    Where no daemon runs, for a while only: then the rest is the daemon's, or for the
    same command again.

    Args:
        place: Where the data is.
        user: The user's name.
        begin: The command by which it begins; empty if it has.
        tell: Gets how much of it is done, 0 to 1.

    Returns:
        The answer to the command, and how far it is.
    """
    look: Frame = {"type": "user_erasure", "user": user}

    async def converse(url: str, most_s: float = math.inf) -> list[Frame]:
        until = trio.current_time() + most_s
        async with dial(url, lambda: None) as websocket:
            said = await _soon(websocket, begin) if begin else {"type": "ok"}
            if said["type"] == "error":
                return [said]
            while True:
                found = await _soon(websocket, look)
                is_over = found["type"] == "error" or found["state"] == Erasure.DONE
                if is_over or trio.current_time() >= until:
                    return [said, found]
                tell(found["part"])
                await trio.sleep(ERASURE_EVERY_S)

    if require_access(place):
        said, found = _connected(place.directory, converse)
    else:
        said, found = _granted(
            _at_desk(place, partial(converse, most_s=ERASURE_HOLD_S))
        )
    return said, found


def require_access(place: Place) -> bool:
    """Say whether a daemon runs; end the command of whoever may not know (77)."""
    with told():
        return is_served(place.directory)


def _at_desk(place: Place, converse: Converse, *, makes: bool = False) -> list[Frame]:
    """Run a conversation without a daemon."""
    from chatd.daemon.desk import open_desk  # noqa: PLC0415 - it brings the daemon

    async def visit() -> list[Frame]:
        async with open_desk(place.config) as path:
            return await converse(f"{UNIX}{path}")

    configure_log("error", "console")
    replies: list[Frame] = []
    found: BaseException | None = None
    try:
        if not makes or (place.directory / DATABASE).exists():
            with connected(place.store):
                pass  # there is one, of this version
        replies = _ran(visit)
    except* (*LOST, *_OF_STORE, Violation) as errors:
        found = innermost(errors)
    if found is not None:
        _not_done(place.directory, found)
    return replies


def _not_done(directory: Path, error: BaseException) -> NoReturn:
    """Say why nothing was done without a daemon."""
    if isinstance(error, StoreHeld) and error.serves:
        not_running(directory)  # it has started meanwhile
    if isinstance(error, _OF_STORE):
        with told():
            raise error
    _require_fitting(error)
    fail(f"it was not done: {error}; try again", os.EX_TEMPFAIL)


_OF_STORE = StoreRefused, StoreFailed, StoreUnavailable


def watch(
    directory: Path,
    commands: Sequence[Frame],
    every_s: float,
    take: Callable[[list[Frame]], bool],
) -> None:
    """Have the same asked again and again, until that is enough or interrupted.

    Args:
        directory: The data directory.
        commands: The operator's.
        every_s: How long to wait in between.
        take: Gets their replies; says whether to go on.
    """

    async def converse(url: str) -> list[Frame]:
        async with dial(url, lambda: None) as websocket:
            while True:
                with trio.fail_after(ANSWER_S):
                    replies = [await _answer(websocket, one) for one in commands]
                refused = [one for one in replies if one["type"] == "error"]
                if refused or not take(replies):
                    return refused or replies
                await trio.sleep(every_s)

    try:
        _connected(directory, partial(_until_interrupted, converse))
    except click.Abort:
        click.echo(err=True)  # that is how one leaves; below the terminal's ^C


def _run(directory: Path, command: Frame) -> list[Frame]:
    """Have a command answered, page by page."""
    return _connected(directory, partial(_converse, command=command))


def _connected(directory: Path, converse: Converse) -> list[Frame]:
    """Run a conversation; one that ends with a refusal ends the command."""
    with _told(directory):
        replies = _talked(directory, converse)
    return _granted(replies)


def _talked(directory: Path, converse: Converse) -> list[Frame]:
    # A path that is longer than the kernel takes is reached by its directory.
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _ran(converse, f"{UNIX}/proc/self/fd/{opened}/{SOCKET}")
    finally:
        os.close(opened)


def _ran(function: Callable[..., Awaitable[list[Frame]]], *args: Any) -> list[Frame]:
    """Run a conversation; whoever breaks it off ends the command, as click has it."""
    replies: list[Frame] | None = None
    try:
        replies = trio.run(function, *args)
    except* KeyboardInterrupt:
        replies = None
    if replies is None:
        raise click.Abort
    return replies


async def _until_interrupted(converse: Converse, url: str) -> list[Frame]:
    """Hold a conversation that lasts, and break it off at SIGINT.

    As an exception, that would come at any line, and be lost where none gets out.

    Raises:
        KeyboardInterrupt: It was broken off.
    """
    token = trio.lowlevel.current_trio_token()
    with trio.CancelScope() as scope:

        def interrupt(*_: object) -> None:
            token.run_sync_soon(scope.cancel)

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            return await converse(url)
        finally:
            signal.signal(signal.SIGINT, before)
    raise KeyboardInterrupt


def _granted(replies: list[Frame]) -> list[Frame]:
    """Return replies, unless they end with a refusal."""
    if replies[-1]["type"] == "error":
        _refused(replies[-1])
    return replies


async def _converse(url: str, command: Frame) -> list[Frame]:
    replies: list[Frame] = []
    async with dial(url, lambda: None) as websocket:
        while not replies or "next" in replies[-1]:
            after = {"after": replies[-1]["next"]} if replies else {}
            replies.append(await _soon(websocket, command | after))
    return replies


async def _soon(websocket: WebSocketConnection, command: Frame) -> Frame:
    with trio.fail_after(ANSWER_S):
        return await _answer(websocket, command)


async def _answer(websocket: WebSocketConnection, command: Frame) -> Frame:
    await websocket.send_message(dump(command))
    while True:
        frame = load(await websocket.get_message())
        if frame.get("re") == command["type"]:
            return frame


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    """End with words for whatever the block fails with."""
    try:
        yield
    except* (*LOST, Violation) as errors:
        _end(directory, innermost(errors))


def _end(directory: Path, error: BaseException) -> NoReturn:
    """Say why nobody was asked."""
    status = error.status_code if isinstance(error, ConnectionRejected) else None
    if isinstance(error, PermissionError) or status == FORBIDDEN:
        fail(
            f"only root and the user of the daemon may speak to that of {directory}",
            os.EX_NOPERM,
        )
    if isinstance(
        error, FileNotFoundError | NotADirectoryError | ConnectionRefusedError
    ):
        not_running(directory)
    _require_fitting(error)
    fail("the daemon has not answered; try again", os.EX_TEMPFAIL)


def _require_fitting(error: BaseException) -> None:
    """End the command of who has typed more than a frame may have (1)."""
    reason = error.reason if isinstance(error, ConnectionClosed) else None
    if reason is not None and reason.code == Ending.TOO_BIG.code:
        fail("that is longer than limits.frame_bytes allows: say it shorter", 1)


def not_running(directory: Path) -> NoReturn:
    """Say that no daemon serves the data, none yet or any more, or a command's turn."""
    with told():
        found = held(directory)
    if found is not None and not found.serves:
        fail(str(found), os.EX_TEMPFAIL)
    if found is not None:
        fail(
            f"the daemon of {directory} is about to start or to stop; try again",
            os.EX_TEMPFAIL,
        )
    fail(
        f"no chatd serves {directory}: start it (systemctl start chatd, or chatd"
        " serve; if it has failed, systemctl status chatd says why), or name other data"
        " with --data DIR or -c FILE",
        os.EX_UNAVAILABLE,
    )


def _refused(reply: Frame) -> NoReturn:
    """Say what the daemon has refused."""
    code, status = reply["code"], 1
    if code == RejectCode.FORBIDDEN:
        status = os.EX_NOPERM
    elif code == RejectCode.BAD_CONFIG:
        status = os.EX_CONFIG
    elif code in LATER:
        status = os.EX_TEMPFAIL
    fail(str(reply["text"]), status)


def fail(text: str, status: int) -> NoReturn:
    """Say what is wrong, and end with a status."""
    click.echo(f"Error: {text}", err=True)
    sys.exit(status)
