"""Looking into the store, for Trio: each method is one look-up on a reading connection.

All stores on SQL have these; what they run is in the modules that are named here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import attrs

from chatd.core.entities import SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.rows import PublicRoom, RoomRow, UnreadCounts, UserRecord, UserRow
from chatd.core.settings import RoomSettings
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName
from chatd.ports import SessionRow, TokenRow
from chatd.store.sqlite import (
    admissions,
    audit,
    bookmarks,
    listing,
    reader,
    resident,
    scattered,
)
from chatd.store.sqlite.load import known
from chatd.store.sqlite.readers import COUNTED_ROOMS, LOADED_ROOMS, Readers
from chatd.wire.events import Happened, Millis, TimelineShown
from chatd.wire.kinds import BookmarkNumber, ThreadNumber
from chatd.wire.operator import AuditShown
from chatd.wire.replies import MessageKept, MessageShown, ThreadListed


@attrs.define(eq=False)
class Reads:
    """The reading half of `chatd.ports.Store`, but for searching."""

    LOAD: ClassVar[Callable[..., list[RoomRow]]] = staticmethod(resident.rooms)
    """What reads some rooms."""

    _readers: Readers

    async def certain(self, now: Millis) -> Millis | None:
        """What was certain about the time; see the port. Cancellation: safe."""
        return await self._readers.key(known, now)

    async def rooms(self, names: Sequence[RoomName]) -> list[RoomRow]:
        """Read rooms, one at once, many in turns; see the port. Cancellation: safe."""
        if len(names) == 1:
            return await self._readers.key(self.LOAD, names)
        found: dict[RoomName, RoomRow] = {}
        for at in range(0, len(names), LOADED_ROOMS):
            some = names[at : at + LOADED_ROOMS]
            rows = await self._readers.count(self.LOAD, some)
            found |= {row.room: row for row in rows}
        return list(found.values())

    async def user_record(self, name: UserName) -> UserRecord | None:
        """Read a user with all that he has; see the port. Cancellation: safe."""
        return await self._readers.key(resident.user_record, name)

    async def displays(self, names: Sequence[UserName]) -> dict[UserName, str]:
        """Read how users are shown; see the port. Cancellation: safe."""
        return await self._readers.page(resident.displays, names)

    async def public_rooms(
        self, after: RoomName | None, limit: int
    ) -> tuple[list[PublicRoom], bool]:
        """Read a page of the public rooms; see the port. Cancellation: safe."""
        return await self._readers.page(listing.public_rooms, after, limit)

    async def trimming(
        self, after: RoomName | None, limit: int
    ) -> list[tuple[RoomName, RoomSettings]]:
        """Read a page of the rooms that forget; see the port. Cancellation: safe."""
        return await self._readers.page(listing.trimming, after, limit)

    async def events(
        self,
        room: RoomName,
        after: Seq,
        upto: Seq,
        limit: int,
        limit_bytes: int,
        viewer: UserName,
    ) -> list[TimelineShown]:
        """Read timeline events; see the port. Cancellation: safe."""
        return await self._readers.page(
            reader.events, room, after, upto, limit, limit_bytes, viewer
        )

    async def nth_newest(self, room: RoomName, count: int, upto: Seq) -> Seq:
        """Find where the newest messages begin; see the port. Cancellation: safe."""
        return await self._readers.page(reader.nth_newest, room, count, upto)

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
    ) -> tuple[list[MessageShown], list[Happened], bool]:
        """Read a page of messages; see the port. Cancellation: safe."""
        return await self._readers.page(
            reader.history, room, before, after, limit, upto, viewer, events
        )

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
    ) -> tuple[MessageShown | None, list[MessageShown], bool]:
        """Read a page of a thread; see the port. Cancellation: safe."""
        return await self._readers.page(
            scattered.thread, room, root, before, after, limit, upto, viewer
        )

    async def threads(
        self, user: UserName, after: ThreadNumber | None, limit: int, *, unread: bool
    ) -> tuple[list[tuple[ThreadNumber, ThreadListed]], bool]:
        """Read a page of followed threads; see the port. Cancellation: safe."""
        return await self._readers.page(scattered.threads, user, after, limit, unread)

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
        """Read a page of who has put an emoji; see the port. Cancellation: safe."""
        return await self._readers.page(
            reader.reactions, room, of, emoji, after, limit, viewer
        )

    async def pins(
        self,
        room: RoomName,
        *,
        first: Seq,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[list[MessageShown], bool]:
        """Read a page of pinned messages; see the port. Cancellation: safe."""
        return await self._readers.page(
            scattered.pins, room, first, after, limit, upto, viewer
        )

    async def bookmarks(
        self, user: UserName, after: BookmarkNumber | None, limit: int
    ) -> tuple[list[tuple[BookmarkNumber, MessageKept]], bool]:
        """Read a page of a user's bookmarks; see the port. Cancellation: safe."""
        return await self._readers.page(bookmarks.page, user, after, limit)

    async def unread(
        self, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
    ) -> list[UnreadCounts]:
        """Count unread messages; see the port. Cancellation: safe."""
        counts: list[UnreadCounts] = []
        for at in range(0, len(marks), COUNTED_ROOMS):
            some = marks[at : at + COUNTED_ROOMS]
            counts += await self._readers.count(reader.unread, user, some)
        return counts

    async def user(self, name: UserName) -> UserRow | None:
        """Find a user. Cancellation: safe."""
        return await self._readers.key(reader.user, name)

    async def sessions(
        self, user: UserName, since: Millis, after: SessionTag | None, limit: int
    ) -> tuple[list[SessionKept], bool]:
        """Read a page of a user's sessions; see the port. Cancellation: safe."""
        return await self._readers.page(reader.sessions, user, since, after, limit)

    async def session(self, session: SessionId) -> tuple[SessionRow, UserRow] | None:
        """Find a session, and whose it is. Cancellation: safe."""
        return await self._readers.key(reader.session, session)

    async def linked(self, digest: bytes) -> tuple[SessionRow, UserRow, Millis] | None:
        """Find a session by its link; see the port. Cancellation: safe."""
        return await self._readers.key(reader.linked, digest)

    async def invitation(self, digest: bytes) -> InvitationKept | None:
        """Find an invitation by its SHA-256. Cancellation: safe."""
        return await self._readers.key(admissions.invitation, digest)

    async def invitations(
        self, maker: UserName | None, after: int | None, limit: int
    ) -> tuple[list[InvitationKept], bool]:
        """Read a page of invitations; see the port. Cancellation: safe."""
        return await self._readers.page(admissions.invitations, maker, after, limit)

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
        return await self._readers.page(
            audit.page, (user, by, room), since, after, limit
        )

    async def token(self, digest: bytes) -> TokenRow | None:
        """Find an access token by its SHA-256. Cancellation: safe."""
        return await self._readers.key(reader.token, digest)
