"""The link for the first administrator, where no terminal shows it: a file of 0600.

It is made anew at each start for as long as nobody administers this place, and goes
when somebody does.
"""

from __future__ import annotations

import os
from pathlib import Path

from chatd.observe import log

FILE = "setup-link"


def leave(directory: Path, link: str) -> Path:
    """Leave the link in the data directory, for who may read there; says where.

    Raises:
        OSError: It cannot be written.
    """
    path = directory / FILE
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(link + "\n")
    return path


def take_away(directory: Path) -> None:
    """Remove the link of before, if there is one; it is void also where it stays."""
    path = directory / FILE
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        text = "the link for the first administrator is void, and cannot be removed"
        log().warning(text, path=str(path), error=str(error))
