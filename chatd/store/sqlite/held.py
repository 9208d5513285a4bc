"""Whether the files that SQLite has open are those that have their names.

Somebody may remove the database of a daemon that runs, or put another in its place.
SQLite does not notice: it goes on in a file that has no name any more, which ends with
the process. So the names are looked at before a commit is answered: nothing is
acknowledged that the next start would not find.

Where only what is beside the database was removed, nothing is lost: what is in the log
is brought into the database when the last connection to it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import attrs

from chatd.errors import StoreFailed
from chatd.store.sqlite import access
from chatd.store.sqlite.files import DATABASE, stamp

_OPEN = ("", access.WAL, access.INDEX)
"""How the names end of what SQLite has open, after the database's."""


@attrs.frozen
class Held:
    """Files that are open, by their names."""

    _files: Mapping[Path, tuple[int, int]]
    """The device and the number of each."""

    @classmethod
    def now(cls, directory: Path) -> Self:
        """Take what has the names now, of a store that is open."""
        names = (access.beside(directory / DATABASE, end) for end in _OPEN)
        paths = [path for path in names if path.exists()]
        return cls({path: _identity(path) for path in paths})

    def check(self) -> None:
        """See that the names lead to the same files still.

        Raises:
            StoreFailed: One does not, or cannot be looked at.
        """
        for path, identity in self._files.items():
            try:
                is_same = _identity(path) == identity
            except FileNotFoundError:
                raise StoreFailed(_said(path, "removed")) from None
            except OSError as error:
                raise StoreFailed(f"{path} cannot be looked at: {error}") from error
            if not is_same:
                raise StoreFailed(_said(path, "replaced") + self._put_away(path))

    def _put_away(self, replaced: Path) -> str:
        """Take the log away from a database that is not the one it belongs to.

        The next start would read it into that.
        """
        log = access.beside(replaced, access.WAL)
        if replaced.name != DATABASE or log not in self._files:
            return ""
        kept = log.with_name(f"{log.name}.{stamp()}")
        with suppress(OSError):
            if _identity(log) == self._files[log]:
                log.rename(kept)
                return f" (the log of what was there is kept as {kept.name})"
        return ""


def _said(path: Path, what: str) -> str:
    """What was done to a file, and what to do now."""
    cure = "put it back, or restore it from a backup"
    if path.name != DATABASE:
        cure = "what is in it is brought into the database now; start again"
    return f"{path} was {what} while it was in use; {cure}"


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
