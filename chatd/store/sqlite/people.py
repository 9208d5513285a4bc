"""Drafts without a seq: users, sessions, read marks."""

from __future__ import annotations

from typing import Any

from chatd.core.changes import (
    AccessRevoked,
    BlockSet,
    Change,
    DisplaySet,
    RoleSet,
    SessionOpened,
    SessionsEnded,
    UserAdded,
)
from chatd.core.drafts import (
    AddUser,
    ChangePassword,
    Committed,
    CreateRoom,
    Duplicate,
    EndNamedSession,
    EndSession,
    EndSessions,
    HoldSession,
    NoteAddress,
    OpenSession,
    Outcome,
    Recall,
    RecordTime,
    Refused,
    RenewSession,
    SaveMarks,
    SetAccountRole,
    SetBlock,
    SetDisplay,
    SetPasswordHash,
)
from chatd.core.entities import Sanction
from chatd.ids import TAG_BYTES, SessionId, UserName
from chatd.store import answers
from chatd.store.sqlite import addresses
from chatd.store.sqlite.ledger import GUEST, Ledger
from chatd.store.sqlite.rooms import recall_creation
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis

GUESTS_PLACES = ("member", "invite")
"""What ends with a guest's session."""

# Each is given `now` whether it needs it or not: they stand in one table.
# ruff: noqa: ARG001


def recall(ledger: Ledger, draft: Recall, now: Millis) -> Outcome:
    """Answer what the cid stored first, or refuse."""
    recalled: Outcome | None = None
    if isinstance(draft.draft, CreateRoom):
        recalled = recall_creation(ledger, draft.draft)
    elif draft.draft is not None:
        recalled = ledger.recall(draft.draft)
    return recalled or draft.otherwise


def taken(
    ledger: Ledger, name: UserName, skeleton: str | None, *, distinct: bool
) -> Refused | None:
    """Why a name cannot be given out, if it cannot."""
    if ledger.is_taken(name):
        return answers.NAME_TAKEN
    if distinct and ledger.user_looks_taken(skeleton):
        return answers.NAME_LOOKS_TAKEN
    return None


def add_user(ledger: Ledger, draft: AddUser, now: Millis) -> Committed | Refused:
    """Record a name for ever."""
    refused = taken(ledger, draft.user, draft.skeleton, distinct=draft.distinct)
    if refused is not None:
        return refused
    ledger.db.execute(
        "INSERT INTO user (name, skeleton, display, role, password_hash, created)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            draft.user,
            draft.skeleton,
            draft.display,
            draft.role,
            draft.password_hash,
            now,
        ),
    )
    return Committed((UserAdded(draft.user, draft.display, draft.role),))


def set_display(ledger: Ledger, draft: SetDisplay, now: Millis) -> Outcome:
    """Change a display name."""
    sql = "UPDATE user SET display = ? WHERE id = ?"
    changed = DisplaySet(draft.user, draft.display)
    return _update_user(ledger, draft.user, sql, draft.display, changed)


def set_role(ledger: Ledger, draft: SetAccountRole, now: Millis) -> Outcome:
    """Change an account's role."""
    sql = "UPDATE user SET role = ? WHERE id = ?"
    changed = RoleSet(draft.user, draft.role)
    return _update_user(ledger, draft.user, sql, draft.role, changed)


def server_ban(
    banned_at: Millis | None, until: Millis | None, reason: str | None
) -> Sanction | None:
    """What three columns of `user` say of a ban from the server."""
    return None if banned_at is None else Sanction(until, reason)


def set_block(ledger: Ledger, draft: SetBlock, now: Millis) -> Outcome:
    """Begin or end a block."""
    pair = ledger.user(draft.user), ledger.user(draft.blocked)
    if None in pair:
        return answers.NO_USER
    if draft.on:
        sql = (
            "INSERT INTO block (user_id, blocked_id) VALUES (?, ?)"
            " ON CONFLICT DO NOTHING"
        )
    else:
        sql = "DELETE FROM block WHERE user_id = ? AND blocked_id = ?"
    ledger.db.execute(sql, pair)
    ledger.forget_blocks()
    changes = (BlockSet(draft.user, draft.blocked, draft.on),)
    return Committed(changes) if ledger.db.changes() else Duplicate(changes=changes)


def set_password_hash(ledger: Ledger, draft: SetPasswordHash, now: Millis) -> Outcome:
    """Replace a password hash by another of the same password."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    ledger.db.execute(
        "UPDATE user SET password_hash = ?"
        " WHERE id = ? AND password_hash IS NOT DISTINCT FROM ?",
        (draft.password_hash, user, draft.instead_of),
    )
    return Committed() if ledger.db.changes() else Duplicate()


def change_password(ledger: Ledger, draft: ChangePassword, now: Millis) -> Outcome:
    """Replace a password, and void what the old one opened."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    ledger.db.execute(
        "UPDATE user SET password_hash = ?"
        " WHERE id = ? AND password_hash IS NOT DISTINCT FROM ?",
        (draft.password_hash, user, draft.instead_of),
    )
    if not ledger.db.changes():
        return answers.PASSWORD_CHANGED
    ledger.db.execute("DELETE FROM token WHERE user_id = ?", (user,))
    void = _void(
        ledger, "DELETE FROM session WHERE user_id = ? AND id <> ?", user, draft.session
    )
    ledger.db.execute(
        "UPDATE session SET token = NULL, expires = NULL, scope = NULL,"
        " link = NULL, link_until = NULL WHERE user_id = ? AND id = ?",
        (user, draft.session),
    )
    return Committed((AccessRevoked(draft.user, None, draft.session, void),))


def _update_user(
    ledger: Ledger, name: UserName, sql: str, value: str, change: Change
) -> Outcome:
    user = ledger.user(name)
    if user is None:
        return answers.NO_USER
    ledger.db.execute(sql, (value, user))
    return Committed((change,))


def open_session(ledger: Ledger, draft: OpenSession, now: Millis) -> Outcome:
    """Record a session, and its new user with it."""
    if draft.token is not None and not _has_token(ledger, draft.token):
        return answers.TOKEN_GONE
    if draft.beside is not None and not _has_session(ledger, draft.beside):
        return answers.SESSION_GONE
    changes: tuple[Change, ...] = ()
    if draft.new_user is not None:
        added = add_user(ledger, draft.new_user, now)
        if not isinstance(added, Committed):
            return added
        changes += added.changes
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    if draft.link is not None and not _use_link(ledger, draft):
        return answers.LINK_GONE
    ledger.db.execute(
        "INSERT INTO session (id, user_id, token, created, expires, scope, device)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            draft.session,
            user,
            draft.token,
            draft.created,
            draft.expires,
            draft.scope,
            draft.device,
        ),
    )
    if draft.address is not None:
        addresses.keep(ledger, user, draft.address)
    changes += (SessionOpened(draft.session, draft.user),)
    ended = _displace(ledger, draft, user) if draft.most else ()
    return Committed(changes + _ended(draft.user, ended))


def hold_session(ledger: Ledger, draft: HoldSession, now: Millis) -> Outcome:
    """Note that a session is in use again."""
    ledger.db.execute(
        "UPDATE session SET idle_since = NULL, device = coalesce(?, device)"
        " WHERE id = ?",
        (draft.device, draft.session),
    )
    return Committed() if ledger.db.changes() else answers.SESSION_GONE


def _ended(user: UserName, sessions: tuple[SessionId, ...]) -> tuple[Change, ...]:
    """What has changed where some sessions of a user have ended, or none."""
    return (SessionsEnded(sessions, user),) if sessions else ()


def note_address(ledger: Ledger, draft: NoteAddress, now: Millis) -> Outcome:
    """Keep from where a guest comes now."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    addresses.keep(ledger, user, draft.address)
    return Committed()


def _displace(ledger: Ledger, draft: OpenSession, user: int) -> tuple[SessionId, ...]:
    """End sessions of a user who has too many; says which."""
    sql = "SELECT id, idle_since FROM session WHERE user_id = ? ORDER BY idle_since, id"
    rows: list[Any] = ledger.db.execute(sql, (user,)).fetchall()
    idle = [
        SessionId(session)
        for session, since in rows
        if since is not None and session not in draft.held
    ]
    ended = tuple(idle[: max(0, len(rows) - draft.most)])
    ledger.db.executemany("DELETE FROM session WHERE id = ?", [(s,) for s in ended])
    return ended


def renew_session(ledger: Ledger, draft: RenewSession, now: Millis) -> Outcome:
    """Let a session depend on another token."""
    if draft.token is not None and not _has_token(ledger, draft.token):
        return answers.TOKEN_GONE
    ledger.db.execute(
        "UPDATE session SET token = ?, expires = ?, scope = ? WHERE id = ?",
        (draft.token, draft.expires, draft.scope, draft.session),
    )
    return Committed() if ledger.db.changes() else answers.SESSION_GONE


def _use_link(ledger: Ledger, draft: OpenSession) -> bool:
    """Use up the link of the session beside which one is opened, if it is that."""
    ledger.db.execute(
        "UPDATE session SET link = NULL, link_until = NULL WHERE id = ? AND link = ?",
        (draft.beside, draft.link),
    )
    return ledger.db.changes() > 0


def _has_session(ledger: Ledger, session: SessionId) -> bool:
    return ledger.one("SELECT 1 FROM session WHERE id = ?", session) is not None


def _has_token(ledger: Ledger, digest: bytes) -> bool:
    return ledger.one("SELECT 1 FROM token WHERE digest = ?", digest) is not None


def end_session(ledger: Ledger, draft: EndSession, now: Millis) -> Outcome:
    """Void a session; one that is not there is `Duplicate`."""
    row = ledger.one(
        "DELETE FROM session WHERE id = ? RETURNING user_id,"
        " (SELECT name FROM user WHERE user.id = user_id)",
        draft.session,
    )
    if row is None:
        return Duplicate(changes=(SessionsEnded((draft.session,)),))
    user, name = row
    left = _leave_if_guest(ledger, user)
    return Committed((SessionsEnded((draft.session,), name, left),))


def end_named_session(ledger: Ledger, draft: EndNamedSession, now: Millis) -> Outcome:
    """Void the session that a user names by its tag."""
    user = ledger.user(draft.user)
    row = ledger.one(
        f"DELETE FROM session WHERE user_id = ? AND substr(id, 1, {TAG_BYTES}) = ?"  # noqa: S608 - a number
        " RETURNING id",
        user,
        bytes.fromhex(draft.tag),
    )
    if user is None or row is None:
        return answers.NO_SESSION
    left = _leave_if_guest(ledger, user)
    return Committed((SessionsEnded((SessionId(row[0]),), draft.user, left),))


def end_sessions(ledger: Ledger, draft: EndSessions, now: Millis) -> Outcome:
    """Void a user's sessions, or those of one token; no row is `Duplicate`."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    void = void_sessions(ledger, user, draft.token)
    changes = (AccessRevoked(draft.user, draft.token, void=void),)
    return Committed(changes) if void else Duplicate(changes=changes)


def void_sessions(
    ledger: Ledger, user: int, token: bytes | None = None
) -> tuple[SessionId, ...]:
    """Void all sessions of a user, or those of one token; says which, in order."""
    void = _void(
        ledger,
        "DELETE FROM session WHERE user_id = ?1 AND (token = ?2 OR ?2 IS NULL)",
        user,
        token,
    )
    if void:
        _leave_if_guest(ledger, user)
    return void


def _void(ledger: Ledger, delete: str, *values: Any) -> tuple[SessionId, ...]:
    """Void those sessions that a statement deletes; says which, in order."""
    rows = select(ledger.db, f"{delete} RETURNING id", values)
    return tuple(sorted(SessionId(session) for (session,) in rows))


def _leave_if_guest(ledger: Ledger, user: int) -> bool:
    """Forget where somebody is and may come in who never comes back; is he such?"""
    gone = ledger.one(
        "SELECT 1 FROM user WHERE id = ? AND role = ?"
        " AND id NOT IN (SELECT user_id FROM session)",
        user,
        GUEST,
    )
    if gone is None:
        return False
    for table in (*GUESTS_PLACES, "guest"):
        ledger.db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user,))  # noqa: S608 - three words
    addresses.note_gone(ledger, user)
    return True


def record_time(ledger: Ledger, draft: RecordTime, now: Millis) -> Outcome:
    """Write down what is certain about the time."""
    ledger.record_time(at_once=True)
    return Committed()


def save_marks(ledger: Ledger, draft: SaveMarks, now: Millis) -> Outcome:
    """Write read marks, idle times and devices."""
    reads = []
    for (room_name, user_name), seq in draft.reads.items():
        room, user = ledger.room(room_name), ledger.user(user_name)
        if room is not None and user is not None:
            reads.append((seq, room.id, user))
    ledger.db.executemany(
        "UPDATE member SET read = ? WHERE room_id = ? AND user_id = ?", reads
    )
    ledger.db.executemany(
        "UPDATE session SET idle_since = ? WHERE id = ?",
        [(idle, session) for session, idle in draft.idle.items()],
    )
    ledger.db.executemany(
        "UPDATE session SET device = ? WHERE id = ?",
        [(device, session) for session, device in draft.devices.items()],
    )
    return Committed()
