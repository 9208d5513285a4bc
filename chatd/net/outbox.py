"""What waits for one connection: entries, bytes, limits and gaps. Pure.

An entry is one or more whole frames. It leaves whole, in the order in which it
came, or not at all; once a byte of it may have been sent it is never dropped, so that
the peer's framing stays true whatever happens. Only pings and pongs go before others:
before all that has not begun, and where an entry has begun behind the frame of it that
has. So they wait for one frame at most, and not for a page of history.

There are two modes. Below the soft limit everything waits. The entry that
crosses it makes the outbox **degraded**: room events that wait unsent become one gap
per room, ephemeral ones are dropped and their room is noted in `ephemeral_dropped`, and
both stay so for whatever comes while it is degraded. Replies and replays are never
dropped and never cause a gap; they alone can reach the hard limit. Once progress
has left less than half of the soft limit waiting, it is no longer degraded: gaps
become frames at the end of the queue, and delivery goes on behind them.

A gap frame that waits is itself a room entry, covering what it tells of; when
the outbox is degraded again it merges into the next gap, so at most one waits.

Invariants: nothing waiting means not degraded and no gap; per room, what leaves
covers every seq that was added, in order, by an event or by a gap.
Source: protocol section 8.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import attrs

from chatd.ids import RoomName
from chatd.ports import Entry, EntryKind
from chatd.wire.framing import frame_end

MakeGap = Callable[[RoomName, int, int], bytes]
"""Makes the frame that tells that `have` + 1 to `seq` of a room were not sent."""

LOW_UNLIMITED_BYTES = 65_536
"""What counts as low where there is no soft limit: a replay needs some measure."""
_CHUNK_BYTES = 65_536
"""Small entries are joined into writes of about this size."""


@attrs.define
class _Gap:
    have: int
    seq: int


@attrs.define
class Outbox:
    """The queue of one connection.

    Invariants: `waiting` is the sum of what is unsent; only the first entry may
    be begun; control frames stand behind it and before all others.
    """

    soft_bytes: int
    """Above it the connection is degraded; 0 is no limit."""
    hard_bytes: int
    """Above it the connection is too slow; 0 is no limit."""
    make_gap: MakeGap
    waiting: int = 0
    """Bytes that were not sent yet."""
    degraded: bool = False
    """Whether the soft limit was crossed and not half of it is free since."""
    ephemeral_dropped: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms of which an ephemeral entry was dropped."""
    # A list, though entries leave at its front: an empty deque takes 700 bytes, and
    # that for every connection that nothing ever waits for.
    _entries: list[Entry] = attrs.field(factory=list, init=False)
    _sent: int = attrs.field(default=0, init=False)
    """How much of the first entry has left."""
    _begun: bool = attrs.field(default=False, init=False)
    """Whether some of it may have left: of what TLS has encrypted its first byte, at
    least, is as good as sent."""
    _gaps: dict[RoomName, _Gap] = attrs.field(factory=dict, init=False)

    @property
    def low(self) -> bool:
        """Whether less than half of the soft limit waits."""
        return self.waiting * 2 < (self.soft_bytes or LOW_UNLIMITED_BYTES)

    @property
    def overflown(self) -> bool:
        """Whether more waits than any limit allows."""
        return 0 < self.hard_bytes < self.waiting

    @property
    def ping_waits(self) -> bool:
        """Whether a ping or a pong waits."""
        first = self._entries[: 1 + self._begun]
        return any(entry.kind is EntryKind.CONTROL for entry in first)

    def add(self, entry: Entry, sent: int = 0, *, begun: bool = False) -> None:
        """Keep an entry, of which the first `sent` bytes have left already.

        Where the outbox is degraded, a room entry becomes a gap and an ephemeral one is
        dropped.

        Args:
            entry: What is to leave.
            sent: More than 0 only where nothing else waits.
            begun: Whether some of it may have left also if that is not counted in
                `sent`; likewise.
        """
        begun = begun or sent > 0
        if self.degraded and not begun and self._skip(entry):
            return
        if begun:
            self._sent, self._begun = sent, True
        if entry.kind is EntryKind.CONTROL:
            self._entries.insert(self._place(), entry)
        else:
            self._entries.append(entry)
        self.waiting += len(entry.data) - sent
        if 0 < self.soft_bytes < self.waiting and not self.degraded:
            self.degraded = True
            self._sift(self._skip)
            if not self.waiting:
                # No progress would ever end it: everything became a gap.
                self._recover()

    def chunk(self) -> bytes | memoryview:
        """The next bytes to write; something must wait."""
        entries = self._entries
        first: bytes | memoryview = entries[0].data
        if self._sent:
            first = memoryview(first)[self._sent :]
        size = len(first)
        if len(entries) == 1 or size >= _CHUNK_BYTES:
            return first
        parts = [first]
        for entry in islice(entries, 1, None):
            parts.append(entry.data)
            size += len(entry.data)
            if size >= _CHUNK_BYTES:
                break
        return b"".join(parts)

    def progress(self, count: int, *, begun: bool = False) -> None:
        """Forget the first `count` bytes: the socket has taken them.

        Args:
            count: How many.
            begun: Whether it may have taken some of the next one, too.
        """
        self.waiting -= count
        count += self._sent
        entries, done = self._entries, 0
        while done < len(entries) and count >= len(entries[done].data):
            count -= len(entries[done].data)
            done += 1
        del entries[:done]
        self._sent = count
        self._begun = count > 0 or (begun and self.waiting > 0)
        self._recover()

    def degrade(self) -> bool:
        """Let what may become a gap become one now, whatever the limits.

        Returns:
            Whether less waits by that.
        """
        before, self.degraded = self.waiting, True
        self._sift(self._skip)
        self._recover()
        return self.waiting < before

    def abandon(self) -> None:
        """Forget everything that waits, except what was begun."""
        self._gaps.clear()
        self._sift(lambda _: True)
        self._recover()

    def drop_room(self, room: RoomName) -> None:
        """Forget what waits of a room and its gap; replies stay."""
        self._gaps.pop(room, None)
        self._sift(lambda e: e.room == room and e.kind is not EntryKind.REPLY)
        self._recover()

    def rename_room(self, room: RoomName, name: RoomName) -> None:
        """Know what waits of a room by another name; its bytes stay as they are."""
        for known in (self._gaps, self.ephemeral_dropped):
            if room in known:
                known[name] = known.pop(room)  # type: ignore[assignment]
        self._entries = [
            attrs.evolve(entry, room=name) if entry.room == room else entry
            for entry in self._entries
        ]

    def drop_all(self) -> None:
        """Forget everything that waits, except replies and what was begun."""
        self._gaps.clear()
        self._sift(lambda e: e.kind is not EntryKind.REPLY)
        self._recover()

    def _skip(self, entry: Entry) -> bool:
        """Drop an entry for a degraded connection, if its kind may be."""
        room = entry.room
        if room is None:
            return False
        if entry.kind is EntryKind.EPHEMERAL:
            self.ephemeral_dropped[room] = None
            return True
        if entry.kind is not EntryKind.ROOM:
            return False
        gap = self._gaps.get(room)
        if gap is None:
            self._gaps[room] = _Gap(entry.first_seq - 1, entry.last_seq)
        else:
            gap.seq = entry.last_seq
        return True

    def _sift(self, dropped: Callable[[Entry], bool]) -> None:
        """Drop the waiting entries for which `dropped` says so, never a begun one."""
        begun = int(self._begun)
        kept = self._entries[:begun]
        kept += [entry for entry in self._entries[begun:] if not dropped(entry)]
        self._entries = kept
        self.waiting = sum(len(entry.data) for entry in kept) - self._sent

    def _place(self) -> int:
        """Where a control frame goes: behind the frame that has begun, and others."""
        entries, place = self._entries, 0
        if self._begun and len(entries) > 0:
            first, place = entries[0], 1
            end = frame_end(first.data, self._sent)
            if end < len(first.data):
                # What it tells of can become no gap any more, so it stays.
                rest = Entry(None, 0, 0, EntryKind.REPLY, first.data[end:])
                entries[0] = attrs.evolve(first, data=first.data[:end])
                entries.insert(1, rest)
        while place < len(entries) and entries[place].kind is EntryKind.CONTROL:
            place += 1
        return place

    def _recover(self) -> None:
        """End being degraded once enough has left: gaps leave now."""
        if not (self.degraded and self.low):
            return
        self.degraded = False
        for room, gap in self._gaps.items():
            frame = self.make_gap(room, gap.have, gap.seq)
            entry = Entry(room, gap.have + 1, gap.seq, EntryKind.ROOM, frame)
            self._entries.append(entry)
            self.waiting += len(frame)
        self._gaps.clear()
