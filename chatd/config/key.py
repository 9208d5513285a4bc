"""How a setting is written down: one call for its default and all that is said of it.

A key is one `key(default, doc, source)`; `source` names the precedent or the
arithmetic, so that a default can be argued with. Bounds are inclusive: of a
number, of a string's code points, of a list's entries.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import attrs

_T = TypeVar("_T")

COUNT_MAX = 2**31 - 1
"""No count or size is larger: it fits every socket option and SQLite limit."""
DAY_S = 86_400.0


class Applies(StrEnum):
    """From when on a setting counts whose value is changed while the daemon runs.

    Source: the `context` of PostgreSQL's `pg_settings`.
    """

    NOW = "now"
    CONNECT = "for new connections"
    RESTART = "at a restart"


def key(
    default: _T,
    doc: str,
    source: str,
    *,
    min: float | None = None,  # noqa: A002 - these are the words of the table
    max: float | None = None,  # noqa: A002
    applies: Applies = Applies.RESTART,
) -> _T:
    """Define a setting, with all that the documents and messages say about it."""
    metadata = _metadata(doc, source, min, max, applies)
    field: _T = attrs.field(default=default, metadata=metadata)
    return field


def limit(default: int, doc: str, source: str, *, applies: Applies) -> int:
    """Define a setting for which 0 is no limit."""
    doc = f"{doc} 0: no limit."
    return key(default, doc, source, min=0, max=COUNT_MAX, applies=applies)


def _metadata(
    doc: str, source: str, low: float | None, high: float | None, applies: Applies
) -> dict[str, Any]:
    said = {"doc": doc, "source": source, "min": low, "max": high}
    return said | {"applies": applies}


def required(
    doc: str,
    source: str,
    *,
    min: float | None = None,  # noqa: A002
    max: float | None = None,  # noqa: A002
) -> Any:
    """Define a setting without a default, for tables of which there may be several."""
    return attrs.field(metadata=_metadata(doc, source, min, max, Applies.NOW))
