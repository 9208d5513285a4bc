"""The hot path: a run of new messages in a handful of statements.

One look for all cids, one for all replied-to messages, one insert of messages,
one of cids, one update per room; what lies between is arithmetic in memory, in
the order of the drafts. A cid that comes twice in one run and a reply to a
message of the same run are answered from what the run has decided so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from chatd.core.changes import Appended
from chatd.core.drafts import Committed, NewMessage, Outcome
from chatd.ids import Cid, Seq, UserName, is_direct
from chatd.store import answers
from chatd.store.digest import content_digest
from chatd.store.sqlite import mentions, thread_replies
from chatd.store.sqlite.ledger import CidKey, CidUse, Ledger, RoomCell
from chatd.store.sqlite.sql import change_rows, find_rows
from chatd.store.sqlite.thread_replies import Reply
from chatd.wire.events import Message, Millis

# With the first message of the thread that a reply goes into; NULL: it is not kept.
_FIND_REPLIED = """
SELECT m.room_id, m.seq, CASE WHEN m.thread IS NULL THEN m.seq ELSE (
  SELECT seq FROM message WHERE room_id = m.room_id AND seq = m.thread) END
FROM message m WHERE (m.room_id, m.seq) IN (VALUES $ROWS)"""
_ADD_MESSAGES = """
INSERT INTO message (room_id, seq, ts, user_id, reply_to, thread, cid, text)
VALUES $ROWS"""
_HIDE = "UPDATE message SET hidden = TRUE WHERE (room_id, seq) IN (VALUES $ROWS)"


@attrs.define
class _Run:
    """What one run has decided and not yet written."""

    cids: dict[CidKey, CidUse]
    roots: dict[tuple[int, Seq], Seq | None]
    """Of replied-to messages that exist, and of the run's own: in which thread a reply
    to them is; None if its first message is not kept."""
    touched: dict[int, RoomCell] = attrs.field(factory=dict)
    message_rows: list[tuple[Any, ...]] = attrs.field(factory=list)
    cid_rows: list[tuple[Any, ...]] = attrs.field(factory=list)
    hidden: list[tuple[int, Seq]] = attrs.field(factory=list)
    mention_rows: list[mentions.Row] = attrs.field(factory=list)
    replies: list[tuple[Reply, Appended]] = attrs.field(factory=list)
    """What was written in threads."""


def append_messages(
    ledger: Ledger, drafts: Sequence[NewMessage], now: Millis
) -> list[Outcome]:
    """Append consecutive new messages; one outcome each, in order."""
    run = _Run(
        ledger.find_cids(list(_keys(ledger, drafts))),
        {
            (room, seq): root
            for room, seq, root in find_rows(
                ledger.db, _FIND_REPLIED, list(_replied(ledger, drafts))
            )
        },
    )
    outcomes = [_append(ledger, run, draft, now) for draft in drafts]
    change_rows(ledger.db, _ADD_MESSAGES, run.message_rows)
    change_rows(ledger.db, _HIDE, run.hidden)
    change_rows(ledger.db, mentions.ADD, run.mention_rows)
    ledger.keep_cids(run.cid_rows)
    ledger.save_heads(run.touched.values())
    for reply, change in run.replies:
        found = change.addressed
        named = mentions.named(ledger, found) if found is not None else ()
        change.thread = reply.root
        change.followed, change.unread = thread_replies.add(ledger, reply, named)
    return outcomes


def _append(ledger: Ledger, run: _Run, draft: NewMessage, now: Millis) -> Outcome:
    found = ledger.locate(draft.room, draft.user)
    if not isinstance(found, tuple):
        # The room may have ended in this very batch: a retry gets its outcome still.
        return ledger.recall(draft) or found
    room, user = found
    digest = None
    if draft.cid is not None:
        use = run.cids.get((room.id, user, draft.cid))
        if use is not None:
            return ledger.compare(use, draft)
        digest = content_digest(draft)
    root: Seq | None = None
    if draft.reply_to is not None:
        replied = room.id, draft.reply_to
        if replied not in run.roots:
            return answers.NO_REPLIED
        if draft.thread:
            root = run.roots[replied]
            if root is None:
                return answers.NO_REPLIED
    seq, ts = room.advance(now)
    run.touched[room.id] = room
    run.roots[room.id, seq] = seq if root is None else root
    run.message_rows.append(
        (room.id, seq, ts, user, draft.reply_to, root, draft.cid, draft.text)
    )
    missed: tuple[UserName, ...] = ()
    if draft.mentions is not None:
        run.mention_rows += mentions.rows_of(ledger, draft.mentions, room, seq)
        missed = mentions.unreached(ledger, draft.mentions)
    if draft.cid is not None and digest is not None:
        kept = ledger.unreached(missed) if missed else None
        run.cids[room.id, user, draft.cid] = digest, seq, ts, kept
        run.cid_rows.append(
            (room.id, user, draft.cid, digest, seq, ts, kept, ledger.certain)
        )
    # Spelled out: a call would cost a hundredth of the message.
    hidden = draft.room[0] == "@" and ledger.is_hidden(draft.room, draft.user)
    if hidden:
        run.hidden.append((room.id, seq))
    message = Message(
        room=room.name,
        seq=seq,
        ts=ts,
        sender=draft.user,
        text=draft.text,
        cid=draft.cid,
        reply_to=draft.reply_to,
        thread=root,
        epoch=room.epoch if seq == 1 and is_direct(draft.room) else None,
    )
    change = Appended(message, hidden, draft.mentions)
    if root is not None:
        run.replies.append((Reply(room.id, root, seq, user, hidden), change))
    return Committed((change,), missed)


def _keys(ledger: Ledger, drafts: Sequence[NewMessage]) -> dict[CidKey, None]:
    """The cids that the run asks about, each once."""
    keys: dict[CidKey, None] = {}
    for draft in drafts:
        room, user = ledger.room(draft.room), ledger.user(draft.user)
        if draft.cid is not None and room is not None and user is not None:
            keys[room.id, user, Cid(draft.cid)] = None
    return keys


def _replied(
    ledger: Ledger, drafts: Sequence[NewMessage]
) -> dict[tuple[int, Seq], None]:
    """The messages that the run replies to, each once."""
    keys: dict[tuple[int, Seq], None] = {}
    for draft in drafts:
        room = ledger.room(draft.room)
        if draft.reply_to is not None and room is not None:
            keys[room.id, draft.reply_to] = None
    return keys
