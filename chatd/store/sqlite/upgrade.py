"""Upgrades: a store of an older chatd is copied before it is brought up to date.

There is no way back from a migration, so what was there before is kept beside it, in a
file of which the log says how to put it back. It is made as a backup is
(`chatd.store.sqlite.backup`): under another name, looked at from end to end, and named
when it is whole. Nothing is changed before that: where there is no room for it and for
all that may be written anew, the start is refused.

Migrations are steps, each a transaction of its own, so one that was killed may have
done some of them. The copy that was made for it is then there, and the one to keep:
nobody has served the store since, which its generation says, and its schema is an older
one. If no step was done it is made again, since an older chatd may have written to it.

Of upgrades before this one no copy is left: whoever needs such an old state has
backups.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import apsw

from chatd.errors import StoreRefused
from chatd.observe import log
from chatd.store.sqlite import copying, files, migrate, modes
from chatd.store.sqlite.copying import Marks, Pace
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.files import PART

KEPT = "chatd.schema-"
"""How the name of a copy begins; the number of its schema follows."""
_NAMED = re.compile(rf"{re.escape(KEPT)}\d+-\d{{8}}T\d{{6}}Z\.db")


def bring_up_to_date(db: apsw.Connection, path: Path) -> None:
    """Bring a database to this code's schema; it was looked at, and is whole.

    Args:
        db: Its only connection that writes.
        path: Where it is.

    Raises:
        StoreRefused: The copy cannot be made; nothing was changed.
        StoreUnavailable: There is no room for the copy and for what is changed; nothing
            was.
        apsw.Error: As SQLite says.
    """
    if not migrate.is_old(db):
        migrate.migrate(db)  # the search index may be of another fold
        return
    kept = _keep(db, path)
    migrate.migrate(db)
    log().info("the store is up to date", schema=len(migrate.migrations()))
    for older in _copies(path.parent):
        if older != kept:
            older.unlink()


def _keep(db: apsw.Connection, path: Path) -> Path:
    """Copy the store as it is, unless that was done for this very upgrade."""
    directory, marks = path.parent, copying.marks_of(db)
    for part in directory.glob(f"{KEPT}*{PART}"):
        part.unlink()
    kept = None
    for copy in _copies(directory):
        steps = _steps_since(copy, marks)
        if steps == 0:
            copy.unlink()  # something may have been written since
        elif steps is not None and steps > 0:
            kept = copy
    size = copying.size_of(db)
    if kept is None:
        # A migration may write all of it again.
        files.require_space(directory, 2 * size, "an upgrade with the copy before it")
        log().info(
            "an older chatd has written the store: it is copied, then brought up to"
            " date, which takes a while",
            schema=marks.schema,
            mib=round(size / 2**20),
        )
        kept = directory / f"{KEPT}{marks.schema}-{files.stamp()}.db"
        _copy(db, path, kept)
    else:
        files.require_space(directory, size, "an upgrade")
    restore = ["chatd", "restore", "--data", str(directory), str(kept)]
    log().info(
        "an older chatd has written the store, which is brought up to date; to go back,"
        " stop chatd, type this, and install the older one",
        schema=marks.schema,
        command=shlex.join(restore),
    )
    return kept


def _copy(db: apsw.Connection, path: Path, kept: Path) -> None:
    part = kept.with_name(f"{kept.name}{PART}")
    with refusing(part):
        descriptor = modes.create(part, os.O_EXCL | os.O_RDWR, modes.mode_beside(path))
        try:
            copying.copy(db, part, Pace(descriptor, rest=0))
            copying.verify(part, path)
            files.put(part, kept)
        finally:
            os.close(descriptor)
            part.unlink(missing_ok=True)


def _copies(directory: Path) -> Iterator[Path]:
    found = (path for path in directory.iterdir() if _NAMED.fullmatch(path.name))
    yield from sorted(found)


def _steps_since(copy: Path, marks: Marks) -> int | None:
    """How many steps were done since a copy was made; None if it is another state's."""
    try:
        with copying.opened(copy, copy) as db:
            found = copying.marks_of(db)
    except StoreRefused:
        return None
    is_same = (found.store, found.generation) == (marks.store, marks.generation)
    return marks.schema - found.schema if is_same else None
