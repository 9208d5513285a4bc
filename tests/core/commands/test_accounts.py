from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Auth, Config
from chatd.config.sections import Presence
from chatd.core import drafts, inputs
from chatd.core.applying.sessions import cut, cut_sessions
from chatd.core.changes import RoleSet
from chatd.core.commands.sessions import TRIES_MAX
from chatd.core.effects import Authenticate, CheckSecret, Effect, Origin, Unsubscribe
from chatd.core.entities import Connection
from chatd.core.principal import Principal, Renewal
from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import RoomName, Seq, SessionId, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.accounts import Password, Refresh, Register
from chatd.wire.commands import (
    Hello,
    History,
    Join,
    Logout,
    Ping,
    Read,
    Rooms,
    Search,
    Send,
)
from chatd.wire.kinds import Display, GuestName, NewPassword, QueryText, Secret, Text
from chatd.wire.malformed import BadCommand
from chatd.wire.moderation import Invite
from tests.core.house import ANN, BOB, LOBBY, UNAVAILABLE, House, Peer

HI = Text("hi")
DAN = UserName("dan")
OPEN = Config(auth=Auth(registration="open"))
LOGIN = Hello(GuestName("ann"), Secret("right"))
CHANGE = Password(Secret("right"), NewPassword("new password"), id=7)
REGISTER = Register(GuestName("dan"), NewPassword("correct horse"), id=3)
MINUTE_MS = 60_000


def connection_of(peer: Peer) -> Connection:
    """What the machine knows of a connection."""
    return peer.house.chat.live.connections[peer.id]


def secret_of(peer: Peer) -> Secret:
    """The secret of a connection's session."""
    session = connection_of(peer).session
    assert session is not None
    return Secret(session.decode())


def cut_off(house: House, user: UserName, ending: Ending = Ending.REVOKED) -> None:
    """End all that a user has open."""
    perform(house, cut(house.chat, user, ending, house.now))


def perform(house: House, wanted: list[Effect]) -> None:
    """Perform what is wanted."""
    for effect in wanted:
        house._perform(effect)


def bearer(house: House, word: str, **fields: Any) -> Peer:
    """A connection of ann's that came by a token."""
    house.tokens[word] = Renewal(
        None, fields.pop("expires", None), fields.pop("scope", None)
    )
    peer = house.open()
    peer.hello(token=Secret(word), **fields)
    return peer


# --- register -----------------------------------------------------------------------


def test_an_account_is_made_and_then_logs_in() -> None:
    """`ok` when it is on disk; `hello` follows on the same connection."""
    house = House(OPEN)
    peer = house.open()
    assert peer.say(REGISTER) == [CheckSecret(peer.id, REGISTER, None)]
    peer.say(Hello(GuestName("dan"), Secret("right")))
    house.settle()
    done, welcome = peer.take()
    assert done == replies.Done("register", 3)
    assert (welcome.user, welcome.role, welcome.display) == (DAN, "user", "dan")
    assert house.model.users[DAN].password_hash == "correct horse"


def test_a_new_account_may_say_how_it_is_shown() -> None:
    """With `display`."""
    house = House(OPEN)
    house.open().ask(attrs.evolve(REGISTER, display=Display("Dan D.")))
    assert house.model.users[DAN].display == "Dan D."


def test_accounts_are_made_by_the_operator_unless_he_opens_the_door() -> None:
    """`forbidden`, before any hash; also for whoever is somebody already."""
    peer = House().open()
    (error,) = peer.ask(REGISTER)
    assert (error.code, error.re, error.id) == ("forbidden", "register", 3)
    house = House(OPEN)
    (error,) = house.user("ann").ask(REGISTER)[-1:]
    assert error.code == "forbidden"
    assert DAN not in house.model.users


@pytest.mark.parametrize("name", ["dan.", "dan_", "all-"])
def test_no_account_is_made_whose_name_ends_in_punctuation(name: str) -> None:
    """Nor is its password hashed; a name that has it elsewhere is as good as any."""
    house = House(OPEN)
    peer = house.open()
    (error,) = peer.ask(attrs.evolve(REGISTER, name=GuestName(name)))
    assert (error.code, error.field) == ("bad_field", "name")
    assert UserName(name) not in house.model.users
    assert peer.ask(attrs.evolve(REGISTER, name=GuestName("d.a_n")))[0].type == "ok"


def test_a_name_that_is_taken_and_a_full_disk_are_answered() -> None:
    """Another attempt may follow."""
    house = House(OPEN)
    peer = house.open()
    (error,) = peer.ask(attrs.evolve(REGISTER, name=GuestName("ann")))
    assert error.code == "name_taken"
    peer.say(REGISTER)
    house.run_look_up()
    house.fail()
    assert [frame.code for frame in peer.take()] == ["unavailable"]
    assert peer.ask(REGISTER)[0].type == "ok"


def test_what_comes_back_for_a_connection_that_is_gone_is_nothing() -> None:
    """Neither a hash, nor a refusal, nor the account that was made."""
    house = House(OPEN)
    stages = (REGISTER, CHANGE, Refresh(Secret("nonsense")))
    for command in stages:
        peer = house.user("ann") if command is not REGISTER else house.open()
        peer.say(command)
        peer.close()
        house.run_look_up()
        assert not [o for o in house.drafts if o.connection is not None]
    peer = house.open()
    peer.say(REGISTER)
    house.run_look_up()
    peer.close()
    house.settle()
    assert DAN in house.model.users


# --- password -----------------------------------------------------------------------


def test_a_new_password_ends_all_other_sessions() -> None:
    """With 4505, in the turn in which it is told; the others see no more of them."""
    house = House()
    one, two, bob = house.user("ann", LOBBY), house.user("ann"), house.user("bob")
    secret = secret_of(two)
    one.take()
    one.say(CHANGE)
    house.run_look_up()
    assert [peer.ending for peer in (one, two)] == [None, None]
    house.commit()
    assert one.take() == [replies.Done("password", 7)]
    endings = [peer.ending for peer in (one, two, bob)]
    assert endings == [None, Ending.REVOKED, None]
    assert two.ask(Ping()) == []
    two.close()
    assert house.model.users[ANN].password_hash == "new password"
    assert house.open().hello(session=secret)[0].code == "bad_credentials"
    assert house.open().hello(session=secret_of(one))[0].type == "welcome"


def test_a_wrong_old_password_changes_nothing() -> None:
    """Answered, and the connection goes on; so it is with a full disk."""
    house = House()
    ann, other = house.user("ann"), house.user("ann")
    ann.take()
    (error,) = ann.ask(attrs.evolve(CHANGE, old=Secret("wrong")))
    assert (error.re, error.code) == ("password", "bad_credentials")
    ann.say(CHANGE)
    house.run_look_up()
    house.fail()
    assert [frame.code for frame in ann.take()] == ["unavailable"]
    assert other.ending is None
    assert ann.ask(CHANGE)[0].type == "ok"


def test_guests_have_no_password() -> None:
    """`forbidden`, without a look-up."""
    guest = House().guest()
    (error,) = guest.ask(CHANGE)[-1:]
    assert error.code == "forbidden"


def test_a_password_that_was_changed_twice_at_once_is_changed_once() -> None:
    """Who verified the old one too late is refused, and his connection has ended."""
    house = House()
    one, two = house.user("ann"), house.user("ann")
    one.say(CHANGE)
    two.say(attrs.evolve(CHANGE, new=NewPassword("another one")))
    house.settle()
    assert (one.ending, two.ending) == (None, Ending.REVOKED)
    assert house.model.users[ANN].password_hash == "new password"


def test_a_password_that_is_stored_after_a_stall_counts() -> None:
    """Its sender was told `unavailable`, and keeps his session; others lose theirs."""
    house = House()
    one, two = (
        bearer(house, "t", expires=house.now.wall + 9 * MINUTE_MS),
        house.user("ann"),
    )
    one.say(CHANGE)
    house.run_look_up()
    house.stall()
    assert one.take()[-1].code == "unavailable"
    house.commit()
    assert (one.ending, two.ending) == (None, Ending.REVOKED)
    assert connection_of(one).expires is None
    one.say(CHANGE)
    house.run_look_up()
    house.stall()
    one.close()
    house.commit()
    assert not house.chat.durable.users[ANN].connections.keys() - {two.id}


def test_after_a_new_password_no_token_limits_its_connection() -> None:
    """Who knows the password is the user himself."""
    house = House()
    scope = Scope.parse('{"actions":["password"]}')
    ann = bearer(house, "t", expires=house.now.wall + 5 * MINUTE_MS, scope=scope)
    ann.ask(CHANGE)
    house.wait(600)
    assert ann.ending is None
    assert [frame.type for frame in ann.take()] == []
    assert ann.join()[0].type == "ok"


# --- a hello that is under way --------------------------------------------------------


@pytest.mark.parametrize("stage", ["verified", "counted"])
def test_a_hello_that_was_verified_before_a_new_password_is_verified_again(
    stage: str,
) -> None:
    """Whatever it was waiting for; the session that it had opened is void."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    bob.ask(Send(HI, LOBBY))
    late = house.open()
    late.say(LOGIN)
    house.run_look_up()
    waits: Any = house.drafts
    if stage == "counted":
        house.commit()
        waits = house.look_ups
    last = waits.pop()
    ann.say(CHANGE)
    house.run_look_up()
    house.commit()
    assert late.ending is None
    waits.append(last)
    if stage == "verified":
        house.commit()
    house.run_look_up()
    again = house.look_ups.pop()
    assert again == Authenticate(late.id, LOGIN)
    assert late.take() == []
    wrong = Reject(RejectCode.BAD_CREDENTIALS, "it is another one now")
    house.handle(inputs.AuthenticationFailed(late.id, LOGIN, wrong))
    house.settle()
    assert [frame.code for frame in late.take()] == ["bad_credentials"]
    assert [row.user for row in house.model.sessions.values()] == [ANN, BOB]


def test_a_resume_that_was_looked_up_before_a_cut_is_looked_up_again() -> None:
    """Its session is kept, if it is there still."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    bob.ask(Send(HI, LOBBY))
    secret = secret_of(ann)
    ann.close()
    late = house.open()
    late.say(Hello(session=secret))
    house.run_look_up()
    cut_off(house, ANN)
    house.settle()
    assert late.take()[0].type == "welcome"
    assert len(house.model.sessions) == 2


# --- logout everywhere ----------------------------------------------------------------


def test_logout_everywhere_ends_all_sessions() -> None:
    """With 1000 on this connection and 4505 on the others; also those that nobody
    has at the moment.
    """
    house = House()
    one, two, away = (house.user("ann", LOBBY) for _ in range(3))
    secrets = [secret_of(peer) for peer in (one, two, away)]
    away.close()
    one.take()
    assert one.ask(Logout(everywhere=True, id=1)) == [replies.Done("logout", 1)]
    assert (one.ending, two.ending) == (Ending.LOGOUT, Ending.REVOKED)
    one.close()
    two.close()
    assert not house.chat.durable.users[ANN].online
    for secret in secrets:
        (error,) = house.open().hello(session=secret)
        assert error.code == "bad_credentials"


def test_logout_everywhere_that_cannot_be_stored_ends_nothing() -> None:
    """Answered; after a stall it counts, whoever was told what."""
    house = House()
    one, two = house.user("ann"), house.user("ann")
    one.take()
    one.say(Logout(everywhere=True))
    house.fail()
    assert [frame.code for frame in one.take()] == ["unavailable"]
    one.say(Logout(everywhere=True))
    house.stall()
    one.take()
    assert (one.ending, two.ending) == (None, None)
    house.commit()
    assert (one.ending, two.ending) == (Ending.REVOKED, Ending.REVOKED)


def test_a_guest_logs_out_everywhere_by_logging_out() -> None:
    """He has one session."""
    house = House()
    guest = house.guest(LOBBY)
    guest.take()
    assert guest.ask(Logout(everywhere=True))[0].type == "ok"
    assert guest.ending is Ending.LOGOUT
    assert not house.chat.live.verifications.cut_at
    assert not house.model.sessions


def test_a_cut_is_remembered_as_long_as_somebody_may_not_know_of_it() -> None:
    """Until nobody is being verified who was asked before it."""
    house = House()
    chat, early = house.chat, house.open()
    early.say(Hello(GuestName("bob"), Secret("right")))
    cut_off(house, ANN)
    late = house.open()
    late.say(Hello(GuestName("cy"), Secret("right")))
    cut_off(house, BOB)
    cut_off(house, ANN)
    assert chat.live.verifications.cut_at == {BOB: 2, ANN: 3}
    late.close()
    assert chat.live.verifications.cut_at == {BOB: 2, ANN: 3}
    house.settle()
    assert early.take()[0].type == "welcome"
    assert not chat.live.verifications.cut_at
    cut_off(house, ANN)
    assert not chat.live.verifications.cut_at


def test_the_oldest_cuts_are_forgotten_first() -> None:
    """Those that came before everybody who is being verified."""
    house = House()
    chat, early, late = house.chat, house.open(), house.open()
    early.say(Hello(GuestName("bob"), Secret("right")))
    cut_off(house, ANN)
    late.say(Hello(GuestName("cy"), Secret("right")))
    cut_off(house, BOB)
    early.close()
    assert chat.live.verifications.cut_at == {BOB: 2}
    late.close()
    assert not chat.live.verifications.cut_at


# --- cutting --------------------------------------------------------------------------


def test_a_user_is_cut_off_also_in_his_grace() -> None:
    """He is offline at once; of one whom nobody has seen nothing is left to do."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    house.wait(1)
    house.take_all()
    ann.close()
    cut_off(house, ANN, Ending.BANNED)
    cut_off(house, UserName("nobody"), Ending.BANNED)
    assert not house.chat.durable.users[ANN].online
    house.wait(1)
    (frame,) = bob.take()
    assert frame.leave == [ANN]
    assert bob.ending is None


def test_a_guest_who_is_cut_off_is_forgotten() -> None:
    """With a connection, or in his hold."""
    house = House(Config(presence=Presence(grace_s=10)))
    here, away = house.guest(LOBBY), house.guest(LOBBY)
    names = [connection_of(peer).user for peer in (here, away)]
    away.close()
    for name in names:
        assert name is not None
        cut_off(house, name, Ending.BANNED)
    assert here.ending is Ending.BANNED
    here.close()
    assert not [name for name in house.chat.durable.users if "~" in name]


def test_sessions_are_cut_one_by_one() -> None:
    """Those that nobody has cannot be resumed by a look-up from before."""
    house = House()
    one, two = house.user("ann"), house.user("ann")
    sessions = [connection_of(one).session, SessionId(b"away")]
    void = [one for one in sessions if one is not None]
    perform(house, cut_sessions(house.chat, void, Ending.REVOKED, house.now))
    assert (one.ending, two.ending) == (Ending.REVOKED, None)
    assert SessionId(b"away") in house.chat.live.ended
    # A second cut finds a connection that was told to end already.
    cut_off(house, ANN, Ending.BANNED)
    assert (one.ending, two.ending) == (Ending.REVOKED, Ending.BANNED)


# --- the end of a token ---------------------------------------------------------------


def test_the_end_of_a_token_is_announced_and_comes() -> None:
    """A minute before, then 4003; the session is there for another token."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 5 * MINUTE_MS)
    secret = secret_of(ann)
    house.wait(239)
    assert ann.take() == []
    house.wait(1)
    assert ann.take() == [events.Expiring(60)]
    house.wait(59)
    assert ann.ending is None
    house.wait(1)
    assert ann.ending is Ending.EXPIRED
    ann.close()
    assert SessionId(secret.encode()) in house.model.sessions
    house.tokens["next"] = Renewal(None, house.now.wall + 5 * MINUTE_MS, None)
    (welcome,) = house.open().hello(session=secret, token=Secret("next"))
    assert welcome.session == secret


def test_a_token_that_has_less_than_a_minute_says_so_at_once() -> None:
    """And one that ended while it was verified ends its connection."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 20_500)
    house.wait(0)
    assert ann.take() == [events.Expiring(21)]
    late = bearer(house, "u", expires=house.now.wall)
    house.wait(0)
    assert late.ending is Ending.EXPIRED


def test_refresh_moves_the_end() -> None:
    """The deadlines of the token before mean nothing."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 5 * MINUTE_MS)
    house.wait(245)
    ann.take()
    house.tokens["next"] = Renewal(b"n" * 32, house.now.wall + 10 * MINUTE_MS, None)
    house.model.tokens[b"n" * 32] = None  # type: ignore[assignment]
    (done,) = ann.ask(Refresh(Secret("next"), id=4))
    assert done == replies.Done("refresh", 4)
    assert connection_of(ann).token == b"n" * 32
    house.wait(500)
    assert ann.take() == []
    house.wait(100)
    assert ann.take() == [events.Expiring(60)]
    assert ann.ending is Ending.EXPIRED


def test_secrets_are_verified_at_a_rate() -> None:
    """Tokens and passwords of one connection: five, then one each 10 s. What is
    refused is not even looked at; who waits as long as he is told is not refused.
    """
    house = House()
    ann, other = house.user("ann"), house.user("ann")
    refresh = Refresh(Secret("none of ours"))
    found = [ann.ask(refresh)[0] for _ in range(4)]
    found += [ann.ask(CHANGE)[0], ann.ask(CHANGE)[0], ann.ask(refresh)[0]]
    codes = [getattr(frame, "code", "ok") for frame in found]
    assert codes == ["bad_credentials"] * 4 + ["ok"] + ["rate_limited"] * 2
    assert found[-1].retry_after == 10.0
    ann.say(refresh)
    assert not house.look_ups
    ann.take()
    house.wait(9.9)
    assert ann.ask(refresh)[0].code == "rate_limited"
    house.wait(0.1)
    assert ann.ask(refresh)[0].code == "bad_credentials"
    house.wait(100)
    assert [ann.ask(refresh)[0].code for _ in range(6)].count("rate_limited") == 1
    assert other.ending is Ending.REVOKED


def test_a_token_that_is_brought_too_often_ends_its_connection() -> None:
    """As every flood does, and whoever brings one each 10 s never meets it."""
    house = House()
    ann = house.user("ann")
    for _ in range(5 + 60 + 1):
        assert ann.ending is None
        ann.ask(Refresh(Secret("nonsense")))
    assert (ann.ending, ann.after_s) == (Ending.OVERLOADED, 60.0)


def test_a_clock_that_was_set_back_lets_a_token_live() -> None:
    """Its end is a moment of people's time."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 5 * MINUTE_MS)
    house.wait(100)
    house.now.wall -= 3 * MINUTE_MS
    house.wait(200)
    assert ann.take() == []
    house.wait(120)
    assert ann.take() == [events.Expiring(60)]
    house.wait(60)
    assert ann.ending is Ending.EXPIRED


def test_a_deadline_of_a_connection_that_is_gone_means_nothing() -> None:
    """Nor that of one which depends on no token any more."""
    house = House()
    gone = bearer(house, "t", expires=house.now.wall + 2 * MINUTE_MS)
    gone.close()
    freed = bearer(house, "t", expires=house.now.wall + 2 * MINUTE_MS)
    freed.ask(CHANGE)
    house.wait(600)
    assert freed.ending is None


def test_the_end_of_a_token_ends_nobody_twice() -> None:
    """Whoever was told to end before, and has not closed his socket yet."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 2 * MINUTE_MS)
    nonsense = BadCommand(RejectCode.BAD_JSON, "not JSON")
    for _ in range(21):
        house.handle(inputs.Received(ann.id, nonsense))
    assert ann.ending is Ending.MALFORMED
    ann.take()
    house.wait(600)
    assert ann.take() == []
    assert ann.ending is Ending.MALFORMED
    ann.close()
    house.wait(120)
    house.settle()
    assert not len(house.chat.live.agenda)


def test_a_refused_refresh_changes_nothing() -> None:
    """A wrong token, a full disk; a disabled account ends the connection."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 5 * MINUTE_MS)
    (error,) = ann.ask(Refresh(Secret("nonsense")))
    assert (error.re, error.code) == ("refresh", "bad_credentials")
    house.tokens["next"] = Renewal(None, None, None)
    ann.say(Refresh(Secret("next")))
    house.run_look_up()
    house.fail()
    assert [frame.code for frame in ann.take()] == ["unavailable"]
    house.wait(240)
    assert ann.take() == [events.Expiring(60)]
    ann.say(Refresh(Secret("next")))
    house.look_ups.clear()
    banned = Reject(RejectCode.BANNED, "disabled")
    house.handle(inputs.SecretRefused(ann.id, Refresh(Secret("next")), banned))
    assert [frame.code for frame in ann.take()] == ["banned"]
    assert ann.ending is Ending.BANNED


def test_a_refresh_that_is_stored_after_a_stall_counts_on_disk() -> None:
    """Its sender was told `unavailable`, and asks again."""
    house = House()
    ann = bearer(house, "t", expires=house.now.wall + 5 * MINUTE_MS)
    house.tokens["next"] = Renewal(None, None, Scope.parse('{"rooms":[]}'))
    ann.say(Refresh(Secret("next")))
    house.run_look_up()
    house.stall()
    house.commit()
    assert [frame.code for frame in ann.take()] == ["unavailable"]
    (row,) = house.model.sessions.values()
    assert (row.expires, row.scope) == (None, '{"rooms":[]}')
    assert connection_of(ann).expires is not None


# --- a session with a token -----------------------------------------------------------


def test_a_resumed_session_takes_the_token_over_that_came_with_it() -> None:
    """On disk before `welcome`; where that is refused there is none."""
    house = House()
    ann = house.user("ann")
    secret, token = secret_of(ann), Secret("t")
    end = house.now.wall + 5 * MINUTE_MS
    house.tokens[token] = Renewal(None, end, None)
    ann.close()
    peer = house.open()
    peer.say(Hello(session=secret, token=token))
    house.run_look_up()
    (origin,) = [o for o in house.drafts if o.connection == peer.id]
    assert origin.draft == drafts.RenewSession(
        SessionId(secret.encode()), None, end, None
    )
    house.settle()
    assert peer.take()[0].type == "welcome"
    assert house.model.sessions[SessionId(secret.encode())].expires == end
    for stage in ("refused", "gone"):
        other = house.open()
        other.say(Hello(session=secret, token=token))
        house.run_look_up()
        if stage == "gone":
            other.close()
            house.settle()
        else:
            house.fail(drafts.Refused(RejectCode.BAD_CREDENTIALS, "gone"))
            assert [frame.code for frame in other.take()] == ["bad_credentials"]
    assert len(house.model.sessions) == 1


# --- accounts of outside issuers ------------------------------------------------------


BY_TOKEN = Hello(token=Secret("a.b.c"))


def found(house: House, peer: Peer, name: UserName, **fields: Any) -> inputs.Input:
    """What the edge says of an outside issuer's token."""
    house._secrets += 1
    word = f"secret {house._secrets}"
    session = SessionId(word.encode())
    who = Principal(
        name, "Dan", AccountRole.USER, session, word, None, resumed=False, **fields
    )
    return inputs.Authenticated(peer.id, BY_TOKEN, who)


def verified(house: House, peer: Peer, name: UserName, **fields: Any) -> None:
    """Say hello with an outside issuer's token, and have it verified."""
    peer.say(BY_TOKEN)
    house.look_ups.clear()
    house.handle(found(house, peer, name, **fields))


def test_an_account_of_an_outside_issuer_is_made_at_its_first_login() -> None:
    """With its session, which remembers when the token ends and what it allows."""
    house = House()
    scope = Scope.parse('{"rooms":["lobby"]}')
    peer = house.open()
    end = house.now.wall + 5 * MINUTE_MS
    verified(house, peer, DAN, is_new=True, expires=end, scope=scope)
    house.settle()
    (welcome,) = peer.take()
    assert (welcome.user, welcome.role) == (DAN, "user")
    user, (session,) = house.model.users[DAN], house.model.sessions.values()
    assert (user.display, user.role, user.password_hash) == ("Dan", "user", None)
    assert (session.expires, session.scope) == (end, str(scope))


def test_two_first_logins_at_once_make_one_account() -> None:
    """The second is verified again, and finds it. A name that is taken for good is
    refused in the end.
    """
    house = House()
    one, two = house.open(), house.open()
    verified(house, one, DAN, is_new=True)
    verified(house, two, DAN, is_new=True)
    house.commit()
    house.run_look_up()
    assert one.take()[0].type == "welcome"
    for _ in range(TRIES_MAX):
        again = house.look_ups.pop()
        assert again == Authenticate(two.id, BY_TOKEN)
        house.handle(found(house, two, DAN, is_new=True))
        house.commit()
    assert [frame.code for frame in two.take()] == ["name_taken"]
    assert not house.look_ups


def test_the_role_that_an_outside_issuer_gives_counts_from_now_on() -> None:
    """For those who are known; where it was stored."""
    house = House()
    house.user("ann")
    for role, is_stored in ((AccountRole.ADMIN, True), (AccountRole.BOT, False)):
        for name in (ANN, UserName("nobody")):
            stored = drafts.Committed((RoleSet(name, role),))
            outcome = stored if is_stored else UNAVAILABLE
            origin = Origin(None, None, drafts.SetAccountRole(name, role))
            assert house.handle(inputs.Executed(origin, outcome)) == []
    assert house.chat.durable.users[ANN].role == "admin"


# --- scopes ---------------------------------------------------------------------------


def test_what_is_outside_of_a_scope_is_forbidden() -> None:
    """In a sentence that says what; its own room is as free as ever."""
    house = House()
    scope = Scope.parse('{"rooms":["lobby"]}')
    ann = bearer(house, "t", scope=scope)
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
    house = House()
    bob, cy = house.user("bob"), house.user("cy")
    house.user("ann", LOBBY).close()
    bob.ask(Send(HI, to=ANN))
    direct = direct_room(ANN, BOB)
    scope = Scope.parse(f'{{"rooms":["{direct}"]}}')
    house.tokens["t"] = Renewal(None, None, scope)
    peer = house.open()
    (welcome,) = peer.hello(token=Secret("t"))
    assert [state.room for state in welcome.rooms] == [direct]
    cy.ask(Send(HI, to=ANN))
    bob.ask(Send(HI, to=ANN))
    assert [frame.room for frame in peer.take()] == [direct]
    sender = bearer(house, "u", scope=Scope.parse('{"actions":["send"]}'))
    bob.ask(Send(HI, to=ANN))
    assert sender.take() == []


def test_invitations_to_other_rooms_are_not_shown() -> None:
    """In the `welcome` of a connection whose token knows only some."""
    house = House()
    team, den = RoomName("team"), RoomName("den")
    bob = house.user("bob", team, den)
    for room in (team, den):
        bob.ask(Invite(room, ANN))
    house.tokens["t"] = Renewal(None, None, Scope.parse('{"rooms":["team"]}'))
    (welcome,) = house.open().hello(token=Secret("t"))
    assert [invite.room for invite in welcome.invites] == [team]


def test_read_marks_of_other_rooms_are_not_told() -> None:
    """To a connection whose token does not let it read them."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    inside = bearer(house, "t", scope=Scope.parse('{"rooms":["lobby"]}'))
    outside = bearer(house, "u", scope=Scope.parse('{"rooms":["team"]}'))
    bob.ask(Send(HI, LOBBY))
    ann.say(Read(LOBBY, Seq(1)))
    assert [frame.type for frame in inside.take()] == ["read"]
    assert outside.take() == []


def narrowed(house: House, ann: Peer, scope: str) -> list[Any]:
    """Let ann bring a token with a scope; what she receives."""
    house.tokens["narrow"] = Renewal(None, None, Scope.parse(scope))
    return ann.ask(Refresh(Secret("narrow")))


def test_a_narrower_token_ends_what_it_does_not_let_one_follow() -> None:
    """What waits unsent goes as well; a wider one brings direct ones back."""
    house = House()
    bob = house.user("bob", LOBBY)
    ann = bearer(house, "t")
    direct, team = direct_room(ANN, BOB), RoomName("team")
    ann.join(LOBBY)
    ann.join(team)
    bob.ask(Send(HI, to=ANN))
    house.take_all()
    house.tokens["narrow"] = Renewal(None, None, Scope.parse('{"rooms":["lobby"]}'))
    ann.say(Refresh(Secret("narrow")))
    house.run_look_up()
    (origin,) = house.drafts
    house.drafts.clear()
    outcome = house.model.execute(origin.draft, house.now.wall)
    *ended, _answer = house.handle(inputs.Executed(origin, outcome))
    assert ended == [Unsubscribe(ann.id, room, drop=True) for room in (team, direct)]
    assert ann.take() == [replies.Done("refresh")]
    bob.ask(Send(HI, to=ANN))
    bob.ask(Send(HI, LOBBY))
    assert [frame.room for frame in ann.take()] == [LOBBY]
    house.tokens["wide"] = Renewal(None, None, None)
    ann.ask(Refresh(Secret("wide")))
    bob.ask(Send(HI, to=ANN))
    assert [(frame.room, frame.seq) for frame in ann.take()] == [(direct, 3)]
    place = connection_of(ann).subscriptions[direct]
    ann.ask(Refresh(Secret("wide")))
    assert connection_of(ann).subscriptions[direct] is place


def test_a_new_password_frees_from_the_scope_of_a_token() -> None:
    """Direct conversations are delivered, as to whoever logs in by password."""
    house = House()
    bob = house.user("bob")
    ann = bearer(house, "t", scope=Scope.parse('{"actions":["password"]}'))
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
    house = House()
    ann = bearer(house, "t")
    ann.join(LOBBY)
    ann.ask(Send(Text("tea"), LOBBY))
    ann.take()
    ann.say(History(LOBBY, id=1))
    ann.say(Search(QueryText("tea"), id=2))
    look_ups, house.look_ups = house.look_ups, []
    assert narrowed(house, ann, scope) == [replies.Done("refresh")]
    house.look_ups = look_ups
    house.settle()
    error, page = ann.take()
    assert (error.code, error.id) == ("forbidden", 1)
    assert error.text == "your token does not allow history in lobby"
    assert (page.messages, page.next, page.id) == ([], None, 2)
