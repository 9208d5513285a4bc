from __future__ import annotations

from typing import Any

from chatd.config import Config, Rooms
from chatd.config.limits import Limits
from chatd.config.sections import Presence as PresenceSection
from chatd.core import inputs
from chatd.core.cluster.messages import ReadTold, TypingTold
from chatd.ids import NodeId, RoomName, Seq
from chatd.wire import events
from chatd.wire.ephemeral import Read, Typing
from chatd.wire.kinds import Text
from chatd.wire.moderation import Kick, Mute
from chatd.wire.rooms import Leave
from chatd.wire.timeline import Send
from chatd.wire.users import Block
from tests.core.cluster.neighbours import Nodes
from tests.core.harness import ANN, BOB, CY

CONFIG = Config(
    rooms=Rooms(read_receipts=True),
    limits=Limits(messages_per_s=0),
    presence=PresenceSection(names_max=3),
)
TEAM = RoomName("team")
DIRECT = RoomName("@ann,bob")


def of_kind(peer: Any, kind: type) -> list[Any]:
    """The frames of one kind that a connection got."""
    return [frame for frame in peer.take() if isinstance(frame, kind)]


def scene(config: Config = CONFIG) -> tuple[Nodes, Any, Any]:
    """Ann owns the team on one node, bob is in it on another; three messages."""
    nodes = Nodes(2, config)
    ann, bob = nodes.user(0, "ann", TEAM), nodes.user(1, "bob", TEAM)
    nodes.settle()
    for _ in range(3):
        nodes.ask(ann, Send(Text("hi"), TEAM))
    ann.take()
    bob.take()
    return nodes, ann, bob


def test_typing_is_shown_on_all_nodes_and_not_to_oneself() -> None:
    """Its end as well."""
    nodes, ann, bob = scene()
    own = nodes.user(0, "bob", TEAM)
    nodes.settle()
    ann.take()
    own.take()
    for on, seconds in ((True, 6), (False, 0)):
        nodes.ask(bob, Typing(TEAM, on=on))
        nodes.deliver_all()
        shown = [events.Typing(TEAM, BOB, seconds)]
        assert of_kind(ann, events.Typing) == shown
        assert of_kind(own, events.Typing) == of_kind(bob, events.Typing) == []


def test_nothing_is_told_where_nobody_is_on_another_node() -> None:
    """Neither typing nor a read mark."""
    nodes = Nodes(2, CONFIG)
    ann = nodes.user(0, "ann", TEAM)
    nodes.settle()
    nodes.ask(ann, Send(Text("hi"), TEAM))
    nodes.ask(ann, Typing(TEAM))
    nodes.ask(ann, Read(TEAM, Seq(1), back=True))
    assert nodes.sent == []


def test_typing_of_who_may_not_be_seen_writing_is_not_shown() -> None:
    """Of a muted one, of none that is a member, in a large room, of a room not here."""
    nodes, ann, _ = scene()
    epoch = nodes[0].chat.durable.rooms[TEAM].epoch

    def shown(user: Any, of: Any = epoch) -> list[Any]:
        nodes[0].handle(inputs.Told(NodeId(2), TypingTold(of, user, on=True)))
        return of_kind(ann, events.Typing)

    assert shown(BOB)
    assert shown(CY) == []
    assert shown(BOB, nodes[0].new_epoch()) == []
    nodes.ask(ann, Mute(TEAM, BOB))
    assert shown(BOB) == []
    nodes.ask(ann, Kick(TEAM, BOB))
    assert shown(BOB) == []
    nodes, ann, _ = scene(Config(presence=PresenceSection(names_max=1)))
    epoch = nodes[0].chat.durable.rooms[TEAM].epoch
    assert shown(BOB, epoch) == []


def test_typing_in_a_conversation_is_not_shown_to_who_blocks() -> None:
    """Though he is on another node."""
    nodes, ann, bob = scene()
    nodes.ask(ann, Send(Text("hi"), to=BOB))
    nodes.settle()
    ann.take()
    nodes.ask(bob, Typing(DIRECT))
    nodes.deliver_all()
    assert len(of_kind(ann, events.Typing)) == 1
    nodes.ask(ann, Block(BOB))
    nodes.ask(bob, Typing(DIRECT))
    nodes.deliver_all()
    assert of_kind(ann, events.Typing) == []


def test_a_read_mark_reaches_ones_devices_and_others_on_all_nodes() -> None:
    """Also back, which others are not told; only one node writes it."""
    nodes, ann, bob = scene()
    own = nodes.user(0, "bob", TEAM)
    nodes.settle()
    nodes.wait(5)
    nodes[0].settle()
    nodes[1].settle()
    ann.take()
    own.take()
    for back in (False, True):
        nodes.ask(bob, Read(TEAM, Seq(5 - 2 * back), back=back))
        nodes.deliver_all()
        mark = events.ReadMark(TEAM, BOB, Seq(5 - 2 * back), back=back)
        assert of_kind(own, events.ReadMark) == [mark]
        assert of_kind(ann, events.ReadMark) == ([] if back else [mark])
        rooms = [node.chat.durable.rooms[TEAM] for node in nodes.nodes.values()]
        assert [room.members[BOB].read for room in rooms] == [mark.seq] * 2
        assert [bool(node.chat.live.reads) for node in nodes.nodes.values()] == [
            False,
            True,
        ]
        # What comes twice is nothing, but for one that goes back.
        told = ReadTold(rooms[0].epoch, BOB, mark.seq, back)
        nodes[0].handle(inputs.Told(NodeId(2), told))
        assert len(of_kind(own, events.ReadMark)) == back


def test_what_is_to_be_written_of_a_mark_is_what_was_said_last() -> None:
    """Whichever of one's devices has said it, on whichever node."""
    nodes, _, bob = scene()
    own = nodes.user(0, "bob", TEAM)
    nodes.settle()
    nodes.ask(own, Read(TEAM, Seq(5)))
    nodes.deliver_all()
    nodes.ask(bob, Read(TEAM, Seq(3), back=True))
    nodes.deliver_all()
    marks = [node.chat.live.reads[TEAM, BOB] for node in nodes.nodes.values()]
    assert marks == [3, 3]


def test_a_mark_of_somebody_else_is_nothing() -> None:
    """Of who is no member, and of a room that is not here."""
    nodes, ann, _ = scene()
    epoch = nodes[0].chat.durable.rooms[TEAM].epoch
    for of, user in ((epoch, CY), (nodes[0].new_epoch(), BOB)):
        nodes[0].handle(inputs.Told(NodeId(2), ReadTold(of, user, Seq(3))))
    assert of_kind(ann, events.ReadMark) == []


def test_the_mark_of_a_sender_is_written_where_he_is() -> None:
    """Not by all nodes that have the room in memory."""
    nodes, ann, _ = scene()
    for node in nodes.nodes.values():
        node.wait(5)
        node.settle()
    nodes.ask(ann, Send(Text("hi"), TEAM))
    reads = [dict(node.chat.live.reads) for node in nodes.nodes.values()]
    assert reads == [{(TEAM, ANN): 6}, {}]
    rooms = [node.chat.durable.rooms[TEAM] for node in nodes.nodes.values()]
    assert [room.members[ANN].read for room in rooms] == [6, 6]


def test_nothing_is_taken_from_a_node_that_is_not_there() -> None:
    """It may have been on its way when the node died."""
    nodes, ann, _ = scene()
    epoch = nodes[0].chat.durable.rooms[TEAM].epoch
    nodes[0].handle(inputs.Told(NodeId(9), TypingTold(epoch, BOB, on=True)))
    assert of_kind(ann, events.Typing) == []


def test_a_mark_is_told_once_more_when_it_is_written() -> None:
    """A room may be in memory on a node where nobody is in it, with an older mark."""
    nodes, _, bob = scene()
    bob.close()
    nodes.settle()
    here = nodes.user(0, "bob", TEAM)
    nodes.settle()
    nodes.ask(here, Read(TEAM, Seq(5)))
    nodes.wait(5)
    nodes[0].settle()
    nodes.settle()
    assert nodes[1].chat.durable.rooms[TEAM].members[BOB].read == 5


def test_a_mark_that_is_not_so_any_more_is_not_told_when_it_is_written() -> None:
    """Its user has left meanwhile, or has read further: then that is written later."""
    nodes, _, bob = scene()
    nodes.ask(bob, Read(TEAM, Seq(3)))
    nodes.wait(5)
    nodes.ask(bob, Read(TEAM, Seq(4)))
    nodes[1].published.clear()
    nodes[1].settle()
    assert not nodes[1].published
    nodes.wait(5)
    nodes.ask(bob, Leave(TEAM))
    nodes[1].published.clear()
    nodes[1].settle()
    assert not [one for one in nodes[1].published if isinstance(one.message, ReadTold)]
