"""What a name looks like, as a string that is the same for all that look alike.

Two names look alike if their skeletons are equal: Unicode's confusables say what
stands for a character (`1` is `l`, `m` is `rn`, the Cyrillic letter like an `a` is
`a`). Two things are added. Names are lower case, but whoever reads one may know it
in capitals, so the table was folded once more: `0` is `O` is `o`. And a second dot
on an `i` cannot be seen.

A skeleton is for comparing only, and never shown.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from functools import cache
from unicodedata import normalize

from chatd.names.tables import LOOKS

_DOTTED = re.compile("(?<=[ijl])\u0307")


def skeleton(name: str) -> str:
    """What a canonical name has in common with all that look like it.

    Source: UTS #39 section 4, with prototypes in lower case.
    """
    shown = normalize("NFD", name).translate(_prototypes())
    return _DOTTED.sub("", normalize("NFD", shown))


@cache
def _prototypes() -> dict[int, str]:
    """Code point to prototype."""
    table: dict[int, str] = {}
    for entry in LOOKS.split(";"):
        prototype, *sources = entry.split()
        looks = "" if prototype == "-" else _chars(prototype)
        table.update((int(source, 16), looks) for source in sources)
    return table


def _chars(codes: str) -> str:
    return "".join(chr(int(code, 16)) for code in codes.split("+"))
