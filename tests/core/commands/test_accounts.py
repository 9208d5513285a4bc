from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Auth, Config
from chatd.config.sections import Presence
from chatd.core import drafts, inputs
from chatd.core.applying.sessions import cut_sessions
from chatd.core.changes import RoleSet
from chatd.core.commands.sessions.hello import TRIES_MAX
from chatd.core.effects import Authenticate, CheckSecret, Origin, Unsubscribe
from chatd.core.entities import Connection
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import RoomName, Seq, SessionId, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.accounts import Password, Refresh, Register
from chatd.wire.ephemeral import Read
from chatd.wire.kinds import Display, GuestName, NewPassword, QueryText, Secret, Text
from chatd.wire.malformed import BadCommand
from chatd.wire.moderation import Invite
from chatd.wire.place import Ping
from chatd.wire.rooms import Join, Rooms
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import History, Search, Send
from tests.core.harness import ANN, BOB, LOBBY, UNAVAILABLE, Harness, Peer
from tests.core.logins import BY_TOKEN, cut_off, found, perform, secret_of, verified

HI = Text("hi")
DAN = UserName("dan")
OPEN = Config(auth=Auth(registration="open"))
LOGIN = Hello(GuestName("ann"), Secret("right"))
CHANGE = Password(Secret("right"), NewPassword("new password"), id=7)
REGISTER = Register(GuestName("dan"), NewPassword("correct horse"), id=3)
MINUTE_MS = 60_000


def connection_of(peer: Peer) -> Connection:
    """What the machine knows of a connection."""
    return peer.harness.chat.live.connections[peer.id]


def bearer(harness: Harness, word: str, **fields: Any) -> Peer:
    """A connection of ann's that came by a token."""
    harness.tokens[word] = Renewal(
        None, fields.pop("expires", None), fields.pop("scope", None)
    )
    peer = harness.open()
    peer.hello(token=Secret(word), **fields)
    return peer


# --- register ---------------------------------------------------------------------


def test_an_account_is_made_and_then_logs_in() -> None:
    """`ok` when it is on disk; `hello` follows on the same connection."""
    harness = Harness(OPEN)
    peer = harness.open()
    assert peer.say(REGISTER) == [CheckSecret(peer.id, REGISTER, None)]
    peer.say(Hello(GuestName("dan"), Secret("right")))
    harness.settle()
    done, welcome = peer.take()
    assert done == replies.Done("register", 3)
    assert (welcome.user, welcome.role, welcome.display) == (DAN, "user", "dan")
    assert harness.model.users[DAN].password_hash == "correct horse"


def test_a_new_account_may_say_how_it_is_shown() -> None:
    """With `display`."""
    harness = Harness(OPEN)
    harness.open().ask(attrs.evolve(REGISTER, display=Display("Dan D.")))
    assert harness.model.users[DAN].display == "Dan D."


def test_accounts_are_made_by_the_operator_unless_he_opens_the_door() -> None:
    """`forbidden`, before any hash; also for whoever is somebody already."""
    peer = Harness().open()
    (error,) = peer.ask(REGISTER)
    assert (error.code, error.re, error.id) == ("forbidden", "register", 3)
    harness = Harness(OPEN)
    (error,) = harness.user("ann").ask(REGISTER)[-1:]
    assert error.code == "forbidden"
    assert DAN not in harness.model.users


@pytest.mark.parametrize("name", ["dan.", "dan_", "all-"])
def test_no_account_is_made_whose_name_ends_in_punctuation(name: str) -> None:
    """Nor is its password hashed; a name that has it elsewhere is as good as any."""
    harness = Harness(OPEN)
    peer = harness.open()
    (error,) = peer.ask(attrs.evolve(REGISTER, name=GuestName(name)))
    assert (error.code, error.field) == ("bad_field", "name")
    assert UserName(name) not in harness.model.users
    assert peer.ask(attrs.evolve(REGISTER, name=GuestName("d.a_n")))[0].type == "ok"


def test_a_name_that_is_taken_and_a_full_disk_are_answered() -> None:
    """Another attempt may follow."""
    harness = Harness(OPEN)
    peer = harness.open()
    (error,) = peer.ask(attrs.evolve(REGISTER, name=GuestName("ann")))
    assert error.code == "name_taken"
    peer.say(REGISTER)
    harness.run_look_up()
    harness.fail()
    assert [frame.code for frame in peer.take()] == ["unavailable"]
    assert peer.ask(REGISTER)[0].type == "ok"


def test_what_comes_back_for_a_connection_that_is_gone_is_nothing() -> None:
    """Neither a hash, nor a refusal, nor the account that was made."""
    harness = Harness(OPEN)
    stages = (REGISTER, CHANGE, Refresh(Secret("nonsense")))
    for command in stages:
        peer = harness.user("ann") if command is not REGISTER else harness.open()
        peer.say(command)
        peer.close()
        harness.run_look_up()
        assert not [o for o in harness.drafts if o.connection is not None]
    peer = harness.open()
    peer.say(REGISTER)
    harness.run_look_up()
    peer.close()
    harness.settle()
    assert DAN in harness.model.users


# --- password ---------------------------------------------------------------------


def test_a_new_password_ends_all_other_sessions() -> None:
    """With 4505, in the turn in which it is told; the others see no more of them."""
    harness = Harness()
    one, two, bob = harness.user("ann", LOBBY), harness.user("ann"), harness.user("bob")
    secret = secret_of(two)
    one.take()
    one.say(CHANGE)
    harness.run_look_up()
    assert [peer.ending for peer in (one, two)] == [None, None]
    harness.commit()
    assert one.take() == [replies.Done("password", 7)]
    endings = [peer.ending for peer in (one, two, bob)]
    assert endings == [None, Ending.REVOKED, None]
    assert two.ask(Ping()) == []
    two.close()
    assert harness.model.users[ANN].password_hash == "new password"
    assert harness.open().hello(session=secret)[0].code == "bad_credentials"
    assert harness.open().hello(session=secret_of(one))[0].type == "welcome"


def test_a_wrong_old_password_changes_nothing() -> None:
    """Answered, and the connection goes on; so it is with a full disk."""
    harness = Harness()
    ann, other = harness.user("ann"), harness.user("ann")
    ann.take()
    (error,) = ann.ask(attrs.evolve(CHANGE, old=Secret("wrong")))
    assert (error.re, error.code) == ("password", "bad_credentials")
    ann.say(CHANGE)
    harness.run_look_up()
    harness.fail()
    assert [frame.code for frame in ann.take()] == ["unavailable"]
    assert other.ending is None
    assert ann.ask(CHANGE)[0].type == "ok"


def test_guests_have_no_password() -> None:
    """`forbidden`, without a look-up."""
    guest = Harness().guest()
    (error,) = guest.ask(CHANGE)[-1:]
    assert error.code == "forbidden"


def test_a_password_that_was_changed_twice_at_once_is_changed_once() -> None:
    """Who verified the old one too late is refused, and his connection has ended."""
    harness = Harness()
    one, two = harness.user("ann"), harness.user("ann")
    one.say(CHANGE)
    two.say(attrs.evolve(CHANGE, new=NewPassword("another one")))
    harness.settle()
    assert (one.ending, two.ending) == (None, Ending.REVOKED)
    assert harness.model.users[ANN].password_hash == "new password"


def test_a_password_that_is_stored_after_a_stall_counts() -> None:
    """Its sender was told `unavailable`, and keeps his session; others lose theirs."""
    harness = Harness()
    one, two = (
        bearer(harness, "t", expires=harness.now.wall + 9 * MINUTE_MS),
        harness.user("ann"),
    )
    one.say(CHANGE)
    harness.run_look_up()
    harness.stall()
    assert one.take()[-1].code == "unavailable"
    harness.commit()
    assert (one.ending, two.ending) == (None, Ending.REVOKED)
    assert connection_of(one).expires is None
    one.say(CHANGE)
    harness.run_look_up()
    harness.stall()
    one.close()
    harness.commit()
    assert not harness.chat.durable.users[ANN].connections.keys() - {two.id}


def test_after_a_new_password_no_token_limits_its_connection() -> None:
    """Who knows the password is the user himself."""
    harness = Harness()
    scope = Scope.parse('{"actions":["password"]}')
    ann = bearer(harness, "t", expires=harness.now.wall + 5 * MINUTE_MS, scope=scope)
    ann.ask(CHANGE)
    harness.wait(600)
    assert ann.ending is None
    assert [frame.type for frame in ann.take()] == []
    assert ann.join()[0].type == "ok"


# --- a hello that is under way ----------------------------------------------------


@pytest.mark.parametrize("stage", ["verified", "counted"])
def test_a_hello_that_was_verified_before_a_new_password_is_verified_again(
    stage: str,
) -> None:
    """Whatever it was waiting for; the session that it had opened is void."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    bob.ask(Send(HI, LOBBY))
    late = harness.open()
    late.say(LOGIN)
    harness.run_look_up()
    waits: Any = harness.drafts
    if stage == "counted":
        harness.commit()
        waits = harness.look_ups
    last = waits.pop()
    ann.say(CHANGE)
    harness.run_look_up()
    harness.commit()
    assert late.ending is None
    waits.append(last)
    if stage == "verified":
        harness.commit()
    harness.run_look_up()
    again = harness.look_ups.pop()
    assert again == Authenticate(late.id, LOGIN)
    assert late.take() == []
    wrong = Reject(RejectCode.BAD_CREDENTIALS, "it is another one now")
    harness.handle(inputs.AuthenticationFailed(late.id, LOGIN, wrong))
    harness.settle()
    assert [frame.code for frame in late.take()] == ["bad_credentials"]
    assert [row.user for row in harness.model.sessions.values()] == [ANN, BOB]


def test_a_resume_that_was_looked_up_before_a_cut_is_looked_up_again() -> None:
    """Its session is kept, if it is there still."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    bob.ask(Send(HI, LOBBY))
    secret = secret_of(ann)
    ann.close()
    late = harness.open()
    late.say(Hello(session=secret))
    harness.run_look_up()
    cut_off(harness, ANN)
    harness.settle()
    assert late.take()[0].type == "welcome"
    assert len(harness.model.sessions) == 2


# --- cutting ----------------------------------------------------------------------


def test_a_user_is_cut_off_also_in_his_grace() -> None:
    """He is offline at once; of one whom nobody has seen nothing is left to do."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.wait(1)
    harness.take_all()
    ann.close()
    cut_off(harness, ANN, Ending.BANNED)
    cut_off(harness, UserName("nobody"), Ending.BANNED)
    assert not harness.chat.durable.users[ANN].online
    harness.wait(1)
    (frame,) = bob.take()
    assert frame.leave == [ANN]
    assert bob.ending is None


def test_a_guest_who_is_cut_off_is_forgotten() -> None:
    """With a connection, or in his hold."""
    harness = Harness(Config(presence=Presence(grace_s=10)))
    here, away = harness.guest(LOBBY), harness.guest(LOBBY)
    names = [connection_of(peer).user for peer in (here, away)]
    away.close()
    for name in names:
        assert name is not None
        cut_off(harness, name, Ending.BANNED)
    assert here.ending is Ending.BANNED
    here.close()
    assert not [name for name in harness.chat.durable.users if "~" in name]


def test_sessions_are_cut_one_by_one() -> None:
    """Those that nobody has cannot be resumed by a look-up from before."""
    harness = Harness()
    one, two = harness.user("ann"), harness.user("ann")
    sessions = [connection_of(one).session, SessionId(b"away")]
    void = [one for one in sessions if one is not None]
    perform(harness, cut_sessions(harness.chat, void, Ending.REVOKED, harness.now))
    assert (one.ending, two.ending) == (Ending.REVOKED, None)
    assert SessionId(b"away") in harness.chat.live.ended
    # A second cut finds a connection that was told to end already.
    cut_off(harness, ANN, Ending.BANNED)
    assert (one.ending, two.ending) == (Ending.REVOKED, Ending.BANNED)


# --- the end of a token -----------------------------------------------------------


def test_the_end_of_a_token_is_announced_and_comes() -> None:
    """A minute before, then 4003; the session is there for another token."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 5 * MINUTE_MS)
    secret = secret_of(ann)
    harness.wait(239)
    assert ann.take() == []
    harness.wait(1)
    assert ann.take() == [events.Expiring(60)]
    harness.wait(59)
    assert ann.ending is None
    harness.wait(1)
    assert ann.ending is Ending.EXPIRED
    ann.close()
    assert SessionId(secret.encode()) in harness.model.sessions
    harness.tokens["next"] = Renewal(None, harness.now.wall + 5 * MINUTE_MS, None)
    (welcome,) = harness.open().hello(session=secret, token=Secret("next"))
    assert welcome.session == secret


def test_a_token_that_has_less_than_a_minute_says_so_at_once() -> None:
    """And one that ended while it was verified ends its connection."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 20_500)
    harness.wait(0)
    assert ann.take() == [events.Expiring(21)]
    late = bearer(harness, "u", expires=harness.now.wall)
    harness.wait(0)
    assert late.ending is Ending.EXPIRED


def test_refresh_moves_the_end() -> None:
    """The deadlines of the token before mean nothing."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 5 * MINUTE_MS)
    harness.wait(245)
    ann.take()
    harness.tokens["next"] = Renewal(b"n" * 32, harness.now.wall + 10 * MINUTE_MS, None)
    harness.model.tokens[b"n" * 32] = None  # type: ignore[assignment]
    (done,) = ann.ask(Refresh(Secret("next"), id=4))
    assert done == replies.Done("refresh", 4)
    assert connection_of(ann).token == b"n" * 32
    harness.wait(500)
    assert ann.take() == []
    harness.wait(100)
    assert ann.take() == [events.Expiring(60)]
    assert ann.ending is Ending.EXPIRED


def test_secrets_are_verified_at_a_rate() -> None:
    """Tokens and passwords of one connection: five, then one each 10 s. What is
    refused is not even looked at; who waits as long as he is told is not refused.
    """
    harness = Harness()
    ann, other = harness.user("ann"), harness.user("ann")
    refresh = Refresh(Secret("none of ours"))
    found = [ann.ask(refresh)[0] for _ in range(4)]
    found += [ann.ask(CHANGE)[0], ann.ask(CHANGE)[0], ann.ask(refresh)[0]]
    codes = [getattr(frame, "code", "ok") for frame in found]
    assert codes == ["bad_credentials"] * 4 + ["ok"] + ["rate_limited"] * 2
    assert found[-1].retry_after == 10.0
    ann.say(refresh)
    assert not harness.look_ups
    ann.take()
    harness.wait(9.9)
    assert ann.ask(refresh)[0].code == "rate_limited"
    harness.wait(0.1)
    assert ann.ask(refresh)[0].code == "bad_credentials"
    harness.wait(100)
    assert [ann.ask(refresh)[0].code for _ in range(6)].count("rate_limited") == 1
    assert other.ending is Ending.REVOKED


def test_a_token_that_is_brought_too_often_ends_its_connection() -> None:
    """As every flood does, and whoever brings one each 10 s never meets it."""
    harness = Harness()
    ann = harness.user("ann")
    for _ in range(5 + 60 + 1):
        assert ann.ending is None
        ann.ask(Refresh(Secret("nonsense")))
    assert (ann.ending, ann.after_s) == (Ending.OVERLOADED, 60.0)


def test_a_clock_that_was_set_back_lets_a_token_live() -> None:
    """Its end is a moment of people's time."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 5 * MINUTE_MS)
    harness.wait(100)
    harness.now.wall -= 3 * MINUTE_MS
    harness.wait(200)
    assert ann.take() == []
    harness.wait(120)
    assert ann.take() == [events.Expiring(60)]
    harness.wait(60)
    assert ann.ending is Ending.EXPIRED


def test_a_deadline_of_a_connection_that_is_gone_means_nothing() -> None:
    """Nor that of one which depends on no token any more."""
    harness = Harness()
    gone = bearer(harness, "t", expires=harness.now.wall + 2 * MINUTE_MS)
    gone.close()
    freed = bearer(harness, "t", expires=harness.now.wall + 2 * MINUTE_MS)
    freed.ask(CHANGE)
    harness.wait(600)
    assert freed.ending is None


def test_the_end_of_a_token_ends_nobody_twice() -> None:
    """Whoever was told to end before, and has not closed his socket yet."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 2 * MINUTE_MS)
    nonsense = BadCommand(RejectCode.BAD_JSON, "not JSON")
    for _ in range(21):
        harness.handle(inputs.Received(ann.id, nonsense))
    assert ann.ending is Ending.MALFORMED
    ann.take()
    harness.wait(600)
    assert ann.take() == []
    assert ann.ending is Ending.MALFORMED
    ann.close()
    harness.wait(120)
    harness.settle()
    assert not len(harness.chat.live.agenda)


def test_a_refused_refresh_changes_nothing() -> None:
    """A wrong token, a full disk; a disabled account ends the connection."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 5 * MINUTE_MS)
    (error,) = ann.ask(Refresh(Secret("nonsense")))
    assert (error.re, error.code) == ("refresh", "bad_credentials")
    harness.tokens["next"] = Renewal(None, None, None)
    ann.say(Refresh(Secret("next")))
    harness.run_look_up()
    harness.fail()
    assert [frame.code for frame in ann.take()] == ["unavailable"]
    harness.wait(240)
    assert ann.take() == [events.Expiring(60)]
    ann.say(Refresh(Secret("next")))
    harness.look_ups.clear()
    banned = Reject(RejectCode.BANNED, "disabled")
    harness.handle(inputs.SecretRefused(ann.id, Refresh(Secret("next")), banned))
    assert [frame.code for frame in ann.take()] == ["banned"]
    assert ann.ending is Ending.BANNED


def test_a_refresh_that_is_stored_after_a_stall_counts_on_disk() -> None:
    """Its sender was told `unavailable`, and asks again."""
    harness = Harness()
    ann = bearer(harness, "t", expires=harness.now.wall + 5 * MINUTE_MS)
    harness.tokens["next"] = Renewal(None, None, Scope.parse('{"rooms":[]}'))
    ann.say(Refresh(Secret("next")))
    harness.run_look_up()
    harness.stall()
    harness.commit()
    assert [frame.code for frame in ann.take()] == ["unavailable"]
    (row,) = harness.model.sessions.values()
    assert (row.expires, row.scope) == (None, '{"rooms":[]}')
    assert connection_of(ann).expires is not None


# --- a session with a token -------------------------------------------------------


def test_a_resumed_session_takes_the_token_over_that_came_with_it() -> None:
    """On disk before `welcome`; where that is refused there is none."""
    harness = Harness()
    ann = harness.user("ann")
    secret, token = secret_of(ann), Secret("t")
    end = harness.now.wall + 5 * MINUTE_MS
    harness.tokens[token] = Renewal(None, end, None)
    ann.close()
    peer = harness.open()
    peer.say(Hello(session=secret, token=token))
    harness.run_look_up()
    (origin,) = [o for o in harness.drafts if o.connection == peer.id]
    assert origin.draft == drafts.RenewSession(
        SessionId(secret.encode()), None, end, None
    )
    harness.settle()
    assert peer.take()[0].type == "welcome"
    assert harness.model.sessions[SessionId(secret.encode())].expires == end
    for stage in ("refused", "gone"):
        other = harness.open()
        other.say(Hello(session=secret, token=token))
        harness.run_look_up()
        if stage == "gone":
            other.close()
            harness.settle()
        else:
            harness.fail(drafts.Refused(RejectCode.BAD_CREDENTIALS, "gone"))
            assert [frame.code for frame in other.take()] == ["bad_credentials"]
    assert len(harness.model.sessions) == 1


# --- accounts of outside issuers --------------------------------------------------


def test_an_account_of_an_outside_issuer_is_made_at_its_first_login() -> None:
    """With its session, which remembers when the token ends and what it allows."""
    harness = Harness()
    scope = Scope.parse('{"rooms":["lobby"]}')
    peer = harness.open()
    end = harness.now.wall + 5 * MINUTE_MS
    verified(harness, peer, DAN, is_new=True, expires=end, scope=scope)
    harness.settle()
    (welcome,) = peer.take()
    assert (welcome.user, welcome.role) == (DAN, "user")
    user, (session,) = harness.model.users[DAN], harness.model.sessions.values()
    assert (user.display, user.role, user.password_hash) == ("Dan", "user", None)
    assert (session.expires, session.scope) == (end, str(scope))


def test_two_first_logins_at_once_make_one_account() -> None:
    """The second is verified again, and finds it. A name that is taken for good is
    refused in the end.
    """
    harness = Harness()
    one, two = harness.open(), harness.open()
    verified(harness, one, DAN, is_new=True)
    verified(harness, two, DAN, is_new=True)
    harness.commit()
    harness.run_look_up()
    assert one.take()[0].type == "welcome"
    for _ in range(TRIES_MAX):
        again = harness.look_ups.pop()
        assert again == Authenticate(two.id, BY_TOKEN)
        harness.handle(found(harness, two, DAN, is_new=True))
        harness.commit()
    assert [frame.code for frame in two.take()] == ["name_taken"]
    assert not harness.look_ups


def test_the_role_that_an_outside_issuer_gives_counts_from_now_on() -> None:
    """For those who are known; where it was stored."""
    harness = Harness()
    harness.user("ann")
    for role, is_stored in ((AccountRole.ADMIN, True), (AccountRole.BOT, False)):
        for name in (ANN, UserName("nobody")):
            stored = drafts.Committed((RoleSet(name, role),))
            outcome = stored if is_stored else UNAVAILABLE
            origin = Origin(None, None, drafts.SetAccountRole(name, role))
            assert harness.handle(inputs.Executed(origin, outcome)) == []
    assert harness.chat.durable.users[ANN].role == "admin"


# --- scopes -----------------------------------------------------------------------


def test_what_is_outside_of_a_scope_is_forbidden() -> None:
    """In a sentence that says what; its own room is as free as ever."""
    harness = Harness()
    scope = Scope.parse('{"rooms":["lobby"]}')
    ann = bearer(harness, "t", scope=scope)
    assert ann.join()[0].type == "ok"
    (error,) = ann.ask(Rooms())
    assert (error.code, error.text) == (
        "forbidden",
        "your token does not allow rooms",
    )
    (error,) = ann.ask(Join(RoomName("team")))
    assert error.text == "your token does not allow join in team"
    (error,) = ann.ask(Send(HI, to=BOB))
    assert error.text == "your token does not allow send in @ann,bob"
    (error,) = ann.ask(Logout(everywhere=True))
    assert (error.code, error.field) == ("forbidden", "everywhere")
    assert ann.ask(Send(HI, LOBBY))[0].type == "ok"
    assert ann.ask(Logout())[0].type == "ok"


def test_a_scope_shows_and_delivers_only_its_rooms() -> None:
    """In `welcome`, and of direct conversations, those that there are and new ones."""
    harness = Harness()
    bob, cy = harness.user("bob"), harness.user("cy")
    harness.user("ann", LOBBY).close()
    bob.ask(Send(HI, to=ANN))
    direct = direct_room(ANN, BOB)
    scope = Scope.parse(f'{{"rooms":["{direct}"]}}')
    harness.tokens["t"] = Renewal(None, None, scope)
    peer = harness.open()
    (welcome,) = peer.hello(token=Secret("t"))
    assert [state.room for state in welcome.rooms] == [direct]
    cy.ask(Send(HI, to=ANN))
    bob.ask(Send(HI, to=ANN))
    assert [frame.room for frame in peer.take()] == [direct]
    sender = bearer(harness, "u", scope=Scope.parse('{"actions":["send"]}'))
    bob.ask(Send(HI, to=ANN))
    assert sender.take() == []


def test_invitations_to_other_rooms_are_not_shown() -> None:
    """In the `welcome` of a connection whose token knows only some."""
    harness = Harness()
    team, den = RoomName("team"), RoomName("den")
    bob = harness.user("bob", team, den)
    for room in (team, den):
        bob.ask(Invite(room, ANN))
    harness.tokens["t"] = Renewal(None, None, Scope.parse('{"rooms":["team"]}'))
    (welcome,) = harness.open().hello(token=Secret("t"))
    assert [invite.room for invite in welcome.invites] == [team]


def test_read_marks_of_other_rooms_are_not_told() -> None:
    """To a connection whose token does not let it read them."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    inside = bearer(harness, "t", scope=Scope.parse('{"rooms":["lobby"]}'))
    outside = bearer(harness, "u", scope=Scope.parse('{"rooms":["team"]}'))
    bob.ask(Send(HI, LOBBY))
    ann.say(Read(LOBBY, Seq(1)))
    assert [frame.type for frame in inside.take()] == ["read"]
    assert outside.take() == []


def narrowed(harness: Harness, ann: Peer, scope: str) -> list[Any]:
    """Let ann bring a token with a scope; what she receives."""
    harness.tokens["narrow"] = Renewal(None, None, Scope.parse(scope))
    return ann.ask(Refresh(Secret("narrow")))


def test_a_narrower_token_ends_what_it_does_not_let_one_follow() -> None:
    """What waits unsent goes as well; a wider one brings direct ones back."""
    harness = Harness()
    bob = harness.user("bob", LOBBY)
    ann = bearer(harness, "t")
    direct, team = direct_room(ANN, BOB), RoomName("team")
    ann.join(LOBBY)
    ann.join(team)
    bob.ask(Send(HI, to=ANN))
    harness.take_all()
    harness.tokens["narrow"] = Renewal(None, None, Scope.parse('{"rooms":["lobby"]}'))
    ann.say(Refresh(Secret("narrow")))
    harness.run_look_up()
    (origin,) = harness.drafts
    harness.drafts.clear()
    outcome = harness.model.execute(origin.draft, harness.now.wall)
    *ended, _answer = harness.handle(inputs.Executed(origin, outcome))
    assert ended == [Unsubscribe(ann.id, room, drop=True) for room in (team, direct)]
    assert ann.take() == [replies.Done("refresh")]
    bob.ask(Send(HI, to=ANN))
    bob.ask(Send(HI, LOBBY))
    assert [frame.room for frame in ann.take()] == [LOBBY]
    harness.tokens["wide"] = Renewal(None, None, None)
    ann.ask(Refresh(Secret("wide")))
    bob.ask(Send(HI, to=ANN))
    assert [(frame.room, frame.seq) for frame in ann.take()] == [(direct, 3)]
    place = connection_of(ann).subscriptions[direct]
    ann.ask(Refresh(Secret("wide")))
    assert connection_of(ann).subscriptions[direct] is place


def test_a_new_password_frees_from_the_scope_of_a_token() -> None:
    """Direct conversations are delivered, as to whoever logs in by password."""
    harness = Harness()
    bob = harness.user("bob")
    ann = bearer(harness, "t", scope=Scope.parse('{"actions":["password"]}'))
    bob.ask(Send(HI, to=ANN))
    assert [frame.type for frame in ann.ask(CHANGE)] == ["ok"]
    bob.ask(Send(HI, to=ANN))
    assert [frame.seq for frame in ann.take()] == [2]


@pytest.mark.parametrize(
    "scope",
    ['{"rooms":["team"]}', '{"actions":["join"]}'],
    ids=["room", "action"],
)
def test_a_look_up_is_answered_as_the_token_of_that_moment_allows(scope: str) -> None:
    """One that was under way tells nothing of what is outside."""
    harness = Harness()
    ann = bearer(harness, "t")
    ann.join(LOBBY)
    ann.ask(Send(Text("tea"), LOBBY))
    ann.take()
    ann.say(History(LOBBY, id=1))
    ann.say(Search(QueryText("tea"), id=2))
    look_ups, harness.look_ups = harness.look_ups, []
    assert narrowed(harness, ann, scope) == [replies.Done("refresh")]
    harness.look_ups = look_ups
    harness.settle()
    error, page = ann.take()
    assert (error.code, error.id) == ("forbidden", 1)
    assert error.text == "your token does not allow history in lobby"
    assert (page.messages, page.next, page.id) == ([], None, 2)
