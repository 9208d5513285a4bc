"""What the operator does at one node is done at all."""

from __future__ import annotations

from typing import Any

from chatd.ids import RoomName
from chatd.wire.kinds import PublicRoom, Text
from chatd.wire.operator import Announce, Announced
from chatd.wire.place import Announcement
from chatd.wire.rooms import Rename
from tests.core.cluster.neighbours import Nodes
from tests.core.harness import Peer

TEAM, CREW = RoomName("team"), RoomName("crew")


def scene() -> tuple[Nodes, Peer, Peer, Peer, Peer]:
    """Two nodes; of the first the operator and ann, of the second ann and bob.

    Bob owns the team, where nobody of the first node is.
    """
    nodes = Nodes()
    operator: Any = nodes[0].open(is_operator=True)
    people = nodes.user(0, "ann"), nodes.user(1, "ann"), nodes.user(1, "bob", TEAM)
    nodes.settle()
    for one in people:
        one.take()
    return nodes, operator, *people


def test_an_announcement_reaches_everybody_on_all_nodes() -> None:
    """Each device once; he is told how many are here, and how many nodes tell more."""
    nodes, operator, ann, there, bob = scene()
    assert nodes.ask(operator, Announce(Text("tea"))) == [Announced(1, nodes=1)]
    assert bob.take() == []
    nodes.deliver_all()
    for one in (ann, there, bob):
        assert one.take() == [Announcement("tea")]


def test_an_announcement_in_a_room_reaches_who_is_online_there_on_any_node() -> None:
    """By the name that the room has on his node by then."""
    nodes, operator, ann, there, bob = scene()
    (said,) = nodes.ask(operator, Announce(Text("tea"), TEAM))
    assert said == Announced(0, nodes=1)
    nodes.ask(bob, Rename(TEAM, PublicRoom(CREW)))
    bob.take()
    nodes.deliver_all()
    assert bob.take() == [Announcement("tea", CREW)]
    assert ann.take() == there.take() == []


def test_an_announcement_in_a_room_that_nobody_has_there_is_nothing() -> None:
    """So it is on a node that does not have the room in memory."""
    nodes, operator, *_ = scene()
    third = nodes.start()
    nodes.see()
    nodes.deliver_all()
    cy = nodes.user(2, "cy")
    nodes.settle()
    cy.take()
    assert nodes.ask(operator, Announce(Text("tea"), TEAM)) == [Announced(0, nodes=2)]
    nodes.deliver_all()
    assert TEAM not in third.chat.durable.rooms
    assert cy.take() == []


def test_a_node_that_is_alone_tells_nobody_else() -> None:
    """There is nobody to be counted."""
    nodes = Nodes(1)
    operator: Any = nodes[0].open(is_operator=True)
    nodes.user(0, "ann")
    assert nodes.ask(operator, Announce(Text("tea"))) == [Announced(1)]
    assert nodes[0].published == []
    assert nodes.sent == []
