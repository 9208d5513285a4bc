"""Stores as older versions of chatd have left them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from chatd.store.sqlite import files, migrate, search_index
from tests.store.support import ANN, BOB, CY, LOBBY, T0


def before(step: str) -> int:
    """The schema that lacks a step, and all behind it; its file is `NNNN_step.sql`."""
    (file,) = Path(migrate.__file__).parent.glob(f"*_{step}.sql")
    return int(file.name[:4]) - 1


@contextmanager
def store_at(directory: Path, schema: int) -> Iterator[apsw.Connection]:
    """Make a store with the schema of an older version, to be filled by SQL.

    It has ann, bob and cy, whose ids are 1, 2 and 3, and the lobby, whose id is 1.
    """
    files.make_directory(directory)
    db = apsw.Connection(str(directory / files.DATABASE))
    try:
        migrate.configure(db)
        db.pragma("application_id", migrate.APPLICATION_ID)
        known = migrate.migrations()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrate, "migrations", lambda: known[:schema])
            patch.setattr(search_index, "is_current", lambda _: True)
            migrate.migrate(db)
        db.pragma("journal_mode", "wal")
        db.execute(
            "INSERT INTO store (one, id, generation) VALUES (1, ?, 0)", ("00" * 16,)
        )
        db.executemany(
            "INSERT INTO user (name, display, role, created)"
            " VALUES (?1, ?1, 'user', 0)",
            [(ANN,), (BOB,), (CY,)],
        )
        db.execute(
            "INSERT INTO room (name, epoch, settings) VALUES (?, ?, '{}')",
            (LOBBY, "8f3c21d07be945aa"),
        )
        yield db
        db.execute("UPDATE room SET last_ts = ?", (T0,))
    finally:
        db.close()
