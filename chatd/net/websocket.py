"""The stream under the WebSocket library, with the fast lane in it.

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

After the end nothing is handed to the host or the library (`chatd.net.closing`).
Bytes are read and forgotten until the peer's close or end of file is seen: closing a
socket with unread bytes is a reset, and a reset destroys our last frames on their way.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

import attrs
import trio
import trio.abc
from trio_websocket import ConnectionClosed, WebSocketConnection

from chatd.core.quota import Bucket, full_bucket
from chatd.errors import Ending
from chatd.net.closing import ClosingSocket
from chatd.net.heartbeat import Heartbeat, Line
from chatd.net.scanner import Lane, Scanner
from chatd.net.socketout import reply_entry
from chatd.net.sockets import tcp_state, undelivered

READ_BYTES = 16_384
"""At most so much is scanned before other connections have their turn."""
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
class WebSocketStream(ClosingSocket, trio.abc.Stream):
    """One WebSocket connection: the stream, both lanes, the closing handshake."""

    head: bytes = attrs.field(repr=False)
    """The canonical request that the library reads first."""
    scanner: Scanner = attrs.field(repr=False)
    beat: Heartbeat = attrs.field(repr=False)
    due_at: int = attrs.field(default=-1, init=False)
    """The second under which `chatd.net.keepalive` keeps it; -1: none yet."""
    reading: bool = attrs.field(default=False, init=False)
    """Whether the peer's silence means anything."""
    bytes_in: int = attrs.field(default=0, init=False)
    messages_in: int = attrs.field(default=0, init=False)
    _bytes: Bucket = attrs.field(init=False, repr=False)
    _opened: bool = attrs.field(default=False, init=False)
    _slow: bool = attrs.field(default=False, init=False)
    """A message is in the library's queue."""
    _library_done: bool = attrs.field(default=False, init=False)
    _drained: bool = attrs.field(default=False, init=False)
    """The last read took all there was; of the first nobody knows."""
    _reads: int = attrs.field(default=0, init=False)
    _turn: int = attrs.field(default=0, init=False)
    """Messages since others had their turn."""

    def __attrs_post_init__(self) -> None:
        """Make what follows from the limits."""
        super().__attrs_post_init__()
        # Of less than one read could never be paid for.
        burst = max(READ_BYTES, self.limits.bytes_burst)
        self._bytes = full_bucket(self.limits.bytes_per_s, burst, self.scanner.now)

    # --- for the connection -------------------------------------------------

    def open(self, ws: WebSocketConnection) -> None:
        """Begin to read: the library has answered the handshake."""
        self.ws = ws
        self._opened = True
        self.notify()

    def has_unread(self) -> bool:
        """Whether the kernel has bytes, or an end, that were not read yet."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return not isinstance(error, BlockingIOError)
        return True

    def line(self) -> Line:
        """What is known of the way to the peer now."""
        box = self.outbox
        quiet_s, deaf_s = tcp_state(self.sock)
        return Line(
            self.bytes_out,
            self.bytes_out - undelivered(self.sock),
            queued=box.waiting > 0,
            ping_waits=box.ping_waits,
            pongs=self.scanner.pongs,
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
            self.stop_waiting()
            raise
        except Exception as error:  # noqa: BLE001 - nothing else leaves the stream
            self.bug(error)
            self.stop_waiting()
            return b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Push one of the library's frames; never waits for the peer.

        Cancellation: the frame has been pushed.
        """
        if not self._quiet:
            if self._opened:
                self.push_control(bytes(data))
            else:
                self._put(reply_entry(bytes(data)))
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: `send_all` never waits. Cancellation: safe."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Note that the library is done; the socket is closed by `close`.

        It closes because it failed a message itself: text that is not UTF-8.

        Cancellation: safe.
        """
        self._library_done = True
        failed = self.ws.closed if self.ws else None
        utf8 = failed is not None and failed.code == Ending.BAD_UTF8.code
        self.finish(Ending.BAD_UTF8 if utf8 else Ending.PROTOCOL)
        self._peer_done = True
        await trio.lowlevel.checkpoint()

    # --- reading ------------------------------------------------------------

    async def _receive(self) -> bytes:
        scanner = self.scanner
        while self.ending is None and not self._library_done:
            if self._slow:
                await self._take_slow()
                continue
            if self._must_hold():
                await self._wait_open()
                continue
            if scanner.spent:
                data = await self._read()
                if not data:
                    await self._settle()
                    self.finish(Ending.PEER_LOST)
                    break
                if wait := self._bytes.take(self.beat.last, len(data)):
                    await self._pause(self._bytes, len(data), wait)
                scanner.feed(data, self.beat.last)
                continue
            found = scanner.next(self._may_take())
            if found is None:
                continue
            lane, messages = found
            data = messages[0]
            if lane is Lane.TEXT:
                if wait := self._commands.take(scanner.now, len(messages)):
                    await self._pause(self._commands, len(messages), wait)
                self._hand_over(messages)
                await self._take_turn(len(messages))
            elif lane is Lane.BROKEN:
                assert scanner.broken is not None
                self.finish(scanner.broken)
            elif lane is Lane.CLOSE:
                await self._settle()
                self.peer_close = data
                self._peer_done = True
                self.finish(Ending.PEER_CLOSED)
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

    def _may_take(self) -> int:
        """How many messages may be handed over now: one at least, to wait with."""
        limits, most = self.limits, TURN_MESSAGES
        if limits.commands_per_s:
            most = self._commands.whole(self.scanner.now, most)
        if limits.inflight_max:
            most = min(most, limits.inflight_max - self.open_commands)
        return max(1, most)

    def _hand_over(self, texts: Sequence[bytes]) -> None:
        """Give the host messages of the fast lane, unless it has finished."""
        if self.ending is not None:
            return
        self.open_commands += len(texts)
        self.open_bytes += sum(map(len, texts))
        self.messages_in += len(texts)
        try:
            self.host.on_texts(self, texts)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            self.bug(error)

    async def _take_slow(self) -> None:
        """Take the message that the library has put together."""
        self._slow = False
        assert self.ws is not None
        try:
            message = await self.ws.get_message()
        except ConnectionClosed:
            # The library failed the message with its last frame.
            self.finish(Ending.PROTOCOL)
            return
        if wait := self._commands.take(trio.current_time()):
            await self._pause(self._commands, 1, wait)
        if self.finished:
            return
        is_text = isinstance(message, str)
        payload = message.encode() if isinstance(message, str) else message
        self.open_commands += 1
        self.open_bytes += len(payload)
        self.messages_in += 1
        try:
            self.host.on_slow(self, payload, is_text=is_text)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            self.bug(error)

    def _must_hold(self) -> bool:
        """Whether there is a reason not to read."""
        limits = self.limits
        return (
            self.outbox.degraded
            or 0 < limits.inflight_max <= self.open_commands
            or 0 < limits.frame_bytes <= self.open_bytes
            or self._held
            or not self._opened
        )

    async def _wait_open(self) -> None:
        """Wait until there is no reason not to read."""
        self.reading = False
        self._note_kept()
        while self._must_hold() and not self.finished:
            await self.wait_change()
        self._read_again()

    async def _pause(self, bucket: Bucket, cost: int, wait_s: float) -> None:
        """Wait until a bucket has paid for what was read."""
        self.reading = False
        self._note_kept()
        while wait_s and not self.finished:
            with trio.move_on_after(max(wait_s, _PAUSE_S)):
                await self.wait_change()
            wait_s = bucket.take(trio.current_time(), cost)
        self._read_again()

    def _note_kept(self) -> None:
        """Have counted what is kept of what came, before it waits for more."""
        kept = self.scanner.kept + self.open_bytes
        if kept != self._kept:
            self._kept = kept
            self._weigh()

    def shed(self) -> None:
        """Hold less; at the end also nothing of what came, which is scanned no more."""
        super().shed()
        if self._written_off:
            self.scanner.forget()

    def _read_again(self) -> None:
        """Reading goes on: silence counts from now."""
        self.reading = True
        self.beat.heard(trio.current_time())

    async def _settle(self) -> None:
        """Wait until every open command is answered and the answers are out."""
        self.reading = False
        with trio.move_on_after(SETTLE_S):
            while not self.finished and (self.open_commands or self.outbox.waiting):
                await self.wait_change()

    async def _read(self) -> bytes:
        """Read from the socket; `b""` is the end, a proper one or not (`lost`)."""
        data = b""
        try:
            while True:
                if self._drained:
                    self._note_kept()
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
            self.lose()
        if data:
            self.bytes_in += len(data)
            self.beat.heard(trio.current_time())
            self._drained = len(data) < READ_BYTES
        else:
            self._eof = self._peer_done = True
            self.notify()
        return data

    async def _read_out(self) -> bytes:
        """Read and forget until the peer has ended; the last that the library gets."""
        scanner = self.scanner
        while not self._eof:
            while not self._peer_done:
                found = scanner.next(TURN_MESSAGES)
                if found is None and not scanner.broken:
                    break
                if found is None or found[0] in (Lane.CLOSE, Lane.BROKEN):
                    self._peer_done = True
            self.notify()
            if not self._drained:
                # One read a turn, and no faster than before: who is ended is no freer.
                await trio.sleep(self._bytes.wait(trio.current_time(), 0.0))
            data = await self._read()
            self._bytes.owe(len(data))
            if data and not self._peer_done:
                scanner.feed(data, self.beat.last)
        return b""
