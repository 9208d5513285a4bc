from __future__ import annotations

from typing import Any

import attrs

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.effects import Answer, Authenticate, Finish, Origin, Query, Unsubscribe
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import Seq, SessionId, UserName, direct_room, session_tag
from chatd.wire import replies
from chatd.wire.ephemeral import Read
from chatd.wire.kinds import GuestName, Secret, Text
from chatd.wire.place import Ping
from chatd.wire.rooms import Join
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import Send
from tests.core.harness import ADA, ANN, BOB, LOBBY, Harness
from tests.core.logins import secret_of, session_of

HI = Text("hi")
DIRECT = direct_room(ANN, BOB)
LOGIN = Hello(GuestName("ann"), Secret("right"))
WRONG = Hello(GuestName("ann"), Secret("wrong"))


def look_up(harness: Harness, kind: type) -> Any:
    """Take away the look-up that waits."""
    (found,) = harness.look_ups
    assert isinstance(found, kind)
    harness.look_ups.clear()
    return found


# --- hello ------------------------------------------------------------------------


def test_a_hello_runs_in_steps_and_ends_with_welcome() -> None:
    """Verified, its session on disk, then welcomed; what follows waits."""
    harness = Harness()
    peer = harness.open()
    hello = Hello(GuestName("ada"), Secret("right"), id=1)
    assert peer.say(hello) == [Authenticate(peer.id, hello)]
    peer.say(Ping(id=2))
    harness.run_look_up()
    (origin,) = harness.drafts
    session = SessionId(b"1 secret")
    draft = drafts.OpenSession(session, ADA, None, harness.now.wall, most=50)
    assert origin == Origin(peer.id, hello, draft)
    assert peer.take() == []
    harness.commit()
    assert peer.take() == []
    harness.run_look_up()
    welcome, done = peer.take()
    assert welcome == replies.Welcome(
        ADA,
        "Ada",
        AccountRole.ADMIN,
        "1 secret",
        "chatd",
        "chatd/test",
        1,
        now=harness.now.wall,
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
    peer = Harness(Config(limits=Limits(messages_per_s=0.5))).open()
    (welcome,) = peer.hello()
    assert type(welcome.heartbeat) is int
    assert welcome.limits.per_second == 0.5


def test_a_guest_is_recorded_with_his_session() -> None:
    """His name is his alone: one that was taken is drawn again."""
    harness = Harness()
    taken = UserName("guest~1")
    harness.model.execute(drafts.AddUser(taken, "x", AccountRole.GUEST, None), 0)
    peer = harness.open()
    (welcome,) = peer.hello(id=9)
    assert (welcome.user, welcome.role, welcome.id) == ("guest~2", "guest", 9)
    assert harness.model.users[UserName("guest~2")].role == "guest"


def test_a_second_hello_is_forbidden() -> None:
    """Also one that was sent behind the first."""
    peer = Harness().open()
    peer.say(LOGIN)
    welcome, error = peer.ask(LOGIN)
    assert isinstance(welcome, replies.Welcome)
    assert (error.re, error.code) == ("hello", RejectCode.FORBIDDEN)


def test_the_third_wrong_credential_ends_the_connection() -> None:
    """And a fourth that was sent with them is not looked at."""
    harness = Harness()
    peer = harness.open()
    for hello in (WRONG, WRONG, WRONG, LOGIN):
        peer.say(hello)
    harness.settle()
    assert [frame.code for frame in peer.take()] == ["bad_credentials"] * 3
    assert peer.ending is Ending.BAD_CREDENTIALS
    assert peer.answers == peer.said
    assert not harness.chat.durable.users
    assert peer.say(LOGIN) == [Answer(peer.id, None)]


def test_a_disabled_account_ends_the_connection() -> None:
    """`banned`, and 4503; any other refusal leaves it open."""
    harness = Harness()
    peer = harness.open()
    for code, ending in (("rate_limited", None), ("banned", Ending.BANNED)):
        peer.say(LOGIN)
        failed = look_up(harness, Authenticate)
        reject = Reject(RejectCode(code), "no")
        harness.handle(inputs.AuthenticationFailed(peer.id, failed.hello, reject))
        assert [frame.code for frame in peer.take()] == [code]
        assert peer.ending is ending


def test_a_session_that_could_not_be_stored_is_answered_and_unblocks() -> None:
    """Another attempt may follow on the same connection."""
    harness = Harness()
    peer = harness.open()
    peer.say(attrs.evolve(LOGIN, id=1))
    harness.run_look_up()
    harness.fail()
    assert [(frame.code, frame.id) for frame in peer.take()] == [("unavailable", 1)]
    (welcome,) = peer.ask(LOGIN)
    assert welcome.user == ANN


def test_a_session_that_nobody_was_told_is_voided() -> None:
    """The connection was closed before its session was stored, or counted, or the
    store had stalled; and where it was refused there is nothing to void.
    """
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    for stage in ("stored", "counted", "stalled"):
        peer = harness.open()
        peer.say(Hello(GuestName("bob"), Secret("right")))
        harness.run_look_up()
        if stage == "counted":
            harness.commit()
        if stage == "stalled":
            harness.stall()
        peer.close()
        harness.settle()
        assert len(harness.model.sessions) == 2, stage
    peer = harness.open()
    peer.say(Hello())
    harness.run_look_up()
    peer.close()
    harness.fail()
    assert not harness.drafts
    assert bob.ending is None


def test_what_comes_back_for_a_hello_that_is_gone_is_nothing() -> None:
    """Neither a verified credential nor a refusal nor a count of a resume."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    bob = harness.user("bob", LOBBY)
    bob.ask(Send(HI, LOBBY))
    for hello in (LOGIN, WRONG, Hello(session=secret_of(ann))):
        peer = harness.open()
        peer.say(hello)
        if hello.session is not None:
            harness.run_look_up()
        peer.close()
        harness.run_look_up()
        assert not harness.drafts
        assert not harness.look_ups


def test_a_session_that_nobody_will_be_told_of_ends_before_its_connection() -> None:
    """The socket has gone, behind much that it had sent before."""
    harness = Harness()
    harness.user("ann", LOBBY)
    harness.user("bob", LOBBY).ask(Send(HI, LOBBY))
    sessions = set(harness.model.sessions)
    peer = harness.open()
    peer.say(LOGIN)
    harness.run_look_up()
    harness.commit()
    (count,) = harness.look_ups
    harness.look_ups.clear()
    assert isinstance(count, Query)
    harness.handle(inputs.Abandoned(count.query))
    harness.settle()
    assert set(harness.model.sessions) == sessions
    peer.say(Ping())
    peer.close()
    assert peer.take() == []


def test_a_session_that_was_ended_is_not_welcomed_however_long_that_takes() -> None:
    """Its end is remembered for a minute, and the store may be busy for longer."""
    harness = Harness()
    bob, ann, other = (harness.user(name, LOBBY) for name in ("bob", "ann", "ann"))
    secret, session = secret_of(ann), session_of(ann)
    ann.close()
    bob.ask(Send(HI, LOBBY))
    ann = harness.open()
    ann.say(Hello(session=secret))
    harness.run_look_up()
    (count,) = harness.look_ups
    harness.look_ups.clear()
    other.ask(Logout(session=session_tag(session)))
    assert session not in harness.model.sessions
    harness.wait(61.0)
    harness.handle(harness.look_up(count))
    harness.settle()
    (refused,) = ann.take()
    assert refused.code is RejectCode.BAD_CREDENTIALS


# --- what is unread ---------------------------------------------------------------


def test_welcome_tells_the_rooms_with_what_is_unread() -> None:
    """Others' messages after the read mark."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    bob.ask(Send(HI, LOBBY))
    ann.ask(Send(HI, LOBBY))
    epoch = harness.chat.durable.rooms[LOBBY].epoch
    peer = harness.open()
    peer.say(Hello(GuestName("bob"), Secret("right")))
    harness.run_look_up()
    harness.commit()
    count = harness.look_ups[0]
    assert isinstance(count, Query)
    assert count.query.marks == [(LOBBY, 2, 3)]
    harness.settle()
    state = replies.RoomState(LOBBY, epoch, Seq(3), Seq(1), Seq(2), 1, 0)
    assert peer.take()[0].rooms == [state]
    (welcome,) = harness.open().hello(session=secret_of(ann))
    assert welcome.rooms == [
        replies.RoomState(LOBBY, epoch, Seq(3), Seq(1), Seq(3), 0, 0)
    ]


def test_a_count_is_made_again_for_a_direct_room_that_went_on() -> None:
    """What welcome tells of it is where delivery begins; elsewhere an older count
    is as true, since a join tells the newer seq.
    """
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    bob = harness.user("bob", LOBBY)
    ann.ask(Send(HI, to=BOB))
    ann.ask(Send(HI, LOBBY))
    peer = harness.open()
    peer.say(Hello(session=secret_of(bob)))
    harness.run_look_up()
    first = harness.look_ups.pop()
    ann.ask(Send(HI, to=BOB))
    ann.ask(Send(HI, LOBBY))
    harness.look_ups.append(first)
    harness.run_look_up()
    second = harness.look_ups[0]
    assert isinstance(second, Query)
    assert second.query.marks == [(DIRECT, 0, 2)]
    harness.settle()
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
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.ask(Send(HI, to=BOB))
    peer = harness.open()
    peer.say(Hello(GuestName("bob"), Secret("right")))
    harness.run_look_up()
    harness.commit()
    count = harness.look_ups.pop()
    bob.ask(Send(HI, to=ANN))
    harness.look_ups.append(count)
    harness.settle()
    (welcome,) = peer.take()
    (state,) = welcome.rooms
    assert (state.seq, state.read, state.unread) == (2, 2, 0)
    ann.ask(Send(HI, to=BOB))
    assert [frame.seq for frame in peer.take()] == [3]


def test_what_went_back_while_it_was_counted_is_counted_again() -> None:
    """Or welcome would tell a mark, and of what is behind it only a part."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    for _ in range(3):
        ann.ask(Send(HI, LOBBY))
    bob.say(Read(LOBBY, Seq(2)))
    peer = harness.open()
    peer.say(Hello(session=secret_of(bob)))
    harness.run_look_up()
    counted = harness.look_ups.pop()
    bob.say(Read(LOBBY, Seq(0), back=True))
    harness.look_ups.append(counted)
    harness.settle()
    (welcome,) = peer.take()
    (state,) = welcome.rooms
    assert (state.read, state.unread) == (0, 3)


def test_a_direct_room_is_subscribed_from_welcome_on() -> None:
    """Nothing of another room is delivered before a join."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.user("bob", LOBBY)
    ann.ask(Send(HI, to=BOB))
    peer = harness.user("bob")
    peer.say(Read(LOBBY, Seq(0)))
    assert list(peer.subscribed) == [DIRECT]


# --- taking over, and too many ----------------------------------------------------


def test_a_newer_connection_takes_the_session_over_in_one_step() -> None:
    """The older one is ended with 4506 and gets nothing more; nobody sees anything;
    what it had sent and was not done is not done, what was being stored is.
    """
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.wait(1)
    harness.take_all()
    bob.say(Send(HI, LOBBY))
    bob.say(Join(LOBBY))
    peer = harness.open()
    peer.say(Hello(session=secret_of(bob)))
    wanted = harness.handle(look_up_input(harness))
    assert wanted[0] == Answer(bob.id, None)
    assert wanted[1] == Unsubscribe(bob.id, LOBBY, drop=False)
    assert wanted[2] == Finish(bob.id, Ending.TAKEN_OVER)
    assert isinstance(wanted[3], Answer)
    harness.settle()
    assert [frame.type for frame in ann.take()] == ["message"]
    assert bob.take() == []
    bob.close()
    harness.wait(60)
    assert ann.take() == []
    assert harness.chat.durable.users[BOB].online


def look_up_input(harness: Harness) -> inputs.Input:
    """What the look-up that waits brings back."""
    effect = look_up(harness, Authenticate)
    happened = harness._authenticate(effect)
    assert isinstance(happened, inputs.Authenticated)
    return happened


def test_a_drop_and_a_resume_keep_the_session() -> None:
    """The same user, the same secret."""
    harness = Harness()
    guest = harness.guest(LOBBY)
    secret = secret_of(guest)
    name = harness.chat.live.connections[guest.id].user
    guest.close()
    harness.wait(800)
    (welcome,) = harness.open().hello(session=secret)
    assert (welcome.user, welcome.session) == (name, secret)
    assert [state.room for state in welcome.rooms] == [LOBBY]


def test_one_connection_too_many_is_ended() -> None:
    """4504, without a welcome, and its session is void; a takeover is none more."""
    harness = Harness(Config(limits=Limits(connections_per_user=2)))
    ann = harness.user("ann")
    harness.user("ann")
    peer = harness.open()
    assert peer.ask(LOGIN) == []
    assert (peer.ending, peer.answers) == (Ending.TOO_MANY, 1)
    harness.settle()
    assert len(harness.model.sessions) == 2
    secret = secret_of(ann)
    (welcome,) = harness.open().hello(session=secret)
    assert welcome.user == ANN
    ann.close()
    gone = harness.user("ann")
    assert gone.ending is Ending.TOO_MANY


def test_a_resume_too_many_keeps_its_session() -> None:
    """It may come back when there is room."""
    harness = Harness(Config(limits=Limits(connections_per_user=1)))
    ann = harness.user("ann")
    secret = secret_of(ann)
    ann.close()
    other = harness.user("ann")
    peer = harness.open()
    peer.hello(session=secret)
    assert peer.ending is Ending.TOO_MANY
    harness.settle()
    peer.close()
    other.close()
    assert harness.open().hello(session=secret)[0].user == ANN


def test_without_a_limit_a_user_has_any_number_of_connections() -> None:
    """connections_per_user = 0."""
    harness = Harness(Config(limits=Limits(connections_per_user=0)))
    for _ in range(30):
        harness.user("ann")
    assert len(harness.chat.durable.users[ANN].connections) == 30
