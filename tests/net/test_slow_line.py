"""A peer on a bad line is kept for as long as it makes progress, and no longer.

The line gives so many bytes a second, in virtual time; whoever is behind it answers
each ping when he comes to it. Real kernels, TCP with real windows, and clients that
are not ours are in `tests/live/test_slow.py`.
"""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing

from chatd.errors import Ending
from chatd.ids import RoomName
from chatd.net.host import WebSocketLimits
from chatd.ports import Entry, EntryKind
from chatd.wire import framing
from tests.net.echo import EchoHost, Peer, closing, connected, masked, reply

LINE_BYTES_PER_S = 4000
LIMITS = WebSocketLimits(commands_per_s=0, bytes_per_s=0)
LOBBY = RoomName("lobby")
transports = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


@attrs.define
class Reader:
    """Somebody at the end of a line, who reads frames and answers pings."""

    peer: Peer
    messages: int = 0
    pings: int = 0
    _at: int = 0

    async def read(self) -> None:
        """Take what the line gives in a second, and answer the pings in it."""
        sock = self.peer.secret or self.peer.sock
        with trio.move_on_after(1):
            data = await sock.recv(LINE_BYTES_PER_S)
            self.peer.seen += data
            await trio.sleep_forever()
        while (end := self._end()) is not None:
            if self.peer.seen[self._at] & 15 == framing.PING:
                self.pings += 1
                await self.peer.send(masked(0x8A))
            else:
                self.messages += 1
            self._at = end

    def _end(self) -> int | None:
        """Where the next frame ends, if it is all there."""
        seen, at = self.peer.seen, self._at
        if len(seen) < at + 10:
            return at + 2 if seen[at : at + 2] == framing.ping_frame() else None
        end = at + framing.frame_end(seen[at:], 0)
        return end if end <= len(seen) else None


def page(size: int = 250_000) -> Entry:
    """A page of history: one frame."""
    return reply(framing.text_frame(b"h" * size))


def events(first: int, last: int) -> Entry:
    """Events of a room, or a page of a replay: many frames in one entry."""
    frame = framing.text_frame(b"e" * 1000)
    data = frame * (last - first + 1)
    return Entry(LOBBY, first, last, EntryKind.REPLAY, data)


@transports
async def test_a_page_of_history_takes_its_minute(
    autojump_clock: trio.testing.MockClock, tls: bool
) -> None:
    """And whoever has read it lives on; he was asked, and answered."""
    host = EchoHost()
    async with connected(host, LIMITS, tls=tls) as peer:
        reader, (stream,) = Reader(peer), host.outlets
        for _ in range(3):
            before, started = reader.messages, trio.current_time()
            stream.push(page())
            while reader.messages == before:
                await reader.read()
            assert trio.current_time() - started > 60
            for _ in range(40):
                await reader.read()
        assert not stream.finished
        assert reader.pings >= 3
        await peer.send(closing())
        await peer.rest()


@transports
async def test_a_replay_and_a_busy_room_are_taken_for_as_long_as_they_last(
    autojump_clock: trio.testing.MockClock, tls: bool
) -> None:
    """A quarter of an hour, in which the line is never free."""
    host = EchoHost()
    async with connected(host, LIMITS, tls=tls) as peer:
        reader, (stream,) = Reader(peer), host.outlets
        for _ in range(15 * 60):
            while stream.outbox.low:
                stream.push(events(1, 60))
            await reader.read()
        assert not stream.finished
        assert len(peer.seen) > 0.9 * 15 * 60 * LINE_BYTES_PER_S
        await peer.send(closing())
        stream.outbox.drop_all()
        await peer.rest()


@transports
async def test_a_ping_overtakes_what_waits(
    autojump_clock: trio.testing.MockClock, tls: bool
) -> None:
    """It comes behind what the kernel has and the frame that has begun."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=4096, tls=tls) as peer:
        reader, (stream,) = Reader(peer), host.outlets
        stream.push(events(1, 100))
        stream.push(page(100_000))
        stream.push_control(framing.ping_frame())
        while not reader.pings:
            await reader.read()
        assert reader.messages < 40
        await peer.send(closing())
        await peer.rest()


@transports
async def test_a_reader_who_stops_is_ended_in_the_time_of_a_stalled_write(
    autojump_clock: trio.testing.MockClock, tls: bool
) -> None:
    """Whether what he does not take waits here, or all of it in the kernel."""
    for size in (2000, 400_000):
        host = EchoHost()
        async with connected(host, LIMITS, tls=tls) as peer:
            (stream,) = host.outlets
            stream.push(page(size))
            started = trio.current_time()
            while not stream.finished:
                await stream.wait_change()
            assert trio.current_time() - started <= 25 + 60 + 2
            assert stream.ending in (Ending.SLOW, Ending.NO_PONG)
            assert bool(stream.outbox.waiting) is (stream.ending is Ending.SLOW)
            await peer.rest()


@transports
async def test_who_reads_all_and_answers_nothing_is_ended_in_time(
    autojump_clock: trio.testing.MockClock, tls: bool
) -> None:
    """In interval and timeout, and the time in which a slow one would have read."""
    host = EchoHost()
    async with connected(host, LIMITS, tls=tls) as peer:
        (stream,) = host.outlets
        stream.push(page(20_480))
        started = trio.current_time()
        await peer.rest()
        assert 45 <= trio.current_time() - started <= 47
    assert host.ending is Ending.NO_PONG
