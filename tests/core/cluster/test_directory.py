"""What one node can say of the public rooms, and what it cannot."""

from __future__ import annotations

from chatd.ids import RoomName
from chatd.wire.rooms import Rooms, RoomShown, RoomsPage
from tests.core.cluster.neighbours import Nodes
from tests.core.harness import LOBBY

TEAM = RoomName("team")


def test_how_many_are_in_a_room_is_told_where_it_is_known() -> None:
    """Nobody here is in the team, whose people another node has."""
    nodes = Nodes(1)
    nodes.user(0, "bob", LOBBY, TEAM)
    nodes.settle()
    here = nodes.start()
    nodes.see()
    ann = nodes.user(1, "ann", LOBBY)
    nodes.settle()
    assert TEAM not in here.chat.durable.rooms
    ann.take()
    lobby, team = RoomShown(LOBBY, 2, 2, "Say hello"), RoomShown(TEAM, None, 1)
    assert nodes.ask(ann, Rooms()) == [RoomsPage([lobby, team])]
    # When the other node has gone, so have its people.
    nodes.kill(0)
    nodes.see()
    nodes.settle()
    ann.take()
    lobby, team = RoomShown(LOBBY, 1, 2, "Say hello"), RoomShown(TEAM, 0, 1)
    assert nodes.ask(ann, Rooms()) == [RoomsPage([lobby, team])]
