"""Rooms that become the configuration's while people talk."""

from __future__ import annotations

from chatd.config import Config, Presence
from chatd.core import drafts, inputs
from chatd.core.agenda import Due
from chatd.core.effects import Fetch
from chatd.core.entities import IDLE_S
from chatd.core.loading import ROOMS
from chatd.core.queries import LoadRooms
from chatd.core.settings import RoomSettings
from chatd.ids import RoomName
from chatd.wire.kinds import Text
from chatd.wire.timeline import Send
from tests.core.harness import LOBBY, Harness

TEAM, TEA = RoomName("team"), RoomName("tea")


def test_a_room_is_read_though_nobody_waits_for_it() -> None:
    """Once, however often it is sought; one that is there, and none, cost nothing."""
    harness = Harness()
    ann = harness.user("ann", TEAM)
    ann.close()
    harness.wait(3 * IDLE_S)
    assert TEAM not in harness.chat.durable.rooms
    wanted = harness.handle(inputs.RoomsSought([LOBBY, TEAM, TEA]))
    assert harness.handle(inputs.RoomsSought([TEAM])) == []
    assert wanted == [Fetch(LoadRooms([TEAM, TEA]))]
    harness.settle()
    assert not harness.chat.live.loads.rooms
    assert {LOBBY, TEAM} == set(harness.chat.durable.rooms)


def test_many_are_read_in_pieces() -> None:
    """None of which is longer than that of somebody who comes."""
    names = [RoomName(f"r{number}") for number in range(ROOMS + 1)]
    harness = Harness()
    wanted = harness.handle(inputs.RoomsSought(names))
    assert len([one for one in wanted if isinstance(one, Fetch)]) == 2
    harness.settle()


def test_what_is_declared_stays_in_memory_and_has_its_settings() -> None:
    """From the commit on: it is the configuration's, without a member."""
    harness = Harness()
    settings = RoomSettings(topic="hot", keep_messages=1)
    made = drafts.CreateRoom(TEA, harness.new_epoch(), settings, {}, skeleton="tea")
    declare = drafts.DeclareRoom(TEA, settings)
    harness.handle(inputs.Drafted([made, declare]))
    assert TEA not in harness.chat.durable.rooms
    harness.settle()
    room = harness.chat.durable.rooms[TEA]
    assert (room.declared, room.settings) == (True, settings)
    assert not harness.chat.live.agenda.has(Due.UNHELD, TEA)
    harness.wait(3 * IDLE_S)
    assert list(harness.chat.durable.declared) == [LOBBY, TEA]


def test_other_settings_of_a_declared_room_count_at_once() -> None:
    """What it no longer keeps goes; without slow mode nobody waits for it."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    slow = drafts.DeclareRoom(LOBBY, RoomSettings(slow_s=60))
    harness.handle(inputs.Drafted([slow]))
    harness.settle()
    for text in "12":
        ann.ask(Send(Text(text), LOBBY))
    room = harness.chat.durable.rooms[LOBBY]
    assert (room.head, len(room.sayings)) == (1, 1)
    harness.handle(inputs.Drafted([drafts.DeclareRoom(LOBBY, RoomSettings())]))
    harness.settle()
    assert not room.sayings
    for text in "34":
        ann.ask(Send(Text(text), LOBBY))
    keep = drafts.DeclareRoom(LOBBY, RoomSettings(keep_messages=1))
    harness.handle(inputs.Drafted([keep]))
    harness.settle()
    harness.wait(1)
    harness.settle()
    assert (room.first, room.head) == (3, 3)


def test_changes_of_presence_are_gathered_as_long_as_is_set_now() -> None:
    """The next tick is by it."""
    harness = Harness()
    harness.live.replace(Config(presence=Presence(tick_s=7)))
    assert harness.chat.live.presence_tick_s == 7
