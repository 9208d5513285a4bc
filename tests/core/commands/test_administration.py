"""What the operator does to accounts, over the same protocol."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.sections import Auth
from chatd.core.drafts import EraseUser
from chatd.core.effects import CheckSecret
from chatd.core.entities import Sanction
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.enums import AccountRole, Erasure, Fate, GivenRole, InvitedRole
from chatd.errors import Ending, RejectCode
from chatd.ids import RoomName, SessionTag, UserName
from chatd.ports import TokenRow
from chatd.wire.administration import (
    ErasureShown,
    TokenIssue,
    TokenIssued,
    TokenRevoke,
    TokenRevoked,
    UserAdd,
    UserBan,
    UserBanned,
    UserErase,
    UserErased,
    UserErasure,
    UserLogout,
    UserPassword,
    UserRole,
    UserUnban,
    UserUnbanned,
)
from chatd.wire.admissions import CreateInvitation, Invitations, RevokeInvitation
from chatd.wire.kinds import (
    BanSeconds,
    GuestName,
    NewPassword,
    Reason,
    Secret,
    TokenActions,
    TokenName,
    TokenNumber,
    TokenRooms,
    TokenSeconds,
)
from chatd.wire.replies import Done, Refusal
from tests.core.harness import ANN, BOB, LOBBY, UNAVAILABLE, Harness, Peer
from tests.core.logins import codes, log_in, tag_of

DAN = UserName("dan")
DEN = RoomName("den")
PASSWORD = NewPassword("8 chars!")


def desk(*users: UserName) -> tuple[Harness, Peer]:
    """A chat, the operator, and some who have an account."""
    harness = Harness()
    for name in users:
        harness.user(name).close()
    return harness, harness.open(is_operator=True)


def test_an_account_is_made_with_its_password_hashed_elsewhere() -> None:
    """It is somebody with the role that was given, and shown by its name."""
    harness, operator = desk()
    command = UserAdd(GuestName("dan"), PASSWORD, GivenRole.ADMIN, id=1)
    assert operator.say(command) == [CheckSecret(operator.id, command, None)]
    harness.settle()
    assert operator.take() == [Done("user_add", 1)]
    row = harness.model.users[DAN]
    assert (row.role, row.display) == (AccountRole.ADMIN, DAN)
    assert row.password_hash == PASSWORD


def test_a_bot_is_made_without_a_password() -> None:
    """It comes in by a token."""
    harness, operator = desk()
    command = UserAdd(GuestName("rob"), role=GivenRole.BOT)
    assert operator.ask(command) == [Done("user_add")]
    row = harness.model.users[UserName("rob")]
    assert (row.role, row.password_hash) == (AccountRole.BOT, None)


def test_no_account_is_made_of_a_name_that_is_taken_or_ends_badly() -> None:
    """And what the operator sends behind it is answered."""
    harness, operator = desk(ANN)
    taken = operator.ask(UserAdd(GuestName("ann"), PASSWORD))
    assert codes(taken) == [RejectCode.NAME_TAKEN]
    bad = operator.ask(UserAdd(GuestName("dan."), PASSWORD))
    assert codes(bad) == [RejectCode.BAD_FIELD]
    assert UserName("dan.") not in harness.model.users


def test_another_password_ends_sessions() -> None:
    """Who is here has to log in again, with the new one."""
    harness = Harness()
    ann, operator = log_in(harness), harness.open(is_operator=True)
    assert operator.ask(UserPassword(ANN, PASSWORD, 1)) == [Done("user_password", 1)]
    assert ann.ending is Ending.REVOKED
    assert harness.model.users[ANN].password_hash == PASSWORD
    assert not harness.model.sessions


def test_another_role_is_in_force_at_once() -> None:
    """Of who is here, too; nobody is cut off by it."""
    harness = Harness()
    ann, operator = log_in(harness), harness.open(is_operator=True)
    assert operator.ask(UserRole(ANN, GivenRole.ADMIN, 1)) == [Done("user_role", 1)]
    assert harness.chat.durable.users[ANN].role == AccountRole.ADMIN
    assert ann.ending is None


def test_a_ban_holds_at_once_and_until_it_is_lifted() -> None:
    """Its end is told; a second lifting changes nothing."""
    harness = Harness()
    ann, operator = log_in(harness), harness.open(is_operator=True)
    ban = UserBan(ANN, BanSeconds(60), Reason("spam"), id=1)
    until = harness.now.wall + 60_000
    assert operator.ask(ban) == [UserBanned(ANN, until, id=1)]
    assert ann.ending is Ending.BANNED
    assert harness.model.users[ANN].ban == Sanction(until, "spam")
    again = harness.open().hello(name=ANN, password=Secret("right"))
    assert codes(again) == [RejectCode.BANNED]
    assert operator.ask(UserUnban(ANN, 2)) == [UserUnbanned(was_banned=True, id=2)]
    assert operator.ask(UserUnban(ANN)) == [UserUnbanned(was_banned=False)]
    assert log_in(harness).ending is None


def test_a_ban_for_good_has_no_end() -> None:
    """Nor is one told."""
    _, operator = desk(ANN)
    assert operator.ask(UserBan(ANN)) == [UserBanned(ANN)]


def test_one_session_ends_or_all() -> None:
    """The others stay."""
    harness = Harness()
    one, two, three = (log_in(harness, device) for device in "123")
    operator = harness.open(is_operator=True)
    assert operator.ask(UserLogout(ANN, tag_of(one), 1)) == [Done("user_logout", 1)]
    assert [peer.ending for peer in (one, two)] == [Ending.REVOKED, None]
    assert operator.ask(UserLogout(ANN)) == [Done("user_logout")]
    assert {peer.ending for peer in (two, three)} == {Ending.REVOKED}
    assert operator.ask(UserLogout(ANN)) == [Done("user_logout")], "as it is"


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (UserPassword(DAN, PASSWORD), "no_user", "there is no account dan"),
        (UserRole(DAN, GivenRole.BOT), "no_user", "there is no account dan"),
        (UserBan(DAN), "no_user", "there is no user dan"),
        (UserUnban(DAN), "no_user", "there is no user dan"),
        (UserLogout(DAN), "no_user", "there is no user dan"),
        (
            UserLogout(BOB, SessionTag("0a1b2c3d4e")),
            "no_session",
            "bob has no session 0a1b2c3d4e",
        ),
    ],
)
def test_whom_there_is_not_is_named(command: Any, code: str, text: str) -> None:
    """A refusal stands alone in a terminal."""
    _, operator = desk(BOB)
    (refusal,) = operator.ask(command)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.text) == (code, text)
    assert refusal.re == command.type


def test_a_guest_has_no_password_and_no_role() -> None:
    """But may be banned and logged out."""
    harness = Harness()
    guest = harness.guest()
    name, operator = harness.user_of(guest), harness.open(is_operator=True)
    assert name is not None
    for command in (UserPassword(name, PASSWORD), UserRole(name, GivenRole.ADMIN)):
        assert codes(operator.ask(command)) == [RejectCode.NO_USER]
    assert operator.ask(UserBan(name)) == [UserBanned(name)]
    assert guest.ending is Ending.BANNED


def test_a_token_is_issued_and_told_once() -> None:
    """It logs its account in, in the rooms and for the commands that it is for."""
    harness, operator = desk(BOB)
    command = TokenIssue(
        BOB,
        TokenName("ci"),
        TokenSeconds(60),
        TokenRooms((LOBBY,)),
        TokenActions(("send", "join")),
        id=1,
    )
    assert operator.say(command) == [CheckSecret(operator.id, command, None)]
    until = harness.now.wall + 60_000
    harness.settle()
    (issued,) = operator.take()
    number = TokenNumber(1)
    assert issued == TokenIssued(number, issued.secret, until, id=1)
    row = harness.model.tokens[issued.secret.encode()]
    scope = Scope(frozenset({LOBBY}), frozenset({"send", "join"}))
    assert row == TokenRow(BOB, until, "ci", str(scope))
    assert operator.ask(TokenRevoke(number, 2)) == [TokenRevoked(number, BOB, id=2)]
    assert not harness.model.tokens
    (refusal,) = operator.ask(TokenRevoke(number))
    assert (refusal.code, refusal.text) == ("no_token", "there is no token 1")


def test_a_token_that_says_nothing_allows_everything() -> None:
    """And does not end."""
    harness, operator = desk(BOB)
    (issued,) = operator.ask(TokenIssue(BOB))
    row = harness.model.tokens[issued.secret.encode()]
    assert (row.scope, row.expires) == (None, None)
    assert issued.expires is None


def test_a_token_is_for_rooms_that_are_there_or_come() -> None:
    """By the configuration, or by the token itself; and for commands of users."""
    _, operator = desk(BOB)
    rooms = TokenRooms((DEN,))
    (refusal,) = operator.ask(TokenIssue(BOB, rooms=rooms))
    assert (refusal.code, refusal.text) == ("no_room", "there is no room den")
    assert refusal.field == "rooms"
    made = TokenIssue(BOB, rooms=rooms, actions=TokenActions(("create",)))
    assert operator.ask(made)[0].token == 1
    for action in ("sned", "drain", "user_add"):
        (refusal,) = operator.ask(TokenIssue(BOB, actions=TokenActions((action,))))
        assert refusal.code == "bad_field"
        assert f'"{action}" is no command' in refusal.text
    (refusal,) = operator.ask(TokenIssue(DAN))
    assert refusal.text == "there is no account dan"


def test_a_revoked_token_ends_what_came_from_it() -> None:
    """Another session of the account stays."""
    harness, operator = desk()
    ann = log_in(harness)
    (issued,) = operator.ask(TokenIssue(ANN))
    harness.tokens["t"] = Renewal(issued.secret.encode(), None, None)
    program = harness.open()
    program.hello(token=Secret("t"))
    assert harness.user_of(program) == ANN
    operator.ask(TokenRevoke(issued.token))
    assert program.ending is Ending.REVOKED
    assert harness.user_of(ann) == ANN


# --- invitations to the server ------------------------------------------------------


def test_the_operator_invites_whom_he_likes() -> None:
    """Whatever the registration; the invitation is nobody's, and is listed as such."""
    harness = Harness(Config(auth=attrs.evolve(Auth(), registration="closed")))
    operator = harness.open(is_operator=True)
    command = CreateInvitation(room=LOBBY, role=InvitedRole.ADMIN, id=1)
    (made,) = operator.ask(command)
    assert (made.invitation, made.id) == (1, 1)
    (page,) = operator.ask(Invitations(id=2))
    (shown,) = page.invitations
    assert (shown.sender, shown.room, shown.role) == (None, LOBBY, AccountRole.ADMIN)
    assert page.id == 2
    assert operator.ask(RevokeInvitation(shown.invitation)) == [
        Done("invitation_revoke")
    ]
    assert codes(operator.ask(RevokeInvitation(shown.invitation))) == [
        RejectCode.NO_INVITATION
    ]


def test_nobody_is_invited_into_what_is_not_there_or_of_two() -> None:
    """It is said by name."""
    _, operator = desk()
    (refusal,) = operator.ask(CreateInvitation(room=DEN))
    assert (refusal.code, refusal.text) == ("no_room", "there is no room den")
    (refusal,) = operator.ask(CreateInvitation(room=RoomName("@ann,bob")))
    assert (refusal.code, refusal.field) == ("forbidden", "room")


# --- the end of a user ----------------------------------------------------------------


def test_a_user_is_nobody_from_here_on() -> None:
    """He is cut off, and what he was the only owner of is told."""
    harness = Harness()
    ann, bob = harness.user(ANN, DEN), harness.user(BOB, DEN)
    operator = harness.open(is_operator=True)
    assert operator.ask(UserErasure(ANN)) == [ErasureShown(Erasure.NONE, 0, 0, 0.0)]
    assert operator.ask(UserErase(ANN, id=1)) == [UserErased([DEN], id=1)]
    assert (ann.ending, bob.ending) == (Ending.REVOKED, None)
    assert ANN not in harness.model.users
    (shown,) = operator.ask(UserErasure(ANN, 2))
    assert (shown.state, shown.part, shown.id) == (Erasure.DONE, 1.0, 2)


def test_a_guest_may_be_erased() -> None:
    """And whoever it is, without a password."""
    harness = Harness()
    guest = harness.guest()
    name, operator = harness.user_of(guest), harness.open(is_operator=True)
    assert name is not None
    assert operator.ask(UserErase(name)) == [UserErased([])]
    assert guest.ending is Ending.REVOKED


def test_messages_may_be_left_to_a_name_that_is_drawn() -> None:
    """Until it is one that was never given out; the answer tells it."""
    harness, operator = desk(ANN, BOB)
    (first,) = operator.ask(UserErase(ANN, Fate.REASSIGN))
    assert first.nameless is not None
    assert first.nameless.startswith("erased~")
    operator.say(UserErase(BOB, Fate.REASSIGN, id=1))
    draft = harness.drafts[-1].draft
    assert isinstance(draft, EraseUser)
    draft.nameless = first.nameless
    harness.settle()
    (second,) = operator.take()
    assert second.id == 1
    assert second.nameless not in (None, first.nameless)


def test_who_never_was_is_not_erased() -> None:
    """Neither looked for in vain, nor begun."""
    _, operator = desk()
    for command in (UserErasure(DAN), UserErase(DAN)):
        (refusal,) = operator.ask(command)
        assert (refusal.code, refusal.text) == ("no_user", "there is no user dan")


def test_what_cannot_be_stored_now_is_said() -> None:
    """Nothing has changed; the operator tries again."""
    harness, operator = desk(ANN)
    operator.say(UserBan(ANN))
    harness.fail(UNAVAILABLE)
    assert codes(operator.take()) == [RejectCode.UNAVAILABLE]
    assert harness.model.users[ANN].ban is None
