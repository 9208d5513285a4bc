"""What the operator's commands share: where the data is, names, durations."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from chatd.cli.config import load_or_exit
from chatd.cli.table import cell
from chatd.config import Config
from chatd.errors import (
    FileRefused,
    ImportRefused,
    Reject,
    StoreFailed,
    StoreForbidden,
    StoreRefused,
    StoreUnavailable,
)
from chatd.ids import (
    RoomName,
    SessionTag,
    UserName,
    parse_session_tag,
)
from chatd.names import NAMES, NEW_ENDS_WELL, Names, ends_well
from chatd.store.sqlite.offline import Where
from chatd.wire.events import Millis
from chatd.wire.timestamps import rfc3339

data_option = click.option(
    "--data", metavar="DIR", help="The data directory, in place of the file's."
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

    config: Config
    names: Names
    declared: frozenset[RoomName] = frozenset()
    """Rooms that the configuration makes, as soon as a daemon runs with it."""
    is_assumed: bool = False
    """Whether nothing has said what names look like, so they are ASCII."""

    @property
    def directory(self) -> Path:
        """The data directory."""
        return Path(self.config.store.path)

    @property
    def store(self) -> Where:
        """Where the store is, to look into it."""
        return self.config.store.url or self.directory

    @property
    def files(self) -> Path:
        """The data directory, for what is done with the files of a store on SQLite."""
        if self.config.store.url:
            raise click.ClickException(
                "store.url is set, and this is for a store on SQLite; for PostgreSQL"
                " there are pg_dump and pg_restore"
            )
        return self.directory

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

    def room(self, text: str, where: str = "--room") -> RoomName:
        """Spell the name of a room as it is kept, or say what one is."""
        return self._named(self.names.room, text, where)

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
    declared = frozenset(room.name for room in config.rooms.permanent)
    return Place(config, NAMES[policy], declared, is_assumed)


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
    if len(text) > TEXT_CHARS_MAX:
        raise ValueError(f"expected at most {TEXT_CHARS_MAX} characters")
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

    A line that cannot be imported is 65 (`EX_DATAERR`), a store that could not be
    written now 75 (`EX_TEMPFAIL`), a file that the user may not use 77 (`EX_NOPERM`),
    and a store that cannot be used at all 78 (`EX_CONFIG`), as it is to a daemon.
    """
    try:
        yield
    except StoreForbidden as error:
        _end(str(error), os.EX_NOPERM)
    except ImportRefused as error:
        _end(str(error), os.EX_DATAERR)
    except (Reject, FileRefused, StoreFailed) as error:
        raise click.ClickException(str(error)) from None
    except StoreRefused as error:
        _end(str(error), os.EX_CONFIG)
    except StoreUnavailable as error:
        _end(str(error), os.EX_TEMPFAIL)


def _end(text: str, status: int) -> None:
    click.echo(f"Error: {text}", err=True)
    sys.exit(status)


def say(text: str, fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Say what was done: a sentence for people, or an object for programs."""
    click.echo(json.dumps(fields, ensure_ascii=False) if as_json else text)


def confirm(question: str) -> None:
    """Ask whoever types, or the pipe that answers for him; end unless it is a yes."""
    try:
        answer = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise click.UsageError("nobody has answered: give --yes") from None
    if not answer:
        raise click.Abort


def show_fields(fields: Mapping[str, Any]) -> None:
    """Print what is known of one thing, a line each; what is not known is left out."""
    shown = {key: value for key, value in fields.items() if value not in (None, "", [])}
    width = max(map(len, shown))
    for key, value in shown.items():
        click.echo(f"{key.replace('_', ' '):<{width}}  {cell(value)}")


def time_of(ts: Millis | None) -> str | None:
    """A time as programs read it."""
    return None if ts is None else rfc3339(ts)
