"""The place, and who is let in: invitations, the first administrator, links."""

from __future__ import annotations

from typing import Any

import apsw

from chatd.core.changes import Change, PlaceNamed
from chatd.core.drafts import (
    BAD_INVITATION,
    INVITATION_EXPIRED,
    INVITATION_KEEP_MS,
    INVITATION_USED,
    INVITATIONS_MAX,
    AddInvitation,
    Committed,
    Duplicate,
    Enroll,
    Invited,
    OfferSetup,
    Outcome,
    RemoveInvitation,
    SetLink,
    SetMember,
    SetPlace,
)
from chatd.core.principal import InvitationKept
from chatd.enums import AccountRole, Role, Visibility
from chatd.ids import UserName
from chatd.store import answers
from chatd.store.sqlite.ledger import GUEST, Ledger
from chatd.store.sqlite.people import add_user
from chatd.store.sqlite.rooms import load_settings, set_member
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis

PRUNE_ROWS = 16
"""Invitations that one step forgets, each with up to a hundred users."""

# Each is given `now` whether it needs it or not: they stand in one table.
# ruff: noqa: ARG001


def set_place(ledger: Ledger, draft: SetPlace, now: Millis) -> Outcome:
    """Call the place otherwise."""
    sql = "UPDATE store SET place = ?1 WHERE place IS DISTINCT FROM ?1"
    ledger.db.execute(sql, (draft.name,))
    changes = (PlaceNamed(draft.name),)
    return Committed(changes) if ledger.db.changes() else Duplicate(changes=changes)


# --- invitations ----------------------------------------------------------------


def add_invitation(ledger: Ledger, draft: AddInvitation, now: Millis) -> Outcome:
    """Record an invitation, unless its maker has too many."""
    maker = None if draft.maker is None else ledger.user(draft.maker)
    if draft.maker is not None and maker is None:
        return answers.NO_USER
    room = ledger.room(draft.room) if draft.room is not None else None
    if draft.room is not None and room is None:
        return answers.NO_ROOM
    (count,) = ledger.one("SELECT count(*) FROM invitation WHERE maker_id = ?", maker)
    if count >= INVITATIONS_MAX:
        return answers.TOO_MANY_INVITATIONS
    (number,) = ledger.one(
        "INSERT INTO invitation (digest, maker_id, room_id, role, uses, created,"
        " expires) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        draft.digest,
        maker,
        None if room is None else room.id,
        draft.role,
        draft.uses,
        draft.created,
        draft.expires,
    )
    return Invited(number=number)


def remove_invitation(ledger: Ledger, draft: RemoveInvitation, now: Millis) -> Outcome:
    """Take an invitation back."""
    maker = None if draft.maker is None else ledger.user(draft.maker)
    if draft.maker is not None and maker is None:
        return answers.NO_USER
    is_his = remove(ledger.db, draft.number, maker)
    return Committed() if is_his else answers.NO_INVITATION


def remove(db: apsw.Connection, number: int, maker: int | None = None) -> bool:
    """Remove an invitation, for None whosever it is; says whether there was one."""
    sql = "SELECT 1 FROM invitation WHERE id = ?1 AND (maker_id = ?2 OR ?2 IS NULL)"
    if not select(db, sql, (number, maker)):
        return False
    db.execute("DELETE FROM invitation_use WHERE invitation_id = ?", (number,))
    db.execute("DELETE FROM invitation WHERE id = ?", (number,))
    return True


def prune(db: apsw.Connection, now: Millis) -> bool:
    """Forget some invitations that have ended long ago; whether there may be more."""
    rows = select(
        db,
        "SELECT id FROM invitation WHERE expires < ? ORDER BY expires LIMIT ?",
        (now - INVITATION_KEEP_MS, PRUNE_ROWS),
    )
    for (number,) in rows:
        remove(db, number)
    return len(rows) == PRUNE_ROWS


def forget_user(db: apsw.Connection, user: int) -> None:
    """Remove a user's invitations, and the note of which one the user came by."""
    for (number,) in select(
        db, "SELECT id FROM invitation WHERE maker_id = ?", (user,)
    ):
        remove(db, number)
    db.execute("DELETE FROM invitation_use WHERE user_id = ?", (user,))


# --- who comes ------------------------------------------------------------------


def enroll(ledger: Ledger, draft: Enroll, now: Millis) -> Outcome:
    """Record an account that comes by an invitation, which is used by that."""
    row = ledger.one(
        "SELECT id, uses, used, expires FROM invitation WHERE digest = ?", draft.digest
    )
    if row is None and not _is_offered(ledger, draft.digest):
        return BAD_INVITATION
    number, uses, used, expires = row or (None, 1, 0, None)
    if used >= uses:
        return INVITATION_USED
    if expires is not None and expires <= draft.now:
        return INVITATION_EXPIRED
    added = add_user(ledger, draft.account, now)
    if not isinstance(added, Committed):
        return added
    if number is None:
        ledger.db.execute("UPDATE store SET setup = NULL")
        return added
    ledger.db.execute("UPDATE invitation SET used = used + 1 WHERE id = ?", (number,))
    ledger.db.execute(
        "INSERT INTO invitation_use (invitation_id, number, user_id, at)"
        " VALUES (?, ?, ?, ?)",
        (number, used + 1, ledger.user(draft.account.user), now),
    )
    return Committed(added.changes + _enter(ledger, draft, now))


def _enter(ledger: Ledger, draft: Enroll, now: Millis) -> tuple[Change, ...]:
    """Make who has come a member of a room, if that is there."""
    room = ledger.room(draft.room) if draft.room is not None else None
    if room is None:
        return ()
    (text,) = ledger.one("SELECT settings FROM room WHERE id = ?", room.id)
    entry = SetMember(
        room.name,
        draft.account.user,
        Role.MEMBER,
        draft.event,
        since_join=load_settings(text).history == Visibility.SINCE_JOIN,
        may_own=draft.event,
    )
    entered = set_member(ledger, entry, now)
    assert isinstance(entered, Committed)
    return entered.changes


# --- the first administrator ------------------------------------------------------


def _is_offered(ledger: Ledger, digest: bytes) -> bool:
    """Whether a secret is that of the first administrator, and there is none."""
    sql = "SELECT 1 FROM store WHERE setup = ?"
    return ledger.one(sql, digest) is not None and not has_admin(ledger.db)


def has_admin(db: apsw.Connection) -> bool:
    """Whether there is an administrator."""
    sql = "SELECT 1 FROM user WHERE role = 'admin' AND erased IS NULL LIMIT 1"
    return bool(select(db, sql))


def offer_setup(ledger: Ledger, draft: OfferSetup, now: Millis) -> Outcome:
    """Keep the secret for the first administrator, while there is none."""
    db = ledger.db
    is_awaited = not has_admin(db) and bool(
        select(
            db,
            "SELECT 1 FROM store WHERE setup IS NOT NULL"
            " OR NOT EXISTS (SELECT 1 FROM user WHERE role <> ?)",
            (GUEST,),
        )
    )
    db.execute("UPDATE store SET setup = ?", (draft.digest if is_awaited else None,))
    return Committed() if is_awaited else Duplicate()


# --- links ------------------------------------------------------------------------


def set_link(ledger: Ledger, draft: SetLink, now: Millis) -> Outcome:
    """Keep the secret of a link, with which a session's user logs in elsewhere."""
    ledger.db.execute(
        "UPDATE session SET link = ?, link_until = ? WHERE id = ?",
        (draft.digest, draft.until, draft.session),
    )
    return Committed() if ledger.db.changes() else answers.SESSION_GONE


# --- what is read -----------------------------------------------------------------

_KEPT = (
    "SELECT i.id, m.name, i.role, r.name, i.created, i.expires, i.uses, i.used"
    " FROM invitation i LEFT JOIN user m ON m.id = i.maker_id"
    " LEFT JOIN room r ON r.id = i.room_id AND r.ended IS NULL"
)


def invitation(db: apsw.Connection, digest: bytes) -> InvitationKept | None:
    """Find an invitation, or that of the first start."""
    for row in select(db, f"{_KEPT} WHERE i.digest = ?", (digest,)):
        return InvitationKept(*row)
    is_setup = select(db, "SELECT 1 FROM store WHERE setup = ?", (digest,))
    if is_setup and not has_admin(db):
        return InvitationKept(0, None, AccountRole.ADMIN, None, 0, None, 1, 0)
    return None


def invitations(
    db: apsw.Connection, maker: UserName | None, after: int | None, limit: int
) -> tuple[list[InvitationKept], bool]:
    """Read a page of invitations, of one user or of all, the newest first."""
    values: list[Any] = [] if after is None else [after]
    bound = "" if after is None else " AND i.id < ?"
    whose = "i.id > 0"
    if maker is not None:
        whose = "i.maker_id = (SELECT id FROM user WHERE name = ?)"
        values.insert(0, maker)
    rows = select(
        db,
        f"{_KEPT} WHERE {whose}{bound} ORDER BY i.id DESC LIMIT ?",
        (*values, limit + 1),
    )
    page = [InvitationKept(*row) for row in rows[:limit]]
    for kept in page:
        kept.users = _users(db, kept.number)
    return page, len(rows) > limit


def _users(db: apsw.Connection, number: int) -> list[UserName]:
    """Who came by an invitation."""
    rows = select(
        db,
        "SELECT u.name FROM invitation_use x JOIN user u ON u.id = x.user_id"
        " WHERE x.invitation_id = ? ORDER BY x.number",
        (number,),
    )
    return [name for (name,) in rows]
