from __future__ import annotations

import pytest

from chatd.core.entities import Room
from chatd.core.invariants import check
from chatd.core.state import Chat
from chatd.enums import Role
from chatd.ids import Epoch, RoomName, Seq, SessionId, UserName
from chatd.wire import events
from chatd.wire.commands import Send
from chatd.wire.kinds import Text
from tests.core.house import ANN, BOB, LOBBY, House

TEAM = RoomName("team")


def message(seq: int) -> events.Message:
    """A message of ann's."""
    return events.Message(LOBBY, Seq(seq), 0, ANN, "hi")


def test_an_event_that_was_applied_before_changes_nothing() -> None:
    """Applying twice is applying once."""
    chat = House().chat
    chat.apply(message(1))
    chat.apply(message(1))
    assert chat.rooms[LOBBY].head == 1


def test_a_hole_in_the_timeline_is_a_bug() -> None:
    """Nothing is applied out of its order."""
    chat = House().chat
    with pytest.raises(AssertionError):
        chat.apply(message(2))


def test_since_when_a_session_is_idle_is_counted_by_what_is_certain() -> None:
    """A clock that goes back for a moment does not end it."""
    house = House()
    peer = house.user("ann")
    house.now.wall -= 40 * 86_400_000
    certain = house.now.certain
    peer.close()
    (idle,) = house.chat.idle.values()
    assert idle == certain > house.now.wall


def test_a_room_that_is_there_is_not_made_again() -> None:
    """The first one stays, with its members."""
    house = House()
    chat = house.chat
    room = Room(TEAM, Epoch("1" * 16), Seq(0), Seq(1))
    unknown = UserName("gone~2222")
    chat.apply_room(room, {ANN: Role.OWNER, unknown: Role.MEMBER}, None, 0.0)
    other = Room(TEAM, Epoch("2" * 16), Seq(0), Seq(1))
    chat.apply_room(other, {BOB: Role.OWNER}, None, 0.0)
    assert chat.rooms[TEAM] is room
    assert list(room.members) == [ANN]
    check(chat)


def test_a_membership_that_was_taken_before_changes_nothing() -> None:
    """In both directions, online or not."""
    house = House()
    chat, user = house.chat, house.chat.users[ANN]
    room = chat.rooms[LOBBY]
    for role in (Role.MEMBER, Role.MEMBER, None, None):
        chat.apply_member(room, user, role, 0.0)
        check(chat)
    house.user("ann")
    for role in (Role.MEMBER, Role.MEMBER, None, None):
        chat.apply_member(room, user, role, 0.0)
        check(chat)


def test_a_session_that_was_forgotten_before_changes_nothing() -> None:
    """It is remembered as ended for a while, for look-ups that bring it."""
    chat = Chat(presence_tick_s=1.0)
    session = SessionId(b"s")
    chat.forget_session(session, 0.0)
    chat.forget_session(session, 0.0)
    assert list(chat.ended) == [session]
    assert chat.agenda.next() == 60.0


def test_the_state_after_a_restart_is_what_was_committed() -> None:
    """Rooms, members, roles and heads; nobody is online."""
    house = House()
    ann = house.user("ann", TEAM, LOBBY)
    ann.ask(Send(Text("hi"), TEAM))
    ann.say(Send(Text("lost"), TEAM))
    epoch = house.chat.rooms[TEAM].epoch
    house.restart()
    room = house.chat.rooms[TEAM]
    assert (room.epoch, room.head, room.members[ANN].role) == (epoch, 2, "owner")
    assert list(house.chat.users[ANN].rooms) == [LOBBY, TEAM]
    assert not room.online
    assert house.chat.rooms[LOBBY].declared
