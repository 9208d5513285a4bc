"""What of the store is in memory, and how it comes there and goes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core.changes import (
    DisplaySet,
    MemberSet,
    RoomMade,
    RoomTrimmed,
    UserErased,
)
from chatd.core.effects import Effect, Fetch
from chatd.core.entities import IDLE_S, Sanction
from chatd.core.loading import ROOMS
from chatd.core.queries import LoadRooms, LoadUser
from chatd.core.settings import RoomSettings
from chatd.enums import Role
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import Epoch, RoomName, Seq, UserName, direct_room
from chatd.ports import UserRow
from chatd.wire.commands import Hello, Join, Leave, Read, Send, Who
from chatd.wire.commands import Rooms as ListRooms
from chatd.wire.kinds import (
    Display,
    GuestName,
    PublicRoom,
    Reason,
    Secret,
    SlowSeconds,
    Text,
)
from chatd.wire.moderation import Ban, Invite
from chatd.wire.rooms import Create, Rename, SetRoom
from tests.core.house import ADA, ANN, BOB, CY, LOBBY, House, Peer

DIRECT, TEAM = direct_room(ANN, BOB), RoomName("team")
HI = Text("hi")
UNREADABLE = Reject(RejectCode.UNAVAILABLE, "busy", retry_after_s=1.0)


@pytest.fixture
def house() -> House:
    """Ann has written to bob, and into a room of her own; nobody is here any more."""
    house = House()
    ann, bob = house.user("ann", TEAM), house.user("bob")
    ann.ask(Send(HI, to=BOB))
    ann.ask(Send(HI, TEAM))
    leave(house, ann, bob)
    assert known(house) == (set(), {LOBBY})
    return house


def known(house: House) -> tuple[set[UserName], set[RoomName]]:
    """The users and the rooms in memory."""
    return set(house.chat.durable.users), set(house.chat.durable.rooms)


def leave(house: House, *peers: Peer) -> None:
    """Have some connections closed, for so long that what only they need goes."""
    for peer in peers:
        peer.close()
    for _ in range(4):
        house.settle()
        house.wait(IDLE_S)


def come(house: House, name: UserName) -> Peer:
    """Open a connection that says hello, and is verified; its session is on disk."""
    peer = house.open()
    peer.say(Hello(GuestName(name), Secret("right")))
    house.run_look_up(-1)
    house.commit()
    return peer


def read(look_ups: list[Effect]) -> list[Any]:
    """What is being read into memory."""
    return [effect.query for effect in look_ups if isinstance(effect, Fetch)]


def codes(frames: list[Any]) -> list[Any]:
    """The codes of errors, and the types of all else."""
    return [getattr(frame, "code", frame.type) for frame in frames]


# --- users who come -----------------------------------------------------------------


def test_whoever_comes_is_read_with_his_rooms(house: House) -> None:
    """With their numbering and his read marks; the others need not be there."""
    (welcome,) = house.open().hello(name=GuestName("bob"), password=Secret("right"))
    (room,) = welcome.rooms
    assert (room.room, room.seq, room.read, room.unread) == (DIRECT, 1, 0, 1)
    found = house.chat.durable.rooms[DIRECT]
    assert list(found.online) == [BOB]
    assert set(found.members) == {ANN, BOB}
    assert known(house) == ({BOB}, {LOBBY, DIRECT})


def test_what_comes_then_is_the_next_of_it(house: House) -> None:
    """It is the same room, with the same epoch, and nobody opens it once more."""
    epoch = house.model.rooms[DIRECT].epoch
    ann = house.user("ann")
    told = ann.ask(Send(HI, to=BOB))
    assert [frame.type for frame in told] == ["ok", "message"]
    assert told[1].seq == 2
    assert house.chat.durable.rooms[DIRECT].epoch == epoch


def test_a_room_stays_while_somebody_is_here(house: House) -> None:
    """And with it what was not read again: it is younger than what the store had."""
    ann, bob = house.user("ann"), house.user("bob")
    leave(house, bob)
    room = house.chat.durable.rooms[DIRECT]
    ann.ask(Send(HI, DIRECT))
    house.user("bob")
    assert house.chat.durable.rooms[DIRECT] is room
    assert set(room.online) == {ANN, BOB}


def test_who_comes_back_at_once_finds_it_in_memory(house: House) -> None:
    """Nothing is read for him."""
    ann = house.user("ann")
    ann.close()
    house.wait(IDLE_S)
    come(house, ANN)
    assert read(house.look_ups) == []


def test_all_connections_of_one_wait_for_one_look_up(house: House) -> None:
    """They are welcomed in their order."""
    one, two = come(house, ANN), come(house, ANN)
    assert read(house.look_ups) == [LoadUser(ANN)]
    house.settle()
    for peer in (one, two):
        (welcome,) = peer.take()
        assert [room.room for room in welcome.rooms] == [DIRECT, TEAM]


def test_a_room_is_read_once_for_all_who_come(house: House) -> None:
    """Also for who names it meanwhile."""
    cy = house.user("cy")
    cy.take()
    come(house, ANN)
    house.run_look_up()
    assert read(house.look_ups) == [LoadRooms([DIRECT, TEAM])]
    come(house, BOB)
    house.run_look_up(-1)
    cy.say(Join(TEAM, id=1))
    assert read(house.look_ups) == [LoadRooms([DIRECT, TEAM])]
    house.settle()
    assert set(house.chat.durable.rooms[DIRECT].online) == {ANN, BOB}
    assert cy.take()[0].id == 1


def test_many_rooms_are_read_in_pieces() -> None:
    """Each is one answer, and one turn of the loop."""
    house = House(Config(limits=Limits(creations_burst=99)))
    ann = house.user("ann")
    names = [RoomName(f"r{number:02}") for number in range(2 * ROOMS + 1)]
    for name in names:
        ann.join(name)
    leave(house, ann)
    ann = come(house, ANN)
    house.run_look_up()
    pieces = [names[at : at + ROOMS] for at in range(0, len(names), ROOMS)]
    assert read(house.look_ups) == [LoadRooms(piece) for piece in pieces]
    for _ in pieces[1:]:
        house.run_look_up()
        assert ann.take() == []
    house.settle()
    (welcome,) = ann.take()
    assert [room.room for room in welcome.rooms] == names


def test_invitations_come_with_who_was_asked_in(house: House) -> None:
    """He is told the room's title, and may know of it."""
    ann = house.user("ann")
    (made, *_) = ann.ask(Create(private=True))
    ann.ask(Invite(made.room, CY))
    leave(house, ann)
    cy = house.open()
    (welcome,) = cy.hello(name=GuestName("cy"), password=Secret("right"))
    assert [invite.room for invite in welcome.invites] == [made.room]
    assert cy.ask(Join(made.room))[0].type == "ok"


# --- what is overtaken --------------------------------------------------------------


def test_what_is_overtaken_is_read_once_more(house: House) -> None:
    """Something is done to a room that is not in memory."""
    ann = come(house, ANN)
    house.run_look_up()
    (waiting,) = house.look_ups
    house.look_ups.clear()
    assert isinstance(waiting, Fetch)
    stale = house.fetch(waiting)
    house.user("cy", LOBBY).ask(Send(HI, LOBBY))
    house.model.rooms[TEAM].first = Seq(2)
    house.change(RoomTrimmed(TEAM, Seq(2)))
    house.handle(stale)
    assert read(house.look_ups) == [waiting.query]
    assert ann.take() == []
    house.settle()
    (welcome,) = ann.take()
    assert [(room.room, room.first) for room in welcome.rooms] == [
        (DIRECT, 1),
        (TEAM, 2),
    ]


def made_of(room: RoomName, *members: UserName) -> RoomMade:
    """A new room of some users."""
    roles = dict.fromkeys(members, Role.MEMBER)
    return RoomMade(room, Epoch(16 * "e"), RoomSettings(), roles)


def test_a_conversation_that_begins_while_he_is_read_is_his(house: House) -> None:
    """When neither of the two is here."""
    other = direct_room(ANN, CY)
    ann = come(house, ANN)
    made = made_of(other, ANN, CY)
    house.change(made)
    assert other not in house.chat.durable.rooms
    house.run_look_up()
    assert read(house.look_ups) == [LoadUser(ANN)]
    assert house.change(made)[:-1] == []
    house.settle()
    assert ann.take()[0].type == "welcome"


def test_a_room_that_ends_while_he_is_read_is_none_of_his(house: House) -> None:
    """He is told of those that there are."""
    ann = come(house, ANN)
    house.run_look_up()
    del house.model.rooms[TEAM]
    house.settle()
    (welcome,) = ann.take()
    assert [room.room for room in welcome.rooms] == [DIRECT]


def test_who_is_shown_otherwise_meanwhile_is_read_once_more(house: House) -> None:
    """Whatever changes of him."""
    ann = come(house, ANN)
    house.model.users[ANN].display = "Ann"
    stale = house.fetch(house.look_ups.pop())
    house.change(DisplaySet(ANN, "Ann B."))
    house.model.users[ANN].display = "Ann B."
    house.handle(stale)
    house.settle()
    assert ann.take()[0].display == "Ann B."


def test_who_is_erased_while_he_is_read_is_not_welcomed(house: House) -> None:
    """He is looked for once more, and is not there."""
    ann = come(house, ANN)
    house.erase(ANN)
    del house.model.users[ANN]
    house.settle()
    assert [frame.type for frame in ann.take()] == ["error"]


def test_who_is_erased_meanwhile_is_in_no_room(house: House) -> None:
    """What was read has him still."""
    ann = come(house, ANN)
    house.run_look_up()
    stale = house.fetch(house.look_ups.pop())
    del house.model.rooms[DIRECT].members[BOB]
    house.erase(BOB)
    house.handle(stale)
    house.settle()
    assert ann.take()[0].type == "welcome"
    assert list(house.chat.durable.rooms[DIRECT].members) == [ANN]


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_leader_who_is_banned_does_not_lead(house: House, meanwhile: bool) -> None:
    """Whether that was so before the room was read, or came while it was."""
    bob = house.user("bob")
    bob.take()
    if not meanwhile:
        house.ban(ANN, Sanction(None, None))
    bob.say(Join(TEAM))
    if meanwhile:
        stale = house.fetch(house.look_ups.pop())
        house.ban(ANN, Sanction(None, None))
        house.handle(stale)
        assert read(house.look_ups) == [LoadRooms([TEAM])]
    house.settle()
    bob.take()
    assert codes(bob.ask(SetRoom(TEAM, slow_s=SlowSeconds(1))))[0] == "ok"
    house.unban(ANN)
    forbidden = bob.ask(SetRoom(TEAM, slow_s=SlowSeconds(2)))
    assert codes(forbidden) == [RejectCode.FORBIDDEN]


# --- connections that go ------------------------------------------------------------


def test_who_has_gone_does_not_keep_others_waiting(house: House) -> None:
    """What was opened for him is void; what was read for him is there for others."""
    one, two, three = (come(house, ANN) for _ in range(3))
    three.close()
    one.close()
    assert read(house.look_ups) == [LoadUser(ANN)]
    house.settle()
    assert [frame.type for frame in two.take()] == ["welcome"]
    assert len(house.model.sessions) == len(house.chat.live.sessions) + 2
    two.close()
    four = come(house, CY)
    four.close()
    house.settle()
    loads = house.chat.live.loads
    assert not any((loads.users, loads.rooms, loads.waiting))


def test_a_resumed_session_outlives_the_connection_that_waited(house: House) -> None:
    """It is not void: nobody has opened it just now."""
    (welcome,) = house.open().hello(name=GuestName("cy"), password=Secret("right"))
    leave(house, *house.peers.values())
    peer = house.open()
    peer.say(Hello(session=welcome.session))
    house.run_look_up()
    assert read(house.look_ups) == [LoadUser(CY)]
    peer.close()
    house.settle()
    (again,) = house.open().hello(session=welcome.session)
    assert again.type == "welcome"


@pytest.mark.parametrize("step", [0, 1])
def test_who_waits_for_what_cannot_be_read_comes_back(house: House, step: int) -> None:
    """He is told when; nothing of it stays behind."""
    cy = house.user("cy")
    cy.take()
    ann = come(house, ANN)
    for _ in range(step):
        house.run_look_up()
    cy.say(Join(TEAM))
    while house.look_ups:
        found = house.fetch(house.look_ups.pop(0))
        house.handle(attrs.evolve(found, answer=UNREADABLE))
    for peer in (ann, cy):
        assert (peer.ending, peer.after_s) == (Ending.OVERLOADED, 1.0)
        peer.close()
    house.settle()
    loads = house.chat.live.loads
    assert not any((loads.users, loads.rooms, loads.waiting))
    assert house.user_of(house.user("ann", TEAM)) == ANN


def test_who_was_told_to_end_is_not_told_so_twice(house: House) -> None:
    """What he waited for fails, when he has been cut off."""
    cy = house.user("cy")
    cy.say(Join(TEAM))
    found = house.fetch(house.look_ups.pop())
    house.log_out(CY)
    assert cy.ending is Ending.REVOKED
    house.handle(attrs.evolve(found, answer=UNREADABLE))
    assert (cy.ending, cy.after_s) == (Ending.REVOKED, None)


# --- what commands name -------------------------------------------------------------


def test_a_room_that_is_named_is_read_and_found(house: House) -> None:
    """Commands behind it wait for it, and are answered in their order."""
    cy = house.user("cy")
    cy.take()
    for command in (Join(TEAM, id=1), Send(HI, TEAM, id=2), Send(HI, LOBBY, id=3)):
        cy.say(command)
    assert cy.take() == []
    house.settle()
    replies = [frame for frame in cy.take() if hasattr(frame, "re")]
    assert [(reply.re, reply.id) for reply in replies] == [
        ("join", 1),
        ("send", 2),
        ("send", 3),
    ]


def test_a_room_is_found_by_what_it_was_called(house: House) -> None:
    """And nobody makes another one of that name."""
    ann = house.user("ann")
    ann.ask(Rename(TEAM, PublicRoom("hall")))
    leave(house, ann)
    cy = house.user("cy")
    cy.take()
    (joined, *_) = cy.ask(Join(TEAM))
    assert joined.room == "hall"
    leave(house, cy)
    ada = house.user("ada")
    (error,) = ada.ask(Create(PublicRoom(TEAM)))[-1:]
    assert error.code is RejectCode.EXISTS


def test_what_nobody_may_know_of_is_not_read(house: House) -> None:
    """A private room and a conversation of others answer like none, as fast."""
    ann = house.user("ann")
    (made, *_) = ann.ask(Create(private=True))
    leave(house, ann)
    cy = house.user("cy")
    cy.take()
    for room in (made.room, DIRECT, RoomName("~nothing"), direct_room(ANN, ADA)):
        effects = cy.say(Join(room))
        assert read(effects) == []
        assert codes(cy.take()) == [RejectCode.NO_ROOM]


def test_who_was_named_is_let_go_of(house: House) -> None:
    """And the room with him, when nobody needs it."""
    ada = house.user("ada")
    ada.ask(Ban(TEAM, CY, reason=Reason("x")))
    assert known(house) == ({ADA, CY}, {LOBBY, TEAM})
    house.wait(IDLE_S)
    assert known(house) == ({ADA}, {LOBBY})
    assert CY in house.model.rooms[TEAM].bans


def test_members_who_are_not_here_are_shown_as_they_are(house: House) -> None:
    """How, is read; who has left meanwhile is left out."""
    house.model.users[ANN].display = "Ann B."
    cy = house.user("cy", TEAM)
    cy.take()
    (page,) = cy.ask(Who(TEAM, all=True))
    assert [(user.name, user.display, user.role) for user in page.users] == [
        (ANN, "Ann B.", Role.OWNER),
        (CY, None, None),
    ]
    cy.say(Who(TEAM, all=True))
    del house.model.rooms[TEAM].members[ANN]
    house.change(MemberSet(TEAM, ANN, None))
    house.settle()
    assert [user.name for user in cy.take()[-1].users] == [CY]


def test_rooms_are_listed_that_are_not_in_memory(house: House) -> None:
    """With how many are in them, and how many of those are here."""
    cy = house.user("cy", LOBBY)
    cy.take()
    (page,) = cy.ask(ListRooms())
    assert [(room.room, room.online, room.members) for room in page.rooms] == [
        (LOBBY, 1, 1),
        (TEAM, 0, 1),
    ]


def test_what_is_known_of_a_leader_is_younger_than_what_was_read(house: House) -> None:
    """He was named by a command before his room was."""
    house.ban(ANN, Sanction(None, "new"))
    ada = house.user("ada", LOBBY)
    ada.ask(Ban(LOBBY, ANN))
    assert ANN in house.chat.durable.users
    cy = house.user("cy")
    cy.say(Join(TEAM))
    house.model.users[ANN].ban = Sanction(None, "old")
    house.settle()
    assert house.chat.durable.rooms[TEAM].leaders == {ANN: Sanction(None, "new")}


# --- what is not let go of ----------------------------------------------------------


def test_what_is_not_written_yet_is_not_let_go_of(house: House) -> None:
    """A read mark that the store has refused so far, and a message on its way."""
    bob = house.user("bob", DIRECT)
    bob.say(Read(DIRECT, house.chat.durable.rooms[DIRECT].head))
    bob.close()
    house.wait(10)
    house.fail()
    for _ in range(40):
        house.wait(3)
        house.fail()
    assert DIRECT in house.chat.durable.rooms
    leave(house)
    assert DIRECT not in house.chat.durable.rooms
    assert house.model.rooms[DIRECT].members[BOB].read == 1


@pytest.mark.parametrize("room", [DIRECT, TEAM])
def test_a_message_that_is_being_written_keeps_its_room(
    house: House, room: RoomName
) -> None:
    """Its sender has read it, which the room has to know."""
    ann = house.user("ann", room)
    head = house.chat.durable.rooms[room].head
    ann.say(Send(HI, room))
    ann.close()
    house.wait(4 * IDLE_S)
    assert room in house.chat.durable.rooms
    leave(house)
    assert room not in house.chat.durable.rooms
    assert house.model.rooms[room].members[ANN].read == head + 1


def test_who_has_made_many_rooms_cannot_begin_anew() -> None:
    """By going away for a while; he is let go of when he could make as many again."""
    house = House(Config(limits=Limits(creations_burst=2, creations_per_h=1.0)))
    ann = house.user("ann", TEAM, RoomName("den"))
    leave(house, ann)
    assert ANN in house.chat.durable.users
    (error,) = house.user("ann").ask(Join(RoomName("more")))
    assert error.code is RejectCode.RATE_LIMITED
    leave(house, *house.peers.values())
    house.wait(100 * 3600.0)
    assert known(house) == (set(), {LOBBY})


def test_slow_mode_waits_for_who_has_gone(house: House) -> None:
    """Also where nobody else is there."""
    ann, cy = house.user("ann", TEAM), house.user("cy", TEAM)
    ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(600)))
    cy.ask(Send(HI, TEAM))
    leave(house, ann, cy)
    (error,) = house.user("cy", TEAM).ask(Send(HI, TEAM))
    assert error.code is RejectCode.RATE_LIMITED
    leave(house, *house.peers.values())
    house.wait(600)
    assert known(house) == (set(), {LOBBY})


def test_a_room_of_the_configuration_stays() -> None:
    """It is suggested to whoever comes."""
    den = PermanentRoom(name=RoomName("den"))
    house = House(Config(rooms=Rooms(permanent=(den,))))
    ann = house.user("ann", RoomName("den"))
    ann.ask(Leave(RoomName("den")))
    leave(house, ann)
    assert known(house) == (set(), {"den"})


def test_an_empty_room_is_there_until_it_ends(house: House) -> None:
    """Nobody can need it, but its end has to be written."""
    ann = house.user("ann", RoomName("tea"))
    ann.ask(Leave(RoomName("tea")))
    leave(house, ann)
    assert RoomName("tea") in house.chat.durable.rooms
    house.wait(3600)
    house.settle()
    assert RoomName("tea") not in house.model.rooms
    assert known(house) == (set(), {LOBBY})


# --- what others change -------------------------------------------------------------


def test_a_conversation_that_is_begun_when_both_have_gone_stays_on_disk() -> None:
    """Nobody is here who could be told."""
    house = House()
    ann = house.user("ann")
    ann.say(Send(HI, to=CY))
    house.run_look_up()
    ann.close()
    house.change(UserErased(ANN))
    house.commit()
    assert direct_room(ANN, CY) not in house.chat.durable.rooms


def test_it_goes_with_the_one_who_is_erased(house: House) -> None:
    """Unless the other one is here."""
    house.user("ann")
    house.change(UserErased(ANN))
    house.wait(IDLE_S)
    assert DIRECT not in house.chat.durable.rooms
    bob = house.user("bob")
    assert bob.ask(Join(DIRECT))[0].type == "ok"


def test_who_was_added_a_moment_ago_is_found() -> None:
    """Nobody has told the daemon of him."""
    house = House()
    dan = UserName("dan")
    house.model.users[dan] = UserRow(dan, "Dan", "user")
    peer = house.user(dan)
    assert house.user_of(peer) == dan
    assert house.chat.durable.users[dan].whole


def test_what_he_is_called_is_read_with_him(house: House) -> None:
    """And what of him has changed while he was away."""
    house.model.users[ANN].display = "Ann B."
    house.change(DisplaySet(ANN, "Ann B."))
    (welcome,) = house.open().hello(name=GuestName("ann"), password=Secret("right"))
    assert welcome.display == Display("Ann B.")
    assert house.chat.durable.rooms[DIRECT].members[ANN].read == Seq(1)
