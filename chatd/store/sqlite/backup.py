"""Backups: copying the store into a file, also while a daemon serves it.

The copy is of one moment and whole, and SQLite makes it (`VACUUM INTO`). At full speed
it would keep the disk busy, so that the daemon's commits wait for a third of a second
at the worst. So it rests `REST` times as long as it works, and syncs what it has
written every `SYNC_BYTES`, so that no commit waits behind all of it. As long as it
lasts the daemon's log cannot be emptied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from chatd.errors import StoreRefused
from chatd.store.sqlite import files, modes
from chatd.store.sqlite.offline import connected
from chatd.store.sqlite.sql import resting

WORK_S, REST = 0.005, 3
SYNC_BYTES = 4 * 2**20
"""Source: measured, a disk of a small machine writes that in 20 ms."""


@attrs.define
class Pace:
    """How long the copying rests, and when what it has written is synced.

    Args:
        written: A file that is being written.
    """

    written: int
    _synced: int = 0

    def rest_s(self, worked: float) -> float:
        """Say how long to rest; what was written is synced before, if it is much.

        Args:
            worked: How long it has worked, in seconds.
        """
        if worked < WORK_S:
            return 0.0
        size = os.fstat(self.written).st_size
        if size - self._synced >= SYNC_BYTES:
            os.fdatasync(self.written)
            self._synced = size
        return REST * worked


def backup(directory: Path, target: Path) -> None:
    """Copy the store into a new file, for its owner alone.

    Args:
        directory: The data directory.
        target: The file, which must not be there.

    Raises:
        StoreRefused: There is no store, or the file cannot be made.
        StoreUnavailable: The disk is full, or the store cannot be read now.
        StoreFailed: SQLite cannot read the store or write the file.
    """
    with connected(directory, read_only=True) as db, _created(target) as descriptor:
        with resting(db, Pace(descriptor).rest_s):
            db.execute("VACUUM INTO ?", (str(target),))
        os.fsync(descriptor)
        files.sync_directory(target.absolute().parent)


@contextmanager
def _created(target: Path) -> Iterator[int]:
    """Make an empty file, which goes again if the block fails."""
    try:
        descriptor = modes.create(target, os.O_EXCL | os.O_RDWR)
    except OSError as error:
        raise StoreRefused(f"{target}: {error.strerror}") from None
    try:
        yield descriptor
    except BaseException:
        with suppress(FileNotFoundError):
            target.unlink()
        raise
    finally:
        os.close(descriptor)
