"""What other nodes have to tell of is what is in memory here."""

from __future__ import annotations

from chatd.core.durable import DurableState
from chatd.core.entities import Room, User
from chatd.enums import AccountRole
from chatd.ids import Epoch, RoomName, Seq, UserName


def test_rooms_and_users_in_memory_are_followed() -> None:
    """Each by its stream, and no longer when it is let go of; told once."""
    durable = DurableState(streams={})
    room = Room(RoomName("lobby"), Epoch("0123456789abcdef"), Seq(0), Seq(1))
    user = User(UserName("ann"), "Ann", AccountRole.USER)
    durable.add_room(room)
    durable.add_user(user)
    durable.rename_room(room, RoomName("hall"))
    assert durable.take_streams() == {"room:0123456789abcdef": True, "user:ann": True}
    assert durable.take_streams() == {}
    durable.drop_room(room)
    durable.drop_user(user)
    assert durable.take_streams() == {"room:0123456789abcdef": False, "user:ann": False}


def test_where_there_is_one_node_nothing_is_followed() -> None:
    """And nothing is kept for it."""
    durable = DurableState()
    durable.add_user(User(UserName("ann"), "Ann", AccountRole.USER))
    assert durable.streams is None
