"""Rooms that the configuration declares while people talk."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock

from chatd.config import PermanentRoom
from chatd.core.settings import RoomSettings
from chatd.errors import ConfigError, StoreUnavailable
from chatd.ids import RoomName
from tests.hub.support import DEN, LOBBY, Rig, running
from tests.store.memory import MemoryStore

TEA = RoomName("tea")


def room(name: str, **fields: Any) -> PermanentRoom:
    """A declared room."""
    return PermanentRoom(name=RoomName(name), **fields)


def declared(rig: Rig) -> list[RoomName]:
    """What new clients are shown first."""
    return list(rig.hub.machine.chat.durable.declared)


async def settings_of(rig: Rig, name: RoomName) -> RoomSettings:
    """What the store has."""
    (row,) = await rig.store.rooms([name])
    return row.settings


async def test_a_new_room_is_there_at_once(autojump_clock: MockClock) -> None:
    """Somebody who is here can join it, by what it allows; so it is after a restart."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        await rig.hub.declare([room("lobby"), room("tea", post="moderators")])
        assert declared(rig) == [LOBBY, TEA]
        assert (await ann.answer("join", room=TEA))["type"] == "ok"
        refused = await ann.answer("send", room=TEA, text="hi")
        assert refused["code"] == "forbidden"
        assert (await settings_of(rig, TEA)).post == "moderators"


async def test_a_room_that_is_not_in_memory_is_read_and_becomes_the_configurations(
    autojump_clock: MockClock,
) -> None:
    """With those who are in it, and the settings that it gets."""
    async with running() as rig:
        assert DEN not in rig.hub.machine.chat.durable.rooms
        await rig.hub.declare([room("lobby"), room("den", topic="cave")])
        assert declared(rig) == [LOBBY, DEN]
        assert len(rig.hub.machine.chat.durable.rooms[DEN].members) == 2
        assert (await settings_of(rig, DEN)).topic == "cave"


async def test_other_settings_are_in_force_for_who_is_in_the_room(
    autojump_clock: MockClock,
) -> None:
    """Slow mode begins and ends; what is as it was costs no commit."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        await ann.answer("join", room=LOBBY)
        await rig.hub.declare([room("lobby", slow_s=60)])
        assert (await ann.answer("send", room=LOBBY, text="1"))["type"] == "ok"
        refused = await ann.answer("send", room=LOBBY, text="2")
        assert refused["code"] == "rate_limited"
        await rig.hub.declare([room("lobby")])
        assert (await ann.answer("send", room=LOBBY, text="3"))["type"] == "ok"
        store.set_failing(StoreUnavailable("nothing may be written"))
        await rig.hub.declare([room("lobby")])


async def test_what_cannot_be_declared_is_named_and_changes_nothing(
    autojump_clock: MockClock,
) -> None:
    """A new name that ends in a dot; one that a room was called."""
    store = MemoryStore()
    async with running(store) as rig:
        await rig.hub.declare([room("lobby"), room("tea")])
        ann = await rig.login("ann")
        await ann.answer("create", room="was", topic="")
        await ann.answer("rename", room="was", name="is")
        with pytest.raises(ConfigError) as refused:
            await rig.hub.declare([room("new"), room("a."), room("was")])
        assert [line.partition(": ")[0] for line in refused.value.problems] == [
            "rooms.permanent[1].name",
            "rooms.permanent[2].name",
        ]
        assert declared(rig) == [LOBBY, TEA]


async def test_a_store_that_takes_nothing_is_told(autojump_clock: MockClock) -> None:
    """And what was in force goes on."""
    store = MemoryStore()
    async with running(store) as rig:
        store.set_failing(StoreUnavailable("the disk is full"))
        with pytest.raises(ConfigError, match=r"nothing now \(the disk is full\)"):
            await rig.hub.declare([room("tea")])
        assert declared(rig) == [LOBBY]
