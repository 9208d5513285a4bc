"""What the operator does at one node is done at all."""

from __future__ import annotations

from typing import Any

from chatd.enums import Audited
from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName, UserName
from chatd.wire.kinds import PublicRoom, Text
from chatd.wire.operator import Announce, Announced, Audit, Disconnect, Disconnected
from chatd.wire.place import Announcement
from chatd.wire.rooms import Rename
from tests.core.cluster.neighbours import Nodes
from tests.core.harness import ANN, BOB, Peer

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


def test_all_connections_of_a_user_end_on_all_nodes() -> None:
    """How many these are is known of this one."""
    nodes, operator, ann, there, bob = scene()
    assert nodes.ask(operator, Disconnect(user=ANN)) == [Disconnected(1, nodes=1)]
    assert (ann.ending, there.ending) == (Ending.KICKED, None)
    nodes.deliver_all()
    assert there.ending is Ending.KICKED
    assert bob.ending is operator.ending is None


def test_somebody_who_is_on_another_node_alone_is_reached() -> None:
    """Also where his node has nobody in memory with him; it is in the audit once."""
    nodes, operator, _, _, bob = scene()
    cy = nodes.user(1, "cy")
    nodes.settle()
    for name in (BOB, UserName("cy")):
        assert name not in nodes[0].chat.durable.users
        assert nodes.ask(operator, Disconnect(user=name)) == [Disconnected(0, nodes=1)]
    nodes.deliver_all()
    assert bob.ending is cy.ending is Ending.KICKED
    (page,) = operator.ask(Audit())
    assert [(one.what, one.user) for one in page.entries] == [
        (Audited.DISCONNECT, UserName("cy")),
        (Audited.DISCONNECT, BOB),
    ]


def test_who_does_not_exist_is_ended_nowhere() -> None:
    """Nor is a connection of another node: each has numbers of its own."""
    nodes, operator, ann, *_ = scene()
    for nobody in (Disconnect(user=UserName("zoe")), Disconnect(ConnectionId(99))):
        assert nodes.ask(operator, nobody) == [Disconnected(0)]
    assert nodes.ask(operator, Disconnect(ann.id)) == [Disconnected(1)]
    assert nodes.sent == []
