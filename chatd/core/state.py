"""Everything the chat knows: what is durable, and what is live.

`Chat` is the two, each a class of its own, and who may be told of what:

* `durable` changes by what the store has committed, and by nothing else:
  `chatd.core.applying`.
* `live` changes by its `note_…` methods.

All of it is synchronous, so no task can ever see half a change and there is no
lock. Time is passed in.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from chatd.core.durable import DurableState
from chatd.core.effects import Answer, Effect, Finish, Unsubscribe
from chatd.core.entities import Block, Connection, Invite
from chatd.core.live import LiveState
from chatd.core.scope import Scope
from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName, UserName


@attrs.define(eq=False)
class Chat:
    """The whole state; see the module's text for who may change it."""

    durable: DurableState
    live: LiveState

    def connection(self, number: ConnectionId | None) -> Connection | None:
        """The connection, if it is still there and was not told to end."""
        if number is None:
            return None
        connection = self.live.connections.get(number)
        if connection is None or connection.block is Block.ENDED:
            return None
        return connection

    def finish(
        self, connection: Connection, ending: Ending, after_s: float | None = None
    ) -> list[Effect]:
        """End a connection: what it sent and is not done is not done any more.

        Its socket goes later (`Closed`); until then it gets no room's events,
        and outcomes that come back for it are nobody's.

        Returns:
            What is wanted for that.
        """
        if connection.undecided is not None:
            connection.waiting += connection.undecided.commands
            connection.undecided = None
        wanted: list[Effect] = [Answer(connection.id, None) for _ in connection.waiting]
        connection.waiting.clear()
        wanted += [
            Unsubscribe(connection.id, room, drop=False)
            for room in connection.subscriptions
        ]
        connection.subscriptions.clear()
        connection.block = Block.ENDED
        wanted.append(Finish(connection.id, ending, after_s))
        return wanted

    # --- who may be told of what ----------------------------------------------

    def connections_of(self, user: UserName) -> list[ConnectionId]:
        """All connections of a user; none of one who is not in memory any more."""
        known = self.durable.users.get(user)
        return list(known.connections) if known is not None else []

    def told_of(self, user: UserName, room: RoomName) -> list[ConnectionId]:
        """A user's connections whose tokens let them know of a room."""
        connections = self.live.connections
        return [
            number
            for number in self.connections_of(user)
            if self.may_be_told(connections[number], room)
        ]

    def told_of_invite(
        self, user: UserName, room: RoomName, found: Invite
    ) -> list[ConnectionId]:
        """A user's connections that may be told of an invitation."""
        known = self.durable.users.get(user)
        if known is None or found.sender in known.blocks:
            return []
        return self.told_of(user, room)

    def may_follow(self, connection: Connection, room: RoomName) -> bool:
        """Whether a connection's token lets it read a room."""
        return self.allows(connection, "join", room)

    def allows(
        self, connection: Connection, action: str, room: RoomName | None
    ) -> bool:
        """Whether a connection's token allows a command about a room."""
        scope = connection.scope
        return scope is None or any(
            scope.allows(action, name) for name in self._names_of(room)
        )

    def may_be_told(self, connection: Connection, room: RoomName) -> bool:
        """Whether a connection's token lets it know of a room."""
        return self.shows(connection.scope, room)

    def shows(self, scope: Scope | None, room: RoomName) -> bool:
        """Whether a scope, or none, lets its connection know of a room."""
        return scope is None or any(
            scope.shows(name) for name in self._names_of(room) if name is not None
        )

    def _names_of(self, name: RoomName | None) -> Sequence[RoomName | None]:
        """What a token may call a room: also as it was called before."""
        room = self.durable.rooms.get(name) if name is not None else None
        return [name] if room is None else [name, *room.was]
