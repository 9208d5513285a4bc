from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth, History, Presence, Rooms
from chatd.core import drafts, inputs
from chatd.core.changes import RoomMade
from chatd.core.effects import (
    Answer,
    Append,
    Fetch,
    Origin,
    Replay,
    Subscribe,
    Tell,
    Unsubscribe,
)
from chatd.core.queries import LoadRooms
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import Role, State
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName, direct_room, parse_room_name
from chatd.names import Policy
from chatd.wire import events, replies
from chatd.wire.commands import Join, Leave, Ping, Send
from chatd.wire.commands import Rooms as RoomList
from chatd.wire.kinds import PageLimit, PublicRoom, SlowSeconds, Text, Topic
from chatd.wire.rooms import Create
from tests.core.house import ANN, BOB, LOBBY, House, Peer

HI = Text("hi")
X = Cid("x")
TEAM = RoomName("team")
FREE = Limits(messages_per_s=0)
ANN_SHOWN, BOB_SHOWN = (events.UserShown(n, None, State.ONLINE) for n in (ANN, BOB))


def epoch_of(house: House, room: RoomName = LOBBY) -> Epoch:
    """The room's epoch."""
    return house.chat.durable.rooms[room].epoch


def talk(peer: Peer, count: int, room: RoomName = LOBBY) -> None:
    """Write some messages; nothing to take."""
    for _ in range(count):
        peer.ask(Send(HI, room))
    peer.house.take_all()


def seqs(frames: list[Any]) -> list[int]:
    """The seq of each event."""
    return [
        frame.seq for frame in frames if hasattr(frame, "ts") and frame.type != "ok"
    ]


# --- becoming a member --------------------------------------------------------------


def test_a_join_makes_a_member_and_subscribes() -> None:
    """Answered once it is on disk; then caught up, then live."""
    house = House()
    ann = house.user("ann")
    command = Join(LOBBY, id=1)
    draft = drafts.SetMember(LOBBY, ANN, Role.MEMBER, event=False)
    assert ann.say(command) == [Append(Origin(ann.id, command, draft))]
    ann.take()
    house.settle()
    epoch = epoch_of(house)
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
    house = House()
    ann = house.user("ann", LOBBY)
    unsubscribe, answer, subscribe, tell = ann.say(Join(LOBBY))
    assert unsubscribe == Unsubscribe(ann.id, LOBBY, drop=True)
    assert isinstance(answer, Answer)
    assert subscribe == Subscribe(ann.id, LOBBY)
    assert isinstance(tell, Tell)


def test_accounts_are_told_of_in_rooms_that_were_made() -> None:
    """A join and a leave are events; the joiner's `ok` counts his own."""
    house = House()
    ann = house.user("ann", TEAM)
    bob = house.user("bob")
    house.take_all()
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
    house = House()
    ann = house.user("ann", room)
    head = house.chat.durable.rooms[room].head
    guest = house.guest(room)
    assert house.chat.durable.rooms[room].head == head
    house.take_all()
    assert guest.ask(Leave(room)) == [replies.Done("leave"), events.Left(room, "leave")]
    assert house.chat.durable.rooms[room].head == head
    assert seqs(ann.take()) == []


def test_declared_rooms_keep_no_trace_of_accounts_either() -> None:
    """Their timeline is for what is said."""
    house = House()
    ann = house.user("ann", LOBBY)
    ann.ask(Leave(LOBBY))
    assert house.chat.durable.rooms[LOBBY].head == 0


def test_a_first_join_sets_the_read_mark_to_the_head() -> None:
    """Nobody has unread messages from before his time."""
    house = House()
    talk(house.user("ann", TEAM), 2, TEAM)
    house.user("bob", TEAM)
    room = house.chat.durable.rooms[TEAM]
    assert (room.members[BOB].read, room.head) == (4, 4)


# --- leaving ------------------------------------------------------------------------


def test_leaving_ends_it_on_all_devices() -> None:
    """Every connection gets `left`, joined or not, and one's own leave comes before."""
    house = House()
    ann, other, third = house.user("ann", TEAM), house.user("ann"), house.user("ann")
    other.join(TEAM)
    house.take_all()
    ann.ask(Leave(TEAM))
    assert [frame.type for frame in other.take()] == ["member", "left"]
    assert [frame.type for frame in third.take()] == ["left"]


def test_one_leaves_only_where_one_is_and_no_direct_conversation() -> None:
    """`not_member`, `no_room`, `forbidden`."""
    house = House()
    ann = house.user("ann")
    ann.ask(Send(HI, to=BOB))
    direct = direct_room(ANN, BOB)
    ann.take()
    replies = [*ann.ask(Leave(LOBBY)), *ann.ask(Leave(TEAM)), *ann.ask(Leave(direct))]
    codes = [RejectCode.NOT_MEMBER, RejectCode.NO_ROOM, RejectCode.FORBIDDEN]
    assert [reply.code for reply in replies] == codes


def test_a_leave_whose_connection_is_gone_ends_the_membership() -> None:
    """It was committed; the other devices are told."""
    house = House()
    ann, other = house.user("ann", LOBBY), house.user("ann", LOBBY)
    ann.say(Leave(LOBBY))
    ann.close()
    other.take()
    house.settle()
    assert other.take() == [events.Left(LOBBY, "leave")]


def test_a_guest_who_leaves_and_is_gone_is_told_nothing() -> None:
    """There is nobody to tell."""
    house = House()
    guest = house.guest(LOBBY)
    guest.say(Leave(LOBBY))
    guest.close()
    house.settle()
    assert list(house.chat.durable.rooms[LOBBY].members) == []


# --- creating -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("create", "guest", "user"),
    [("anyone", True, True), ("users", False, True), ("admins", False, False)],
)
def test_who_creates_a_room_by_joining_it(create: Any, guest: bool, user: bool) -> None:
    """As `rooms.create` says; for others there is no such room. An admin always."""
    house = House(Config(rooms=Rooms(create=create)))
    for peer, allowed in (
        (house.guest(), guest),
        (house.user("ann"), user),
        (house.user("ada"), True),
    ):
        room = RoomName(f"room{peer.id}")
        reply = peer.join(room)[0]
        assert reply.re == "join"
        assert isinstance(reply, replies.Joined) == allowed
        if allowed:
            assert reply.created
            name = house.chat.live.connections[peer.id].user
            assert name is not None
            assert house.chat.durable.rooms[room].members[name].role == "owner"
        else:
            assert reply.code == RejectCode.NO_ROOM


@pytest.mark.parametrize("names", ["ascii", "unicode"])
def test_a_room_that_looks_like_another_is_refused(names: Policy) -> None:
    """Where names are of any script; of ASCII alone anything may be made."""
    house = House(attrs.evolve(Config(), auth=Auth(names=names)))
    ann = house.user("ann")
    ann.join(RoomName("modern"))
    answer = ann.join(RoomName("modem"), id=2)[0]
    if names == "ascii":
        assert answer.created
    else:
        assert (answer.code, answer.field) == (RejectCode.NAME_TAKEN, "room")
        assert RoomName("modem") not in house.chat.durable.rooms
    assert ann.join(RoomName("other"))[0].created


@pytest.mark.parametrize("name", ["tea.", "tea_", "tea-"])
def test_no_room_is_made_whose_name_ends_in_punctuation(name: str) -> None:
    """By nobody and in neither way; one that is there is joined as ever."""
    house, room = House(), RoomName(name)
    ann, ada = house.user("ann"), house.user("ada")
    for peer in (ann, ada):
        (refusal,) = peer.join(room, id=1)
        assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "room")
        (refusal,) = peer.ask(Create(room=PublicRoom(name), cid=Cid("1"), id=2))
        assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "room")
    assert room not in house.chat.durable.rooms
    house.model.execute(
        drafts.CreateRoom(room, house.new_epoch(), RoomSettings(), {}), 0
    )
    house.restart()
    ann = house.user("ann")
    assert isinstance(ann.join(room)[0], replies.Joined)
    (refusal,) = ann.ask(Create(room=PublicRoom(name), id=3))
    assert refusal.code == RejectCode.EXISTS


def test_who_may_make_no_room_learns_nothing_of_names() -> None:
    """The answer is that there is none, however it would be called."""
    house = House(attrs.evolve(Config(), rooms=Rooms(create="admins")))
    (refusal,) = house.user("ann").join(RoomName("tea."), id=1)
    assert refusal.code == RejectCode.NO_ROOM


def test_a_reserved_room_is_made_by_admins_only() -> None:
    """By what it looks like; names that are reserved for people are no matter."""
    reserved = Auth(reserved=(UserName("acme"),))
    house = House(attrs.evolve(Config(), auth=reserved))
    ann, ada = house.user("ann"), house.user("ada")
    (refusal,) = ann.join(RoomName("acrne"), id=1)
    assert (refusal.code, refusal.field) == (RejectCode.NAME_TAKEN, "room")
    assert refusal.text == "room: the name is reserved"
    assert ann.join(RoomName("support"))[0].created
    assert ada.join(RoomName("acme"))[0].created


def test_private_and_direct_names_are_never_created_by_joining() -> None:
    """Nor is one told whether they exist."""
    house = House()
    ann, cy = house.user("ann"), house.user("cy")
    private = RoomName("~abcdefghijklmnop")
    assert ann.join(private)[0].code == RejectCode.NO_ROOM
    ann.ask(Send(HI, to=BOB))
    assert cy.join(direct_room(ANN, BOB))[0].code == RejectCode.NO_ROOM
    joined = [f for f in ann.join(direct_room(ANN, BOB)) if f.type == "ok"]
    assert isinstance(joined[-1], replies.Joined)


def test_two_who_create_a_room_at_once_have_one_owner() -> None:
    """The second one joins the room of the first."""
    house = House()
    ann, bob = house.user("ann"), house.user("bob")
    house.take_all()
    ann.say(Join(TEAM))
    bob.say(Join(TEAM))
    bob.say(Ping())
    house.settle()
    first, second = ann.take()[0], bob.take()
    assert (first.created, first.seq) == (True, 1)
    assert (second[0].created, second[0].seq) == (False, 2)
    assert second[-1] == replies.Done("ping")
    roles = {name: m.role for name, m in house.chat.durable.rooms[TEAM].members.items()}
    assert roles == {ANN: "owner", BOB: "member"}


def test_the_creators_join_is_the_first_event_and_is_read() -> None:
    """In memory as on disk."""
    house = House()
    house.user("ann", TEAM)
    room = house.chat.durable.rooms[TEAM]
    assert (room.head, room.members[ANN].read) == (1, 1)
    assert house.model.rooms[TEAM].members[ANN].read == 1


def test_a_room_whose_creator_is_gone_exists() -> None:
    """It was committed before anybody knew; a second outcome changes nothing."""
    house = House()
    ann = house.user("ann")
    ann.say(Join(TEAM))
    house.run_look_up()
    (origin,) = house.drafts
    ann.close()
    house.settle()
    assert list(house.chat.durable.rooms[TEAM].members) == [ANN]
    event = house.model.rooms[TEAM].timeline[0]
    assert isinstance(event, events.Member)
    epoch = house.model.rooms[TEAM].epoch
    made = RoomMade(TEAM, epoch, PLAIN, {}, maker=ANN, event=event)
    again = drafts.Committed((made,))
    house.handle(inputs.Executed(origin, again))
    assert house.chat.durable.rooms[TEAM].head == 1


# --- create -------------------------------------------------------------------------


def test_a_room_is_created_with_its_settings() -> None:
    """Its creator owns it, and follows it once he joins."""
    house = House()
    ann = house.user("ann")
    ann.take()
    command = Create(
        PublicRoom(TEAM), topic=Topic("bikes"), slow_s=SlowSeconds(5), cid=X, id=1
    )
    settings = RoomSettings(topic="bikes", slow_s=5)
    assert ann.say(command) == [Fetch(LoadRooms([TEAM]))]
    house.run_look_up()
    draft = house.drafts[0].draft
    assert isinstance(draft, drafts.CreateRoom)
    assert (draft.settings, draft.members) == (settings, {ANN: "owner"})
    house.settle()
    epoch = epoch_of(house, TEAM)
    assert ann.take() == [replies.Created(TEAM, epoch, Seq(1), cid=X, id=1)]
    joined, _ = ann.join(TEAM)
    assert (joined.role, joined.topic, joined.slow_s) == ("owner", "bikes", 5)
    assert joined.created is False


def test_a_private_room_has_a_drawn_name_and_is_in_no_list() -> None:
    """Nobody finds it; its title is what people read."""
    house = House()
    ann, bob = house.user("ann"), house.user("bob")
    bob.take()
    names = []
    for _ in range(2):
        (created,) = ann.ask(Create(private=True, title=Topic("The den")))[-1:]
        names.append(parse_room_name(created.room))
        assert len(created.room) == 17
    assert names[0] != names[1]
    assert [room.room for room in bob.ask(RoomList())[0].rooms] == [LOBBY]
    (error,) = bob.join(names[0])
    assert error.code == RejectCode.NO_ROOM
    (welcome,) = house.open().hello(name="ann", password="right")
    assert [room.title for room in welcome.rooms] == ["The den", "The den"]


@pytest.mark.parametrize("where", [{"room": TEAM}, {"private": True}])
def test_a_retry_of_create_answers_the_room_that_was_made(where: Any) -> None:
    """By its cid, at once or later, and at no cost; other content is a conflict."""
    house = House(Config(limits=Limits(messages_per_s=0.001, messages_burst=2)))
    ann, other = house.user("ann"), house.user("ann")
    house.take_all()
    ann.say(Create(**where, cid=X))
    other.say(Create(**where, cid=X))
    house.settle()
    (first,), (second,) = ann.take(), other.take()
    assert second == replies.Created(first.room, first.epoch, Seq(1), dup=True, cid=X)
    for _ in range(3):
        (again,) = ann.ask(Create(**where, cid=X))
        assert (again.room, again.dup) == (first.room, True)
    (error,) = ann.ask(Create(**where, topic=Topic("x"), cid=X))
    assert (error.code, error.field) == (RejectCode.CID_CONFLICT, "cid")


@pytest.mark.parametrize(
    "limits",
    [
        {"rooms_per_user": 1},
        {"memberships_per_user": 1},
        {"creations_per_h": 1, "creations_burst": 1},
        {"messages_per_s": 0.001, "messages_burst": 1},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_a_retry_of_create_is_looked_up_before_a_limit_says_no(limits: Any) -> None:
    """At a cap or a rate it learns the truth; what made nothing is refused."""
    house = House(Config(limits=Limits(**limits)))
    ann = house.user("ann", address="192.0.2.1")
    ann.take()
    command = Create(PublicRoom(TEAM), cid=X)
    (first,) = ann.ask(command)
    again = replies.Created(TEAM, first.epoch, Seq(1), dup=True, cid=X)
    assert ann.ask(command) == [again]
    (error,) = ann.ask(Create(PublicRoom(TEAM), topic=Topic("x"), cid=X))
    assert error.code == RejectCode.CID_CONFLICT
    (error,) = ann.ask(Create(private=True, cid=Cid("y")))
    assert (error.code, error.cid) in {
        (RejectCode.FORBIDDEN, "y"),
        (RejectCode.RATE_LIMITED, "y"),
    }
    ann.say(command)
    ann.close()
    house.settle()


@pytest.mark.parametrize("address", [None, "192.0.2.1"])
def test_a_retry_of_create_costs_nothing(address: str | None) -> None:
    """Nor does a name that is taken, nor what another limit refuses."""
    limits = Limits(
        creations_per_h=1,
        creations_burst=2,
        messages_per_s=0.001,
        messages_burst=3,
        address_factor=1,
        memberships_per_user=2,
    )
    house = House(Config(limits=limits))
    bob = house.user("bob", RoomName("bobs"))
    ann = house.user("ann", address=address)
    house.take_all()
    command = Create(PublicRoom(TEAM), cid=X)
    assert [frame.dup for _ in range(4) for frame in ann.ask(command)] == [
        False,
        *[True] * 3,
    ]
    (error,) = ann.ask(Create(PublicRoom("bobs"), cid=Cid("y")))
    assert error.code == RejectCode.EXISTS
    (made,) = ann.ask(Create(private=True))
    assert made.type == "ok"
    for _ in range(3):
        (error,) = ann.ask(Create(private=True))
        assert error.code == RejectCode.FORBIDDEN
    assert ann.ask(Send(HI, TEAM))[0].type == "ok"
    assert bob.take() == []


def test_two_who_join_a_new_name_at_once_make_one_room() -> None:
    """It is one's creation, and counts as his alone."""
    house = House(Config(limits=Limits(creations_per_h=1, creations_burst=1)))
    ann, bob = house.user("ann"), house.user("bob")
    ann.say(Join(TEAM))
    bob.say(Join(TEAM))
    house.settle()
    house.take_all()
    assert ann.join(RoomName("den"))[0].code == RejectCode.RATE_LIMITED
    assert bob.join(RoomName("den"))[0].created


@pytest.mark.parametrize("is_guest", [False, True])
def test_a_creator_who_is_no_member_any_more_is_told_the_beginning(
    is_guest: bool,
) -> None:
    """A retry tells nobody how much is said in a room that he is not in."""
    house = House(Config(rooms=Rooms(create="anyone")))
    ann = house.guest() if is_guest else house.user("ann")
    bob = house.user("bob")
    command = Create(PublicRoom(TEAM), cid=X)
    ann.ask(command)
    ann.ask(Leave(TEAM))
    bob.join(TEAM)
    talk(bob, 3, TEAM)
    (again,) = ann.ask(command)
    assert (again.dup, again.seq) == (True, 0 if is_guest else 1)
    ann.join(TEAM)
    (again,) = ann.ask(command)
    assert again.seq == house.chat.durable.rooms[TEAM].head


def test_a_name_is_created_once() -> None:
    """`exists`, also when both were first, and with a cid of one's own."""
    house = House(Config(limits=FREE))
    ann, bob = house.user("ann"), house.user("bob")
    house.take_all()
    ann.say(Create(PublicRoom(TEAM)))
    bob.say(Create(PublicRoom(TEAM)))
    house.settle()
    assert ann.take()[0].type == "ok"
    for error in (
        *bob.take(),
        *bob.ask(Create(PublicRoom(TEAM))),
        *bob.ask(Create(PublicRoom(TEAM), cid=X)),
    ):
        assert (error.code, error.field) == (RejectCode.EXISTS, "room")


def test_who_may_not_create_is_told_who_may() -> None:
    """As `rooms.create` says."""
    house = House()
    guest = house.guest()
    guest.take()
    (error,) = guest.ask(Create(PublicRoom(TEAM)))
    assert error.code == RejectCode.FORBIDDEN
    assert error.text == "rooms are made by users here"


def test_a_creation_that_could_not_be_stored_is_answered() -> None:
    """And what waited behind it goes on; whose sender is gone is created."""
    house = House()
    ann = house.user("ann")
    ann.take()
    ann.say(Create(PublicRoom(TEAM), id=1))
    ann.say(Ping(id=2))
    house.run_look_up()
    house.fail()
    assert [getattr(f, "code", None) for f in ann.take()] == ["unavailable", None]
    ann.say(Create(PublicRoom(TEAM)))
    house.run_look_up()
    ann.close()
    house.settle()
    assert list(house.chat.durable.rooms[TEAM].members) == [ANN]


# --- unavailable --------------------------------------------------------------------


@pytest.mark.parametrize("room", [LOBBY, TEAM])
def test_a_join_that_could_not_be_stored_is_answered_and_unblocks(
    room: RoomName,
) -> None:
    """What waited behind it goes on, and so does a second attempt."""
    house = House()
    ann, other = house.user("ann"), house.user("ann")
    house.take_all()
    ann.say(Join(room, id=1))
    ann.say(Ping(id=2))
    other.say(Send(HI, room, id=3))
    while house.look_ups:
        house.run_look_up()
    house.fail()
    house.settle()
    error, done = ann.take()
    assert (error.code, error.re, error.id) == ("unavailable", "join", 1)
    assert done.id == 2
    assert [frame.id for frame in other.take()] == [3]
    assert isinstance(ann.join(room)[0], replies.Joined)


def test_a_leave_that_could_not_be_stored_leaves_everything_as_it_was() -> None:
    """Answered, unblocked, still subscribed."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    ann.say(Leave(LOBBY))
    house.fail()
    assert ann.take()[-1].code == "unavailable"
    talk(bob, 0)
    bob.ask(Send(HI, LOBBY))
    assert seqs(ann.take()) == [1]


def test_a_leave_that_is_committed_after_a_stall_counts() -> None:
    """Its sender was told `unavailable`; `left` tells him the truth, and what was
    sent for that room meanwhile is decided after it.
    """
    house = House()
    ann, other = house.user("ann", LOBBY), house.user("ann")
    house.take_all()
    ann.say(Leave(LOBBY))
    house.stall()
    (error,) = ann.take()
    assert error.code == RejectCode.UNAVAILABLE
    ann.say(Leave(LOBBY, id=2))
    other.say(Send(HI, LOBBY))
    assert ann.take() == other.take() == []
    house.commit()
    assert [frame.type for frame in ann.take()] == ["left", "error"]
    assert [frame.type for frame in other.take()] == ["left", "error"]


# --- order --------------------------------------------------------------------------


def test_a_join_waits_for_ones_own_open_messages_and_others_for_the_join() -> None:
    """So the `ok` counts what was sent before it, and not what comes after."""
    house = House()
    ann = house.user("ann", LOBBY)
    ann.take()
    ann.say(Send(HI, LOBBY, id=1))
    ann.say(Send(HI, LOBBY, id=2))
    ann.say(Join(LOBBY, id=3))
    ann.say(Send(HI, LOBBY, id=4))
    house.commit(1)
    assert [frame.id for frame in ann.take() if frame.type == "ok"] == [1]
    house.settle()
    replies = [frame for frame in ann.take() if frame.type == "ok"]
    assert [reply.id for reply in replies] == [2, 3, 4]
    assert [reply.seq for reply in replies] == [2, 2, 3]


def test_a_change_of_membership_is_a_barrier_for_ones_other_connections() -> None:
    """What they send to that room is decided after it; other rooms go on."""
    house = House()
    ann, other, gone = house.user("ann", TEAM), house.user("ann"), house.user("ann")
    house.take_all()
    ann.say(Leave(TEAM))
    gone.say(Send(HI, TEAM))
    gone.close()
    assert other.say(Send(HI, TEAM, id=1)) == []
    assert other.say(Ping(id=2)) == []
    house.settle()
    left = [frame for frame in other.take() if frame.type != "left"]
    assert [frame.id for frame in left] == [1, 2]
    assert left[0].code == RejectCode.NOT_MEMBER


# --- from where ---------------------------------------------------------------------


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
    house = House(Config(history=History(replay_max=replay_max), limits=FREE))
    ann = house.user("ann", LOBBY)
    talk(ann, 5)
    frames = ann.join(since=Seq(since), epoch=epoch_of(house), id=1)
    assert frames[0].recovered == (replayed is not None)
    assert (frames[0].seq, frames[0].users) == (5, None)
    assert seqs(frames) == (replayed or [])
    assert frames[-1] == events.CaughtUp(LOBBY, epoch_of(house), Seq(5), id=1)


def test_a_position_means_nothing_in_another_epoch_or_before_the_first() -> None:
    """`recovered` is false, and live goes on after `ok.seq`."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    talk(ann, 4)
    other = Epoch("f" * 16)
    assert ann.join(since=Seq(4), epoch=other)[0].recovered is False
    house.chat.durable.rooms[LOBBY].first = Seq(3)
    assert ann.join(since=Seq(1), epoch=epoch_of(house))[0].recovered is False
    frames = ann.join(since=Seq(2), epoch=epoch_of(house))
    assert (frames[0].recovered, frames[0].first, seqs(frames)) == (True, 3, [3, 4])
    bob.ask(Send(HI, LOBBY))
    assert seqs(ann.take()) == [5]


@pytest.mark.parametrize(("last", "replayed"), [(2, [4, 5]), (100, [2, 3, 4, 5])])
def test_the_newest_messages_are_replayed(last: int, replayed: list[int]) -> None:
    """From the n-th newest message on, or the oldest there is."""
    house = House()
    ann = house.user("ann", TEAM)
    talk(ann, 4, TEAM)
    frames = ann.join(TEAM, last=PageLimit(last))
    assert seqs(frames) == replayed
    assert frames[0].recovered is None
    assert frames[-1].type == "caught_up"


def test_where_nothing_was_said_the_newest_are_none() -> None:
    """With a timeline of joins only, and with an empty one."""
    house = House()
    ann = house.user("ann", TEAM)
    ann.take()
    for room, seq in ((TEAM, 1), (LOBBY, 0)):
        joined, caught_up = ann.join(room, last=PageLimit(5))
        assert (joined.seq, caught_up.seq) == (seq, seq)


def test_a_replay_goes_over_into_live_without_a_seam() -> None:
    """What is said meanwhile is pulled from the store, and nothing comes twice."""
    house = House(Config(limits=FREE))
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    talk(ann, 5)
    command = Join(LOBBY, Seq(0), epoch_of(house), id=1)
    _, answer, replay = ann.say(command)
    assert isinstance(answer, Answer)
    assert isinstance(replay, Replay)
    assert (replay.after, replay.upto, replay.last) == (0, 5, None)
    for count in range(9):
        if count < 4:
            bob.say(Send(HI, LOBBY))
            house.commit()
        if house.look_ups:
            house.run_look_up()
    bob.say(Send(HI, LOBBY))
    house.commit()
    frames = ann.take()
    assert seqs(frames) == list(range(1, 11))
    assert [frame.type for frame in frames[-2:]] == ["caught_up", "message"]


def test_a_replay_that_was_superseded_gets_no_caught_up() -> None:
    """Nothing of it follows the `ok` of the newer join; nor after leaving."""
    house = House(Config(limits=FREE))
    ann = house.user("ann", LOBBY)
    talk(ann, 5)
    ann.say(Join(LOBBY, Seq(0), epoch_of(house), id=1))
    house.run_look_up()
    ann.say(Join(LOBBY, Seq(3), epoch_of(house), id=2))
    house.settle()
    frames = ann.take()
    assert seqs(frames) == [1, 2, 4, 5]
    assert [f.id for f in frames if f.type == "caught_up"] == [2]
    ann.say(Join(LOBBY, Seq(0), epoch_of(house), id=3))
    ann.say(Leave(LOBBY))
    house.commit()
    ann.take()
    house.settle()
    assert ann.take() == []


def test_a_page_for_a_place_that_is_void_is_nothing() -> None:
    """The room was left, joined again, or its connection is gone."""
    house = House()
    ann = house.user("ann", LOBBY)
    for room, connection, number in (
        (LOBBY, ann.id, 99),
        (TEAM, ann.id, 1),
        (LOBBY, type(ann.id)(99), 1),
    ):
        page = inputs.Replayed(connection, room, number, Seq(0))
        assert house.handle(page) == []


def test_names_are_given_where_they_are_few_and_on_a_resume_when_asked_for() -> None:
    """Above names_max nobody gets them."""
    house = House(Config(presence=Presence(names_max=1)))
    ann = house.user("ann", LOBBY)
    epoch = epoch_of(house)
    joined = ann.join(since=Seq(0), epoch=epoch, users=True)[0]
    assert joined.users == [ANN_SHOWN]
    bob = house.user("bob")
    assert bob.join()[0].users is None
    assert bob.join(since=Seq(0), epoch=epoch, users=True)[0].users is None
