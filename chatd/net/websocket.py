"""The stream that the WebSocket library reads from, with the fast lane in it.

trio-websocket does the handshake, fragmented messages and the answer to a ping. It
reads from this stream, and most of what a chat client sends never gets that far:
`receive_some` hands whole text messages to the host right where they are found, at
3 µs instead of 50. The rest is passed on. After a slow message has been passed on, the
next `receive_some` first takes it from the library's queue, where it certainly is by
then; so both lanes have one order and one task.

Reading is held, and silence not judged, while the host has as many messages open
as it may, or so many bytes of them as one frame may have, while more than the soft
limit waits on the way out, while the bucket of commands or of bytes is empty, and when
the host asks. Not reading is the limit: what the peer sends waits on its own side. A
peer's close, or its end of file, is held until its open commands are answered and
flushed, so that a client that sends one line and hangs up gets its `ok`.

After the end nothing is handed to the host or the library. Bytes are read and
forgotten until the peer's close or end of file is seen: closing a socket with unread
bytes is a reset, and a reset destroys our last frames on their way. What is seen of the
peer's end is told to the closing handshake (`chatd.net.closing`).

What may be read is asked of the connection's `Intake`; what is sent, and each reason to
end, goes to its outlet.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

import attrs
import trio
import trio.abc
from trio_websocket import ConnectionClosed, WebSocketConnection

from chatd.core.quota import Bucket
from chatd.errors import Ending
from chatd.net.closing import ClosingHandshake
from chatd.net.heartbeat import Heartbeat, Line
from chatd.net.intake import READ_BYTES, Intake
from chatd.net.outlet import SocketOutlet, reply_entry
from chatd.net.scanner import Lane
from chatd.net.sockets import PeerSocket, tcp_state, undelivered

_READS_MAX = 16
"""Full reads in a row without a checkpoint."""
TURN_MESSAGES = 64
"""Messages that one connection hands over before other tasks have their turn."""
SLOW_COUNTS = 16
"""As how many of them a frame counts that is for the library, a fragment of a message
or a ping. Source: 50 µs instead of 3."""
SETTLE_S = 2.0
"""How long a peer's close waits for its open commands. Source: protocol section 8."""
_PAUSE_S = 0.001
"""No wait for the bucket is shorter: less may not move the clock at all."""


@attrs.define(eq=False, kw_only=True)
class WebSocketStream(trio.abc.Stream):
    """The reading of one WebSocket connection: both lanes."""

    sock: PeerSocket = attrs.field(repr=False)
    intake: Intake = attrs.field(repr=False)
    outlet: SocketOutlet = attrs.field(repr=False)
    closing: ClosingHandshake = attrs.field(repr=False)
    head: bytes = attrs.field(repr=False)
    """The canonical request that the library reads first."""
    beat: Heartbeat = attrs.field(repr=False)
    due_at: int = attrs.field(default=-1, init=False)
    """The second under which `chatd.net.keepalive` keeps it; -1: none yet."""
    reading: bool = attrs.field(default=False, init=False)
    """Whether the peer's silence means anything."""
    _ws: WebSocketConnection | None = attrs.field(default=None, init=False, repr=False)
    """The library's connection, once it has answered the handshake."""
    _slow: bool = attrs.field(default=False, init=False)
    """A message is in the library's queue."""
    _library_done: bool = attrs.field(default=False, init=False)
    _drained: bool = attrs.field(default=False, init=False)
    """The last read took all there was; of the first nobody knows."""
    _reads: int = attrs.field(default=0, init=False)
    _turn: int = attrs.field(default=0, init=False)
    """Messages since others had their turn."""

    # --- for the connection -------------------------------------------------

    def open(self, ws: WebSocketConnection) -> None:
        """Begin to read: the library has answered the handshake."""
        self._ws = ws
        self.outlet.notify()

    def let_go(self) -> None:
        """Forget the library: it refers to this stream, which would be a cycle."""
        self._ws = None

    def has_unread(self) -> bool:
        """Whether the kernel has bytes, or an end, that were not read yet."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return not isinstance(error, BlockingIOError)
        return True

    def line(self) -> Line:
        """What is known of the way to the peer now."""
        sent, box = self.outlet.bytes_out, self.outlet.outbox
        quiet_s, deaf_s = tcp_state(self.sock)
        return Line(
            sent,
            sent - undelivered(self.sock),
            queued=box.waiting > 0,
            ping_waits=box.ping_waits,
            pongs=self.intake.scanner.pongs,
            quiet_s=quiet_s,
            deaf_s=deaf_s,
        )

    # --- for the library ----------------------------------------------------

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002
        """Give the library what is for it; both lanes pass here.

        Returns:
            The client's bytes, or `b""` when the connection has ended. Never
            more than `READ_BYTES` and a header.

        Cancellation: ends the reading; the closing handshake waits for nothing then.
        """
        if self.head:
            head, self.head = self.head, b""
            await trio.lowlevel.checkpoint()
            return head
        try:
            return await self._receive()
        except trio.Cancelled:
            self.closing.stop_waiting()
            raise
        except Exception as error:  # noqa: BLE001 - nothing else leaves the stream
            self.outlet.bug(error)
            self.closing.stop_waiting()
            return b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Push one of the library's frames; never waits for the peer.

        Cancellation: the frame has been pushed.
        """
        if self._ws is not None:
            self.outlet.push_control(bytes(data))
        else:
            self.outlet.push(reply_entry(bytes(data)))
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: `send_all` never waits. Cancellation: safe."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Note that the library is done; the socket is closed by the connection.

        It closes because it failed a message itself: text that is not UTF-8.

        Cancellation: safe.
        """
        self._library_done = True
        failed = self._ws.closed if self._ws else None
        utf8 = failed is not None and failed.code == Ending.BAD_UTF8.code
        self.outlet.finish(Ending.BAD_UTF8 if utf8 else Ending.PROTOCOL)
        self.closing.ignore_peer()
        await trio.lowlevel.checkpoint()

    # --- reading ------------------------------------------------------------

    async def _receive(self) -> bytes:
        intake, outlet, scanner = self.intake, self.outlet, self.intake.scanner
        while outlet.ending is None and not self._library_done:
            if self._slow:
                await self._take_slow()
                continue
            if outlet.outbox.degraded or intake.is_full or self._ws is None:
                await self._hold()
                continue
            if scanner.spent:
                data = await self._read()
                if not data:
                    await self._settle()
                    outlet.finish(Ending.PEER_LOST)
                    break
                if wait := intake.byte_bucket.take(self.beat.last, len(data)):
                    await self._pause(intake.byte_bucket, len(data), wait)
                scanner.feed(data, self.beat.last)
                continue
            found = scanner.next(intake.may_take(TURN_MESSAGES))
            if found is None:
                continue
            lane, messages = found
            data = messages[0]
            if lane is Lane.TEXT:
                if wait := intake.command_bucket.take(scanner.now, len(messages)):
                    await self._pause(intake.command_bucket, len(messages), wait)
                self._hand_over(messages)
                await self._take_turn(len(messages))
            elif lane is Lane.BROKEN:
                assert scanner.broken is not None
                outlet.finish(scanner.broken)
            elif lane is Lane.CLOSE:
                await self._settle()
                self.closing.peer_closed(data)
            else:
                self._slow = lane is Lane.PASS_LAST
                await self._take_turn(SLOW_COUNTS)
                return data
        return await self._read_out()

    async def _take_turn(self, count: int) -> None:
        """Let others have theirs after so many messages."""
        self._turn += count
        if self._turn >= TURN_MESSAGES:
            self._turn = 0
            await trio.lowlevel.checkpoint()

    def _hand_over(self, texts: Sequence[bytes]) -> None:
        """Give the host messages of the fast lane, unless it has finished."""
        outlet = self.outlet
        if outlet.ending is not None:
            return
        self.intake.opened(len(texts), sum(map(len, texts)))
        try:
            outlet.host.on_texts(outlet, texts)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            outlet.bug(error)

    async def _take_slow(self) -> None:
        """Take the message that the library has put together."""
        self._slow = False
        intake, outlet = self.intake, self.outlet
        assert self._ws is not None
        try:
            message = await self._ws.get_message()
        except ConnectionClosed:
            # The library failed the message with its last frame.
            outlet.finish(Ending.PROTOCOL)
            return
        if wait := intake.command_bucket.take(trio.current_time()):
            await self._pause(intake.command_bucket, 1, wait)
        if outlet.finished:
            return
        is_text = isinstance(message, str)
        payload = message.encode() if isinstance(message, str) else message
        intake.opened(1, len(payload))
        try:
            outlet.host.on_slow(outlet, payload, is_text=is_text)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            outlet.bug(error)

    async def _hold(self) -> None:
        """Wait for a change; there is a reason not to read."""
        self.reading = False
        # Before it is counted, which may end the connection: that is a change, too.
        change = self.outlet.next_change()
        self.outlet.weigh_intake()
        await change.wait()
        self._read_again()

    async def _pause(self, bucket: Bucket, cost: int, wait_s: float) -> None:
        """Wait until a bucket has paid for what was read."""
        self.reading = False
        self.outlet.weigh_intake()
        while wait_s and not self.outlet.finished:
            with trio.move_on_after(max(wait_s, _PAUSE_S)):
                await self.outlet.wait_change()
            wait_s = bucket.take(trio.current_time(), cost)
        self._read_again()

    def _read_again(self) -> None:
        """Reading goes on: silence counts from now."""
        self.reading = True
        self.beat.heard(trio.current_time())

    async def _settle(self) -> None:
        """Wait until every open command is answered and the answers are out."""
        self.reading = False
        intake, outlet = self.intake, self.outlet
        with trio.move_on_after(SETTLE_S):
            while not outlet.finished and (
                intake.open_commands or outlet.outbox.waiting
            ):
                await outlet.wait_change()

    async def _read(self) -> bytes:
        """Read from the socket; `b""` is the end, a proper one or not (`lost`)."""
        data = b""
        try:
            while True:
                if self._drained:
                    self.outlet.weigh_intake()
                    await trio.lowlevel.wait_readable(self.sock)
                else:
                    self._reads += 1
                    if self._reads % _READS_MAX == 0:
                        await trio.lowlevel.checkpoint()
                try:
                    data = self.sock.recv(READ_BYTES)
                    break
                except BlockingIOError:
                    self._drained = True
        except (OSError, trio.ClosedResourceError):
            self.outlet.lose()
        if data:
            self.intake.bytes_in += len(data)
            self.beat.heard(trio.current_time())
            self._drained = len(data) < READ_BYTES
        else:
            self.closing.stop_waiting()
        return data

    async def _read_out(self) -> bytes:
        """Read and forget until the peer has ended; the last that the library gets."""
        closing, intake, scanner = self.closing, self.intake, self.intake.scanner
        while not closing.eof:
            while not closing.peer_done:
                found = scanner.next(TURN_MESSAGES)
                if found is None and not scanner.broken:
                    break
                if found is None or found[0] in (Lane.CLOSE, Lane.BROKEN):
                    closing.ignore_peer()
            if not self._drained:
                # One read a turn, and no faster than before: who is ended is no freer.
                await trio.sleep(intake.byte_bucket.wait(trio.current_time(), 0.0))
            data = await self._read()
            intake.byte_bucket.owe(len(data))
            if data and not closing.peer_done:
                scanner.feed(data, self.beat.last)
        return b""
