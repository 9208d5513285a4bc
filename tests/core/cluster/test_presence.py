from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.sections import Presence as PresenceSection
from chatd.core import inputs
from chatd.core.changes import MemberSet
from chatd.core.cluster import presence
from chatd.core.cluster.codec import encode_message
from chatd.core.cluster.messages import Person, PresenceAsked, PresenceTold
from chatd.core.cluster.presence import PEOPLE_MAX
from chatd.core.entities import Membership, User
from chatd.enums import AccountRole, Role, State
from chatd.ids import (
    DISPLAY_CHARS_MAX,
    NAME_CHARS_MAX,
    Epoch,
    NodeId,
    RoomName,
    Seq,
    UserName,
)
from chatd.wire.ephemeral import Status
from chatd.wire.events import Presence, UserShown
from chatd.wire.kinds import Display, StatusText
from chatd.wire.moderation import Mute, Unmute
from chatd.wire.rooms import Join, Leave, Who
from chatd.wire.users import Profile
from tests.core.cluster.neighbours import Nodes
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness

ANN_SHOWN, BOB_SHOWN, CY_SHOWN = (
    UserShown(name, None, State.ONLINE) for name in (ANN, BOB, CY)
)
AWAY = State.AWAY
TEAM = RoomName("team")


def told(peer: Any) -> list[Any]:
    """The presence frames that a connection got."""
    return [frame for frame in peer.take() if isinstance(frame, Presence)]


def of_presence(nodes: Nodes) -> list[PresenceTold]:
    """What nodes tell of presence, that is on its way."""
    found = [one.message for one in nodes.sent]
    return [one for one in found if isinstance(one, PresenceTold)]


# --- the union ------------------------------------------------------------------


def test_who_is_on_another_node_is_shown_by_the_same_frames() -> None:
    """Join, away, back, a new display name and leave, with the number of all."""
    nodes = Nodes()
    ann, bob = nodes.user(0, "ann", LOBBY), nodes.user(1, "bob", LOBBY)
    nodes.settle()
    assert told(ann)[-1] == Presence(LOBBY, 2, join=[BOB_SHOWN])
    frames = []
    for command in (
        Status(AWAY, StatusText("lunch")),
        Status(State.ONLINE),
        Profile(Display("Bob B.")),
        Leave(LOBBY),
    ):
        nodes.ask(bob, command)
        nodes.settle()
        frames += told(ann)
    assert frames == [
        Presence(LOBBY, 2, away=[UserShown(BOB, text="lunch")]),
        Presence(LOBBY, 2, back=[BOB]),
        Presence(LOBBY, 2, join=[UserShown(BOB, "Bob B.", State.ONLINE)]),
        Presence(LOBBY, 1, leave=[BOB]),
    ]


def test_two_devices_on_two_nodes_are_one_person() -> None:
    """Who comes by a second node is told to nobody; he goes with the last."""
    nodes = Nodes()
    ann = nodes.user(0, "ann", LOBBY)
    one, other = nodes.user(0, "bob", LOBBY), nodes.user(1, "bob")
    nodes.settle()
    assert [frame.online for frame in told(ann)][-1] == 2
    one.close()
    nodes.wait(20)
    nodes.settle()
    assert told(ann) == []
    other.close()
    nodes.wait(20)
    nodes.settle()
    assert told(ann) == [Presence(LOBBY, 1, leave=[BOB])]


def test_somebody_is_away_when_he_is_on_all_nodes() -> None:
    """And with one text on all of them, whichever node is asked."""
    nodes = Nodes(3)
    ann = nodes.user(0, "ann", LOBBY)
    devices = [nodes.user(number, "bob", LOBBY) for number in range(3)]
    nodes.settle()
    ann.take()
    for device, text in zip(devices, ("here", "there", ""), strict=True):
        assert told(ann) == []
        nodes.ask(device, Status(AWAY, StatusText(text)))
        nodes.settle()
    assert told(ann) == [Presence(LOBBY, 2, away=[UserShown(BOB, text="there")])]
    shown = nodes.everybody(LOBBY)
    assert shown[0] == shown[1] == shown[2]
    nodes.ask(devices[2], Status(State.ONLINE))
    nodes.settle()
    assert told(ann) == [Presence(LOBBY, 2, back=[BOB])]


def test_who_drops_keeps_his_place_for_the_grace_on_any_node() -> None:
    """Whoever comes back by another node in time was never gone."""
    nodes = Nodes()
    ann, bob = nodes.user(0, "ann", LOBBY), nodes.user(1, "bob", LOBBY)
    nodes.settle()
    ann.take()
    bob.close()
    nodes.wait(5)
    nodes.user(0, "bob")
    nodes.wait(20)
    nodes.settle()
    assert told(ann) == []
    assert set(nodes.everybody(LOBBY)[0]) == {ANN, BOB}


def test_who_is_listed_by_who_comes_from_all_nodes() -> None:
    """With status and display, though the asked node does not know him."""
    nodes = Nodes()
    ann = nodes.user(0, "ann", LOBBY)
    bob, ada = nodes.user(1, "bob", LOBBY), nodes.user(1, "ada", LOBBY)
    nodes.ask(bob, Status(AWAY, StatusText("lunch")))
    nodes.settle()
    assert BOB not in nodes[0].chat.durable.users
    ann.take()
    shown = [
        UserShown(ADA, "Ada", State.ONLINE),
        ANN_SHOWN,
        UserShown(BOB, None, AWAY, "lunch"),
    ]
    (page,) = nodes.ask(ann, Who(LOBBY))
    assert page.users == shown
    ada.close()
    nodes.wait(20)
    nodes.settle()
    ann.take()
    (page,) = nodes.ask(ann, Who(LOBBY, all=True))
    assert page.users[0] == UserShown(ADA, "Ada", State.OFFLINE)


def test_a_mute_hides_what_somebody_says_of_himself_on_all_nodes() -> None:
    """Each node knows of it by the event; nothing is told for it."""
    nodes = Nodes()
    ann = nodes.user(0, "ann", TEAM)
    bob = nodes.user(1, "bob", TEAM)
    nodes.ask(bob, Profile(Display("Bob B.")))
    nodes.settle()
    ann.take()
    nodes.ask(ann, Mute(TEAM, BOB))
    nodes.wait(1)
    assert of_presence(nodes) == []
    assert told(ann) == [Presence(TEAM, 2, join=[BOB_SHOWN])]
    (page,) = nodes.ask(ann, Who(TEAM, all=True))
    assert page.users[1] == BOB_SHOWN
    # What he says now is told and not shown; when he is heard again, it is known.
    nodes.ask(bob, Status(AWAY, StatusText("noise")))
    nodes.settle()
    assert told(ann) == [Presence(TEAM, 2, away=[UserShown(BOB)])]
    nodes.ask(bob, Status(AWAY, StatusText("more noise")))
    nodes.settle()
    assert told(ann) == []
    nodes.ask(ann, Unmute(TEAM, BOB))
    nodes.settle()
    entry = UserShown(BOB, "Bob B.", AWAY, "more noise")
    assert told(ann) == [Presence(TEAM, 2, join=[entry])]


def test_above_names_max_the_number_counts_all_nodes() -> None:
    """And names come when they are fewer, also of those on other nodes."""
    nodes = Nodes(2, Config(presence=PresenceSection(names_max=2, grace_s=0)))
    ann = nodes.user(0, "ann", LOBBY)
    bob, cy = nodes.user(1, "bob", LOBBY), nodes.user(1, "cy", LOBBY)
    nodes.settle()
    assert told(ann)[-1] == Presence(LOBBY, 3)
    cy.close()
    nodes.settle()
    assert told(ann) == [Presence(LOBBY, 2, users=[ANN_SHOWN, BOB_SHOWN])]
    assert bob.ending is None


# --- what is told ------------------------------------------------------------------


def test_a_tick_is_one_message_with_what_has_changed() -> None:
    """However many have come and gone; nothing where nothing has."""
    nodes = Nodes()
    nodes.user(0, "ann", LOBBY)
    bob, cy = nodes.user(1, "bob", LOBBY), nodes.user(1, "cy", LOBBY)
    nodes.settle()
    nodes.user(1, "ada", LOBBY)
    nodes.ask(bob, Leave(LOBBY))
    nodes.ask(cy, Status(AWAY))
    guest = nodes[1].guest(LOBBY)
    nodes.ask(guest, Leave(LOBBY))
    nodes.collect()
    assert nodes.sent == []
    nodes.wait(1)
    (message,) = of_presence(nodes)
    assert message.people == (Person(ADA, "Ada"), Person(CY, away=True))
    assert message.gone == (BOB,)
    nodes.settle()
    nodes.ask(cy, Status(State.ONLINE))
    nodes.ask(cy, Status(AWAY))
    nodes.wait(60)
    assert nodes.sent == []


def test_a_node_tells_nothing_of_a_room_in_which_nobody_of_its_own_is() -> None:
    """Though it shows who is there on others, and is asked by them."""
    nodes = Nodes()
    nodes.user(0, "ann", LOBBY)
    nodes.settle()
    assert list(nodes.everybody(LOBBY)[1]) == [ANN]
    room = nodes[1].chat.durable.rooms[LOBBY]
    nodes[1].handle(inputs.Told(NodeId(1), PresenceAsked(room.epoch)))
    nodes[1].wait(60)
    assert nodes[1].published == []


def test_a_single_node_tells_nothing() -> None:
    """Nothing is kept for others, either."""
    harness = Harness()
    harness.user("ann", LOBBY)
    harness.wait(60)
    assert harness.published == []
    assert harness.chat.durable.rooms[LOBBY].neighbours is None


def bytes_of(message: PresenceTold) -> int:
    """How much is published of a message."""
    return len(encode_message(NodeId(1), message))


def test_what_people_say_of_themselves_does_not_make_a_message_too_long() -> None:
    """A bus carries up to a MiB."""
    said = [chr(0x1F600) * length for length in (DISPLAY_CHARS_MAX, 128)]
    name = UserName("x" * NAME_CHARS_MAX)
    people = (Person(name, said[0], away=True, text=said[1]),) * PEOPLE_MAX
    message = PresenceTold(Epoch("f" * 16), 10**12, 10**12, people)
    assert bytes_of(message) < 1 << 19


def crowd(harness: Harness, count: int, *, here: bool) -> list[UserName]:
    """Have many be in the lobby, and maybe on this node; nobody checks it from here."""
    harness.checked = False
    durable = harness.chat.durable
    room, names = durable.rooms[LOBBY], [UserName(f"user{n:05}") for n in range(count)]
    for name in names:
        durable.put_member(room, name, Membership(Role.MEMBER, Seq(0)))
        if here:
            user = durable.add_user(User(name, name, AccountRole.USER))
            user.online, room.online[name] = True, None
    return names


def test_ten_thousand_are_told_in_messages_of_a_bounded_size() -> None:
    """And taken as one; afterwards a tick has only those who have changed."""
    nodes = Nodes()
    one, other = nodes[0], nodes[1]
    names = crowd(one, 10_000, here=True)
    crowd(other, 10_000, here=False)
    ann = nodes.user(1, "ann", LOBBY)
    nodes.settle()
    room, there = (n.chat.durable.rooms[LOBBY] for n in (one, other))
    assert set(room.online) == set(there.online) == {ANN, *names}
    one.handle(inputs.Told(NodeId(2), PresenceAsked(room.epoch)))
    nodes.wait(1)
    assert [len(message.people) for message in of_presence(nodes)] == [500] * 20
    assert sum(map(bytes_of, of_presence(nodes))) < 25 * 10_000
    # The half of it is nothing yet, and one that is lost is asked for.
    ann.take()
    nodes.deliver()
    lost = nodes.sent.pop()
    nodes.deliver_all()
    other.wait(1)
    assert lost.message.number == room.neighbours.told  # type: ignore[union-attr]
    assert told(ann) == []
    user = one.chat.durable.users[names[7]]
    one.chat.durable.set_display(user, "Seven")
    one.chat.live.show_change(user, UserShown(user.name), one.now.mono)
    nodes.wait(1)
    (message,) = of_presence(nodes)
    assert message.people == (Person(names[7], "Seven"),)
    assert bytes_of(message) < 200
    nodes.settle()
    assert there.neighbours is not None
    assert there.neighbours.there[NodeId(1)].number == room.neighbours.told  # type: ignore[union-attr]
    assert len(there.online) == 10_001


# --- what is lost, late or from nobody ----------------------------------------------


def test_a_hole_asks_for_all() -> None:
    """What came before it stays until the answer comes."""
    nodes = Nodes()
    ann, bob = nodes.user(0, "ann", LOBBY), nodes.user(1, "bob", LOBBY)
    nodes.settle()
    nodes.user(1, "cy", LOBBY)
    nodes.wait(1)
    (lost,) = of_presence(nodes)
    nodes.sent.clear()
    nodes.ask(bob, Status(AWAY))
    nodes.wait(1)
    nodes.deliver_all()
    assert set(nodes.everybody(LOBBY)[0]) == {ANN, BOB}
    nodes.wait(0.1)
    (whole,) = of_presence(nodes)
    assert whole.before is None
    assert {one.name for one in whole.people} == {BOB, CY}
    nodes.settle()
    shown = nodes.everybody(LOBBY)
    assert (
        shown[0]
        == shown[1]
        == {
            ANN: ANN_SHOWN,
            BOB: UserShown(BOB, None, AWAY),
            CY: CY_SHOWN,
        }
    )
    # What was late is nothing any more; so is what comes twice.
    ann.take()
    for message in (lost, whole):
        nodes[0].handle(inputs.Told(NodeId(2), message))
    nodes.settle()
    assert told(ann) == []


def test_a_room_that_is_new_in_memory_asks_who_is_there() -> None:
    """Whoever joins it here is shown all of them with the next tick."""
    nodes = Nodes()
    nodes.user(0, "ann", TEAM)
    nodes.settle()
    nodes[1].wait(200)
    assert TEAM not in nodes[1].chat.durable.rooms
    nodes.confirm()
    bob = nodes.user(1, "bob", TEAM)
    assert PresenceAsked(nodes[1].chat.durable.rooms[TEAM].epoch) in [
        one.message for one in nodes.sent
    ]
    nodes.settle()
    assert told(bob)[-1] == Presence(TEAM, 2, join=[ANN_SHOWN])


def test_who_is_here_before_his_room_is_in_memory_is_shown_there() -> None:
    """He was put into it by what he has done on another node."""
    nodes = Nodes()
    ann = nodes.user(0, "ann", TEAM)
    nodes.settle()
    nodes[1].wait(200)
    nodes.collect()
    here = nodes.user(1, "bob")
    nodes.user(0, "bob", TEAM).close()
    nodes.ask(
        here, Join(TEAM, since=Seq(0), epoch=nodes[0].chat.durable.rooms[TEAM].epoch)
    )
    nodes.settle()
    ann.take()
    nodes.wait(20)
    nodes.settle()
    assert told(ann) == []
    assert set(nodes.everybody(TEAM)[0]) == set(nodes.everybody(TEAM)[1]) == {ANN, BOB}


def test_people_of_a_node_that_has_gone_go_with_the_next_tick() -> None:
    """Who is on another one as well stays; what is on its way is nothing."""
    nodes = Nodes(3)
    ann = nodes.user(0, "ann", LOBBY)
    nodes.user(1, "bob", LOBBY)
    nodes.user(2, "bob")
    cy = nodes.user(2, "cy", LOBBY)
    nodes.settle()
    ann.take()
    nodes.ask(cy, Status(AWAY))
    nodes.wait(1)
    nodes.kill(2)
    assert nodes.sent
    nodes.see()
    nodes.settle()
    assert told(ann) == [Presence(LOBBY, 2, leave=[CY])]


def test_nothing_of_a_node_that_was_not_seen_is_taken_until_it_is() -> None:
    """Then it is asked for what it has told already."""
    nodes = Nodes()
    nodes.user(0, "ann", LOBBY)
    nodes.settle()
    nodes.start()
    bob = nodes[2].user("bob", LOBBY)
    nodes.settle()
    assert list(nodes.everybody(LOBBY)[0]) == [ANN]
    assert list(nodes.everybody(LOBBY)[2]) == [BOB]
    nodes.see()
    nodes.settle()
    shown = nodes.everybody(LOBBY)
    assert set(shown[0]) == {ANN, BOB}
    assert shown[0] == shown[1] == shown[2]
    assert bob.ending is None


def test_what_was_lost_unseen_is_doubted_and_asked_for() -> None:
    """A node that was deaf asks all; of one that was, it is asked by the others."""
    for deaf in (None, NodeId(2)):
        nodes = Nodes()
        ann, bob = nodes.user(0, "ann", LOBBY), nodes.user(1, "bob", LOBBY)
        nodes.settle()
        nodes.user(1, "cy", LOBBY)
        nodes.ask(bob, Status(AWAY))
        nodes.wait(1)
        nodes.sent.clear()
        ann.take()
        nodes[0].handle(inputs.Missed(deaf))
        nodes.settle()
        away = UserShown(BOB)
        assert told(ann) == [Presence(LOBBY, 3, join=[CY_SHOWN], away=[away])]
        nodes.settle()
        assert told(ann) == []


def test_all_rooms_are_looked_over_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that a bus that comes back keeps nobody from his messages; those that were
    not reached before it was away once more are first.
    """
    monkeypatch.setattr(presence, "UNSURE_ROOMS", 1)
    monkeypatch.setattr(presence, "UNSURE_S", 1.0)
    nodes = Nodes()
    nodes.user(0, "ann", LOBBY, TEAM)
    nodes.user(1, "bob", LOBBY, TEAM)
    nodes.settle()
    first, second = nodes[0].chat.durable.rooms.values()

    def asked_after(seconds: float) -> list[Epoch | None]:
        nodes[0].wait(seconds)
        nodes.collect()
        found = [one.message for one in nodes.sent]
        nodes.sent.clear()
        return [one.room for one in found if isinstance(one, PresenceAsked)]

    def doubted() -> list[bool]:
        them = [room.neighbours for room in (first, second)]
        return [one.there[NodeId(2)].until is not None for one in them if one]

    nodes[0].handle(inputs.Missed(None))
    assert doubted() == [True, False]
    assert asked_after(0.01) == [first.epoch]
    nodes[0].handle(inputs.Missed(None))
    assert doubted() == [True, True]
    assert asked_after(0.01) == [second.epoch]
    assert asked_after(1.5) == []  # this node and the other one have it
    assert asked_after(2) == [first.epoch]
    assert asked_after(10) == []


def test_a_room_that_has_gone_is_not_looked_over() -> None:
    """It was let go of before its turn came."""
    nodes = Nodes()
    nodes.user(0, "ann", LOBBY)
    nodes.settle()
    live = nodes[0].chat.live
    live.unsure.append(nodes[0].new_epoch())
    nodes[0].handle(inputs.Missed(None))
    assert live.unsure == []
    nodes.settle()
    assert list(nodes.everybody(LOBBY)[0]) == [ANN]


def test_of_a_room_of_which_nobody_has_told_nothing_is_doubted() -> None:
    """There is nothing of it that could be wrong."""
    nodes = Nodes()
    nodes.user(0, "ann", LOBBY)
    nodes.settle()
    room = nodes[0].chat.durable.rooms[LOBBY]
    room.neighbours = None
    nodes[0].handle(inputs.Missed(NodeId(2)))
    assert room.neighbours is None


def test_who_is_shown_already_does_not_enter_once_more() -> None:
    """Nobody is told anything of it."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.wait(2)
    ann.take()
    harness.chat.live.note_entered(harness.chat.durable.rooms[LOBBY], ANN, 0.0)
    harness.wait(2)
    assert told(ann) == []


def test_who_is_not_told_again_after_a_doubt_is_gone() -> None:
    """Though his node has let go of the room since, and says nothing of it."""
    nodes = Nodes()
    ann, bob = nodes.user(0, "ann", TEAM), nodes.user(1, "bob", TEAM)
    nodes.settle()
    bob.close()
    nodes[1].wait(300)
    nodes[0].wait(300)
    nodes[1].published.clear()
    nodes[0].published.clear()
    assert TEAM not in nodes[1].chat.durable.rooms
    assert set(nodes.everybody(TEAM)[0]) == {ANN, BOB}
    ann.take()
    nodes[0].handle(inputs.Missed(None))
    nodes.settle()
    assert told(ann) == [Presence(TEAM, 1, leave=[BOB])]
    # When it is in memory there again, its numbers go on: nothing is taken for old.
    nodes.user(1, "bob")
    nodes.settle()
    assert set(nodes.everybody(TEAM)[0]) == {ANN, BOB}


def test_who_is_told_before_he_is_a_member_is_shown_when_he_is() -> None:
    """And no longer when he is none any more, whatever is told later."""
    nodes = Nodes()
    ann = nodes.user(0, "ann", LOBBY)
    nodes.settle()
    ann.take()
    harness = nodes[0]
    room = harness.chat.durable.rooms[LOBBY]
    early = PresenceTold(room.epoch, 50, None, (Person(BOB),))
    harness.handle(inputs.Told(NodeId(2), early))
    harness.wait(1)
    assert told(ann) == []
    harness.apply(MemberSet(LOBBY, BOB, Role.MEMBER))
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 2, join=[BOB_SHOWN])]
    harness.apply(MemberSet(LOBBY, BOB, None))
    late = PresenceTold(room.epoch, 51, 50, (Person(BOB, away=True),))
    harness.handle(inputs.Told(NodeId(2), late))
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 1, leave=[BOB])]
    gone = PresenceTold(room.epoch, 52, 51, (), (BOB, CY))
    harness.handle(inputs.Told(NodeId(2), gone))
    harness.wait(1)
    assert told(ann) == []


def test_what_is_told_of_a_room_that_is_not_here_is_nothing() -> None:
    """Nor is anything asked for it."""
    nodes = Nodes()
    epoch = nodes[0].new_epoch()
    for message in (PresenceTold(epoch, 1, None, (Person(BOB),)), PresenceAsked(epoch)):
        nodes[0].handle(inputs.Told(NodeId(2), message))
    nodes[0].handle(inputs.Followed(["room:0", "user:ann"]))
    nodes[0].wait(60)
    assert nodes[0].published == []


def test_a_node_that_is_alone_asks_nobody() -> None:
    """Its bus is there for the first time, and what it follows is heard."""
    nodes = Nodes(1)
    nodes.user(0, "ann", TEAM)
    nodes[0].handle(inputs.Missed(None))
    nodes.wait(60)
    assert nodes.sent == []
    assert nodes[0].published == []


def test_a_question_to_another_node_is_not_answered() -> None:
    """A question to all is, by those who have somebody there."""
    nodes = Nodes(3)
    nodes.user(1, "bob", LOBBY)
    nodes.user(2, "cy", LOBBY)
    nodes.settle()
    epoch = nodes[0].chat.durable.rooms[LOBBY].epoch
    for question, answers in (
        (PresenceAsked(epoch, NodeId(2)), [NodeId(2)]),
        (PresenceAsked(of=NodeId(3)), [NodeId(3)]),
        (PresenceAsked(), [NodeId(2), NodeId(3)]),
    ):
        for harness in nodes.nodes.values():
            harness.handle(inputs.Told(NodeId(1), question))
        nodes.wait(1)
        assert sorted({one.source for one in nodes.sent}) == answers
        nodes.settle()
