"""Restoring: a backup in the place of what is there, which is kept beside it.

The directory's lock is held from first to last, so no daemon serves meanwhile. The
backup is copied into the directory and looked at before anything else is touched. Then
what is there moves into a directory of its own, the database first: from then until the
backup has its name there is no database, and a start refuses that (`find_database`).
So wherever it is killed there is the old state, the new one, or none that anybody would
use; the next restore goes on from there.

Which it is can be seen. The directory for what is replaced is called `….part` until all
is done: with a database in it, and none beside it, the old state is half moved.

Last of all but the name itself, the side file is set ahead of the backup. So the next
start takes it for an older state, whatever the numbers were, and gives each room a new
epoch (`chatd.store.sqlite.generation`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import apsw
import attrs

from chatd.errors import FileRefused, StoreRefused
from chatd.store.sqlite import access, compression, copying, files, lock, migrate, modes
from chatd.store.sqlite.copying import Marks, Tell, untold
from chatd.store.sqlite.faults import refusal_of, refusing
from chatd.store.sqlite.files import PART, REPLACED

COPY_BYTES = 2**20
_OUT = ("", *files.BESIDE)
_BACK = (*files.BESIDE, "")
"""The database goes first and comes back last: one without its log would be taken for
whole and has lost what is in there, and a log without its database is nobody's."""
_HEAD = b"SQLite format 3\x00"
_READ_VERSION_AT, _WAL = 19, 2
"""Which byte of the head says whether a database has a write-ahead log, and how.

Source: SQLite's database file format, section 1.3.3."""


@attrs.frozen
class Restored:
    """What a restore has done."""

    schema: int
    """Of the backup."""
    replaced: Path | None
    """The directory of what was there before; None: nothing was."""


def restore(directory: Path, backup: Path, tell: Tell = untold) -> Restored:
    """Put a backup in the place of the store.

    Args:
        directory: The data directory, made where there is none.
        backup: A backup, compressed or not, or a database that nobody uses; with its
            log, if one lies beside it. It may be a link to one.
        tell: Is told how far it is.

    Returns:
        What was done.

    Raises:
        StoreRefused: A daemon serves the directory, or the backup is none, damaged, or
            of a newer chatd. Nothing was changed.
        StoreUnavailable: There is not enough space. Nothing was changed.
    """
    migrate.require_sqlite()
    source = _resolved(directory, backup)
    files.make_directory(directory)
    with lock.locked(directory), refusing(directory):
        place = _settled(directory)
        new = directory / files.NEW
        try:
            marks = _bring(source, backup, new, tell)
            replaced = _exchange(
                directory, new, _ahead(directory, marks), place or _made(directory)
            )
        finally:
            files.remove_new(directory)
    return Restored(marks.schema, replaced)


def _resolved(directory: Path, backup: Path) -> Path:
    """Find the file that a backup is: its log lies beside that, and not beside a link.

    Raises:
        FileRefused: There is none, a daemon may be writing to it, or it is what is to
            be replaced.
    """
    with _told_of(backup, directory):
        if not backup.is_file():
            lost = access.lost_link(backup)
            raise FileRefused(f"{backup} {lost}" if lost else f"{backup}: no such file")
    source = Path(os.path.realpath(backup))
    if source.name == files.DATABASE and lock.is_served(source.parent):
        raise FileRefused(
            f"a daemon writes to {source}; make a copy of it: chatd backup"
            f" --data {source.parent} FILE"
        )
    database = directory / files.DATABASE
    with refusing(database):
        if database.exists() and source.samefile(database):
            raise FileRefused(f"{backup} is what is there already")
    return source


# --- the backup -----------------------------------------------------------------


def _bring(source: Path, called: Path, new: Path, tell: Tell) -> Marks:
    """Copy a backup into the directory, with its log, and look at it there.

    Args:
        source: The file.
        called: What it is called where it is refused.
        new: The copy.
        tell: Is told how far it is.
    """
    with _told_of(called, new):
        is_compressed = compression.is_compressed(source)
        if is_compressed:
            _decompress(source, called, new, tell)
        else:
            _copy_all(source, called, new, tell)
    return copying.verify(new, called, tell=tell)


@contextmanager
def _told_of(called: Path, new: Path) -> Iterator[None]:
    """Run the block; what the system refuses of a backup is told of it, or of `new`."""
    try:
        yield
    except OSError as error:
        if error.errno in access.FULL:
            raise copying.full(new) from None
        refusal = refusal_of(error, FileRefused)
        raise refusal(f"{error.filename or called}: {error.strerror}") from None


def _decompress(source: Path, called: Path, new: Path, tell: Tell) -> None:
    size = compression.content_bytes(source)
    files.require_space(new.parent, size, "what is restored")
    with _opened(new) as descriptor:
        compression.decompress(source, descriptor, tell)
    _require_database(new, called)


def _copy_all(source: Path, called: Path, new: Path, tell: Tell) -> None:
    """Copy a database with its log, and bring the log into the copy."""
    _require_database(source, called)
    ends = [
        end for end in (access.WAL, access.JOURNAL) if _has_log(source, called, end)
    ]
    paths = [source, *(access.beside(source, end) for end in ends)]
    size = sum(path.stat().st_size for path in paths)
    files.require_space(new.parent, size, "what is restored")
    for path, end in zip(paths, ("", *ends), strict=True):
        with _opened(access.beside(new, end)) as descriptor:
            _copy(path, descriptor, tell)
    if ends:
        _take_log(new, called)


def _has_log(source: Path, called: Path, end: str) -> bool:
    """Whether a log lies beside a database, with something in it that is missing there.

    Raises:
        FileRefused: It does, and is another one's: SQLite would not read it, and
            somebody means it to be read.
    """
    log = access.beside(source, end)
    if not log.exists() or not log.stat().st_size:
        return False
    with source.open("rb") as file:
        head = file.read(_READ_VERSION_AT + 1)
    if end == access.WAL and head[_READ_VERSION_AT:] != bytes([_WAL]):
        raise FileRefused(
            f"{log} lies beside {called}, which has no log: it was left by another"
            " database of that name; move it away"
        )
    return True


def _require_database(path: Path, called: Path) -> None:
    """Refuse what is no database at all, in words for somebody who has mistyped."""
    with path.open("rb") as file:
        head = file.read(len(_HEAD))
    if head != _HEAD:
        said = "empty" if not head else "no database, nor one that is compressed"
        raise StoreRefused(f"{called} is no backup of chatd: it is {said}")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Make a file like the data, and write it durably."""
    mode = modes.mode_beside(path.parent / files.DATABASE)
    descriptor = modes.create(path, os.O_WRONLY | os.O_TRUNC, mode)
    try:
        yield descriptor
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: Path, descriptor: int, tell: Tell) -> None:
    size = max(1, source.stat().st_size)
    with source.open("rb") as file, os.fdopen(os.dup(descriptor), "wb") as target:
        while part := file.read(COPY_BYTES):
            target.write(part)
            tell("copying", min(1.0, file.tell() / size))


def _take_log(new: Path, called: Path) -> None:
    """Bring a log that was copied too into its database; it goes."""
    with refusing(called), closing(apsw.Connection(str(new))) as db:
        migrate.configure(db)
        db.pragma("user_version")  # what reads first takes back what was half done
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


# --- the exchange ---------------------------------------------------------------


def _settled(directory: Path) -> Path | None:
    """Tidy up after a restore that was killed.

    Returns:
        Where the half of a state lies whose rest is still here.
    """
    files.remove_new(directory)
    for place in directory.glob(f"{REPLACED}*{PART}"):
        if not os.path.lexists(place / files.DATABASE):
            _finish(place)
        elif os.path.lexists(directory / files.DATABASE):
            _close(place)
        else:
            _move(directory, place, _OUT)
            return place
    return None


def _made(directory: Path) -> Path:
    name = first = f"{REPLACED}{files.stamp()}"
    for number in count(2):  # of those of one second
        if not os.path.lexists(directory / name):
            break
        name = f"{first}-{number}"
    place = directory / f"{name}{PART}"
    place.mkdir(modes.PRIVATE_DIRECTORY)
    modes.give(place, directory)
    return place


def exchange(directory: Path, new: Path, side: files.Side | None) -> Path | None:
    """Put a store that is whole in the place of what is there; the lock is held.

    Args:
        directory: The data directory.
        new: The store, a file in it.
        side: What the side file is to say of it; None: nothing is known of it.

    Returns:
        The directory of what was there; None where nothing was.
    """
    place = _settled(directory) or _made(directory)
    return _exchange(directory, new, side, place)


def _ahead(directory: Path, marks: Marks) -> files.Side:
    """What the side file says of a state that is to be taken for an older one."""
    side = files.read_side(directory)
    known = side.generation if side is not None and side.store == marks.store else 0
    return files.Side(marks.store, max(known, marks.generation) + 1, clean=False)


def _exchange(
    directory: Path, new: Path, known: files.Side | None, place: Path
) -> Path | None:
    """Move what is there into its place, and give the new one its name.

    Returns:
        The directory of what was there; None where nothing was.
    """
    side = files.read_side(directory)
    try:
        _move(directory, place, _OUT)
        if known is not None:
            files.write_side(directory, known)
        else:
            (directory / files.SIDE).unlink(missing_ok=True)
        files.put(new, directory / files.DATABASE)
    except OSError:
        _move(place, directory, _BACK)
        if side is not None:
            files.write_side(directory, side)
        else:
            (directory / files.SIDE).unlink(missing_ok=True)
        raise
    return _finish(place)


def _finish(place: Path) -> Path | None:
    """Keep a place that has a database, or a log that was alone; else it goes."""
    database = place / files.DATABASE
    if os.path.lexists(database) or access.stray_log(database) is not None:
        return _close(place)
    for rest in place.iterdir():  # what SQLite makes anew
        rest.unlink()
    place.rmdir()
    return None


def _move(source: Path, target: Path, ends: Sequence[str]) -> None:
    """Move a database with what belongs to it, as far as it is there.

    A link is moved as one, but leads to the same file from where it is then.
    """
    for end in ends:
        old, new = (path / f"{files.DATABASE}{end}" for path in (source, target))
        if old.is_symlink() and not old.readlink().is_absolute():
            new.symlink_to(old.parent.absolute() / old.readlink())
            old.unlink()
        elif os.path.lexists(old):
            old.rename(new)
    files.sync_directory(target)
    files.sync_directory(source)


def _close(place: Path) -> Path:
    """Give what was replaced the name that it keeps."""
    whole = place.with_name(place.name.removesuffix(PART))
    place.rename(whole)
    files.sync_directory(whole.parent)
    return whole
