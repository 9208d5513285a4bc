"""Backups: the store in one file, made also while a daemon serves it.

A backup is written under another name beside the one that it is to have, looked at from
end to end, and renamed when it is whole: a file of that name is a backup, whenever it
is seen and whatever has been killed. What others have named is never touched.

In a directory backups are named by the store and the time, so the order of their names
is theirs, and two stores may share one directory. Only what has such a name is ever
removed, and only when a newer one is there. Whoever writes there holds a lock on the
directory, which is how the next one knows that a half one belongs to nobody any more.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import attrs

from chatd.errors import FileRefused, StoreUnavailable
from chatd.store.sqlite import access, compression, copying, files, lock, modes
from chatd.store.sqlite.copying import REST, Headroom, Pace, Tell, untold
from chatd.store.sqlite.faults import refusal_of
from chatd.store.sqlite.offline import connected

PART = ".chatd-part"
"""How the name of a file ends that is not whole yet."""
LOOK_EVERY_S = 0.05
"""How often it is looked whether a second is over that has a backup."""
STORE_CHARS = 8
"""Of the store's id, in a backup's name."""


@attrs.frozen
class Backup:
    """A backup that was made."""

    file: Path
    size: int
    """In bytes."""
    removed: tuple[Path, ...] = ()
    """Older ones that had to go."""
    unrecorded: str | None = None
    """Why the data directory has no note of it."""


def backup(
    directory: Path,
    target: Path,
    *,
    compressed: bool = False,
    keep: int | None = None,
    tell: Tell = untold,
) -> Backup:
    """Copy the store into a new file, whose owner and mode are the database's.

    Args:
        directory: The data directory.
        target: The file, which must not be there; or the directory for it.
        compressed: Whether to compress it.
        keep: How many to leave in that directory; None: all.
        tell: Is told how far it is.

    Returns:
        What was made, and what had to go for it.

    Raises:
        StoreRefused: There is no store, it is damaged, or the file cannot be made.
        StoreUnavailable: The disk is full, or nearly, or the store cannot be read now.
        StoreFailed: SQLite cannot read the store.
    """
    removed: list[Path] = []
    with connected(directory, any_schema=True) as db:
        store = copying.marks_of(db).store[:STORE_CHARS]
        home = target if target.is_dir() else target.absolute().parent
        with _told_of(home), _alone(home):
            file = target
            if target.is_dir():
                file = _named(target, store, ".db.zst" if compressed else ".db")
            with _told_of(file):
                _write(db, directory, file, compressed=compressed, tell=tell)
                size = file.stat().st_size
                if keep is not None:
                    removed = _rotate(file, store, keep)
    return Backup(file, size, tuple(removed), _note(directory, file, size))


def _named(directory: Path, store: str, ending: str) -> Path:
    """A name made of the store and the time; of a second there is one."""
    while True:
        file = directory / f"chatd-{store}-{files.stamp()}{ending}"
        if not os.path.lexists(file):
            return file
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - no loop runs here


def _write(
    db: apsw.Connection, directory: Path, file: Path, *, compressed: bool, tell: Tell
) -> None:
    """Make the copy, look at it, compress it if that is wanted, and name it."""
    if os.path.lexists(file):
        raise FileExistsError
    if (log := access.stray_log(file)) is not None:
        raise FileRefused(
            f"{log} is the log of a database that was called {file.name}: it would be"
            " taken for the new one's; move it away, or name another file"
        )
    rest = REST if lock.is_served(directory) else 0
    files.require_space(file.absolute().parent, copying.size_of(db), "the backup")
    database = directory / files.DATABASE
    plain = file.with_name(file.name + PART)
    with _made(plain, database, rest) as pace:
        pace.headroom = Headroom(database)
        copying.copy(db, plain, pace, tell)
        copying.verify(plain, database, rest, tell)
        if not compressed:
            files.put(plain, file)
            return
        small = file.with_name(f"{file.name}.zst{PART}")
        with _made(small, database, rest) as its_pace:
            compression.compress(plain, its_pace, tell)
            files.put(small, file)


@contextmanager
def _made(part: Path, database: Path, rest: float) -> Iterator[Pace]:
    """Make a file like the database's; what is left of it after the block goes."""
    mode = modes.mode_beside(database)
    descriptor = modes.create(part, os.O_EXCL | os.O_RDWR, mode, database)
    try:
        yield Pace(descriptor, rest)
    finally:
        os.close(descriptor)
        part.unlink(missing_ok=True)


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """Run the block; what the system refuses is told of the file."""
    try:
        yield
    except FileExistsError:
        raise FileRefused(
            f"{file} is there already, and nothing is overwritten; name another file"
        ) from None
    except OSError as error:
        if error.errno in access.FULL:
            raise copying.full(file) from None
        refusal = refusal_of(error, FileRefused)
        raise refusal(f"{file}: {error.strerror}") from None


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Be the only one that writes backups into a directory; half ones go before.

    On a file system that has no locks nobody is kept out, and nothing goes.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                f"another backup is just being written to {directory}; try again"
                " when it is done"
            ) from None
        except OSError:
            yield
            return
        for part in directory.glob(f"*{PART}*"):
            part.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def _rotate(made: Path, store: str, keep: int) -> list[Path]:
    """Remove all but the newest backups of a store.

    The one that was just made is the newest, whatever the clock has said.
    """
    named = re.compile(rf"chatd-{re.escape(store)}-\d{{8}}T\d{{6}}Z\.db(\.zst)?")
    others = [path for path in made.parent.iterdir() if named.fullmatch(path.name)]
    others.remove(made)
    old = sorted(others, key=lambda path: path.name, reverse=True)[keep - 1 :]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _note(directory: Path, file: Path, size: int) -> str | None:
    """Leave a note beside the database; why not, if that cannot be."""
    now = time.time_ns() // 1_000_000
    try:
        note = files.BackupNote(now, str(file.absolute()), size)
        files.write_backup_note(directory, note)
    except OSError as error:
        return f"{directory / files.BACKUP}: {error.strerror}"
    return None
