"""Sessions that are opened beside another one: of several tabs."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.drafts import EndSession, OpenSession
from chatd.core.entities import Sanction
from chatd.core.principal import Renewal
from chatd.core.quota import Space
from chatd.core.scope import Scope
from chatd.errors import Ending, RejectCode
from chatd.ids import session_tag
from chatd.wire.kinds import Device, Secret, Text
from chatd.wire.replies import Welcome
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.timeline import Send
from tests.core.harness import ANN, LOBBY, Harness, Peer
from tests.core.logins import secret_of, session_of


def beside(peer: Peer, **fields: Any) -> Peer:
    """Another connection, with a session beside that of the first."""
    other = peer.harness.open()
    (welcome,) = other.hello(session=secret_of(peer), another=True, **fields)
    assert isinstance(welcome, Welcome)
    return other


def code(frames: list[Any]) -> RejectCode:
    """Why the only answer is a refusal."""
    (error,) = frames
    found: RejectCode = error.code
    return found


# --- what it is -------------------------------------------------------------------


@pytest.mark.parametrize("is_guest", [False, True])
def test_both_go_on_side_by_side(*, is_guest: bool) -> None:
    """The same person with two sessions; nobody is cut off, nobody seen to come."""
    harness = Harness()
    one = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
    watcher = harness.user("bob", LOBBY)
    harness.wait(2)
    harness.settle()
    harness.take_all()
    other = beside(one, device=Device("tab 2"))
    assert one.ending is other.ending is None
    assert harness.user_of(one) == harness.user_of(other)
    assert session_of(one) != session_of(other)
    harness.wait(2)
    assert watcher.take() == []
    other.join()
    one.ask(Send(Text("hi"), LOBBY))
    assert [f.type for f in other.take()].count("message") == 1
    (page,) = one.ask(Sessions())
    assert {entry.session for entry in page.sessions} == {
        session_tag(session_of(peer)) for peer in (one, other)
    }
    assert [entry.device for entry in page.sessions if not entry.current] == ["tab 2"]


def test_each_has_its_own_end() -> None:
    """A logout in one tab leaves the other, whichever was first."""
    harness = Harness()
    one = harness.user("ann")
    two, three = beside(one), beside(one)
    one.ask(Logout())
    assert (one.ending, two.ending, three.ending) == (Ending.LOGOUT, None, None)
    two.ask(Logout(session=session_tag(session_of(three))))
    assert three.ending is Ending.REVOKED
    four = beside(two)
    four.ask(Logout(everywhere=True))
    assert (four.ending, two.ending) == (Ending.LOGOUT, Ending.REVOKED)
    assert not [row for row in harness.model.sessions.values() if row.user == ANN]


def test_it_is_resumed_by_its_own_secret() -> None:
    """And then takes over itself alone."""
    harness = Harness()
    one = harness.user("ann")
    other, again = beside(one), harness.open()
    again.hello(session=secret_of(other))
    assert (one.ending, other.ending) == (None, Ending.TAKEN_OVER)


def test_it_allows_what_the_other_allows_and_ends_with_it() -> None:
    """The scope and the end of the token are those of the first."""
    harness = Harness()
    ends = harness.now.wall + 60_000
    harness.tokens["narrow"] = Renewal(None, ends, Scope.of([LOBBY], ["join"]))
    one = harness.open()
    one.hello(token=Secret("narrow"))
    other = beside(one)
    assert code(other.ask(Send(Text("x"), LOBBY))) is RejectCode.FORBIDDEN
    row = harness.model.sessions[session_of(other)]
    assert (row.expires, row.scope) == (ends, '{"rooms":["lobby"],"actions":["join"]}')
    harness.wait(61)
    assert one.ending is other.ending is Ending.EXPIRED


# --- how many ---------------------------------------------------------------------


@pytest.mark.parametrize("is_guest", [False, True])
def test_they_are_counted_as_any_session(*, is_guest: bool) -> None:
    """With one too many the one that was idle longest ends, a guest's as well."""
    harness = Harness(Config(limits=Limits(sessions_per_user=3)))
    first = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
    name = harness.user_of(first)
    assert name is not None
    idle = []
    for _ in range(4):
        tab = beside(first)
        idle.append(session_of(tab))
        tab.close()
        harness.wait(10)  # its idle time is written
        harness.settle()
    left = {row.session for row in harness.model.sessions.values() if row.user == name}
    assert left == {session_of(first), *idle[2:]}
    assert first.ending is None
    assert LOBBY in harness.chat.durable.rooms_of(name)
    gone = harness.open()
    assert code(gone.hello(session=Secret(idle[0].decode()))) is (
        RejectCode.BAD_CREDENTIALS
    )


def test_connections_are_counted_too() -> None:
    """One more than there may be is 4504, and leaves no session behind."""
    harness = Harness(Config(limits=Limits(connections_per_user=2)))
    one = harness.user("ann")
    beside(one)
    third = harness.open()
    assert third.hello(session=secret_of(one), another=True) == []
    assert third.ending is Ending.TOO_MANY
    harness.settle()
    assert len(harness.model.sessions) == 2


def test_a_guest_opens_none_while_the_disk_is_nearly_full() -> None:
    """As he does not come in; an account does."""
    harness = Harness()
    guest, ann = harness.guest(), harness.user("ann")
    harness.machine._turn.space = Space.SCARCE
    other = harness.open()
    refusal = other.hello(session=secret_of(guest), another=True)
    assert code(refusal) is RejectCode.UNAVAILABLE
    beside(ann)


# --- what happens meanwhile -------------------------------------------------------


@pytest.mark.parametrize("is_guest", [False, True])
def test_beside_a_session_that_has_ended_there_is_none(*, is_guest: bool) -> None:
    """Before it is asked, while it is verified, while it is written."""
    for step in ("before", "verified", "written"):
        harness = Harness()
        one = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
        secret, other = secret_of(one), harness.open()
        if step != "before":
            other.say(Hello(session=secret, another=True))
        if step == "written":
            harness.run_look_up()
            harness.drafts.appendleft(harness.drafts.pop())
            one.say(Logout())
            harness.drafts.appendleft(harness.drafts.pop())  # which was sooner
        else:
            one.say(Logout())
            if step == "verified":
                harness.run_look_up()
        harness.settle()
        if step == "before":
            other.hello(session=secret, another=True)
        assert harness.user_of(other) is None
        assert not harness.model.sessions, step
        assert harness.user_of(one) is None


@pytest.mark.parametrize("is_guest", [False, True])
def test_who_ends_a_session_leaves_one_that_was_opened_a_moment_before(
    *, is_guest: bool
) -> None:
    """A guest stays in his rooms, in memory as in the store."""
    harness = Harness()
    one = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
    name = harness.user_of(one)
    assert name is not None
    other = harness.open()
    other.say(Hello(session=secret_of(one), another=True))
    harness.run_look_up()
    one.say(Logout())
    assert [type(origin.draft) for origin in harness.drafts] == [
        OpenSession,
        EndSession,
    ]
    harness.settle()
    (welcome,) = other.take()
    assert [state.room for state in welcome.rooms] == [LOBBY]
    assert name in harness.chat.durable.rooms[LOBBY].members
    assert name in harness.model.rooms[LOBBY].members


@pytest.mark.parametrize("is_guest", [False, True])
def test_who_is_banned_meanwhile_does_not_come_in_by_another(*, is_guest: bool) -> None:
    """Whatever step his hello is at."""
    for steps in range(3):
        harness = Harness()
        one = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
        name = harness.user_of(one)
        assert name is not None
        other = harness.open()
        other.say(Hello(session=secret_of(one), another=True))
        if steps:
            harness.run_look_up()
        if steps == 2:
            harness.commit()
        harness.ban(name, Sanction(None, "spam"))
        harness.settle()
        if steps < 2:
            assert [frame.type for frame in other.take()] == ["error"]
        else:
            assert other.ending is Ending.BANNED
        assert harness.user_of(other) is None
        assert not harness.model.sessions


def test_who_has_gone_before_the_welcome_leaves_no_session() -> None:
    """Nobody was told its secret."""
    harness = Harness()
    one = harness.guest(LOBBY)
    other = harness.open()
    other.say(Hello(session=secret_of(one), another=True))
    harness.run_look_up()
    other.close()
    harness.settle()
    assert list(harness.model.sessions) == [session_of(one)]
    assert list(harness.chat.live.sessions) == [session_of(one)]


def test_a_guest_is_gone_with_his_last_session() -> None:
    """Whichever it is; until then he is there, in his rooms."""
    harness = Harness(Config())
    one = harness.guest(LOBBY)
    name = harness.user_of(one)
    assert name is not None
    two = beside(one)
    one.close()
    harness.wait(harness.config.auth.guest_hold_s + 60)
    harness.settle()
    assert list(harness.model.sessions) == [session_of(two)]
    assert LOBBY in harness.chat.durable.rooms_of(name)
    harness.restart()
    assert LOBBY in harness.chat.durable.rooms_of(name)
    harness.wait(harness.config.auth.guest_hold_s + 60)
    harness.settle()
    assert name not in harness.chat.durable.users
    assert name not in harness.model.rooms[LOBBY].members


def test_a_guest_logs_out_everywhere() -> None:
    """All his tabs end, and he with them."""
    harness = Harness()
    one = harness.guest(LOBBY)
    name = harness.user_of(one)
    two = beside(one)
    assert one.ask(Logout(everywhere=True))[0].type == "ok"
    assert (one.ending, two.ending) == (Ending.LOGOUT, Ending.REVOKED)
    assert not harness.model.sessions
    assert not harness.chat.live.sessions
    two.close()
    harness.wait(60)
    assert name not in harness.chat.durable.users
