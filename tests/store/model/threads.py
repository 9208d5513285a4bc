"""The model's threads: counted anew whenever somebody looks."""

from __future__ import annotations

from chatd.core import drafts as d
from chatd.core.changes import Appended, FollowSet, ThreadRead
from chatd.ids import Seq, UserName
from chatd.store import answers
from chatd.wire.kinds import ThreadNumber
from chatd.wire.replies import ThreadShown
from tests.store.model.entities import Follower, ModelMessage, ModelRoom, Tables


def root_of(room: ModelRoom, draft: d.NewMessage) -> Seq | None:
    """In which thread a new message is; None: in none, or in one that is not kept."""
    if draft.reply_to is None or not draft.thread:
        return None
    replied = room.messages[draft.reply_to]
    root = replied.seq if replied.thread is None else replied.thread
    return root if root in room.messages else None


def _replies(room: ModelRoom, root: Seq, viewer: UserName) -> list[ModelMessage]:
    """What somebody sees of a thread that was not deleted."""
    return [
        message
        for message in room.messages.values()
        if message.thread == root and message.text is not None
        if not message.hidden or message.sender == viewer
    ]


NOBODY = UserName("")


def _is_unread(room: ModelRoom, root: Seq, follower: Follower) -> bool:
    newest = max((m.seq for m in _replies(room, root, NOBODY)), default=0)
    return follower.is_on and newest > follower.read


def add(
    model: Tables, room: ModelRoom, message: ModelMessage, change: Appended
) -> None:
    """Take a new reply into its thread, and say who follows it and has it unread."""
    root, writer = message.thread, message.sender
    assert root is not None
    change.thread = root
    room.writers.setdefault((root, writer), message.seq)
    read = {
        user
        for (of, user), follower in room.followers.items()
        if of == root and follower.is_on
    }
    unread = {u for u in read if _was_unread(room, root, u, message.seq)}
    own = Follower(is_on=True, read=message.seq, at=message.number)
    room.followers[root, writer] = own
    if not message.hidden:
        first = room.messages[root]
        begins = len(_replies(room, root, NOBODY)) == 1
        named = [user for user, told in first.mentions.items() if user and told.is_on]
        for user in [first.sender, *named] if begins else ():
            _follow(model, room, root, user, root, message.number)
        found = change.addressed
        for user in found.users if found and not found.everybody else ():
            _follow(model, room, root, user, Seq(message.seq - 1), message.number)
    now = {
        user
        for (of, user), follower in room.followers.items()
        if of == root and follower.is_on
    }
    change.followed = _names(model, now - read)
    if not message.hidden:
        flipped = now - unread - {writer}
        for user in flipped:
            room.followers[root, user].at = message.number
        change.unread = _names(model, flipped)


def _was_unread(room: ModelRoom, root: Seq, user: UserName, seq: Seq) -> bool:
    """Whether something was unread before a message came."""
    seen = [m.seq for m in _replies(room, root, NOBODY) if m.seq < seq]
    return max(seen, default=0) > room.followers[root, user].read


def _names(model: Tables, users: set[UserName]) -> tuple[UserName, ...]:
    return tuple(sorted(user for user in users if user in model.users))


def _follow(
    model: Tables, room: ModelRoom, root: Seq, user: UserName, read: Seq, at: int
) -> bool:
    """Have a user follow who has nothing to do with the thread yet."""
    if user not in model.users or (root, user) in room.followers:
        return False
    room.followers[root, user] = Follower(is_on=True, read=read, at=at)
    return True


def edited(
    model: Tables, room: ModelRoom, message: ModelMessage, change: Appended
) -> None:
    """Have those follow the thread of a reply who are told that an edit names them."""
    root, found = message.thread, change.addressed
    if root is None or message.hidden or found is None:
        return
    change.thread = root
    if found.everybody or root not in room.messages:
        return
    new = {
        user
        for user in found.users
        if _follow(model, room, root, user, Seq(message.seq - 1), message.number)
    }
    change.followed = change.unread = _names(model, new)


def removed(room: ModelRoom, message: ModelMessage) -> None:
    """Forget who has written, if that was the last that he had in the thread."""
    root, writer = message.thread, message.sender
    if root is None:
        return
    own = [m for m in _replies(room, root, writer) if m.sender == writer]
    if not own:
        room.writers.pop((root, writer), None)


def set_follow(model: Tables, draft: d.SetFollow) -> d.Outcome:
    """Have somebody follow a thread, or no longer."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if draft.user not in model.users:
        return answers.NO_USER
    first = room.messages.get(draft.root)
    replies = [m for m in room.messages.values() if m.thread == draft.root]
    if first is None or not replies:
        return answers.NO_THREAD
    own = room.followers.get((draft.root, draft.user))
    if own is not None and own.is_on == draft.on:
        return d.Duplicate()
    newest = max((m.seq for m in _replies(room, draft.root, NOBODY)), default=Seq(0))
    read = newest if own is None else max(newest, own.read)
    follower = Follower(draft.on, read, first.number)
    room.followers[draft.root, draft.user] = follower
    return d.Committed((FollowSet(room.name, draft.user, draft.root, draft.on),))


def mark_thread(model: Tables, draft: d.MarkThread) -> d.Outcome:
    """Note how far somebody has read a thread that he follows."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if draft.user not in model.users:
        return answers.NO_USER
    own = room.followers.get((draft.root, draft.user))
    seq = min(draft.seq, room.head)
    if own is None or not own.is_on or own.read >= seq:
        return d.Duplicate()
    own.read = seq
    return d.Committed((ThreadRead(room.name, draft.user, draft.root, seq),))


def trim(room: ModelRoom) -> None:
    """Forget the threads of messages that are not kept."""
    for table in (room.followers, room.writers):
        for key in [key for key in table if key[0] < room.first]:
            del table[key]


def summary(room: ModelRoom, root: Seq, viewer: UserName) -> ThreadShown | None:
    """What somebody is shown of the thread of a message."""
    replies = _replies(room, root, viewer)
    if not replies:
        return None
    writers = {message.sender for message in replies}
    since = sorted((s, user) for (of, user), s in room.writers.items() if of == root)
    users = [user for _, user in since if user in writers]
    last = max(replies, key=lambda message: message.seq)
    shown = ThreadShown(len(replies), last.seq, last.ts, users[: answers.FACES_MAX])
    own = room.followers.get((root, viewer))
    if own is not None and own.is_on:
        shown.follow = True
        others = [m for m in replies if m.sender != viewer and m.seq > own.read]
        shown.unread = min(len(others), answers.THREAD_UNREAD_MAX)
    return shown


def followed(
    model: Tables, user: UserName, after: int | None, *, unread: bool
) -> list[tuple[ThreadNumber, ModelRoom, ModelMessage]]:
    """The threads that a user follows, the one that has changed last first."""
    found = [
        (ThreadNumber(follower.at), room, room.messages[root])
        for room in model.rooms.values()
        for (root, who), follower in room.followers.items()
        if who == user and follower.is_on
        if after is None or follower.at < after
        if not unread or _is_unread(room, root, follower)
    ]
    return sorted(found, key=lambda entry: -entry[0])
