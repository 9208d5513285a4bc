"""Why a path cannot be used, and what mends it: the words of a refusal.

The system says "permission denied" of the last name of a path, and SQLite less than
that. Which directory or file it is, whose it is and what to type is found out here,
after the fact, by looking at the path from its root on. Nothing is changed.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

WAL, JOURNAL = "-wal", "-journal"
"""How a log is called, after its database's name. What is in one is missing there."""
INDEX = "-shm"
"""How the index of the write-ahead log is called."""
FULL_DISK = "cannot be written: the disk is full; free some space, then start again"
READ_ONLY = (
    "its file system is read-only; set a store.path that can be written, or remount it"
)
"""Under systemd all of it is, but for what the unit allows."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""There is no space."""
_OPENING_BYTES = 65_536
"""Source: an index of the write-ahead log is 32 KiB, and begins a page of the file."""
_DENIED = frozenset({errno.EACCES, errno.EPERM})
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_NO_DIRECTORY = frozenset({errno.ENOTDIR, errno.EEXIST})


def reason_of(error: OSError, path: Path) -> str:
    """Say why the system refuses a path, and what to do.

    Args:
        error: What it has said.
        path: What was to be opened, made or written.

    Returns:
        The rest of a sentence that begins with the path.
    """
    if error.errno in _DENIED:
        return f"cannot be opened: {denial(path)}"
    if lost := lost_link(path):
        return lost
    if error.errno == errno.EROFS:
        return f"cannot be written: {READ_ONLY}"
    if error.errno in FULL:
        return FULL_DISK
    if error.errno in _NO_FILES:
        return (
            "cannot be opened: too many files are open; raise LimitNOFILE of the"
            " service, or `ulimit -n`"
        )
    if error.errno in _NO_DIRECTORY:
        blocking = _no_directory(path)
        return (
            f"cannot be made: {blocking} is not a directory; move it away or set"
            " another store.path"
        )
    if error.errno == errno.EISDIR:
        return "is a directory, where a file should be; move it away"
    return f"cannot be opened: {error.strerror}"


def lost_link(path: Path) -> str | None:
    """Say where a link leads that leads to nothing: what was mounted there is gone.

    Args:
        path: The data directory or a file in it, which need not be there.

    Returns:
        The rest of a sentence that begins with the path; None where no link on the
        way to it is lost.

    Raises:
        OSError: It cannot be looked at.
    """
    whole = path.absolute()
    for place in (*reversed(whole.parents), whole):
        if place.is_symlink() and not place.exists():
            return (
                f"cannot be used: {place} leads to {place.readlink()}, which is not"
                " there; mount or restore that, or remove the link"
            )
    return None


def require_files(paths: Iterable[Path]) -> None:
    """See that what lies at some paths is a file, or nothing.

    Raises:
        OSError: A link leads to nothing, or a directory is there.
    """
    for path in paths:
        if lost_link(path):
            number = errno.ENOENT
        elif path.is_dir():
            number = errno.EISDIR
        else:
            continue
        raise OSError(number, os.strerror(number), str(path))


def denial(path: Path) -> str:
    """Say what keeps this user from a path: where it stops, whose that is, the cure.

    Args:
        path: The data directory or a file in it, which need not be there.
    """
    me = name_of(os.geteuid())
    place = next(
        (place for place, needs in _steps(path) if not _may(place, needs)), None
    )
    found = None if place is None else _stat(place)
    if place is None or found is None:
        return f"permission denied for {me}"
    said = f"{place} (mode {stat.S_IMODE(found.st_mode):04o})"
    if found.st_uid == os.geteuid():
        letters = "rwx" if place.is_dir() else "rw"
        return (
            f"{said} is closed to {me}, to whom it belongs; chmod u+{letters} {place}"
        )
    owner = name_of(found.st_uid)
    return (
        f"{said} belongs to {owner}, and chatd runs as {me}; {_cure(path, place, me)}"
    )


def _cure(path: Path, place: Path, me: str) -> str:
    """What to type where a directory or a file is another's."""
    whole = path.absolute()
    home = whole.parent if whole.name.startswith("chatd.") else whole
    if place == home or home in place.parents:
        return f"run it as that user, or: chown -R {me} {home}"
    # Behind what one may not pass nothing can be looked at.
    if _may(place, os.X_OK) and not home.exists():
        return f"set another store.path, or: install -d -m 700 -o {me} {home}"
    return f"set another store.path, or: chmod o+x {place}"


def is_full(directory: Path) -> bool:
    """Whether there is not even space for what SQLite needs to open a file.

    SQLite itself tells a full disk from a broken one only by the system's last error.
    """
    return free_bytes(directory) < _OPENING_BYTES


def free_bytes(directory: Path) -> int:
    """How many bytes an unprivileged process may still write there.

    Raises:
        OSError: It cannot be found out.
    """
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def first_shut(paths: Iterable[Path]) -> Path | None:
    """The first of some paths that is there, and that this user cannot write."""
    return next(
        (path for path in paths if path.exists() and not _may(path, os.W_OK)), None
    )


def name_of(user: int) -> str:
    """The name of a user of this machine, or his number in words."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _steps(path: Path) -> Iterable[tuple[Path, int]]:
    """What is gone through on the way, and what is needed there."""
    whole = path.absolute()
    for parent in reversed(whole.parents):
        yield parent, os.X_OK
    parent = next(parent for parent in whole.parents if parent.exists())
    if os.path.lexists(whole):
        yield whole, os.R_OK | os.W_OK | (os.X_OK if whole.is_dir() else 0)
    # A name can be added where one may write.
    yield parent, os.W_OK | os.X_OK


def _may(path: Path, needs: int) -> bool:
    return os.access(path, needs, effective_ids=os.access in os.supports_effective_ids)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _no_directory(path: Path) -> Path:
    """The first on the way that is there and is no directory."""
    whole = path.absolute()
    for place in (*reversed(whole.parents), whole):
        if place.exists() and not place.is_dir():
            return place
    return path


def beside(database: Path, end: str) -> Path:
    """Say how a file is called that SQLite has beside a database.

    Args:
        database: The database.
        end: How its name goes on; "" is the database itself.
    """
    return database.with_name(f"{database.name}{end}")


def stray_log(database: Path) -> Path | None:
    """Return a log that has something in it, where its database is gone."""
    for end in (WAL, JOURNAL):
        log = beside(database, end)
        if log.exists() and log.stat().st_size:
            return log
    return None
