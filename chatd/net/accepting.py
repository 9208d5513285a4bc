"""Accepting from listening sockets, whatever is served behind them.

One task for each listening socket. Accepting goes on after any error; `failed` is
called at most once a minute while it fails. Connections run in another nursery, so that
accepting can end before they do.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from math import inf

import attrs
import trio

from chatd.core.quota import UNIX_PEER
from chatd.net.forwarded import normal_address
from chatd.net.sockets import Listening

ACCEPT_PAUSE_S = 1.0
"""After an accept that failed: descriptors may be free again by then."""
ACCEPT_REPORT_S = 60.0
"""At most one report of failing accepts in so long."""
_ACCEPTS_MAX = 32
"""Accepted in a row before others have their turn."""
_GONE = (errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN)
"""The connection is gone already. Source: accept(2)."""


@attrs.frozen
class Accepted:
    """One accepted connection."""

    sock: socket.socket = attrs.field(repr=False)
    """As it was accepted; `tune` makes it one that does not block."""
    peer: str
    """The other end's address, canonical, or `UNIX_PEER`."""
    listening: str
    """The address that it came to."""


Begin = Callable[[Accepted, trio.Nursery], None]
"""Begins to serve one connection, in that nursery."""


@attrs.define(eq=False)
class Acceptor:
    """Accepts until it is stopped."""

    begin: Begin = attrs.field(repr=False)
    failed: Callable[[OSError], None] = attrs.field(repr=False)
    """Called when no connection can be accepted; must not raise."""
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _reported: float = attrs.field(default=-inf, init=False)

    async def run(
        self, listening: Sequence[Listening], connections: trio.Nursery
    ) -> None:
        """Accept connections until `stop`, then close the listening sockets.

        Args:
            listening: The sockets to accept from.
            connections: Where `begin` starts the task of each connection.

        Cancellation: safe; the sockets are closed.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as accepting:
                    for one in listening:
                        accepting.start_soon(self._accept_from, one, connections)
        finally:
            for one in listening:
                trio.lowlevel.notify_closing(one.sock)
                one.close()

    def stop(self) -> None:
        """Accept no further connection."""
        self._scope.cancel()

    async def _accept_from(self, listening: Listening, nursery: trio.Nursery) -> None:
        sock, address = listening.sock, str(listening.address)
        count = 0
        while True:
            try:
                client, where = sock.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(sock)
                continue
            except OSError as error:
                if error.errno not in _GONE:
                    self._report(error)
                    await trio.sleep(ACCEPT_PAUSE_S)
                continue
            peer = UNIX_PEER if sock.family == socket.AF_UNIX else str(where[0])
            self.begin(Accepted(client, normal_address(peer), address), nursery)
            count += 1
            if count % _ACCEPTS_MAX == 0:
                await trio.lowlevel.checkpoint()

    def _report(self, error: OSError) -> None:
        now = trio.current_time()
        if now >= self._reported + ACCEPT_REPORT_S:
            self._reported = now
            self.failed(error)
