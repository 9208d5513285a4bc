"""How the tables are written, which contrib/unicode/words.py makes.

A table is entries with a `;` between them, an entry is a key and what belongs to
it. Code points are hexadecimal: `a`, `a-b`, or `a-b/2` for every second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def entries(table: str) -> Iterator[tuple[str, list[str]]]:
    """What a table has: keys, and what belongs to each."""
    for entry in table.split(";"):
        key, *values = entry.split()
        yield key, values


def ranges(values: Iterable[str]) -> list[range]:
    """The code points of values."""
    found = []
    for value in values:
        bounds, _, step = value.partition("/")
        first, _, last = bounds.partition("-")
        found.append(range(int(first, 16), int(last or first, 16) + 1, int(step or 1)))
    return found
