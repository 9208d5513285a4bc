"""The lock of a data directory: one process may write to what is there.

`chatd.lock` is locked by a daemon as long as it serves, or by a command that changes
the data while none does. The kernel lets go of it when the process ends, however it
ends. In the file stands who has it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatd.errors import StoreHeld
from chatd.store.sqlite import modes
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.files import DATABASE

LOCK = "chatd.lock"
_HOLDER_BYTES_MAX = 40
_PASSING = "passing"
"""What stands behind the number of a process that holds the lock and does not serve."""
_FLOCK = "@hhqqi0q"
"""Source: fcntl(2), `struct flock` with an offset of 64 bits."""


@contextmanager
def locked(directory: Path, *, serves: bool = False) -> Iterator[None]:
    """Hold the directory's lock; it ends with the process, however that ends.

    Args:
        directory: The data directory.
        serves: Whether this process is a daemon.

    Raises:
        StoreHeld: Another process holds it.
        StoreRefused: It cannot be made.
        StoreUnavailable: The disk is full.
    """
    path = directory / LOCK
    with refusing(path):
        mode = modes.mode_beside(directory / DATABASE)
        descriptor = modes.create(path, os.O_RDWR | os.O_APPEND, mode)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
        except BlockingIOError:
            raise _held(path, os.pread(descriptor, _HOLDER_BYTES_MAX, 0)) from None
        with refusing(path):
            os.ftruncate(descriptor, 0)
            said = f"{os.getpid()}" if serves else f"{os.getpid()} {_PASSING}"
            os.write(descriptor, f"{said}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _held(path: Path, said: bytes) -> StoreHeld:
    """Who holds a lock, by what stands in its file."""
    number, _, passing = said.decode().strip().partition(" ")
    text = f"{path} is held by process {number or '?'}"
    if passing:
        text += ": a command changes this data; wait for its end, then try again"
    else:
        text += (
            ": another chatd serves this directory; stop it or set another store.path"
        )
    process = int(number) if number.isdecimal() else None
    return StoreHeld(text, serves=not passing, process=process)


def is_served(directory: Path) -> bool:
    """Whether a process holds the directory's lock.

    It is asked about, not tried: trying would refuse a daemon that starts in
    this moment. That is why the lock is not one of `flock`.

    Raises:
        StoreRefused: The file cannot be read.
    """
    path = directory / LOCK
    with refusing(path):
        if not path.exists():
            return False
    with refusing(path), path.open("rb") as file:
        found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_WRLCK))
    return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)


def held(directory: Path) -> StoreHeld | None:
    """How whoever wants the lock would be refused now; None if it is free.

    Raises:
        StoreRefused: The file cannot be read.
    """
    if not is_served(directory):
        return None
    path = directory / LOCK
    with refusing(path):
        return _held(path, path.read_bytes())


def holder(directory: Path) -> int | None:
    """The daemon that serves a directory; None if there is none.

    Raises:
        StoreRefused: The file cannot be read.
    """
    found = held(directory)
    return found.process if found is not None and found.serves else None


def _whole_file(kind: int) -> bytes:
    """A `struct flock`: its type, from where, start, length, and no process."""
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)
