"""The end of one connection: the rest, why it ends, the close frame, the socket.

Whichever side ends the connection, the order is: what was begun, or all that waits if
the daemon drains; the bye; the close frame, or the answer to the peer's. The library
writes no close frame: it sends none once it has failed a message itself (1007), and
knows no code that was registered after RFC 6455. Then the peer's close and its end of
file are waited for, so that our last frames are not lost to a reset. The caller bounds
this in time.
"""

from __future__ import annotations

import socket

import attrs
import trio
from trio_websocket import WebSocketConnection

from chatd.errors import Ending
from chatd.net.socketout import SocketOut, reply_entry
from chatd.wire.framing import CLOSE, close_frame, frame


@attrs.define(eq=False, kw_only=True)
class ClosingSocket(SocketOut):
    """An outgoing side that can also end: the closing handshake, then the socket."""

    ws: WebSocketConnection | None = attrs.field(default=None, init=False, repr=False)
    peer_close: bytes | None = attrs.field(default=None, init=False, repr=False)
    """The payload of the peer's close frame, which is answered with the same."""
    _close_sent: bool = attrs.field(default=False, init=False)
    _peer_done: bool = attrs.field(default=False, init=False)
    """The peer has closed, or what it sends has no meaning any more."""
    _eof: bool = attrs.field(default=False, init=False)

    def stop_waiting(self) -> None:
        """Do not wait for the peer's close: nothing is read any more."""
        self._peer_done = self._eof = True
        self.notify()

    async def close(self) -> None:
        """Send the rest, bye and the close frame, and wait until the peer ends.

        For the peer's close, and for its end of file, so that our last frames
        are not lost to a reset. A draining daemon also sends what merely waits.

        Cancellation: some of it is not sent; call `close_socket` all the same.
        """
        ending = self.ending
        assert ending is not None
        if ending is not Ending.RESTART:
            self.outbox.drop_all()
            self._weigh()
        # First the rest: a gap becomes a frame while it leaves, and nothing may
        # follow the close frame.
        await self._flush_all()
        if ending.code is not None and not self._close_sent:
            self._close_sent = True
            if self.peer_close is not None and ending is Ending.PEER_CLOSED:
                self._put(reply_entry(frame(CLOSE, self.peer_close)))
            else:
                if bye := self._bye(ending):
                    self._put(reply_entry(bye))
                self._put(reply_entry(close_frame(ending.code, ending.reason)))
            await self._flush_all()
        while not self._peer_done:
            await self.wait_change()
        self._end_output()
        while not self._eof:
            await self.wait_change()

    def close_socket(self) -> None:
        """Close the socket, and drop the references that make a cycle."""
        trio.lowlevel.notify_closing(self.sock)
        self.sock.close()
        self._written_off = True
        self._weigh()
        self.ws = None
        self.outbox.make_gap = self.dialect.gap

    async def _flush_all(self) -> None:
        while self.outbox.waiting and not self.lost:
            await trio.lowlevel.wait_writable(self.sock)
            self.flush()

    def _bye(self, ending: Ending) -> bytes | None:
        try:
            return self.dialect.bye(ending, self.after_s)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            self.host.bug(self, error)
            return None

    def _end_output(self) -> None:
        """Tell the peer that nothing follows."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.stop_waiting()
