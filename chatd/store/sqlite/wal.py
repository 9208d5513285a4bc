"""The write-ahead log, and how it is brought into the database file.

It is done in two steps, so that no commit waits for it. A connection of its own brings
what is there into the file, beside the commits (`copy`). They have added to the log
meanwhile, and as long as some of it is not in the file it goes on growing: so the
writer's connection brings that little over between two commits, and the next one begins
the log anew. On a store of years a thousand pages of the log are a thousand places of
the file.
"""

from __future__ import annotations

from contextlib import suppress

import apsw

PAGES = 1000
"""How long the log may be until it is brought over. Source: SQLite's own
`wal_autocheckpoint`."""


def copy(db: apsw.Connection) -> None:
    """Bring the log into the file, as far as no reader needs it."""
    with suppress(apsw.BusyError):  # the command line is just doing it
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
