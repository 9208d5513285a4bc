"""A line between browsers and a daemon that can be cut, as a cable or a router is.

`BrowserContext.set_offline` keeps a page from connecting and tells it that there is no
network, but WebSockets that are open go on. This ends them, without a close frame.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import trio

from tests.web.page.daemon import Daemon


@attrs.define(eq=False)
class Line:
    """A relay in a thread of its own."""

    _daemon_port: int
    port: int = attrs.field(default=0, init=False)
    _token: trio.lowlevel.TrioToken = attrs.field(init=False)
    _all: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _talks: set[trio.CancelScope] = attrs.field(factory=set, init=False)
    """One for each connection."""
    _is_cut: bool = attrs.field(default=False, init=False)

    @property
    def url(self) -> str:
        """Where the daemon's page is behind it."""
        return f"http://127.0.0.1:{self.port}/"

    def cut(self) -> None:
        """Cut it: what is open is lost, and nothing comes through."""
        trio.from_thread.run_sync(self._cut, trio_token=self._token)

    def drop(self) -> None:
        """Lose what is open; new connections come through at once."""
        trio.from_thread.run_sync(self._drop, trio_token=self._token)

    def mend(self) -> None:
        """Let new connections through again."""
        self._is_cut = False

    def end(self) -> None:
        """Close it for good."""
        trio.from_thread.run_sync(self._all.cancel, trio_token=self._token)

    async def serve(self, started: queue.Queue[None]) -> None:
        """Relay until `end`.

        Args:
            started: Is told when there is a port.
        """
        self._token = trio.lowlevel.current_trio_token()
        with self._all:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            self.port = listener.socket.getsockname()[1]
            started.put(None)
            await trio.serve_listeners(self._relay, [listener])

    def _drop(self) -> None:
        for talk in self._talks:
            talk.cancel()

    def _cut(self) -> None:
        self._is_cut = True
        self._drop()

    async def _relay(self, near: trio.SocketStream) -> None:
        if self._is_cut:
            return
        try:
            far = await trio.open_tcp_stream("127.0.0.1", self._daemon_port)
        except OSError:
            return  # nobody is there: the browser sees its connection end
        with trio.CancelScope() as talk:
            self._talks.add(talk)
            try:
                async with far, trio.open_nursery() as nursery:
                    nursery.start_soon(_pass, near, far, talk)
                    nursery.start_soon(_pass, far, near, talk)
            finally:
                self._talks.discard(talk)


async def _pass(
    one: trio.SocketStream, other: trio.SocketStream, talk: trio.CancelScope
) -> None:
    """Pass on what comes, until either end is gone."""
    try:
        async for part in one:
            await other.send_all(part)
    except trio.BrokenResourceError:
        talk.cancel()
    else:
        talk.cancel()


@contextmanager
def line_to(daemon: Daemon) -> Iterator[Line]:
    """Lay a line to a daemon for a block."""
    line = Line(daemon.port)
    started: queue.Queue[None] = queue.Queue()
    thread = threading.Thread(target=trio.run, args=(line.serve, started))
    thread.start()
    started.get()
    try:
        yield line
    finally:
        line.end()
        thread.join()
