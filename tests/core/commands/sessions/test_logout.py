"""The end of a session: by logout, from another one, or since a guest is gone."""

from __future__ import annotations

import pytest

from chatd.config import Auth, Config
from chatd.config.limits import Limits
from chatd.config.sections import Presence
from chatd.core import drafts
from chatd.core.agenda import Due
from chatd.core.changes import SessionsEnded
from chatd.core.drafts import OpenSession
from chatd.core.effects import Append, Origin
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.errors import Ending, RejectCode
from chatd.ids import SessionId, SessionTag, session_tag
from chatd.wire import replies
from chatd.wire.kinds import Device, GuestName, Secret, Text
from chatd.wire.place import Ping
from chatd.wire.replies import Done
from chatd.wire.rooms import Leave
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, LOBBY, UNAVAILABLE, Harness
from tests.core.logins import (
    codes,
    cut_off,
    listed,
    log_in,
    secret_of,
    session_of,
    tag_of,
)

HI = Text("hi")
FREE = Config(limits=Limits(messages_per_s=0))
NONE = SessionTag("0a1b2c3d4e")


# --- this session -----------------------------------------------------------------


def test_logout_voids_the_session_then_ends_the_connection() -> None:
    """Answered when it is on disk; nothing after it is executed."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    secret = secret_of(ann)
    ann.take()
    command = Logout(id=1)
    session = SessionId(secret.encode())
    assert ann.say(command) == [
        Append(Origin(ann.id, command, drafts.EndSession(session)))
    ]
    ann.say(Leave(LOBBY))
    harness.settle()
    assert ann.take() == [replies.Done("logout", 1)]
    assert ann.ending is Ending.LOGOUT
    assert ANN in harness.chat.durable.rooms[LOBBY].members
    ann.close()
    assert harness.open().hello(session=secret)[0].code == RejectCode.BAD_CREDENTIALS


def test_a_session_that_is_being_ended_cannot_be_resumed() -> None:
    """Whether it was looked up before, or its messages were being counted."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    early, late = harness.open(), harness.open()
    hello = Hello(session=secret_of(bob))
    late.say(hello)
    harness.run_look_up()
    count = harness.look_ups.pop()
    early.say(hello)
    bob.say(Logout())
    harness.run_look_up()
    assert [frame.code for frame in early.take()] == ["bad_credentials"]
    harness.commit()
    harness.look_ups.append(count)
    harness.settle()
    assert [frame.code for frame in late.take()] == ["bad_credentials"]
    harness.wait(60)
    assert not harness.chat.live.ended


def test_a_logout_that_could_not_be_stored_leaves_the_session() -> None:
    """Answered, and the connection goes on."""
    harness = Harness()
    ann = harness.user("ann")
    ann.say(Logout())
    ann.say(Ping())
    harness.fail()
    assert [frame.type for frame in ann.take()] == ["error", "ok"]
    assert ann.ending is None
    ann.say(Logout())
    ann.close()
    harness.fail()
    assert not harness.chat.live.ended


def test_a_logout_that_is_committed_after_a_stall_ends_who_has_the_session() -> None:
    """The session is void, whoever was told what."""
    harness = Harness()
    guest = harness.guest(LOBBY)
    guest.say(Logout())
    harness.stall()
    assert guest.take()[-1].code == "unavailable"
    harness.settle()
    assert guest.ending is Ending.REVOKED
    assert not harness.chat.durable.rooms[LOBBY].members
    guest.close()
    assert not [name for name in harness.chat.durable.users if "~" in name]


@pytest.mark.parametrize("is_guest", [False, True])
def test_a_logout_that_is_refused_after_a_stall_ends_nothing(is_guest: bool) -> None:
    """Who was told that it could not be stored goes on, and may try again."""
    harness = Harness()
    peer = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
    peer.say(Logout())
    harness.stall()
    assert codes(peer.take()) == [RejectCode.UNAVAILABLE]
    harness.fail(UNAVAILABLE)
    assert not harness.chat.live.agenda.keys(Due.GUEST)
    assert [frame.type for frame in peer.ask(Send(HI, LOBBY))] == ["ok", "message"]
    peer.ask(Logout())
    assert peer.ending is Ending.LOGOUT


def test_the_logout_of_a_guest_ends_his_memberships() -> None:
    """Nothing more of his rooms reaches him; his name is forgotten in memory."""
    harness = Harness()
    ann, guest = harness.user("ann", LOBBY), harness.guest(LOBBY)
    guest.ask(Logout())
    ann.ask(Send(HI, LOBBY))
    assert guest.take() == []
    guest.close()
    assert not [name for name in harness.chat.durable.users if "~" in name]
    assert not harness.chat.live.sessions.keys() - {SessionId(secret_of(ann).encode())}


# --- another one ------------------------------------------------------------------


def test_another_session_is_ended() -> None:
    """With 4505 and for good, also for who has it no connection; the others stay."""
    harness = Harness(FREE)
    desk, phone, bob = log_in(harness), log_in(harness), log_in(harness, name="bob")
    away = log_in(harness)
    secrets = [Secret(session_of(peer).decode()) for peer in (phone, away)]
    tags = [tag_of(phone), tag_of(away)]
    away.close()
    harness.take_all()
    for tag in tags:
        assert desk.ask(Logout(session=tag, id=1)) == [Done("logout", 1)]
    assert [p.ending for p in (desk, phone, bob)] == [None, Ending.REVOKED, None]
    assert phone.ask(Ping()) == []
    for secret in secrets:
        assert codes(harness.open().hello(session=secret)) == [
            RejectCode.BAD_CREDENTIALS
        ]
    assert list(listed(desk)) == [tag_of(desk)]


def test_ones_own_session_is_ended_as_by_logout_alone() -> None:
    """With 1000; a guest has only this one."""
    harness = Harness()
    for peer in (log_in(harness), harness.guest(LOBBY)):
        peer.take()
        (done,) = peer.ask(Logout(session=tag_of(peer)))
        assert (done.type, peer.ending) == ("ok", Ending.LOGOUT)
    assert harness.model.sessions == {}


def test_nobody_ends_what_is_not_his() -> None:
    """Somebody else's, one that is over, one that never was: all the same."""
    harness = Harness(FREE)
    ann, bob, guest = log_in(harness), log_in(harness, name="bob"), harness.guest()
    over = log_in(harness)
    tag = tag_of(over)
    over.ask(Logout())
    harness.take_all()
    for peer, named in (
        (ann, tag_of(bob)),
        (ann, tag),
        (ann, NONE),
        (guest, tag_of(ann)),
    ):
        (error,) = peer.ask(Logout(session=named))
        assert (error.code, error.field) == (RejectCode.NO_SESSION, "session")
    assert bob.ending is None


def test_ending_sessions_has_the_rate_of_messages() -> None:
    """Each is a commit, whether there is one or not."""
    harness = Harness(Config(limits=Limits(messages_per_s=0.01, messages_burst=2)))
    ann = log_in(harness)
    ann.take()
    answers = [codes(ann.ask(Logout(session=NONE)))[0] for _ in range(3)]
    assert answers == [RejectCode.NO_SESSION] * 2 + [RejectCode.RATE_LIMITED]
    assert ann.ask(Logout())[0].type == "ok"


def test_a_token_of_a_part_ends_no_other_session() -> None:
    """Its own it does."""
    harness = Harness()
    other = log_in(harness)
    harness.tokens["t"] = Renewal(None, None, Scope.of(None, ["sessions"]))
    peer = harness.open()
    peer.hello(token=Secret("t"))
    assert len(listed(peer)) == 2
    (error,) = peer.ask(Logout(session=tag_of(other)))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "session")
    assert peer.ask(Logout(session=tag_of(peer)))[0].type == "ok"
    assert (peer.ending, other.ending) == (Ending.LOGOUT, None)


def test_a_session_is_ended_before_its_secret_was_told() -> None:
    """Somebody saw it in the list: the hello that opened it is refused."""
    harness = Harness()
    ann, bob = log_in(harness), log_in(harness, name="bob")
    for peer in (ann, bob):
        peer.join()
    bob.ask(Send(Text("hi"), LOBBY))
    late = harness.open()
    late.say(Hello(GuestName("ann"), Secret("right")))
    harness.run_look_up()
    harness.commit()
    assert harness.look_ups, "its unread messages are being counted"
    (new,) = harness.model.sessions.keys() - {session_of(ann), session_of(bob)}
    harness.take_all()
    ann.say(Logout(session=session_tag(new)))
    harness.commit()
    assert ann.take() == [Done("logout")]
    harness.settle()
    assert codes(late.take()) == [RejectCode.BAD_CREDENTIALS]


def test_an_end_that_cannot_be_stored_ends_nothing() -> None:
    """After a stall it counts, whoever was told what, and whoever has gone."""
    harness = Harness(FREE)
    desk, phone = log_in(harness), log_in(harness)
    harness.take_all()
    desk.say(Logout(session=tag_of(phone)))
    harness.fail(UNAVAILABLE)
    assert codes(desk.take()) == [RejectCode.UNAVAILABLE]
    assert phone.ending is None
    desk.say(Logout(session=tag_of(phone)))
    harness.stall()
    desk.close()
    harness.commit()
    assert phone.ending is Ending.REVOKED


def test_the_operator_ends_one_of_them() -> None:
    """The others of its user go on, and what is verified of him is believed."""
    harness = Harness()
    desk, phone = log_in(harness), log_in(harness)
    session = session_of(phone)
    del harness.model.sessions[session]
    harness.change(SessionsEnded((session,)))
    assert (desk.ending, phone.ending) == (None, Ending.REVOKED)
    assert ANN not in harness.chat.live.verifications.cut_at
    assert list(listed(desk)) == [tag_of(desk)]


@pytest.mark.parametrize("device", [None, "phone"])
def test_a_new_session_has_its_device_from_the_beginning(device: str | None) -> None:
    """In the draft by which it is opened."""
    harness = Harness()
    peer = harness.open()
    named = None if device is None else Device(device)
    peer.say(Hello(GuestName("bob"), Secret("right"), device=named))
    harness.run_look_up()
    (origin,) = harness.drafts
    assert isinstance(origin.draft, OpenSession)
    assert (origin.draft.user, origin.draft.device) == (BOB, device)


# --- all of them ------------------------------------------------------------------


def test_logout_everywhere_ends_all_sessions() -> None:
    """With 1000 on this connection and 4505 on the others; also those that nobody
    has at the moment.
    """
    harness = Harness()
    one, two, away = (harness.user("ann", LOBBY) for _ in range(3))
    secrets = [secret_of(peer) for peer in (one, two, away)]
    away.close()
    one.take()
    assert one.ask(Logout(everywhere=True, id=1)) == [replies.Done("logout", 1)]
    assert (one.ending, two.ending) == (Ending.LOGOUT, Ending.REVOKED)
    one.close()
    two.close()
    assert not harness.chat.durable.users[ANN].online
    for secret in secrets:
        (error,) = harness.open().hello(session=secret)
        assert error.code == "bad_credentials"


def test_logout_everywhere_that_cannot_be_stored_ends_nothing() -> None:
    """Answered; after a stall it counts, whoever was told what."""
    harness = Harness()
    one, two = harness.user("ann"), harness.user("ann")
    one.take()
    one.say(Logout(everywhere=True))
    harness.fail()
    assert [frame.code for frame in one.take()] == ["unavailable"]
    one.say(Logout(everywhere=True))
    harness.stall()
    one.take()
    assert (one.ending, two.ending) == (None, None)
    harness.commit()
    assert (one.ending, two.ending) == (Ending.REVOKED, Ending.REVOKED)


def test_a_guest_logs_out_everywhere_by_logging_out() -> None:
    """He has one session."""
    harness = Harness()
    guest = harness.guest(LOBBY)
    guest.take()
    assert guest.ask(Logout(everywhere=True))[0].type == "ok"
    assert guest.ending is Ending.LOGOUT
    assert not harness.chat.live.verifications.cut_at
    assert not harness.model.sessions


def test_a_cut_is_remembered_as_long_as_somebody_may_not_know_of_it() -> None:
    """Until nobody is being verified who was asked before it."""
    harness = Harness()
    chat, early = harness.chat, harness.open()
    early.say(Hello(GuestName("bob"), Secret("right")))
    cut_off(harness, ANN)
    late = harness.open()
    late.say(Hello(GuestName("cy"), Secret("right")))
    cut_off(harness, BOB)
    cut_off(harness, ANN)
    assert chat.live.verifications.cut_at == {BOB: 2, ANN: 3}
    late.close()
    assert chat.live.verifications.cut_at == {BOB: 2, ANN: 3}
    harness.settle()
    assert early.take()[0].type == "welcome"
    assert not chat.live.verifications.cut_at
    cut_off(harness, ANN)
    assert not chat.live.verifications.cut_at


def test_the_oldest_cuts_are_forgotten_first() -> None:
    """Those that came before everybody who is being verified."""
    harness = Harness()
    chat, early, late = harness.chat, harness.open(), harness.open()
    early.say(Hello(GuestName("bob"), Secret("right")))
    cut_off(harness, ANN)
    late.say(Hello(GuestName("cy"), Secret("right")))
    cut_off(harness, BOB)
    early.close()
    assert chat.live.verifications.cut_at == {BOB: 2}
    late.close()
    assert not chat.live.verifications.cut_at


# --- a guest's --------------------------------------------------------------------


def test_a_guest_who_stays_away_is_forgotten() -> None:
    """After `guest_hold_s` his session ends and his rooms are left."""
    harness = Harness(Config(auth=Auth(guest_hold_s=100)))
    guest = harness.guest(LOBBY)
    secret = secret_of(guest)
    harness.wait(500)
    guest.close()
    harness.wait(99)
    harness.settle()
    again = harness.open()
    again.hello(session=secret)
    harness.wait(50)
    harness.settle()
    again.close()
    harness.wait(99)
    assert len(harness.chat.durable.rooms[LOBBY].members) == 1
    harness.wait(1)
    late = harness.open()
    assert late.hello(session=secret)[0].code == RejectCode.BAD_CREDENTIALS
    assert not harness.chat.durable.rooms[LOBBY].members
    assert not harness.model.rooms[LOBBY].members
    assert not [name for name in harness.chat.durable.users if "~" in name]


def test_a_guest_who_cannot_be_ended_now_is_ended_later() -> None:
    """The disk was full; until then he may come back."""
    harness = Harness(Config(auth=Auth(guest_hold_s=100)))
    guest = harness.guest(LOBBY)
    secret = secret_of(guest)
    guest.close()
    harness.wait(100)
    harness.fail()
    assert not harness.chat.live.ended
    harness.wait(100)
    harness.settle()
    assert SessionId(secret.encode()) not in harness.model.sessions


def test_a_guest_who_was_back_is_held_from_his_last_end() -> None:
    """The deadline of the end before means nothing."""
    harness = Harness(Config(auth=Auth(guest_hold_s=100)))
    guest = harness.guest(LOBBY)
    secret = secret_of(guest)
    guest.close()
    harness.wait(50)
    again = harness.open()
    again.hello(session=secret)
    again.close()
    harness.wait(99)
    harness.settle()
    assert SessionId(secret.encode()) in harness.model.sessions
    harness.wait(1)
    harness.settle()
    assert SessionId(secret.encode()) not in harness.model.sessions


def test_a_guest_without_any_hold_is_gone_at_once() -> None:
    """Also within his grace."""
    config = Config(auth=Auth(guest_hold_s=0), presence=Presence(grace_s=10))
    harness = Harness(config)
    harness.guest(LOBBY).close()
    harness.wait(0)
    harness.settle()
    assert not harness.chat.durable.rooms[LOBBY].members
    harness.wait(10)
    assert not [name for name in harness.chat.durable.users if "~" in name]


def test_guests_are_held_from_the_start_of_the_daemon() -> None:
    """A restart keeps their sessions and rooms."""
    harness = Harness(Config(auth=Auth(guest_hold_s=100)))
    secret = secret_of(harness.guest(LOBBY))
    harness.restart()
    harness.wait(90)
    (welcome,) = harness.open().hello(session=secret)
    assert [state.room for state in welcome.rooms] == [LOBBY]
    harness.restart()
    harness.wait(100)
    harness.settle()
    assert not harness.chat.live.sessions


def test_a_session_that_nobody_was_told_of_is_ended_again() -> None:
    """It could not be voided on disk, and nobody comes for it."""
    harness = Harness()
    peer = harness.open()
    peer.say(Hello(GuestName("ann"), Secret("right")))
    harness.run_look_up()
    peer.close()
    harness.commit()
    (origin,) = harness.drafts
    assert isinstance(origin.draft, drafts.EndSession)
    harness.fail()
    harness.wait(900)
    harness.commit()
    assert harness.model.sessions == {}
    harness.wait(60)
    assert not len(harness.chat.live.agenda)


def test_deadlines_go_with_their_reason() -> None:
    """A hello's, a grace, a guest's hold: who came, came back or left has none."""
    harness = Harness(Config(auth=Auth(guest_hold_s=10), presence=Presence(grace_s=5)))
    agenda = harness.chat.live.agenda
    silent = harness.open()
    ann, guest = harness.user("ann"), harness.guest()
    assert agenda.keys(Due.LOGIN) == {silent.id}
    secret = secret_of(guest)
    for peer in (silent, ann, guest):
        peer.close()
    assert not agenda.keys(Due.LOGIN)
    assert len(agenda.keys(Due.GRACE)) == 2
    assert len(agenda.keys(Due.GUEST)) == 1
    back, again = harness.open(), harness.user("ann")
    back.hello(session=secret)
    assert not agenda.keys(Due.GRACE) | agenda.keys(Due.GUEST)
    back.ask(Logout())
    again.ask(Logout())
    harness.wait(60)
    assert not agenda.keys(Due.FORGET_SESSION)
    assert not len(agenda)
