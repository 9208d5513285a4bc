"""What PostgreSQL calls otherwise than SQLite does.

The store's statements are written so that both understand them: conflicts with their
target, `CASE`, `TRUE`, `IS NOT DISTINCT FROM`, aliases for what is in brackets. What is
left stands here, all of it: how a value is named, a table whose name is a keyword,
hints to SQLite's planner, and its functions for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

TEXTS_MAX = 2048
"""Texts that are remembered: all there are, with each number of rows."""

_WHOLE: Mapping[str, str] = {
    "BEGIN IMMEDIATE": "BEGIN",
    # What is read is of one moment.
    "BEGIN": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
}
_TOKENS = re.compile(
    r"""(?P<kept>'[^']*'|"[^"]*")"""
    r"|\?(?P<number>\d*)"
    r"|(?<![:\w]):(?P<name>[a-z_]+)"
    r"|(?P<user>\buser\b)"
    r"|(?P<hint>\s*\bINDEXED BY \w+|\bmain\.)"
    r"|(?P<join>\bCROSS JOIN\b)"
    r"|(?P<ifnull>\bifnull\()"
    r"|\bjson_each\((?P<each>\?\d*)\) j\b"
    r"|\bjson_group_array\((?P<array>\w+)\)"
    r"|\bsettings ->> (?P<setting>'\w+')"
)


@lru_cache(maxsize=TEXTS_MAX)
def translated(sql: str) -> tuple[str, tuple[str, ...]]:
    """Say a statement as PostgreSQL does.

    Args:
        sql: As SQLite does.

    Returns:
        The statement, and the names of its values in their order; none where they are
        given in order themselves.
    """
    if sql in _WHOLE:
        return _WHOLE[sql], ()
    values = _Values()
    text = _TOKENS.sub(lambda found: _said(found, values), sql)
    return text, tuple(values.names)


@lru_cache(maxsize=TEXTS_MAX)
def spread(sql: str, kinds: tuple[str | None, ...]) -> str:
    """Say a statement for any number of rows, which come as one array for each column.

    One text for all numbers of rows is prepared once, and is one way to the server.

    Args:
        sql: With `VALUES $ROWS`, as SQLite has it.
        kinds: The type of each column; None where all that is in it is nothing.
    """
    names = [f"column{number}" for number in range(1, len(kinds) + 1)]
    there = [name for name, kind in zip(names, kinds, strict=True) if kind]
    types = [f"${at}::{kind}[]" for at, kind in enumerate(filter(None, kinds), 1)]
    shown = [
        name if kind else f"NULL AS {name}"
        for name, kind in zip(names, kinds, strict=True)
    ]
    rows = (
        f"SELECT {', '.join(shown)}"  # noqa: S608 - ours
        f" FROM unnest({', '.join(types)}) AS given_row ({', '.join(there)})"
    )
    return translated(sql)[0].replace("VALUES $ROWS", rows)


def kind_of(column: Sequence[Any]) -> str | None:
    """The type of a column; None where nothing is in it."""
    for value in column:
        if value is not None:
            return next(name for cls, name in _KINDS.items() if isinstance(value, cls))
    return None


_KINDS = {bool: "boolean", int: "bigint", str: "text", bytes: "bytea"}
"""A boolean is a number, too."""


def in_order(names: Sequence[str], values: Any) -> Sequence[Any]:
    """The values of a statement in the order in which it counts them."""
    return [values[name] for name in names] if names else values


class _Values:
    """How many values were seen, and what they are called."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._seen = 0

    def numbered(self, number: str) -> str:
        self._seen += not number
        return f"${number or self._seen}"

    def named(self, name: str) -> str:
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"


def _said(found: re.Match[str], values: _Values) -> str:
    match found.lastgroup:
        case "number":
            return values.numbered(found["number"])
        case "name":
            return values.named(found["name"])
        case "user":
            return '"user"'
        case "hint":
            return ""
        case "join":
            return "JOIN"
        case "ifnull":
            return "coalesce("
        case "each":
            each = values.numbered(found["each"][1:])
            return (
                f"jsonb_array_elements(CAST({each} AS jsonb))"
                " WITH ORDINALITY AS j (value, key)"
            )
        case "array":
            return f"coalesce(json_agg({found['array']}), '[]')"
        case "setting":
            return (
                f"CAST(CAST(settings AS json) ->> {found['setting']}"
                " AS double precision)"
            )
    return found[0]
