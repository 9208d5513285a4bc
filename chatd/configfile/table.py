"""The table of settings as values: one walk over the attrs fields.

Everything that speaks of all keys (the example, the schema, the environment,
near names) takes them from here, in the order of the example file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_type_hints

import attrs

from chatd.config import Applies, Config

ENV_PREFIX = "CHATD_"


@attrs.frozen
class Key:
    """One setting, as its field describes it."""

    section: str
    """Empty for a key of a table inside a section."""
    name: str
    type: Any
    default: Any
    """`attrs.NOTHING` where a value must be given."""
    doc: str
    source: str
    min: float | None
    max: float | None
    applies: Applies
    """From when on a change counts."""

    @property
    def path(self) -> str:
        """How a person names it: `section.key`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """How the environment names it: `CHATD_SECTION__KEY`."""
        return f"{ENV_PREFIX}{self.section}__{self.name}".upper()


@attrs.frozen
class Section:
    """One table of the file."""

    name: str
    doc: str
    cls: type[attrs.AttrsInstance]
    keys: tuple[Key, ...]


def keys_of(cls: type[attrs.AttrsInstance], section: str = "") -> Iterator[Key]:
    """Walk the settings of one class."""
    types = get_type_hints(cls)
    for field in attrs.fields(cls):
        yield Key(
            section, field.name, types[field.name], field.default, **field.metadata
        )


def _sections() -> Iterator[Section]:
    for name, cls in get_type_hints(Config).items():
        yield Section(name, cls.__doc__ or "", cls, tuple(keys_of(cls, name)))


SECTIONS = tuple(_sections())
"""Every section, in the order of the file."""
KEYS = {key.path: key for section in SECTIONS for key in section.keys}
"""Every key by its path, in the order of the file."""
