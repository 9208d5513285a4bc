"""What takes time: credentials, look-ups, pages of a replay.

Each errand is a task in the hub's nursery. It reads, and hands an input to
the machine; it never changes anything itself. What it read is bounded by the seq
that was applied when it was sent, since readers see rows that are committed
before the chat has applied them.

What is read ends with the connection for which it is: whoever has gone keeps nobody
waiting. A credential is looked at to its end, since guesses count.

A credential that is refused answers the command, and so does a page that cannot be
read now. A hello or a replay that cannot be gone on with ends its connection
with 4005: it comes back and asks again. A store that has failed ends the daemon.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import attrs
import trio

from chatd.auth import Authenticator
from chatd.core.effects import (
    Authenticate,
    CheckSecret,
    CountUnread,
    FindMessages,
    FindUser,
    ReadHistory,
    ReadInvitations,
    ReadSessions,
    Replay,
    Unread,
)
from chatd.core.inputs import (
    Authenticated,
    AuthenticationFailed,
    HistoryRead,
    Input,
    InvitationsRead,
    LookUpRefused,
    MessagesFound,
    Replayed,
    SecretChecked,
    SecretRefused,
    SessionsRead,
    UnreadCounted,
    UserFound,
)
from chatd.errors import Ending, Reject, StoreUnavailable, TooSlow
from chatd.hub.committer import RETRY_AFTER_S
from chatd.hub.fanout import Fanout, Link
from chatd.hub.searches import Searches, unreadable
from chatd.hub.turns import Turns
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Entry, EntryKind, Store
from chatd.wire.encode import encode
from chatd.wire.events import TimelineShown
from chatd.wire.framing import text_frame

T = TypeVar("T")

LookUp = (
    Authenticate
    | CheckSecret
    | CountUnread
    | FindUser
    | ReadHistory
    | ReadSessions
    | ReadInvitations
    | FindMessages
)
"""An effect whose outcome is one input."""

REPLAY_PAGE = 256
REPLAY_PAGE_BYTES = 65_536
"""One page of a replay: what a healthy client takes in one go."""


@attrs.define(eq=False)
class Errands:
    """Performs the effects that wait for something."""

    _store: Store
    _authenticator: Authenticator
    _fanout: Fanout
    _happened: Callable[[Input], None]
    _make_gap: Callable[[RoomName, int, int], bytes]
    _searches: Searches = attrs.field(init=False)
    _pages: Turns = attrs.field(init=False, factory=Turns)
    _counts: Turns = attrs.field(init=False, factory=Turns)

    def __attrs_post_init__(self) -> None:
        self._searches = Searches(self._store)

    async def look_up(self, effect: LookUp) -> None:
        """Perform one look-up. Cancellation: safe."""
        link = self._fanout.links.get(effect.connection)
        if link is None:
            return
        perform = _LOOK_UPS[type(effect)]
        try:
            if isinstance(effect, Authenticate | CheckSecret):
                await perform(self, effect)
            else:
                with _ending_with(link):
                    await perform(self, effect)
        except (StoreUnavailable, TooSlow):
            if effect.connection in self._fanout.links:
                link.outlet.finish(Ending.OVERLOADED, RETRY_AFTER_S)

    async def _authenticate(self, effect: Authenticate) -> None:
        link = self._fanout.links.get(effect.connection)
        if link is None:
            return
        try:
            principal = await self._authenticator.authenticate(
                effect.hello, link.outlet.bearer, link.outlet.address
            )
        except Reject as reject:
            self._happened(
                AuthenticationFailed(effect.connection, effect.hello, reject)
            )
        else:
            self._happened(Authenticated(effect.connection, effect.hello, principal))

    async def _check_secret(self, effect: CheckSecret) -> None:
        link = self._fanout.links.get(effect.connection)
        if link is None:
            return
        command = effect.command
        try:
            found = await self._authenticator.check(
                command, effect.user, link.outlet.address
            )
        except Reject as reject:
            self._happened(SecretRefused(effect.connection, command, reject))
        else:
            self._happened(SecretChecked(effect.connection, command, found))

    async def _count_unread(self, effect: CountUnread) -> None:
        user = effect.principal.user
        async with self._counts.of(user):
            numbers = await self._store.unread(user, effect.marks)
        counts = dict(effect.counted)
        for (room, _, upto), pair in zip(effect.marks, numbers, strict=True):
            counts[room] = Unread(upto, *pair)
        self._happened(
            UnreadCounted(effect.connection, effect.hello, effect.principal, counts)
        )

    async def _find_user(self, effect: FindUser) -> None:
        row = await self._store.user(effect.user)
        found = (row.user, row.display, row.role) if row is not None else None
        self._happened(UserFound(effect.connection, effect.command, effect.user, found))

    async def _read_history(self, effect: ReadHistory) -> None:
        command = effect.command
        page = partial(
            self._store.history,
            command.room,
            before=command.before,
            after=command.after,
            limit=command.limit,
            upto=effect.upto,
            viewer=effect.viewer,
        )
        read = partial(HistoryRead, effect.connection, command, effect.upto)
        await self._read_page(effect, effect.viewer, page, read)

    async def _read_sessions(self, effect: ReadSessions) -> None:
        command = effect.command
        page = partial(
            self._store.sessions,
            effect.user,
            effect.since,
            command.after,
            command.limit,
        )
        read = partial(SessionsRead, effect.connection, command)
        await self._read_page(effect, effect.user, page, read)

    async def _read_invitations(self, effect: ReadInvitations) -> None:
        command = effect.command
        page = partial(
            self._store.invitations, effect.maker, command.after, command.limit
        )
        read = partial(InvitationsRead, effect.connection, command)
        await self._read_page(effect, effect.user, page, read)

    async def _read_page(
        self,
        effect: ReadHistory | ReadSessions | ReadInvitations,
        user: UserName,
        page: Callable[[], Awaitable[tuple[list[T], bool]]],
        read: Callable[[list[T], bool], Input],
    ) -> None:
        """Read a page when it is its user's turn, or tell that it cannot be read."""
        try:
            async with self._pages.of(user):
                found, more = await page()
        except (StoreUnavailable, TooSlow):
            self._happened(
                LookUpRefused(effect.connection, effect.command, unreadable())
            )
        else:
            self._happened(read(found, more))

    async def _find_messages(self, effect: FindMessages) -> None:
        link = self._fanout.links.get(effect.connection)
        if link is None or link.user is None:
            return
        try:
            hits, more = await self._searches.find(link.user, effect)
        except Reject as reject:
            self._happened(LookUpRefused(effect.connection, effect.command, reject))
        else:
            self._happened(
                MessagesFound(
                    effect.connection, effect.command, effect.query, hits, more
                )
            )

    async def replay(self, link: Link) -> None:
        """Hand over a connection's replays, page by page, as it can take them.

        One task for each connection, and its rooms take turns: tasks for each
        room would all find the outbox low, and a client that comes back to a
        hundred rooms would be handed a hundred pages at once and ended for it.

        A page and the step to the next one (or to live) are one `def` after the
        last await; if the connection has left the room or joined it again
        meanwhile, nothing of the page is sent.

        Cancellation: safe.
        """
        while await link.outlet.wait_low() and link.replays:
            effect = next(iter(link.replays.values()))
            page: list[TimelineShown] = []
            try:
                with _ending_with(link):
                    async with self._pages.of(effect.viewer):
                        page = await self._page(effect)
            except (StoreUnavailable, TooSlow):
                link.outlet.finish(Ending.OVERLOADED, RETRY_AFTER_S)
                continue
            if link.replays.get(effect.room) is not effect:
                continue
            del link.replays[effect.room]
            at = effect.upto
            begins = page[0].seq if page else Seq(at + 1)
            if effect.last is None and begins > effect.after + 1:
                self._miss(link, effect, begins)
            if page:
                frames = b"".join(text_frame(encode(event)) for event in page)
                at = page[-1].seq
                entry = Entry(effect.room, begins, at, EntryKind.REPLAY, frames)
                self._fanout.cork(link, entry)
            self._happened(
                Replayed(effect.connection, effect.room, effect.subscription, at)
            )
        link.replaying = False

    def _miss(self, link: Link, effect: Replay, begins: Seq) -> None:
        """Tell of what went between two pages: the room has forgotten it."""
        have, seq = effect.after, Seq(begins - 1)
        frame = self._make_gap(effect.room, have, seq)
        entry = Entry(effect.room, have + 1, seq, EntryKind.REPLAY, frame)
        self._fanout.cork(link, entry)

    async def _page(self, effect: Replay) -> list[TimelineShown]:
        """Read one page of a replay. Cancellation: safe."""
        after = effect.after
        if effect.last is not None:
            oldest = await self._store.nth_newest(effect.room, effect.last, effect.upto)
            after = max(after, Seq(oldest - 1))
        return await self._store.events(
            effect.room,
            after,
            effect.upto,
            REPLAY_PAGE,
            REPLAY_PAGE_BYTES,
            effect.viewer,
        )


@contextmanager
def _ending_with(link: Link) -> Iterator[None]:
    """Cancel what is done in the block when the connection goes."""
    with trio.CancelScope() as scope:
        link.look_ups.add(scope)
        try:
            yield
        finally:
            link.look_ups.discard(scope)


_LOOK_UPS: dict[type[LookUp], Callable[[Errands, Any], Awaitable[None]]] = {
    Authenticate: Errands._authenticate,
    CheckSecret: Errands._check_secret,
    CountUnread: Errands._count_unread,
    FindUser: Errands._find_user,
    ReadHistory: Errands._read_history,
    ReadSessions: Errands._read_sessions,
    ReadInvitations: Errands._read_invitations,
    FindMessages: Errands._find_messages,
}
