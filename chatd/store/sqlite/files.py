"""The files of a data directory, and when they are refused.

`chatd.db` is the store. `chatd.lock` is held by the one process that may write: the
daemon, or a command that does without one.
`chatd.id`, the side file, knows which store was here last, at which generation,
whether it was stopped cleanly, and what of it is still to be looked at for damage.
`chatd.backup` says when the last copy was made, and where it is.

A new database is made under another name and linked into place when it is
whole, so an empty `chatd.db` is never ours: it is refused, not filled.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import attrs
import orjson

from chatd.errors import StoreRefused, StoreUnavailable
from chatd.store.sqlite import access, migrate, modes
from chatd.store.sqlite.faults import refusing
from chatd.wire.events import Millis
from chatd.words import FOLD

DATABASE = "chatd.db"
SIDE = "chatd.id"
UNFINISHED = "chatd.db.unfinished"
"""What an empty store is called until it is whole."""
BACKUP = "chatd.backup"
NEW = "chatd.db.coming"
"""What is to be the database is called until it has been looked at."""
MOVING = "chatd.db.moving"
"""What is being moved here is called until it is whole; see `chatd.store.moving`."""
BESIDE = (access.WAL, access.INDEX, access.JOURNAL)
"""What SQLite has beside a database, after its name."""
REPLACED = "chatd.replaced-"
"""How the directory's name begins that has what was here before a restore."""
PART = ".part"
"""How it ends until that is done."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
"""A file system without hard links, such as that of a stick. Source: link(2)."""


@attrs.frozen
class Side:
    """What the side file says."""

    store: str
    generation: int
    clean: bool
    """Whether the daemon stopped by itself, with everything written."""
    unchecked: tuple[str, ...] = ()
    """Tables that are left to be looked at; see `chatd.store.sqlite.checking`."""
    moved: str = ""
    """Where the store was moved to, and what is here is not to be served any more."""


@attrs.frozen
class BackupNote:
    """What is noted of the last backup."""

    made: Millis
    file: str
    bytes: int


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


def database_bytes(directory: Path) -> int:
    """How much the database and its write-ahead log take; 0 where there is none."""
    total = 0
    for end in ("", access.WAL):
        with suppress(FileNotFoundError):
            total += access.beside(directory / DATABASE, end).stat().st_size
    return total


def read_side(directory: Path) -> Side | None:
    """Read the side file; None if it is not there or says nothing."""
    try:
        found = orjson.loads((directory / SIDE).read_bytes())
        unchecked = tuple(found.get("unchecked", ()))
        said = (found["store"], found["generation"], found["clean"])
        side = Side(*said, unchecked, found.get("moved", ""))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    types = tuple(map(type, (*said, side.moved)))
    are_names = all(isinstance(name, str) for name in unchecked)
    return side if types == (str, int, bool, str) and are_names else None


def write_side(directory: Path, side: Side) -> None:
    """Replace the side file, durably, by one that is whole."""
    write_whole(directory / SIDE, attrs.asdict(side))


def read_backup_note(directory: Path) -> BackupNote | None:
    """Read what is noted of the last backup; None if that is nothing."""
    try:
        note = BackupNote(**orjson.loads((directory / BACKUP).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    types = (type(note.made), type(note.file), type(note.bytes))
    return note if types == (int, str, int) else None


def write_backup_note(directory: Path, note: BackupNote) -> None:
    """Note the last backup.

    Raises:
        OSError: It cannot be written.
    """
    write_whole(directory / BACKUP, attrs.asdict(note))


def write_whole(path: Path, said: Mapping[str, object]) -> None:
    """Replace a file beside the database, durably, by one that is whole.

    Raises:
        OSError: It cannot be written.
    """
    new = path.with_name(f"{path.name}.new")
    mode = modes.mode_beside(path.parent / DATABASE)
    with os.fdopen(modes.create(new, os.O_WRONLY | os.O_TRUNC, mode), "wb") as file:
        file.write(orjson.dumps(said) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_directory(path.parent)


def put(new: Path, path: Path) -> None:
    """Give a file that is whole its name, durably; nothing is ever overwritten.

    Raises:
        FileExistsError: There is one of that name.
        OSError: It cannot be named so.
    """
    try:
        path.hardlink_to(new)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "File exists", str(path)) from None
        new.rename(path)
    else:
        new.unlink()
    sync_directory(path.parent)


def remove_new(directory: Path) -> None:
    """Remove what was to be the database, also of somebody who was killed.

    Raises:
        OSError: It cannot be removed.
    """
    _remove_database(directory / NEW)


def remove_moving(directory: Path) -> None:
    """Remove half of a store that was being moved here.

    Raises:
        OSError: It cannot be removed.
    """
    _remove_database(directory / MOVING)


def stamp() -> str:
    """The time, as it stands in the names of files: their order is that of time."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def require_space(directory: Path, size: int, purpose: str) -> None:
    """Refuse to begin what cannot be finished.

    Raises:
        StoreUnavailable: There is not that much space left.
    """
    free = access.free_bytes(directory)
    if free < size:
        raise StoreUnavailable(
            f"{directory} has {free / 2**20:.0f} MiB free, and {purpose} needs"
            f" {math.ceil(size / 2**20)} MiB; free some space, then try again"
        )


def sync_directory(directory: Path) -> None:
    """Make the directory's names durable."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def find_database(directory: Path, *, moves: bool = False) -> Path | None:
    """The database's path, or None where a new one may be made.

    Args:
        directory: The data directory.
        moves: Whether it is looked for to move it, or to move one here.

    Raises:
        StoreRefused: It, or a file beside it, is a link to nothing or a directory; it
            is empty, or gone although the side file knows it; or all can write there.
            Or it was moved away, or half of one is here that is being moved.
    """
    path, side = directory / DATABASE, directory / SIDE
    doubts(directory)
    with refusing(path):
        beside = (access.beside(path, end) for end in BESIDE)
        access.require_files((path, side, *beside))
        size = path.stat().st_size if path.exists() else None
        is_known = side.exists()
    if size == 0:
        raise StoreRefused(
            f"{path} is empty; restore it from a backup, or remove it to start anew"
        )
    goes_on = moves and (directory / MOVING).exists()
    halves = list(directory.glob(f"{REPLACED}*{PART}/{DATABASE}"))
    if size is None and halves and not goes_on:
        what = "move" if (directory / MOVING).exists() else "restore"
        raise StoreRefused(
            f"{path} is missing: a {what} was interrupted; type it again (what was"
            f" here before is {halves[0]})"
        )
    if size is None and (log := access.stray_log(path)):
        raise StoreRefused(
            f"{log} is the log of a database that is gone: put that back beside it, or"
            " remove the log; it would be read into another one"
        )
    if size is None and is_known and not goes_on:
        raise StoreRefused(
            f"{path} is missing, but {side} knows it; restore it from a"
            " backup, or remove the other to start anew"
        )
    if not moves:
        _require_settled(directory, is_there=size is not None)
    return None if size is None else path


def _require_settled(directory: Path, *, is_there: bool) -> None:
    """Refuse a store that was moved away, or that is not all here yet."""
    with refusing(directory / SIDE):
        side = read_side(directory)
    if is_there and side is not None and side.moved:
        raise StoreRefused(
            f"the store of {directory} was moved to {side.moved}: set store.url; or, to"
            f" serve the old state that is still here, remove {directory / SIDE}"
        )
    if not is_there and (half := directory / MOVING).exists():
        raise StoreRefused(
            f"{half} is half of a store that is being moved here: type that `chatd"
            " migrate` again, which goes on, or remove the file"
        )


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
    """Make an empty store, unless there is one; the lock of the data is held.

    What a process has left that was killed while it did so is removed.

    Raises:
        StoreRefused: It cannot be written.
        StoreUnavailable: The disk is full.
    """
    path, unfinished = directory / DATABASE, directory / UNFINISHED
    with refusing(unfinished), _alone(directory):
        _remove_database(unfinished)
        if path.exists():
            return
        os.close(modes.create(unfinished, os.O_EXCL | os.O_WRONLY))
        try:
            _fill(unfinished, store_id)
            put(unfinished, path)
        finally:
            _remove_database(unfinished)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Wait until no other process makes a store here; it ends with the process."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _remove_database(path: Path) -> None:
    """Remove a database, and what SQLite may have left beside it."""
    for end in ("", *BESIDE):
        access.beside(path, end).unlink(missing_ok=True)


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
