"""The generation: how a restored backup is told from what was here.

The number stands in the database and in the side file and is raised in this
order: at each start, at each clean stop, and hourly while there is traffic. At
a start their difference says what happened:

* database behind: it is an older copy, restored from a backup. Positions that
  clients hold may lie in a future that is gone, so every room gets a new epoch;
* equal: the usual case;
* database ahead by one: a crash between the two writes. Nothing is wrong;
* ahead by more, another store's id, no side file: it is not known; new epochs.

Where the end of the log is damaged, what was stored last may be lost: new epochs, too.

`chatd restore` sets the side file ahead of what it puts back, so that it is noticed
always. By hand it may not be: a copy of the whole directory agrees with itself, so the
side file must be removed when one is put back; and a backup that is put back after a
crash, within the same hour and without a restart since it was made, is not noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import apsw
import attrs

from chatd.errors import StoreRefused
from chatd.observe import log
from chatd.store.sqlite import checking, migrate, upgrade
from chatd.store.sqlite.checking import START_S
from chatd.store.sqlite.files import Side, read_side, write_side
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Millis

EPOCH_BYTES = 8
"""64 random bits. Source: protocol section 3."""
RAISED_EVERY_MS = 3_600_000
_OLDER = "an older state of the store was put back"
_OTHER = "this is not the store that was here last"
_DAMAGED = "the end of the store's log is damaged, and what was in it is lost"


@attrs.define(eq=False)
class Generation:
    """The number in the database and in the side file, kept together."""

    db: apsw.Connection
    directory: Path
    side: Side
    number: int
    """In the database: equal to the side file's, or one ahead of it."""
    raised: Millis | None = None

    def tend(self, now: Millis) -> None:
        """Raise the number when it is old; bring a late side file up to it."""
        if self.raised is None:
            self.raised = now
        # A clock that was put back does not put it off.
        is_old = abs(now - self.raised) >= RAISED_EVERY_MS
        if is_old or self.number > self.side.generation:
            self.advance()
            self.write(clean=False)
            self.raised = now

    def advance(self) -> None:
        """Raise the number in the database, unless the side file is behind.

        If it cannot be written (a full disk) the database must not run ahead of
        it by two: that would look like a restored directory.
        """
        if self.number == self.side.generation:
            with transaction(self.db):
                self.db.execute("UPDATE store SET generation = ?", (self.number + 1,))
            self.number += 1

    def write(self, *, clean: bool) -> None:
        """Bring the side file up to the database."""
        self._write(attrs.evolve(self.side, generation=self.number, clean=clean))

    def checked(self, table: str) -> None:
        """Note that a table was looked at and is whole."""
        left = tuple(name for name in self.side.unchecked if name != table)
        self._write(attrs.evolve(self.side, unchecked=left))

    def _write(self, side: Side) -> None:
        write_side(self.directory, side)
        self.side = side


def begin(
    db: apsw.Connection,
    path: Path,
    random_bytes: Callable[[int], bytes],
    lacks_commits: bool = False,  # noqa: FBT001, FBT002 - it goes through a thread
) -> Generation:
    """Make an existing database ready: checked in part, at head, its generation raised.

    Args:
        db: The writer's connection.
        path: The database.
        random_bytes: Where new epochs come from.
        lacks_commits: Whether what was stored last could not be read from the log.

    Raises:
        StoreRefused: It is not ours, newer, or damaged; nothing was changed.
        apsw.Error: As SQLite says.
        OSError: The side file cannot be written.
    """
    migrate.configure(db)
    migrate.identify(db, path)
    if db.pragma("journal_mode", "wal") != "wal":
        raise StoreRefused(f"{path} cannot be used in WAL mode on this file system")
    store, number = select(db, "SELECT id, generation FROM store")[0]
    side = known = read_side(path.parent)
    if side is None or side.store != store:
        # Whatever the number was here, this one is not known for it.
        side, known = Side(store, number + 1, clean=False), None
    whole = side.clean and side.generation == number
    left = checking.doubtful(db, side.unchecked, whole=whole)
    # A migration reads much of the file, and must not build on what is damaged.
    is_current = migrate.is_current(db)
    left = checking.check_some(db, path, left, START_S if is_current else math.inf)
    side = attrs.evolve(side, unchecked=tuple(left))
    upgrade.bring_up_to_date(db, path)
    with transaction(db):
        if number - side.generation not in {0, 1}:
            is_older = known is not None and number < known.generation
            _renew_epochs(db, random_bytes, _OLDER if is_older else _OTHER)
        elif lacks_commits:
            _renew_epochs(db, random_bytes, _DAMAGED)
        if number != side.generation + 1:
            number = max(number, side.generation) + 1
            db.execute("UPDATE store SET generation = ?", (number,))
    generation = Generation(db, path.parent, side, number)
    generation.write(clean=False)
    return generation


def _renew_epochs(
    db: apsw.Connection, random_bytes: Callable[[int], bytes], why: str
) -> None:
    """Give each room another epoch, and tell the operator why."""
    rooms = select(db, "SELECT id FROM room WHERE ended IS NULL")
    db.executemany(
        "UPDATE room SET epoch = ? WHERE id = ?",
        [(random_bytes(EPOCH_BYTES).hex(), room) for (room,) in rooms],
    )
    if rooms:
        log().warning(f"{why}, so each room begins a new epoch", rooms=len(rooms))
