"""Register, password, refresh, logout, the end: of accounts and their sessions.

What opens connections ends here too, by `chatd.core.commands.revocation.cut`. A
hello that is under way is not cut; it is verified again before its `welcome`.
"""

from __future__ import annotations

import base64

import attrs

from chatd.core import allowance
from chatd.core.agenda import Due
from chatd.core.commands import admissions, sessions
from chatd.core.commands.revocation import cut, cut_sessions
from chatd.core.commands.rooms import subscribe_direct
from chatd.core.deadlines import expect_expiry
from chatd.core.drafts import (
    ChangePassword,
    Committed,
    Draft,
    EndNamedSession,
    EndSession,
    EndSessions,
    EraseUser,
    Outcome,
    Refused,
    RenewSession,
)
from chatd.core.effects import Append, CheckSecret, Origin, Unsubscribe
from chatd.core.entities import Connection
from chatd.core.inputs import SecretChecked, SecretRefused
from chatd.core.principal import (
    HashedPassword,
    NewSecret,
    Renewal,
    RightPassword,
    kept,
)
from chatd.core.scope import Scope
from chatd.core.turn import Turn
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import RoomName, UserName, direct_room, is_guest, session_tag
from chatd.names import check_ending, check_free
from chatd.wire.accounts import (
    DeleteAccount,
    Password,
    Refresh,
    Register,
    SecretCommand,
)
from chatd.wire.admissions import CreateInvitation, Link
from chatd.wire.commands import Command, Logout
from chatd.wire.replies import Done

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
    allowance.may_grow(turn, UserName(command.name))
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
    allowance.may_verify(turn, connection)
    _check(turn, connection, command, user)


def refresh(turn: Turn, connection: Connection, command: Refresh) -> None:
    """Have a new token verified."""
    allowance.may_verify(turn, connection)
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
            nameless = _nameless(turn) if command.messages == "reassign" else None
            turn.append(EraseUser(user, found.hash, nameless), connection, command)
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
    turn: Turn,
    connection: Connection,
    command: Register,
    found: HashedPassword,
) -> None:
    """Have a new account stored, and with it that an invitation was used."""
    name, display = UserName(command.name), command.display or command.name
    by = found.invitation
    role = AccountRole.USER if by is None else by.role
    account = sessions.new_account(turn, name, display, role, found.hash)
    if by is None:
        turn.append(account, connection, command)
        return
    try:
        draft = admissions.enrolling(turn, account, found.digest, by)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        turn.release(connection)
        return
    turn.append(draft, connection, command)


def _nameless(turn: Turn) -> UserName:
    """Draw a name that no account can have, as a guest's."""
    bits = bytes.fromhex(turn.new_epoch())[-5:]
    return UserName("erased~" + base64.b32encode(bits)[-4:].decode().lower())


def unchecked(turn: Turn, connection: Connection, happened: SecretRefused) -> None:
    """Answer a command whose secret was refused."""
    turn.refuse(connection.id, happened.command, happened.reject)
    if happened.reject.code is RejectCode.BANNED:
        turn.finish(connection, Ending.BANNED)
    turn.release(connection)


# --- outcomes -------------------------------------------------------------------


def executed(turn: Turn, origin: Origin, draft: Draft, outcome: Outcome) -> None:
    """Take what became of a draft about an account."""
    match draft:
        case ChangePassword():
            _password_changed(turn, origin, draft, outcome)
        case EraseUser():
            _erased(turn, origin, draft, outcome)
        case EndSessions():
            _ended_everywhere(turn, origin, draft, outcome)
        case EndNamedSession():
            turn.conclude(origin, outcome)
            if isinstance(outcome, Committed):
                cut_sessions(turn, outcome.ended, Ending.REVOKED)
        case RenewSession() if isinstance(origin.command, Refresh):
            _renewed(turn, origin, outcome)
        case RenewSession():
            sessions.opened(turn, origin, draft, outcome)
        case _:
            turn.conclude(origin, outcome)  # of `register`; a hello may follow


def _password_changed(
    turn: Turn, origin: Origin, draft: ChangePassword, outcome: Outcome
) -> None:
    """Take a new password: nobody stays by the old one, or by a token."""
    if not isinstance(outcome, Refused):
        session = turn.chat.sessions.get(draft.session)
        holder = turn.connection(session.connection) if session is not None else None
        if holder is not None:
            holder.token = None
            _change_scope(turn, holder, None)
            expect_expiry(turn, holder, None)
    turn.conclude(origin, outcome)
    if not isinstance(outcome, Refused):
        cut(turn, draft.user, Ending.REVOKED, besides=draft.session)


def _erased(turn: Turn, origin: Origin, draft: EraseUser, outcome: Outcome) -> None:
    """Take the end of a user: nobody is left who could be told more than `ok`."""
    if isinstance(outcome, Refused) and outcome.code is RejectCode.NAME_TAKEN:
        # Four random characters were given out before: others are drawn.
        again = attrs.evolve(draft, nameless=_nameless(turn))
        turn.want(Append(attrs.evolve(origin, draft=again)))
        return
    connection = turn.connection(origin.connection)
    if isinstance(outcome, Refused):
        turn.conclude(origin, outcome)
        return
    if connection is not None and origin.command is not None:
        turn.answer(connection.id, Done(origin.command.type, origin.command.id))
    cut(turn, draft.user, Ending.REVOKED)
    turn.chat.apply_erasure(turn.chat.users[draft.user], turn.now.mono)


def _renewed(turn: Turn, origin: Origin, outcome: Outcome) -> None:
    """Let a connection depend on the token that it has brought."""
    connection = turn.connection(origin.connection)
    if connection is not None and not isinstance(outcome, Refused):
        found, connection.renewal = connection.renewal, None
        assert found is not None
        connection.token = found.token
        _change_scope(turn, connection, found.scope)
        expect_expiry(turn, connection, found.expires)
    turn.conclude(origin, outcome)


def _change_scope(turn: Turn, connection: Connection, scope: Scope | None) -> None:
    """Let a connection follow what it may from here on, and nothing else."""
    connection.scope = scope
    for room in list(connection.subscriptions):
        if not turn.may_follow(connection, room):
            del connection.subscriptions[room]
            turn.want(Unsubscribe(connection.id, room, drop=True))
    subscribe_direct(turn, connection)


# --- logout ---------------------------------------------------------------------


def logout(turn: Turn, connection: Connection, command: Logout) -> None:
    """Void the session, another one, or all; who has it ends when that is on disk."""
    assert connection.session is not None
    user, tag = turn.user(connection).name, command.session
    is_other = tag not in {None, session_tag(connection.session)}
    if (command.everywhere or is_other) and connection.scope is not None:
        raise Reject(
            RejectCode.FORBIDDEN,
            "your token does not allow logout of other sessions",
            field="everywhere" if command.everywhere else "session",
        )
    if tag is not None and is_other:
        allowance.pace(turn, connection)
        turn.append(EndNamedSession(user, tag), connection, command)
    elif command.everywhere:
        turn.append(EndSessions(user), connection, command)
    else:
        turn.chat.ended[connection.session] = None
        turn.append(EndSession(connection.session), connection, command)
    turn.pend(connection)


def _ended_everywhere(
    turn: Turn, origin: Origin, draft: EndSessions, outcome: Outcome
) -> None:
    """Take the end of all sessions of a user: his connections end with them."""
    connection = turn.connection(origin.connection)
    if isinstance(outcome, Refused):
        turn.conclude(origin, outcome)
        return
    if connection is not None and origin.command is not None:
        turn.answer(connection.id, Done(origin.command.type, origin.command.id))
        turn.finish(connection, Ending.LOGOUT)
    cut(turn, draft.user, Ending.REVOKED, token=draft.token)


def ended(turn: Turn, origin: Origin, draft: EndSession, outcome: Outcome) -> None:
    """Take the end of a session: by logout, or because a guest stayed away."""
    connection = turn.connection(origin.connection)
    if isinstance(outcome, Refused):
        if not turn.chat.agenda.has(Due.FORGET_SESSION, draft.session):
            turn.chat.ended.pop(draft.session, None)  # nothing else has ended it
        if connection is not None and origin.command is not None:
            turn.refuse(connection.id, origin.command, outcome)
            turn.release(connection)
        return
    if connection is not None and origin.command is not None:
        done = Done(origin.command.type, origin.command.id)
        turn.answer(connection.id, done)
        turn.finish(connection, Ending.LOGOUT)
    # Whoever still has it: the store stalled, and this logout was refused before it
    # was executed.
    cut_sessions(turn, [draft.session], Ending.REVOKED)
