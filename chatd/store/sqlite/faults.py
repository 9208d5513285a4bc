"""What SQLite's errors mean for the store.

Three meanings, and none of them is guessed from a text: the disk is full or the
file is busy (`StoreUnavailable`: all rolled back, may work later), the row
itself cannot be stored (`ROW_FAULTS`: its neighbours can), and everything else
(`StoreFailed`: an I/O error, a damaged file). After a failed fsync nothing can
be retried: the kernel has dropped the dirty pages, and a second fsync that
succeeds says nothing about the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from chatd.errors import (
    StoreFailed,
    StoreForbidden,
    StoreRefused,
    StoreUnavailable,
)
from chatd.store.sqlite import access

ROW_FAULTS = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    OverflowError,
    TypeError,
    UnicodeError,
)
"""Errors that are the fault of one draft's values."""

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
        if not sync and db.system_errno in access.FULL:
            raise StoreUnavailable(str(error)) from error
        raise StoreFailed(str(error)) from error
    except apsw.Error as error:
        raise StoreFailed(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        kind = StoreUnavailable if error.errno in access.FULL else StoreFailed
        raise kind(str(error)) from error


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Run a step of opening the database; its errors name the file and the cure.

    Raises:
        StoreRefused: SQLite or the system cannot open the file.
        StoreUnavailable: The disk is full, or another process holds the file.
    """
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StoreRefused(
            f"{path} is damaged ({error}); restore it from a backup"
        ) from error
    except (apsw.FullError, apsw.IOError) as error:
        if isinstance(error, apsw.IOError) and not access.is_full(path.parent):
            raise StoreRefused(
                f"{path} cannot be read or written ({error}); look for errors of its"
                " disk: dmesg"
            ) from error
        raise StoreUnavailable(f"{path} {access.FULL_DISK}") from error
    except apsw.BusyError as error:
        raise StoreUnavailable(
            f"{path} is busy: another process is writing to it; try again"
        ) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        raise _closed(path, error) from error
    except apsw.Error as error:
        raise StoreRefused(f"{path} cannot be opened: {error}") from error
    except OSError as error:
        # Of two files that were in work, the system names the one.
        named = Path(os.fsdecode(error.filename)) if error.filename else path
        said = f"{named} {access.reason_of(error, named)}"
        if error.errno in access.FULL:
            raise StoreUnavailable(said) from error
        raise refusal_of(error, StoreRefused)(said) from error


def refusal_of(error: OSError, otherwise: type[StoreRefused]) -> type[StoreRefused]:
    """The class of a refusal that an error of the system, but a full disk, becomes.

    Args:
        error: The error.
        otherwise: What it is where the user might have used the file.
    """
    return StoreForbidden if isinstance(error, PermissionError) else otherwise


def _closed(path: Path, error: apsw.Error) -> StoreRefused:
    """What of a database SQLite cannot open or write: it does not say."""
    beside = (access.beside(path, end) for end in (access.WAL, access.INDEX))
    shut = access.first_shut((path.parent, path, *beside))
    if shut is None:
        return StoreRefused(f"{path} cannot be opened: {error}")
    if os.statvfs(shut).f_flag & os.ST_RDONLY:
        return StoreRefused(f"{path} cannot be written: {access.READ_ONLY}")
    return StoreForbidden(f"{path} cannot be written: {access.denial(shut)}")
