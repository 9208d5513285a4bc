"""What is read of the model: the looks of `chatd.ports.Store`, the plainest way."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import attrs

from chatd.core.entities import Invite, Membership, Room, SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.query import Hit, Place, Query
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName, is_direct
from chatd.ports import InviteRow, RoomRow, SessionRow, Snapshot, TokenRow, UserRow
from chatd.store import answers
from chatd.store.ranking import read_page
from chatd.wire import events as e
from chatd.wire import replies as r
from chatd.wire.events import Millis
from tests.store.model import Model, admissions
from tests.store.model.entities import ModelMessage
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


@attrs.define(eq=False)
class ModelReads:
    """The part of the store's port that only reads; nothing here waits by itself."""

    model: Model = attrs.field(kw_only=True, factory=Model)

    async def pause(self) -> None:
        """What comes before each look: here nothing."""

    async def certain(self, now: Millis) -> Millis | None:
        """What was certain about the time; see the port. Cancellation: safe."""
        await self.pause()
        return self.model.certain

    async def direct_rooms(
        self, user: UserName
    ) -> list[tuple[Room, dict[UserName, Membership]]]:
        """Read a user's direct conversations; see the port. Cancellation: safe."""
        await self.pause()
        return direct_rooms(self.model, user)

    async def events(
        self,
        room: RoomName,
        after: Seq,
        upto: Seq,
        limit: int,
        limit_bytes: int,
        viewer: UserName,
    ) -> list[e.TimelineShown]:
        """Read timeline events; see the port. Cancellation: safe."""
        await self.pause()
        found = self.model.room(room)
        page: list[e.TimelineShown] = []
        left = limit_bytes
        for event in found.kept(room, after, upto, viewer) if found else ():
            left -= len((getattr(event, "text", None) or "").encode())
            if len(page) == limit or (limit_bytes and page and left < 0):
                break
            page.append(event)
        return page

    async def nth_newest(self, room: RoomName, count: int, upto: Seq) -> Seq:
        """Find where the newest messages begin; see the port. Cancellation: safe."""
        await self.pause()
        newest = [m.seq for m in self._messages(room) if m.seq <= upto][::-1][:count]
        return newest[-1] if newest else Seq(upto + 1)

    async def history(
        self,
        room: RoomName,
        *,
        before: Seq | None,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[list[r.MessageShown], bool]:
        """Read a page of messages; see the port. Cancellation: safe."""
        await self.pause()
        where = self.model.room(room)
        if where is None:
            return [], False
        found = [
            message
            for message in where.messages.values()
            if message.seq <= upto
            and message.seq > (after or 0)
            and (before is None or message.seq < before)
        ]
        some = found[-limit:] if after is None else found[:limit]
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
    ) -> tuple[list[tuple[Seq, UserName]], bool] | None:
        """Read who has put an emoji; see the port. Cancellation: safe."""
        await self.pause()
        where = self.model.room(room)
        found = reactions_of(where, of, emoji, after, viewer) if where else None
        return None if found is None else (found[:limit], len(found) > limit)

    async def search(
        self,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[Hit], bool] | None:
        """Find messages; see the port. Cancellation: safe."""
        await self.pause()
        source = ModelSource(self.model, query, scope, viewer)
        return read_page(source, query, place, limit)

    async def unread(
        self, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
    ) -> list[tuple[int, int]]:
        """Count unread messages; see the port. Cancellation: safe."""
        await self.pause()
        most, counts = answers.UNREAD_MAX, []
        for room, read, upto in marks:
            found = self.model.room(room)
            unread, mentions = found.unread(user, read, upto) if found else (0, 0)
            counts.append((min(unread, most), min(mentions, most)))
        return counts

    async def user(self, name: UserName) -> UserRow | None:
        """Find a user. Cancellation: safe."""
        await self.pause()
        found = self.model.users.get(name)
        return attrs.evolve(found) if found else None

    async def sessions(
        self, user: UserName, since: Millis, after: SessionTag | None, limit: int
    ) -> tuple[list[SessionKept], bool]:
        """Read a page of a user's sessions; see the port. Cancellation: safe."""
        await self.pause()
        found = sessions_of(self.model, user, since, after or SessionTag(""))
        return found[:limit], len(found) > limit

    async def session(self, session: SessionId) -> SessionRow | None:
        """Find a session. Cancellation: safe."""
        await self.pause()
        found = self.model.sessions.get(session)
        return attrs.evolve(found) if found else None

    async def linked(self, digest: bytes) -> tuple[SessionRow, Millis] | None:
        """Find a session by its link; see the port. Cancellation: safe."""
        await self.pause()
        for session, (link, until) in self.model.links.items():
            row = self.model.sessions.get(session)
            if link == digest and row is not None:
                return attrs.evolve(row), until
        return None

    async def invitation(self, digest: bytes) -> InvitationKept | None:
        """Find an invitation by its SHA-256. Cancellation: safe."""
        await self.pause()
        return admissions.invitation(self.model, digest)

    async def invitations(
        self, maker: UserName | None, after: int | None, limit: int
    ) -> tuple[list[InvitationKept], bool]:
        """Read a page of invitations; see the port. Cancellation: safe."""
        await self.pause()
        found = admissions.invitations(self.model, maker, after)
        return found[:limit], len(found) > limit

    async def token(self, digest: bytes) -> TokenRow | None:
        """Find an access token by its SHA-256. Cancellation: safe."""
        await self.pause()
        return self.model.tokens.get(digest)

    def _messages(self, room: RoomName) -> list[ModelMessage]:
        found = self.model.room(room)
        return list(found.messages.values()) if found else []


def snapshot(model: Model, now: Millis) -> Snapshot:
    """What the core needs at the start."""
    held = model.here
    return Snapshot(
        rooms=[
            RoomRow(
                room.name,
                room.epoch,
                room.head,
                room.first,
                room.last_ts,
                room.settings,
                [attrs.evolve(row) for _, row in sorted(room.members.items())],
                [row for _, row in sorted(room.bans.items())],
                [row for _, row in sorted(room.mutes.items())],
                [row for _, row in sorted(room.invites.items()) if matters(row, now)],
                [ban for _, ban in sorted(room.barred.items())],
                room.was,
                room.maker,
                bool(room.messages),
            )
            for _, room in sorted(model.rooms.items())
            if not is_direct(room.name)
        ],
        users=[
            attrs.evolve(user, password_hash=None)
            for name, user in sorted(model.users.items())
            if not model.is_guest(name) or name in held
        ],
        guest_sessions=[
            attrs.evolve(session)
            for _, session in sorted(model.sessions.items())
            if model.is_guest(session.user)
        ],
        blocks=sorted(model.blocks),
        barred=[ban for _, ban in sorted(model.barred.items())],
        address_key="x",
        place=model.place,
    )


def matters(row: InviteRow, now: Millis) -> bool:
    """Whether an invitation is open, or still keeps others from being made."""
    return Invite(row.sender, row.ts, row.closed_until).matters(now)
