"""Tables and lines for people: aligned, as wide as the terminal, amounts with units.

Numbers stand at the right of their column. Where a terminal is too narrow the columns
at the end are left out, and named: half of one says nothing, and a line that goes on
below says it in the wrong place. A pipe gets them all.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from chatd.cli.clean import clean

Forms = Mapping[str, Callable[[Any], str]]
"""How values of a column are shown, by its key, where that is not as they are."""

GAP = "  "
_SPANS = ((172_800, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min"), (0, 1, "s"))
"""From how many seconds on, a unit of how many, and its name."""


def show(
    records: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    forms: Forms | None = None,
) -> None:
    """Print records as an aligned table, or each as a line of JSON.

    Args:
        records: What there is; keys may be more than the columns.
        columns: The keys that people see, in order, the least needed last.
        as_json: For programs: all keys.
        forms: How people see them.
    """
    if as_json:
        for record in records:
            click.echo(json.dumps(record, ensure_ascii=False))
        return
    lines, left_out = fitted(list(records), columns, forms, terminal_width())
    click.secho(lines[0], bold=True)
    for line in lines[1:]:
        click.echo(line)
    if left_out:
        names = ", ".join(left_out)
        click.echo(f"(too narrow for {names}; --json has all)", err=True)


def terminal_width() -> int | None:
    """How wide the terminal is; None where none is written to."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fitted(
    records: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    forms: Forms | None = None,
    width: int | None = None,
) -> tuple[list[str], list[str]]:
    """Make the lines of an aligned table: its head, and each record.

    Args:
        records: What there is.
        columns: Keys, the least needed last.
        forms: How they are shown.
        width: How wide it may be; None: as wide as it is.

    Returns:
        The lines, and the heads of the columns that are not in them.
    """
    made = [_column(records, key, (forms or {}).get(key)) for key in columns]
    widths = [max(map(_width, cells)) for cells in made]
    count = len(columns)
    while width is not None and count > 1:
        if sum(widths[:count]) + len(GAP) * (count - 1) <= width:
            break
        count -= 1
    padded = [
        [_padded(cell, wide, at_right=_is_number(records, key)) for cell in cells]
        for key, cells, wide in zip(columns, made, widths, strict=True)
    ][:count]
    lines = [GAP.join(row).rstrip() for row in zip(*padded, strict=True)]
    return lines, [cells[0] for cells in made[count:]]


def _column(
    records: Sequence[Mapping[str, Any]], key: str, form: Callable[[Any], str] | None
) -> list[str]:
    """A column: its head, and what each record has there."""
    cells = [_head(key)]
    for record in records:
        value = record[key]
        shown = value if form is None or value is None else form(value)
        cells.append(cell(shown))
    return cells


def _is_number(records: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [record[key] for record in records if record[key] is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool)
        for value in values
    )


def _padded(text: str, width: int, *, at_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if at_right else text + space


def _width(text: str) -> int:
    """How many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from prompt_toolkit.utils import get_cwidth  # noqa: PLC0415 - it takes its time

    return get_cwidth(text)


def _head(column: str) -> str:
    """A key as the head of its column: `sent_s` is what was sent a second."""
    return re.sub("_s$", "/s", column).replace("_", " ").upper()


def cell(value: object) -> str:
    """A value on one line, and a dash where there is none."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ",".join(map(clean, value))
    return clean(value)


def hung(text: str, indent: int) -> str:
    """A text in lines as wide as the terminal, all but the first one indented.

    Args:
        text: What is to be said.
        indent: How wide what stands before it is.
    """
    width = terminal_width()
    if width is None or width <= 2 * indent:
        return text
    lines = textwrap.wrap(text, width - indent, break_on_hyphens=False)
    return f"\n{'':{indent}}".join(lines)


def span(seconds: float) -> str:
    """How long something lasts, roughly."""
    lasts = max(0.0, seconds)
    unit, name = next(row[1:] for row in _SPANS if lasts >= row[0])
    return f"{lasts // unit:.0f} {name}"
