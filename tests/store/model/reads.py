"""What is read of the model: the looks of `chatd.ports.Store`, the plainest way."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import attrs

from chatd.core.entities import SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.query import Hit, Place, Query
from chatd.core.rows import PublicRoom, RoomRow, UserRecord, UserRow
from chatd.core.settings import RoomSettings
from chatd.enums import Erasure
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName
from chatd.ports import ErasureRow, SessionRow, Snapshot, TokenRow, UnreadCounts
from chatd.store.ranking import read_page
from chatd.wire import events as e
from chatd.wire import replies as r
from chatd.wire.events import Millis
from chatd.wire.kinds import BookmarkNumber, ThreadNumber
from chatd.wire.operator import AuditShown
from tests.store.model import Model, admissions, audit, bookmarks, resident, threads
from tests.store.model.entities import ModelMessage
from tests.store.model.people import sessions_of
from tests.store.model.reactions import page_of, pinned_in, reactions_of, shown
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

    async def rooms(self, names: Sequence[RoomName]) -> list[RoomRow]:
        """Read rooms with all who are in them; see the port. Cancellation: safe."""
        await self.pause()
        found = [self.model.room(name) for name in names]
        there = {room.name: room for room in found if room is not None}
        return [resident.room_row(self.model, room) for room in there.values()]

    async def user_record(self, name: UserName) -> UserRecord | None:
        """Read a user with all that he has; see the port. Cancellation: safe."""
        await self.pause()
        known = name in self.model.users
        return resident.user_record(self.model, name) if known else None

    async def displays(self, names: Sequence[UserName]) -> dict[UserName, str]:
        """Read how users are shown; see the port. Cancellation: safe."""
        await self.pause()
        users = self.model.users
        return {name: users[name].display for name in names if name in users}

    async def public_rooms(
        self, after: RoomName | None, limit: int
    ) -> tuple[list[PublicRoom], bool]:
        """Read a page of the public rooms; see the port. Cancellation: safe."""
        await self.pause()
        found = resident.public_rooms(self.model, after)
        return found[:limit], len(found) > limit

    async def trimming(
        self, after: RoomName | None, limit: int
    ) -> list[tuple[RoomName, RoomSettings]]:
        """Read a page of the rooms that forget; see the port. Cancellation: safe."""
        await self.pause()
        return resident.trimming(self.model, after)[:limit]

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
        events: int = 0,
    ) -> tuple[list[r.MessageShown], list[e.Happened], bool]:
        """Read a page of messages; see the port. Cancellation: safe."""
        await self.pause()
        where = self.model.room(room)
        if where is None:
            return [], [], False
        found = [
            message
            for message in where.messages.values()
            if message.seq <= upto
            and message.seq > (after or 0)
            and (before is None or message.seq < before)
        ]
        some = found[-limit:] if after is None else found[:limit]
        page = page_of(where, some, viewer, newest=after is None)
        more, newest = len(found) > len(page), after is None
        begin = after or Seq(0)
        end = upto if before is None else min(max(before, 1) - 1, upto)
        if more and newest:
            begin = page[0].seq
        elif more:
            end = page[-1].seq
        happened = [
            event
            for event in where.kept(room, begin, Seq(end), viewer)
            if isinstance(event, e.Happened)
        ]
        there = len(happened)
        part = slice(max(0, there - events), there) if newest else slice(events)
        return page, happened[part], more

    async def thread(
        self,
        room: RoomName,
        root: Seq,
        *,
        before: Seq | None,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[r.MessageShown | None, list[r.MessageShown], bool]:
        """Read a page of a thread; see the port. Cancellation: safe."""
        await self.pause()
        where = self.model.room(room)
        if where is None:
            return None, [], False
        found = [
            message
            for message in where.messages.values()
            if message.thread == root
            and message.seq <= upto
            and message.seq > (after or 0)
            and (before is None or message.seq < before)
        ]
        some = found[-limit:] if after is None else found[:limit]
        page = page_of(where, some, viewer, newest=after is None)
        first = where.messages.get(root) if root <= upto else None
        top = shown(where, first, viewer) if first is not None else None
        return top, page, len(found) > len(page)

    async def threads(
        self, user: UserName, after: ThreadNumber | None, limit: int, *, unread: bool
    ) -> tuple[list[tuple[ThreadNumber, r.ThreadListed]], bool]:
        """Read a page of followed threads; see the port. Cancellation: safe."""
        await self.pause()
        found = threads.followed(self.model, user, after, unread=unread)
        page = [
            (number, r.ThreadListed(room.name, shown(room, message, user)))
            for number, room, message in found[:limit]
        ]
        return page, len(found) > limit

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

    async def pins(
        self,
        room: RoomName,
        *,
        first: Seq,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[list[r.MessageShown], bool]:
        """Read a page of pinned messages; see the port. Cancellation: safe."""
        await self.pause()
        where = self.model.room(room)
        if where is None:
            return [], False
        below = Seq(upto + 1) if after is None else min(after, Seq(upto + 1))
        return pinned_in(where, first, below, limit, viewer)

    async def bookmarks(
        self, user: UserName, after: BookmarkNumber | None, limit: int
    ) -> tuple[list[tuple[BookmarkNumber, r.MessageKept]], bool]:
        """Read a page of a user's bookmarks; see the port. Cancellation: safe."""
        await self.pause()
        found = bookmarks.page(self.model, user, after)
        return found[:limit], len(found) > limit

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
    ) -> list[UnreadCounts]:
        """Count unread messages; see the port. Cancellation: safe."""
        await self.pause()
        counts = []
        for room, read, upto in marks:
            found = self.model.room(room)
            nothing = UnreadCounts(0, 0, 0)
            counts.append(found.unread(user, read, upto) if found else nothing)
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

    async def session(self, session: SessionId) -> tuple[SessionRow, UserRow] | None:
        """Find a session, and whose it is. Cancellation: safe."""
        await self.pause()
        found = self.model.sessions.get(session)
        return self._owned(found) if found else None

    def _owned(self, row: SessionRow) -> tuple[SessionRow, UserRow]:
        return attrs.evolve(row), attrs.evolve(self.model.users[row.user])

    async def linked(self, digest: bytes) -> tuple[SessionRow, UserRow, Millis] | None:
        """Find a session by its link; see the port. Cancellation: safe."""
        await self.pause()
        for session, (link, until) in self.model.links.items():
            row = self.model.sessions.get(session)
            if link == digest and row is not None:
                return *self._owned(row), until
        return None

    async def invitation(self, digest: bytes) -> InvitationKept | None:
        """Find an invitation by its SHA-256. Cancellation: safe."""
        await self.pause()
        return admissions.invitation(self.model, digest)

    async def audit(
        self,
        *,
        user: UserName | None,
        by: UserName | None,
        room: RoomName | None,
        since: Millis | None,
        after: int | None,
        limit: int,
    ) -> tuple[list[AuditShown], bool]:
        """Read a page of the audit; see the port. Cancellation: safe."""
        await self.pause()
        found = audit.entries(self.model, user, by, room, since, after)
        return found[:limit], len(found) > limit

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

    async def erasure(self, name: UserName) -> ErasureRow | None:
        """How far an erasure is; here it is done at once. Cancellation: safe."""
        await self.pause()
        if name in self.model.users:
            return ErasureRow(Erasure.NONE)
        is_gone = name in self.model.gone
        return ErasureRow(Erasure.DONE, part=1.0) if is_gone else None

    def _messages(self, room: RoomName) -> list[ModelMessage]:
        found = self.model.room(room)
        return list(found.messages.values()) if found else []


def snapshot(model: Model) -> Snapshot:
    """What the core needs at the start."""
    here = sorted(name for name in model.here if model.is_guest(name))
    return Snapshot(
        guests=[resident.user_record(model, name) for name in here],
        guest_sessions=[
            attrs.evolve(session)
            for _, session in sorted(model.sessions.items())
            if model.is_guest(session.user)
        ],
        needless=resident.needless(model),
        barred=[ban for _, ban in sorted(model.barred.items())],
        address_key="x",
        place=model.place,
    )
