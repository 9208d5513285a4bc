"""The link for the first administrator, where no terminal shows it: a file of 0600.

It is made anew at each start as long as there is no administrator, and removed when
there is one.
"""

from __future__ import annotations

import os
from pathlib import Path

from chatd.observe import log

FILE = "setup-link"


def write(directory: Path, link: str) -> Path:
    """Write the link to a file in the data directory.

    Returns:
        The file.

    Raises:
        OSError: It cannot be written.
    """
    path = directory / FILE
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(link + "\n")
    return path


def remove(directory: Path) -> None:
    """Remove the file of the link, if there is one; the link is void in any case."""
    path = directory / FILE
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        text = "the link for the first administrator is void, and cannot be removed"
        log().warning(text, path=str(path), error=str(error))
