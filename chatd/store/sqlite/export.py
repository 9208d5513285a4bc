"""Exporting everything that a store has of one user, as it is at one moment.

It is read by a connection of its own in one transaction, so a daemon can go on: in WAL
mode no writer waits for a reader. Meanwhile the write-ahead log cannot be emptied and
grows, so the caller should do nothing slow between two records.

Nothing is gathered: a record is made when the one before was taken. Which column of
which table is in which record, and why some are in none, is written down and compared
with the schema by `tests/store/sqlite/test_export_covers.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from chatd.ids import UserName
from chatd.store.sqlite import admin, tokens
from chatd.store.sqlite.offline import reading, user_id
from chatd.store.sqlite.sql import select
from chatd.wire.encode import TIMES
from chatd.wire.events import Millis
from chatd.wire.timestamps import rfc3339

Record = dict[str, Any]

# By room, so that the order comes from the keys and nothing is sorted.
_MESSAGES = """
SELECT r.name, r.id, m.seq, m.ts, m.text, m.edited_seq IS NOT NULL, m.reply_to,
       m.thread, m.cid
FROM room r CROSS JOIN message m ON m.room_id = r.id
WHERE m.user_id = ? ORDER BY r.name, m.seq"""
# What a block has hidden from the user was not received.
_RECEIVED = """
SELECT r.name, r.id, m.seq, m.ts, m.text, m.edited_seq IS NOT NULL, m.reply_to,
       m.thread, u.name
FROM room r CROSS JOIN member h ON h.room_id = r.id AND h.user_id = ?1
CROSS JOIN message m ON m.room_id = r.id AND m.seq >= h.first
CROSS JOIN user u ON u.id = m.user_id
WHERE r.name LIKE '@%' AND m.user_id <> ?1 AND NOT m.hidden ORDER BY r.name, m.seq"""
_REACTIONS = """
SELECT x.emoji, u.name FROM reaction x JOIN user u ON u.id = x.user_id
WHERE x.room_id = ?1 AND x.of = ?2 AND iif(x.user_id = ?3, x.is_on, x.seen)
ORDER BY x.seq"""
_OWN_REACTIONS = """
SELECT r.name, x.of, x.emoji, e.ts
FROM room r CROSS JOIN reaction x ON x.room_id = r.id
CROSS JOIN event e ON e.room_id = x.room_id AND e.seq = x.seq
WHERE x.user_id = ? AND x.is_on ORDER BY r.name, x.of, x.emoji"""
_EVENTS = """
SELECT r.name, e.seq, e.ts, u.name, e.kind, e.of, e.emoji, e.is_on, s.name, e.change,
       e.detail
FROM room r CROSS JOIN event e ON e.room_id = r.id
CROSS JOIN user u ON u.id = e.user_id LEFT JOIN user s ON s.id = e.subject_id
WHERE e.user_id = ?1 OR e.subject_id = ?1 ORDER BY r.name, e.seq"""
# Not in what a block hides from the user, who has not seen that it names them.
_MENTIONS = """
SELECT r.name, n.of, n.seq, n.is_on
FROM room r CROSS JOIN mention n ON n.room_id = r.id AND n.user_id = ?1
CROSS JOIN message m ON m.room_id = n.room_id AND m.seq = n.of
WHERE m.user_id = ?1 OR NOT m.hidden ORDER BY r.name, n.of"""
_BOOKMARKS = """
SELECT r.name, b.of FROM bookmark b CROSS JOIN room r ON r.id = b.room_id
WHERE b.user_id = ? AND r.ended IS NULL ORDER BY b.id"""

_THREADS = """
SELECT r.name, f.root, f.is_on, f.read
FROM room r CROSS JOIN thread_follower f ON f.room_id = r.id
WHERE f.user_id = ? ORDER BY r.name, f.root"""
_CIDS = """
SELECT r.name, c.cid, c.seq, c.ts, (
  SELECT json_group_array(u.name) FROM json_each(c.unreached) j
  JOIN user u ON u.id = j.value WHERE u.erased IS NULL)
FROM room r CROSS JOIN cid c ON c.room_id = r.id AND c.user_id = ?
ORDER BY r.name, c.seq"""


def export(
    directory: Path, name: UserName, *, received: bool = False
) -> Iterator[Record]:
    """Read what there is of a user, guest or account.

    Args:
        directory: The data directory.
        name: The user's.
        received: Whether to include what others wrote in direct conversations.

    Yields:
        Records for JSON, each with a `type`. No secret is among them, nor what others
        have written, unless it is about the user, or was received and is wanted.

    Raises:
        Reject: `no_user`: there is none, or it was erased.
        StoreRefused: There is no store that could be read.
    """
    with reading(directory) as db:
        user = user_id(db, name)
        yield _profile(db, user)
        yield from _credentials(db, user)
        yield from _places(db, user)
        yield from _relations(db, user)
        yield from _messages(db, user)
        yield from _reactions(db, user)
        yield from _events(db, user)
        yield from _bookkeeping(db, user)
        if received:
            yield from _received(db, user)


def _profile(db: apsw.Connection, user: int) -> Record:
    name, display, role, created, has_password, banned_at, until, reason = select(
        db,
        "SELECT name, display, role, created, password_hash IS NOT NULL,"
        " banned_at, banned_until, ban_reason FROM user WHERE id = ?",
        (user,),
    )[0]
    profile = {
        "type": "profile",
        "name": name,
        "display": display,
        "role": role,
        "created": rfc3339(created),
        "password": bool(has_password),
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
    """The user's memberships, bans and mutes."""
    for room, role, read, first, level in db.execute(
        "SELECT r.name, m.role, m.read, m.first, m.level FROM member m"
        " JOIN room r ON r.id = m.room_id"
        " WHERE m.user_id = ? AND r.ended IS NULL ORDER BY r.name",
        (user,),
    ):
        membership = {"type": "membership", "room": room, "role": role}
        yield membership | {"read": read, "first": first, "level": level}
    for room, kind, until, reason in db.execute(
        "SELECT r.name, s.kind, s.until, s.reason FROM sanction s"
        " JOIN room r ON r.id = s.room_id"
        " WHERE s.user_id = ? AND r.ended IS NULL ORDER BY r.name, s.kind",
        (user,),
    ):
        yield {"type": kind, "room": room, "until": _time(until), "reason": reason}


def _relations(db: apsw.Connection, user: int) -> Iterator[Record]:
    """Invitations of and by the user, and whom the user blocks; not the reverse."""
    for room, sender, target, ts, closed_until in db.execute(
        "SELECT r.name, s.name, u.name, i.ts, i.closed_until FROM invite i"
        " JOIN room r ON r.id = i.room_id JOIN user s ON s.id = i.sender_id"
        " JOIN user u ON u.id = i.user_id WHERE (i.user_id = ?1 OR i.sender_id = ?1)"
        " AND r.ended IS NULL ORDER BY r.name, u.name",
        (user,),
    ):
        invite = {"type": "invite", "room": room, "from": sender, "user": target}
        yield invite | {"ts": rfc3339(ts), "closed_until": _time(closed_until)}
    yield from _invitations(db, user)
    for (blocked,) in db.execute(
        "SELECT u.name FROM block b JOIN user u ON u.id = b.blocked_id"
        " WHERE b.user_id = ? ORDER BY u.name",
        (user,),
    ):
        yield {"type": "block", "user": blocked}


def _invitations(db: apsw.Connection, user: int) -> Iterator[Record]:
    """The user's invitations to the server, and the one that the user came by."""
    for number, room, role, uses, used, created, expires in db.execute(
        "SELECT i.id, r.name, i.role, i.uses, i.used, i.created, i.expires"
        " FROM invitation i LEFT JOIN room r ON r.id = i.room_id"
        " WHERE i.maker_id = ? ORDER BY i.id",
        (user,),
    ):
        yield {
            "type": "invitation",
            "invitation": number,
            "room": room,
            "role": role,
            "uses": uses,
            "used": used,
            "created": rfc3339(created),
            "expires": rfc3339(expires),
        }
    for number, at in db.execute(
        "SELECT invitation_id, at FROM invitation_use WHERE user_id = ?", (user,)
    ):
        yield {"type": "registration", "invitation": number, "ts": rfc3339(at)}


# --- messages and events ------------------------------------------------------


def _messages(db: apsw.Connection, user: int) -> Iterator[Record]:
    for *row, cid in db.execute(_MESSAGES, (user,)):
        message = _message(db, user, "message", *row)
        yield message if cid is None else message | {"cid": cid}


def _received(db: apsw.Connection, user: int) -> Iterator[Record]:
    """What others wrote in direct conversations, marked by its type."""
    for *row, sender in db.execute(_RECEIVED, (user,)):
        yield _message(db, user, "received", *row) | {"from": sender}


def _message(
    db: apsw.Connection,
    user: int,
    kind: str,
    room: str,
    number: int,
    seq: int,
    ts: Millis,
    text: str | None,
    is_edited: int,
    reply_to: int | None,
    thread: int | None,
) -> Record:
    """A message as it is now, with the reactions that the user sees."""
    message: Record = {"type": kind, "room": room, "seq": seq, "ts": rfc3339(ts)}
    if text is None:
        return message | {"deleted": True}
    message["text"] = text
    if is_edited:
        message["edited"] = True
    if reply_to is not None:
        message["reply_to"] = reply_to
    if thread is not None:
        message["thread"] = thread
    reactions: dict[str, list[str]] = {}
    for emoji, by in select(db, _REACTIONS, (number, seq, user)):
        reactions.setdefault(emoji, []).append(by)
    if reactions:
        message["reactions"] = reactions
    return message


def _reactions(db: apsw.Connection, user: int) -> Iterator[Record]:
    for room, of, emoji, ts in db.execute(_OWN_REACTIONS, (user,)):
        yield {
            "type": "reaction",
            "room": room,
            "of": of,
            "emoji": emoji,
            "ts": rfc3339(ts),
        }


def _events(db: apsw.Connection, user: int) -> Iterator[Record]:
    """Events of the user other than messages, and those about the user."""
    for room, seq, ts, sender, kind, *rest, detail in db.execute(_EVENTS, (user,)):
        event: Record = {"type": kind, "room": room, "seq": seq, "ts": rfc3339(ts)}
        event["from"] = sender
        names = ("of", "emoji", "on", "user", "change")
        said = dict(zip(names, rest, strict=True))
        if kind == "room" and said["change"] is not None:
            event["type"] = said.pop("change")  # as it is called on the wire
        said |= json.loads(detail) if detail else {}
        for name, value in said.items():
            if value is not None:
                event[name] = rfc3339(value) if name in TIMES else value
        if "on" in event:
            event["on"] = bool(event["on"])
        yield event


def _bookkeeping(db: apsw.Connection, user: int) -> Iterator[Record]:
    """What else is kept of the user: mentions, bookmarks, threads, `cid`s."""
    for room, of in db.execute(_BOOKMARKS, (user,)):
        yield {"type": "bookmark", "room": room, "of": of}
    for room, of, seq, is_on in db.execute(_MENTIONS, (user,)):
        mention = {"type": "mention", "room": room, "of": of, "seq": seq}
        yield mention | {"on": bool(is_on)}
    for room, root, is_on, read in db.execute(_THREADS, (user,)):
        thread = {"type": "thread", "room": room, "thread": root}
        yield thread | {"on": bool(is_on), "read": read}
    for room, cid, seq, ts, unreached in db.execute(_CIDS, (user,)):
        use = {"type": "cid", "room": room, "cid": cid, "seq": seq, "ts": rfc3339(ts)}
        yield use | {"unreached": json.loads(unreached)}
    for room, cid, ts in db.execute(
        "SELECT r.name, c.cid, c.at FROM creation c JOIN room r ON r.id = c.room_id"
        " WHERE c.user_id = ? ORDER BY c.id",
        (user,),
    ):
        yield {"type": "creation", "room": room, "cid": cid, "ts": rfc3339(ts)}


def _time(ts: Millis | None) -> str | None:
    return None if ts is None else rfc3339(ts)
