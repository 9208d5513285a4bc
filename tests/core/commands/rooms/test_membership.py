from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import History, Presence
from chatd.core import drafts, inputs
from chatd.core.effects import (
    Answer,
    Append,
    Origin,
    Replay,
    Subscribe,
    Tell,
    Unsubscribe,
)
from chatd.core.scope import Scope
from chatd.enums import Level, Role, State
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, direct_room
from chatd.wire import events, replies
from chatd.wire.kinds import PageLimit, Text, Topic
from chatd.wire.moderation import Invite
from chatd.wire.place import Ping
from chatd.wire.rooms import Create, Join, Joined, Leave, Notify
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, LOBBY, Harness, Peer

HI = Text("hi")
TEAM = RoomName("team")
FREE = Limits(messages_per_s=0)
ANN_SHOWN, BOB_SHOWN = (events.UserShown(n, None, State.ONLINE) for n in (ANN, BOB))


def epoch_of(harness: Harness, room: RoomName = LOBBY) -> Epoch:
    """The room's epoch."""
    return harness.chat.durable.rooms[room].epoch


def talk(peer: Peer, count: int, room: RoomName = LOBBY) -> None:
    """Write some messages; nothing to take."""
    for _ in range(count):
        peer.ask(Send(HI, room))
    peer.harness.take_all()


def seqs(frames: list[Any]) -> list[int]:
    """The seq of each event."""
    return [
        frame.seq for frame in frames if hasattr(frame, "ts") and frame.type != "ok"
    ]


# --- what one wants to be called for ----------------------------------------------


def test_a_level_holds_on_all_devices_and_is_told_nobody_else() -> None:
    """Once it is on disk: the `ok`, the event on each, and in each welcome."""
    harness = Harness()
    ann, other, bob = (harness.user(name, LOBBY) for name in ("ann", "ann", "bob"))
    harness.take_all()
    command = Notify(LOBBY, Level.MENTIONS, id=1)
    draft = drafts.SetLevel(LOBBY, ANN, Level.MENTIONS)
    assert ann.say(command) == [Append(Origin(ann.id, command, draft))]
    assert ann.take() == other.take() == []
    harness.commit()
    told = events.Notify(LOBBY, Level.MENTIONS)
    assert ann.take() == [replies.Done("notify", 1), told]
    assert other.take() == [told]
    assert bob.take() == []
    harness.restart()
    again = harness.open()
    (welcome,) = again.hello(name=ANN, password="right")
    assert [room.level for room in welcome.rooms] == [Level.MENTIONS]
    assert again.join()[0].level == Level.MENTIONS
    assert harness.user("bob").join()[0].level is None


def test_the_same_level_again_is_ok_and_tells_nobody() -> None:
    """As is the default where nothing else was said, which is told by silence."""
    harness = Harness()
    ann, other = harness.user("ann", LOBBY), harness.user("ann", LOBBY)
    harness.take_all()
    assert ann.ask(Notify(LOBBY, Level.ALL)) == [replies.Done("notify")]
    assert other.take() == []
    ann.ask(Notify(LOBBY, Level.NOTHING))
    ann.ask(Notify(LOBBY, Level.ALL))
    assert [frame.level for frame in other.take()] == [Level.NOTHING, Level.ALL]
    assert ann.join()[0].level is None


def test_guests_and_direct_conversations_have_a_level_too() -> None:
    """It goes with the membership: who comes back is called for all."""
    harness = Harness()
    guest, ann = harness.guest(LOBBY), harness.user("ann")
    assert guest.ask(Notify(LOBBY, Level.NOTHING))[0] == replies.Done("notify")
    assert guest.join()[0].level == Level.NOTHING
    guest.ask(Leave(LOBBY))
    assert guest.join()[0].level is None
    harness.user("bob").ask(Send(HI, to=ANN))
    ann.ask(Notify(direct_room(ANN, BOB), Level.MENTIONS))
    (welcome,) = harness.open().hello(name=ANN, password="right")
    assert [room.level for room in welcome.rooms] == [Level.MENTIONS]


def test_a_level_that_cannot_be_kept_is_none() -> None:
    """`unavailable`; nobody is told anything."""
    harness = Harness()
    ann, other = harness.user("ann", LOBBY), harness.user("ann", LOBBY)
    harness.take_all()
    ann.say(Notify(LOBBY, Level.NOTHING))
    harness.fail()
    (error,) = ann.take()
    assert (error.code, error.re) == (RejectCode.UNAVAILABLE, "notify")
    assert other.take() == []
    assert ann.join()[0].level is None


def test_a_token_that_knows_nothing_of_a_room_is_not_told_its_level() -> None:
    """As of everything else there."""
    harness = Harness()
    ann, other = harness.user("ann", TEAM), harness.user("ann", TEAM)
    harness.chat.live.connections[other.id].scope = Scope.of(["lobby"], None)
    harness.take_all()
    ann.ask(Notify(TEAM, Level.NOTHING))
    assert other.take() == []


# --- other devices --------------------------------------------------------------


def test_a_join_is_told_the_other_devices() -> None:
    """Once it is on disk; with where to go on, by which nobody is entered anew."""
    harness = Harness()
    bob = harness.user("bob", TEAM)
    ann, other = harness.user("ann"), harness.user("ann")
    harness.take_all()
    ann.say(Join(TEAM))
    assert other.take() == []
    harness.commit()
    told = Joined(TEAM, epoch_of(harness, TEAM), Seq(2))
    assert Joined not in map(type, [*ann.take(), *bob.take()])
    assert other.take() == [told]
    bob.ask(Send(HI, TEAM))
    ok, message, caught_up = other.ask(Join(TEAM, since=told.seq, epoch=told.epoch))
    assert (ok.recovered, message.seq, caught_up.seq) == (True, Seq(3), Seq(3))


def test_a_room_that_was_left_at_once_is_not_joined_by_another_device() -> None:
    """Where that one goes on from what it was told, it is refused."""
    harness = Harness()
    harness.user("bob", TEAM)
    ann, other = harness.user("ann"), harness.user("ann")
    ann.ask(Join(TEAM))
    ann.ask(Leave(TEAM))
    told, left = other.take()
    assert left == events.Left(TEAM, "leave")
    (error,) = other.ask(Join(TEAM, since=told.seq, epoch=told.epoch))
    assert error.code == RejectCode.NOT_MEMBER


def test_what_joins_no_room_anew_tells_nobody_so() -> None:
    """To subscribe, to come back, and what a refused one was about."""
    harness = Harness()
    ann, other = harness.user("ann", LOBBY), harness.user("ann")
    ann.ask(Join(LOBBY))
    other.ask(Join(LOBBY))
    ann.ask(Join(RoomName("~unknown")))
    assert Joined not in map(type, [*ann.take(), *other.take()])


def test_who_makes_a_room_has_it_on_all_devices() -> None:
    """Also one that is followed by nobody yet, and a private one."""
    harness = Harness()
    ann, other, bob = harness.user("ann"), harness.user("ann"), harness.user("bob")
    (ok,) = ann.ask(Create(private=True, cid=Cid("1")))
    assert other.take() == [Joined(ok.room, ok.epoch, ok.seq)]
    assert bob.take() == []
    ann.ask(Create(private=True, cid=Cid("1")))
    assert other.take() == []


def test_who_takes_an_invitation_has_the_room_on_all_devices() -> None:
    """There it comes before the end of the invitation."""
    harness = Harness()
    bob, ann, other = harness.user("bob"), harness.user("ann"), harness.user("ann")
    (ok,) = bob.ask(Create(private=True, cid=Cid("1")))
    bob.ask(Invite(ok.room, ANN))
    harness.take_all()
    ann.ask(Join(ok.room))
    assert [frame.type for frame in other.take()] == ["joined", "uninvited"]


def test_a_guest_has_his_rooms_on_all_devices() -> None:
    """No timeline tells of him, so this comes behind nothing."""
    harness = Harness()
    guest, other = harness.open(), harness.open()
    (welcome,) = guest.hello(name="cy")
    other.hello(session=welcome.session, another=True)
    harness.take_all()
    guest.ask(Join(LOBBY))
    assert [frame.type for frame in other.take()] == ["joined"]


def test_a_token_that_knows_nothing_of_a_room_is_not_told_of_a_join() -> None:
    """As of everything else there."""
    harness = Harness()
    ann, other = harness.user("ann"), harness.user("ann")
    harness.chat.live.connections[other.id].scope = Scope.of(["lobby"], None)
    ann.ask(Join(TEAM))
    assert other.take() == []


# --- becoming a member ------------------------------------------------------------


def test_a_join_makes_a_member_and_subscribes() -> None:
    """Answered once it is on disk; then caught up, then live."""
    harness = Harness()
    ann = harness.user("ann")
    command = Join(LOBBY, id=1)
    draft = drafts.SetMember(LOBBY, ANN, Role.MEMBER, event=False)
    assert ann.say(command) == [Append(Origin(ann.id, command, draft))]
    ann.take()
    harness.settle()
    epoch = epoch_of(harness)
    assert ann.take() == [
        replies.Joined(
            LOBBY,
            epoch,
            Seq(0),
            Seq(1),
            1,
            [ANN_SHOWN],
            topic=Topic("Say hello"),
            id=1,
        ),
        events.CaughtUp(LOBBY, epoch, Seq(0), id=1),
    ]


def test_joining_again_only_subscribes_anew() -> None:
    """Nothing is written; nothing of the earlier subscription follows."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    unsubscribe, answer, subscribe, tell = ann.say(Join(LOBBY))
    assert unsubscribe == Unsubscribe(ann.id, LOBBY, drop=True)
    assert isinstance(answer, Answer)
    assert subscribe == Subscribe(ann.id, LOBBY)
    assert isinstance(tell, Tell)


def test_accounts_are_told_of_in_rooms_that_were_made() -> None:
    """A join and a leave are events; the joiner's `ok` counts his own."""
    harness = Harness()
    ann = harness.user("ann", TEAM)
    bob = harness.user("bob")
    harness.take_all()
    joined, caught_up = bob.join(TEAM)
    assert joined.seq == caught_up.seq == 2
    (member,) = ann.take()
    assert (member.seq, member.user, member.change) == (2, BOB, "join")
    done, left_event, left = bob.ask(Leave(TEAM, id=3))
    assert done == replies.Done("leave", 3)
    assert (left_event.seq, left_event.change) == (3, "leave")
    assert left == events.Left(TEAM, "leave")
    assert seqs(ann.take()) == [3]
    talk(ann, 1, TEAM)
    assert bob.take() == []


@pytest.mark.parametrize("room", [LOBBY, TEAM])
def test_guests_come_and_go_without_a_trace(room: RoomName) -> None:
    """Neither their joins nor their leaves are events."""
    harness = Harness()
    ann = harness.user("ann", room)
    head = harness.chat.durable.rooms[room].head
    guest = harness.guest(room)
    assert harness.chat.durable.rooms[room].head == head
    harness.take_all()
    assert guest.ask(Leave(room)) == [replies.Done("leave"), events.Left(room, "leave")]
    assert harness.chat.durable.rooms[room].head == head
    assert seqs(ann.take()) == []


def test_declared_rooms_keep_no_trace_of_accounts_either() -> None:
    """Their timeline is for what is said."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.ask(Leave(LOBBY))
    assert harness.chat.durable.rooms[LOBBY].head == 0


def test_a_first_join_sets_the_read_mark_to_the_head() -> None:
    """Nobody has unread messages from before his time."""
    harness = Harness()
    talk(harness.user("ann", TEAM), 2, TEAM)
    harness.user("bob", TEAM)
    room = harness.chat.durable.rooms[TEAM]
    assert (room.members[BOB].read, room.head) == (4, 4)


# --- leaving ----------------------------------------------------------------------


def test_leaving_ends_it_on_all_devices() -> None:
    """Every connection gets `left`, joined or not, and one's own leave comes before."""
    harness = Harness()
    ann, other, third = (
        harness.user("ann", TEAM),
        harness.user("ann"),
        harness.user("ann"),
    )
    other.join(TEAM)
    harness.take_all()
    ann.ask(Leave(TEAM))
    assert [frame.type for frame in other.take()] == ["member", "left"]
    assert [frame.type for frame in third.take()] == ["left"]


def test_one_leaves_only_where_one_is_and_no_direct_conversation() -> None:
    """`not_member`, `no_room`, `forbidden`."""
    harness = Harness()
    ann = harness.user("ann")
    ann.ask(Send(HI, to=BOB))
    direct = direct_room(ANN, BOB)
    ann.take()
    replies = [*ann.ask(Leave(LOBBY)), *ann.ask(Leave(TEAM)), *ann.ask(Leave(direct))]
    codes = [RejectCode.NOT_MEMBER, RejectCode.NO_ROOM, RejectCode.FORBIDDEN]
    assert [reply.code for reply in replies] == codes


def test_a_leave_whose_connection_is_gone_ends_the_membership() -> None:
    """It was committed; the other devices are told."""
    harness = Harness()
    ann, other = harness.user("ann", LOBBY), harness.user("ann", LOBBY)
    ann.say(Leave(LOBBY))
    ann.close()
    other.take()
    harness.settle()
    assert other.take() == [events.Left(LOBBY, "leave")]


def test_a_guest_who_leaves_and_is_gone_is_told_nothing() -> None:
    """There is nobody to tell."""
    harness = Harness()
    guest = harness.guest(LOBBY)
    guest.say(Leave(LOBBY))
    guest.close()
    harness.settle()
    assert list(harness.chat.durable.rooms[LOBBY].members) == []


# --- unavailable ------------------------------------------------------------------


@pytest.mark.parametrize("room", [LOBBY, TEAM])
def test_a_join_that_could_not_be_stored_is_answered_and_unblocks(
    room: RoomName,
) -> None:
    """What waited behind it goes on, and so does a second attempt."""
    harness = Harness()
    ann, other = harness.user("ann"), harness.user("ann")
    harness.take_all()
    ann.say(Join(room, id=1))
    ann.say(Ping(id=2))
    other.say(Send(HI, room, id=3))
    while harness.look_ups:
        harness.run_look_up()
    harness.fail()
    harness.settle()
    error, done = ann.take()
    assert (error.code, error.re, error.id) == ("unavailable", "join", 1)
    assert done.id == 2
    assert [frame.id for frame in other.take()] == [3]
    assert isinstance(ann.join(room)[0], replies.Joined)


def test_a_leave_that_could_not_be_stored_leaves_everything_as_it_was() -> None:
    """Answered, unblocked, still subscribed."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.say(Leave(LOBBY))
    harness.fail()
    assert ann.take()[-1].code == "unavailable"
    talk(bob, 0)
    bob.ask(Send(HI, LOBBY))
    assert seqs(ann.take()) == [1]


def test_a_leave_that_is_committed_after_a_stall_counts() -> None:
    """Its sender was told `unavailable`; `left` tells him the truth, and what was
    sent for that room meanwhile is decided after it.
    """
    harness = Harness()
    ann, other = harness.user("ann", LOBBY), harness.user("ann")
    harness.take_all()
    ann.say(Leave(LOBBY))
    harness.stall()
    (error,) = ann.take()
    assert error.code == RejectCode.UNAVAILABLE
    ann.say(Leave(LOBBY, id=2))
    other.say(Send(HI, LOBBY))
    assert ann.take() == other.take() == []
    harness.commit()
    assert [frame.type for frame in ann.take()] == ["left", "error"]
    assert [frame.type for frame in other.take()] == ["left", "error"]


# --- order ------------------------------------------------------------------------


def test_a_join_waits_for_ones_own_open_messages_and_others_for_the_join() -> None:
    """So the `ok` counts what was sent before it, and not what comes after."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.take()
    ann.say(Send(HI, LOBBY, id=1))
    ann.say(Send(HI, LOBBY, id=2))
    ann.say(Join(LOBBY, id=3))
    ann.say(Send(HI, LOBBY, id=4))
    harness.commit(1)
    assert [frame.id for frame in ann.take() if frame.type == "ok"] == [1]
    harness.settle()
    replies = [frame for frame in ann.take() if frame.type == "ok"]
    assert [reply.id for reply in replies] == [2, 3, 4]
    assert [reply.seq for reply in replies] == [2, 2, 3]


def test_a_change_of_membership_is_a_barrier_for_ones_other_connections() -> None:
    """What they send to that room is decided after it; other rooms go on."""
    harness = Harness()
    ann, other, gone = (
        harness.user("ann", TEAM),
        harness.user("ann"),
        harness.user("ann"),
    )
    harness.take_all()
    ann.say(Leave(TEAM))
    gone.say(Send(HI, TEAM))
    gone.close()
    assert other.say(Send(HI, TEAM, id=1)) == []
    assert other.say(Ping(id=2)) == []
    harness.settle()
    left = [frame for frame in other.take() if frame.type != "left"]
    assert [frame.id for frame in left] == [1, 2]
    assert left[0].code == RejectCode.NOT_MEMBER


# --- from where -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "replay_max", "replayed"),
    [
        (0, 0, [1, 2, 3, 4, 5]),
        (0, 5, [1, 2, 3, 4, 5]),
        (0, 4, None),
        (1, 4, [2, 3, 4, 5]),
        (5, 1, []),
        (6, 0, None),
    ],
)
def test_all_that_is_missing_is_replayed_or_nothing_is(
    since: int, replay_max: int, replayed: list[int] | None
) -> None:
    """Everything after `since`, then caught up; 0 is no limit. Never a part."""
    harness = Harness(Config(history=History(replay_max=replay_max), limits=FREE))
    ann = harness.user("ann", LOBBY)
    talk(ann, 5)
    frames = ann.join(since=Seq(since), epoch=epoch_of(harness), id=1)
    assert frames[0].recovered == (replayed is not None)
    assert (frames[0].seq, frames[0].users) == (5, None)
    assert seqs(frames) == (replayed or [])
    assert frames[-1] == events.CaughtUp(LOBBY, epoch_of(harness), Seq(5), id=1)


def test_a_position_means_nothing_in_another_epoch_or_before_the_first() -> None:
    """`recovered` is false, and live goes on after `ok.seq`."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    talk(ann, 4)
    other = Epoch("f" * 16)
    assert ann.join(since=Seq(4), epoch=other)[0].recovered is False
    harness.chat.durable.rooms[LOBBY].first = Seq(3)
    assert ann.join(since=Seq(1), epoch=epoch_of(harness))[0].recovered is False
    frames = ann.join(since=Seq(2), epoch=epoch_of(harness))
    assert (frames[0].recovered, frames[0].first, seqs(frames)) == (True, 3, [3, 4])
    bob.ask(Send(HI, LOBBY))
    assert seqs(ann.take()) == [5]


@pytest.mark.parametrize(("last", "replayed"), [(2, [4, 5]), (100, [2, 3, 4, 5])])
def test_the_newest_messages_are_replayed(last: int, replayed: list[int]) -> None:
    """From the n-th newest message on, or the oldest there is."""
    harness = Harness()
    ann = harness.user("ann", TEAM)
    talk(ann, 4, TEAM)
    frames = ann.join(TEAM, last=PageLimit(last))
    assert seqs(frames) == replayed
    assert frames[0].recovered is None
    assert frames[-1].type == "caught_up"


def test_where_nothing_was_said_the_newest_are_none() -> None:
    """With a timeline of joins only, and with an empty one."""
    harness = Harness()
    ann = harness.user("ann", TEAM)
    ann.take()
    for room, seq in ((TEAM, 1), (LOBBY, 0)):
        joined, caught_up = ann.join(room, last=PageLimit(5))
        assert (joined.seq, caught_up.seq) == (seq, seq)


def test_a_replay_goes_over_into_live_without_a_seam() -> None:
    """What is said meanwhile is pulled from the store, and nothing comes twice."""
    harness = Harness(Config(limits=FREE))
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    talk(ann, 5)
    command = Join(LOBBY, Seq(0), epoch_of(harness), id=1)
    _, answer, replay = ann.say(command)
    assert isinstance(answer, Answer)
    assert isinstance(replay, Replay)
    assert (replay.after, replay.upto, replay.last) == (0, 5, None)
    for count in range(9):
        if count < 4:
            bob.say(Send(HI, LOBBY))
            harness.commit()
        if harness.look_ups:
            harness.run_look_up()
    bob.say(Send(HI, LOBBY))
    harness.commit()
    frames = ann.take()
    assert seqs(frames) == list(range(1, 11))
    assert [frame.type for frame in frames[-2:]] == ["caught_up", "message"]


def test_a_replay_that_was_superseded_gets_no_caught_up() -> None:
    """Nothing of it follows the `ok` of the newer join; nor after leaving."""
    harness = Harness(Config(limits=FREE))
    ann = harness.user("ann", LOBBY)
    talk(ann, 5)
    ann.say(Join(LOBBY, Seq(0), epoch_of(harness), id=1))
    harness.run_look_up()
    ann.say(Join(LOBBY, Seq(3), epoch_of(harness), id=2))
    harness.settle()
    frames = ann.take()
    assert seqs(frames) == [1, 2, 4, 5]
    assert [f.id for f in frames if f.type == "caught_up"] == [2]
    ann.say(Join(LOBBY, Seq(0), epoch_of(harness), id=3))
    ann.say(Leave(LOBBY))
    harness.commit()
    ann.take()
    harness.settle()
    assert ann.take() == []


def test_a_page_for_a_place_that_is_void_is_nothing() -> None:
    """The room was left, joined again, or its connection is gone."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for room, connection, number in (
        (LOBBY, ann.id, 99),
        (TEAM, ann.id, 1),
        (LOBBY, type(ann.id)(99), 1),
    ):
        page = inputs.Replayed(connection, room, number, Seq(0))
        assert harness.handle(page) == []


def test_names_are_given_where_they_are_few_and_on_a_resume_when_asked_for() -> None:
    """Above names_max nobody gets them."""
    harness = Harness(Config(presence=Presence(names_max=1)))
    ann = harness.user("ann", LOBBY)
    epoch = epoch_of(harness)
    joined = ann.join(since=Seq(0), epoch=epoch, users=True)[0]
    assert joined.users == [ANN_SHOWN]
    bob = harness.user("bob")
    assert bob.join()[0].users is None
    assert bob.join(since=Seq(0), epoch=epoch, users=True)[0].users is None
