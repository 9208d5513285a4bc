"""Reading: each function is one look at the database, in a reader's thread.

A message is read as it is now, so an event that tells of its text takes it from
the message's row. Everything that one answer consists of is read in one
transaction: a page never shows half of a commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import apsw
import orjson

from chatd.core.entities import SessionKept
from chatd.ids import (
    Epoch,
    RoomName,
    Seq,
    SessionId,
    SessionTag,
    UserName,
)
from chatd.ports import SessionRow, TokenRow, UnreadCounts, UserRow
from chatd.store import answers
from chatd.store.sqlite import happened, thread_replies
from chatd.store.sqlite import pins as pins_now
from chatd.store.sqlite import reactions as reactions_now
from chatd.store.sqlite.people import server_ban
from chatd.store.sqlite.sql import room_called, select, snapshot
from chatd.wire.events import Happened, Hidden, Millis, TimelineShown
from chatd.wire.replies import MessageShown

# Both halves come in rising seq from their keys; SQLite merges them lazily.
_EVENTS = """
SELECT m.seq, m.ts, u.name, 'message', m.text, m.edited_seq, m.cid, m.reply_to,
       m.thread, NULL, NULL, NULL, NULL, NULL, m.hidden AND u.name <> ?5
FROM message m JOIN user u ON u.id = m.user_id
WHERE m.room_id = ?1 AND m.seq > ?2 AND m.seq <= ?3
UNION ALL
SELECT e.seq, e.ts, u.name, e.kind, CASE WHEN e.kind = 'edit' THEN t.text END,
       e.of, CASE WHEN t.text IS NOT NULL THEN e.emoji END, NULL, NULL,
       CASE WHEN t.text IS NOT NULL OR e.kind <> 'react' THEN e.is_on END,
       s.name, e.change, e.detail, t.text IS NULL,
       (e.hidden OR (e.kind = 'edit' AND t.hidden)) AND u.name <> ?5
FROM event e JOIN user u ON u.id = e.user_id
LEFT JOIN message t ON t.room_id = e.room_id AND t.seq = e.of
LEFT JOIN user s ON s.id = e.subject_id
WHERE e.room_id = ?1 AND e.seq > ?2 AND e.seq <= ?3
ORDER BY 1 LIMIT ?4"""

HISTORY_COLUMNS = """
SELECT m.seq, m.ts, u.name, m.text, m.edited_seq, m.cid, m.reply_to, m.thread,
       m.hidden AND u.name <> ?
"""
HISTORY = (
    HISTORY_COLUMNS
    + """FROM message m JOIN user u ON u.id = m.user_id
WHERE m.room_id = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq """
)

# All rooms in one statement. What is unread comes from the index `message_unread`,
# which has nothing but what counts, and all of it: no message is read. Of those that
# address the user each counts once, since it addresses everybody or some; not where
# the user was told of it before the mark, nor what the user may not read. By `seq`: the
# plus keeps SQLite from going by `of`, which rises over all mentions there ever were.
_MARK = "CAST(j.value ->> {} AS BIGINT)"
_UNREAD = f"""
SELECT j.key,
(SELECT count(*) * 1024 + count(thread) FROM (
  SELECT thread FROM message
  WHERE room_id = r.id AND seq > {_MARK.format(1)} AND seq <= {_MARK.format(2)}
  AND text IS NOT NULL AND NOT hidden AND user_id <> ?2 LIMIT ?3) AS found),
(SELECT count(*) FROM (
  SELECT 1 FROM mention n JOIN message m ON m.room_id = n.room_id AND m.seq = n.of
  WHERE n.room_id = r.id AND n.user_id IN (0, ?2)
  AND n.is_on = TRUE AND n.seq > {_MARK.format(1)} AND n.seq <= {_MARK.format(2)}
  AND +n.of >= coalesce((SELECT first FROM member
    WHERE room_id = n.room_id AND user_id = ?2), 1)
  AND m.text IS NOT NULL AND NOT m.hidden AND m.user_id <> ?2
  AND NOT EXISTS (SELECT 1 FROM mention o WHERE o.room_id = n.room_id AND o.of = n.of
    AND o.is_on = FALSE AND o.user_id IN (0, ?2)
    AND o.seq <= {_MARK.format(1)}) LIMIT ?3) AS found)
FROM json_each(?1) j LEFT JOIN main.room r
ON r.ended IS NULL AND r.id = {room_called("j.value ->> 0")}"""  # noqa: S608 - ours


_ROOM = f"""
SELECT id, epoch, first FROM room WHERE id = {room_called("?1")} AND ended IS NULL"""  # noqa: S608 - ours


def place_of(db: apsw.Connection, room: RoomName) -> tuple[int, Epoch, Seq] | None:
    """A room's number, epoch and first seq, by the name that it has or had."""
    rows = select(db, _ROOM, (room,))
    return rows[0] if rows else None


# --- the timeline -------------------------------------------------------------


def events(
    db: apsw.Connection,
    room: RoomName,
    after: Seq,
    upto: Seq,
    limit: int,
    limit_bytes: int,
    viewer: UserName,
) -> list[TimelineShown]:
    """Read a page of the timeline."""
    page: list[TimelineShown] = []
    with snapshot(db):
        found = place_of(db, room)
        if found is None:
            return page
        number, epoch, first = found
        # Each seq is one row: more than these are not needed, whoever merges them.
        upto = Seq(min(upto, max(after, first - 1) + limit))
        left = limit_bytes
        values = number, after, upto, limit, viewer
        with closing(db.execute(_EVENTS, values)) as rows:
            for *row, hidden in rows:
                left -= 0 if hidden else len((row[4] or "").encode())
                if limit_bytes and page and left < 0:
                    break
                event = happened.event_of(room, epoch, *row)
                page.append(Hidden.instead_of(event) if hidden else event)
    return page


def nth_newest(db: apsw.Connection, room: RoomName, count: int, upto: Seq) -> Seq:
    """Find where the newest `count` messages begin."""
    with snapshot(db):
        found = place_of(db, room)
        if found is None:
            return Seq(upto + 1)
        rows = select(
            db,
            "SELECT min(seq) FROM (SELECT seq FROM message"
            " WHERE room_id = ? AND seq <= ? ORDER BY seq DESC LIMIT ?) AS found",
            (found[0], upto, count),
        )
    oldest = rows[0][0]
    return Seq(upto + 1) if oldest is None else Seq(oldest)


def history(
    db: apsw.Connection,
    room: RoomName,
    before: Seq | None,
    after: Seq | None,
    limit: int,
    upto: Seq,
    viewer: UserName,
    events: int = 0,
) -> tuple[list[MessageShown], list[Happened], bool]:
    """Read a page of messages, with everything folded in, and what is between them."""
    with snapshot(db):
        found = place_of(db, room)
        if found is None:
            return [], [], False
        below = upto + 1 if before is None else min(before, upto + 1)
        rows = select(
            db,
            HISTORY + ("DESC" if after is None else "ASC") + " LIMIT ?",
            (viewer, found[0], after or 0, below, limit + 1),
        )
        read = [shown(*row) for row in rows[:limit]]
        page = read[: reactions_now.shown_whole(db, found[0], read)]
        more = len(rows) > len(page)
        if after is None:
            page.reverse()
        reactions_now.fold(db, found[0], page, viewer)
        pins_now.fold(db, found[0], page, pins_now.viewer_in(db, room, viewer))
        thread_replies.fold(db, found[0], page, viewer)
        above = (after or 0) if after is not None or not more else page[0].seq
        below = page[-1].seq if after is not None and more else below
        part = found[0], room, above, below, events
        between = happened.between(db, *part, newest=after is None) if events else []
    return page, between, more


def shown(
    seq: Any,
    ts: Any,
    sender: Any,
    text: Any,
    edited_seq: Any,
    cid: Any,
    reply_to: Any,
    thread: Any,
    hidden: Any,
) -> MessageShown:
    """A row of history as it is shown."""
    if hidden:
        return MessageShown(seq, ts, sender=None, text=None, hidden=True)
    return MessageShown(
        seq=seq,
        ts=ts,
        sender=sender,
        text=text,
        edited=edited_seq is not None,
        deleted=text is None,
        cid=cid,
        reply_to=reply_to,
        thread=thread,
    )


def reactions(
    db: apsw.Connection,
    room: RoomName,
    of: Seq,
    emoji: str,
    after: Seq,
    limit: int,
    viewer: UserName,
) -> tuple[list[tuple[Seq, UserName]], bool] | None:
    """Read a page of who has put an emoji on a message, by when; None: no message."""
    with snapshot(db):
        found = place_of(db, room)
        if found is None:
            return None
        return reactions_now.page(db, found[0], of, emoji, after, limit, viewer)


def unread(
    db: apsw.Connection, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
) -> list[UnreadCounts]:
    """Count others' messages that are unread, and those that address the user."""
    with snapshot(db):
        users = select(db, "SELECT id FROM user WHERE name = ?", (user,))
        number = users[0][0] if users else 0
        listed = orjson.dumps(list(marks)).decode()
        rows = select(db, _UNREAD, (listed, number, answers.UNREAD_MAX))
    # With three digits each: all that are unread, and those of them in threads.
    return [
        UnreadCounts(unread // 1024, mentions, unread % 1024)
        for _, unread, mentions in sorted(rows)
    ]


# --- users, sessions, tokens --------------------------------------------------


_USER = """
u.name, u.display, u.role, u.password_hash, u.banned_at, u.banned_until, u.ban_reason"""
_SESSION = f"""
SELECT s.id, s.token, s.idle_since, s.expires, s.scope, s.link_until, {_USER}
FROM session s JOIN user u ON u.id = s.user_id WHERE u.erased IS NULL AND """  # noqa: S608 - ours


def user(db: apsw.Connection, name: UserName) -> UserRow | None:
    """Find a user who was not erased."""
    sql = f"SELECT {_USER} FROM user u WHERE u.name = ? AND u.erased IS NULL"  # noqa: S608 - ours
    for row in select(db, sql, (name,)):
        return _user(*row)
    return None


def _user(
    name: UserName, display: str, role: str, password_hash: str | None, *ban: Any
) -> UserRow:
    return UserRow(name, display, role, password_hash, server_ban(*ban))


def session(
    db: apsw.Connection, session_id: SessionId
) -> tuple[SessionRow, UserRow] | None:
    """Find a session, and whose it is."""
    for row in select(db, f"{_SESSION} s.id = ?", (session_id,)):
        return _session(*row)[:2]
    return None


def _session(
    number: bytes,
    token: bytes | None,
    idle_since: Millis | None,
    expires: Millis | None,
    scope: str | None,
    link_until: Millis,
    *of: Any,
) -> tuple[SessionRow, UserRow, Millis]:
    user = _user(*of)
    who, found = user.user, SessionId(number)
    row = SessionRow(found, who, token, idle_since, expires, scope)
    return row, user, link_until


def sessions(
    db: apsw.Connection,
    user: UserName,
    since: Millis,
    after: SessionTag | None,
    limit: int,
) -> tuple[list[SessionKept], bool]:
    """Read a page of a user's sessions, by their ids."""
    # Behind all whose ids begin so: the index has them in the order of their ids.
    behind = b"" if after is None else bytes.fromhex(after) + b"\xff" * 32
    rows = select(
        db,
        "SELECT id, created, idle_since, device,"
        " token IS NOT NULL OR expires IS NOT NULL FROM session"
        " WHERE user_id = (SELECT id FROM user WHERE name = ?) AND id > ?"
        " AND (idle_since IS NULL OR idle_since >= ?) ORDER BY id LIMIT ?",
        (user, behind, since, limit + 1),
    )
    page = [
        SessionKept(number, created, idle_since, device, bool(has_token))
        for number, created, idle_since, device, has_token in rows[:limit]
    ]
    return page, len(rows) > limit


def linked(
    db: apsw.Connection, digest: bytes
) -> tuple[SessionRow, UserRow, Millis] | None:
    """Find a session by its link, and whose it is."""
    for row in select(db, f"{_SESSION} s.link = ?", (digest,)):
        return _session(*row)
    return None


def token(db: apsw.Connection, digest: bytes) -> TokenRow | None:
    """Find an access token."""
    for row in select(
        db,
        "SELECT u.name, t.expires, t.name, t.scope FROM token t"
        " JOIN user u ON u.id = t.user_id WHERE t.digest = ?",
        (digest,),
    ):
        return TokenRow(*row)
    return None
