"""Look-ups, which take time: credentials, queries of the store, pages of a replay.

Each look-up is a task in the hub's nursery. It reads, and hands an input to the
machine; it never changes anything itself. What it may read is bounded by the seq that
was applied when it was asked for, since readers see rows that are committed before the
chat has applied them.

A look-up is cancelled when its connection goes, so that others need not wait for it. A
credential is verified to its end, since guesses count; and what is read into memory is
nobody's alone.

A credential that is refused answers the command, and so does a page that cannot be
read now. A hello or a replay that cannot go on ends its connection with 4005: the
client comes back and asks again. A store that has failed ends the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import trio

from chatd.auth import Authenticator
from chatd.core.commands.look_ups import FETCHES, LOOK_UPS, Queue
from chatd.core.drafts import RETRY_AFTER_S
from chatd.core.effects import Authenticate, CheckSecret, Fetch, Query, Replay
from chatd.core.inputs import (
    Abandoned,
    Answered,
    Authenticated,
    AuthenticationFailed,
    Fetched,
    Input,
    Replayed,
    SecretChecked,
    SecretRefused,
)
from chatd.errors import Ending, Reject, RejectCode, StoreUnavailable, TooSlow
from chatd.hub.fanout import Fanout, Link
from chatd.hub.search_queue import Searches
from chatd.hub.turns import Turns
from chatd.ids import OPERATOR, ConnectionId, Seq
from chatd.ports import Entry, EntryKind, Outlet, Store
from chatd.wire.commands import Command
from chatd.wire.events import TimelineShown
from chatd.wire.sessions import Hello

REPLAY_PAGE = 256
REPLAY_PAGE_BYTES = 65_536
"""One page of a replay: what a healthy client takes in one go."""


@attrs.define(eq=False)
class Lookups:
    """Carries out the effects that wait for something."""

    _store: Store
    _authenticator: Authenticator
    _fanout: Fanout
    _happened: Callable[[Input], None]
    _gapped: Callable[[], None]
    """Called for each gap of which a client is told."""
    _searches: Searches = attrs.field(init=False, factory=Searches)
    _pages: Turns = attrs.field(init=False, factory=Turns)
    _counts: Turns = attrs.field(init=False, factory=Turns)

    async def verify(self, effect: Authenticate | CheckSecret) -> None:
        """Verify a hello's credential, or the secret of a command.

        Cancellation: safe.
        """
        link = self._fanout.links.get(effect.connection)
        if link is None:
            return
        with self._or_end(effect.connection):
            if isinstance(effect, Authenticate):
                await self._authenticate(effect, link)
            else:
                await self._check_secret(effect, link.outlet)

    @contextmanager
    def _or_end(self, connection: ConnectionId) -> Iterator[None]:
        """End a connection that cannot go on without what the block reads."""
        try:
            yield
        except (StoreUnavailable, TooSlow):
            link = self._fanout.links.get(connection)
            if link is not None:
                link.outlet.finish(Ending.OVERLOADED, RETRY_AFTER_S)

    async def _authenticate(self, effect: Authenticate, link: Link) -> None:
        outlet = link.outlet
        try:
            principal = await self._authenticator.authenticate(
                effect.hello, outlet.bearer, outlet.address
            )
        except Reject as reject:
            self._happened(
                AuthenticationFailed(effect.connection, effect.hello, reject)
            )
        else:
            if not principal.resumed:
                link.way = _way(effect.hello, outlet.bearer)
            self._happened(Authenticated(effect.connection, effect.hello, principal))

    async def _check_secret(self, effect: CheckSecret, outlet: Outlet) -> None:
        command = effect.command
        try:
            found = await self._authenticator.check(
                command, effect.user, outlet.address
            )
        except Reject as reject:
            self._happened(SecretRefused(effect.connection, command, reject))
        else:
            self._happened(SecretChecked(effect.connection, command, found))

    async def query(self, asked: Query[Command, Any]) -> None:
        """Read something from the store when its turn comes, and tell the machine.

        If it cannot be read, a page or a search is refused, and a connection that
        cannot go on without it is ended. What was asked for by a connection that has
        gone, or ends, is abandoned.

        Cancellation: safe.
        """
        link = self._fanout.links.get(asked.connection)
        if link is not None:
            with self._or_end(asked.connection), _ending_with(link):
                answer = await self._in_turn(asked, link)
                tell = partial(Answered, asked.connection, asked.command)
                self._happened(tell(asked.query, answer))
                return
        self._happened(Abandoned(asked.query))

    async def fetch(self, wanted: Fetch) -> None:
        """Read something into memory, for whoever waits for it.

        Cancellation: safe.
        """
        query = wanted.query
        try:
            answer = await FETCHES[type(query)].read(self._store, query)
        except (StoreUnavailable, TooSlow):
            answer = _unreadable()
        self._happened(Fetched(query, answer))

    async def _in_turn(self, asked: Query[Command, Any], link: Link) -> Any:
        """Read what is asked for, or the `Reject` that answers the command instead."""
        row = LOOK_UPS[type(asked.query)]
        read = partial(row.read, self._store, asked.command, asked.query)
        if row.queue is Queue.COUNTS:
            async with self._counts.of(asked.query.principal.user):
                return await read()
        # Who has no user, and may ask for something, is the operator.
        user = link.user or OPERATOR
        try:
            if row.queue is Queue.SEARCHES:
                return await self._searches.find(user, read)
            async with self._pages.of(user):
                return await read()
        except (StoreUnavailable, TooSlow):
            return _unreadable()
        except Reject as reject:
            return reject

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
                frames = b"".join(map(link.outlet.dialect.encode, page))
                at = page[-1].seq
                entry = Entry(effect.room, begins, at, EntryKind.REPLAY, frames)
                self._fanout.cork(link, entry)
            self._happened(
                Replayed(effect.connection, effect.room, effect.subscription, at)
            )
        link.replaying = False

    def _miss(self, link: Link, effect: Replay, begins: Seq) -> None:
        """Send a gap for what was trimmed between two pages."""
        have, seq = effect.after, Seq(begins - 1)
        self._gapped()
        frame = link.outlet.dialect.gap(effect.room, have, seq)
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


def _way(hello: Hello, bearer: str | None) -> str:
    """By what somebody has come in, in a word."""
    for way in ("link", "session", "token", "password"):
        if getattr(hello, way) is not None:
            return way
    return "guest" if bearer is None else "token"


def _unreadable() -> Reject:
    text = "the store cannot be read at this moment"
    return Reject(RejectCode.UNAVAILABLE, text, retry_after_s=RETRY_AFTER_S)


@contextmanager
def _ending_with(link: Link) -> Iterator[None]:
    """Cancel what is done in the block when the connection goes."""
    with trio.CancelScope() as scope:
        link.look_ups.add(scope)
        try:
            yield
        finally:
            link.look_ups.discard(scope)
