"""Daemons with a wall clock of their own, by Debian's libfaketime.

It stands between a daemon and its wall clock, and reads from a file how far off that
is. Of the other clocks it tells the truth.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

from tests.live.forks import Forks

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def put(path: Path, hours: int) -> None:
    """Set the clock that a file is about, in one step."""
    new = path.with_suffix(".new")
    new.write_text(f"{hours:+d}h\n")
    new.replace(path)


def faked(path: Path) -> dict[str, str]:
    """The environment of a daemon whose clock a file sets."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(path),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


@cache
def faking() -> Forks:
    """Who starts such daemons, in this process of tests."""
    assert LIBRARY, "the tests need libfaketime: apt-get install libfaketime"
    nowhere = Path("/nonexistent")  # each daemon says which file it looks at
    forks = Forks.begin("env", *(f"{k}={v}" for k, v in faked(nowhere).items()))
    atexit.register(forks.end)
    return forks
