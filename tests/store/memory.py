"""The store in memory: `chatd.ports.Store` without a disk.

It is what tests run on that are not about the disk, and with `tests.store.model`
behind it the model that SQLite is compared with. Everything survives a
"restart", which is another `load`. Cids are kept for good, which is at least
long enough.

Faults are asked for: `set_failing` lets commits raise, `set_stalled` lets them
wait.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from chatd.core import drafts as d
from chatd.core.changes import AccessRevoked, Banned, Change, Unbanned
from chatd.core.entities import Invite, Membership, Room, Sanction, SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.query import Hit, Place, Query
from chatd.errors import StoreFailed, StoreUnavailable
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName, is_direct
from chatd.ports import RoomRow, SessionRow, Snapshot, TokenRow, UserRow
from chatd.store import answers
from chatd.store.ranking import read_page
from chatd.wire import events as e
from chatd.wire import replies as r
from chatd.wire.events import DAY_MS, HOUR_MS, Millis
from tests.store.model import Model, admissions, erasing
from tests.store.model.entities import ModelMessage, ModelRoom
from tests.store.model.people import (
    bar_address,
    direct_rooms,
    end_session,
    end_sessions,
    forget_addresses,
    sessions_of,
)
from tests.store.model.reactions import page_of, reactions_of
from tests.store.model.search import ModelSource


@attrs.define(eq=False)
class MemoryStore:
    """`chatd.ports.Store` without a disk.

    Attributes:
        session_days: How long an idle session of an account lasts, in days.
        guest_hold_s: How long a guest's lasts, in seconds.
        guest_ban_h: How long a ban of a guest holds for his address, in hours.
    """

    session_days: float = 30
    guest_hold_s: float = 900
    guest_ban_h: float = 24
    _model: Model = attrs.field(init=False, factory=Model)
    _failing: StoreUnavailable | StoreFailed | None = attrs.field(
        init=False, default=None
    )
    _go_on: trio.Event | None = attrs.field(init=False, default=None)

    # --- what tests ask for ---------------------------------------------------

    def set_failing(self, error: StoreUnavailable | StoreFailed | None) -> None:
        """Let every commit raise `error`, storing nothing, until None is set."""
        self._failing = error

    def set_stalled(self, stalled: bool) -> None:
        """Let commits wait, having stored nothing, until False is set."""
        if self._go_on is not None:
            self._go_on.set()
        self._go_on = trio.Event() if stalled else None

    def add_token(
        self,
        user: UserName,
        digest: bytes,
        expires: Millis | None,
        scope: str | None = None,
        name: str = "test",
    ) -> None:
        """Add an access token, as the command line does."""
        self._model.tokens[digest] = TokenRow(user, expires, name, scope)

    def drop_token(self, digest: bytes) -> None:
        """Revoke an access token, as the command line does."""
        del self._model.tokens[digest]

    def ban(self, user: UserName, until: Millis | None, reason: str | None) -> None:
        """Ban a user from the server, as the command line does."""
        ban = self._model.users[user].ban = Sanction(until, reason)
        barred = bar_address(self._model, self._model, user, ban)
        end_sessions(self._model, d.EndSessions(user))
        self.write_beside(Banned(user, until, reason, barred))

    def unban(self, user: UserName) -> None:
        """Let a user in again, as the command line does."""
        self._model.users[user].ban = None
        self._model.barred.pop(user, None)
        self.write_beside(Unbanned(user))

    def revoke(self, digest: bytes) -> None:
        """Revoke an access token, as the command line does."""
        user = self._model.tokens.pop(digest).user
        end_sessions(self._model, d.EndSessions(user, digest))
        self.write_beside(AccessRevoked(user, digest))

    def write_beside(self, change: Change) -> None:
        """Add a change to the log of what others write, as the command line does."""
        self._model.write_beside(change)

    # --- the port -------------------------------------------------------------

    async def certain(self, now: Millis) -> Millis | None:
        """What was certain about the time; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        return self._model.certain

    async def load(self, now: Millis, certain: Millis | None = None) -> Snapshot:
        """Read what the core needs at the start; see the port."""
        await trio.lowlevel.checkpoint()
        self._model.log.clear()
        certain = now if certain is None else certain
        for session in list(self._model.sessions.values()):
            guest = self._model.is_guest(session.user)
            limit_ms = self.guest_hold_s * 1000 if guest else self.session_days * DAY_MS
            if session.idle_since is None:
                session.idle_since = certain
            elif session.idle_since <= now - limit_ms:
                end_session(self._model, session.session, certain)
            elif guest:
                session.idle_since = certain
        for room in self._model.rooms.values():
            _forget_lapsed(room, now)
        held = {session.user for session in self._model.sessions.values()}
        for room in self._model.rooms.values():
            for place in (room.members, room.invites):
                for user in list(place):
                    if self._model.is_guest(user) and user not in held:
                        del place[user]  # joined or asked while his session ended
        forget_addresses(self._model, now, round(self.guest_ban_h * HOUR_MS))
        admissions.prune(self._model, certain)
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
                    [row for _, row in sorted(room.invites.items())],
                    [ban for _, ban in sorted(room.barred.items())],
                    room.was,
                    room.maker,
                    bool(room.messages),
                )
                for _, room in sorted(self._model.rooms.items())
                if not is_direct(room.name)
            ],
            users=[
                attrs.evolve(user, password_hash=None)
                for name, user in sorted(self._model.users.items())
                if not self._model.is_guest(name) or name in held
            ],
            guest_sessions=[
                attrs.evolve(session)
                for _, session in sorted(self._model.sessions.items())
                if self._model.is_guest(session.user)
            ],
            blocks=sorted(self._model.blocks),
            barred=[ban for _, ban in sorted(self._model.barred.items())],
            address_key="x",
            place=self._model.place,
        )

    async def commit(
        self,
        drafts: Sequence[d.Draft],
        now: Millis,
        certain: Millis | None = None,
    ) -> list[d.Outcome]:
        """Execute drafts in order; see the port.

        Cancellation: shielded; the outcome is always learned.
        """
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
            if self._go_on is not None:
                await self._go_on.wait()
        if self._failing is not None:
            raise self._failing
        self._model.certain = now if certain is None else certain
        for room in self._model.rooms.values():
            room.certain = self._model.certain
        outcomes = [self._model.execute(draft, now) for draft in drafts]
        erasing.go_on(self._model)
        reached = min(now, self._model.certain)
        forget_addresses(self._model, reached, round(self.guest_ban_h * HOUR_MS))
        return outcomes

    async def direct_rooms(
        self, user: UserName
    ) -> list[tuple[Room, dict[UserName, Membership]]]:
        """Read a user's direct conversations; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        return direct_rooms(self._model, user)

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
        await trio.lowlevel.checkpoint()
        found = self._model.room(room)
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
        await trio.lowlevel.checkpoint()
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
        await trio.lowlevel.checkpoint()
        where = self._model.room(room)
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
    ) -> tuple[list[tuple[Seq, UserName]], bool]:
        """Read who has put an emoji; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        where = self._model.room(room)
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
        """Find messages; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        source = ModelSource(self._model, query, scope, viewer)
        return read_page(source, query, place, limit)

    async def unread(
        self, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
    ) -> list[tuple[int, int]]:
        """Count unread messages; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        most, counts = answers.UNREAD_MAX, []
        for room, read, upto in marks:
            found = self._model.room(room)
            unread, mentions = found.unread(user, read, upto) if found else (0, 0)
            counts.append((min(unread, most), min(mentions, most)))
        return counts

    async def changes(self, after: int) -> tuple[list[Change], int]:
        """The changes that other processes have committed; see the port."""
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
        found = [row for row in self._model.log if row[0] > after]
        return [change for _, change in found], found[-1][0] if found else after

    async def user(self, name: UserName) -> UserRow | None:
        """Find a user. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        found = self._model.users.get(name)
        return attrs.evolve(found) if found else None

    async def sessions(
        self, user: UserName, since: Millis, after: SessionTag | None, limit: int
    ) -> tuple[list[SessionKept], bool]:
        """Read a page of a user's sessions; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        found = sessions_of(self._model, user, since, after or SessionTag(""))
        return found[:limit], len(found) > limit

    async def session(self, session: SessionId) -> SessionRow | None:
        """Find a session. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        found = self._model.sessions.get(session)
        return attrs.evolve(found) if found else None

    async def linked(self, digest: bytes) -> tuple[SessionRow, Millis] | None:
        """Find a session by its link; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        for session, (link, until) in self._model.links.items():
            row = self._model.sessions.get(session)
            if link == digest and row is not None:
                return attrs.evolve(row), until
        return None

    async def invitation(self, digest: bytes) -> InvitationKept | None:
        """Find an invitation by its SHA-256. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        return admissions.invitation(self._model, digest)

    async def invitations(
        self, maker: UserName | None, after: int | None, limit: int
    ) -> tuple[list[InvitationKept], bool]:
        """Read a page of invitations; see the port. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        found = admissions.invitations(self._model, maker, after)
        return found[:limit], len(found) > limit

    async def token(self, digest: bytes) -> TokenRow | None:
        """Find an access token by its SHA-256. Cancellation: safe."""
        await trio.lowlevel.checkpoint()
        return self._model.tokens.get(digest)

    def _messages(self, room: RoomName) -> list[ModelMessage]:
        found = self._model.room(room)
        return list(found.messages.values()) if found else []


def _forget_lapsed(room: ModelRoom, now: Millis) -> None:
    """Remove bans, mutes and invitations whose time is over."""
    for held in (room.bans, room.mutes):
        for name, sanction in list(held.items()):
            if sanction.until is not None and sanction.until <= now:
                del held[name]
    for name, invite in list(room.invites.items()):
        last = Invite(invite.sender, invite.ts, invite.closed_until)
        if not last.matters(now):
            del room.invites[name]
