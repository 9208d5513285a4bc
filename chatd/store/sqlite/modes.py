"""Who else can read or write what is kept: modes of the data directory and its files.

Files are made with the mode that they are to have, whatever the umask: the
database's, which an operator may widen for a group that makes backups. SQLite does
the same for those that it makes.

A directory that every user can write is refused: they could put other files in the
place of ours. What a group or another user can do may be meant, so it is a notice.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chatd.errors import StoreRefused
from chatd.store.sqlite.access import name_of

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
PARENT_DIRECTORY = 0o755
"""Of directories that are made above it; the umask may take away from that."""
_READ_WRITE = 0o666
_ROOT = 0


def make_directory(directory: Path) -> None:
    """Make a directory for its owner alone, and what is missing above it.

    Raises:
        OSError: It cannot be made.
    """
    for parent in reversed(directory.parents):
        with suppress(FileExistsError):
            parent.mkdir(PARENT_DIRECTORY)
    try:
        directory.mkdir(PRIVATE_DIRECTORY)
        directory.chmod(PRIVATE_DIRECTORY)
    except FileExistsError:
        if not directory.is_dir():
            raise


def create(
    path: Path, flags: int, mode: int = PRIVATE_FILE, like: Path | None = None
) -> int:
    """Open a file, which gets its mode if it is made here or is ours.

    Args:
        path: The file.
        flags: How to open it.
        mode: Its mode.
        like: Whose owner it gets if root makes it; its directory's, if nothing is said.

    Returns:
        The descriptor.

    Raises:
        OSError: It cannot be opened.
    """
    # Root must not be led elsewhere by a link that the daemon's user has made.
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        give(descriptor, like or path.parent)
    except FileExistsError:
        if flags & os.O_EXCL:
            raise
        descriptor = os.open(path, flags)
    # Another user's may have been made by root; it is not for us to change.
    with suppress(PermissionError):
        os.fchmod(descriptor, mode)
    return descriptor


def give(made: int | Path, like: Path) -> None:
    """Have what root has just made belong to whom something else belongs to.

    Else a command that root types would leave what the daemon's user cannot open.
    """
    if os.geteuid() != _ROOT:
        return
    found = like.stat()
    with suppress(PermissionError):  # root, but of a container that may not
        if isinstance(made, int):
            os.chown(made, found.st_uid, found.st_gid)
        else:
            os.chown(made, found.st_uid, found.st_gid, follow_symlinks=False)


def mode_beside(database: Path) -> int:
    """The mode of the files beside a database: its own."""
    try:
        return stat.S_IMODE(database.stat().st_mode) & _READ_WRITE
    except FileNotFoundError:
        return PRIVATE_FILE


def judge(directory: Path, database: Path) -> Iterator[str]:
    """Look at who else can read or write a data directory.

    Args:
        directory: It need not be there yet.
        database: A file in it, which need not be there either.

    Yields:
        What is allowed but may not be meant.

    Raises:
        StoreRefused: Everybody can write to it.
        OSError: It cannot be looked at.
    """
    if not directory.exists():
        return
    found = directory.stat()
    mode = stat.S_IMODE(found.st_mode)
    said = f"{directory} (mode {mode:04o})"
    if mode & stat.S_IWOTH:
        raise StoreRefused(
            f"every user of this machine can write to {said}, and replace the"
            f" messages; chmod o-w {directory}"
        )
    if mode & stat.S_IWGRP:
        yield f"{said}: its group can write to it, and replace the messages"
    if found.st_uid not in (os.geteuid(), _ROOT) and os.geteuid() != _ROOT:
        owner = name_of(found.st_uid)
        yield f"{said}: it belongs to {owner}, who can replace the messages"
    yield from _judge_parents(directory)
    if mode & stat.S_IXOTH:
        yield from _judge_database(database)


def _judge_parents(directory: Path) -> Iterator[str]:
    """Notices about parents that others can write: they can rename what is in them."""
    for parent in directory.resolve().parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            yield (
                f"{parent} (mode {mode:04o}): every user of this machine can put"
                f" something else in the place of {directory}"
            )


def _judge_database(database: Path) -> Iterator[str]:
    """Where everybody can enter the directory its files have to be closed."""
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(database.stat().st_mode)
        said = f"{database} (mode {mode:04o})"
        if mode & stat.S_IWOTH:
            raise StoreRefused(
                f"every user of this machine can write to {said}; chmod o-rw {database}"
            )
        if mode & stat.S_IROTH:
            yield f"{said}: every user of this machine can read it"
