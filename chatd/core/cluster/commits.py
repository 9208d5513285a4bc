"""What a node has committed, as the others hear of it.

A commit is a batch of drafts in one transaction. Each of its drafts that has changed
something is a group: its changes are applied together, and in this order. A group goes
to the streams of whoever has to know of it (`streams_of`); a node follows the streams
of what it has in memory, so one that has nobody in a room hears nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from chatd.core import changes
from chatd.core.changes import Change, users_of
from chatd.enums import AccountRole
from chatd.ids import Epoch, NodeId, Seq, Stamp, UserName, is_guest
from chatd.wire import events
from chatd.wire.events import TimelineEvent

EVERYBODY = "*"
"""The stream that every node follows."""


@attrs.frozen
class Group:
    """What one draft has changed."""

    changes: tuple[Change, ...]
    room: Epoch | None = None
    """The room that it is about: by its epoch, since names change."""
    seq: Seq = Seq(0)
    """Of its event; of a group without one the room's head when it was committed."""
    is_event: bool = False
    """Whether it has an event, so that it is applied right behind the one before."""
    is_whole: bool = True
    """Whether there is nothing more, which a newer version has said of it."""


@attrs.frozen
class Commit:
    """What a node has committed, or as much of it as concerns a stream."""

    node: NodeId
    stamp: Stamp
    groups: tuple[tuple[int, Group], ...]
    """With their places in the commit, by which each is applied once."""


_OF_ALL = (
    *(changes.Banned, changes.Unbanned, changes.RoleSet, changes.UserErased),
    *(changes.PlaceNamed, changes.RoomDeclared),
)
"""What may matter to a node that has neither the room nor the user in memory."""
_OF_ROOM = (changes.Appended, changes.SettingsSet, changes.RoomTrimmed)
"""What matters only to whoever has the room in memory."""


_OF_RIGHTS = events.Member, events.Room, events.Rename, events.Destroy


def changes_rights(event: TimelineEvent) -> bool:
    """Whether an event changes who may do what in its room; see `Basis`."""
    return isinstance(event, _OF_RIGHTS)


def stream_of_room(epoch: Epoch) -> str:
    """The stream of a room."""
    return f"room:{epoch}"


def epoch_of_stream(stream: str) -> Epoch | None:
    """The room whose stream this is; None: it is no room's."""
    kind, _, epoch = stream.partition(":")
    return Epoch(epoch) if kind == "room" else None


def stream_of_user(user: UserName) -> str:
    """The stream of a user."""
    return f"user:{user}"


def streams_of(group: Group) -> Sequence[str]:
    """The streams of those who have to know of a group; none: nobody has to."""
    found: dict[str, None] = {}
    if group.room is not None:
        found[stream_of_room(group.room)] = None
    for change in group.changes:
        if isinstance(change, _OF_ALL) or _is_admin(change) or leaves_none(change):
            return [EVERYBODY]
        if not isinstance(change, _OF_ROOM):
            for user in users_of(change):
                found[stream_of_user(user)] = None
    return list(found)


def leaves_none(change: Change) -> bool:
    """Whether a guest has no session any more by a change: he is in no room, then.

    Whoever has one of those rooms in memory need not have him there.
    """
    match change:
        case changes.SessionsEnded():
            return change.left
        case changes.Banned():
            return is_guest(change.user)
        case changes.AccessRevoked():
            is_all = change.token is None and change.besides is None
            return is_all and is_guest(change.user)
    return False


def _is_admin(change: Change) -> bool:
    """Whether there is a new administrator, for whom all nodes may have waited."""
    return isinstance(change, changes.UserAdded) and change.role is AccountRole.ADMIN
