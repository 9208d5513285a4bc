"""Who has a session, of several nodes, and who is gone."""

from __future__ import annotations

from typing import Any

from chatd.core import inputs
from chatd.core.agenda import Due
from chatd.core.drafts import EndSession, HoldSession, SaveMarks
from chatd.core.entities import IDLE_S
from chatd.core.principal import Renewal
from chatd.enums import MemberChange, Role
from chatd.errors import Ending, RejectCode
from chatd.ids import SessionId, UserName
from chatd.wire.kinds import Secret
from chatd.wire.moderation import Invite, Kick
from chatd.wire.rooms import Join, Leave
from chatd.wire.sessions import Hello, Logout, Sessions
from tests.core.cluster.shared import node_of
from tests.core.cluster.talk import TEAM, cluster_of
from tests.core.harness import ANN, BOB, UNAVAILABLE
from tests.core.logins import secret_of


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
    node.wait(5.0)
    assert not node.drafts, "that he is back is written already"
    node.handle(inputs.Executed(gone, UNAVAILABLE))
    cluster.wait(5.0)
    assert cluster.holders[session] == node.number
    ann.close()
    node.wait(5.0)
    gone = node.drafts.popleft()
    ann = node.open()
    ann.hello(session=secret)
    ann.close()
    node.handle(inputs.Executed(gone, UNAVAILABLE))
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


def test_a_session_that_is_in_use_on_another_node_is_connected() -> None:
    """Until that node has written since when it is not."""
    cluster, ann, bob = cluster_of()
    other = node_of(bob).user("ann")
    cluster.settle()
    ann.take()
    (page,) = ann.ask(Sessions())
    assert [(one.connected, one.seen) for one in page.sessions] == [(True, None)] * 2
    other.close()
    cluster.wait(5.0)
    cluster.settle()
    ann.take()
    (page,) = ann.ask(Sessions())
    assert sorted(one.connected for one in page.sessions) == [False, True]
