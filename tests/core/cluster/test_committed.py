"""What other nodes have committed: taken as what this one has, in its order."""

from __future__ import annotations

import attrs
import pytest

from chatd.core import effects, inputs
from chatd.core.agenda import Due
from chatd.core.changes import DisplaySet
from chatd.core.cluster.commits import Commit, Group
from chatd.core.cluster.order import HOLE_S
from chatd.core.drafts import Refused
from chatd.core.loading import RETRY_S
from chatd.core.retention import REVIEW_S
from chatd.enums import Level
from chatd.errors import Reject, RejectCode
from chatd.ids import NodeId, RoomName, Seq, Stamp, UserName
from chatd.wire.kinds import Display, KeepCount, PublicRoom, Text
from chatd.wire.moderation import Invite, Kick
from chatd.wire.rooms import Create, Destroy, Join, Leave, Notify, Rename, SetRoom
from chatd.wire.timeline import Send
from chatd.wire.users import Profile
from tests.core.cluster.shared import node_of
from tests.core.cluster.talk import DEN, TEAM, cluster_of, say, texts
from tests.core.harness import ANN, BOB, LOBBY
from tests.core.logins import secret_of

# --- in order ---------------------------------------------------------------------


def test_what_is_said_elsewhere_is_heard_here() -> None:
    """By the bus alone."""
    cluster, ann, bob = cluster_of()
    say(ann, "a")
    node_of(bob).hear()
    assert texts(bob.take()) == ["a"]
    assert cluster.stale == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_the_bus_may_reorder_and_double(order: tuple[int, ...]) -> None:
    """Everybody hears it in order, and once."""
    _, ann, bob = cluster_of()
    for text in ("a", "b", "c"):
        say(ann, text)
    node = node_of(bob)
    commits = list(node.bus)
    node.bus.clear()
    for place in (*order, *order):
        node.handle(inputs.Heard(commits[place]))
    assert texts(bob.take()) == ["a", "b", "c"]
    assert node.chat.live.agenda.keys(Due.HOLE) == set()


def test_what_was_lost_is_read_after_a_moment() -> None:
    """Not at once: it may be on its way."""
    _, ann, bob = cluster_of()
    say(ann, "a")
    say(ann, "b")
    node = node_of(bob)
    del node.bus[0]
    node.hear()
    assert texts(bob.take()) == []
    assert not node.catch_ups
    node.wait(HOLE_S)
    assert node.catch_ups
    node.wait(HOLE_S)  # it is asked for again, as long as it is missing
    assert len(node.catch_ups) == 2
    node.catch_up_now()
    assert texts(bob.take()) == ["a", "b"]


def test_an_own_event_comes_behind_what_was_said_elsewhere_before() -> None:
    """And so does its answer, and all that this node has written behind it."""
    cluster, ann, bob = cluster_of()
    say(ann, "a")
    bob.say(Send(Text("b"), TEAM))
    bob.say(Profile(Display("Bob")))
    bob.harness.commit()
    assert bob.take() == []
    cluster.settle()
    said = bob.take()
    assert [getattr(f, "text", f.type) for f in said if f.type != "presence"] == [
        *("a", "ok", "b", "ok")
    ]


def _partly(commit: Commit, *, known: bool) -> Commit:
    """A commit as it is read where it has changes that cannot be; or all of them."""
    groups = tuple(
        (index, attrs.evolve(g, changes=g.changes if known else (), is_whole=False))
        for index, g in commit.groups
    )
    return attrs.evolve(commit, groups=groups)


def test_what_a_newer_version_has_committed_is_passed_by() -> None:
    """It cannot be read; what comes behind it can."""
    _, ann, bob = cluster_of()
    say(ann, "a")
    say(ann, "b")
    node = node_of(bob)
    first, second = node.bus
    node.bus.clear()
    node.handle(inputs.Heard(_partly(first, known=False)))
    node.handle(inputs.Heard(second))
    assert texts(bob.take()) == ["b"]
    node.catch_up_now()


def test_of_what_a_newer_version_has_committed_the_rest_is_taken() -> None:
    """What was said with something that cannot be read is told all the same."""
    _, ann, bob = cluster_of()
    say(ann, "a")
    say(ann, "b")
    node = node_of(bob)
    first, second = node.bus
    node.bus.clear()
    node.handle(inputs.Heard(_partly(first, known=True)))
    node.handle(inputs.Heard(second))
    assert texts(bob.take()) == ["a", "b"]


def test_what_this_node_has_written_later_is_not_undone() -> None:
    """Of what has no seq the stamps say which was later."""
    cluster, ann, bob = cluster_of()
    other = node_of(bob).user("ann", TEAM)
    cluster.settle()
    ann.say(Profile(Display("first")))
    ann.harness.commit()
    other.say(Profile(Display("second")))
    other.harness.commit()
    cluster.settle()
    for node in cluster.nodes:
        assert node.chat.durable.users[ANN].display == "second"


def test_what_another_node_has_written_later_is_not_undone() -> None:
    """Though it was heard before the own outcome."""
    cluster, ann, bob = cluster_of()
    other = node_of(bob).user("ann", TEAM)
    cluster.settle()
    ann.say(Profile(Display("first")))
    node_of(ann).write(1)
    other.say(Profile(Display("second")))
    other.harness.commit()
    node_of(ann).hear()
    node_of(ann).tell()
    cluster.settle()
    for node in cluster.nodes:
        assert node.chat.durable.users[ANN].display == "second"
    assert ann.answers == ann.said


def test_a_group_without_a_room_comes_once() -> None:
    """It would undo what came later."""
    cluster, ann, bob = cluster_of()
    node = node_of(ann)
    group = Group((DisplaySet(ANN, "x"),))
    commit = Commit(NodeId(2), Stamp(90), ((0, group),))
    node.handle(inputs.Heard(commit))
    node.chat.durable.set_display(node.chat.durable.users[ANN], "y")
    node.handle(inputs.Heard(commit))
    assert node.chat.durable.users[ANN].display == "y"
    assert bob.ending is None
    assert cluster.stale == 0


# --- rooms that are not in memory -------------------------------------------------


def test_who_is_put_into_a_room_elsewhere_is_told_here() -> None:
    """By another of his devices; here the room was not in memory."""
    cluster, ann, bob = cluster_of()
    other = node_of(ann).user("bob")
    cluster.settle()
    other.take()
    bob.join(DEN)
    cluster.settle()
    assert [frame.type for frame in other.take()] == ["joined"]
    assert node_of(other).chat.durable.rooms[DEN].held == 1
    assert BOB in node_of(other).chat.durable.rooms[DEN].online
    assert ann.ending is None


def test_who_is_asked_in_elsewhere_is_told_here() -> None:
    """The room was not in memory."""
    cluster, ann, bob = cluster_of()
    (made,) = ann.ask(Create(private=True))
    ann.ask(Invite(made.room, BOB))
    cluster.settle()
    (told,) = [frame for frame in bob.take() if frame.type == "invited"]
    assert told.room == made.room
    assert BOB in node_of(bob).chat.durable.invites


def test_a_direct_conversation_begins_on_two_nodes() -> None:
    """The other one's device follows it from the first message on."""
    cluster, ann, bob = cluster_of()
    say_to = Send(Text("a"), to=BOB)
    ann.say(say_to)
    cluster.settle()
    assert texts(bob.take()) == ["a"]
    bob.say(Send(Text("b"), to=ANN))
    cluster.settle()
    assert texts(ann.take()) == ["a", "b"]


def test_what_happens_in_a_room_while_it_is_read_is_not_missed() -> None:
    """Nor is it read again for it, or it would never be there in a busy one."""
    cluster, ann, bob = cluster_of(3)
    third = cluster.nodes[2]
    cy = third.user("cy")
    cy.say(Join(TEAM))
    third.begin_read(0)
    say(ann, "a")
    say(ann, "b")
    ann.say(Notify(TEAM, Level.MENTIONS))
    ann.harness.commit()
    third.catch_ups.append(None)
    third.catch_up_now()
    third.catch_up_now(again=99)
    third.handle(third.read.pop())
    assert third.chat.durable.rooms[TEAM].head == 4
    assert third.chat.durable.rooms[TEAM].members[ANN].level is Level.MENTIONS
    cluster.settle()
    assert bob.ending is None


def test_a_hole_is_a_hole_still_when_something_else_was_read() -> None:
    """What waits in a room that is in memory is kept."""
    _, ann, bob = cluster_of()
    say(ann, "a")
    say(ann, "b")
    node = node_of(bob)
    del node.bus[0]
    node.hear()
    bob.say(Join(DEN, create=False))
    node.load()
    assert node.chat.live.order.held()
    node.catch_ups.append(None)
    node.catch_up_now()
    assert texts(bob.take()) == ["a", "b"]


def test_only_those_who_are_here_are_told_of_a_room_that_is_theirs() -> None:
    """Not who is in memory since somebody has named him."""
    cluster, ann, bob = cluster_of()
    cy, ada = (node_of(bob).user(name) for name in ("cy", "ada"))
    cy.join(DEN)
    cy.ask(Invite(DEN, UserName("ada")))
    other = node_of(ann).user("bob")
    ann.ask(Send(Text("a"), to=UserName("cy")))
    cluster.settle()
    assert not node_of(ann).chat.durable.users[UserName("cy")].whole
    other.take()
    bob.join(DEN)
    cluster.settle()
    assert "joined" in [frame.type for frame in other.take()]
    assert ada.ending is None


def test_what_happened_in_a_room_that_was_not_found_is_let_go_of() -> None:
    """Nothing is kept for a room that is not there."""
    cluster, ann, _ = cluster_of(3)
    third = cluster.nodes[2]
    cy = third.user("cy")
    cy.say(Join(DEN))
    third.begin_read(0)
    say(ann, "a")
    third.catch_ups.append(None)
    third.catch_up_now()
    assert third.chat.live.order.held()
    third.handle(third.read.pop())
    assert not third.chat.live.order.held()
    cluster.settle()


def test_a_room_that_cannot_be_read_now_is_read_later() -> None:
    """Somebody here is in it."""
    cluster, ann, bob = cluster_of()
    node_of(bob).user("cy", DEN)
    other = node_of(ann).user("bob")
    cluster.settle()
    other.take()
    bob.join(DEN)
    node = node_of(ann)
    node.catch_ups.append(None)
    node.catch_up_now()
    (fetch,) = node.look_ups
    node.look_ups.clear()
    assert isinstance(fetch, effects.Fetch)
    reject = Reject(RejectCode.UNAVAILABLE, "busy", retry_after_s=1.0)
    node.handle(inputs.Fetched(fetch.query, reject))
    assert DEN not in node.chat.durable.rooms
    cluster.wait(RETRY_S)
    assert BOB in node.chat.durable.rooms[DEN].members
    assert "joined" in [frame.type for frame in other.take()]


def test_rooms_end_and_are_renamed_elsewhere() -> None:
    """Who is in them is told."""
    cluster, ann, bob = cluster_of()
    ann.ask(Rename(TEAM, PublicRoom("attic")))
    cluster.settle()
    assert [frame.type for frame in bob.take()] == ["renamed", "rename"]
    ann.ask(Destroy(RoomName("attic")))
    cluster.settle()
    assert not node_of(bob).chat.live.order.held()
    assert [frame.type for frame in bob.take()] == ["destroy", "left"]
    assert not node_of(bob).chat.durable.rooms.keys() & {TEAM, "attic"}


def test_a_room_is_there_once_by_the_name_that_another_node_has_given_it() -> None:
    """Also where that is asked for before it was heard of."""
    cluster, ann, bob = cluster_of()
    node = node_of(bob)
    cy = node.user("cy")
    cluster.settle()
    ann.say(Rename(TEAM, PublicRoom("barn")))
    ann.harness.commit()
    node.bus.clear()
    cy.say(Join(RoomName("barn")))
    node.begin_read(0)
    node.handle(node.read.pop())
    assert list(node.chat.durable.rooms) == [LOBBY, TEAM]
    node.settle()
    assert list(node.chat.durable.rooms) == [LOBBY, "barn"]
    assert [frame.type for frame in bob.take()] == ["renamed", "rename", "member"]
    assert cy.take()[-1].type == "caught_up"


def test_a_room_that_has_ended_is_not_there_again_by_what_comes_late() -> None:
    """Nor is one that nobody here needs read, whatever is heard of it."""
    cluster, ann, bob = cluster_of(3)
    third = cluster.nodes[2]
    ann.ask(Destroy(TEAM))
    while third.bus:
        third.hear()
    third.catch_up_now()
    third.catch_up_now(again=99)
    assert not third.look_ups
    assert TEAM not in third.chat.durable.rooms
    assert bob.ending is None
    made = next(c for c in cluster.log if c.groups[0][1].seq == 1)
    third.handle(inputs.Heard(attrs.evolve(made, groups=((7, made.groups[0][1]),))))
    assert TEAM not in third.chat.durable.rooms


def test_settings_are_trimmed_by_where_they_were_set() -> None:
    """One node removes what is not kept any more."""
    cluster, ann, bob = cluster_of()
    ann.ask(SetRoom(TEAM, keep_messages=KeepCount(1)))
    node_of(bob).hear()
    assert TEAM in node_of(ann).chat.live.untrimmed
    assert TEAM not in node_of(bob).chat.live.untrimmed
    cluster.settle()


def test_one_node_reviews_what_is_kept() -> None:
    """The one that leads; the others look whether they do."""
    cluster, ann, bob = cluster_of()
    cluster.nodes[1].machine.lead(on=False)
    for node in cluster.nodes:
        node.chat.live.agenda.add(node.now.mono, Due.RETENTION, None)
        node.wait(0.0)
    assert [len(node.look_ups) for node in cluster.nodes] == [1, 0]
    cluster.settle()
    assert node_of(bob).chat.live.agenda.has(Due.RETENTION, None)
    assert REVIEW_S > 0
    assert ann.ending is None


# --- what comes late ----------------------------------------------------------------


def test_what_was_refused_has_changed_nothing() -> None:
    """Its place among the outcomes is kept all the same."""
    _, ann, bob = cluster_of()
    say(ann, "a")
    bob.say(Send(Text("b"), TEAM))
    bob.say(Send(Text("c"), TEAM))
    node = node_of(bob)
    node.write(1)
    node.tell()
    (origin,) = node.drafts
    node.drafts.clear()
    refused = Refused(RejectCode.UNAVAILABLE, "no")
    node.handle(inputs.Executed(origin, refused, final=False))
    assert bob.take() == []
    node.hear()
    assert [getattr(f, "text", "ok") for f in bob.take()] == ["a", "ok", "b", "no"]
    assert Seq(4) == node.chat.durable.rooms[TEAM].head


def test_what_a_guest_wants_of_a_room_is_known_before_he_is_in_it() -> None:
    """His entrance, which nobody is told of, comes late."""
    cluster, ann, bob = cluster_of()
    node = node_of(bob)
    guest = node.guest(TEAM)
    name = node.user_of(guest)
    assert name is not None
    guest.say(Notify(TEAM, Level.MENTIONS))
    node.settle()
    there = node_of(ann)
    while there.bus:
        there.hear(-1)
    found = there.chat.durable.rooms[TEAM].members[name]
    assert found.level is Level.MENTIONS
    cluster.settle()


def test_who_was_removed_before_his_own_node_knew_that_he_was_in_is_told_so() -> None:
    """Of a join that nobody is told of comes no event that others would wait for."""
    cluster, ann, bob = cluster_of()
    node = node_of(bob)
    guest = node.guest()
    name = node.user_of(guest)
    assert name is not None
    cluster.settle()
    guest.say(Join(TEAM))
    node.write(len(node.drafts))
    node_of(ann).settle()
    ann.say(Kick(TEAM, name))
    node_of(ann).settle()
    node.hear()
    node.tell()
    (refusal,) = guest.take()
    assert refusal.code is RejectCode.NOT_MEMBER
    assert guest.answers == guest.said
    cluster.settle()
    assert name not in node.chat.durable.rooms[TEAM].members


def test_who_is_in_by_what_his_node_has_not_heard_joins_when_it_has() -> None:
    """Though it has heard that he left before that."""
    cluster, _, bob = cluster_of(3)
    node, there = node_of(bob), cluster.nodes[2]
    guest = node.guest(TEAM)
    cluster.settle()
    other = there.open()
    other.hello(session=secret_of(guest), another=True)
    cluster.settle()
    other.say(Leave(TEAM))
    cluster.settle()
    other.say(Join(TEAM))
    there.settle()
    node.bus.clear()
    guest.take()
    guest.say(Join(TEAM))
    node.commit()
    assert guest.take() == []
    node.settle()
    (reply,) = [frame for frame in guest.take() if hasattr(frame, "re")]
    assert (reply.type, reply.re) == ("ok", "join")
    assert TEAM in guest.subscribed
