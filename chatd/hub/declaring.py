"""Declaring rooms while people talk: what the configuration has got beside the old.

As at a start (`chatd.hub.restore`), but the rooms that are there may have to be read
into memory first, and what is written goes the way of all drafts: it is applied when it
is committed, in order with all else. A room whose settings change is told nobody, for
that is no event of its timeline; what it allows is in force at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatd.config import PermanentRoom
from chatd.core.drafts import CreateRoom, DeclareRoom, Draft
from chatd.core.durable import DurableState
from chatd.core.settings import RoomSettings
from chatd.errors import ConfigError
from chatd.ids import Epoch
from chatd.names import NEW_ENDS_WELL, ends_well, skeleton


def settings_of(wanted: PermanentRoom) -> RoomSettings:
    """The settings that a room is declared with."""
    return RoomSettings(
        topic=wanted.topic,
        post=wanted.post,
        history=wanted.history,
        slow_s=wanted.slow_s,
        keep_days=wanted.keep_days,
        keep_messages=wanted.keep_messages,
    )


def check_names(durable: DurableState, rooms: Sequence[PermanentRoom]) -> None:
    """Refuse rooms that cannot be declared; all that are there are in memory.

    Raises:
        ConfigError: One is new and cannot be named so, or has another name now.
    """
    problems = []
    for index, wanted in enumerate(rooms):
        place = f'rooms.permanent[{index}].name: "{wanted.name}"'
        if wanted.name in durable.aliases:
            now = durable.aliases[wanted.name]
            problems.append(f"{place}: it leads to {now}, which was called so")
        elif wanted.name not in durable.rooms and not ends_well(wanted.name):
            problems.append(f"{place}: {NEW_ENDS_WELL}")
    if problems:
        raise ConfigError(problems)


def drafts_of(
    durable: DurableState,
    rooms: Sequence[PermanentRoom],
    new_epoch: Callable[[], Epoch],
) -> list[Draft]:
    """What has to be committed so that rooms are declared as they are wanted."""
    drafts: list[Draft] = []
    for wanted in rooms:
        settings = settings_of(wanted)
        if is_declared(durable, wanted):
            continue
        if wanted.name not in durable.rooms:
            look = skeleton(wanted.name)
            drafts.append(
                CreateRoom(wanted.name, new_epoch(), settings, {}, skeleton=look)
            )
        drafts.append(DeclareRoom(wanted.name, settings))
    return drafts


def is_declared(durable: DurableState, wanted: PermanentRoom) -> bool:
    """Whether a room is declared, with the settings that are wanted."""
    room = durable.rooms.get(wanted.name)
    if room is None:
        return False
    return room.declared and room.settings == settings_of(wanted)
