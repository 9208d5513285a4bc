from __future__ import annotations

import pytest

from chatd.core.changes import Appended, MemberSet, RoomMade, SessionsEnded
from chatd.core.effects import Deliver
from chatd.core.invariants import check
from chatd.core.settings import PLAIN
from chatd.enums import Role
from chatd.ids import Epoch, RoomName, Seq, SessionId, UserName
from chatd.wire import events
from chatd.wire.kinds import Text
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, LOBBY, Harness

TEAM = RoomName("team")


def message(seq: int) -> events.Message:
    """A message of ann's."""
    return events.Message(LOBBY, Seq(seq), 0, ANN, "hi")


def test_an_event_that_was_applied_before_changes_nothing() -> None:
    """Applying twice is applying once."""
    harness = Harness()
    change = Appended(message(1))
    assert harness.apply(change) == [Deliver(change.event)]
    assert harness.apply(change) == []
    assert harness.chat.durable.rooms[LOBBY].head == 1


def test_a_hole_in_the_timeline_is_a_bug() -> None:
    """Nothing is applied out of its order."""
    harness = Harness()
    with pytest.raises(AssertionError):
        harness.apply(Appended(message(2)))


def test_since_when_a_session_is_idle_is_counted_by_what_is_certain() -> None:
    """A clock that goes back for a moment does not end it."""
    harness = Harness()
    peer = harness.user("ann")
    harness.now.wall -= 40 * 86_400_000
    certain = harness.now.certain
    peer.close()
    (idle,) = harness.chat.live.idle.values()
    assert idle == certain > harness.now.wall


def test_a_room_that_is_there_is_not_made_again() -> None:
    """The first one stays, with its members."""
    harness = Harness()
    chat = harness.chat
    unknown = UserName("gone~2222")
    members = {ANN: Role.OWNER, unknown: Role.MEMBER}
    harness.apply(RoomMade(TEAM, Epoch("1" * 16), PLAIN, members))
    room = chat.durable.rooms[TEAM]
    harness.apply(RoomMade(TEAM, Epoch("2" * 16), PLAIN, {BOB: Role.OWNER}))
    assert chat.durable.rooms[TEAM] is room
    assert list(room.members) == [ANN]
    check(chat)


def test_a_membership_that_was_taken_before_changes_nothing() -> None:
    """In both directions, online or not."""
    harness = Harness()
    for role in (Role.MEMBER, Role.MEMBER, None, None):
        harness.apply(MemberSet(LOBBY, ANN, role))
        check(harness.chat)
    harness.user("ann")
    for role in (Role.MEMBER, Role.MEMBER, None, None):
        harness.apply(MemberSet(LOBBY, ANN, role))
        check(harness.chat)


def test_a_session_that_was_forgotten_before_changes_nothing() -> None:
    """It is remembered as ended for a while, for look-ups that bring it."""
    harness = Harness()
    session = SessionId(b"s")
    for _ in range(2):
        assert harness.apply(SessionsEnded((session,))) == []
    assert list(harness.chat.live.ended) == [session]
    assert harness.chat.live.agenda.next() == harness.now.mono + 60


def test_the_state_after_a_restart_is_what_was_committed() -> None:
    """Rooms, members, roles and heads; nobody is online."""
    harness = Harness()
    ann = harness.user("ann", TEAM, LOBBY)
    ann.ask(Send(Text("hi"), TEAM))
    ann.say(Send(Text("lost"), TEAM))
    epoch = harness.chat.durable.rooms[TEAM].epoch
    harness.restart()
    assert harness.chat.durable.users == {}
    harness.user("ann")
    room = harness.chat.durable.rooms[TEAM]
    assert (room.epoch, room.head, room.members[ANN].role) == (epoch, 2, "owner")
    assert list(harness.chat.durable.rooms_of(ANN)) == [LOBBY, TEAM]
    assert list(room.online) == [ANN]
    assert harness.chat.durable.rooms[LOBBY].declared
