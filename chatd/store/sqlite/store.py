"""The store on disk, for Trio: a writer, readers, one who searches, one who checks.

Each connection lives in a thread of its own (apsw's); a call is one function
that runs there from beginning to end, so nothing can come between its
statements. Commits are shielded: once begun, their outcome is learned. Reads
may be cancelled; a running statement is then interrupted.

The tender is a task that does, in steps between the commits, what need not be
done before an `ok`. It never raises: a store that has failed says so to the
next commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
import apsw.aio
import attrs
import trio

from chatd.core.changes import Change
from chatd.core.drafts import Draft, Outcome
from chatd.core.entities import SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.query import Hit, Place, Query
from chatd.core.settings import RoomSettings
from chatd.errors import (
    IndexBehind,
    StoreFailed,
    StoreRefused,
    StoreUnavailable,
)
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName
from chatd.observe import log
from chatd.ports import (
    PublicRoom,
    RoomRow,
    SessionRow,
    Snapshot,
    TokenRow,
    UserRecord,
    UserRow,
)
from chatd.store.sqlite import (
    admissions,
    checking,
    listing,
    reader,
    resident,
    search,
    wal,
)
from chatd.store.sqlite.filling import Filling
from chatd.store.sqlite.load import known, load
from chatd.store.sqlite.readers import COUNTED_ROOMS, LOADED_ROOMS, Readers
from chatd.store.sqlite.threads import call, in_words
from chatd.store.sqlite.writer import Writer
from chatd.wire.events import Millis, TimelineShown
from chatd.wire.replies import MessageShown

TEND_PAUSE_MIN_S, TEND_PAUSE_MAX_S, TEND_REST = 0.005, 0.02, 8
"""Between steps of tending, so many times as long as the step took: under load it takes
a tenth of the writer."""

T = TypeVar("T")


@attrs.define(eq=False)
class SqliteStore:
    """`chatd.ports.Store` on SQLite. Made by `open_store`."""

    _writer: Writer
    _db: apsw.AsyncConnection
    _log_db: apsw.AsyncConnection
    """Brings the log into the file beside the writer."""
    _readers: Readers
    _session_ms: Millis
    _guest_ms: Millis
    _searcher: apsw.AsyncConnection
    _search_s: float
    _failure: StoreFailed | None = None
    _now: Millis = 0
    """A time that has at least been reached."""
    _untended: trio.Event = attrs.field(factory=trio.Event)
    _filling: Filling = attrs.field(factory=Filling)
    _searching: trio.Lock = attrs.field(factory=trio.Lock)

    # --- writing ------------------------------------------------------------

    async def certain(self, now: Millis) -> Millis | None:
        """What was certain about the time; see the port. Cancellation: safe."""
        return await self._readers.key(known, now)

    async def load(self, now: Millis, certain: Millis | None = None) -> Snapshot:
        """Read what the core needs at the start; see the port."""
        times = now, now if certain is None else certain
        limits = self._session_ms, self._guest_ms, self._writer.guest_ban_ms
        with trio.CancelScope(shield=True):
            snapshot: Snapshot = await self._write(
                in_words, self._sync, load, *times, *limits
            )
        self._now = now
        self._untended.set()
        return snapshot

    async def commit(
        self, drafts: Sequence[Draft], now: Millis, certain: Millis | None = None
    ) -> list[Outcome]:
        """Execute drafts in order in one durable transaction; see the port.

        Cancellation: shielded; the outcome is always learned.
        """
        with trio.CancelScope(shield=True):
            batch = await self._write(self._writer.commit, drafts, now, certain)
        for fault in batch.faults:
            log().error("draft_failed", fault=fault)
        self._now = now if certain is None else min(now, certain)
        self._untended.set()
        return batch.outcomes

    async def changes(self, after: int) -> tuple[list[Change], int]:
        """The changes that other processes have committed; see the port.

        Cancellation: shielded: the writer's connection is not interrupted.
        """
        with trio.CancelScope(shield=True):
            found: tuple[list[Change], int] = await self._write(
                self._writer.changes, after
            )
        return found

    async def _write(self, function: Callable[..., T], *args: Any) -> T:
        """Run one step in the writer's thread; a failure is for good."""
        return await self._run(self._db, function, *args)

    async def _run(
        self, db: apsw.AsyncConnection, function: Callable[..., T], *args: Any
    ) -> T:
        if self._failure is not None:
            raise StoreFailed(str(self._failure)) from self._failure
        try:
            return await call(db, function, *args)
        except StoreFailed as failure:
            self._failure = failure
            raise

    @property
    def _sync(self) -> apsw.Connection:
        return self._writer.db

    async def tend(self) -> None:
        """Do what need not be done before an `ok`; `open_store` runs it.

        Cancellation: safe; a step is never interrupted.
        """
        while self._failure is None:
            await self._untended.wait()
            self._untended = trio.Event()
            more = True
            while more:
                more, began = False, trio.current_time()
                try:
                    with trio.CancelScope(shield=True):
                        more = await self._write(self._writer.tend, self._now)
                        self._filling.note(self._writer.lacking, trio.current_time())
                        if self._writer.has_long_log:
                            await self._end_log()
                except StoreUnavailable as error:
                    log().warning("store_not_tended", error=str(error))
                except StoreFailed as error:
                    log().error("store_failed", error=str(error))
                pause_s = TEND_REST * (trio.current_time() - began)
                await trio.sleep(min(max(pause_s, TEND_PAUSE_MIN_S), TEND_PAUSE_MAX_S))

    async def _end_log(self) -> None:
        """Have the log begin anew: beside the commits first, then between two."""
        log_db = cast(apsw.Connection, self._log_db)
        await self._run(self._log_db, in_words, log_db, wal.copy)
        await self._write(self._writer.end_log)

    async def check(self, db: apsw.AsyncConnection, path: Path) -> None:
        """Look at what the start has left unchecked; `open_store` runs it.

        Raises:
            StoreRefused: It is damaged; nothing is committed any more.

        Cancellation: safe; the next start goes on.
        """
        left = self._writer.generation.side.unchecked
        log().info("store_check_goes_on", tables=len(left))
        for name in left:
            try:
                await call(
                    db, checking.check_gently, cast(apsw.Connection, db), path, name
                )
                with trio.CancelScope(shield=True):
                    await self._write(self._writer.checked, name)
            except StoreRefused as refused:
                log().critical("store_damaged", error=str(refused))
                # Not stopped cleanly: the next start finds it again.
                self._failure = StoreFailed(str(refused))
                raise
            except (StoreUnavailable, StoreFailed) as error:
                log().warning("store_not_checked", error=str(error))
                return
        log().info("store_check_complete")

    async def finish(self) -> None:
        """Mark a clean stop, if it is one; `open_store` calls it last.

        Cancellation: to be shielded.
        """
        try:
            await self._write(self._writer.finish)
        except (StoreUnavailable, StoreFailed) as error:
            log().warning("store_not_clean", error=str(error))

    # --- reading ------------------------------------------------------------

    async def rooms(self, names: Sequence[RoomName]) -> list[RoomRow]:
        """Read rooms, one at once, many in turns; see the port. Cancellation: safe."""
        if len(names) == 1:
            return await self._readers.key(resident.rooms, names)
        found: dict[RoomName, RoomRow] = {}
        for at in range(0, len(names), LOADED_ROOMS):
            some = names[at : at + LOADED_ROOMS]
            rows = await self._readers.count(resident.rooms, some)
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
    ) -> tuple[list[MessageShown], bool]:
        """Read a page of messages; see the port. Cancellation: safe."""
        return await self._readers.page(
            reader.history, room, before, after, limit, upto, viewer
        )

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

    async def search(
        self,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[Hit], bool] | None:
        """Find messages; see the port. Cancellation: safe."""
        async with self._searching:
            db = cast(apsw.Connection, self._searcher)
            try:
                return await call(
                    self._searcher,
                    in_words,
                    db,
                    search.search,
                    query,
                    scope,
                    place,
                    limit,
                    viewer,
                    self._search_s,
                )
            except IndexBehind as behind:
                now = trio.current_time()
                behind.retry_after_s = self._filling.left_s(behind.lacking, now)
                raise

    async def unread(
        self, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
    ) -> list[tuple[int, int]]:
        """Count unread messages; see the port. Cancellation: safe."""
        counts: list[tuple[int, int]] = []
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

    async def session(self, session: SessionId) -> SessionRow | None:
        """Find a session. Cancellation: safe."""
        return await self._readers.key(reader.session, session)

    async def linked(self, digest: bytes) -> tuple[SessionRow, Millis] | None:
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

    async def token(self, digest: bytes) -> TokenRow | None:
        """Find an access token by its SHA-256. Cancellation: safe."""
        return await self._readers.key(reader.token, digest)
