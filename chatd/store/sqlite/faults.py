"""What SQLite's errors mean for the store.

Three meanings, and none of them is guessed from a text: the disk is full or the
file is busy (`StoreUnavailable`: all rolled back, may work later), the row
itself cannot be stored (`ROW_FAULTS`: its neighbours can), and everything else
(`StoreFailed`: an I/O error, a damaged file). After a failed fsync nothing can
be retried: the kernel has dropped the dirty pages, and a second fsync that
succeeds says nothing about the first.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable

ROW_FAULTS = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    OverflowError,
    TypeError,
    UnicodeError,
)
"""Errors that are the fault of one draft's values."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SYNCS = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})


@contextmanager
def translated(db: apsw.Connection) -> Iterator[None]:
    """Run the block in the connection's thread with errors of the store's own.

    `OSError` comes from the side file.

    Raises:
        StoreUnavailable: The disk is full, or another process holds the file.
        StoreFailed: Anything else that SQLite reported.
    """
    try:
        yield
    except (apsw.FullError, apsw.BusyError) as error:
        raise StoreUnavailable(str(error)) from error
    except apsw.IOError as error:
        sync = getattr(error, "extendedresult", None) in _SYNCS
        if not sync and db.system_errno in _FULL:
            raise StoreUnavailable(str(error)) from error
        raise StoreFailed(str(error)) from error
    except apsw.Error as error:
        raise StoreFailed(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        kind = StoreUnavailable if error.errno in _FULL else StoreFailed
        raise kind(str(error)) from error


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Run a step of opening the database; its errors name the file.

    Raises:
        StoreRefused: SQLite or the system cannot open the file.
    """
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StoreRefused(
            f"{path} is damaged ({error}); restore it from a backup"
        ) from error
    except (apsw.Error, OSError) as error:
        raise StoreRefused(f"{path} cannot be opened: {error}") from error
