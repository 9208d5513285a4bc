"""What can be set of a room: listed once, for the commands and the event that have it.

On the wire settings stand beside the other fields of their frame, so a class that has
some takes them over, behind its own. In each None is what is not said. What a room has
of all of them is `chatd.core.settings.RoomSettings`.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.enums import Post, Visibility
from chatd.wire.kinds import KeepCount, SlowSeconds, Topic


@attrs.define(kw_only=True)
class FirstSettings:
    """What can be said of a room when it is made."""

    topic: Topic | None = None
    title: Topic | None = None
    post: Post | None = None
    history: Visibility | None = None
    slow_s: SlowSeconds | None = None
    keep_days: KeepCount | None = None
    keep_messages: KeepCount | None = None


@attrs.define(kw_only=True)
class Settings(FirstSettings):
    """What can be changed of a room."""

    archived: bool | None = None


SETTINGS = tuple(field.name for field in attrs.fields(Settings))
"""What can be set of a room, in the order in which it is shown."""


def own_first(
    cls: type, fields: list[attrs.Attribute[Any]]
) -> list[attrs.Attribute[Any]]:
    """Put what a class has itself before what it takes over."""
    return sorted(fields, key=lambda field: field.name not in cls.__annotations__)
