"""Drafts of the operator: accounts and users as he wants them.

Sessions that end here may be in use; who is cut off by that, the core finds out from
the changes.
"""

from __future__ import annotations

from chatd.core.changes import AccessRevoked, Banned, RoleSet, Unbanned
from chatd.core.drafts import (
    AddToken,
    BanUser,
    Committed,
    Duplicate,
    GiveRole,
    Issued,
    Outcome,
    Refused,
    ResetPassword,
    RevokeToken,
    UnbanUser,
)
from chatd.core.entities import Sanction
from chatd.errors import RejectCode
from chatd.ids import UserName, is_guest
from chatd.store import answers
from chatd.store.sqlite import addresses
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.people import void_sessions
from chatd.wire.events import Millis

# Each is given `now` whether it needs it or not: they stand in one table.
# ruff: noqa: ARG001


def reset_password(ledger: Ledger, draft: ResetPassword, now: Millis) -> Outcome:
    """Replace a password, and void all that the account has opened."""
    user = _account(ledger, draft.user)
    if user is None:
        return answers.NO_USER
    sql = "UPDATE user SET password_hash = ? WHERE id = ?"
    ledger.db.execute(sql, (draft.password_hash, user))
    ledger.db.execute("DELETE FROM token WHERE user_id = ?", (user,))
    void = void_sessions(ledger, user)
    return Committed((AccessRevoked(draft.user, void=void),))


def give_role(ledger: Ledger, draft: GiveRole, now: Millis) -> Outcome:
    """Change an account's role."""
    user = _account(ledger, draft.user)
    if user is None:
        return answers.NO_USER
    ledger.db.execute("UPDATE user SET role = ? WHERE id = ?", (draft.role, user))
    return Committed((RoleSet(draft.user, draft.role),))


def ban_user(ledger: Ledger, draft: BanUser, now: Millis) -> Outcome:
    """Ban a user from the server, and a guest's last address with him."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    ledger.db.execute(
        "UPDATE user SET banned_at = ?, banned_until = ?, ban_reason = ? WHERE id = ?",
        (draft.at, draft.until, draft.reason, user),
    )
    barred = addresses.bar(
        ledger,
        (user, draft.user),
        addresses.SERVER,
        Sanction(draft.until, draft.reason),
        draft.at,
    )
    void_sessions(ledger, user)
    return Committed((Banned(draft.user, draft.until, draft.reason, barred),))


def unban_user(ledger: Ledger, draft: UnbanUser, now: Millis) -> Outcome:
    """Lift a user's ban."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    addresses.unbar(ledger, user, addresses.SERVER)
    ledger.db.execute(
        "UPDATE user SET banned_at = NULL, banned_until = NULL, ban_reason = NULL"
        " WHERE id = ? AND banned_at IS NOT NULL",
        (user,),
    )
    return Committed((Unbanned(draft.user),)) if ledger.db.changes() else Duplicate()


def add_token(ledger: Ledger, draft: AddToken, now: Millis) -> Outcome:
    """Record a token, for rooms that are there."""
    for room in draft.rooms:
        if ledger.room(room) is None:
            text = f"there is no room {room}"
            return Refused(RejectCode.NO_ROOM, text, "rooms")
    user = _account(ledger, draft.user)
    if user is None:
        return answers.NO_USER
    (number,) = ledger.one(
        "INSERT INTO token (digest, user_id, name, scope, created, expires)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        *(draft.digest, user, draft.name, draft.scope, draft.created, draft.expires),
    )
    return Issued(number=number)


def revoke_token(ledger: Ledger, draft: RevokeToken, now: Millis) -> Outcome:
    """Remove a token, and the sessions that came from it."""
    row = ledger.one(
        "DELETE FROM token WHERE id = ? RETURNING digest, user_id,"
        " (SELECT name FROM user WHERE user.id = user_id)",
        draft.number,
    )
    if row is None:
        return answers.NO_TOKEN
    digest, user, name = row
    void = void_sessions(ledger, user, digest)
    return Committed((AccessRevoked(name, digest, void=void),))


def _account(ledger: Ledger, name: UserName) -> int | None:
    """The id of an account; None of a guest, too."""
    return None if is_guest(name) else ledger.user(name)
