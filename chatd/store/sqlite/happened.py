"""Events of the timeline from their rows, and those that stand between messages.

Most of a timeline that is no message changes one, and a page of history has it worked
into that. The rest (memberships, settings, names) is found by an index of its own, so
that it costs what is returned and not the reactions that lie between.
"""

from __future__ import annotations

from typing import Any

import apsw
import orjson

from chatd.enums import MemberChange, Post, Role, Visibility
from chatd.ids import Epoch, RoomName, Seq, is_direct
from chatd.store.sqlite.sql import select
from chatd.wire.events import (
    Delete,
    Edit,
    Happened,
    Member,
    Message,
    Pin,
    React,
    Rename,
    Room,
    TimelineEvent,
)

# The condition is the index's, word for word: otherwise SQLite does not take it.
_HAPPENED = """
SELECT e.seq, e.ts, u.name, e.kind, s.name, e.change, e.detail
FROM event e INDEXED BY event_happened JOIN user u ON u.id = e.user_id
LEFT JOIN user s ON s.id = e.subject_id
WHERE e.room_id = ? AND e.seq > ? AND e.seq < ?
AND e.kind IN ('member', 'room') AND ifnull(e.change, '') <> 'pin'
ORDER BY e.seq """

_WORDS = {"role": Role, "post": Post, "history": Visibility}
"""What of an event's detail is a word of an enumeration."""


def between(
    db: apsw.Connection,
    number: int,
    room: RoomName,
    above: int,
    below: int,
    limit: int,
    *,
    newest: bool,
) -> list[Happened]:
    """Read what happened in a part of a room beside what was said.

    Args:
        db: The connection.
        number: The room's.
        room: What it is called.
        above: The part begins behind this seq,
        below: and ends before this one.
        limit: At most so many.
        newest: Whether these are the last ones of the part, or the first.

    Returns:
        They, in rising seq.
    """
    order = "DESC LIMIT ?" if newest else "ASC LIMIT ?"
    rows = select(db, _HAPPENED + order, (number, above, below, limit))
    found = [_happened(room, *row) for row in rows]
    return found[::-1] if newest else found


def event_of(
    room: RoomName, epoch: Epoch, seq: Any, ts: Any, sender: Any, kind: Any, *rest: Any
) -> TimelineEvent:
    """The event of a row of a replay, as it is now."""
    base = {"room": room, "seq": seq, "ts": ts, "sender": sender}
    text = rest[0]
    if kind == "message":
        edited_seq, cid, reply_to, thread = rest[1:5]
        return Message(
            **base,
            text=text,
            cid=cid,
            reply_to=reply_to,
            thread=thread,
            edited=edited_seq is not None,
            deleted=text is None,
            epoch=epoch if seq == 1 and is_direct(room) else None,
        )
    of, emoji, _, _, is_on, subject, change, said, deleted = rest[1:]
    if kind == "edit":
        return Edit(**base, of=of, text=text, deleted=bool(deleted))
    if kind == "delete":
        return Delete(**base, of=of)
    if kind == "react":
        on = None if is_on is None else bool(is_on)
        # Of a message that is there it was erased together with its user.
        gone = bool(deleted) or emoji is None
        return React(**base, of=of, emoji=emoji, on=on, deleted=gone)
    if kind == "room" and change == "pin":
        return Pin(**base, of=of, on=bool(is_on))
    return _happened(room, seq, ts, sender, kind, subject, change, said)


def _happened(
    room: RoomName,
    seq: Seq,
    ts: Any,
    sender: Any,
    kind: Any,
    subject: Any,
    change: Any,
    said: Any,
) -> Happened:
    base = {"room": room, "seq": seq, "ts": ts, "sender": sender}
    detail = orjson.loads(said) if said else {}
    for name, parse in _WORDS.items():
        if name in detail:
            detail[name] = parse(detail[name])
    if kind == "room":
        cls: type[Happened] = Rename if change == "rename" else Room
        return cls(**base, **detail)
    return Member(**base, user=subject, change=MemberChange(change), **detail)
