from __future__ import annotations

from typing import Any

import pytest

from chatd.core.changes import RoomMade, UserErased
from chatd.core.effects import Effect, Query
from chatd.core.entities import IDLE_S
from chatd.core.queries import LoadDirect
from chatd.core.settings import RoomSettings
from chatd.enums import Role
from chatd.ids import Epoch, UserName, direct_room
from chatd.ports import UserRow
from chatd.wire.commands import Hello, Join, Read, Send
from chatd.wire.kinds import GuestName, Secret, Text
from tests.core.house import ANN, BOB, CY, House, Peer

DIRECT = direct_room(ANN, BOB)
HI = Text("hi")


@pytest.fixture
def house() -> House:
    """Ann has written to bob; both have gone, and so has their conversation."""
    house = House()
    ann, bob = house.user("ann"), house.user("bob")
    ann.ask(Send(HI, to=BOB))
    leave(house, ann, bob)
    assert DIRECT not in house.chat.durable.rooms
    return house


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


def loading(look_ups: list[Effect]) -> list[Any]:
    """For which connections conversations are being read."""
    return [
        effect.connection
        for effect in look_ups
        if isinstance(effect, Query) and isinstance(effect.query, LoadDirect)
    ]


def test_a_conversation_is_read_when_one_of_the_two_comes(house: House) -> None:
    """With its numbering and his read mark; the other one need not be there."""
    (welcome,) = house.open().hello(name=GuestName("bob"), password=Secret("right"))
    (room,) = welcome.rooms
    assert (room.room, room.seq, room.read, room.unread) == (DIRECT, 1, 0, 1)
    found = house.chat.durable.rooms[DIRECT]
    assert list(found.online) == [BOB]
    assert set(found.members) == {ANN, BOB}


def test_what_comes_then_is_the_next_of_it(house: House) -> None:
    """It is the same room, with the same epoch, and nobody opens it once more."""
    epoch = house.model.rooms[DIRECT].epoch
    ann = house.user("ann")
    told = ann.ask(Send(HI, to=BOB))
    assert [frame.type for frame in told] == ["ok", "message"]
    assert told[1].seq == 2
    assert house.chat.durable.rooms[DIRECT].epoch == epoch


def test_it_stays_while_the_other_one_is_here(house: House) -> None:
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
    assert loading(house.look_ups) == []


def test_what_is_overtaken_is_read_once_more(house: House) -> None:
    """Bob comes, says something and goes, all while ann's are being read."""
    ann = come(house, ANN)
    (waiting,) = house.look_ups
    house.look_ups.clear()
    stale = house.look_up(waiting)
    bob = house.user("bob")
    bob.ask(Send(HI, DIRECT))
    leave(house, bob)
    assert DIRECT not in house.chat.durable.rooms
    house.handle(stale)
    assert loading(house.look_ups) == [ann.id]
    assert ann.take() == []
    house.settle()
    (welcome,) = ann.take()
    assert [(room.room, room.seq) for room in welcome.rooms] == [(DIRECT, 2)]


def test_what_others_change_meanwhile_is_read_as_well(house: House) -> None:
    """A conversation that was begun when neither was here."""
    other = direct_room(ANN, CY)
    ann = come(house, ANN)
    made = RoomMade(
        other,
        Epoch(16 * "e"),
        RoomSettings(),
        dict.fromkeys((ANN, CY), Role.MEMBER),
    )
    house.change(made)
    assert other not in house.chat.durable.rooms
    house.run_look_up()
    assert loading(house.look_ups) == [ann.id]
    assert house.change(made)[:-1] == []
    house.settle()
    assert ann.take()[0].type == "welcome"


def test_all_connections_of_one_wait_for_one_look_up(house: House) -> None:
    """They are welcomed in their order."""
    one, two = come(house, ANN), come(house, ANN)
    assert loading(house.look_ups) == [one.id]
    house.settle()
    for peer in (one, two):
        (welcome,) = peer.take()
        assert [room.room for room in welcome.rooms] == [DIRECT]


def test_who_has_gone_takes_his_look_up_along(house: House) -> None:
    """The next one who waits has his own; what was opened for the first is void."""
    one, two, three = (come(house, ANN) for _ in range(3))
    three.close()
    one.close()
    assert loading(house.look_ups) == [one.id, two.id]
    house.settle()
    assert [frame.type for frame in two.take()] == ["welcome"]
    assert len(house.model.sessions) == len(house.chat.live.sessions) + 2
    two.close()
    four = come(house, CY)
    four.close()
    house.settle()
    assert not house.chat.live.loads.by_user
    assert not house.chat.live.loads.users


def test_a_resumed_session_outlives_the_connection_that_waited(house: House) -> None:
    """It is not void: nobody has opened it just now."""
    (welcome,) = house.open().hello(name=GuestName("cy"), password=Secret("right"))
    leave(house, *house.peers.values())
    peer = house.open()
    peer.say(Hello(session=welcome.session))
    house.run_look_up()
    assert loading(house.look_ups) == [peer.id]
    peer.close()
    house.settle()
    (again,) = house.open().hello(session=welcome.session)
    assert again.type == "welcome"


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


def test_a_message_that_is_being_written_keeps_its_room(house: House) -> None:
    """Its sender has read it, which the room has to know."""
    ann = house.user("ann", DIRECT)
    ann.say(Send(HI, DIRECT))
    ann.close()
    house.wait(4 * IDLE_S)
    assert DIRECT in house.chat.durable.rooms
    leave(house)
    assert DIRECT not in house.chat.durable.rooms
    assert house.model.rooms[DIRECT].members[ANN].read == 2


def test_one_that_is_begun_when_both_have_gone_stays_on_disk() -> None:
    """Nobody is here who could be told."""
    house = House()
    ann = house.user("ann")
    ann.say(Send(HI, to=CY))
    ann.close()
    house.change(UserErased(ANN))
    house.commit()
    assert direct_room(ANN, CY) not in house.chat.durable.rooms


def test_it_goes_with_the_one_who_is_erased(house: House) -> None:
    """Unless the other one is here."""
    house.user("ann")
    house.change(UserErased(ANN))
    assert DIRECT not in house.chat.durable.rooms
    bob = house.user("bob")
    assert bob.ask(Join(DIRECT))[0].type == "ok"


def test_who_was_added_a_moment_ago_has_none() -> None:
    """The terminal's change has not come yet; he is welcomed all the same."""
    house = House()
    dan = UserName("dan")
    house.model.users[dan] = UserRow(dan, "Dan", "user")
    peer = house.user(dan)
    assert house.user_of(peer) == dan
    assert house.chat.durable.users[dan].whole


def test_who_is_erased_while_his_are_read_is_not_welcomed(house: House) -> None:
    """He is looked for once more, and is not there."""
    ann = come(house, ANN)
    house.erase(ANN)
    del house.model.users[ANN]
    house.settle()
    assert [frame.type for frame in ann.take()] == ["error"]


def test_who_is_erased_meanwhile_is_in_no_conversation(house: House) -> None:
    """What was read has him still."""
    ann = come(house, ANN)
    stale = house.look_up(house.look_ups.pop())
    house.erase(BOB)
    house.handle(stale)
    house.settle()
    assert ann.take()[0].type == "welcome"
    assert list(house.chat.durable.rooms[DIRECT].members) == [ANN]
