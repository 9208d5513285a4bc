"""The files of a data directory, and when they are refused.

`chatd.db` is the store. `chatd.lock` is held by the one daemon that may write.
`chatd.id`, the side file, knows which store was here last, at which generation,
whether it was stopped cleanly, and what of it is still to be looked at for damage.

A new database is made under another name and linked into place when it is
whole, so an empty `chatd.db` is never ours: it is refused, not filled.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import attrs
import orjson

from chatd.errors import StoreRefused
from chatd.store.sqlite import migrate, modes
from chatd.store.sqlite.faults import refusing
from chatd.words import FOLD

DATABASE = "chatd.db"
LOCK = "chatd.lock"
SIDE = "chatd.id"

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_FLOCK = "@hhqqi0q"
"""Source: fcntl(2), `struct flock` with an offset of 64 bits."""


@attrs.frozen
class Side:
    """What the side file says."""

    store: str
    generation: int
    clean: bool
    """Whether the daemon stopped by itself, with everything written."""
    unchecked: tuple[str, ...] = ()
    """Tables that are left to be looked at; see `chatd.store.sqlite.checking`."""


def make_directory(directory: Path) -> None:
    """Make the data directory, for its owner alone.

    Raises:
        StoreRefused: It cannot be made, or everybody can write to it.
    """
    with refusing(directory):
        modes.make_directory(directory)
    doubts(directory)


def doubts(directory: Path) -> list[str]:
    """Say who else can read or write a data directory, where that may not be meant.

    Returns:
        Lines that begin with the key to look at.

    Raises:
        StoreRefused: Everybody can write to it, or it cannot be looked at.
    """
    with refusing(directory):
        found = list(modes.judge(directory, directory / DATABASE))
    return [f"store.path: {line}" for line in found]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; it ends with the process, however that ends.

    Raises:
        StoreRefused: Another daemon holds it.
    """
    path = directory / LOCK
    with refusing(path):
        mode = modes.mode_beside(directory / DATABASE)
        file = os.fdopen(modes.create(path, os.O_RDWR | os.O_APPEND, mode), "a+")
    with file:
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
        except BlockingIOError:
            file.seek(0)
            raise StoreRefused(
                f"{path} is held by process {file.read().strip() or '?'}: another"
                " chatd serves this directory; stop it or set another store.path"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def is_served(directory: Path) -> bool:
    """Whether a process holds the directory's lock.

    It is asked about, not tried: trying would refuse a daemon that starts in
    this moment. That is why the lock is not one of `flock`.

    Raises:
        StoreRefused: The file cannot be read.
    """
    path = directory / LOCK
    if not path.exists():
        return False
    with refusing(path), path.open("rb") as file:
        found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_WRLCK))
    return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)


def _whole_file(kind: int) -> bytes:
    """A `struct flock`: its type, from where, start, length, and no process."""
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


def read_side(directory: Path) -> Side | None:
    """Read the side file; None if it is not there or says nothing."""
    try:
        found = orjson.loads((directory / SIDE).read_bytes())
        unchecked = tuple(found.get("unchecked", ()))
        side = Side(found["store"], found["generation"], found["clean"], unchecked)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    types = (type(side.store), type(side.generation), type(side.clean))
    are_names = all(isinstance(name, str) for name in unchecked)
    return side if types == (str, int, bool) and are_names else None


def write_side(directory: Path, side: Side) -> None:
    """Replace the side file, durably, by one that is whole."""
    path = directory / SIDE
    new = path.with_suffix(".new")
    mode = modes.mode_beside(directory / DATABASE)
    with os.fdopen(modes.create(new, os.O_WRONLY | os.O_TRUNC, mode), "wb") as file:
        file.write(orjson.dumps(attrs.asdict(side)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make the directory's names durable."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def find_database(directory: Path) -> Path | None:
    """The database's path, or None where a new one may be made.

    Raises:
        StoreRefused: It is empty, or gone although the side file knows it; or
            everybody can write there.
    """
    path = directory / DATABASE
    doubts(directory)
    with refusing(path):
        size = path.stat().st_size if path.exists() else None
    if size == 0:
        raise StoreRefused(
            f"{path} is empty; restore it from a backup, or remove it to start anew"
        )
    if size is None and (directory / SIDE).exists():
        raise StoreRefused(
            f"{path} is missing, but {directory / SIDE} knows it; restore it from a"
            " backup, or remove the other to start anew"
        )
    return None if size is None else path


def check_header(path: Path) -> None:
    """Refuse what is not ours before SQLite touches it.

    Only where no connection of this process has the file open: closing it here
    would drop SQLite's locks (a rule of POSIX).

    Raises:
        StoreRefused: It is no database, or another program's.
    """
    with refusing(path), path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreRefused(
            f"{path} is not a database, or its head is damaged; restore it from a"
            " backup, or move it away to start anew"
        )
    if int.from_bytes(header[68:72], "big") != migrate.APPLICATION_ID:
        raise StoreRefused(
            f"{path} belongs to another program; move it away or set another store.path"
        )


def create_database(directory: Path, store_id: str) -> None:
    """Make an empty store, unless another process was first.

    Raises:
        StoreRefused: It cannot be written.
    """
    path = directory / DATABASE
    new = directory / f"{DATABASE}.{os.getpid()}.new"
    with refusing(new):
        new.unlink(missing_ok=True)
        os.close(modes.create(new, os.O_EXCL | os.O_WRONLY))
        try:
            _fill(new, store_id)
            path.hardlink_to(new)
            sync_directory(directory)
        except FileExistsError:
            return  # `chatd user add` and the daemon's first start have met
        finally:
            new.unlink()


def _fill(path: Path, store_id: str) -> None:
    db = apsw.Connection(str(path))
    try:
        migrate.configure(db)
        db.pragma("application_id", migrate.APPLICATION_ID)
        migrate.migrate(db)
        db.execute(
            "INSERT INTO store (one, id, generation, fold) VALUES (1, ?, 0, ?)",
            (store_id, FOLD),
        )
        db.pragma("journal_mode", "wal")  # kept in the file's header
    finally:
        db.close()
