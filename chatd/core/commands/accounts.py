"""Register, password, refresh, the end: of accounts, and what a token allows.

What opens connections ends here too (`chatd.core.applying.sessions`). A
hello that is under way is not cut; it is verified again before its `welcome`.
"""

from __future__ import annotations

from chatd.core import loading, rate_limits
from chatd.core.applying.sessions import subscribe_direct
from chatd.core.commands import administration, admissions, farewell
from chatd.core.commands.sessions import hello
from chatd.core.deadlines import expect_expiry
from chatd.core.drafts import (
    AddUser,
    ChangePassword,
    EraseUser,
    Outcome,
    Refused,
    RenewSession,
)
from chatd.core.effects import CheckSecret, Origin, Unsubscribe
from chatd.core.entities import Connection
from chatd.core.inputs import SecretChecked, SecretRefused
from chatd.core.loads import Waiting
from chatd.core.principal import HashedPassword, NewSecret, Renewal, RightPassword, kept
from chatd.core.turn import Turn
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import RoomName, UserName, direct_room, is_guest
from chatd.names import check_ending, check_free
from chatd.wire.accounts import (
    DeleteAccount,
    Password,
    Refresh,
    Register,
    SecretCommand,
)
from chatd.wire.administration import TokenIssue, UserAdd, UserPassword
from chatd.wire.admissions import CreateInvitation, Link
from chatd.wire.commands import Command

# --- what a token allows ------------------------------------------------------


def check_scope(turn: Turn, connection: Connection, command: Command) -> None:
    """Refuse what is outside of the scope that a connection has.

    Raises:
        Reject: `forbidden`.
    """
    turn.check_scope(connection, command.type, _room_of(turn, connection, command))


def _room_of(turn: Turn, connection: Connection, command: Command) -> RoomName | None:
    """The room that a command is about, if it is about one alone."""
    if isinstance(command, CreateInvitation):
        return None  # who comes by it is here, and not only in a room
    to: UserName | None = getattr(command, "to", None)
    if to is not None:
        return direct_room(turn.user(connection).name, to)
    return getattr(command, "room", None)


# --- what is verified at the edge -----------------------------------------------


def register(turn: Turn, connection: Connection, command: Register) -> None:
    """Have the password of a new account hashed, where anybody may make one."""
    if connection.user is not None:
        raise Reject(RejectCode.FORBIDDEN, "you are somebody already: log out first")
    registration = turn.config.auth.registration
    if command.invite is None and registration != "open":
        raise Reject(RejectCode.FORBIDDEN, _NOT_OPEN[registration])
    check_ending(command.name, "name")
    check_free(command.name, turn.config.auth.reserved)
    rate_limits.may_grow(turn, UserName(command.name))
    _check(turn, connection, command, None)


_NOT_OPEN = {
    "closed": "accounts are made by the operator here, not by register",
    "invite": "an account needs an invitation here: ask whoever is here for one",
}


def password(turn: Turn, connection: Connection, command: Password) -> None:
    """Have the old password verified and the new one hashed."""
    _verify_own(turn, connection, command, "guests have no password")


def delete_account(turn: Turn, connection: Connection, command: DeleteAccount) -> None:
    """Have the password verified once more, of whoever wants to be nobody."""
    refusal = "guests have no account: log out instead"
    _verify_own(turn, connection, command, refusal)


def _verify_own(
    turn: Turn, connection: Connection, command: Password | DeleteAccount, refusal: str
) -> None:
    """Have the password of the connection's account verified; guests have none."""
    user = turn.user(connection).name
    if is_guest(user):
        raise Reject(RejectCode.FORBIDDEN, refusal)
    rate_limits.may_verify(turn, connection)
    _check(turn, connection, command, user)


def refresh(turn: Turn, connection: Connection, command: Refresh) -> None:
    """Have a new token verified."""
    rate_limits.may_verify(turn, connection)
    _check(turn, connection, command, turn.user(connection).name)


def _check(
    turn: Turn,
    connection: Connection,
    command: SecretCommand,
    user: UserName | None,
) -> None:
    turn.want(CheckSecret(connection.id, command, user))
    turn.pend(connection)


def checked(turn: Turn, connection: Connection, happened: SecretChecked) -> None:
    """Have what was verified stored."""
    match happened.command, happened.found:
        case Register() as command, HashedPassword() as found:
            _register(turn, connection, command, found)
        case Password() as command, HashedPassword() as found:
            user = turn.user(connection).name
            assert connection.session is not None
            changing = ChangePassword(
                user, found.hash, found.instead_of, connection.session
            )
            turn.append(changing, connection, command)
        case DeleteAccount() as command, RightPassword() as found:
            user = turn.user(connection).name
            is_left = command.messages == "reassign"
            heir = farewell.nameless(turn) if is_left else None
            turn.append(EraseUser(user, found.hash, heir), connection, command)
        case (UserAdd() | UserPassword()) as command, HashedPassword() as found:
            administration.hashed(turn, connection, command, found)
        case TokenIssue() as command, NewSecret() as found:
            administration.drawn(turn, connection, command, found)
        case (CreateInvitation() | Link()) as command, NewSecret() as found:
            admissions.drawn(turn, connection, command, found)
        case _:
            renewal = happened.found
            assert isinstance(renewal, Renewal)
            assert connection.session is not None
            connection.renewal = renewal
            turn.append(
                RenewSession(connection.session, renewal.token, *kept(renewal)),
                connection,
                happened.command,
            )


def _register(
    turn: Turn, connection: Connection, command: Register, found: HashedPassword
) -> None:
    """Have a new account stored."""
    if found.invitation is not None:
        enroll(turn, connection, command, found)
    else:
        account = _account(turn, command, found, AccountRole.USER)
        turn.append(account, connection, command)


def _account(
    turn: Turn, command: Register, found: HashedPassword, role: AccountRole
) -> AddUser:
    name, display = UserName(command.name), command.display or command.name
    return hello.new_account(turn, name, display, role, found.hash)


def enroll(
    turn: Turn, connection: Connection, command: Register, found: HashedPassword
) -> None:
    """Have a new account stored, and with it that an invitation was used.

    Who made the invitation, and the room that it leads to, are read first where they
    are not in memory: whether it holds depends on them.
    """
    by, durable, waiting = found.invitation, turn.durable, Waiting(command, found)
    assert by is not None
    sought = connection.sought
    if by.maker is not None and not (by.maker in durable.users or by.maker in sought):
        loading.await_user(turn, connection, waiting, by.maker)
        return
    if by.room is not None and durable.room(by.room) is None and by.room not in sought:
        loading.await_room(turn, connection, waiting, by.room)
        return
    connection.sought = frozenset()
    account = _account(turn, command, found, by.role)
    try:
        draft = admissions.enrolling(turn, account, found.digest, by)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        turn.release(connection)
        return
    turn.append(draft, connection, command)


def unchecked(turn: Turn, connection: Connection, happened: SecretRefused) -> None:
    """Answer a command whose secret was refused."""
    turn.refuse(connection.id, happened.command, happened.reject)
    if happened.reject.code is RejectCode.BANNED:
        turn.finish(connection, Ending.BANNED)
    turn.release(connection)


# --- conclusions ----------------------------------------------------------------


def refreshed(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Let a connection depend on the token that it has brought."""
    if not isinstance(outcome, Refused):
        found, connection.renewal = connection.renewal, None
        assert found is not None
        connection.token, connection.scope = found.token, found.scope
        for room in list(connection.subscriptions):
            if not turn.chat.may_follow(connection, room):
                del connection.subscriptions[room]
                turn.want(Unsubscribe(connection.id, room, drop=True))
        turn.effects += subscribe_direct(turn.chat, connection)
        expect_expiry(turn, connection, found.expires)
    turn.conclude(connection, origin, outcome)
