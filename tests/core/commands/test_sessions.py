from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth, Presence
from chatd.core import drafts, inputs
from chatd.core.agenda import Due
from chatd.core.changes import UserErased
from chatd.core.effects import (
    Answer,
    Append,
    Authenticate,
    Finish,
    Origin,
    Query,
    Unsubscribe,
)
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import Seq, SessionId, UserName, direct_room
from chatd.wire import replies
from chatd.wire.commands import Hello, Join, Leave, Logout, Ping, Profile, Read, Send
from chatd.wire.kinds import Display, GuestName, PageLimit, Secret, Text
from tests.core.house import ADA, ANN, BOB, LOBBY, House, Peer

HI = Text("hi")
DIRECT = direct_room(ANN, BOB)
LOGIN = Hello(GuestName("ann"), Secret("right"))
WRONG = Hello(GuestName("ann"), Secret("wrong"))


def secret_of(peer: Peer) -> Secret:
    """The secret of a connection's session."""
    session = peer.house.chat.live.connections[peer.id].session
    assert session is not None
    return Secret(session.decode())


def look_up(house: House, kind: type) -> Any:
    """Take away the look-up that waits."""
    (found,) = house.look_ups
    assert isinstance(found, kind)
    house.look_ups.clear()
    return found


# --- hello --------------------------------------------------------------------------


def test_a_hello_runs_in_steps_and_ends_with_welcome() -> None:
    """Verified, its session on disk, then welcomed; what follows waits."""
    house = House()
    peer = house.open()
    hello = Hello(GuestName("ada"), Secret("right"), id=1)
    assert peer.say(hello) == [Authenticate(peer.id, hello)]
    peer.say(Ping(id=2))
    house.run_look_up()
    (origin,) = house.drafts
    session = SessionId(b"1 secret")
    draft = drafts.OpenSession(session, ADA, None, house.now.wall, most=50)
    assert origin == Origin(peer.id, hello, draft)
    assert peer.take() == []
    house.commit()
    assert peer.take() == []
    house.run_look_up()
    welcome, done = peer.take()
    assert welcome == replies.Welcome(
        ADA,
        "Ada",
        AccountRole.ADMIN,
        "1 secret",
        "chatd",
        "chatd/test",
        1,
        now=house.now.wall,
        heartbeat=25,
        heartbeat_timeout=10,
        limits=replies.LimitsShown(65536, 4000, 5, 20),
        rooms=[],
        suggested=[LOBBY],
        id=1,
    )
    assert done == replies.Done("ping", 2)


def test_numbers_in_welcome_are_written_as_people_do() -> None:
    """Whole ones without a fraction."""
    peer = House(Config(limits=Limits(messages_per_s=0.5))).open()
    (welcome,) = peer.hello()
    assert type(welcome.heartbeat) is int
    assert welcome.limits.per_second == 0.5


def test_a_guest_is_recorded_with_his_session() -> None:
    """His name is his alone: one that was taken is drawn again."""
    house = House()
    taken = UserName("guest~1")
    house.model.execute(drafts.AddUser(taken, "x", AccountRole.GUEST, None), 0)
    peer = house.open()
    (welcome,) = peer.hello(id=9)
    assert (welcome.user, welcome.role, welcome.id) == ("guest~2", "guest", 9)
    assert house.model.users[UserName("guest~2")].role == "guest"


def test_a_second_hello_is_forbidden() -> None:
    """Also one that was sent behind the first."""
    peer = House().open()
    peer.say(LOGIN)
    welcome, error = peer.ask(LOGIN)
    assert isinstance(welcome, replies.Welcome)
    assert (error.re, error.code) == ("hello", RejectCode.FORBIDDEN)


def test_the_third_wrong_credential_ends_the_connection() -> None:
    """And a fourth that was sent with them is not looked at."""
    house = House()
    peer = house.open()
    for hello in (WRONG, WRONG, WRONG, LOGIN):
        peer.say(hello)
    house.settle()
    assert [frame.code for frame in peer.take()] == ["bad_credentials"] * 3
    assert peer.ending is Ending.BAD_CREDENTIALS
    assert peer.answers == peer.said
    assert not house.chat.durable.users
    assert peer.say(LOGIN) == [Answer(peer.id, None)]


def test_a_disabled_account_ends_the_connection() -> None:
    """`banned`, and 4503; any other refusal leaves it open."""
    house = House()
    peer = house.open()
    for code, ending in (("rate_limited", None), ("banned", Ending.BANNED)):
        peer.say(LOGIN)
        failed = look_up(house, Authenticate)
        reject = Reject(RejectCode(code), "no")
        house.handle(inputs.AuthenticationFailed(peer.id, failed.hello, reject))
        assert [frame.code for frame in peer.take()] == [code]
        assert peer.ending is ending


def test_a_session_that_could_not_be_stored_is_answered_and_unblocks() -> None:
    """Another attempt may follow on the same connection."""
    house = House()
    peer = house.open()
    peer.say(attrs.evolve(LOGIN, id=1))
    house.run_look_up()
    house.fail()
    assert [(frame.code, frame.id) for frame in peer.take()] == [("unavailable", 1)]
    (welcome,) = peer.ask(LOGIN)
    assert welcome.user == ANN


def test_a_session_that_nobody_was_told_is_voided() -> None:
    """The connection was closed before its session was stored, or counted, or the
    store had stalled; and where it was refused there is nothing to void.
    """
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    for stage in ("stored", "counted", "stalled"):
        peer = house.open()
        peer.say(Hello(GuestName("bob"), Secret("right")))
        house.run_look_up()
        if stage == "counted":
            house.commit()
        if stage == "stalled":
            house.stall()
        peer.close()
        house.settle()
        assert len(house.model.sessions) == 2, stage
    peer = house.open()
    peer.say(Hello())
    house.run_look_up()
    peer.close()
    house.fail()
    assert not house.drafts
    assert bob.ending is None


def test_what_comes_back_for_a_hello_that_is_gone_is_nothing() -> None:
    """Neither a verified credential nor a refusal nor a count of a resume."""
    house = House()
    ann = house.user("ann", LOBBY)
    bob = house.user("bob", LOBBY)
    bob.ask(Send(HI, LOBBY))
    for hello in (LOGIN, WRONG, Hello(session=secret_of(ann))):
        peer = house.open()
        peer.say(hello)
        if hello.session is not None:
            house.run_look_up()
        peer.close()
        house.run_look_up()
        assert not house.drafts
        assert not house.look_ups


# --- what is unread -----------------------------------------------------------------


def test_welcome_tells_the_rooms_with_what_is_unread() -> None:
    """Others' messages after the read mark."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    bob.ask(Send(HI, LOBBY))
    ann.ask(Send(HI, LOBBY))
    epoch = house.chat.durable.rooms[LOBBY].epoch
    peer = house.open()
    peer.say(Hello(GuestName("bob"), Secret("right")))
    house.run_look_up()
    house.commit()
    count = house.look_ups[0]
    assert isinstance(count, Query)
    assert count.query.marks == [(LOBBY, 2, 3)]
    house.settle()
    state = replies.RoomState(LOBBY, epoch, Seq(3), Seq(1), Seq(2), 1, 0)
    assert peer.take()[0].rooms == [state]
    (welcome,) = house.open().hello(session=secret_of(ann))
    assert welcome.rooms == [
        replies.RoomState(LOBBY, epoch, Seq(3), Seq(1), Seq(3), 0, 0)
    ]


def test_a_count_is_made_again_for_a_direct_room_that_went_on() -> None:
    """What welcome tells of it is where delivery begins; elsewhere an older count
    is as true, since a join tells the newer seq.
    """
    house = House()
    ann = house.user("ann", LOBBY)
    bob = house.user("bob", LOBBY)
    ann.ask(Send(HI, to=BOB))
    ann.ask(Send(HI, LOBBY))
    peer = house.open()
    peer.say(Hello(session=secret_of(bob)))
    house.run_look_up()
    first = house.look_ups.pop()
    ann.ask(Send(HI, to=BOB))
    ann.ask(Send(HI, LOBBY))
    house.look_ups.append(first)
    house.run_look_up()
    second = house.look_ups[0]
    assert isinstance(second, Query)
    assert second.query.marks == [(DIRECT, 0, 2)]
    house.settle()
    (welcome,) = peer.take()
    assert [(r.room, r.seq, r.unread) for r in welcome.rooms] == [
        (LOBBY, 1, 1),
        (DIRECT, 2, 2),
    ]
    ann.ask(Send(HI, to=BOB))
    assert [frame.seq for frame in peer.take()] == [3]


def test_what_was_read_while_it_was_counted_is_told_as_read() -> None:
    """Otherwise welcome would tell a direct room's seq of before, and what was said
    between it and the subscription would be lost.
    """
    house = House()
    ann, bob = house.user("ann"), house.user("bob")
    ann.ask(Send(HI, to=BOB))
    peer = house.open()
    peer.say(Hello(GuestName("bob"), Secret("right")))
    house.run_look_up()
    house.commit()
    count = house.look_ups.pop()
    bob.ask(Send(HI, to=ANN))
    house.look_ups.append(count)
    house.settle()
    (welcome,) = peer.take()
    (state,) = welcome.rooms
    assert (state.seq, state.read, state.unread) == (2, 2, 0)
    ann.ask(Send(HI, to=BOB))
    assert [frame.seq for frame in peer.take()] == [3]


def test_a_direct_room_is_subscribed_from_welcome_on() -> None:
    """Nothing of another room is delivered before a join."""
    house = House()
    ann = house.user("ann", LOBBY)
    house.user("bob", LOBBY)
    ann.ask(Send(HI, to=BOB))
    peer = house.user("bob")
    peer.say(Read(LOBBY, Seq(0)))
    assert list(peer.subscribed) == [DIRECT]


# --- taking over, and too many ------------------------------------------------------


def test_a_newer_connection_takes_the_session_over_in_one_step() -> None:
    """The older one is ended with 4506 and gets nothing more; nobody sees anything;
    what it had sent and was not done is not done, what was being stored is.
    """
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    house.wait(1)
    house.take_all()
    bob.say(Send(HI, LOBBY))
    bob.say(Join(LOBBY))
    peer = house.open()
    peer.say(Hello(session=secret_of(bob)))
    wanted = house.handle(look_up_input(house))
    assert wanted[0] == Answer(bob.id, None)
    assert wanted[1] == Unsubscribe(bob.id, LOBBY, drop=False)
    assert wanted[2] == Finish(bob.id, Ending.TAKEN_OVER)
    assert isinstance(wanted[3], Answer)
    house.settle()
    assert [frame.type for frame in ann.take()] == ["message"]
    assert bob.take() == []
    bob.close()
    house.wait(60)
    assert ann.take() == []
    assert house.chat.durable.users[BOB].online


def look_up_input(house: House) -> inputs.Input:
    """What the look-up that waits brings back."""
    effect = look_up(house, Authenticate)
    happened = house._authenticate(effect)
    assert isinstance(happened, inputs.Authenticated)
    return happened


def test_a_drop_and_a_resume_keep_the_session() -> None:
    """The same user, the same secret."""
    house = House()
    guest = house.guest(LOBBY)
    secret = secret_of(guest)
    name = house.chat.live.connections[guest.id].user
    guest.close()
    house.wait(800)
    (welcome,) = house.open().hello(session=secret)
    assert (welcome.user, welcome.session) == (name, secret)
    assert [state.room for state in welcome.rooms] == [LOBBY]


def test_one_connection_too_many_is_ended() -> None:
    """4504, without a welcome, and its session is void; a takeover is none more."""
    house = House(Config(limits=Limits(connections_per_user=2)))
    ann = house.user("ann")
    house.user("ann")
    peer = house.open()
    assert peer.ask(LOGIN) == []
    assert (peer.ending, peer.answers) == (Ending.TOO_MANY, 1)
    house.settle()
    assert len(house.model.sessions) == 2
    secret = secret_of(ann)
    (welcome,) = house.open().hello(session=secret)
    assert welcome.user == ANN
    ann.close()
    gone = house.user("ann")
    assert gone.ending is Ending.TOO_MANY


def test_a_resume_too_many_keeps_its_session() -> None:
    """It may come back when there is room."""
    house = House(Config(limits=Limits(connections_per_user=1)))
    ann = house.user("ann")
    secret = secret_of(ann)
    ann.close()
    other = house.user("ann")
    peer = house.open()
    peer.hello(session=secret)
    assert peer.ending is Ending.TOO_MANY
    house.settle()
    peer.close()
    other.close()
    assert house.open().hello(session=secret)[0].user == ANN


def test_without_a_limit_a_user_has_any_number_of_connections() -> None:
    """connections_per_user = 0."""
    house = House(Config(limits=Limits(connections_per_user=0)))
    for _ in range(30):
        house.user("ann")
    assert len(house.chat.durable.users[ANN].connections) == 30


# --- logout -------------------------------------------------------------------------


def test_logout_voids_the_session_then_ends_the_connection() -> None:
    """Answered when it is on disk; nothing after it is executed."""
    house = House()
    ann = house.user("ann", LOBBY)
    secret = secret_of(ann)
    ann.take()
    command = Logout(id=1)
    session = SessionId(secret.encode())
    assert ann.say(command) == [
        Append(Origin(ann.id, command, drafts.EndSession(session)))
    ]
    ann.say(Leave(LOBBY))
    house.settle()
    assert ann.take() == [replies.Done("logout", 1)]
    assert ann.ending is Ending.LOGOUT
    assert ANN in house.chat.durable.rooms[LOBBY].members
    ann.close()
    assert house.open().hello(session=secret)[0].code == RejectCode.BAD_CREDENTIALS


def test_a_session_that_is_being_ended_cannot_be_resumed() -> None:
    """Whether it was looked up before, or its messages were being counted."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    early, late = house.open(), house.open()
    hello = Hello(session=secret_of(bob))
    late.say(hello)
    house.run_look_up()
    count = house.look_ups.pop()
    early.say(hello)
    bob.say(Logout())
    house.run_look_up()
    assert [frame.code for frame in early.take()] == ["bad_credentials"]
    house.commit()
    house.look_ups.append(count)
    house.settle()
    assert [frame.code for frame in late.take()] == ["bad_credentials"]
    house.wait(60)
    assert not house.chat.live.ended


def test_a_logout_that_could_not_be_stored_leaves_the_session() -> None:
    """Answered, and the connection goes on."""
    house = House()
    ann = house.user("ann")
    ann.say(Logout())
    ann.say(Ping())
    house.fail()
    assert [frame.type for frame in ann.take()] == ["error", "ok"]
    assert ann.ending is None
    ann.say(Logout())
    ann.close()
    house.fail()
    assert not house.chat.live.ended


def test_a_logout_that_is_committed_after_a_stall_ends_who_has_the_session() -> None:
    """The session is void, whoever was told what."""
    house = House()
    guest = house.guest(LOBBY)
    guest.say(Logout())
    house.stall()
    assert guest.take()[-1].code == "unavailable"
    house.settle()
    assert guest.ending is Ending.REVOKED
    assert not house.chat.durable.rooms[LOBBY].members
    guest.close()
    assert not [name for name in house.chat.durable.users if "~" in name]


def test_the_logout_of_a_guest_ends_his_memberships() -> None:
    """Nothing more of his rooms reaches him; his name is forgotten in memory."""
    house = House()
    ann, guest = house.user("ann", LOBBY), house.guest(LOBBY)
    guest.ask(Logout())
    ann.ask(Send(HI, LOBBY))
    assert guest.take() == []
    guest.close()
    assert not [name for name in house.chat.durable.users if "~" in name]
    assert not house.chat.live.sessions.keys() - {SessionId(secret_of(ann).encode())}


# --- guests -------------------------------------------------------------------------


def test_a_guest_who_stays_away_is_forgotten() -> None:
    """After `guest_hold_s` his session ends and his rooms are left."""
    house = House(Config(auth=Auth(guest_hold_s=100)))
    guest = house.guest(LOBBY)
    secret = secret_of(guest)
    house.wait(500)
    guest.close()
    house.wait(99)
    house.settle()
    again = house.open()
    again.hello(session=secret)
    house.wait(50)
    house.settle()
    again.close()
    house.wait(99)
    assert len(house.chat.durable.rooms[LOBBY].members) == 1
    house.wait(1)
    late = house.open()
    assert late.hello(session=secret)[0].code == RejectCode.BAD_CREDENTIALS
    assert not house.chat.durable.rooms[LOBBY].members
    assert not house.model.rooms[LOBBY].members
    assert not [name for name in house.chat.durable.users if "~" in name]


def test_a_guest_who_cannot_be_ended_now_is_ended_later() -> None:
    """The disk was full; until then he may come back."""
    house = House(Config(auth=Auth(guest_hold_s=100)))
    guest = house.guest(LOBBY)
    secret = secret_of(guest)
    guest.close()
    house.wait(100)
    house.fail()
    assert not house.chat.live.ended
    house.wait(100)
    house.settle()
    assert SessionId(secret.encode()) not in house.model.sessions


def test_a_guest_who_was_back_is_held_from_his_last_end() -> None:
    """The deadline of the end before means nothing."""
    house = House(Config(auth=Auth(guest_hold_s=100)))
    guest = house.guest(LOBBY)
    secret = secret_of(guest)
    guest.close()
    house.wait(50)
    again = house.open()
    again.hello(session=secret)
    again.close()
    house.wait(99)
    house.settle()
    assert SessionId(secret.encode()) in house.model.sessions
    house.wait(1)
    house.settle()
    assert SessionId(secret.encode()) not in house.model.sessions


def test_a_guest_without_any_hold_is_gone_at_once() -> None:
    """Also within his grace."""
    config = Config(auth=Auth(guest_hold_s=0), presence=Presence(grace_s=10))
    house = House(config)
    house.guest(LOBBY).close()
    house.wait(0)
    house.settle()
    assert not house.chat.durable.rooms[LOBBY].members
    house.wait(10)
    assert not [name for name in house.chat.durable.users if "~" in name]


def test_guests_are_held_from_the_start_of_the_daemon() -> None:
    """A restart keeps their sessions and rooms."""
    house = House(Config(auth=Auth(guest_hold_s=100)))
    secret = secret_of(house.guest(LOBBY))
    house.restart()
    house.wait(90)
    (welcome,) = house.open().hello(session=secret)
    assert [state.room for state in welcome.rooms] == [LOBBY]
    house.restart()
    house.wait(100)
    house.settle()
    assert not house.chat.live.sessions


def test_a_session_that_nobody_was_told_of_is_ended_again() -> None:
    """It could not be voided on disk, and nobody comes for it."""
    house = House()
    peer = house.open()
    peer.say(Hello(GuestName("ann"), Secret("right")))
    house.run_look_up()
    peer.close()
    house.commit()
    (origin,) = house.drafts
    assert isinstance(origin.draft, drafts.EndSession)
    house.fail()
    house.wait(900)
    house.commit()
    assert house.model.sessions == {}
    house.wait(60)
    assert not len(house.chat.live.agenda)


def test_deadlines_go_with_their_reason() -> None:
    """A hello's, a grace, a guest's hold: who came, came back or left has none."""
    house = House(Config(auth=Auth(guest_hold_s=10), presence=Presence(grace_s=5)))
    agenda = house.chat.live.agenda
    silent = house.open()
    ann, guest = house.user("ann"), house.guest()
    assert agenda.keys(Due.LOGIN) == {silent.id}
    secret = secret_of(guest)
    for peer in (silent, ann, guest):
        peer.close()
    assert not agenda.keys(Due.LOGIN)
    assert len(agenda.keys(Due.GRACE)) == 2
    assert len(agenda.keys(Due.GUEST)) == 1
    back, again = house.open(), house.user("ann")
    back.hello(session=secret)
    assert not agenda.keys(Due.GRACE) | agenda.keys(Due.GUEST)
    back.ask(Logout())
    again.ask(Logout())
    house.wait(60)
    assert not agenda.keys(Due.FORGET_SESSION)
    assert not len(agenda)


# --- profile ------------------------------------------------------------------------


def test_a_display_name_is_durable_and_shown() -> None:
    """Answered when it is on disk; what follows waits."""
    house = House()
    ann = house.user("ann", LOBBY)
    ann.take()
    ann.say(Profile(Display("Ann A."), id=1))
    ann.say(Join(LOBBY, last=PageLimit(1)))
    house.settle()
    done, joined = ann.take()[:2]
    assert done == replies.Done("profile", 1)
    assert joined.users[0].display == "Ann A."
    assert house.model.users[ANN].display == "Ann A."


def test_a_display_name_that_could_not_be_stored_is_not_shown() -> None:
    """Answered, and the connection goes on."""
    house = House()
    ann = house.user("ann")
    ann.say(Profile(Display("Ann A."), id=1))
    ann.say(Ping(id=2))
    house.fail()
    assert [frame.id for frame in ann.take()] == [1, 2]
    assert house.chat.durable.users[ANN].display == "ann"


@pytest.mark.parametrize("gone", [False, True])
def test_a_display_name_counts_though_nobody_waits_for_it(gone: bool) -> None:
    """Its connection was closed, or its user has been erased."""
    house = House()
    guest = house.guest()
    name = house.chat.live.connections[guest.id].user
    assert name is not None
    guest.say(Profile(Display("Gus")))
    guest.close()
    if gone:
        house.change(UserErased(name))
        assert name not in house.chat.durable.users
    house.settle()
    assert house.model.users[name].display == "Gus"
    assert gone or house.chat.durable.users[name].display == "Gus"
