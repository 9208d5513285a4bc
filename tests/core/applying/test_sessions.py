"""Whom the operator cuts off, and what the others see of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.core import drafts, inputs
from chatd.core.changes import (
    AccessRevoked,
    Banned,
    Change,
    RoleSet,
    SessionsEnded,
    Unbanned,
    UserErased,
)
from chatd.core.effects import Append, Authenticate, Finish, Unsubscribe
from chatd.core.entities import Invite, Room, Sanction
from chatd.core.inputs import Changed
from chatd.enums import AccountRole
from chatd.errors import Ending, RejectCode
from chatd.ids import Epoch, RoomName, Seq, SessionId, UserName, direct_room
from chatd.ports import TokenRow
from chatd.wire.commands import (
    Block,
    Blocks,
    Hello,
    History,
    Join,
    Logout,
    Send,
    Typing,
)
from chatd.wire.kinds import GuestName, Secret, Text
from chatd.wire.replies import Done
from tests.core.house import ANN, BOB, CY, LOBBY, POSITION, House, Peer

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
def house() -> House:
    """Ann has two devices in the lobby, bob is there, too."""
    house = House()
    house.user("ann", LOBBY)
    house.user("ann", LOBBY)
    house.user("bob", LOBBY)
    house.wait(2)
    house.take_all()
    return house


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (Banned(ANN, None, None), Ending.BANNED),
        (AccessRevoked(ANN), Ending.REVOKED),
        (UserErased(ANN), Ending.REVOKED),
    ],
)
def test_all_connections_of_the_user_end_at_once(
    house: House, change: Change, ending: Ending
) -> None:
    """Their subscriptions first; he is out of the online lists in the same step, and
    his sessions are voided on disk once more, before the position is kept.
    """
    first, second, bob = house.peers.values()
    wanted: list[Any] = list(house.change(change))
    assert wanted == [
        Unsubscribe(first.id, LOBBY, drop=False),
        Finish(first.id, ending),
        Unsubscribe(second.id, LOBBY, drop=False),
        Finish(second.id, ending),
        Append(wanted[4].origin),
        Append(wanted[5].origin),
    ]
    assert [wanted[n].origin.draft for n in (4, 5)] == [
        drafts.EndSessions(ANN),
        drafts.KeepPosition(POSITION),
    ]
    assert list(house.chat.durable.rooms[LOBBY].online) == [BOB]
    assert list(house.chat.live.connections) == [bob.id]
    house.wait(2)
    assert left(bob) == [ANN]
    house.settle()
    assert [row.user for row in house.model.sessions.values()] == [BOB]
    for peer in (first, second):
        assert peer.take() == []
        assert peer.close() == []
    assert (ANN in house.chat.durable.rooms[LOBBY].members) == (
        not isinstance(change, UserErased)
    )


def test_what_was_sent_and_is_not_done_is_not_done(house: House) -> None:
    """What waits is dropped; what is being stored is stored, and delivered."""
    ann, _, bob = house.peers.values()
    ann.say(Send(HI, LOBBY))
    ann.say(Join(LOBBY))
    house.change(Banned(ANN, None, None))
    assert ann.answers == ann.said - 1
    ann.say(Send(HI, LOBBY))
    house.settle()
    assert [frame.type for frame in bob.take()] == ["message"]
    assert house.chat.durable.rooms[LOBBY].head == 1
    assert ann.take() == []


def test_a_user_in_his_grace_is_gone_as_well(house: House) -> None:
    """There is nobody to cut off, and nobody to wait for."""
    first, second, bob = house.peers.values()
    first.close()
    second.close()
    assert house.chat.durable.users[ANN].online
    house.change(Banned(ANN, None, None))
    assert not house.chat.durable.users[ANN].online
    house.wait(2)
    assert left(bob) == [ANN]


def test_a_guest_is_forgotten(house: House) -> None:
    """Connected or in his grace: his session was all that he had."""
    bob = [*house.peers.values()][2]
    for is_gone in (False, True):
        peer = house.guest(LOBBY)
        name = house.chat.live.connections[peer.id].user
        assert name is not None
        if is_gone:
            peer.close()
        house.wait(2)
        house.take_all()
        house.change(UserErased(name))
        assert name not in house.chat.durable.users
        house.settle()
        house.wait(2)
        assert left(bob) == [name]
        assert all(row.user != name for row in house.model.sessions.values())


def test_a_logout_that_was_on_its_way_changes_nothing(house: House) -> None:
    """The session is void only once."""
    ann = next(iter(house.peers.values()))
    ann.say(Logout())
    house.change(AccessRevoked(ANN))
    house.settle()
    assert ann.ending is Ending.REVOKED


def test_a_token_ends_what_came_from_it(house: House) -> None:
    """Other devices of the user stay, and nobody sees him leave."""
    first, second, bob = house.peers.values()
    for peer, token in ((first, b"one"), (second, b"two")):
        house.chat.live.connections[peer.id].token = token
    wanted = house.change(AccessRevoked(ANN, b"one"))
    assert Finish(first.id, Ending.REVOKED) in wanted
    assert second.ending is None
    assert house.drafts[0].draft == drafts.EndSessions(ANN, b"one")
    house.wait(2)
    assert bob.take() == []
    assert house.chat.durable.users[ANN].online


def test_a_session_remembers_its_token() -> None:
    """The one that its principal came with."""
    house = House()
    peer = house.open()
    peer.say(LOGIN)
    effect = house.look_ups.pop()
    assert isinstance(effect, Authenticate)
    happened = house._authenticate(effect)
    assert isinstance(happened, inputs.Authenticated)
    house.model.tokens[b"t"] = TokenRow(ANN, None)
    happened.principal = attrs.evolve(happened.principal, token=b"t")
    house.handle(happened)
    house.settle()
    assert house.chat.live.connections[peer.id].token == b"t"


def test_a_role_is_another_one_at_once(house: House) -> None:
    """Nobody is cut off."""
    house.change(RoleSet(ANN, AccountRole.ADMIN))
    assert house.chat.durable.users[ANN].role == "admin"
    assert all(peer.ending is None for peer in house.peers.values())


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
def test_who_is_not_in_memory_is_cut_off_on_disk(change: Change) -> None:
    """An account that was added a moment ago, or a guest who has gone."""
    house = House()
    wanted = house.change(change)
    assert all(isinstance(effect, Append) for effect in wanted)
    assert house.drafts[-1].draft == drafts.KeepPosition(POSITION)
    house.settle()


def test_the_position_is_that_of_the_last_change(house: House) -> None:
    """All that came together is taken then."""
    house.handle(
        Changed([RoleSet(ANN, AccountRole.USER), RoleSet(BOB, AccountRole.BOT)], 9)
    )
    assert [origin.draft for origin in house.drafts] == [drafts.KeepPosition(9)]


# --- erased -----------------------------------------------------------------------


def test_an_erased_user_is_nowhere(house: House) -> None:
    """In no room and in no memory; his direct conversations stay the others'."""
    ann, _, bob = house.peers.values()
    ann.ask(Send(HI, to=BOB))
    house.change(UserErased(ANN))
    assert ANN not in house.chat.durable.users
    assert list(house.chat.durable.rooms[direct_room(ANN, BOB)].members) == [BOB]
    bob.take()
    room = direct_room(ANN, BOB)
    (refused,) = bob.ask(Send(HI, room))
    assert (refused.code, refused.field) == (RejectCode.NO_USER, "room")
    assert bob.ask(Typing(room, id=1)) == [Done("typing", 1)]
    assert bob.ask(History(room))[0].messages
    assert bob.join(room)[0].type == "ok"
    bob.ask(Send(HI, LOBBY))
    assert house.chat.durable.rooms[room].head == 1


def test_who_blocked_the_erased_blocks_nobody(house: House) -> None:
    """Neither in memory nor in his list."""
    bob = [*house.peers.values()][2]
    bob.ask(Block(ANN))
    house.change(UserErased(ANN))
    assert bob.ask(Blocks())[-1].users == []


def test_a_changed_role_has_a_hello_verified_again(house: House) -> None:
    """He was verified with the role that he had before."""
    peer = house.open()
    peer.say(LOGIN)
    effect = house.look_ups.pop()
    assert isinstance(effect, Authenticate)
    happened = house._authenticate(effect)
    house.change(RoleSet(ANN, AccountRole.BOT))
    house.handle(happened)
    house.commit()
    assert isinstance(house.look_ups[-1], Authenticate)


def test_what_rooms_held_against_him_is_forgotten(house: House) -> None:
    """Bans and mutes, and the invitations that he had, or had sent."""
    durable, den = house.chat.durable, RoomName("den")
    room, other = durable.rooms[LOBBY], Room(den, Epoch(16 * "0"), Seq(0), Seq(1))
    durable.add_room(other)
    house.chat.live.note_unheld(other, house.now.mono)
    durable.set_ban(room, ANN, Sanction(None, None))
    durable.set_mute(room, ANN, Sanction(None, None))
    durable.set_mute(other, BOB, Sanction(None, None))
    durable.put_invite(ANN, room, Invite(BOB, 0))
    durable.put_invite(CY, room, Invite(ANN, 0))
    durable.put_invite(CY, other, Invite(BOB, 0))
    house.change(UserErased(ANN))
    assert not room.bans
    assert not room.mutes
    assert list(other.mutes) == [BOB]
    assert durable.invites == {CY: {den: Invite(BOB, 0)}}


def test_a_first_direct_message_to_him_that_is_under_way_is_stored(
    house: House,
) -> None:
    """Only who is there is subscribed to the new room, and hears of it."""
    bob = [*house.peers.values()][2]
    bob.say(Send(HI, to=ANN))
    house.change(UserErased(ANN))
    house.settle()
    assert [frame.type for frame in bob.take()] == ["ok", "message"]
    assert list(house.chat.durable.rooms[direct_room(ANN, BOB)].online) == [BOB]


def test_what_is_under_way_does_not_bring_him_back(house: House) -> None:
    """A join and a leave that are being stored, a new room, a message."""
    ann, second, bob = house.peers.values()
    bob.ask(Join(RoomName("tea")))
    bob.take()
    ann.say(Send(HI, LOBBY))
    ann.say(Join(RoomName("den")))
    second.say(Join(RoomName("tea")))
    waiting = house.user("ann")
    waiting.say(Join(RoomName("tea")))
    house.change(UserErased(ANN))
    house.settle()
    assert ANN not in house.chat.durable.users
    for room in house.chat.durable.rooms.values():
        assert ANN not in room.members
    assert not house.chat.live.barriers
    assert [frame.type for frame in bob.take()] == ["message", "member"]


# --- a hello that is under way ------------------------------------------------------


def test_a_new_session_is_verified_again(house: House) -> None:
    """The credential was right before the change; the session that it opened is
    voided, and whoever asked is answered once.
    """
    peer = house.open()
    peer.say(LOGIN)
    house.run_look_up()
    house.change(Banned(ANN, None, None))
    house.commit()
    assert house.chat.durable.users[ANN].connections == {}
    assert isinstance(house.look_ups[0], Authenticate)
    house.commit()
    assert all(row.user != ANN for row in house.model.sessions.values())
    house.settle()
    (welcome,) = peer.take()
    assert welcome.user == ANN
    assert peer.answers == peer.said


def test_a_resumed_session_is_verified_again(house: House) -> None:
    """And refused now, as its row is gone."""
    ann, _, bob = house.peers.values()
    session = house.chat.live.connections[ann.id].session
    assert session is not None
    ann.ask(Send(HI, LOBBY))
    bob.ask(Send(HI, LOBBY))
    ann.close()
    peer = house.open()
    peer.say(Hello(session=Secret(session.decode())))
    house.run_look_up()
    house.chat.live.ended.clear()
    house.change(AccessRevoked(ANN))
    del house.model.sessions[session]
    house.run_look_up()
    assert isinstance(house.look_ups[0], Authenticate)
    house.settle()
    assert [frame.code for frame in peer.take()] == ["bad_credentials"]
