"""The listener for the operator's programs: a few routes over HTTP, nothing else.

There is no WebSocket behind it, no chat and no limit that clients share, so monitoring
gets its numbers whatever goes on elsewhere. It cannot be filled up: when it has
`CONNECTIONS_MAX`, the next one ends the oldest connection of the address that has the
most. A scraper needs a few milliseconds for a request, and one whose idle connection
was ended opens another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
import trio

from chatd.ids import ConnectionId
from chatd.net.accepting import Accepted, Acceptor
from chatd.net.head import Refusal
from chatd.net.http import HttpConnection
from chatd.net.observer import NetObserver
from chatd.net.routing import HttpConfig, Router
from chatd.net.sockets import Listening, tune

CONNECTIONS_MAX = 64
"""Open at a time: more scrapers than watch one daemon."""


@attrs.define(eq=False, kw_only=True)
class Monitor:
    """Serves its routes to a bounded number of connections."""

    http: HttpConfig
    observer: NetObserver
    _accepted: int = attrs.field(default=0, init=False)
    _open: dict[trio.CancelScope, str] = attrs.field(factory=dict, init=False)
    """The address of each, the oldest first."""
    _acceptor: Acceptor = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make what accepts."""
        self._acceptor = Acceptor(self._begin, self.observer.accept_failed)

    async def serve(
        self,
        listening: Sequence[Listening],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until `stop_accepting`, and return when all have ended.

        Cancellation: closes the listening sockets and ends every connection.
        """
        async with trio.open_nursery() as connections:
            task_status.started()
            await self._acceptor.run(listening, connections)
            self.http.stop()

    def stop_accepting(self) -> None:
        """Accept no further connection."""
        self._acceptor.stop()

    def _begin(self, one: Accepted, nursery: trio.Nursery) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            self._make_room()
        scope = trio.CancelScope()
        self._open[scope] = one.peer
        nursery.start_soon(self._run, one, scope)

    def _make_room(self) -> None:
        """End the oldest connection of the address that has the most."""
        ((crowd, _),) = Counter(self._open.values()).most_common(1)
        oldest = next(scope for scope, peer in self._open.items() if peer == crowd)
        del self._open[oldest]
        oldest.cancel()

    async def _run(self, one: Accepted, scope: trio.CancelScope) -> None:
        """The firewall around one connection."""
        self._accepted += 1
        number = ConnectionId(self._accepted)
        tune(one.sock)
        try:
            with scope:
                found = await HttpConnection(
                    sock=one.sock,
                    listening=one.listening,
                    router=Router(
                        http=self.http,
                        peer=one.peer,
                        admit=None,
                        troubled=self.observer.troubled,
                    ),
                ).run()
                if isinstance(found, Refusal):
                    self.observer.refused(one.peer, found.status)
        except* Exception as group:  # noqa: BLE001 - the firewall
            self.observer.connection_bug(number, group)
        finally:
            self._open.pop(scope, None)
            one.sock.close()
