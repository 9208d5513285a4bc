"""The admin socket: a Unix socket at which the operator speaks to the daemon.

It is called `admin.sock` and lies in the directory that systemd has made for the
service (`RUNTIME_DIRECTORY`), to which a link in the data directory leads, or else in
the data directory itself. So whoever knows the data finds it. It is made while the
directory's lock is held: one that is there already was left by a daemon that was
killed.

Only its owner and root can open it, and the kernel says of each connection whose it is;
another user's is refused even where the file's mode was changed. What is spoken there
is the protocol, over WebSocket as everywhere; a connection is the operator's, which the
core knows (`chatd.core.commands.operator`). No limit of clients' holds here: a daemon
that is full is one that an operator wants to look at.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import attrs

from chatd.config import Address, Difference, LiveConfig
from chatd.core.observations import ProcessFacts
from chatd.daemon.host import DaemonHost
from chatd.daemon.levels import Levels
from chatd.enums import LogLevel
from chatd.errors import ConfigError
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.dialect import JsonDialect
from chatd.net.host import WebSocketLimits
from chatd.net.listener import Listener
from chatd.net.routing import HttpConfig
from chatd.net.sockets import Listening, listen_privately
from chatd.observe import log
from chatd.store.sqlite.access import free_bytes
from chatd.store.sqlite.files import database_bytes, read_backup_note
from chatd.wire.events import Millis
from chatd.wire.operator import (
    BackupShown,
    ConfigShown,
    Drain,
    SetLogLevel,
    StoreShown,
)

SOCKET = "admin.sock"
CONNECTIONS_MAX = 64
"""Open at a time: more than operators have terminals."""
LIMITS = WebSocketLimits(commands_per_s=0, bytes_per_s=0, bytes_burst=0, inflight_max=0)
"""Of an operator's connection."""


def open_socket(data: Path, environ: Mapping[str, str]) -> Listening:
    """Listen where the operator looks; the lock of the data is held.

    Args:
        data: The data directory.
        environ: With what systemd has told.

    Raises:
        ConfigError: It cannot be made there.
    """
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    path = (Path(runtime) if runtime else data) / SOCKET
    try:
        if runtime:
            _link(data / SOCKET, path)
        elif path.is_symlink():
            path.unlink()  # of a start by systemd
        return listen_privately(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError([f"the admin socket {path}: {reason}"]) from None


def _link(link: Path, path: Path) -> None:
    """Have a link lead to the socket, instead of whatever is left there."""
    new = link.with_suffix(".new")
    with suppress(FileNotFoundError):
        new.unlink()
    new.symlink_to(path.absolute())
    new.replace(link)


def operator_listener(
    config: LiveConfig, host: DaemonHost, numbers: Callable[[], int]
) -> Listener:
    """Make the listener for operators.

    Args:
        config: The settings in force.
        host: That of the clients' connections.
        numbers: Gives each connection its number.
    """
    return Listener(
        host=attrs.evolve(host, is_operator=True),
        dialect=JsonDialect(config),
        limits=LIMITS,
        http=HttpConfig(routes={}),
        limiter=ConnectionLimiter(most=CONNECTIONS_MAX),
        observer=host,
        jitter=random.random,
        numbers=numbers,
        peers=frozenset({0, os.geteuid()}),
    )


@attrs.define
class DaemonProcess:
    """The process as the operator asks about it, and has it do something."""

    started: Millis
    data: Path
    config_file: Path | None
    listening: Sequence[Address]
    metrics: Sequence[Address]
    levels: Levels
    reloader: Callable[[], Awaitable[Difference]] | None = None
    """Puts what is configured into force; set before an operator can ask."""
    is_ending: bool = attrs.field(default=False, init=False)
    """Whether it drains, or is about to: to ask for it once more changes nothing."""
    digest: str = attrs.field(init=False)
    """Of the file whose settings are in force."""

    def __attrs_post_init__(self) -> None:
        """Remember what the file has now."""
        self.note_config()

    def note_config(self) -> None:
        """The settings of the file as it is now are in force."""
        self.digest = _digest(self.config_file) or ""

    def steer(self, command: Drain | SetLogLevel) -> None:
        """Begin to do what is asked."""
        match command:
            case Drain():
                log().info("a drain was asked for at the admin socket")
                if not self.is_ending:
                    self.is_ending = True
                    signal.raise_signal(signal.SIGTERM)  # the one way to stop
            case SetLogLevel(level, seconds):
                self.levels.set(level, seconds)

    async def reload(self) -> Difference:
        """Put into force what is configured now; see `chatd.daemon.reloading`."""
        assert self.reloader is not None, "set before an operator can ask"
        return await self.reloader()

    def facts(self) -> ProcessFacts:
        """Look at the process; some system calls, a small file."""
        file = self.config_file
        changed = file is not None and _digest(file) != self.digest
        note = read_backup_note(self.data)
        store = StoreShown(
            str(self.data.absolute()),
            database_bytes(self.data),
            free_bytes(self.data),
            None if note is None else BackupShown(note.made, note.file, note.bytes),
        )
        return ProcessFacts(
            os.getpid(),
            self.started,
            ConfigShown(self.digest, str(file.absolute()) if file else None, changed),
            list(map(str, self.listening)),
            list(map(str, self.metrics)),
            store,
            LogLevel(self.levels.current),
        )


def _digest(file: Path | None) -> str | None:
    """SHA-256 of a file, or of nothing; None if it cannot be read."""
    try:
        content = b"" if file is None else file.read_bytes()
    except OSError:
        return None
    return hashlib.sha256(content).hexdigest()
