"""A look at a store from outside, beside the daemon that serves it: nothing is changed.

Each table is looked at as after a crash, as far as the time goes.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.store.sqlite import checking, files
from chatd.store.sqlite.offline import connected
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis


@attrs.frozen
class Survey:
    """What was found."""

    database_bytes: int | None = None
    """With its log; None where there is none."""
    refused: str | None = None
    """Why it cannot be used."""
    unchecked: int = 0
    """Tables for which there was no time."""
    certain: Millis | None = None
    """The time of which the store is certain."""


def survey(directory: Path, seconds: float) -> Survey:
    """Look at a store.

    Args:
        directory: The data directory.
        seconds: How long to look for damage.
    """
    try:
        path = files.find_database(directory)
        if path is None:
            return Survey()
        files.check_header(path)
        size = files.database_bytes(directory)
    except StoreRefused as error:
        return Survey(refused=str(error))
    try:
        with connected(directory) as db:
            ((certain,),) = select(db, "SELECT certain FROM store")
            left = checking.check_some(db, path, checking.tables(db), seconds)
    except (StoreRefused, StoreFailed, StoreUnavailable) as error:
        return Survey(size, refused=str(error))
    return Survey(size, None, len(left), certain)
