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
from chatd.errors import StoreFailed, StoreUnavailable
from chatd.ids import UserName
from chatd.ports import Snapshot, TokenRow
from chatd.wire.events import DAY_MS, HOUR_MS, Millis
from tests.store.model import admissions, bookmarks, erasing
from tests.store.model.entities import ModelRoom
from tests.store.model.people import (
    end_session,
    end_sessions,
    forget_addresses,
)
from tests.store.model.reads import ModelReads, snapshot


@attrs.define(eq=False)
class MemoryStore(ModelReads):
    """`chatd.ports.Store` without a disk.

    Attributes:
        session_days: How long an idle session of an account lasts, in days.
        guest_hold_s: How long a guest's lasts, in seconds.
        guest_ban_h: How long a ban of a guest holds for his address, in hours.
        settles: Whether it says that its server has gone.
    """

    session_days: float = 30
    guest_hold_s: float = 900
    guest_ban_h: float = 24
    settles: bool = False
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
        self.model.tokens[digest] = TokenRow(user, expires, name, scope)

    def drop_token(self, digest: bytes) -> None:
        """Revoke an access token, as the command line does."""
        del self.model.tokens[digest]

    def ban(self, user: UserName, until: Millis | None, reason: str | None) -> None:
        """Ban a user from the server, as the operator does; nobody hears of it."""
        self.model.execute(d.BanUser(user, until, reason, self.model.reached), 0)

    def unban(self, user: UserName) -> None:
        """Let a user in again, as the operator does; nobody hears of it."""
        self.model.execute(d.UnbanUser(user), 0)

    def revoke(self, digest: bytes) -> None:
        """Revoke an access token, as the operator does; nobody hears of it."""
        user = self.model.tokens.pop(digest).user
        end_sessions(self.model, d.EndSessions(user, digest))

    # --- the port -------------------------------------------------------------

    async def pause(self) -> None:
        """Let others have their turn before each look, as a disk would."""
        await trio.lowlevel.checkpoint()

    async def load(self, now: Millis, certain: Millis | None = None) -> Snapshot:
        """Read what the core needs at the start; see the port."""
        await trio.lowlevel.checkpoint()
        certain = now if certain is None else certain
        for session in list(self.model.sessions.values()):
            guest = self.model.is_guest(session.user)
            limit_ms = self.guest_hold_s * 1000 if guest else self.session_days * DAY_MS
            if session.idle_since is None:
                session.idle_since = certain
            elif session.idle_since <= now - limit_ms:
                end_session(self.model, session.session, certain)
            elif guest:
                session.idle_since = certain
        for room in self.model.rooms.values():
            _forget_lapsed(room, now)
        held = self.model.here
        for room in self.model.rooms.values():
            for place in (room.members, room.invites):
                for user in list(place):
                    if self.model.is_guest(user) and user not in held:
                        del place[user]  # joined or asked while his session ended
        bookmarks.sweep(self.model)
        forget_addresses(self.model, now, round(self.guest_ban_h * HOUR_MS))
        admissions.prune(self.model, certain)
        return snapshot(self.model)

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
        self.model.certain = now if certain is None else certain
        for room in self.model.rooms.values():
            room.certain = self.model.certain
        outcomes = [self.model.execute(draft, now) for draft in drafts]
        erasing.go_on(self.model)
        reached = min(now, self.model.certain)
        forget_addresses(self.model, reached, round(self.guest_ban_h * HOUR_MS))
        return outcomes


def _forget_lapsed(room: ModelRoom, now: Millis) -> None:
    """Remove bans, mutes and invitations whose time is over."""
    for held in (room.bans, room.mutes):
        for name, sanction in list(held.items()):
            if sanction.until is not None and sanction.until <= now:
                del held[name]
    for name, invite in list(room.invites.items()):
        if not invite.matters(now):
            del room.invites[name]
