"""What other nodes have committed: taken as what this one has, in its order."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Auth, Config, Limits, PermanentRoom, Presence, Rooms
from chatd.core import effects, inputs
from chatd.core.agenda import Due
from chatd.core.changes import DisplaySet
from chatd.core.cluster.commits import Commit, Group
from chatd.core.cluster.order import HOLE_S
from chatd.core.drafts import EndSession, HoldSession, Refused, SaveMarks
from chatd.core.entities import IDLE_S
from chatd.core.loading import RETRY_S
from chatd.core.principal import Renewal
from chatd.core.retention import REVIEW_S
from chatd.enums import Level, MemberChange, Role
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import NodeId, RoomName, Seq, SessionId, Stamp, UserName
from chatd.wire.kinds import Display, KeepCount, PublicRoom, Secret, Text
from chatd.wire.moderation import Invite, Kick
from chatd.wire.rooms import Create, Destroy, Join, Leave, Notify, Rename, SetRoom
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import Send
from chatd.wire.users import Profile
from tests.core.cluster.shared import Cluster, node_of
from tests.core.harness import ANN, BOB, LOBBY, UNAVAILABLE, Peer

TEAM, DEN = RoomName("team"), RoomName("den")
FREE = Config(
    auth=Auth(guest_hold_s=20.0),
    rooms=Rooms(permanent=(PermanentRoom(name=LOBBY),)),
    limits=Limits(messages_per_s=0),
    presence=Presence(grace_s=0.0),
)


def cluster_of(nodes: int = 2) -> tuple[Cluster, Peer, Peer]:
    """Ann on the first node and bob on the second, both in a room."""
    cluster = Cluster(FREE, nodes)
    ann = cluster.nodes[0].user("ann", TEAM)
    cluster.settle()
    bob = cluster.nodes[1].user("bob", TEAM)
    cluster.settle()
    ann.take()
    bob.take()
    return cluster, ann, bob


def say(peer: Peer, *texts: str, room: RoomName = TEAM) -> None:
    """Say something, and have it committed, of which others have not heard."""
    for text in texts:
        peer.say(Send(Text(text), room))
    peer.harness.commit()


def texts(frames: list[Any]) -> list[str]:
    """What was said."""
    return [frame.text for frame in frames if frame.type == "message"]


def secret_of(peer: Peer) -> Secret:
    """The secret of a connection's session."""
    session = peer.harness.chat.live.connections[peer.id].session
    assert session is not None
    return Secret(session.decode())


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


# --- who is gone ------------------------------------------------------------------


def test_who_comes_back_elsewhere_takes_his_session_along() -> None:
    """And back again."""
    cluster, ann, bob = cluster_of()
    here = node_of(bob).open()
    here.say(Hello(session=secret_of(ann)))
    cluster.settle()
    assert ann.ending is Ending.TAKEN_OVER
    assert "welcome" in [frame.type for frame in here.take()]
    node = node_of(ann)
    assert not node.chat.live.sessions
    assert not node.chat.durable.users[ANN].online
    ann.close()
    cluster.settle()
    back = node.open()
    back.hello(session=secret_of(here))
    cluster.settle()
    assert here.ending is Ending.TAKEN_OVER
    assert back.ending is None


def test_who_is_told_to_end_already_is_told_nothing_more() -> None:
    """His socket is there still when his session is taken."""
    cluster, ann, bob = cluster_of()
    connection = ann.harness.chat.connection(ann.id)
    assert connection is not None
    for effect in ann.harness.chat.finish(connection, Ending.OVERLOADED):
        ann.harness._perform(effect)
    here = node_of(bob).open()
    here.hello(session=Secret(connection.session.decode()))  # type: ignore[union-attr]
    cluster.settle()
    assert ann.ending is Ending.OVERLOADED
    assert here.ending is None
    assert not node_of(ann).chat.live.sessions


def test_the_last_who_took_a_session_has_it_though_he_was_not_welcomed_yet() -> None:
    """Whose hello was first is told that it was taken over."""
    cluster, ann, bob = cluster_of(3)
    secret = secret_of(ann)
    nodes = cluster.nodes
    slow = nodes[1].open()
    slow.say(Hello(session=secret))
    nodes[1].catch_up_now()
    nodes[1].run_look_up()
    nodes[1].write(1)  # it is held here
    fast = nodes[2].open()
    fast.hello(session=secret)
    nodes[1].catch_ups.append(None)
    nodes[1].catch_up_now()
    cluster.settle()
    assert slow.ending is Ending.TAKEN_OVER
    assert slow.answers == slow.said
    assert fast.ending is None
    assert bob.ending is None


def test_who_goes_before_he_is_welcomed_has_the_session_no_more() -> None:
    """So that nobody waits for a node that does not have it."""
    cluster, ann, bob = cluster_of()
    secret = secret_of(ann)
    ann.close()
    cluster.settle()
    cluster.wait(5.0)
    session = SessionId(secret.encode())
    assert cluster.holders[session] is None
    peer = node_of(bob).open()
    peer.say(Hello(session=secret))
    node_of(bob).catch_up_now()
    node_of(bob).run_look_up()
    peer.close()
    cluster.settle()
    assert cluster.holders[session] == 2
    cluster.wait(5.0)
    assert cluster.holders[session] is None


def test_who_comes_back_at_once_has_his_session() -> None:
    """Though it was about to be written that he had gone."""
    cluster, ann, _ = cluster_of()
    node, secret = node_of(ann), secret_of(ann)
    ann.close()
    peer = node.open()
    peer.say(Hello(session=secret))
    node.catch_up_now()
    node.run_look_up()
    node.wait(5.0)
    held, marks = (origin.draft for origin in node.drafts)
    assert (type(held), type(marks)) == (HoldSession, SaveMarks)
    cluster.settle()
    assert cluster.holders[SessionId(secret.encode())] == node.number
    assert "error" not in [frame.type for frame in peer.ask(Join(TEAM))]


def test_a_session_that_could_not_be_held_is_let_go_of() -> None:
    """It may be this node's still: whoever asks later has to find it free."""
    cluster, ann, _ = cluster_of()
    node, secret = node_of(ann), secret_of(ann)
    for goes in (False, True):
        ann.close()
        ann = node.open()
        ann.say(Hello(session=secret))
        node.catch_up_now()
        node.run_look_up()
        if goes:
            ann.close()
        node.fail()
        assert cluster.holders[SessionId(secret.encode())] == node.number
        cluster.wait(5.0)
        assert cluster.holders[SessionId(secret.encode())] is None
        if not goes:
            ann.hello(session=secret)


def test_that_somebody_has_gone_is_not_written_later_when_he_is_back() -> None:
    """What could not be written is written as it is by then."""
    cluster, ann, _ = cluster_of()
    node, secret = node_of(ann), secret_of(ann)
    session = SessionId(secret.encode())
    ann.close()
    node.wait(5.0)
    gone = node.drafts.popleft()
    ann = node.open()
    ann.hello(session=secret)
    node.wait(5.0)  # that he is back is on its way, too
    node.handle(inputs.Executed(gone, UNAVAILABLE))
    cluster.wait(5.0)
    assert cluster.holders[session] == node.number
    ann.close()
    node.wait(5.0)
    gone = node.drafts.popleft()
    ann = node.open()
    ann.hello(session=secret)
    node.wait(5.0)
    back = node.drafts.popleft()
    ann.close()
    for marks in (gone, back):
        node.handle(inputs.Executed(marks, UNAVAILABLE))
    cluster.wait(5.0)
    assert cluster.holders[session] is None


def test_a_session_that_is_gone_cannot_be_held() -> None:
    """It was ended elsewhere a moment ago."""
    cluster, ann, bob = cluster_of()
    secret = secret_of(ann)
    peer = node_of(bob).open()
    peer.say(Hello(session=secret))
    node_of(bob).catch_up_now()
    node_of(bob).run_look_up()
    ann.ask(Logout())
    assert isinstance(node_of(bob).drafts[0].draft, HoldSession)
    cluster.settle()
    (refused,) = peer.take()
    assert refused.code is RejectCode.BAD_CREDENTIALS
    assert not cluster.model.sessions.keys() & {SessionId(secret.encode())}


def test_who_comes_with_a_token_takes_the_session_with_it() -> None:
    """It is renewed first, then held."""
    cluster, ann, bob = cluster_of()
    for node in cluster.nodes:
        node.tokens["a.b.c"] = node_token()
    peer = node_of(bob).open()
    peer.say(Hello(session=secret_of(ann), token=Secret("a.b.c")))
    cluster.settle()
    assert ann.ending is Ending.TAKEN_OVER
    assert "welcome" in [frame.type for frame in peer.take()]


def node_token() -> Any:
    """A token of ann's that an outside issuer has made."""
    return Renewal(None, None, None)


def test_a_guest_may_be_elsewhere() -> None:
    """He is in rooms here, and can be spoken of and put out."""
    cluster, ann, bob = cluster_of()
    guest = node_of(bob).guest(TEAM)
    cluster.settle()
    name = node_of(bob).user_of(guest)
    assert name is not None
    node = node_of(ann)
    assert name in node.chat.durable.rooms[TEAM].members
    assert name not in node.chat.durable.users
    ann.ask(Kick(TEAM, name))
    cluster.settle()
    assert guest.take()[-1].type == "left"
    assert name not in cluster.model.rooms[TEAM].members


def test_a_guest_moves_to_another_node() -> None:
    """He stays a member on all of them."""
    cluster, ann, bob = cluster_of()
    guest = node_of(bob).guest(TEAM)
    cluster.settle()
    name = node_of(bob).user_of(guest)
    secret = secret_of(guest)
    moved = node_of(ann).open()
    moved.hello(session=secret)
    cluster.settle()
    assert guest.ending is Ending.TAKEN_OVER
    assert name not in node_of(bob).chat.durable.users
    for node in cluster.nodes:
        assert name in node.chat.durable.rooms[TEAM].members
    assert node_of(ann).user_of(moved) == name
    guest.close()
    cluster.settle()


def test_a_guest_who_stays_away_is_ended_by_one_node() -> None:
    """And gone on all of them."""
    cluster, ann, bob = cluster_of()
    guest = node_of(bob).guest(TEAM)
    cluster.settle()
    name = node_of(bob).user_of(guest)
    guest.close()
    cluster.wait(60.0)
    for node in cluster.nodes:
        assert name in node.chat.durable.rooms[TEAM].members
    ends = [EndSession(session) for session in cluster.orphans()]
    assert len(ends) == 1
    cluster.nodes[0].handle(inputs.Drafted(ends))
    node_of(ann).fail(UNAVAILABLE)  # it is tried again by whoever looks
    assert cluster.orphans()
    cluster.nodes[0].handle(inputs.Drafted(ends))
    cluster.settle()
    for node in cluster.nodes:
        assert name not in node.chat.durable.rooms[TEAM].members
    assert not node_of(ann).chat.live.agenda.keys(Due.GUEST)


def test_a_guest_who_is_gone_does_not_come_back_by_what_is_late() -> None:
    """His join came behind his end."""
    cluster, ann, bob = cluster_of(3)
    third = cluster.nodes[2]
    third.user("cy", TEAM)
    cluster.settle()
    guest = node_of(bob).guest()
    cluster.settle()
    guest.join(TEAM)
    name = node_of(bob).user_of(guest)
    late = third.bus[:]
    third.bus.clear()
    guest.ask(Logout())
    while third.bus:
        third.hear()
    for commit in late:
        third.handle(inputs.Heard(commit))
    assert name not in third.chat.durable.rooms[TEAM].members
    cluster.settle()
    assert ann.ending is None


def test_a_guest_is_read_for_who_names_him() -> None:
    """He stays in memory for a while, like anybody."""
    cluster, ann, bob = cluster_of()
    guest = node_of(bob).guest(TEAM)
    cluster.settle()
    name = node_of(bob).user_of(guest)
    assert name is not None
    ann.ask(Invite(TEAM, name))
    node = node_of(ann)
    assert name in node.chat.durable.users
    node.wait(IDLE_S)
    cluster.settle()
    assert name not in node.chat.durable.users
    nobody = UserName("guest~0")
    refused = ann.ask(Kick(TEAM, nobody))[-1]
    assert refused.code is RejectCode.NO_USER


def test_sessions_are_revoked_over_nodes() -> None:
    """Those that were opened since are not."""
    cluster, ann, bob = cluster_of()
    other = node_of(bob).user("ann")
    cluster.settle()
    ann.ask(Logout(everywhere=True))
    late = node_of(bob).user("ann")
    cluster.settle()
    assert ann.ending is Ending.LOGOUT
    assert other.ending is Ending.REVOKED
    assert late.ending is None


def test_who_leaves_with_his_last_device_here_is_a_member_still() -> None:
    """Only who has left is none."""
    cluster, ann, bob = cluster_of()
    bob.ask(Leave(TEAM))
    cluster.settle()
    (told,) = [f for f in ann.take() if f.type == "member"]
    assert (told.change, told.user) == (MemberChange.LEAVE, BOB)
    assert cluster.model.rooms[TEAM].members[ANN].role is Role.OWNER


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
