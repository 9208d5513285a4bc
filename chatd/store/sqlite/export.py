"""Everything that a store has of one user, as it is at one moment.

It is read by a connection of its own in one transaction, so a daemon that runs
is not in the way: in WAL mode nobody waits for a reader. While it lasts, the log
beside the database cannot be emptied and grows.

Nothing is gathered: a record is made when the last one was taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from chatd.ids import UserName
from chatd.store.sqlite import admin, tokens
from chatd.store.sqlite.beside import reading, user_id
from chatd.store.sqlite.sql import select
from chatd.wire.encode import rfc3339
from chatd.wire.events import Millis

Record = dict[str, Any]

# By room, so that the order comes from the keys and nothing is sorted.
_MESSAGES = """
SELECT r.name, r.id, m.seq, m.ts, m.text, m.edited_seq IS NOT NULL, m.reply_to
FROM room r CROSS JOIN message m ON m.room_id = r.id
WHERE m.user_id = ? ORDER BY r.name, m.seq"""
_REACTIONS = """
SELECT x.emoji, u.name FROM reaction x JOIN user u ON u.id = x.user_id
WHERE x.room_id = ?1 AND x.of = ?2 AND iif(x.user_id = ?3, x.is_on, x.seen)
ORDER BY x.seq"""
_OWN_REACTIONS = """
SELECT r.name, x.of, x.emoji, e.ts
FROM room r CROSS JOIN reaction x ON x.room_id = r.id
CROSS JOIN event e ON e.room_id = x.room_id AND e.seq = x.seq
WHERE x.user_id = ? AND x.is_on ORDER BY r.name, x.of, x.emoji"""


def export(directory: Path, name: UserName) -> Iterator[Record]:
    """Read what there is of a user, guest or account.

    Yields:
        Records for JSON, each with a `type`. No secret is among them, nor is
        anything that others have written.

    Raises:
        Reject: `no_user`: there is none, or he was erased.
        StoreRefused: There is no store that could be read.
    """
    with reading(directory) as db:
        user = user_id(db, name)
        yield _profile(db, user)
        yield from _credentials(db, user)
        yield from _places(db, user)
        yield from _messages(db, user)
        yield from _reactions(db, user)


def _profile(db: apsw.Connection, user: int) -> Record:
    name, display, role, created, banned_at, until, reason = select(
        db,
        "SELECT name, display, role, created, banned_at, banned_until, ban_reason"
        " FROM user WHERE id = ?",
        (user,),
    )[0]
    profile = {
        "type": "profile",
        "name": name,
        "display": display,
        "role": role,
        "created": rfc3339(created),
    }
    if banned_at is not None:
        profile["ban"] = {
            "since": rfc3339(banned_at),
            "until": _time(until),
            "reason": reason,
        }
    return profile


def _credentials(db: apsw.Connection, user: int) -> Iterator[Record]:
    for session in admin.sessions_of(db, user):
        yield {
            "type": "session",
            "session": session.tag,
            "device": session.device,
            "created": rfc3339(session.created),
            "idle_since": _time(session.idle_since),
            "token": session.token,
            "expires": _time(session.expires),
            "scope": None if session.scope is None else json.loads(session.scope),
        }
    for token in tokens.tokens_of(db, user):
        yield {
            "type": "token",
            "id": token.id,
            "name": token.name,
            "scope": None if token.scope is None else json.loads(token.scope),
            "created": rfc3339(token.created),
            "expires": _time(token.expires),
        }


def _places(db: apsw.Connection, user: int) -> Iterator[Record]:
    for room, role, read in db.execute(
        "SELECT r.name, m.role, m.read FROM member m JOIN room r ON r.id = m.room_id"
        " WHERE m.user_id = ? AND r.ended IS NULL ORDER BY r.name",
        (user,),
    ):
        yield {"type": "membership", "room": room, "role": role, "read": read}
    for room, kind, until, reason in db.execute(
        "SELECT r.name, s.kind, s.until, s.reason FROM sanction s"
        " JOIN room r ON r.id = s.room_id"
        " WHERE s.user_id = ? AND r.ended IS NULL ORDER BY r.name, s.kind",
        (user,),
    ):
        yield {"type": kind, "room": room, "until": _time(until), "reason": reason}
    for room, sender, ts, closed_until in db.execute(
        "SELECT r.name, u.name, i.ts, i.closed_until FROM invite i"
        " JOIN room r ON r.id = i.room_id JOIN user u ON u.id = i.sender_id"
        " WHERE i.user_id = ? AND r.ended IS NULL ORDER BY r.name",
        (user,),
    ):
        yield {
            "type": "invite",
            "room": room,
            "from": sender,
            "ts": rfc3339(ts),
            "closed_until": _time(closed_until),
        }
    for (blocked,) in db.execute(
        "SELECT u.name FROM block b JOIN user u ON u.id = b.blocked_id"
        " WHERE b.user_id = ? ORDER BY u.name",
        (user,),
    ):
        yield {"type": "block", "user": blocked}


def _messages(db: apsw.Connection, user: int) -> Iterator[Record]:
    for room, number, seq, ts, text, is_edited, reply_to in db.execute(
        _MESSAGES, (user,)
    ):
        message: Record = {
            "type": "message",
            "room": room,
            "seq": seq,
            "ts": rfc3339(ts),
        }
        if text is None:
            yield message | {"deleted": True}
            continue
        message["text"] = text
        if is_edited:
            message["edited"] = True
        if reply_to is not None:
            message["reply_to"] = reply_to
        reactions: dict[str, list[str]] = {}
        for emoji, by in select(db, _REACTIONS, (number, seq, user)):
            reactions.setdefault(emoji, []).append(by)
        if reactions:
            message["reactions"] = reactions
        yield message


def _reactions(db: apsw.Connection, user: int) -> Iterator[Record]:
    for room, of, emoji, ts in db.execute(_OWN_REACTIONS, (user,)):
        yield {
            "type": "reaction",
            "room": room,
            "of": of,
            "emoji": emoji,
            "ts": rfc3339(ts),
        }


def _time(ts: Millis | None) -> str | None:
    return None if ts is None else rfc3339(ts)
