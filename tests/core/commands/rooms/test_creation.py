from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth, Rooms
from chatd.core import drafts, inputs
from chatd.core.changes import RoomMade
from chatd.core.effects import Fetch
from chatd.core.queries import LoadRooms
from chatd.core.settings import PLAIN, RoomSettings
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName, direct_room, parse_room_name
from chatd.names import Policy
from chatd.wire import events, replies
from chatd.wire.kinds import PublicRoom, SlowSeconds, Text, Topic
from chatd.wire.place import Ping
from chatd.wire.rooms import Create, Join, Leave
from chatd.wire.rooms import Rooms as RoomList
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, LOBBY, Harness, Peer

HI = Text("hi")
X = Cid("x")
TEAM = RoomName("team")
FREE = Limits(messages_per_s=0)


def epoch_of(harness: Harness, room: RoomName = LOBBY) -> Epoch:
    """The room's epoch."""
    return harness.chat.durable.rooms[room].epoch


def talk(peer: Peer, count: int, room: RoomName = LOBBY) -> None:
    """Write some messages; nothing to take."""
    for _ in range(count):
        peer.ask(Send(HI, room))
    peer.harness.take_all()


# --- by joining -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("create", "guest", "user"),
    [("anyone", True, True), ("users", False, True), ("admins", False, False)],
)
def test_who_creates_a_room_by_joining_it(create: Any, guest: bool, user: bool) -> None:
    """As `rooms.create` says; for others there is no such room. An admin always."""
    harness = Harness(Config(rooms=Rooms(create=create)))
    for peer, allowed in (
        (harness.guest(), guest),
        (harness.user("ann"), user),
        (harness.user("ada"), True),
    ):
        room = RoomName(f"room{peer.id}")
        reply = peer.join(room)[0]
        assert reply.re == "join"
        assert isinstance(reply, replies.Joined) == allowed
        if allowed:
            assert reply.created
            name = harness.chat.live.connections[peer.id].user
            assert name is not None
            assert harness.chat.durable.rooms[room].members[name].role == "owner"
        else:
            assert reply.code == RejectCode.NO_ROOM


def test_who_does_not_want_a_room_made_is_told_that_there_is_none() -> None:
    """Whoever he is, and nothing is made; one that is there is joined as ever."""
    harness = Harness(Config(rooms=Rooms(create="anyone")))
    for peer in (harness.guest(), harness.user("ann"), harness.user("ada")):
        (error,) = peer.ask(Join(TEAM, create=False, id=1))
        assert error.code == RejectCode.NO_ROOM
    assert TEAM not in harness.chat.durable.rooms
    assert harness.user("ann").join(TEAM)[0].created
    assert isinstance(
        harness.user("bob").ask(Join(TEAM, create=False))[0], replies.Joined
    )


@pytest.mark.parametrize("names", ["ascii", "unicode"])
def test_a_room_that_looks_like_another_is_refused(names: Policy) -> None:
    """Where names are of any script; of ASCII alone anything may be made."""
    harness = Harness(attrs.evolve(Config(), auth=Auth(names=names)))
    ann = harness.user("ann")
    ann.join(RoomName("modern"))
    answer = ann.join(RoomName("modem"), id=2)[0]
    if names == "ascii":
        assert answer.created
    else:
        assert (answer.code, answer.field) == (RejectCode.NAME_TAKEN, "room")
        assert RoomName("modem") not in harness.chat.durable.rooms
    assert ann.join(RoomName("other"))[0].created


@pytest.mark.parametrize("name", ["tea.", "tea_", "tea-"])
def test_no_room_is_made_whose_name_ends_in_punctuation(name: str) -> None:
    """By nobody and in neither way; one that is there is joined as ever."""
    harness, room = Harness(), RoomName(name)
    ann, ada = harness.user("ann"), harness.user("ada")
    for peer in (ann, ada):
        (refusal,) = peer.join(room, id=1)
        assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "room")
        (refusal,) = peer.ask(Create(room=PublicRoom(name), cid=Cid("1"), id=2))
        assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "room")
    assert room not in harness.chat.durable.rooms
    harness.model.execute(
        drafts.CreateRoom(room, harness.new_epoch(), RoomSettings(), {}), 0
    )
    harness.restart()
    ann = harness.user("ann")
    assert isinstance(ann.join(room)[0], replies.Joined)
    (refusal,) = ann.ask(Create(room=PublicRoom(name), id=3))
    assert refusal.code == RejectCode.EXISTS


def test_who_may_make_no_room_learns_nothing_of_names() -> None:
    """The answer is that there is none, however it would be called."""
    harness = Harness(attrs.evolve(Config(), rooms=Rooms(create="admins")))
    (refusal,) = harness.user("ann").join(RoomName("tea."), id=1)
    assert refusal.code == RejectCode.NO_ROOM


def test_a_reserved_room_is_made_by_admins_only() -> None:
    """By what it looks like; names that are reserved for people are no matter."""
    reserved = Auth(reserved=(UserName("acme"),))
    harness = Harness(attrs.evolve(Config(), auth=reserved))
    ann, ada = harness.user("ann"), harness.user("ada")
    (refusal,) = ann.join(RoomName("acrne"), id=1)
    assert (refusal.code, refusal.field) == (RejectCode.NAME_TAKEN, "room")
    assert refusal.text == "room: the name is reserved"
    assert ann.join(RoomName("support"))[0].created
    assert ada.join(RoomName("acme"))[0].created


def test_private_and_direct_names_are_never_created_by_joining() -> None:
    """Nor is one told whether they exist."""
    harness = Harness()
    ann, cy = harness.user("ann"), harness.user("cy")
    private = RoomName("~abcdefghijklmnop")
    assert ann.join(private)[0].code == RejectCode.NO_ROOM
    ann.ask(Send(HI, to=BOB))
    assert cy.join(direct_room(ANN, BOB))[0].code == RejectCode.NO_ROOM
    joined = [f for f in ann.join(direct_room(ANN, BOB)) if f.type == "ok"]
    assert isinstance(joined[-1], replies.Joined)


def test_two_who_create_a_room_at_once_have_one_owner() -> None:
    """The second one joins the room of the first."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    harness.take_all()
    ann.say(Join(TEAM))
    bob.say(Join(TEAM))
    bob.say(Ping())
    harness.settle()
    first, second = ann.take()[0], bob.take()
    assert (first.created, first.seq) == (True, 1)
    assert (second[0].created, second[0].seq) == (False, 2)
    assert second[-1] == replies.Done("ping")
    roles = {
        name: m.role for name, m in harness.chat.durable.rooms[TEAM].members.items()
    }
    assert roles == {ANN: "owner", BOB: "member"}


def test_the_creators_join_is_the_first_event_and_is_read() -> None:
    """In memory as on disk."""
    harness = Harness()
    harness.user("ann", TEAM)
    room = harness.chat.durable.rooms[TEAM]
    assert (room.head, room.members[ANN].read) == (1, 1)
    assert harness.model.rooms[TEAM].members[ANN].read == 1


def test_a_room_whose_creator_is_gone_exists() -> None:
    """It was committed before anybody knew; a second outcome changes nothing."""
    harness = Harness()
    ann = harness.user("ann")
    ann.say(Join(TEAM))
    harness.run_look_up()
    (origin,) = harness.drafts
    ann.close()
    harness.settle()
    assert list(harness.chat.durable.rooms[TEAM].members) == [ANN]
    event = harness.model.rooms[TEAM].timeline[0]
    assert isinstance(event, events.Member)
    epoch = harness.model.rooms[TEAM].epoch
    made = RoomMade(TEAM, epoch, PLAIN, {}, maker=ANN, event=event)
    again = drafts.Committed((made,))
    harness.handle(inputs.Executed(origin, again))
    assert harness.chat.durable.rooms[TEAM].head == 1


# --- create -----------------------------------------------------------------------


def test_a_room_is_created_with_its_settings() -> None:
    """Its creator owns it, and follows it once he joins."""
    harness = Harness()
    ann = harness.user("ann")
    ann.take()
    command = Create(
        PublicRoom(TEAM), topic=Topic("bikes"), slow_s=SlowSeconds(5), cid=X, id=1
    )
    settings = RoomSettings(topic="bikes", slow_s=5)
    assert ann.say(command) == [Fetch(LoadRooms([TEAM]))]
    harness.run_look_up()
    draft = harness.drafts[0].draft
    assert isinstance(draft, drafts.CreateRoom)
    assert (draft.settings, draft.members) == (settings, {ANN: "owner"})
    harness.settle()
    epoch = epoch_of(harness, TEAM)
    assert ann.take() == [replies.Created(TEAM, epoch, Seq(1), cid=X, id=1)]
    joined, _ = ann.join(TEAM)
    assert (joined.role, joined.topic, joined.slow_s) == ("owner", "bikes", 5)
    assert joined.created is False


def test_a_private_room_has_a_drawn_name_and_is_in_no_list() -> None:
    """Nobody finds it; its title is what people read."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
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
    (welcome,) = harness.open().hello(name="ann", password="right")
    assert [room.title for room in welcome.rooms] == ["The den", "The den"]


@pytest.mark.parametrize("where", [{"room": TEAM}, {"private": True}])
def test_a_retry_of_create_answers_the_room_that_was_made(where: Any) -> None:
    """By its cid, at once or later, and at no cost; other content is a conflict."""
    harness = Harness(Config(limits=Limits(messages_per_s=0.001, messages_burst=2)))
    ann, other = harness.user("ann"), harness.user("ann")
    harness.take_all()
    ann.say(Create(**where, cid=X))
    other.say(Create(**where, cid=X))
    harness.settle()
    (first,), (joined, second) = ann.take(), other.take()
    assert joined.type == "joined"
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
    harness = Harness(Config(limits=Limits(**limits)))
    ann = harness.user("ann", address="192.0.2.1")
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
    harness.settle()


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
    harness = Harness(Config(limits=limits))
    bob = harness.user("bob", RoomName("bobs"))
    ann = harness.user("ann", address=address)
    harness.take_all()
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
    harness = Harness(Config(limits=Limits(creations_per_h=1, creations_burst=1)))
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.say(Join(TEAM))
    bob.say(Join(TEAM))
    harness.settle()
    harness.take_all()
    assert ann.join(RoomName("den"))[0].code == RejectCode.RATE_LIMITED
    assert bob.join(RoomName("den"))[0].created


@pytest.mark.parametrize("is_guest", [False, True])
def test_a_creator_who_is_no_member_any_more_is_told_the_beginning(
    is_guest: bool,
) -> None:
    """A retry tells nobody how much is said in a room that he is not in."""
    harness = Harness(Config(rooms=Rooms(create="anyone")))
    ann = harness.guest() if is_guest else harness.user("ann")
    bob = harness.user("bob")
    command = Create(PublicRoom(TEAM), cid=X)
    ann.ask(command)
    ann.ask(Leave(TEAM))
    bob.join(TEAM)
    talk(bob, 3, TEAM)
    (again,) = ann.ask(command)
    assert (again.dup, again.seq) == (True, 0 if is_guest else 1)
    ann.join(TEAM)
    (again,) = ann.ask(command)
    assert again.seq == harness.chat.durable.rooms[TEAM].head


def test_a_name_is_created_once() -> None:
    """`exists`, also when both were first, and with a cid of one's own."""
    harness = Harness(Config(limits=FREE))
    ann, bob = harness.user("ann"), harness.user("bob")
    harness.take_all()
    ann.say(Create(PublicRoom(TEAM)))
    bob.say(Create(PublicRoom(TEAM)))
    harness.settle()
    assert ann.take()[0].type == "ok"
    for error in (
        *bob.take(),
        *bob.ask(Create(PublicRoom(TEAM))),
        *bob.ask(Create(PublicRoom(TEAM), cid=X)),
    ):
        assert (error.code, error.field) == (RejectCode.EXISTS, "room")


def test_who_may_not_create_is_told_who_may() -> None:
    """As `rooms.create` says."""
    harness = Harness()
    guest = harness.guest()
    guest.take()
    (error,) = guest.ask(Create(PublicRoom(TEAM)))
    assert error.code == RejectCode.FORBIDDEN
    assert error.text == "rooms are made by users here"


def test_a_creation_that_could_not_be_stored_is_answered() -> None:
    """And what waited behind it goes on; whose sender is gone is created."""
    harness = Harness()
    ann = harness.user("ann")
    ann.take()
    ann.say(Create(PublicRoom(TEAM), id=1))
    ann.say(Ping(id=2))
    harness.run_look_up()
    harness.fail()
    assert [getattr(f, "code", None) for f in ann.take()] == ["unavailable", None]
    ann.say(Create(PublicRoom(TEAM)))
    harness.run_look_up()
    ann.close()
    harness.settle()
    assert list(harness.chat.durable.rooms[TEAM].members) == [ANN]
