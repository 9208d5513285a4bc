"""Drafts that become events but are no messages: edits, deletions, reactions, pins.

Each runs alone, after everything before it. The cid is looked at before any
rule, so a retry gets the first outcome whatever has become of the message since; what
changes nothing is answered with the event that made it so. Content that is
replaced or deleted leaves its row, the reactions and the search index in the
same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from chatd.core.changes import Appended
from chatd.core.drafts import (
    PINS_MAX,
    REACTION_KINDS_MAX,
    Committed,
    DeleteMessage,
    Duplicate,
    Durable,
    EditMessage,
    Outcome,
    Refused,
    SetPin,
    SetReaction,
)
from chatd.ids import Seq, UserName, direct_partner, is_direct
from chatd.store import answers
from chatd.store.sqlite import (
    bookmarks,
    mentions,
    pins,
    reactions,
    search_index,
    thread_replies,
)
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.thread_replies import Reply
from chatd.wire.events import Delete, Edit, Millis, Pin, React

# Of a kind there may be nothing but what was taken away and the other one still sees.
_OTHER_KINDS = """
SELECT count(*) FROM reacted k WHERE k.room_id = ? AND k.of = ? AND k.emoji <> ?
AND EXISTS (SELECT 1 FROM reaction
  WHERE room_id = k.room_id AND of = k.of AND emoji = k.emoji AND is_on)"""

_Target = tuple[int, int, str, Seq | None, Millis, int, Seq | None]
"""A message's id, author, text, edited_seq, ts, whether it is hidden, its thread."""


def edit(ledger: Ledger, draft: EditMessage, now: Millis) -> Outcome:
    """Replace a text of one's own."""
    return durable(ledger, draft, lambda r, u: _edit(ledger, draft, r, u, now))


def delete(ledger: Ledger, draft: DeleteMessage, now: Millis) -> Outcome:
    """Empty a message of one's own, or as a moderator of another's."""
    outcome = durable(ledger, draft, lambda r, u: _delete(ledger, draft, r, u, now))
    return draft.told(outcome)


def react(ledger: Ledger, draft: SetReaction, now: Millis) -> Outcome:
    """Put an emoji on a message, or take it away."""
    return durable(ledger, draft, lambda r, u: _react(ledger, draft, r, u, now))


def pin(ledger: Ledger, draft: SetPin, now: Millis) -> Outcome:
    """Pin a message, or unpin it."""
    return durable(ledger, draft, lambda r, u: _pin(ledger, draft, r, u, now))


def durable(
    ledger: Ledger,
    draft: Durable,
    execute: Callable[[RoomCell, int], Outcome],
) -> Outcome:
    """Look the cid of a durable command up, execute it, keep the cid."""
    recalled = ledger.recall(draft)
    if recalled is not None:
        return recalled
    found = ledger.locate(draft.room, draft.user)
    if isinstance(found, Refused):
        return found
    outcome = execute(*found)
    if isinstance(outcome, Committed) and outcome.event is not None:
        missed = outcome.unreached
        ledger.keep(draft, outcome.event.seq, outcome.event.ts, missed)
    elif isinstance(outcome, Duplicate):
        ledger.keep(draft, outcome.seq, outcome.ts)
    return outcome


def _edit(
    ledger: Ledger, draft: EditMessage, room: RoomCell, user: int, now: Millis
) -> Outcome:
    target = _own(ledger, room, draft.of, user)
    if isinstance(target, Refused):
        return target
    message, _, text, edited_seq, written, was_hidden, root = target
    if text == draft.text:
        if edited_seq is None:
            return Duplicate(draft.of, written)
        sql = "SELECT ts FROM event WHERE room_id = ? AND seq = ?"
        return Duplicate(edited_seq, ledger.one(sql, room.id, edited_seq)[0])
    # With a new text a message that was seen is no longer the one that was.
    hidden = bool(was_hidden) or _is_hidden(ledger, draft)
    seq, ts = add_event(
        ledger, room, user, now, kind="edit", of=draft.of, hidden=hidden
    )
    search_index.replace(ledger.db, message, text, draft.text)
    ledger.db.execute(
        "UPDATE message SET text = ?, edited_seq = ?, hidden = ? WHERE id = ?",
        (draft.text, seq, hidden, message),
    )
    edit = Edit(room.name, seq, ts, draft.user, draft.of, draft.text)
    outcome = mentions.replace(ledger, draft, room, edit, hidden=hidden)
    if root is not None:
        reply = Reply(room.id, root, draft.of, user, hidden)
        if not hidden:
            _follow(ledger, reply, outcome)
        elif not was_hidden:
            thread_replies.hide(ledger.db, reply)
    return outcome


def _follow(ledger: Ledger, reply: Reply, outcome: Committed) -> None:
    """Have those follow the thread of a reply who are told that an edit names them."""
    (change,) = outcome.changes
    assert isinstance(change, Appended)
    if change.addressed is not None:
        named = mentions.named(ledger, change.addressed)
        followed = thread_replies.follow_named(ledger, reply, named)
        change.followed = change.unread = followed
        change.thread = reply.root


def _delete(
    ledger: Ledger, draft: DeleteMessage, room: RoomCell, user: int, now: Millis
) -> Outcome:
    target = _deletable(ledger, room, draft, user)
    if isinstance(target, Refused):
        return target
    message, author, text, _, _, hidden, root = target
    seq, ts = add_event(ledger, room, user, now, kind="delete", of=draft.of)
    search_index.replace(ledger.db, message, text, None)
    ledger.db.execute(
        "UPDATE message SET text = NULL, edited_seq = NULL WHERE id = ?", (message,)
    )
    if root is not None:
        reply = Reply(room.id, root, draft.of, author, bool(hidden))
        thread_replies.remove(ledger.db, reply)
    forget_of(ledger.db, room.id, draft.of)
    event = Delete(room.name, seq, ts, draft.user, draft.of)
    return Committed((Appended(event, author=_other(ledger, author, user)),))


def _other(ledger: Ledger, author: int, user: int) -> UserName | None:
    """Whose a message is, if it is not the user's own."""
    if author == user:
        return None
    return ledger.one("SELECT name FROM user WHERE id = ?", author)[0]  # type: ignore[no-any-return]


def forget_of(db: apsw.Connection, room: int, of: Seq) -> int:
    """Take away what was put on a message; says how many rows that were."""
    changed = reactions.remove_all(db, room, of) + pins.remove_all(db, room, of)
    changed += bookmarks.remove_all(db, room, of)
    for change, at in (
        ("DELETE FROM mention", "of = ?"),
        ("UPDATE event SET emoji = NULL, is_on = NULL", "of = ? AND kind = 'react'"),
    ):
        db.execute(f"{change} WHERE room_id = ? AND {at}", (room, of))
        changed += db.changes()
    return changed


def _react(
    ledger: Ledger, draft: SetReaction, room: RoomCell, user: int, now: Millis
) -> Outcome:
    target = _message(ledger, room, draft.of)
    if target is None:
        return answers.NO_MESSAGE
    key = (room.id, draft.of, draft.emoji)
    last = ledger.one(
        "SELECT r.is_on, r.seq, e.ts, r.seen FROM reaction r"
        " JOIN event e USING (room_id, seq)"
        " WHERE r.room_id = ? AND r.of = ? AND r.emoji = ? AND r.user_id = ?",
        *key,
        user,
    )
    is_on, since, ts, seen = last or (False, draft.of, target[4], None)
    if is_on and draft.on:
        return Duplicate(since, ts)
    if not is_on and not draft.on:
        # Not where it was taken away: a blocked user could tell by that.
        return Duplicate(draft.of, target[4])
    if draft.on and _other_kinds(ledger, *key) >= REACTION_KINDS_MAX:
        return answers.TOO_MANY_KINDS
    hidden = _is_hidden(ledger, draft)
    seq, ts = add_event(
        ledger,
        room,
        user,
        now,
        kind="react",
        of=draft.of,
        emoji=draft.emoji,
        is_on=draft.on,
        hidden=hidden,
    )
    if not hidden:
        seen = seq if draft.on else None
    reactions.keep(
        ledger.db,
        (*key, user),
        seq,
        on=draft.on,
        seen=seen,
        is_new=last is None,
    )
    react = React(room.name, seq, ts, draft.user, draft.of, draft.emoji, draft.on)
    return Committed((Appended(react, hidden),))


def _pin(
    ledger: Ledger, draft: SetPin, room: RoomCell, user: int, now: Millis
) -> Outcome:
    target = _message(ledger, room, draft.of)
    if target is None:
        return answers.NO_MESSAGE
    own = user if is_direct(room.name) else pins.EVERYBODY
    last = ledger.one(
        "SELECT p.seq, e.ts FROM pin p JOIN event e USING (room_id, seq)"
        " WHERE p.room_id = ? AND p.of = ? AND p.user_id = ?",
        *(room.id, draft.of, own),
    )
    if draft.on and last is not None:
        return Duplicate(*last)
    if not draft.on and last is None:
        return Duplicate(draft.of, target[4])
    if draft.on and _pins(ledger, room, own) >= PINS_MAX:
        return answers.TOO_MANY_PINS
    hidden = _is_hidden(ledger, draft)
    seq, ts = add_event(
        ledger,
        room,
        user,
        now,
        kind="room",
        change="pin",
        of=draft.of,
        is_on=draft.on,
        hidden=hidden,
    )
    viewers = [own]
    if own != pins.EVERYBODY and not hidden:
        other = ledger.user(direct_partner(room.name, draft.user))
        viewers += [] if other is None else [other]
    if draft.on:
        pins.put(ledger.db, room.id, draft.of, viewers, seq)
    else:
        pins.remove(ledger.db, room.id, draft.of, viewers)
    event = Pin(room.name, seq, ts, draft.user, draft.of, draft.on)
    return Committed((Appended(event, hidden),))


def _pins(ledger: Ledger, room: RoomCell, viewer: int) -> int:
    """How many messages are pinned for somebody; there are never many."""
    sql = "SELECT count(*) FROM pin WHERE user_id = ? AND room_id = ?"
    count: int = ledger.one(sql, viewer, room.id)[0]
    return count


def _is_hidden(ledger: Ledger, draft: Durable) -> bool:
    """Whether the other one must not see what the user does."""
    return is_direct(draft.room) and ledger.is_hidden(draft.room, draft.user)


def add_event(
    ledger: Ledger, room: RoomCell, user: int, now: Millis, **columns: Any
) -> tuple[Seq, Millis]:
    """Append an event that is no message; returns its seq and ts."""
    seq, ts = room.advance(now)
    ledger.db.execute(
        "INSERT INTO event (room_id, seq, ts, user_id, kind, of, emoji, is_on,"
        " subject_id, change, detail, hidden) VALUES (:room, :seq, :ts, :user, :kind,"
        " :of, :emoji, :is_on, :subject_id, :change, :detail, :hidden)",
        {
            "of": None,
            "emoji": None,
            "is_on": None,
            "subject_id": None,
            "change": None,
            "detail": None,
            "hidden": False,
            **columns,
            "room": room.id,
            "seq": seq,
            "ts": ts,
            "user": user,
        },
    )
    ledger.save_heads([room])
    return seq, ts


def _message(ledger: Ledger, room: RoomCell, seq: Seq) -> _Target | None:
    """The message, unless it is deleted or there is none."""
    target: _Target | None = ledger.one(
        "SELECT id, user_id, text, edited_seq, ts, hidden, thread FROM message"
        " WHERE room_id = ? AND seq = ? AND text IS NOT NULL",
        room.id,
        seq,
    )
    return target


def _own(ledger: Ledger, room: RoomCell, seq: Seq, user: int) -> _Target | Refused:
    target = _message(ledger, room, seq)
    if target is None:
        return answers.NO_MESSAGE
    return target if target[1] == user else answers.NOT_YOURS


def _deletable(
    ledger: Ledger, room: RoomCell, draft: DeleteMessage, user: int
) -> _Target | Refused:
    """One's own, or what a moderator can read."""
    target = _message(ledger, room, draft.of)
    if target is None:
        return answers.NO_MESSAGE
    if target[1] == user:
        return target
    if draft.of < draft.first:
        return answers.NO_MESSAGE
    return target if draft.moderates else answers.NOT_YOURS


def _other_kinds(ledger: Ledger, room: int, of: Seq, emoji: str) -> int:
    """How many other emoji there are on a message."""
    count: int = ledger.one(_OTHER_KINDS, room, of, emoji)[0]
    return count
