"""The model's bookmarks: what has lost its reason is looked for after each draft."""

from __future__ import annotations

from chatd.core import drafts as d
from chatd.core.changes import BookmarkSet
from chatd.ids import Seq, UserName
from chatd.store import answers
from chatd.wire.kinds import BookmarkNumber
from chatd.wire.replies import MessageKept
from tests.store.model.entities import ModelRoom, Tables


def set_bookmark(model: Tables, draft: d.SetBookmark) -> d.Outcome:
    """Bookmark a message, or no longer."""
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if draft.user not in model.users:
        return answers.NO_USER
    found = [
        number
        for number, (user, where, of) in model.bookmarks.items()
        if (user, of) == (draft.user, draft.of) and where is room
    ]
    if draft.on == bool(found):
        return d.Duplicate()
    if found:
        del model.bookmarks[found[0]]
    elif not _is_due(model, draft.user, room, draft.of):
        return answers.NO_MESSAGE
    elif sum(user == draft.user for user, _, _ in model.bookmarks.values()) >= (
        d.BOOKMARKS_MAX
    ):
        return answers.TOO_MANY_BOOKMARKS
    else:
        model.bookmarked += 1
        model.bookmarks[model.bookmarked] = draft.user, room, draft.of
    change = BookmarkSet(draft.user, room.name, draft.of, draft.on)
    return d.Committed((change,))


def _is_due(model: Tables, user: UserName, room: ModelRoom, of: Seq) -> bool:
    """Whether somebody is where a message is."""
    message = room.messages.get(of)
    is_there = message is not None and message.text is not None
    return is_there and user in room.members and model.rooms.get(room.name) is room


def sweep(model: Tables) -> None:
    """Let go of bookmarks of what is not there any more, or whose user is not."""
    for number, kept in list(model.bookmarks.items()):
        if not _is_due(model, *kept):
            del model.bookmarks[number]


def page(
    model: Tables, user: UserName, after: int | None
) -> list[tuple[BookmarkNumber, MessageKept]]:
    """What a user has bookmarked before a number, the last one first."""
    found = []
    for number, (whose, room, of) in sorted(model.bookmarks.items(), reverse=True):
        message = room.messages[of]
        is_hidden = message.hidden and message.sender != user
        if whose != user or is_hidden or (after is not None and number >= after):
            continue
        assert message.text is not None
        kept = MessageKept(
            room.name,
            of,
            message.ts,
            message.sender,
            message.text,
            message.edit is not None,
            message.reply_to,
        )
        found.append((BookmarkNumber(number), kept))
    return found
