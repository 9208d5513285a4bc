"""What the operator does to accounts and tokens: each is one draft; the writer decides.

Whom a command is about need not be in memory, and hardly ever is; what its change means
for who is here, `chatd.core.applying` says, as of every change. No limit of clients'
holds, and nobody's rank is asked: `by_operator` has let nobody else come here.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core.changes import AccessRevoked
from chatd.core.commands.farewell import nameless
from chatd.core.commands.sessions.hello import new_account
from chatd.core.drafts import (
    AddToken,
    BanUser,
    Committed,
    EndNamedSession,
    EndSessions,
    Erased,
    EraseUser,
    GiveRole,
    Issued,
    Outcome,
    Refused,
    ResetPassword,
    RevokeToken,
    UnbanUser,
)
from chatd.core.effects import CheckSecret, Origin
from chatd.core.entities import Connection
from chatd.core.inputs import Answered
from chatd.core.principal import HashedPassword, NewSecret
from chatd.core.queries import ReadErasure
from chatd.core.rows import ErasureRow
from chatd.core.scope import ACTIONS, Scope
from chatd.core.turn import Turn
from chatd.enums import AccountRole, Fate
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName
from chatd.names import check_ending
from chatd.wire.administration import (
    AdministrationReply,
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
from chatd.wire.kinds import TokenNumber
from chatd.wire.replies import Done


def add(turn: Turn, connection: Connection, command: UserAdd) -> None:
    """Have the password of a new account hashed; a bot has none."""
    check_ending(command.name, "name")
    if command.password is None:
        _add(turn, connection, command, None)
    else:
        turn.want(CheckSecret(connection.id, command, None))
    turn.pend(connection)


def _add(
    turn: Turn, connection: Connection, command: UserAdd, password_hash: str | None
) -> None:
    name, role = UserName(command.name), AccountRole(command.role)
    account = new_account(turn, name, name, role, password_hash)
    account.by_operator = True
    turn.append(account, connection, command)


def password(turn: Turn, connection: Connection, command: UserPassword) -> None:
    """Have the new password of an account hashed."""
    turn.want(CheckSecret(connection.id, command, None))
    turn.pend(connection)


def hashed(
    turn: Turn,
    connection: Connection,
    command: UserAdd | UserPassword,
    found: HashedPassword,
) -> None:
    """Have an account stored with its password, or a new password."""
    if isinstance(command, UserAdd):
        _add(turn, connection, command, found.hash)
    else:
        turn.append(ResetPassword(command.user, found.hash), connection, command)


def role(turn: Turn, connection: Connection, command: UserRole) -> None:
    """Have an account become a user, a bot or an administrator."""
    draft = GiveRole(command.user, AccountRole(command.role))
    turn.append(draft, connection, command)
    turn.pend(connection)


def ban(turn: Turn, connection: Connection, command: UserBan) -> None:
    """Have a user kept out, for good or for a while."""
    until = None
    if command.seconds is not None:
        until = turn.now.wall + command.seconds * 1000
    draft = BanUser(command.user, until, command.reason, turn.now.wall)
    turn.append(draft, connection, command)
    turn.pend(connection)


def unban(turn: Turn, connection: Connection, command: UserUnban) -> None:
    """Have a ban lifted."""
    turn.append(UnbanUser(command.user), connection, command)
    turn.pend(connection)


def logout(turn: Turn, connection: Connection, command: UserLogout) -> None:
    """Have sessions of a user voided: one, or all."""
    if command.session is not None:
        one = EndNamedSession(command.user, command.session, by_operator=True)
        turn.append(one, connection, command)
    else:
        turn.append(EndSessions(command.user, by_operator=True), connection, command)
    turn.pend(connection)


# --- access tokens ----------------------------------------------------------------


def issue(turn: Turn, connection: Connection, command: TokenIssue) -> None:
    """Have the secret of a token drawn."""
    unknown = sorted(set(command.actions) - ACTIONS)
    if unknown:
        raise Reject(
            RejectCode.BAD_FIELD,
            f'actions: "{unknown[0]}" is no command that a token can be for',
            field="actions",
        )
    turn.want(CheckSecret(connection.id, command, None))
    turn.pend(connection)


def drawn(
    turn: Turn, connection: Connection, command: TokenIssue, found: NewSecret
) -> None:
    """Have a token stored; its rooms have to be there, or to be made by it."""
    now, rooms, actions = turn.now.wall, command.rooms, command.actions
    scope = None
    if rooms or actions:
        scope = str(Scope(frozenset(rooms) or None, frozenset(actions) or None))
    declared = {room.name for room in turn.config.rooms.permanent}
    needed = () if "create" in actions else sorted(set(rooms) - declared)
    ends = None if command.seconds is None else now + command.seconds * 1000
    draft = AddToken(
        command.user,
        found.digest,
        command.name,
        scope,
        now,
        ends,
        tuple(needed),
        found.secret,
    )
    turn.append(draft, connection, command)


def revoke(turn: Turn, connection: Connection, command: TokenRevoke) -> None:
    """Have a token voided, and what came from it."""
    turn.append(RevokeToken(command.token), connection, command)
    turn.pend(connection)


# --- the end of a user --------------------------------------------------------------


def erase(turn: Turn, connection: Connection, command: UserErase) -> None:
    """Have a user, account or guest, be nobody from here on."""
    heir = nameless(turn) if command.messages is Fate.REASSIGN else None
    draft = EraseUser(command.user, None, heir, by_operator=True)
    turn.append(draft, connection, command)
    turn.pend(connection)


def erasure(turn: Turn, connection: Connection, command: UserErasure) -> None:
    """Have it read how far an erasure is."""
    turn.query(connection, command, ReadErasure())


def erasure_read(
    turn: Turn,
    connection: Connection,
    found: Answered[UserErasure, ReadErasure, ErasureRow | None],
) -> None:
    """Answer `user_erasure`."""
    command, row = found.command, found.answer
    if row is None:
        refused = Refused(RejectCode.NO_USER, "", "user")
        turn.refuse(connection.id, command, _named(refused, command))
        return
    reply = ErasureShown(
        row.state,
        row.messages,
        row.reactions,
        row.part,
        row.is_overwritten,
        id=command.id,
    )
    turn.answer(connection.id, reply)


# --- what it has come to ----------------------------------------------------------


def concluded(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Answer with what is so now, or with whom there is not."""
    command, draft = origin.command, origin.draft
    assert command is not None
    if isinstance(outcome, Refused):
        turn.conclude(connection, origin, _named(outcome, command))
        return
    reply: AdministrationReply | Done
    match draft, outcome:
        case BanUser(), _:
            reply = UserBanned(draft.user, draft.until)
        case UnbanUser(), _:
            reply = UserUnbanned(isinstance(outcome, Committed))
        case AddToken(), Issued():
            number = TokenNumber(outcome.number)
            reply = TokenIssued(number, draft.secret, draft.expires)
        case RevokeToken(), Committed((AccessRevoked() as revoked,)):
            reply = TokenRevoked(TokenNumber(draft.number), revoked.user)
        case EraseUser(), Erased():
            reply = UserErased(list(outcome.ownerless), draft.nameless)
        case _:
            reply = Done(command.type)
    reply.id = command.id
    turn.answer(connection.id, reply)
    turn.release(connection)


def _named(refused: Refused, command: Any) -> Refused:
    """A refusal that names the user: it stands alone in a terminal."""
    if refused.code is RejectCode.NO_USER:
        what = "account" if isinstance(command, _OF_ACCOUNTS) else "user"
        return attrs.evolve(refused, text=f"there is no {what} {command.user}")
    if refused.code is RejectCode.NO_TOKEN:
        return attrs.evolve(refused, text=f"there is no token {command.token}")
    if refused.code is RejectCode.NO_SESSION:
        text = f"{command.user} has no session {command.session}"
        return attrs.evolve(refused, text=text)
    return refused


_OF_ACCOUNTS = UserPassword, UserRole, TokenIssue
"""Commands that are about no guest."""
