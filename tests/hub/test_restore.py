from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.core import drafts as d
from chatd.core.agenda import Due
from chatd.core.entities import Membership
from chatd.core.inputs import Now
from chatd.core.invariants import check
from chatd.core.settings import RoomSettings
from chatd.core.state import Chat
from chatd.enums import Role
from chatd.errors import ConfigError
from chatd.hub.restore import declare, needed, restore
from chatd.ids import Epoch, RoomName, Seq, SessionId, UserName
from chatd.ports import RoomRow, SessionRow, Snapshot, UserRecord, UserRow
from tests.hub.support import ANN, DEN, EPOCH, LOBBY, T0, running
from tests.store.memory import MemoryStore

GUEST = UserName("cy~4f7k")
SESSION = SessionId(b"s" * 32)
NEW = Epoch("00000000000000ff")


def room(name: RoomName, topic: str = "") -> RoomRow:
    """A room with ann and a guest, as the store has it."""
    members = {
        ANN: Membership(Role.OWNER, Seq(3)),
        GUEST: Membership(Role.MEMBER, Seq(0)),
    }
    return RoomRow(name, EPOCH, Seq(9), Seq(2), T0, RoomSettings(topic=topic), members)


def restored(config: Config, *rooms: RoomRow) -> Chat:
    """The chat from a store with a guest's session and some rooms."""
    guest = UserRecord(UserRow(GUEST, "cy", "guest"), rooms=[row.room for row in rooms])
    found = Snapshot([guest], [SessionRow(SESSION, GUEST, None, T0)])
    assert set(guest.rooms) <= set(needed(found, config))
    return restore(found, rooms, config, Now(5.0, T0))


def declared(*rooms: PermanentRoom) -> Config:
    """A configuration that declares rooms."""
    return attrs.evolve(Config(), rooms=Rooms(permanent=rooms))


def test_the_chat_is_what_the_store_had() -> None:
    """Rooms with their numbering, members with their marks, and nobody online."""
    chat = restored(Config(), room(DEN, "tea"))
    found = chat.durable.rooms[DEN]
    assert (found.epoch, found.head, found.first) == (EPOCH, 9, 2)
    assert (found.settings.topic, found.declared) == ("tea", False)
    assert (found.members[ANN].role, found.members[ANN].read) == ("owner", 3)
    assert list(chat.durable.rooms_of(ANN)) == [DEN]
    assert list(chat.durable.users) == [GUEST]
    assert not found.online
    check(chat)


def test_guests_are_held_from_the_start_on() -> None:
    """A guest's session is there, without a connection, until its time is up."""
    config = Config()
    chat = restored(config)
    assert chat.live.sessions[SESSION].connection is None
    assert list(chat.durable.users[GUEST].sessions) == [SESSION]
    at = 5.0 + config.auth.guest_hold_s
    assert chat.live.agenda.next() == at
    assert chat.live.agenda.pop(at) == (Due.GUEST, SESSION)


def test_a_missing_declared_room_is_created() -> None:
    """With an epoch of its own, no members and no event."""
    config = declared(PermanentRoom(name=LOBBY, topic="hi"))
    chat = restored(config)
    assert declare(chat, config, lambda: NEW) == [
        d.CreateRoom(LOBBY, NEW, RoomSettings(topic="hi"), members={}, skeleton="lobby")
    ]
    assert chat.durable.rooms[LOBBY].declared
    assert (chat.durable.rooms[LOBBY].head, chat.durable.rooms[LOBBY].first) == (0, 1)


def test_a_declared_room_that_is_new_does_not_end_in_punctuation() -> None:
    """The start is refused by the key's name; one that is there stays."""
    tea = RoomName("tea.")
    config = declared(PermanentRoom(name=LOBBY), PermanentRoom(name=tea))
    chat = restored(config, room(LOBBY))
    with pytest.raises(ConfigError) as error:
        declare(chat, config, lambda: NEW)
    assert str(error.value) == (
        'rooms.permanent[1].name: "tea.": a new name does not end in punctuation'
    )
    chat = restored(config, room(LOBBY), room(tea))
    assert declare(chat, config, lambda: NEW) == []
    assert chat.durable.rooms[tea].declared


def test_a_declared_topic_is_kept_as_declared() -> None:
    """A topic that was changed in the file is written; one that was not is left."""
    config = declared(
        PermanentRoom(name=LOBBY, topic="new"), PermanentRoom(name=DEN, topic="tea")
    )
    chat = restored(config, room(LOBBY, "old"), room(DEN, "tea"))
    assert declare(chat, config, lambda: NEW) == [
        d.DeclareRoom(LOBBY, RoomSettings(topic="new"))
    ]
    assert chat.durable.rooms[LOBBY].settings.topic == "new"
    assert chat.durable.rooms[DEN].declared


async def test_rooms_are_declared_once_for_all_starts() -> None:
    """A second start finds what the first has written, and the epoch stays."""
    store = MemoryStore()
    epochs = []
    for filled in (True, False):
        async with running(store, filled=filled) as rig:
            epochs.append(rig.hub.machine.chat.durable.rooms[LOBBY].epoch)
    assert epochs[0] == epochs[1]
    (row,) = await store.rooms([LOBBY])
    assert (row.epoch, row.settings.topic) == (epochs[0], "Say hello")


class Raced(MemoryStore):
    """A store in which another node makes a room when it was found missing."""

    async def rooms(self, names: Sequence[RoomName]) -> list[RoomRow]:
        """Read, and then have the room be there."""
        found = await super().rooms(names)
        if not found:
            made = d.CreateRoom(LOBBY, NEW, RoomSettings(), {}, skeleton="lobby")
            await self.commit([made], T0, T0)
        return found


async def test_a_declared_room_that_another_node_makes_first_is_that_one() -> None:
    """With its epoch: with one of his own nobody could ever join it."""
    store = Raced()
    async with running(store, filled=False) as rig:
        room = rig.hub.machine.chat.durable.rooms[LOBBY]
        assert room.epoch == NEW
        (row,) = await store.rooms([LOBBY])
        assert (row.epoch, row.settings) == (NEW, room.settings)


def test_a_declared_name_that_a_room_had_is_told_with_its_place() -> None:
    """It leads to that room, so no other one can be made of it."""
    config = declared(PermanentRoom(name=LOBBY))
    row = room(DEN)
    row.was = [LOBBY]
    chat = restored(config, row)
    with pytest.raises(ConfigError) as error:
        declare(chat, config, lambda: NEW)
    assert str(error.value) == (
        'rooms.permanent[0].name: "lobby": it leads to den, which was called so'
    )
