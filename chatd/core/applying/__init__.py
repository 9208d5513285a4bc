"""The one way in which what is durable changes: `apply`.

Each kind of change has one function, in this package. It takes the change into
`DurableState`, has `LiveState` note what follows for who is here (presence, places in
rooms, sessions that end with their connections), and returns what is to be delivered
because of it: events, notices, cuts. It does not matter who has caused the change: a
connection's command, the operator's too, the machine, time. What the one who caused it
is answered is not decided here (`chatd.core.conclusion`).

Of a member who is removed everything comes before the event for the others, so that
his own is the last that he gets of the room.

Invariants: `apply` is total, since what a change is about may be gone meanwhile; and
idempotent: a change that was applied is nothing, and has no effects. Only a hole in a
timeline is a bug, which stops the daemon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatd.core import changes
from chatd.core.applying import members, people, rooms, sessions, timeline
from chatd.core.changes import Change, room_of, users_of
from chatd.core.effects import Effect
from chatd.core.inputs import Now
from chatd.core.state import Chat


def apply(chat: Chat, change: Change, now: Now) -> list[Effect]:
    """Take a committed change into the state.

    Args:
        chat: The state.
        change: What was committed.
        now: The moment.

    Returns:
        What is to be delivered, in this order.
    """
    wanted = _APPLY[type(change)](chat, change, now)
    if chat.live.loads:
        _note_overtaken(chat, change)
    return wanted


def _note_overtaken(chat: Chat, change: Change) -> None:
    """What is read of something that a change is about is read once more.

    Of what is not in memory hardly anything changes, so this need not be exact.
    """
    loads, room = chat.live.loads, room_of(change)
    is_elsewhere = room is not None and room not in chat.durable.rooms
    if is_elsewhere or isinstance(change, _OF_MEMBERS):
        loads.note_overtaken(rooms=loads.rooms)
    if isinstance(change, _OF_EVERYBODY):
        loads.note_overtaken(loads.users)
    elif not isinstance(change, _OF_STORE):
        loads.note_overtaken(users_of(change))


_OF_MEMBERS = changes.Banned, changes.Unbanned, changes.UserErased
"""What changes of a user that is read with the rooms that he is in."""
_OF_EVERYBODY = changes.RoomEnded, changes.RoomRenamed, changes.UserErased
"""What may change the rooms or blocks of any user."""
_OF_STORE = (
    *(changes.SessionOpened, changes.SessionsEnded, changes.AccessRevoked),
    *(changes.SessionTaken, changes.FollowSet, changes.ThreadRead),
)
"""What is not read into memory."""


_APPLY: dict[type, Callable[[Chat, Any, Now], list[Effect]]] = {
    changes.Appended: timeline.appended,
    changes.SettingsSet: timeline.settings_set,
    changes.RoomMade: rooms.made,
    changes.RoomDeclared: rooms.declared,
    changes.RoomRenamed: rooms.renamed,
    changes.RoomEnded: rooms.ended,
    changes.RoomTrimmed: rooms.trimmed,
    changes.MemberSet: members.member_set,
    changes.LevelSet: members.level_set,
    changes.Moderated: members.moderated,
    changes.UserAdded: people.added,
    changes.DisplaySet: people.display_set,
    changes.RoleSet: people.role_set,
    changes.BlockSet: people.block_set,
    changes.BookmarkSet: people.bookmark_set,
    changes.FollowSet: timeline.follow_set,
    changes.ThreadRead: timeline.thread_read,
    changes.UserErased: people.erased,
    changes.PlaceNamed: people.place_named,
    changes.Banned: sessions.banned,
    changes.Unbanned: sessions.unbanned,
    changes.SessionOpened: sessions.opened,
    changes.SessionsEnded: sessions.ended,
    changes.SessionTaken: sessions.taken,
    changes.AccessRevoked: sessions.revoked,
    changes.Lapsed: people.lapsed,
}
