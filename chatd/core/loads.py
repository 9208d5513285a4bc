"""What is being read into memory, and who waits for it.

A user or a room is read once, however many wait for it. What is read is a little old
when it comes back: what was committed meanwhile, of something that is not in memory,
was not applied anywhere. Then it is read once more (`overtaken`).

What is read may be younger, too, than what was applied. A change that is applied behind
it changes nothing and tells nobody (`chatd.core.applying`), which is right where nobody
here could be told. Of a room that a draft on its way makes, or gives this name,
somebody can: it is read once more when it is known what became of that (`ahead`).

A user who comes is read in two steps: he himself, with the names of his rooms, and then
those of the rooms that are not in memory, each of which others may wait for as well.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from chatd.core.principal import HashedPassword
from chatd.core.queries import CountUnread, LoadRooms
from chatd.core.rows import UserRecord
from chatd.ids import ConnectionId, RoomName, UserName
from chatd.wire.commands import Command


@attrs.frozen
class Waiting:
    """A command that waits, and how far it has come."""

    command: Command
    so_far: CountUnread | HashedPassword | None = None
    """Of a hello, and of a `register` by an invitation."""


@attrs.define(eq=False)
class Load:
    """A user or a room that is being read."""

    overtaken: bool = False
    """Whether what is read may have changed since."""
    waiting: dict[ConnectionId, None] = attrs.field(factory=dict)


@attrs.define(eq=False)
class UserLoad(Load):
    """A user who is being read."""

    with_rooms: bool = False
    """Whether all of his rooms are wanted, too."""
    record: UserRecord | None = None
    """What was read in the first step."""
    missing: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms that are being read."""
    absent: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms that are no more, though he was in them when he was read."""


@attrs.define(eq=False)
class RoomLoad(Load):
    """A room that is being read."""

    users: dict[UserName, None] = attrs.field(factory=dict)
    """Users that are being read, and who are in it."""


@attrs.define(eq=False)
class Loads:
    """What is being read now.

    Invariants: each connection that waits is in one load, and in `waiting`, unless it
    has gone.
    """

    users: dict[UserName, UserLoad] = attrs.field(factory=dict)
    rooms: dict[RoomName, RoomLoad] = attrs.field(factory=dict)
    """By the name that was asked for, which the room may have had before."""
    ahead: dict[RoomName, list[LoadRooms]] = attrs.field(factory=dict)
    """What is to be read once it is known what became of the drafts about a room."""
    behind: list[LoadRooms] = attrs.field(factory=list)
    """What is to be read once this node knows what others have committed."""
    waiting: dict[ConnectionId, Waiting] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.users or self.rooms)

    def note_overtaken(
        self, users: Iterable[UserName] = (), rooms: Iterable[RoomName] = ()
    ) -> None:
        """Something has changed of users or rooms that may be read now."""
        for user in users:
            if user in self.users:
                self.users[user].overtaken = True
        for room in rooms:
            self.rooms[room].overtaken = True

    def note_gone(self, connection: ConnectionId) -> Waiting | None:
        """A connection waits no more.

        Returns:
            What waited there.
        """
        return self.waiting.pop(connection, None)
