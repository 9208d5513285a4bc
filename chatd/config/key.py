"""How a setting is written down: one call for its default and all that is said of it.

A key is one `key(default, doc, source)`; `source` names the precedent or the
arithmetic, so that a default can be argued with. Bounds are inclusive: of a
number, of a string's code points, of a list's entries.
"""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

_T = TypeVar("_T")

COUNT_MAX = 2**31 - 1
"""No count or size is larger: it fits every socket option and SQLite limit."""
DAY_S = 86_400.0


def key(
    default: _T,
    doc: str,
    source: str,
    *,
    min: float | None = None,  # noqa: A002 - these are the words of the table
    max: float | None = None,  # noqa: A002
) -> _T:
    """One setting; whatever anybody says about it is made from this call."""
    metadata = {"doc": doc, "source": source, "min": min, "max": max}
    field: _T = attrs.field(default=default, metadata=metadata)
    return field


def limit(default: int, doc: str, source: str) -> int:
    """A setting for which 0 is no limit."""
    return key(default, f"{doc} 0: no limit.", source, min=0, max=COUNT_MAX)


def required(
    doc: str,
    source: str,
    *,
    min: float | None = None,  # noqa: A002
    max: float | None = None,  # noqa: A002
) -> Any:
    """A setting of a table that has no default."""
    return attrs.field(metadata={"doc": doc, "source": source, "min": min, "max": max})
