"""Real daemons, each a process of its own, that are started by a fork.

Most of what a start costs is importing, and what is made once in a process. One process
does both, and forks for each start (`main`, below); the child does from there on what
`chatd serve` does. The descriptors that it writes to come with the request, as do its
environment and its directory.

It ends as Python does, but for the last of it: what is in memory is not taken apart
(`end`, below), which took as long as the start.

A process of tests has one such process (`shared`), which ends with it. A test may have
one of its own (`open_forks`), such as one that lives in other namespaces.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, get_args

import attrs
import trio

from chatd.cli import serve
from chatd.config import Limits
from chatd.configfile import load
from chatd.daemon import daemon
from chatd.names import skeleton
from chatd.store.sqlite.migrate import migrations
from chatd.web import tree
from chatd.web.coding import compress
from chatd.wire import emojis
from chatd.wire.codec import Decoder
from chatd.wire.commands import Command
from chatd.wire.malformed import BadCommand

PATIENCE_S = 60.0
"""When a test gives up on something that never comes; not a measure of speed."""
MESSAGE_BYTES = 65_536
LIBC = ctypes.CDLL(None, use_errno=True)
IMPORTED = (
    "apsw.aio",
    "chatd.web.app",
    "encodings.idna",
    "prometheus_client",
)
"""What a daemon imports where it is used first."""


@attrs.define(eq=False)
class Forked:
    """A daemon's process."""

    pid: int
    stdout: Any
    """What it prints, as it was asked for."""
    _forks: Forks
    returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send it a signal; its number is its own until it was waited for."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def reap(self) -> int:
        """Say how it has ended, which it has; a signal's number is negative."""
        self.returncode = self._forks.ask({"reap": self.pid})
        return self.returncode


class Fork(Forked):
    """One that Trio waits for: as much of `trio.Process` as tests use of it."""

    async def wait(self) -> int:
        """Wait for its end. Cancellation: safe."""
        if self.returncode is not None:
            return self.returncode
        ended = os.pidfd_open(self.pid)
        try:
            await trio.lowlevel.wait_readable(ended)
        finally:
            os.close(ended)
        return self.reap()


class Child(Forked):
    """One that is waited for in a thread: as much of `Popen` as tests use of it."""

    def wait(self, timeout: float) -> int:
        """Wait for its end.

        Raises:
            TimeoutExpired: It has not ended by then.
        """
        if self.returncode is not None:
            return self.returncode
        ended = os.pidfd_open(self.pid)
        try:
            if not select.select([ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
        finally:
            os.close(ended)
        return self.reap()


@attrs.define(eq=False)
class Forks:
    """The process that forks."""

    _control: socket.socket
    _process: subprocess.Popen[bytes]

    @classmethod
    def begin(cls, *prefix: str) -> Forks:
        """Start it, and wait until it can fork.

        Args:
            *prefix: A command that becomes that process, such as `unshare`.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            fd = theirs.fileno()
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "tests.live.forks", str(fd)],
                pass_fds=(fd,),
                stdin=subprocess.DEVNULL,
            )
        ours.settimeout(PATIENCE_S)
        assert ours.recv(1) == b".", "it did not begin"
        return cls(ours, process)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, request: dict[str, Any], fds: Sequence[int] = ()) -> int:
        """Ask for a fork or for what became of one: both are there at once."""
        socket.send_fds(self._control, [json.dumps(request).encode()], list(fds))
        return int(self._control.recv(MESSAGE_BYTES))

    def fork(
        self,
        arguments: Sequence[str],
        stderr: int,
        env: Mapping[str, str],
        **options: Any,
    ) -> tuple[int, int]:
        """Start a daemon.

        Args:
            arguments: What stands behind `chatd serve`.
            stderr: Where it writes its log.
            env: What it has in its environment beside what is in ours.
            options: What else is in the request.

        Returns:
            Its number, and where what it prints is to be read.
        """
        ours, theirs = os.pipe()
        try:
            request = {
                "arguments": arguments,
                "env": {**os.environ, **env},
                "directory": os.getcwd(),  # noqa: PTH109 - as it is
                **options,
            }
            pid = self.ask(request, [theirs, stderr])
        finally:
            os.close(theirs)
        return pid, ours

    def start(
        self,
        arguments: Sequence[str],
        stderr: int,
        env: Mapping[str, str],
        namespaces: Sequence[str] = (),
    ) -> Fork:
        """Start a daemon that Trio waits for.

        Args:
            arguments: What stands behind `chatd serve`.
            stderr: Where it writes its log.
            env: What it has in its environment beside what is in ours.
            namespaces: Files of those that it enters, in this order.
        """
        pid, fd = self.fork(arguments, stderr, env, namespaces=namespaces)
        return Fork(pid, trio.lowlevel.FdStream(fd), self)

    def start_child(
        self,
        arguments: Sequence[str],
        stderr: int,
        env: Mapping[str, str],
        *,
        user: int | None = None,
    ) -> Child:
        """Start a daemon for browsers, with the page as an installed one has it.

        Args:
            arguments: What stands behind `chatd serve`.
            stderr: Where it writes its log.
            env: What it has in its environment beside what is in ours.
            user: Who it is, which only root can say; None: who we are.
        """
        pid, fd = self.fork(arguments, stderr, env, page=True, user=user)
        return Child(pid, os.fdopen(fd, "rb"), self)

    def end(self) -> None:
        """End it; what it has started is killed."""
        self._control.shutdown(socket.SHUT_WR)
        self._process.wait(PATIENCE_S)
        self._control.close()
        assert self._process.returncode == 0


@cache
def shared() -> Forks:
    """The one of this process of tests."""
    forks = Forks.begin()
    atexit.register(forks.end)
    return forks


@contextmanager
def open_forks(*prefix: str) -> Iterator[Forks]:
    """Have one for a block; what it has started ends with it.

    Args:
        *prefix: As of `Forks.begin`.
    """
    forks = Forks.begin(*prefix)
    try:
        yield forks
    finally:
        forks.end()


def make_ready() -> None:
    """Have all that a daemon makes once, or reads from files that stay as they are.

    It may be somebody who cannot come to these files, too.
    """
    for name in IMPORTED:
        importlib.import_module(name)
    emojis.load()
    migrations()
    load(None, {}, {})
    skeleton("ann")
    decoder = Decoder(Limits().text_chars)
    for command in get_args(Command):
        with suppress(BadCommand):
            decoder.decode(b'{"type":"%b"}' % command.type.encode())
    read = vars(daemon)["read_tree"] = cache(tree.read_tree)
    read()


@cache
def compress_page() -> None:
    """Compress all of the page once, as a wheel has it: a daemon would, each time."""
    once = vars(tree)["compress"] = cache(compress)
    found = vars(daemon)["read_tree"]()
    for asset in (*found.assets.values(), found.index, found.bundle):
        if asset.codings is None:
            once(asset.content)


def main() -> None:
    """Fork whenever it is asked for."""
    make_ready()
    # A collection would write to all that a child has from here, and so copy it.
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=int(sys.argv[1]))
    control.send(b".")
    living: set[int] = set()
    while message := (received := socket.recv_fds(control, MESSAGE_BYTES, 2))[0]:
        request = json.loads(message)
        if pid := request.get("reap"):
            _, status = os.waitpid(pid, 0)
            living.remove(pid)
            control.send(b"%d" % os.waitstatus_to_exitcode(status))
            continue
        if request.get("page"):
            compress_page()
        if (pid := os.fork()) == 0:
            control.close()
            become(request, received[1])
        for fd in received[1]:
            os.close(fd)
        living.add(pid)
        control.send(b"%d" % pid)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def become(request: dict[str, Any], fds: Sequence[int]) -> None:
    """Be the daemon that was asked for; it does not return."""
    for number, fd in enumerate(fds, start=1):
        os.dup2(fd, number)
        os.close(fd)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["directory"])
    enter(request.get("namespaces", ()))
    if (user := request.get("user")) is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    try:
        serve.serve(request["arguments"])
    except SystemExit as ended:
        end(ended.code)


def end(status: object) -> None:
    """End as Python does, without taking apart what is in memory."""
    assert isinstance(status, int), status
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def enter(namespaces: Sequence[str]) -> None:
    """Be in other namespaces from here on, each by its file."""
    for fd in [os.open(name, os.O_RDONLY | os.O_CLOEXEC) for name in namespaces]:
        if LIBC.setns(fd, 0):
            raise OSError(ctypes.get_errno(), "a namespace cannot be entered")
        os.close(fd)


if __name__ == "__main__":
    main()
