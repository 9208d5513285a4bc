"""What the operator's commands share: where the data is, names, durations, tables.

A command writes into the daemon's database, and may do so while it runs. One
that cuts somebody off returns when the daemon has done it, within about a
second; if it does not in time, the change stands, a line on standard error says
so, and the exit status is 75 (`EX_TEMPFAIL`).
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from chatd.cli.clean import clean
from chatd.cli.config import load_or_exit
from chatd.errors import Reject, StoreFailed, StoreRefused, StoreUnavailable
from chatd.ids import (
    RoomName,
    SessionTag,
    UserName,
    is_encodable,
    parse_session_tag,
)
from chatd.names import NAMES, NEW_ENDS_WELL, Names, ends_well
from chatd.store.sqlite import offline
from chatd.wire.encode import rfc3339
from chatd.wire.events import Millis

data_option = click.option(
    "--data", metavar="DIR", help="The data directory, as given to `chatd serve`."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line, for programs."
)

T = TypeVar("T")

TEXT_CHARS_MAX = 200
"""For the reason of a ban and the name of a token: a line that one reads."""
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@attrs.frozen
class Place:
    """Where the data is, and what names look like there."""

    directory: Path
    names: Names
    is_assumed: bool = False
    """Whether nothing has said what names look like, so they are ASCII."""

    def account(self, text: str) -> UserName:
        """Spell the name of an account as it is kept, or say what one is."""
        return self._named(self.names.account, text, "NAME")

    def new_account(self, text: str) -> UserName:
        """Spell the name of an account that is to be made, or say what one is."""
        return self._named(self._new_account, text, "NAME")

    def _new_account(self, text: str) -> UserName:
        name = self.names.account(text)
        if not ends_well(name):
            raise ValueError(NEW_ENDS_WELL)
        return name

    def user(self, text: str) -> UserName:
        """Spell the name of an account or a guest, or say what one is."""
        return self._named(self.names.user, text, "NAME")

    def room(self, text: str) -> RoomName:
        """Spell the name of a room as it is kept, or say what one is."""
        return self._named(self.names.room, text, "--room")

    def _named(self, parse: Callable[[str], T], text: str, where: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            told = str(error)
            if self.is_assumed and not text.isascii():
                told += '; with auth.names = "unicode", give -c FILE'
            raise click.BadParameter(told, param_hint=where) from None


def place_of(config_file: Path | None, data: str | None) -> Place:
    """Read the settings that a command needs, by its options."""
    overrides: dict[str, object] = {} if data is None else {"store.path": data}
    config = load_or_exit(config_file, overrides).config
    policy = config.auth.names
    is_assumed = config_file is None and policy == "ascii"
    return Place(Path(config.store.path), NAMES[policy], is_assumed)


def short_text(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> str | None:
    """Take a text of a line, or say how long one may be."""
    return _parsed(_parse_text, value)


def duration_ms(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> Millis | None:
    """Read a duration such as `3d`, or say what one looks like."""
    return _parsed(_parse_duration, value)


def session_tag(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> SessionTag | None:
    """Read what a session is called, or say what that looks like."""
    return _parsed(_parse_tag, value)


def _parse_tag(text: str) -> SessionTag:
    try:
        return parse_session_tag(text)
    except ValueError:
        raise ValueError(
            "a session is called by 10 hexadecimal digits: see chatd user sessions"
        ) from None


def _parsed(parse: Callable[[str], T], value: str | None) -> T | None:
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _parse_text(text: str) -> str:
    if len(text) > TEXT_CHARS_MAX or not is_encodable(text):
        raise ValueError(f"expected at most {TEXT_CHARS_MAX} characters of Unicode")
    return text


def _parse_duration(text: str) -> Millis:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhdw])", text)
    if found is None:
        raise ValueError(
            f'"{text}" is no duration: write a number and s, m, h, d or w, such as 30d'
        )
    return int(found[1]) * _UNITS_MS[found[2]]


def now() -> Millis:
    """The time."""
    return time.time_ns() // 1_000_000


@contextmanager
def told() -> Iterator[None]:
    """Run the block; what the store refuses is told on standard error, status 1.

    A store that could not be written now is 75 (`EX_TEMPFAIL`).
    """
    try:
        yield
    except (Reject, StoreRefused, StoreFailed) as error:
        raise click.ClickException(str(error)) from None
    except StoreUnavailable as error:
        _try_again(str(error))


def wait_in_force(directory: Path, position: int) -> None:
    """Return when a running daemon has taken a change, if one runs."""
    if not offline.wait_taken(directory, position):
        _try_again("it is stored, but the running daemon has not taken note of it yet")


def _try_again(text: str) -> None:
    click.echo(f"Error: {text}", err=True)
    sys.exit(os.EX_TEMPFAIL)


# --- lists --------------------------------------------------------------------


def show(
    records: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool
) -> None:
    """Print records as an aligned table, or each as a line of JSON.

    Args:
        records: What there is; keys may be more than the columns.
        columns: The keys that people see, in order.
        as_json: For programs: all keys.
    """
    if as_json:
        for record in records:
            click.echo(json.dumps(record, ensure_ascii=False))
        return
    head = [column.replace("_", " ").upper() for column in columns]
    rows = [[_cell(record[column]) for column in columns] for record in records]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in [head, *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def time_of(ts: Millis | None) -> str | None:
    """A time as programs read it."""
    return None if ts is None else rfc3339(ts)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ",".join(map(clean, value))
    return clean(value)
