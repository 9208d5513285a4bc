"""The model's trimming: a room forgets its beginning."""

from __future__ import annotations

from chatd.core import drafts as d
from chatd.core.changes import RoomTrimmed
from chatd.ids import Seq
from chatd.store import answers
from tests.store.model import threads
from tests.store.model.entities import ModelRoom, Tables
from tests.store.model.reactions import count_reactions


def trim_room(model: Tables, draft: d.TrimRoom) -> d.Outcome:
    """Move `first` on by one step, and forget the messages below it."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    goal = max(room.first, _goal(room, draft))
    first = min(goal, room.first + draft.rows)
    text_bytes = reactions = bookmarks = followers = 0
    for seq in sorted(seq for seq in room.messages if seq < first):
        text_bytes += len((room.messages[seq].text or "").encode())
        reactions += count_reactions(room, room.messages[seq])
        bookmarks += sum(kept[1:] == (room, seq) for kept in model.bookmarks.values())
        followers += sum(root == seq for root, _ in room.followers)
        rows = max(reactions, bookmarks, followers)
        if text_bytes > draft.text_bytes or rows > draft.rows:
            first = max(seq, room.first + 1)
            break
    room.first = Seq(first)
    for seq in [seq for seq in room.messages if seq < first]:
        del room.messages[seq]
        room.unpin(seq)
    threads.trim(room)
    model.written = [
        (where, message)
        for where, message in model.written
        if where is not room or message.seq >= first
    ]
    changes = (RoomTrimmed(room.name, room.first),)
    return d.Trimmed(changes, more=first < goal)


def _goal(room: ModelRoom, draft: d.TrimRoom) -> int:
    """Where the timeline is to begin, were it done in one step."""
    goals = [1]
    if draft.before_ts is not None:
        # What comes before an old event whose stamp was certain is as old.
        old = [e.seq for e in room.timeline if e.ts < draft.before_ts]
        begin = max((seq for seq in old if room.dents.get(seq)), default=room.first)
        young = set(range(max(begin, room.first), room.head + 1)) - set(old)
        goals.append(min(young, default=room.head + 1))
    if draft.keep_messages is not None and len(room.messages) >= draft.keep_messages:
        goals.append(sorted(room.messages)[-draft.keep_messages])
    return max(goals)
