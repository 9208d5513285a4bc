"""The end of one connection: the rest, why it ends, the close frame, the peer's end.

Whichever side ends the connection, the order is: what was begun, or all that waits if
the daemon drains; the bye; the close frame, or the answer to the peer's. The library
writes no close frame: it sends none once it has failed a message itself (1007), and
knows no code that was registered after RFC 6455. Then the peer's close and its end of
file are waited for, so that our last frames are not lost to a reset. The caller bounds
this in time.

Nothing is read here: the stream (`chatd.net.websocket`) reads until `eof`, and says
what it has seen of the peer's end.
"""

from __future__ import annotations

import socket

import attrs

from chatd.errors import Ending
from chatd.net.outlet import SocketOutlet, reply_entry
from chatd.wire.framing import CLOSE, close_frame, frame


@attrs.define(eq=False)
class ClosingHandshake:
    """How far both sides of a connection have come with its end."""

    outlet: SocketOutlet = attrs.field(repr=False)
    peer_done: bool = attrs.field(default=False, init=False)
    """The peer has closed, or what it sends has no meaning any more."""
    eof: bool = attrs.field(default=False, init=False)
    """The peer sends no more, or nothing is read any more."""
    _answer: bytes | None = attrs.field(default=None, init=False, repr=False)
    """The payload of the peer's close frame, which is answered with the same."""

    def peer_closed(self, payload: bytes) -> None:
        """The peer's close frame came: the reason to end, if there is none yet."""
        self._answer = payload
        self.ignore_peer()
        self.outlet.finish(Ending.PEER_CLOSED)

    def ignore_peer(self) -> None:
        """Do not wait for the peer's close: what it sends has no meaning any more."""
        self.peer_done = True
        self.outlet.notify()

    def stop_waiting(self) -> None:
        """Do not wait for the peer: its end came, or nothing is read any more."""
        self.eof = True
        self.ignore_peer()

    async def run(self) -> None:
        """Send the rest, bye and the close frame, and wait until the peer ends.

        For the peer's close, and for its end of file, so that our last frames
        are not lost to a reset. A draining daemon also sends what merely waits.
        The connection has its ending, and this is done once.

        Cancellation: some of it is not sent; close the socket all the same.
        """
        outlet, ending = self.outlet, self.outlet.ending
        assert ending is not None
        if ending is not Ending.RESTART:
            outlet.drop_all()
        # First the rest: a gap becomes a frame while it leaves, and nothing may
        # follow the close frame.
        await outlet.write_all()
        if ending.code is not None:
            if self._answer is not None and ending is Ending.PEER_CLOSED:
                outlet.push_last(reply_entry(frame(CLOSE, self._answer)))
            else:
                if bye := self._bye(ending):
                    outlet.push_last(reply_entry(bye))
                outlet.push_last(reply_entry(close_frame(ending.code, ending.reason)))
            await outlet.write_all()
        while not self.peer_done:
            await outlet.wait_change()
        self._end_output()
        while not self.eof:
            await outlet.wait_change()

    def _bye(self, ending: Ending) -> bytes | None:
        try:
            return self.outlet.dialect.bye(ending, self.outlet.after_s)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            self.outlet.bug(error)
            return None

    def _end_output(self) -> None:
        """Tell the peer that nothing follows."""
        try:
            self.outlet.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.stop_waiting()
