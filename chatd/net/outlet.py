"""The outgoing side of one connection: a direct send, else outbox and writer task.

`push` tries one `send` where nothing waits (3.4 µs; awaiting costs 10 to 15).
What the kernel does not take waits in the outbox and wakes the writer task (`write`),
which writes when the socket is writable. It parks in a cancel scope with a deadline. A
push that had to wait cancels that scope; it loses nothing, because the outbox keeps its
place. All that depends on time is judged in `_judge`, which is synchronous.

`finish` is the one way to end. It is synchronous, the first reason wins, and from
that moment nothing is pushed any more; the writer task wakes up and the connection
is taken down in one place (`chatd.net.connection`).

There is one event for all tasks that wait for a change of this connection: the reader
that is held, a replay, the closing handshake. Each looks again at what it waits for; an
event for each would cost memory in every connection.

This side knows nothing of the one that reads but its `Intake`: it passes on what the
host says of that, and counts for both what the connection holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import attrs
import trio

from chatd.core.observations import Traffic
from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName
from chatd.net.budget import Budget
from chatd.net.host import Host, WebSocketLimits
from chatd.net.intake import Intake
from chatd.net.outbox import Outbox
from chatd.net.sockets import PeerSocket, undelivered
from chatd.ports import Dialect, Entry, EntryKind

_WRITES_MAX = 16
"""Writes of 64 KiB in a row before others have their turn."""


def reply_entry(data: bytes) -> Entry:
    """An entry for one connection alone: a control frame, a bye."""
    return Entry(None, 0, 0, EntryKind.REPLY, data)


@attrs.define(eq=False, kw_only=True)
class SocketOutlet:
    """The `Outlet` of a socket, and the `Holder` of what its connection holds.

    Invariants: `ending` is set once; nothing is pushed after it but by `push_last`;
    `_progress_at` has a meaning only while something waits.
    """

    sock: PeerSocket = attrs.field(repr=False)
    id: ConnectionId
    address: str
    bearer: str | None = attrs.field(default=None, repr=False)
    host: Host = attrs.field(repr=False)
    dialect: Dialect = attrs.field(repr=False)
    limits: WebSocketLimits = attrs.field(repr=False)
    intake: Intake = attrs.field(repr=False)
    """What has come, of which the host says when it is answered."""
    budget: Budget = attrs.field(factory=Budget, repr=False)
    """Of what all connections hold."""
    held: int = attrs.field(default=0, init=False)
    """What this one holds, as the budget knows it."""
    outbox: Outbox = attrs.field(init=False, repr=False)
    ending: Ending | None = attrs.field(default=None, init=False)
    after_s: float | None = attrs.field(default=None, init=False)
    lost: bool = attrs.field(default=False, init=False)
    """The transport is gone: nothing can be sent or received."""
    bytes_out: int = attrs.field(default=0, init=False)
    _progress_at: float = attrs.field(default=0.0, init=False)
    """When the peer was last seen to take something of what waits."""
    _taken: int = attrs.field(default=0, init=False)
    """How much it had acknowledged then."""
    _kept: int = attrs.field(default=0, init=False)
    """What is held of what came in, as `weigh_intake` has seen it last."""
    _written_off: bool = attrs.field(default=False, init=False)
    """It holds nothing any more that is worth counting."""
    _parked: trio.CancelScope | None = attrs.field(default=None, init=False, repr=False)
    """Where the writer task sleeps; cancelling it wakes the task and loses nothing."""
    _quiet: bool = attrs.field(default=False, init=False)
    """Nothing may be pushed: it has its ending."""
    _changed: trio.Event | None = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make the outbox."""
        limits = self.limits
        soft, hard = limits.outbox_soft_bytes, limits.outbox_hard_bytes
        self.outbox = Outbox(soft, hard, self._gap)

    @property
    def finished(self) -> bool:
        """Whether it has its ending."""
        return self.ending is not None

    @property
    def ephemeral_dropped(self) -> dict[RoomName, None]:
        """Rooms of which an ephemeral entry was dropped; the host clears it."""
        return self.outbox.ephemeral_dropped

    def traffic(self) -> Traffic:
        """Look at what it has moved, and what it has not."""
        waiting = self.outbox.waiting
        lag_s = trio.current_time() - self._progress_at if waiting else 0.0
        return Traffic(
            self.address,
            self.intake.messages_in,
            self.intake.bytes_in,
            self.bytes_out,
            waiting + undelivered(self.sock),
            round(lag_s, 1),
        )

    def push(self, entry: Entry) -> None:
        """Send at once what the socket takes; keep the rest."""
        if self._quiet:
            return
        if self.outbox.waiting:
            self._queue(entry, 0)
            return
        sent = self._send(entry.data)
        if sent < len(entry.data):
            self._queue(entry, sent)

    def push_all(self, entries: Sequence[Entry]) -> None:
        """Send several entries, in order, in one write if the socket takes it."""
        if self._quiet:
            return
        sent = 0
        if not self.outbox.waiting:
            data = b"".join([entry.data for entry in entries])
            sent = self._send(data)
            if sent == len(data):
                return
        begun = sent > 0
        for entry in entries:
            length = len(entry.data)
            if sent >= length:
                sent -= length
            elif not self._quiet:
                self._queue(entry, sent, begun=begun)
                sent, begun = 0, False

    def push_control(self, frame: bytes) -> None:
        """Send a ping or a pong, before what waits and has not begun."""
        self.push(Entry(None, 0, 0, EntryKind.CONTROL, frame))

    def push_last(self, entry: Entry) -> None:
        """Push a frame of the closing handshake: it alone may, after the ending."""
        self._quiet = False
        self.push(entry)
        self._quiet = True

    def drop_room(self, room: RoomName) -> None:
        """Forget what waits of a room, except an entry that was begun."""
        self.outbox.drop_room(room)
        self._weigh()
        self.notify()

    def rename_room(self, room: RoomName, name: RoomName) -> None:
        """Know what waits of a room by another name of it."""
        self.outbox.rename_room(room, name)

    def answered(self) -> None:
        """One message that was handed over has had all its replies pushed."""
        self.intake.answered()
        if self._changed is not None:
            self.notify()

    def charge(self, cost: float) -> None:
        """Count `cost` more commands; reading waits until they are paid for."""
        self.intake.command_bucket.owe(cost)

    def hold(self) -> None:
        """Read no further; for a drain."""
        self.intake.is_held = True

    def finish(self, ending: Ending, after_s: float | None = None) -> None:
        """End the connection; the first reason wins. `after_s` goes into bye."""
        if self.ending is None:
            self.ending = ending
            self.after_s = after_s
            self._quiet = True
            self._wake()
            self.notify()

    async def wait_low(self) -> bool:
        """Wait until less than half of the soft limit waits unsent.

        Returns:
            False if the connection has finished instead.

        Cancellation: safe.
        """
        await trio.lowlevel.checkpoint()
        while not self.finished:
            if self.outbox.low:
                return True
            await self.wait_change()
        return False

    async def write(self) -> None:
        """Write what waits until the connection has its ending: the writer task.

        Cancellation: safe.
        """
        while not self.finished:
            deadline = self._judge(trio.current_time())
            if self.finished:
                break
            with trio.CancelScope(deadline=deadline) as scope:
                self._parked = scope
                if self.outbox.waiting:
                    await trio.lowlevel.wait_writable(self.sock)
                else:
                    await trio.sleep_forever()
            self._parked = None
            self.flush()

    async def write_all(self) -> None:
        """Write all that waits, after the ending, unless the transport fails.

        Cancellation: some of it is not sent.
        """
        while self.outbox.waiting and not self.lost:
            await trio.lowlevel.wait_writable(self.sock)
            self.flush()

    def flush(self) -> None:
        """Write what the socket takes now of what waits."""
        box = self.outbox
        for _ in range(_WRITES_MAX):
            if not box.waiting or self.lost:
                break
            chunk = box.chunk()
            sent = self._send(chunk)
            if sent:
                box.progress(sent, begun=sent < len(chunk))
                self._progress_at = trio.current_time()
            if sent < len(chunk):
                break
        self._weigh()
        self.notify()

    def drop_all(self) -> None:
        """Forget what waits, except replies and what was begun."""
        self.outbox.drop_all()
        self._weigh()

    def weigh_intake(self) -> None:
        """Have counted what is held of what came; before the reader waits for more."""
        kept = self.intake.kept
        if kept != self._kept:
            self._kept = kept
            self._weigh()

    def shed(self) -> None:
        """Hold less: events become gaps; where there are none left it is the end.

        Then it counts for nothing any more: the rest of what was begun, and the
        bye and the close frame, are there for some seconds only.
        """
        if self.finished or not self.outbox.degrade():
            incoming = self._kept > self.outbox.waiting
            self.finish(Ending.OVERLOADED if incoming else Ending.SLOW)
            self.outbox.abandon()
            self.intake.forget()
            self._written_off = True
        self._weigh()
        self.notify()

    def notify(self) -> None:
        """Wake the tasks that wait for a change, so that they look again."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def next_change(self) -> trio.Event:
        """What the next `notify` sets."""
        if self._changed is None:
            self._changed = trio.Event()
        return self._changed

    async def wait_change(self) -> None:
        """Wait for the next `notify`. Cancellation: safe."""
        await self.next_change().wait()

    def lose(self) -> None:
        """The transport has failed."""
        self.lost = True
        self.finish(Ending.PEER_LOST)
        self.notify()

    def bug(self, error: Exception) -> None:
        """Report a bug of the host or the library, and end the connection."""
        self.host.bug(self, error)
        self.finish(Ending.BUG)

    def close(self) -> None:
        """Close the socket, which holds nothing then that counts."""
        trio.lowlevel.notify_closing(self.sock)
        self.sock.close()
        self._written_off = True
        self._weigh()
        # It refers to this object, which would be a cycle.
        self.outbox.make_gap = self.dialect.gap

    def _judge(self, now: float) -> float:
        """End a connection that takes nothing, and say when to look again.

        What its side acknowledges is taken, also while the kernel has no room for more.
        """
        if not self.outbox.waiting or not self.limits.write_timeout_s:
            return inf
        taken = self.bytes_out - undelivered(self.sock)
        if taken > self._taken:
            self._taken = taken
            self._progress_at = now
        stuck_at = self._progress_at + self.limits.write_timeout_s
        if now >= stuck_at:
            self.finish(Ending.SLOW)
        return stuck_at

    def _wake(self) -> None:
        """Let the writer task look again."""
        if self._parked is not None:
            self._parked.cancel()

    def _send(self, data: bytes | memoryview) -> int:
        """Give the kernel what it takes."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.lose()
            return 0
        self.bytes_out += sent
        return sent

    def _queue(self, entry: Entry, sent: int, *, begun: bool = False) -> None:
        """Keep an entry of which `sent` bytes have left."""
        box = self.outbox
        if not box.waiting:
            self._progress_at = trio.current_time()
            self._wake()
        box.add(entry, sent, begun=begun)
        if box.overflown:
            self.finish(Ending.SLOW)
        self._weigh()

    def _weigh(self) -> None:
        """Have counted what the connection holds now, if that has changed."""
        size = 0 if self._written_off else self.outbox.waiting + self._kept
        if size != self.held:
            self.budget.count(self, size)

    def _gap(self, room: RoomName, have: int, seq: int) -> bytes:
        try:
            self.host.gapped(self)
            return self.dialect.gap(room, have, seq)
        except Exception as error:  # noqa: BLE001 - the firewall of this call
            self.bug(error)
            return b""
