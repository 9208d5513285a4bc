"""What was decided on what is not so any more: decided again, in the right place."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from chatd.config import Auth, Config, Limits
from chatd.core import inputs
from chatd.core.cluster.again import AGAIN_MAX
from chatd.core.drafts import DropRoom, Duplicate, EndSession, Enroll, Stale
from chatd.core.entities import Block
from chatd.enums import Post
from chatd.errors import Ending
from chatd.ids import RoomName, SessionId, UserName
from chatd.wire.accounts import Register
from chatd.wire.admissions import CreateInvitation
from chatd.wire.ephemeral import Typing
from chatd.wire.kinds import GuestName, NewPassword, PublicRoom, Text, Topic
from chatd.wire.moderation import Kick, Mute
from chatd.wire.place import Ping
from chatd.wire.rooms import Create, Join, Leave, SetRoom
from chatd.wire.sessions import Logout
from chatd.wire.timeline import History, Send
from tests.core.cluster.shared import Cluster, node_of
from tests.core.harness import BOB, CY, Peer

TEAM, DEN = RoomName("team"), RoomName("den")
FREE = Config(limits=Limits(messages_per_s=0))


def two(config: Config = FREE) -> tuple[Cluster, Peer, Peer]:
    """Ann on the first node and bob on the second, both in two rooms."""
    cluster = Cluster(config)
    here, there = cluster.nodes
    ann = here.user("ann", TEAM, DEN)
    cluster.settle()
    bob = there.user("bob", TEAM, DEN)
    cluster.settle()
    # So that nobody has to be looked for.
    here.user("bob").close()
    cluster.settle()
    ann.take()
    bob.take()
    return cluster, ann, bob


def without_hearing(peer: Peer) -> None:
    """Have what was sent committed and answered; nothing comes from other nodes."""
    peer.harness.commit()


def types(frames: list[Any]) -> list[str]:
    """What kinds of frames there are, replies by their command."""
    return [f"re {f.re}" if hasattr(f, "re") else f.type for f in frames]


def test_who_is_muted_elsewhere_says_nothing_more() -> None:
    """Though his node has not heard of it when he speaks."""
    cluster, ann, bob = two()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM))
    without_hearing(bob)
    assert cluster.stale == 1
    assert bob.take() == []  # it is not decided yet
    connection = bob.harness.chat.connection(bob.id)
    assert connection is not None
    assert connection.block is Block.UNDECIDED
    cluster.settle()
    event, refused = bob.take()
    assert event.change == "mute"
    assert (refused.re, refused.code) == ("send", "muted")
    assert not cluster.model.rooms[TEAM].messages


def test_what_was_sent_behind_it_keeps_its_place() -> None:
    """Also what could have been said at once: an answer overtakes none before it."""
    cluster, ann, bob = two()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    for number, room in enumerate((TEAM, DEN, TEAM, DEN)):
        bob.say(Send(Text(str(number)), room, id=number))
    bob.say(Ping(id=4))
    without_hearing(bob)
    bob.say(Send(Text("5"), DEN, id=5))
    cluster.settle()
    replies = [frame for frame in bob.take() if hasattr(frame, "re")]
    durable = [frame.id for frame in replies if frame.re != "ping"]
    assert durable == [0, 1, 2, 3, 5]
    assert bob.answers == bob.said
    texts = [m.text for m in cluster.model.rooms[DEN].messages.values()]
    assert texts == ["1", "3", "5"]


def test_it_costs_its_sender_nothing() -> None:
    """What was not done counts as nothing: one message at most is his to send."""
    limits = Limits(messages_per_s=0.001, messages_burst=4)
    cluster, ann, bob = two(Config(limits=limits))
    user = bob.harness.chat.durable.users[BOB]
    bob.say(Send(Text("a"), DEN))
    cluster.settle()
    assert user.messages is not None
    left = user.messages.level
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM))
    without_hearing(bob)
    assert cluster.stale == 1
    assert user.messages.level == left


def test_a_join_is_decided_again() -> None:
    """What waits behind it waits for that, too."""
    cluster, ann, bob = two()
    bob.ask(Leave(TEAM))
    cluster.settle()
    ann.say(SetRoom(TEAM, archived=True))
    without_hearing(ann)
    bob.say(Join(TEAM))
    bob.say(Typing(TEAM, on=True))
    without_hearing(bob)
    assert cluster.stale == 1
    bob.take()
    cluster.settle()
    assert types(bob.take())[:1] == ["re join"]
    assert BOB in cluster.model.rooms[TEAM].members


def test_an_answer_that_was_waited_for_does_not_let_the_next_go_on() -> None:
    """While an earlier command is undecided."""
    cluster, ann, bob = two()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM))
    bob.say(Leave(DEN))  # it waits for what is open
    without_hearing(bob)
    bob.say(History(DEN))
    assert bob.take() == []
    cluster.settle()
    assert types([f for f in bob.take() if hasattr(f, "re")]) == [
        *("re send", "re leave", "re history")
    ]


def test_what_is_pending_for_another_reason_stays_so() -> None:
    """A look-up that lets the connection wait comes back before or behind."""
    cluster, ann, bob = two()
    for comes_first in (True, False):
        ann.say(SetRoom(DEN, post=Post.MODERATORS))
        without_hearing(ann)
        bob.say(Send(Text("a"), DEN))
        bob.say(Join(RoomName("nowhere")))  # it is looked for
        bob.say(Ping(id=1))
        without_hearing(bob)
        if comes_first:
            bob.harness.load()
        assert types(bob.take()) == []
        node_of(bob).catch_up_now()
        cluster.settle()
        answered = [f for f in bob.take() if hasattr(f, "re")]
        assert sorted(types(answered)) == ["re join", "re ping", "re send"]
        ann.ask(SetRoom(DEN, post=Post.MEMBERS))
        cluster.settle()
        bob.take()


def test_a_look_up_may_come_back_before_or_behind() -> None:
    """What was sent behind the undecided waits for both."""
    for comes_first in (True, False):
        cluster, ann, bob = two()
        ann.say(Mute(TEAM, BOB))
        without_hearing(ann)
        bob.say(Send(Text("a"), TEAM, id=1))
        bob.say(Send(Text("b"), to=CY, id=2))  # he is looked for
        bob.say(Ping(id=3))
        without_hearing(bob)
        connection = bob.harness.chat.connection(bob.id)
        assert connection is not None
        assert connection.undecided is not None
        assert connection.undecided.block is Block.PENDING
        if comes_first:
            bob.harness.load()
            assert connection.undecided.block is None
        node_of(bob).catch_up_now()
        assert (connection.undecided is None) == comes_first
        cluster.settle()
        replies = [frame.id for frame in bob.take() if hasattr(frame, "re")]
        assert sorted(replies) == [1, 2, 3]
        durable = [number for number in replies if number < 3]
        assert durable == [1, 2]


def test_a_barrier_that_a_later_command_waits_for_is_waited_for() -> None:
    """What is decided again waits for it, too, and comes before it."""
    cluster, ann, bob = two()
    other = node_of(bob).user("ann")
    cluster.settle()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM, id=1))
    other.say(SetRoom(DEN, archived=True))
    bob.say(Send(Text("b"), DEN, id=2))
    node_of(bob).write(1)
    node_of(bob).tell()
    node_of(bob).catch_up_now()
    assert [f for f in bob.take() if hasattr(f, "re")] == []
    cluster.settle()
    refused = [(f.id, f.code) for f in bob.take() if hasattr(f, "re")]
    assert refused == [(1, "muted"), (2, "forbidden")]


def test_a_guest_who_has_sent_nothing_gets_nothing_back() -> None:
    """His join is told to nobody, and costs nothing."""
    cluster, ann, bob = two()
    guest = node_of(bob).guest()
    cluster.settle()
    ann.say(SetRoom(TEAM, archived=True))
    without_hearing(ann)
    guest.say(Join(TEAM))
    without_hearing(guest)
    assert cluster.stale == 1
    cluster.settle()
    assert guest.answers == guest.said
    assert node_of(guest).user_of(guest) in cluster.model.rooms[TEAM].members


def test_who_has_gone_is_not_waited_for() -> None:
    """Nobody was told that anything was done."""
    cluster, ann, bob = two()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM))
    without_hearing(bob)
    bob.close()
    cluster.settle()
    assert not bob.harness.chat.live.catching
    assert not cluster.model.rooms[TEAM].messages


def test_who_is_told_to_end_is_answered_all() -> None:
    """By nothing, as for all that is not done any more."""
    cluster, ann, bob = two()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM))
    bob.say(Ping())
    without_hearing(bob)
    bob.harness.log_out(BOB)
    assert bob.ending is Ending.REVOKED
    assert bob.answers == bob.said
    cluster.settle()
    assert bob.answers == bob.said


def test_an_act_of_moderation_is_a_barrier_when_it_is_decided() -> None:
    """Its barrier is lifted with the first answer, and stands again with the second."""
    cluster, ann, bob = two()
    bob.say(SetRoom(TEAM, archived=True))  # he is no owner
    cluster.settle()
    ann.say(Mute(DEN, BOB))
    without_hearing(ann)
    other = node_of(bob).user("ann")
    cluster.settle()
    ann.say(SetRoom(TEAM, post=Post.MODERATORS))
    without_hearing(ann)
    other.say(Kick(TEAM, BOB))
    bob.say(Send(Text("a"), TEAM))  # behind the barrier
    without_hearing(other)
    assert cluster.stale >= 1
    cluster.settle()
    assert BOB not in cluster.model.rooms[TEAM].members
    assert not bob.harness.chat.live.barriers
    assert not cluster.model.rooms[TEAM].messages


def test_the_end_of_a_room_that_somebody_has_come_into_is_tried_later() -> None:
    """Nobody has asked for it, so nobody decides again."""
    cluster, ann, _ = two()
    (room,) = [
        reply.room for reply in ann.ask(Create(private=True)) if reply.type == "ok"
    ]
    ann.say(Leave(room))
    without_hearing(ann)
    (origin,) = ann.harness.drafts
    assert isinstance(origin.draft, DropRoom)
    assert origin.basis is not None
    assert origin.basis.rights == 2
    ann.harness.drafts.clear()
    ann.harness.handle(inputs.Executed(origin, Stale(room)))
    cluster.settle()
    assert room in cluster.model.rooms
    cluster.wait(61.0)
    assert room not in cluster.model.rooms


def test_a_logout_that_was_not_done_lets_the_session_be() -> None:
    """Until it is done."""
    cluster, ann, bob = two()
    ann.say(Mute(TEAM, BOB))
    without_hearing(ann)
    bob.say(Send(Text("a"), TEAM))
    without_hearing(bob)
    session = bob.harness.chat.live.connections[bob.id].session
    assert session is not None
    cluster.settle()
    bob.say(Logout())
    (origin,) = bob.harness.drafts
    assert isinstance(origin.draft, EndSession)
    bob.harness.drafts.clear()
    bob.harness.handle(inputs.Executed(origin, Stale(RoomName(""))))
    assert session not in bob.harness.chat.live.ended
    cluster.settle()
    assert session not in cluster.model.sessions


def test_what_concerns_no_room_is_decided_by_its_session_alone() -> None:
    """And what nobody has sent by nothing."""
    cluster, ann, _ = two()
    ann.say(Create(PublicRoom("attic")))
    ann.harness.load()
    bases = [origin.basis for origin in ann.harness.drafts]
    session = ann.harness.chat.live.connections[ann.id].session
    assert [(b.session, b.rights) for b in bases if b] == [(session, None)]
    cluster.settle()
    ann.say(Send(Text("a"), to=BOB))
    direct, said = ann.harness.drafts
    assert direct.basis is None
    assert said.basis is not None
    cluster.settle()
    assert SessionId(b"") not in cluster.model.sessions


def rounds_of_staleness(ann: Peer, bob: Peer, count: int) -> None:
    """Have what bob has sent be decided on what ann has changed, some times."""
    for number in range(count):
        ann.say(SetRoom(TEAM, topic=Topic(f"topic {number}")))
        without_hearing(ann)
        without_hearing(bob)
        node_of(bob).catch_up_now()


def test_what_others_keep_changing_is_given_up() -> None:
    """After eight times; what was sent behind it is decided by itself."""
    cluster, ann, bob = two()
    bob.say(Send(Text("a"), TEAM, id=1))
    bob.say(Send(Text("b"), TEAM, id=2))
    rounds_of_staleness(ann, bob, AGAIN_MAX)
    assert [frame for frame in bob.take() if hasattr(frame, "re")] == []
    rounds_of_staleness(ann, bob, 1)
    (refused,) = [frame for frame in bob.take() if hasattr(frame, "re")]
    assert (refused.id, refused.code, refused.retry_after) == (1, "unavailable", 1.0)
    cluster.settle()
    (said,) = [frame for frame in bob.take() if hasattr(frame, "re")]
    assert (said.id, said.type) == (2, "ok")
    texts = [m.text for m in cluster.model.rooms[TEAM].messages.values()]
    assert texts == ["b"]
    # The same again is counted anew, and nothing was taken for what was not done.
    bob.say(Send(Text("a"), TEAM, id=3))
    rounds_of_staleness(ann, bob, AGAIN_MAX)
    cluster.settle()
    assert [frame.id for frame in bob.take() if frame.type == "ok"] == [3]
    assert bob.answers == bob.said


def test_a_join_that_others_keep_changing_is_given_up() -> None:
    """And what waits behind it goes on."""
    cluster, ann, bob = two()
    bob.ask(Leave(TEAM))
    cluster.settle()
    bob.take()
    bob.say(Join(TEAM, id=1))
    bob.say(Ping(id=2))
    rounds_of_staleness(ann, bob, AGAIN_MAX)
    assert [frame for frame in bob.take() if hasattr(frame, "re")] == []
    rounds_of_staleness(ann, bob, 1)
    refused, pong = [frame for frame in bob.take() if hasattr(frame, "re")]
    assert (refused.id, refused.code, pong.id) == (1, "unavailable", 2)
    cluster.settle()
    assert not bob.harness.chat.live.barriers
    assert BOB not in cluster.model.rooms[TEAM].members


def test_a_join_of_which_this_node_never_hears_is_given_up() -> None:
    """It changes nothing in the store, where he is a member already."""
    cluster, _, bob = two()
    bob.ask(Leave(TEAM))
    cluster.settle()
    bob.take()
    node = node_of(bob)
    bob.say(Join(TEAM, id=1))
    for _ in range(AGAIN_MAX + 1):
        assert bob.take() == []
        (origin,) = node.drafts
        node.drafts.clear()
        node.handle(inputs.Executed(origin, Duplicate()))
        node.catch_up_now()
    (refused,) = bob.take()
    assert (refused.id, refused.code) == (1, "unavailable")


def invited() -> tuple[Cluster, Peer, Peer]:
    """Ann on the first node, and somebody on the second who registers for a room."""
    cluster, ann, _ = two(evolve(FREE, auth=Auth(registration="invite")))
    here, there = cluster.nodes
    (made,) = here.open(is_operator=True).ask(CreateInvitation(room=TEAM))
    cluster.settle()
    new = there.open()
    name, password = GuestName("dan"), NewPassword("a long password")
    new.say(Register(name, password, invite=made.secret))
    while there.look_ups:
        there.run_look_up()
    (origin,) = there.drafts
    assert isinstance(origin.draft, Enroll)
    return cluster, ann, new


def test_who_is_nobody_yet_is_decided_for_again() -> None:
    """Somebody registers for a room, in which another node has changed something."""
    cluster, ann, new = invited()
    ann.ask(Mute(TEAM, CY))
    node_of(new).commit()
    assert cluster.stale
    cluster.settle()
    (done,) = new.take()
    assert done.type == "ok"
    assert UserName("dan") in cluster.model.rooms[TEAM].members


def test_who_is_decided_for_again_is_not_silent() -> None:
    """His node takes its time to hear of what has changed."""
    cluster, ann, new = invited()
    ann.ask(Mute(TEAM, CY))
    node_of(new).commit()
    node_of(new).wait(FREE.auth.login_timeout_s + 1)
    assert new.ending is None
    cluster.settle()
    assert new.take()[0].type == "ok"
