"""What the command line does to accounts, bans and sessions.

The daemon reads accounts when a credential is presented, so it sees a new one at
once. A change that concerns who is connected goes into the log for it
(`chatd.store.sqlite.log`). Functions that return a number return its position there.
"""

from __future__ import annotations

from pathlib import Path

import apsw
import attrs

from chatd.core.changes import (
    AccessRevoked,
    Banned,
    RoleSet,
    Unbanned,
)
from chatd.core.drafts import AddUser, Committed, EndNamedSession, EndSessions
from chatd.core.entities import Sanction
from chatd.enums import AccountRole
from chatd.errors import Reject, RejectCode
from chatd.ids import SessionId, SessionTag, UserName, session_tag
from chatd.store.sqlite import addresses, log, people
from chatd.store.sqlite.ledger import GUEST, Ledger
from chatd.store.sqlite.offline import (
    account_id,
    make_store,
    reading,
    user_id,
    writing,
)
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis


@attrs.frozen
class Account:
    """An account as the operator sees it."""

    name: UserName
    display: str
    role: str
    created: Millis
    has_password: bool
    ban: Sanction | None
    """Also one that has lapsed."""
    is_erased: bool


@attrs.frozen
class SessionShown:
    """A session as the operator sees it: nothing of its secret."""

    tag: SessionTag
    created: Millis
    idle_since: Millis | None
    """None while it has a connection."""
    token: int | None
    """The id of the token that it came from."""
    device: str | None
    """What the client calls itself."""
    expires: Millis | None
    """When an outside issuer's token ends, on which it depends."""
    scope: str | None
    """What that token allows, as JSON; None: everything."""


def accounts(directory: Path) -> list[Account]:
    """All accounts, by name.

    Raises:
        StoreRefused: There is no store that could be read.
    """
    with reading(directory) as db:
        return [
            Account(
                name,
                display,
                role,
                created,
                bool(has_password),
                people.server_ban(banned_at, until, reason),
                erased is not None,
            )
            for (
                name,
                display,
                role,
                created,
                has_password,
                banned_at,
                until,
                reason,
                erased,
            ) in select(
                db,
                "SELECT name, display, role, created, password_hash IS NOT NULL,"
                " banned_at, banned_until, ban_reason, erased"
                " FROM user WHERE role <> ? ORDER BY name",
                (GUEST,),
            )
        ]


def add_account(
    directory: Path,
    name: UserName,
    password_hash: str | None,
    skeleton: str | None = None,
    *,
    distinct: bool = False,
    role: AccountRole = AccountRole.USER,
) -> int | None:
    """Add an account, shown by its name. Where there is no store yet one is made.

    Args:
        directory: Where the store is.
        name: Its name for ever.
        password_hash: What is kept of its password; None: it has none.
        skeleton: What the name looks like.
        distinct: Whether no other name may look like that.
        role: `user`, `bot` or `admin`.

    Returns:
        The position of the change, if it is an administrator's: the first one may have
        been waited for.

    Raises:
        Reject: `name_taken`: it is, or was once, or one that looks like it.
        StoreRefused: There is no store to add it to.
    """
    make_store(directory)
    with writing(directory) as db:
        ((now,),) = select(db, "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)")
        account = AddUser(
            name, name, role, password_hash, skeleton=skeleton, distinct=distinct
        )
        outcome = people.add_user(_ledger(db), account, now)
        if not isinstance(outcome, Committed):
            raise Reject(outcome.code, outcome.text)
        if role != AccountRole.ADMIN:
            return None  # it is looked up at a login
        (added,) = outcome.changes
        return log.add(db, added)


def set_password(directory: Path, name: UserName, password_hash: str) -> int:
    """Give an account another password; its sessions and tokens are void.

    Raises:
        Reject: `no_user`.
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        user = account_id(db, name)
        db.execute(
            "UPDATE user SET password_hash = ? WHERE id = ?", (password_hash, user)
        )
        void(db, name, user)
        return log.add(db, AccessRevoked(name))


def set_role(directory: Path, name: UserName, role: AccountRole) -> int:
    """Give an account another role on this server.

    Raises:
        Reject: `no_user`.
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        user = account_id(db, name)
        db.execute("UPDATE user SET role = ? WHERE id = ?", (role, user))
        return log.add(db, RoleSet(name, role))


def ban(directory: Path, name: UserName, ban: Sanction, now: Millis) -> int:
    """Ban a user from the server, which ends all sessions; tokens are kept.

    The ban of a guest holds for the last address of that guest, too.

    Returns:
        The position of the change.

    Raises:
        Reject: `no_user`.
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        user = user_id(db, name)
        db.execute(
            "UPDATE user SET banned_at = ?, banned_until = ?, ban_reason = ?"
            " WHERE id = ?",
            (now, ban.until, ban.reason, user),
        )
        barred = addresses.bar(_ledger(db), (user, name), addresses.SERVER, ban, now)
        _end_sessions(db, name)
        return log.add(db, Banned(name, ban.until, ban.reason, barred))


def unban(directory: Path, name: UserName) -> int | None:
    """Lift a user's ban.

    Returns:
        The position of the change; None if there was no ban.

    Raises:
        Reject: `no_user`.
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        user = user_id(db, name)
        addresses.unbar(_ledger(db), user, addresses.SERVER)
        db.execute(
            "UPDATE user SET banned_at = NULL, banned_until = NULL, ban_reason = NULL"
            " WHERE id = ? AND banned_at IS NOT NULL",
            (user,),
        )
        return log.add(db, Unbanned(name)) if db.changes() else None


def sessions(directory: Path, name: UserName) -> list[SessionShown]:
    """A user's sessions, the oldest first.

    Raises:
        Reject: `no_user`.
        StoreRefused: There is no store that could be read.
    """
    with reading(directory) as db:
        return sessions_of(db, user_id(db, name))


def sessions_of(db: apsw.Connection, user: int) -> list[SessionShown]:
    """A user's sessions, the oldest first."""
    rows = select(
        db,
        "SELECT s.id, s.created, s.idle_since, t.id, s.device, s.expires, s.scope"
        " FROM session s LEFT JOIN token t ON t.digest = s.token WHERE s.user_id = ?"
        " ORDER BY s.created",
        (user,),
    )
    return [SessionShown(session_tag(SessionId(number)), *row) for number, *row in rows]


def log_out(directory: Path, name: UserName, tag: SessionTag | None = None) -> int:
    """End all sessions of a user, or the one that has a tag.

    Raises:
        Reject: `no_user`, `no_session`.
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        user_id(db, name)
        if tag is None:
            _end_sessions(db, name)
            return log.add(db, AccessRevoked(name))
        outcome = people.end_named_session(_ledger(db), EndNamedSession(name, tag), 0)
        if not isinstance(outcome, Committed):
            raise Reject(RejectCode.NO_SESSION, f"{name} has no session {tag}")
        (ended,) = outcome.changes
        return log.add(db, ended)


def void(db: apsw.Connection, name: UserName, user: int) -> None:
    """Void all that a user could come in with, but a password."""
    _end_sessions(db, name)
    db.execute("DELETE FROM token WHERE user_id = ?", (user,))


def _end_sessions(db: apsw.Connection, name: UserName) -> None:
    people.end_sessions(_ledger(db), EndSessions(name), 0)


def _ledger(db: apsw.Connection) -> Ledger:
    """One that takes for certain of the time what the daemon has written down."""
    return Ledger(db, select(db, "SELECT ifnull(certain, 0) FROM store")[0][0])
