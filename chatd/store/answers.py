"""The refusals that only the store can decide, worded once for every store."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from chatd.core.changes import RoomMade
from chatd.core.drafts import (
    BOOKMARKS_MAX,
    INVITATIONS_MAX,
    PINS_MAX,
    REACTION_KINDS_MAX,
    CreateRoom,
    Refused,
)
from chatd.core.entities import INVITE_MS
from chatd.errors import RejectCode
from chatd.wire.events import Member, Millis

NO_ROOM = Refused(RejectCode.NO_ROOM, "there is no such room", "room")
NO_USER = Refused(RejectCode.NO_USER, "there is no such user", "user")
NOT_IN_ROOM = Refused(RejectCode.NO_USER, "this user is not in the room", "user")
NOT_MEMBER = Refused(RejectCode.NOT_MEMBER, "you are not in this room", "room")
NO_OWNER_LEFT = Refused(
    RejectCode.FORBIDDEN, "the room needs an owner: make somebody else one first"
)
NO_MESSAGE = Refused(RejectCode.NO_MESSAGE, "there is no such message here", "of")
NO_REPLIED = Refused(RejectCode.NO_MESSAGE, "there is no such message here", "reply_to")
NO_THREAD = Refused(RejectCode.NO_MESSAGE, "nobody has replied there", "thread")
NOT_YOURS = Refused(RejectCode.FORBIDDEN, "the message is somebody else's", "of")
TOO_MANY_KINDS = Refused(
    RejectCode.BAD_FIELD,
    f"the message has {REACTION_KINDS_MAX} kinds of reaction already",
    "emoji",
    counted=False,  # a person has picked it
)
TOO_MANY_BOOKMARKS = Refused(
    RejectCode.FORBIDDEN,
    f"you have {BOOKMARKS_MAX} bookmarks: take one away first",
)
TOO_MANY_PINS = Refused(
    RejectCode.FORBIDDEN,
    f"{PINS_MAX} messages are pinned here already: unpin one first",
)
NO_SESSION = Refused(
    RejectCode.NO_SESSION, "you have no such session (any more)", "session"
)
SESSION_GONE = Refused(
    RejectCode.BAD_CREDENTIALS, "this session is not known, or has ended"
)
SESSION_ELSEWHERE = Refused(
    RejectCode.BAD_CREDENTIALS,
    "this session has ended, or another connection has it by now",
)
BANNED = Refused(RejectCode.BANNED, "you are banned from this server")
TOKEN_GONE = Refused(RejectCode.BAD_CREDENTIALS, "this token is not known")
LINK_GONE = Refused(
    RejectCode.BAD_CREDENTIALS,
    "this link is not known, was used, or is too old: make another",
)
NO_INVITATION = Refused(
    RejectCode.NO_INVITATION,
    "there is no such invitation (any more), or it is somebody else's",
    "invitation",
)
NO_TOKEN = Refused(RejectCode.NO_TOKEN, "there is no such token", "token")
TOO_MANY_INVITATIONS = Refused(
    RejectCode.FORBIDDEN,
    f"you have {INVITATIONS_MAX} invitations: take some back, also used ones",
)
PASSWORD_CHANGED = Refused(
    RejectCode.BAD_CREDENTIALS, "the password was changed meanwhile", "old"
)
PASSWORD_REPLACED = attrs.evolve(PASSWORD_CHANGED, field="password")
NAME_TAKEN = Refused(RejectCode.NAME_TAKEN, "the name is taken", "name")
NAME_LOOKS_TAKEN = Refused(
    RejectCode.NAME_TAKEN, "the name looks like one that is taken", "name"
)
ROOM_ENDED = Refused(
    RejectCode.NO_ROOM,
    "the room is no more, and its name is not given out again",
    "room",
)
ROOM_EXISTS = Refused(
    RejectCode.EXISTS, "there is a room of this name already, or it was one's", "name"
)
ROOM_NAME_TAKEN = Refused(
    RejectCode.NAME_TAKEN, "the name was a room's, and is not given out again", "name"
)
ROOM_LOOKS_TAKEN = Refused(
    RejectCode.NAME_TAKEN, "the name looks like that of another room", "room"
)
NOT_STORED = Refused(RejectCode.INTERNAL, "it could not be stored; the fault is here")


def made(draft: CreateRoom, event: Member | None) -> RoomMade:
    """The room that a draft has made, with the event of its first member's join."""
    return RoomMade(
        draft.room, draft.epoch, draft.settings, draft.members, draft.maker, event
    )


UNREAD_MAX = 999
"""Where counting stops. Source: protocol section 5."""
THREAD_UNREAD_MAX = 99
"""Where counting stops in one thread, of which a page has a hundred. Source: protocol
section 4."""
FACES_MAX = 3
"""Users that a thread is shown with. Source: protocol section 4."""
NAMES_MAX = 50
"""Names that a message is shown with for one emoji, besides the viewer's own: more than
anybody reads, and with twenty kinds of them all a message is half of the default of
`limits.reply_bytes` at the most. Source: protocol section 6."""
PAGE_NAMES_MAX = 5000
"""Names of reactions in one page of history: some 10 ms of a reader."""


def shown_whole(names: Iterable[int]) -> int:
    """How many messages make a page, so that it has not too many names; one at least.

    Args:
        names: How many each message has, in the order in which they are read.
    """
    total = count = 0
    for number in names:
        total += number
        if count and total > PAGE_NAMES_MAX:
            break
        count += 1
    return count


def lapsed(invited: Millis, now: Millis) -> bool:
    """Whether an invitation has waited too long."""
    return now >= invited + INVITE_MS
