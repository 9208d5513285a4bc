"""The lock of a data directory, in words for whoever moves what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatd.errors import StoreHeld, StoreUnavailable
from chatd.store.sqlite import lock


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory.

    Raises:
        StoreUnavailable: A daemon serves it, or another command changes what is there.
    """
    try:
        with lock.locked(directory):
            yield
    except StoreHeld as error:
        if not error.serves:
            raise
        raise StoreUnavailable(
            f"a daemon serves {directory.absolute()}: stop it, so that nothing is"
            " written behind the copy (systemctl stop chatd.socket chatd.service),"
            " then type this again"
        ) from error
