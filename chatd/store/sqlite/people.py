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
    UserErased,
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
    EraseUser,
    KeepPosition,
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
from chatd.store.sqlite import addresses, erasing, log
from chatd.store.sqlite.ledger import GUEST, Ledger
from chatd.store.sqlite.rooms import recall_creation
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


def add_user(ledger: Ledger, draft: AddUser, now: Millis) -> Committed | Refused:
    """Record a name for ever."""
    if ledger.is_taken(draft.user):
        return answers.NAME_TAKEN
    if draft.distinct and ledger.user_looks_taken(draft.skeleton):
        return answers.NAME_LOOKS_TAKEN
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
        sql = "INSERT OR IGNORE INTO block (user_id, blocked_id) VALUES (?, ?)"
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
        "UPDATE user SET password_hash = ? WHERE id = ? AND password_hash IS ?",
        (draft.password_hash, user, draft.instead_of),
    )
    return Committed() if ledger.db.changes() else Duplicate()


def change_password(ledger: Ledger, draft: ChangePassword, now: Millis) -> Outcome:
    """Replace a password, and void what the old one opened."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    ledger.db.execute(
        "UPDATE user SET password_hash = ? WHERE id = ? AND password_hash IS ?",
        (draft.password_hash, user, draft.instead_of),
    )
    if not ledger.db.changes():
        return answers.PASSWORD_CHANGED
    ledger.db.execute("DELETE FROM token WHERE user_id = ?", (user,))
    ledger.db.execute(
        "DELETE FROM session WHERE user_id = ? AND id <> ?", (user, draft.session)
    )
    ledger.db.execute(
        "UPDATE session SET token = NULL, expires = NULL, scope = NULL,"
        " link = NULL, link_until = NULL WHERE user_id = ? AND id = ?",
        (user, draft.session),
    )
    return Committed((AccessRevoked(draft.user, besides=draft.session),))


def erase_user(ledger: Ledger, draft: EraseUser, now: Millis) -> Outcome:
    """Make a user nobody; what he has left is taken away later, in steps."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    sql = "SELECT 1 FROM user WHERE id = ? AND password_hash IS ?"
    if ledger.one(sql, user, draft.instead_of) is None:
        return answers.PASSWORD_REPLACED
    if draft.nameless is not None and ledger.is_taken(draft.nameless):
        return answers.NAME_TAKEN
    erasing.begin(ledger.db, draft.user, user, draft.nameless, by_hand=False)
    ledger.forget_user(draft.user)
    return Committed((UserErased(draft.user),))


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
    return Committed(changes + ((SessionsEnded(ended),) if ended else ()))


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
        "DELETE FROM session WHERE id = ? RETURNING user_id", draft.session
    )
    changes = (SessionsEnded((draft.session,)),)
    if row is None:
        return Duplicate(changes=changes)
    _leave_if_guest(ledger, row[0])
    return Committed(changes)


def end_named_session(ledger: Ledger, draft: EndNamedSession, now: Millis) -> Outcome:
    """Void the session that a user names by its tag."""
    user = ledger.user(draft.user)
    row = ledger.one(
        "DELETE FROM session WHERE user_id = ? AND substr(id, 1, ?) = ? RETURNING id",
        user,
        TAG_BYTES,
        bytes.fromhex(draft.tag),
    )
    if user is None or row is None:
        return answers.NO_SESSION
    _leave_if_guest(ledger, user)
    return Committed((SessionsEnded((SessionId(row[0]),)),))


def keep_position(ledger: Ledger, draft: KeepPosition, now: Millis) -> Outcome:
    """Note up to where the daemon has taken what others have written."""
    log.keep_position(ledger.db, draft.position)
    return Committed()


def end_sessions(ledger: Ledger, draft: EndSessions, now: Millis) -> Outcome:
    """Void a user's sessions, or those of one token; no row is `Duplicate`."""
    user = ledger.user(draft.user)
    if user is None:
        return answers.NO_USER
    ended = ledger.one(
        "DELETE FROM session WHERE user_id = ?1 AND (?2 IS NULL OR token = ?2)"
        " RETURNING user_id",
        user,
        draft.token,
    )
    changes = (AccessRevoked(draft.user, draft.token),)
    if ended is None:
        return Duplicate(changes=changes)
    _leave_if_guest(ledger, user)
    return Committed(changes)


def _leave_if_guest(ledger: Ledger, user: int) -> None:
    """Forget where somebody is and may come in who never comes back."""
    gone = ledger.one(
        "SELECT 1 FROM user WHERE id = ? AND role = ?"
        " AND id NOT IN (SELECT user_id FROM session)",
        user,
        GUEST,
    )
    if gone is None:
        return
    for table in (*GUESTS_PLACES, "guest"):
        ledger.db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user,))  # noqa: S608 - three words
    addresses.note_gone(ledger, user)


def record_time(ledger: Ledger, draft: RecordTime, now: Millis) -> Outcome:
    """Write down what is certain about the time."""
    ledger.record_time(at_once=True)
    return Committed()


def save_marks(ledger: Ledger, draft: SaveMarks, now: Millis) -> Outcome:
    """Write read marks, which only move forward, idle times and devices."""
    reads = []
    for (room_name, user_name), seq in draft.reads.items():
        room, user = ledger.room(room_name), ledger.user(user_name)
        if room is not None and user is not None:
            reads.append((seq, room.id, user))
    ledger.db.executemany(
        "UPDATE member SET read = max(read, ?) WHERE room_id = ? AND user_id = ?", reads
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
