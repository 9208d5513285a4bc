"""What of the store is in memory, and how it comes there and goes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core.changes import DisplaySet, MemberSet, RoomMade, RoomTrimmed, UserErased
from chatd.core.effects import Effect, Fetch
from chatd.core.entities import IDLE_S, Sanction
from chatd.core.loading import ROOMS
from chatd.core.queries import LoadRooms, LoadUser
from chatd.core.settings import RoomSettings
from chatd.enums import Role
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import Epoch, RoomName, Seq, UserName, direct_room
from chatd.ports import UserRow
from chatd.wire.ephemeral import Read
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
from chatd.wire.rooms import Create, Join, Leave, Rename, SetRoom, Who
from chatd.wire.rooms import Rooms as ListRooms
from chatd.wire.sessions import Hello
from chatd.wire.timeline import Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

DIRECT, TEAM = direct_room(ANN, BOB), RoomName("team")
HI = Text("hi")
UNREADABLE = Reject(RejectCode.UNAVAILABLE, "busy", retry_after_s=1.0)


@pytest.fixture
def harness() -> Harness:
    """Ann has written to bob, and into a room of her own; nobody is here any more."""
    harness = Harness()
    ann, bob = harness.user("ann", TEAM), harness.user("bob")
    ann.ask(Send(HI, to=BOB))
    ann.ask(Send(HI, TEAM))
    leave(harness, ann, bob)
    assert known(harness) == (set(), {LOBBY})
    return harness


def known(harness: Harness) -> tuple[set[UserName], set[RoomName]]:
    """The users and the rooms in memory."""
    return set(harness.chat.durable.users), set(harness.chat.durable.rooms)


def leave(harness: Harness, *peers: Peer) -> None:
    """Have some connections closed, for so long that what only they need goes."""
    for peer in peers:
        peer.close()
    for _ in range(4):
        harness.settle()
        harness.wait(IDLE_S)


def come(harness: Harness, name: UserName) -> Peer:
    """Open a connection that says hello, and is verified; its session is on disk."""
    peer = harness.open()
    peer.say(Hello(GuestName(name), Secret("right")))
    harness.run_look_up(-1)
    harness.commit()
    return peer


def read(look_ups: list[Effect]) -> list[Any]:
    """What is being read into memory."""
    return [effect.query for effect in look_ups if isinstance(effect, Fetch)]


def codes(frames: list[Any]) -> list[Any]:
    """The codes of errors, and the types of all else."""
    return [getattr(frame, "code", frame.type) for frame in frames]


# --- users who come -----------------------------------------------------------------


def test_whoever_comes_is_read_with_his_rooms(harness: Harness) -> None:
    """With their numbering and his read marks; the others need not be there."""
    (welcome,) = harness.open().hello(name=GuestName("bob"), password=Secret("right"))
    (room,) = welcome.rooms
    assert (room.room, room.seq, room.read, room.unread) == (DIRECT, 1, 0, 1)
    found = harness.chat.durable.rooms[DIRECT]
    assert list(found.online) == [BOB]
    assert set(found.members) == {ANN, BOB}
    assert known(harness) == ({BOB}, {LOBBY, DIRECT})


def test_what_comes_then_is_the_next_of_it(harness: Harness) -> None:
    """It is the same room, with the same epoch, and nobody opens it once more."""
    epoch = harness.model.rooms[DIRECT].epoch
    ann = harness.user("ann")
    told = ann.ask(Send(HI, to=BOB))
    assert [frame.type for frame in told] == ["ok", "message"]
    assert told[1].seq == 2
    assert harness.chat.durable.rooms[DIRECT].epoch == epoch


def test_a_room_stays_while_somebody_is_here(harness: Harness) -> None:
    """And with it what was not read again: it is younger than what the store had."""
    ann, bob = harness.user("ann"), harness.user("bob")
    leave(harness, bob)
    room = harness.chat.durable.rooms[DIRECT]
    ann.ask(Send(HI, DIRECT))
    harness.user("bob")
    assert harness.chat.durable.rooms[DIRECT] is room
    assert set(room.online) == {ANN, BOB}


def test_who_comes_back_at_once_finds_it_in_memory(harness: Harness) -> None:
    """Nothing is read for him."""
    ann = harness.user("ann")
    ann.close()
    harness.wait(IDLE_S)
    come(harness, ANN)
    assert read(harness.look_ups) == []


def test_all_connections_of_one_wait_for_one_look_up(harness: Harness) -> None:
    """They are welcomed in their order."""
    one, two = come(harness, ANN), come(harness, ANN)
    assert read(harness.look_ups) == [LoadUser(ANN)]
    harness.settle()
    for peer in (one, two):
        (welcome,) = peer.take()
        assert [room.room for room in welcome.rooms] == [DIRECT, TEAM]


def test_a_room_is_read_once_for_all_who_come(harness: Harness) -> None:
    """Also for who names it meanwhile."""
    cy = harness.user("cy")
    cy.take()
    come(harness, ANN)
    harness.run_look_up()
    assert read(harness.look_ups) == [LoadRooms([DIRECT, TEAM])]
    come(harness, BOB)
    harness.run_look_up(-1)
    cy.say(Join(TEAM, id=1))
    assert read(harness.look_ups) == [LoadRooms([DIRECT, TEAM])]
    harness.settle()
    assert set(harness.chat.durable.rooms[DIRECT].online) == {ANN, BOB}
    assert cy.take()[0].id == 1


def test_many_rooms_are_read_in_pieces() -> None:
    """Each is one answer, and one turn of the loop."""
    harness = Harness(Config(limits=Limits(creations_burst=99)))
    ann = harness.user("ann")
    names = [RoomName(f"r{number:02}") for number in range(2 * ROOMS + 1)]
    for name in names:
        ann.join(name)
    leave(harness, ann)
    ann = come(harness, ANN)
    harness.run_look_up()
    pieces = [names[at : at + ROOMS] for at in range(0, len(names), ROOMS)]
    assert read(harness.look_ups) == [LoadRooms(piece) for piece in pieces]
    for _ in pieces[1:]:
        harness.run_look_up()
        assert ann.take() == []
    harness.settle()
    (welcome,) = ann.take()
    assert [room.room for room in welcome.rooms] == names


def test_invitations_come_with_who_was_asked_in(harness: Harness) -> None:
    """He is told the room's title, and may know of it."""
    ann = harness.user("ann")
    (made, *_) = ann.ask(Create(private=True))
    ann.ask(Invite(made.room, CY))
    leave(harness, ann)
    cy = harness.open()
    (welcome,) = cy.hello(name=GuestName("cy"), password=Secret("right"))
    assert [invite.room for invite in welcome.invites] == [made.room]
    assert cy.ask(Join(made.room))[0].type == "ok"


# --- what is overtaken --------------------------------------------------------------


def test_what_is_overtaken_is_read_once_more(harness: Harness) -> None:
    """Something is done to a room that is not in memory."""
    ann = come(harness, ANN)
    harness.run_look_up()
    (waiting,) = harness.look_ups
    harness.look_ups.clear()
    assert isinstance(waiting, Fetch)
    stale = harness.fetch(waiting)
    harness.user("cy", LOBBY).ask(Send(HI, LOBBY))
    harness.model.rooms[TEAM].first = Seq(2)
    harness.change(RoomTrimmed(TEAM, Seq(2)))
    harness.handle(stale)
    assert read(harness.look_ups) == [waiting.query]
    assert ann.take() == []
    harness.settle()
    (welcome,) = ann.take()
    assert [(room.room, room.first) for room in welcome.rooms] == [
        (DIRECT, 1),
        (TEAM, 2),
    ]


def made_of(room: RoomName, *members: UserName) -> RoomMade:
    """A new room of some users."""
    roles = dict.fromkeys(members, Role.MEMBER)
    return RoomMade(room, Epoch(16 * "e"), RoomSettings(), roles)


def test_a_conversation_that_begins_while_he_is_read_is_his(harness: Harness) -> None:
    """When neither of the two is here."""
    other = direct_room(ANN, CY)
    ann = come(harness, ANN)
    made = made_of(other, ANN, CY)
    harness.change(made)
    assert other not in harness.chat.durable.rooms
    harness.run_look_up()
    assert read(harness.look_ups) == [LoadUser(ANN)]
    assert harness.change(made)[:-1] == []
    harness.settle()
    assert ann.take()[0].type == "welcome"


def test_a_room_that_is_just_being_made_is_read_when_that_is_known(
    harness: Harness,
) -> None:
    """It is on disk and was read, before the chat knows that it has made it."""
    cy, ann = harness.user("cy", LOBBY), harness.user("ann")
    ann.say(Create(PublicRoom("den")))
    harness.load()
    harness.write(1)
    cy.take()
    cy.say(Who(RoomName("den")))
    harness.run_look_up()
    assert read(harness.look_ups) == []
    assert cy.take() == []
    harness.tell()
    assert read(harness.look_ups) == [LoadRooms([RoomName("den")])]
    harness.settle()
    assert set(harness.chat.durable.rooms[RoomName("den")].online) == {ANN}
    assert codes(cy.take()) == [RejectCode.NOT_MEMBER]


def test_a_conversation_that_is_just_being_made_has_its_two(harness: Harness) -> None:
    """Who comes reads it before the chat knows of it; nobody misses what is said."""
    other = direct_room(ANN, CY)
    ann, device = harness.user("ann"), harness.user("ann")
    harness.take_all()
    harness.user("bob").ask(Send(HI, to=CY))
    assert not harness.chat.durable.users[CY].whole
    cy = come(harness, CY)
    (his,) = harness.look_ups
    harness.look_ups.clear()
    ann.say(Send(HI, to=CY))
    harness.load()
    harness.write(1)
    harness.look_ups.append(his)
    harness.load()
    assert other not in harness.chat.durable.rooms
    harness.settle()
    assert set(harness.chat.durable.rooms[other].online) == {ANN, CY}
    assert [frame.seq for frame in device.take() if frame.type == "message"] == [1]
    (welcome, *events) = cy.take()
    (head,) = (room.seq for room in welcome.rooms if room.room == other)
    assert head + [event.type for event in events].count("message") == 1


def test_a_name_that_a_room_is_just_given_is_no_second_room(harness: Harness) -> None:
    """It was read by its new name, before the chat knows that it has that."""
    cy, ann = harness.user("cy", LOBBY), harness.user("ann")
    ann.say(Rename(TEAM, PublicRoom("hall")))
    harness.write(1)
    cy.take()
    cy.say(Join(RoomName("hall")))
    harness.run_look_up()
    assert TEAM in harness.chat.durable.rooms
    assert RoomName("hall") not in harness.chat.durable.rooms
    harness.settle()
    hall = harness.chat.durable.rooms[RoomName("hall")]
    assert set(hall.online) == {ANN, CY}


def test_a_room_that_ends_while_he_is_read_is_none_of_his(harness: Harness) -> None:
    """He is told of those that there are."""
    ann = come(harness, ANN)
    harness.run_look_up()
    del harness.model.rooms[TEAM]
    harness.settle()
    (welcome,) = ann.take()
    assert [room.room for room in welcome.rooms] == [DIRECT]


def test_who_is_shown_otherwise_meanwhile_is_read_once_more(harness: Harness) -> None:
    """Whatever changes of him."""
    ann = come(harness, ANN)
    harness.model.users[ANN].display = "Ann"
    stale = harness.fetch(harness.look_ups.pop())
    harness.change(DisplaySet(ANN, "Ann B."))
    harness.model.users[ANN].display = "Ann B."
    harness.handle(stale)
    harness.settle()
    assert ann.take()[0].display == "Ann B."


def test_who_is_erased_while_he_is_read_is_not_welcomed(harness: Harness) -> None:
    """He is looked for once more, and is not there."""
    ann = come(harness, ANN)
    harness.erase(ANN)
    del harness.model.users[ANN]
    harness.settle()
    assert [frame.type for frame in ann.take()] == ["error"]


def test_who_is_erased_meanwhile_is_in_no_room(harness: Harness) -> None:
    """What was read has him still."""
    ann = come(harness, ANN)
    harness.run_look_up()
    stale = harness.fetch(harness.look_ups.pop())
    del harness.model.rooms[DIRECT].members[BOB]
    harness.erase(BOB)
    harness.handle(stale)
    harness.settle()
    assert ann.take()[0].type == "welcome"
    assert list(harness.chat.durable.rooms[DIRECT].members) == [ANN]


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_leader_who_is_banned_does_not_lead(
    harness: Harness, meanwhile: bool
) -> None:
    """Whether that was so before the room was read, or came while it was."""
    bob = harness.user("bob")
    bob.take()
    if not meanwhile:
        harness.ban(ANN, Sanction(None, None))
    bob.say(Join(TEAM))
    if meanwhile:
        stale = harness.fetch(harness.look_ups.pop())
        harness.ban(ANN, Sanction(None, None))
        harness.handle(stale)
        assert read(harness.look_ups) == [LoadRooms([TEAM])]
    harness.settle()
    bob.take()
    assert codes(bob.ask(SetRoom(TEAM, slow_s=SlowSeconds(1))))[0] == "ok"
    harness.unban(ANN)
    forbidden = bob.ask(SetRoom(TEAM, slow_s=SlowSeconds(2)))
    assert codes(forbidden) == [RejectCode.FORBIDDEN]


# --- connections that go ------------------------------------------------------------


def test_who_has_gone_does_not_keep_others_waiting(harness: Harness) -> None:
    """What was opened for him is void; what was read for him is there for others."""
    one, two, three = (come(harness, ANN) for _ in range(3))
    three.close()
    one.close()
    assert read(harness.look_ups) == [LoadUser(ANN)]
    harness.settle()
    assert [frame.type for frame in two.take()] == ["welcome"]
    assert len(harness.model.sessions) == len(harness.chat.live.sessions) + 2
    two.close()
    four = come(harness, CY)
    four.close()
    harness.settle()
    loads = harness.chat.live.loads
    assert not any((loads.users, loads.rooms, loads.waiting))


def test_a_resumed_session_outlives_the_connection_that_waited(
    harness: Harness,
) -> None:
    """It is not void: nobody has opened it just now."""
    (welcome,) = harness.open().hello(name=GuestName("cy"), password=Secret("right"))
    leave(harness, *harness.peers.values())
    peer = harness.open()
    peer.say(Hello(session=welcome.session))
    harness.run_look_up()
    assert read(harness.look_ups) == [LoadUser(CY)]
    peer.close()
    harness.settle()
    (again,) = harness.open().hello(session=welcome.session)
    assert again.type == "welcome"


@pytest.mark.parametrize("step", [0, 1])
def test_who_waits_for_what_cannot_be_read_comes_back(
    harness: Harness, step: int
) -> None:
    """He is told when; nothing of it stays behind."""
    cy = harness.user("cy")
    cy.take()
    ann = come(harness, ANN)
    for _ in range(step):
        harness.run_look_up()
    cy.say(Join(TEAM))
    while harness.look_ups:
        found = harness.fetch(harness.look_ups.pop(0))
        harness.handle(attrs.evolve(found, answer=UNREADABLE))
    for peer in (ann, cy):
        assert (peer.ending, peer.after_s) == (Ending.OVERLOADED, 1.0)
        peer.close()
    harness.settle()
    loads = harness.chat.live.loads
    assert not any((loads.users, loads.rooms, loads.waiting))
    assert harness.user_of(harness.user("ann", TEAM)) == ANN


def test_who_was_told_to_end_is_not_told_so_twice(harness: Harness) -> None:
    """What he waited for fails, when he has been cut off."""
    cy = harness.user("cy")
    cy.say(Join(TEAM))
    found = harness.fetch(harness.look_ups.pop())
    harness.log_out(CY)
    assert cy.ending is Ending.REVOKED
    harness.handle(attrs.evolve(found, answer=UNREADABLE))
    assert (cy.ending, cy.after_s) == (Ending.REVOKED, None)


# --- what commands name -------------------------------------------------------------


def test_a_room_that_is_named_is_read_and_found(harness: Harness) -> None:
    """Commands behind it wait for it, and are answered in their order."""
    cy = harness.user("cy")
    cy.take()
    for command in (Join(TEAM, id=1), Send(HI, TEAM, id=2), Send(HI, LOBBY, id=3)):
        cy.say(command)
    assert cy.take() == []
    harness.settle()
    replies = [frame for frame in cy.take() if hasattr(frame, "re")]
    assert [(reply.re, reply.id) for reply in replies] == [
        ("join", 1),
        ("send", 2),
        ("send", 3),
    ]


def test_a_room_is_found_by_what_it_was_called(harness: Harness) -> None:
    """And nobody makes another one of that name."""
    ann = harness.user("ann")
    ann.ask(Rename(TEAM, PublicRoom("hall")))
    leave(harness, ann)
    cy = harness.user("cy")
    cy.take()
    (joined, *_) = cy.ask(Join(TEAM))
    assert joined.room == "hall"
    leave(harness, cy)
    ada = harness.user("ada")
    (error,) = ada.ask(Create(PublicRoom(TEAM)))[-1:]
    assert error.code is RejectCode.EXISTS


def test_what_nobody_may_know_of_is_not_read(harness: Harness) -> None:
    """A private room and a conversation of others answer like none, as fast."""
    ann = harness.user("ann")
    (made, *_) = ann.ask(Create(private=True))
    leave(harness, ann)
    cy = harness.user("cy")
    cy.take()
    for room in (made.room, DIRECT, RoomName("~nothing"), direct_room(ANN, ADA)):
        effects = cy.say(Join(room))
        assert read(effects) == []
        assert codes(cy.take()) == [RejectCode.NO_ROOM]


def test_who_was_named_is_let_go_of(harness: Harness) -> None:
    """And the room with him, when nobody needs it."""
    ada = harness.user("ada")
    ada.ask(Ban(TEAM, CY, reason=Reason("x")))
    assert known(harness) == ({ADA, CY}, {LOBBY, TEAM})
    harness.wait(IDLE_S)
    assert known(harness) == ({ADA}, {LOBBY})
    assert CY in harness.model.rooms[TEAM].bans


def test_members_who_are_not_here_are_shown_as_they_are(harness: Harness) -> None:
    """How, is read; who has left meanwhile is left out."""
    harness.model.users[ANN].display = "Ann B."
    cy = harness.user("cy", TEAM)
    cy.take()
    (page,) = cy.ask(Who(TEAM, all=True))
    assert [(user.name, user.display, user.role) for user in page.users] == [
        (ANN, "Ann B.", Role.OWNER),
        (CY, None, None),
    ]
    cy.say(Who(TEAM, all=True))
    del harness.model.rooms[TEAM].members[ANN]
    harness.change(MemberSet(TEAM, ANN, None))
    harness.settle()
    assert [user.name for user in cy.take()[-1].users] == [CY]


def test_rooms_are_listed_that_are_not_in_memory(harness: Harness) -> None:
    """With how many are in them, and how many of those are here."""
    cy = harness.user("cy", LOBBY)
    cy.take()
    (page,) = cy.ask(ListRooms())
    assert [(room.room, room.online, room.members) for room in page.rooms] == [
        (LOBBY, 1, 1),
        (TEAM, 0, 1),
    ]


def test_what_is_known_of_a_leader_is_younger(
    harness: Harness,
) -> None:
    """He was named by a command before his room was."""
    harness.ban(ANN, Sanction(None, "new"))
    ada = harness.user("ada", LOBBY)
    ada.ask(Ban(LOBBY, ANN))
    assert ANN in harness.chat.durable.users
    cy = harness.user("cy")
    cy.say(Join(TEAM))
    harness.model.users[ANN].ban = Sanction(None, "old")
    harness.settle()
    assert harness.chat.durable.rooms[TEAM].leaders == {ANN: Sanction(None, "new")}


# --- what is not let go of ----------------------------------------------------------


def test_what_is_not_written_yet_is_not_let_go_of(harness: Harness) -> None:
    """A read mark that the store has refused so far, and a message on its way."""
    bob = harness.user("bob", DIRECT)
    bob.say(Read(DIRECT, harness.chat.durable.rooms[DIRECT].head))
    bob.close()
    harness.wait(10)
    harness.fail()
    for _ in range(40):
        harness.wait(3)
        harness.fail()
    assert DIRECT in harness.chat.durable.rooms
    leave(harness)
    assert DIRECT not in harness.chat.durable.rooms
    assert harness.model.rooms[DIRECT].members[BOB].read == 1


@pytest.mark.parametrize("room", [DIRECT, TEAM])
def test_a_message_that_is_being_written_keeps_its_room(
    harness: Harness, room: RoomName
) -> None:
    """Its sender has read it, which the room has to know."""
    ann = harness.user("ann", room)
    head = harness.chat.durable.rooms[room].head
    ann.say(Send(HI, room))
    ann.close()
    harness.wait(4 * IDLE_S)
    assert room in harness.chat.durable.rooms
    leave(harness)
    assert room not in harness.chat.durable.rooms
    assert harness.model.rooms[room].members[ANN].read == head + 1


def test_who_has_made_many_rooms_cannot_begin_anew() -> None:
    """By going away for a while; he is let go of when he could make as many again."""
    harness = Harness(Config(limits=Limits(creations_burst=2, creations_per_h=1.0)))
    ann = harness.user("ann", TEAM, RoomName("den"))
    leave(harness, ann)
    assert ANN in harness.chat.durable.users
    (error,) = harness.user("ann").ask(Join(RoomName("more")))
    assert error.code is RejectCode.RATE_LIMITED
    leave(harness, *harness.peers.values())
    harness.wait(100 * 3600.0)
    assert known(harness) == (set(), {LOBBY})


def test_slow_mode_waits_for_who_has_gone(harness: Harness) -> None:
    """Also where nobody else is there."""
    ann, cy = harness.user("ann", TEAM), harness.user("cy", TEAM)
    ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(600)))
    cy.ask(Send(HI, TEAM))
    leave(harness, ann, cy)
    (error,) = harness.user("cy", TEAM).ask(Send(HI, TEAM))
    assert error.code is RejectCode.RATE_LIMITED
    leave(harness, *harness.peers.values())
    harness.wait(600)
    assert known(harness) == (set(), {LOBBY})


def test_a_room_of_the_configuration_stays() -> None:
    """It is suggested to whoever comes."""
    den = PermanentRoom(name=RoomName("den"))
    harness = Harness(Config(rooms=Rooms(permanent=(den,))))
    ann = harness.user("ann", RoomName("den"))
    ann.ask(Leave(RoomName("den")))
    leave(harness, ann)
    assert known(harness) == (set(), {"den"})


def test_an_empty_room_is_there_until_it_ends(harness: Harness) -> None:
    """Nobody can need it, but its end has to be written."""
    ann = harness.user("ann", RoomName("tea"))
    ann.ask(Leave(RoomName("tea")))
    leave(harness, ann)
    assert RoomName("tea") in harness.chat.durable.rooms
    harness.wait(3600)
    harness.settle()
    assert RoomName("tea") not in harness.model.rooms
    assert known(harness) == (set(), {LOBBY})


# --- what others change -------------------------------------------------------------


def test_a_conversation_that_is_begun_when_both_have_gone_stays_on_disk() -> None:
    """Nobody is here who could be told."""
    harness = Harness()
    ann = harness.user("ann")
    ann.say(Send(HI, to=CY))
    harness.run_look_up()
    ann.close()
    harness.change(UserErased(ANN))
    harness.commit()
    assert direct_room(ANN, CY) not in harness.chat.durable.rooms


def test_it_goes_with_the_one_who_is_erased(harness: Harness) -> None:
    """Unless the other one is here."""
    harness.user("ann")
    harness.change(UserErased(ANN))
    harness.wait(IDLE_S)
    assert DIRECT not in harness.chat.durable.rooms
    bob = harness.user("bob")
    assert bob.ask(Join(DIRECT))[0].type == "ok"


def test_who_was_added_a_moment_ago_is_found() -> None:
    """Nobody has told the daemon of him."""
    harness = Harness()
    dan = UserName("dan")
    harness.model.users[dan] = UserRow(dan, "Dan", "user")
    peer = harness.user(dan)
    assert harness.user_of(peer) == dan
    assert harness.chat.durable.users[dan].whole


def test_what_he_is_called_is_read_with_him(harness: Harness) -> None:
    """And what of him has changed while he was away."""
    harness.model.users[ANN].display = "Ann B."
    harness.change(DisplaySet(ANN, "Ann B."))
    (welcome,) = harness.open().hello(name=GuestName("ann"), password=Secret("right"))
    assert welcome.display == Display("Ann B.")
    assert harness.chat.durable.rooms[DIRECT].members[ANN].read == Seq(1)
