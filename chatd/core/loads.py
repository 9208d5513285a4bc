"""Users whose direct conversations are being read, and who waits for them.

What is read is a little old when it comes back. A conversation that was in memory all
the time is newer there, and is left alone. One that was not has missed what was
committed meanwhile, or was in memory for a while and went again: then all of it is read
once more. What was committed before it was read, and is applied behind it, changes
nothing (`chatd.core.applying`).

Several connections of one user wait for one look-up. It is made for the first of them,
and once more for the next one where that has gone.
"""

from __future__ import annotations

import attrs

from chatd.core.queries import CountUnread
from chatd.ids import ConnectionId, RoomName, UserName, direct_members, is_direct
from chatd.wire.commands import Hello

Waiting = tuple[Hello, CountUnread]
"""A hello, and how far it has come."""


@attrs.define(eq=False)
class Load:
    """What is being read for one user."""

    waiting: dict[ConnectionId, Waiting] = attrs.field(factory=dict)
    """For the first of them it is read."""
    overtaken: bool = False
    """Whether something that is read may have changed since."""


@attrs.define(eq=False)
class Loads:
    """What is being read now."""

    by_user: dict[UserName, Load] = attrs.field(factory=dict)
    users: dict[ConnectionId, UserName] = attrs.field(factory=dict)
    """For whom each connection waits."""

    def note_waiting(
        self, connection: ConnectionId, user: UserName, waiting: Waiting
    ) -> bool:
        """A connection waits for a user from here on.

        Returns:
            Whether it is the first, for which it has to be read.
        """
        load = self.by_user.setdefault(user, Load())
        load.waiting[connection] = waiting
        self.users[connection] = user
        return len(load.waiting) == 1

    def note_changed(self, room: RoomName) -> None:
        """Something has changed in a room that is not in memory, or no more."""
        for user in direct_members(room) if is_direct(room) else ():
            if user in self.by_user:
                self.by_user[user].overtaken = True

    def note_begun(self, user: UserName) -> None:
        """It is being read once more."""
        self.by_user[user].overtaken = False

    def note_over(self, user: UserName) -> dict[ConnectionId, Waiting]:
        """It is in memory: who waited may go on."""
        waiting = self.by_user.pop(user).waiting
        for number in waiting:
            del self.users[number]
        return waiting

    def note_gone(
        self, connection: ConnectionId
    ) -> tuple[Waiting | None, tuple[ConnectionId, Waiting] | None]:
        """A connection is not there any more.

        Returns:
            What waited there, and the other connection for which it has to be read
            now, with what waits there.
        """
        user = self.users.pop(connection, None)
        if user is None:
            return None, None
        load = self.by_user[user]
        was_first = next(iter(load.waiting)) == connection
        waiting = load.waiting.pop(connection)
        if not load.waiting:
            del self.by_user[user]
        return waiting, next(iter(load.waiting.items()), None) if was_first else None
