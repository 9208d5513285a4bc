"""Copies of a database: made beside the daemon, and looked at before they are trusted.

A copy is of one moment and whole, and SQLite makes it (`VACUUM INTO`), in one reading
transaction: what others write meanwhile does not begin it anew, it only makes their log
longer. At full speed it would keep the disk busy, so that the daemon's commits wait for
a third of a second at the worst. So it rests `REST` times as long as it works, and
syncs what it has written every `SYNC_BYTES`, so that no commit waits behind all of it.

The log begins anew only when nobody reads what is in it, so a long copy beside much
writing may fill the disk with it, and then the daemon can write nothing. So where space
becomes scarce a copy rests no more, to be done sooner, and before there is none it
gives up (`Headroom`).

SQLite's other way, copying pages, costs the daemon the same (measured), and keeps the
pages that are free.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import apsw
import attrs

from chatd.errors import StoreRefused, StoreUnavailable
from chatd.store.sqlite import access, migrate
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.sql import resting, select

WORK_S, REST = 0.005, 3
SYNC_BYTES = 4 * 2**20
"""Source: measured, a disk of a small machine writes that in 20 ms."""
COPY_STEPS = 500
"""SQLite's steps between two looks at the clock: a step may copy a whole message."""
STEP_BYTES = 40_000
"""What is looked at in `STEPS` of SQLite. Source: measured, roughly."""
FAULTS_MAX = 3
"""How many faults of a copy are told."""
SCARCE_BYTES = 2**29
"""With less free space a copy does not rest. Source: twice what a daemon wants to have,
by the default of `store.free_bytes_min`."""
LEAST_BYTES = 2**27
"""With less it gives up. Source: half of that default, where the daemon refuses all."""

Tell = Callable[[str, float], None]
"""Is told what is being done, and which part of it is done."""


def untold(_what: str, _part: float) -> None:
    """Nobody wants to know how far it is."""


@attrs.define
class Headroom:
    """The space that is left where a log grows because somebody reads the database.

    Args:
        database: The database.
    """

    database: Path
    _began_bytes: int = attrs.field(init=False)
    """How long the log was before."""

    def __attrs_post_init__(self) -> None:
        self._began_bytes = self._log_bytes()

    def is_scarce(self) -> bool:
        """Say whether it becomes little, because the log has grown.

        Raises:
            StoreUnavailable: It is nearly gone.
        """
        if self._log_bytes() <= self._began_bytes:
            return False
        directory = self.database.parent
        free = access.free_bytes(directory)
        if free < LEAST_BYTES:
            raise StoreUnavailable(
                f"{directory} has {free / 2**20:.0f} MiB free, and the log of the"
                " database grows as long as this goes on; it was given up, so that the"
                " daemon can write; free some space, then try again"
            )
        return free < SCARCE_BYTES

    def _log_bytes(self) -> int:
        try:
            return access.beside(self.database, access.WAL).stat().st_size
        except FileNotFoundError:
            return 0


@attrs.define
class Pace:
    """How long the copying rests, and when what it has written is synced.

    Args:
        written: The descriptor of a file that is being written.
        rest: How many times as long as it works; 0 where nobody else is there.
        headroom: Of the log of what is read, where reading it keeps that from ending.
    """

    written: int
    rest: float = REST
    headroom: Headroom | None = None
    _synced: int = 0

    def rest_s(self, worked: float) -> float:
        """Say how long to rest; what was written is synced before, if it is much.

        Args:
            worked: How long it has worked, in seconds.

        Returns:
            Seconds; 0 is on without a rest.

        Raises:
            StoreUnavailable: There is hardly any space left.
        """
        if worked < WORK_S:
            return 0.0
        size = os.fstat(self.written).st_size
        if size - self._synced >= SYNC_BYTES:
            os.fdatasync(self.written)
            self._synced = size
        if self.headroom is not None and self.headroom.is_scarce():
            return 0.0
        return self.rest * worked


def copy(db: apsw.Connection, target: Path, pace: Pace, tell: Tell = untold) -> None:
    """Copy a database into an empty file, durably.

    Args:
        db: The one to copy.
        target: The file, which `pace` has open.
        pace: How fast.
        tell: Is told how far it is.

    Raises:
        StoreRefused: The database is damaged.
        StoreUnavailable: The disk is full, or nearly.
        apsw.Error: Anything else that SQLite says.
    """
    size = max(1, size_of(db))

    def rest_s(worked: float) -> float:
        pause_s = pace.rest_s(worked)
        tell("copying", min(1.0, os.fstat(pace.written).st_size / size))
        return pause_s

    try:
        with resting(db, rest_s, COPY_STEPS):
            db.execute("VACUUM INTO ?", (str(target),))
    except (apsw.FullError, apsw.IOError) as error:
        if isinstance(error, apsw.FullError) or db.system_errno in access.FULL:
            raise full(target) from error
        raise
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StoreRefused(
            f"{db.filename} is damaged ({error}); restore it from a backup"
        ) from error
    os.fsync(pace.written)


def full(target: Path) -> StoreUnavailable:
    """Make the error that says that a file did not fit.

    Args:
        target: The file.
    """
    return StoreUnavailable(
        f"{target.parent} is full, so {target.name} cannot be written; free some"
        " space, then try again"
    )


def size_of(db: apsw.Connection) -> int:
    """Say how large a copy of a database is about to be, in bytes.

    Args:
        db: The database.
    """
    used = db.pragma("page_count") - db.pragma("freelist_count")
    return int(used * db.pragma("page_size"))


@attrs.frozen
class Marks:
    """What a database says of itself."""

    store: str
    """The id of the store, which all copies of it have."""
    generation: int
    """See `chatd.store.sqlite.generation`."""
    schema: int
    """The number of the last migration that it has seen."""


def marks_of(db: apsw.Connection) -> Marks:
    """Read what a database says of itself.

    Args:
        db: The database.
    """
    ((store, generation),) = select(db, "SELECT id, generation FROM store")
    return Marks(store, generation, db.pragma("user_version"))


@contextmanager
def opened(path: Path, called: Path) -> Iterator[apsw.Connection]:
    """Open a copy that nobody else has open; nothing is left beside it.

    Args:
        path: The copy.
        called: What it is called where it is refused.

    Yields:
        A connection that only reads.

    Raises:
        StoreRefused: It is no store of chatd, or of a newer one, or damaged.
    """
    name = f"file:{quote(str(path.absolute()))}?immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with refusing(called), closing(apsw.Connection(name, flags)) as db:
        migrate.configure(db)
        migrate.identify(db, called)
        yield db


def verify(path: Path, called: Path, rest: float = 0.0, tell: Tell = untold) -> Marks:
    """Look at every page, table and index of a copy that nobody else has open.

    Args:
        path: The copy.
        called: What it is called where it is refused.
        rest: How many times as long as it works to rest in between.
        tell: Is told how far it is.

    Returns:
        What it says of itself.

    Raises:
        StoreRefused: It is damaged, no store of chatd, or of a newer one.
    """
    done = max(1, path.stat().st_size // STEP_BYTES)
    steps = 0

    def rest_s(worked: float) -> float:
        nonlocal steps
        steps += 1
        tell("checking", min(1.0, steps / done))
        return rest * worked if worked >= WORK_S else 0.0

    with opened(path, called) as db:
        with resting(db, rest_s):
            rows = select(db, f"PRAGMA integrity_check({FAULTS_MAX})")
        if rows != [("ok",)]:
            found = "; ".join(str(text) for (text,) in rows)
            raise StoreRefused(
                f"{called} is damaged ({found}); restore it from a backup"
            )
        marks = marks_of(db)
    tell("checking", 1.0)
    return marks
