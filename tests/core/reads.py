"""What the store would read for a look-up, from the model, without waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import attrs

from chatd.core.entities import Membership, Room, SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.query import Hit, Place, Query
from chatd.ids import RoomName, Seq, SessionTag, UserName
from chatd.ports import UserRow
from chatd.store.ranking import read_page
from chatd.wire.replies import MessageShown
from tests.store.model import Model, admissions
from tests.store.model.people import direct_rooms, sessions_of
from tests.store.model.reactions import page_of, reactions_of
from tests.store.model.search import ModelSource

T = TypeVar("T")


def at_once(reading: Awaitable[T]) -> T:
    """Run what never waits to its end."""
    steps = reading.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits")


@attrs.frozen
class ModelReads:
    """The part of the store's port that look-ups use."""

    model: Model

    async def history(
        self,
        room: RoomName,
        *,
        before: Seq | None,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[list[MessageShown], bool]:
        where = self.model.room(room)
        if where is None:
            return [], False
        found = [
            message
            for message in where.messages.values()
            if message.seq <= upto
            and (before is None or message.seq < before)
            and (after is None or message.seq > after)
        ]
        some = found[:limit] if after is not None else found[-limit:]
        page = page_of(where, some, viewer, newest=after is None)
        return page, len(found) > len(page)

    async def reactions(
        self,
        room: RoomName,
        of: Seq,
        emoji: str,
        *,
        after: Seq,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[tuple[Seq, UserName]], bool]:
        where = self.model.room(room)
        found = reactions_of(where, of, emoji, after, viewer) if where else []
        return found[:limit], len(found) > limit

    async def search(
        self,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[Hit], bool] | None:
        source = ModelSource(self.model, query, scope, viewer)
        return read_page(source, query, place, limit)

    async def unread(
        self, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
    ) -> list[tuple[int, int]]:
        rooms = [(self.model.room(name), read, upto) for name, read, upto in marks]
        return [
            room.unread(user, read, upto) if room is not None else (0, 0)
            for room, read, upto in rooms
        ]

    async def direct_rooms(
        self, user: UserName
    ) -> list[tuple[Room, dict[UserName, Membership]]]:
        return direct_rooms(self.model, user)

    async def user(self, name: UserName) -> UserRow | None:
        return self.model.users.get(name)

    async def sessions(
        self, user: UserName, since: int, after: SessionTag | None, limit: int
    ) -> tuple[list[SessionKept], bool]:
        found = sessions_of(self.model, user, since, after or SessionTag(""))
        return found[:limit], len(found) > limit

    async def invitations(
        self, maker: UserName | None, after: int | None, limit: int
    ) -> tuple[list[InvitationKept], bool]:
        found = admissions.invitations(self.model, maker, after)
        return found[:limit], len(found) > limit
