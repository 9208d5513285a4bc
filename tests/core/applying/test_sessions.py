"""Whom the operator cuts off, and what the others see of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.core import inputs
from chatd.core.changes import (
    AccessRevoked,
    Banned,
    Change,
    RoleSet,
    SessionsEnded,
    Unbanned,
    UserErased,
)
from chatd.core.effects import Authenticate, Finish, Unsubscribe
from chatd.core.entities import Invite, Room, Sanction
from chatd.enums import AccountRole
from chatd.errors import Ending, RejectCode
from chatd.ids import Epoch, RoomName, Seq, SessionId, UserName, direct_room
from chatd.ports import TokenRow
from chatd.wire.ephemeral import Typing
from chatd.wire.kinds import GuestName, Secret, Text
from chatd.wire.replies import Done
from chatd.wire.rooms import Join
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import History, Send
from chatd.wire.users import Block, Blocks
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

DAN = UserName("dan")
HI = Text("hi")
LOGIN = Hello(GuestName("ann"), Secret("right"))


def left(peer: Peer) -> list[UserName]:
    """Who is told to have left, in all that was received."""
    return [
        name
        for frame in peer.take()
        if frame.type == "presence"
        for name in frame.leave
    ]


@pytest.fixture
def harness() -> Harness:
    """Ann has two devices in the lobby, bob is there, too."""
    harness = Harness()
    harness.user("ann", LOBBY)
    harness.user("ann", LOBBY)
    harness.user("bob", LOBBY)
    harness.wait(2)
    harness.take_all()
    return harness


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (Banned(ANN, None, None), Ending.BANNED),
        (AccessRevoked(ANN), Ending.REVOKED),
        (UserErased(ANN), Ending.REVOKED),
    ],
)
def test_all_connections_of_the_user_end_at_once(
    harness: Harness, change: Change, ending: Ending
) -> None:
    """Their subscriptions first; he is out of the online lists in the same step."""
    first, second, bob = harness.peers.values()
    wanted: list[Any] = list(harness.change(change))
    assert wanted == [
        Unsubscribe(first.id, LOBBY, drop=False),
        Finish(first.id, ending),
        Unsubscribe(second.id, LOBBY, drop=False),
        Finish(second.id, ending),
    ]
    assert list(harness.chat.durable.rooms[LOBBY].online) == [BOB]
    assert list(harness.chat.live.connections) == [bob.id]
    harness.wait(2)
    assert left(bob) == [ANN]
    harness.settle()
    for peer in (first, second):
        assert peer.take() == []
        assert peer.close() == []
    assert (ANN in harness.chat.durable.rooms[LOBBY].members) == (
        not isinstance(change, UserErased)
    )


def test_what_was_sent_and_is_not_done_is_not_done(harness: Harness) -> None:
    """What waits is dropped; what is being stored is stored, and delivered."""
    ann, _, bob = harness.peers.values()
    ann.say(Send(HI, LOBBY))
    ann.say(Join(LOBBY))
    harness.change(Banned(ANN, None, None))
    assert ann.answers == ann.said - 1
    ann.say(Send(HI, LOBBY))
    harness.settle()
    assert [frame.type for frame in bob.take()] == ["message"]
    assert harness.chat.durable.rooms[LOBBY].head == 1
    assert ann.take() == []


def test_a_user_in_his_grace_is_gone_as_well(harness: Harness) -> None:
    """There is nobody to cut off, and nobody to wait for."""
    first, second, bob = harness.peers.values()
    first.close()
    second.close()
    assert harness.chat.durable.users[ANN].online
    harness.change(Banned(ANN, None, None))
    assert not harness.chat.durable.users[ANN].online
    harness.wait(2)
    assert left(bob) == [ANN]


def test_a_guest_is_forgotten(harness: Harness) -> None:
    """Connected or in his grace: his session was all that he had."""
    bob = [*harness.peers.values()][2]
    for is_gone in (False, True):
        peer = harness.guest(LOBBY)
        name = harness.chat.live.connections[peer.id].user
        assert name is not None
        if is_gone:
            peer.close()
        harness.wait(2)
        harness.take_all()
        harness.change(UserErased(name))
        assert name not in harness.chat.durable.users
        harness.settle()
        harness.wait(2)
        assert left(bob) == [name]


def test_a_logout_that_was_on_its_way_changes_nothing(harness: Harness) -> None:
    """The session is void only once."""
    ann = next(iter(harness.peers.values()))
    ann.say(Logout())
    harness.change(AccessRevoked(ANN))
    harness.settle()
    assert ann.ending is Ending.REVOKED


def test_a_token_ends_what_came_from_it(harness: Harness) -> None:
    """Other devices of the user stay, and nobody sees him leave."""
    first, second, bob = harness.peers.values()
    for peer, token in ((first, b"one"), (second, b"two")):
        harness.chat.live.connections[peer.id].token = token
    wanted = harness.change(AccessRevoked(ANN, b"one"))
    assert Finish(first.id, Ending.REVOKED) in wanted
    assert second.ending is None
    harness.wait(2)
    assert bob.take() == []
    assert harness.chat.durable.users[ANN].online


def test_a_session_remembers_its_token() -> None:
    """The one that its principal came with."""
    harness = Harness()
    peer = harness.open()
    peer.say(LOGIN)
    effect = harness.look_ups.pop()
    assert isinstance(effect, Authenticate)
    happened = harness._authenticate(effect)
    assert isinstance(happened, inputs.Authenticated)
    harness.model.tokens[b"t"] = TokenRow(ANN, None)
    happened.principal = attrs.evolve(happened.principal, token=b"t")
    harness.handle(happened)
    harness.settle()
    assert harness.chat.live.connections[peer.id].token == b"t"


def test_a_role_is_another_one_at_once(harness: Harness) -> None:
    """Nobody is cut off."""
    harness.change(RoleSet(ANN, AccountRole.ADMIN))
    assert harness.chat.durable.users[ANN].role == "admin"
    assert all(peer.ending is None for peer in harness.peers.values())


@pytest.mark.parametrize(
    "change",
    [
        Banned(DAN, None, None),
        Unbanned(DAN),
        AccessRevoked(DAN),
        AccessRevoked(DAN, b"token"),
        SessionsEnded((SessionId(b"one"),)),
        RoleSet(DAN, AccountRole.BOT),
        UserErased(DAN),
    ],
)
def test_of_who_is_not_in_memory_nobody_is_told(change: Change) -> None:
    """An account that was added a moment ago, or a guest who has gone."""
    harness = Harness()
    assert harness.change(change) == []


# --- erased -----------------------------------------------------------------------


def test_an_erased_user_is_nowhere(harness: Harness) -> None:
    """In no room and in no memory; his direct conversations stay the others'."""
    ann, _, bob = harness.peers.values()
    ann.ask(Send(HI, to=BOB))
    harness.change(UserErased(ANN))
    assert ANN not in harness.chat.durable.users
    assert list(harness.chat.durable.rooms[direct_room(ANN, BOB)].members) == [BOB]
    bob.take()
    room = direct_room(ANN, BOB)
    (refused,) = bob.ask(Send(HI, room))
    assert (refused.code, refused.field) == (RejectCode.NO_USER, "room")
    assert bob.ask(Typing(room, id=1)) == [Done("typing", 1)]
    assert bob.ask(History(room))[0].messages
    assert bob.join(room)[0].type == "ok"
    bob.ask(Send(HI, LOBBY))
    assert harness.chat.durable.rooms[room].head == 1


def test_who_blocked_the_erased_blocks_nobody(harness: Harness) -> None:
    """Neither in memory nor in his list."""
    bob = [*harness.peers.values()][2]
    bob.ask(Block(ANN))
    harness.change(UserErased(ANN))
    assert bob.ask(Blocks())[-1].users == []


def test_a_changed_role_has_a_hello_verified_again(harness: Harness) -> None:
    """He was verified with the role that he had before."""
    peer = harness.open()
    peer.say(LOGIN)
    effect = harness.look_ups.pop()
    assert isinstance(effect, Authenticate)
    happened = harness._authenticate(effect)
    harness.change(RoleSet(ANN, AccountRole.BOT))
    harness.handle(happened)
    harness.commit()
    assert isinstance(harness.look_ups[-1], Authenticate)


def test_what_rooms_held_against_him_is_forgotten(harness: Harness) -> None:
    """Bans and mutes, and the invitations that he had, or had sent."""
    durable, den = harness.chat.durable, RoomName("den")
    room, other = durable.rooms[LOBBY], Room(den, Epoch(16 * "0"), Seq(0), Seq(1))
    durable.add_room(other)
    harness.chat.live.note_unheld(other, harness.now.mono)
    durable.set_ban(room, ANN, Sanction(None, None))
    durable.set_mute(room, ANN, Sanction(None, None))
    durable.set_mute(other, BOB, Sanction(None, None))
    durable.put_invite(ANN, room, Invite(BOB, 0))
    durable.put_invite(CY, room, Invite(ANN, 0))
    durable.put_invite(CY, other, Invite(BOB, 0))
    harness.change(UserErased(ANN))
    assert not room.bans
    assert not room.mutes
    assert list(other.mutes) == [BOB]
    assert durable.invites == {CY: {den: Invite(BOB, 0)}}


def test_a_first_direct_message_to_him_that_is_under_way_is_stored(
    harness: Harness,
) -> None:
    """Only who is there is subscribed to the new room, and hears of it."""
    bob = [*harness.peers.values()][2]
    bob.say(Send(HI, to=ANN))
    harness.change(UserErased(ANN))
    harness.settle()
    assert [frame.type for frame in bob.take()] == ["ok", "message"]
    assert list(harness.chat.durable.rooms[direct_room(ANN, BOB)].online) == [BOB]


def test_what_is_under_way_does_not_bring_him_back(harness: Harness) -> None:
    """A join and a leave that are being stored, a new room, a message."""
    ann, second, bob = harness.peers.values()
    bob.ask(Join(RoomName("tea")))
    bob.take()
    ann.say(Send(HI, LOBBY))
    ann.say(Join(RoomName("den")))
    second.say(Join(RoomName("tea")))
    waiting = harness.user("ann")
    waiting.say(Join(RoomName("tea")))
    harness.change(UserErased(ANN))
    harness.settle()
    assert ANN not in harness.chat.durable.users
    for room in harness.chat.durable.rooms.values():
        assert ANN not in room.members
    assert not harness.chat.live.barriers
    assert [frame.type for frame in bob.take()] == ["message", "member"]


# --- a hello that is under way ------------------------------------------------------


def test_a_new_session_is_verified_again(harness: Harness) -> None:
    """The credential was right before the change; the session that it opened is
    voided, and whoever asked is answered once.
    """
    peer = harness.open()
    peer.say(LOGIN)
    harness.run_look_up()
    harness.log_out(ANN)
    harness.commit()
    assert harness.chat.durable.users[ANN].connections == {}
    assert isinstance(harness.look_ups[0], Authenticate)
    harness.commit()
    assert all(row.user != ANN for row in harness.model.sessions.values())
    harness.settle()
    (welcome,) = peer.take()
    assert welcome.user == ANN
    assert peer.answers == peer.said


def test_a_resumed_session_is_verified_again(harness: Harness) -> None:
    """And refused now, as its row is gone."""
    ann, _, bob = harness.peers.values()
    session = harness.chat.live.connections[ann.id].session
    assert session is not None
    ann.ask(Send(HI, LOBBY))
    bob.ask(Send(HI, LOBBY))
    ann.close()
    peer = harness.open()
    peer.say(Hello(session=Secret(session.decode())))
    harness.run_look_up()
    harness.chat.live.ended.clear()
    harness.change(AccessRevoked(ANN))
    del harness.model.sessions[session]
    harness.run_look_up()
    assert isinstance(harness.look_ups[0], Authenticate)
    harness.settle()
    assert [frame.code for frame in peer.take()] == ["bad_credentials"]


def test_a_guest_who_has_no_session_left_leaves_what_he_was_asked_into(
    harness: Harness,
) -> None:
    """Whichever node had the last one."""
    guest = harness.guest()
    name = harness.user_of(guest)
    assert name is not None
    durable, room = harness.chat.durable, harness.chat.durable.rooms[LOBBY]
    durable.put_invite(name, room, Invite(BOB, 0))
    harness.change(SessionsEnded((), name, left=True))
    assert name not in durable.invites
