"""What changes when other settings are put into force, and what of it has to wait.

Settings that need a restart stay as they are until then, for what was made of them at
the start (sockets, the store) does not change either: nothing may read a value that is
not in force. Rooms that are no longer declared stay declared until then, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from chatd.config.key import Applies
from chatd.config.permanent import PermanentRoom
from chatd.config.sections import Config

ROOMS = "rooms.permanent"


@attrs.frozen
class Difference:
    """What is between the settings in force and those that are wanted.

    Attributes:
        changed: Keys that change now, by their paths, in the order of the file.
        connect: Those of them that count for new connections.
        restart: Keys that need a restart.
    """

    changed: tuple[str, ...] = ()
    connect: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def compare(old: Config, new: Config) -> Difference:
    """Say what differs, and from when on it counts.

    Args:
        old: What is in force.
        new: What is wanted.
    """
    changed, connect, restart = [], [], []
    goes_on = in_force(old, new)
    for path, applies, before, after in _pairs(old, new):
        if before == after:
            continue
        if applies is Applies.RESTART or (path == ROOMS and _taken_out(old, new)):
            restart.append(path)
        if applies is Applies.CONNECT:
            connect.append(path)
        if applies is not Applies.RESTART and _value(goes_on, path) != before:
            changed.append(path)
    return Difference(tuple(changed), tuple(connect), tuple(restart))


def in_force(old: Config, new: Config) -> Config:
    """The settings to go on with: new where a change counts before a restart.

    Args:
        old: What is in force.
        new: What is wanted.
    """
    sections: dict[str, Any] = {}
    for name in attrs.fields_dict(Config):
        kept = {
            path.partition(".")[2]: before
            for path, applies, before, _ in _pairs(old, new)
            if applies is Applies.RESTART and path.startswith(f"{name}.")
        }
        sections[name] = attrs.evolve(getattr(new, name), **kept)
    permanent = (*new.rooms.permanent, *_taken_out(old, new))
    sections["rooms"] = attrs.evolve(sections["rooms"], permanent=permanent)
    return Config(**sections)


def _pairs(old: Config, new: Config) -> Iterator[tuple[str, Applies, Any, Any]]:
    """All keys: path, from when on a change counts, and both values."""
    for section in attrs.fields(Config):
        before, after = getattr(old, section.name), getattr(new, section.name)
        for field in attrs.fields(type(before)):
            yield (
                f"{section.name}.{field.name}",
                field.metadata["applies"],
                getattr(before, field.name),
                getattr(after, field.name),
            )


def _value(config: Config, path: str) -> Any:
    section, _, name = path.partition(".")
    return getattr(getattr(config, section), name)


def _taken_out(old: Config, new: Config) -> tuple[PermanentRoom, ...]:
    """Declared rooms that are declared no longer."""
    names = {room.name for room in new.rooms.permanent}
    return tuple(room for room in old.rooms.permanent if room.name not in names)
