from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from chatd.errors import Ending
from chatd.ids import RoomName
from chatd.net.budget import Budget
from chatd.net.outlet import SocketOutlet
from chatd.ports import Entry, EntryKind
from chatd.wire import framing
from tests.net.echo import FREE, closing, masked, reply, text
from tests.net.edge import Edge, edge

LOBBY = RoomName("lobby")
LIMITS = attrs.evolve(FREE, frame_bytes=65_536, outbox_hard_bytes=2**22)
idle = trio.testing.wait_all_tasks_blocked


@attrs.define(eq=False)
class Somebody:
    """Holds something, and sheds as much as it is told to."""

    budget: Budget
    sheds: Callable[[int], int] = lambda held: held
    held: int = 0
    asked: int = 0

    def shed(self) -> None:
        self.asked += 1
        self.budget.count(self, self.held - self.sheds(self.held))


def test_who_holds_most_sheds_first() -> None:
    """Until all together hold no more than they may; the others are not asked."""
    budget = Budget(1000)
    small, middle, large = (Somebody(budget) for _ in range(3))
    for holder, size in ((small, 10), (large, 700), (middle, 290)):
        budget.count(holder, size)
    assert budget.total == 1000
    budget.count(small, 11)
    assert (budget.total, large.asked, middle.asked, small.asked) == (301, 1, 0, 0)


def test_who_sheds_a_part_is_asked_again_while_he_holds_most() -> None:
    """And no longer; what he holds then may be as much as before of the others."""
    budget = Budget(1000)
    large = Somebody(budget, lambda _: 100)
    others = [Somebody(budget) for _ in range(4)]
    for other in others:
        budget.count(other, 130)
    budget.count(large, 900)
    assert (large.asked, large.held) == (5, 400)
    assert not any(other.asked for other in others)


def test_zero_is_no_limit() -> None:
    """It is counted, and nobody is asked."""
    budget = Budget()
    one = Somebody(budget)
    budget.count(one, 10**15)
    assert (budget.total, one.asked) == (10**15, 0)
    budget.count(one, 0)
    assert (budget.total, budget._classes) == (0, {})


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5000)), max_size=60),
    st.integers(1, 8000),
)
def test_all_together_never_hold_more(
    changes: list[tuple[int, int]], most: int
) -> None:
    """Whoever sheds holds at least half of what anybody does at that moment."""
    budget = Budget(most)
    people = [Somebody(budget, lambda held: max(1, held // 2)) for _ in range(6)]

    def judged(holder: Somebody) -> Callable[[int], int]:
        def sheds(held: int) -> int:
            assert 2 * held >= max(one.held for one in people)
            return max(1, held // 2)

        return sheds

    for one in people:
        one.sheds = judged(one)
    for number, size in changes:
        budget.count(people[number], size)
        assert budget.total == sum(one.held for one in people) <= most
        kept = [one for kind in budget._classes.values() for one in kind]
        assert set(kept) == {one for one in people if one.held}


# --- connections --------------------------------------------------------------


@asynccontextmanager
async def readers(server: Edge, count: int) -> AsyncIterator[list[SocketOutlet]]:
    """The server's ends of clients that read nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context((await server.upgraded()).sock)
        yield list(server.host.outlets[-count:])


def fill(stream: SocketOutlet, entry: Callable[[int], Entry], size: int) -> None:
    """Push until so many bytes wait; the kernel's buffers are full then."""
    number = 0
    while stream.outbox.waiting < size:
        number += 1
        stream.push(entry(number))


def event(seq: int) -> Entry:
    """An event of a room, of 10 KB."""
    frame = framing.text_frame(b"e" * 10_000)
    return Entry(LOBBY, seq, seq, EntryKind.ROOM, frame)


def page(_: int) -> Entry:
    """A reply of 10 KB."""
    return reply(framing.text_frame(b"p" * 10_000))


async def test_the_readers_with_the_most_get_gaps_and_the_others_all() -> None:
    """Without any limit of their own; nobody is ended."""
    async with edge(limits=LIMITS) as server, readers(server, 3) as streams:
        budget, (small, one, other) = server.listener.budget, streams
        budget.most = 1_000_000
        fill(small, event, 50_000)
        waits = small.outbox.waiting
        for seq in range(1, 1000):
            one.push(event(seq))
            other.push(event(seq))
            assert budget.total <= 1_000_000
        assert small.outbox.waiting == waits
        assert one.outbox.waiting + other.outbox.waiting > 300_000
        assert not any(stream.finished for stream in streams)
        one.finish(Ending.PEER_LOST)
        assert server.host.bugs == []


async def test_who_holds_most_of_what_cannot_be_dropped_is_ended() -> None:
    """As too slow, at once; what he held is free before his socket is closed."""
    async with edge(limits=LIMITS) as server, readers(server, 2) as streams:
        budget, (small, large) = server.listener.budget, streams
        budget.most = 1_000_000
        fill(small, page, 300_000)
        fill(large, page, 600_000)
        for _ in range(20):
            large.push(page(0))
        assert large.ending is Ending.SLOW
        assert budget.total == small.held == small.outbox.waiting
        assert large.outbox.waiting <= 20_000
        assert not small.finished


async def test_halves_of_messages_count_before_anybody_has_said_hello() -> None:
    """In one frame, in fragments, and of kinds that the library reads; who holds the
    most is told to come back later, and whoever sends little is heard.
    """
    async with edge(limits=LIMITS) as server:
        budget = server.listener.budget
        budget.most = 200_000
        halves = (
            text(b"x" * 60_000)[:-1],
            masked(0x82, b"x" * 50_000)[:-1],
            masked(0x01, b"x" * 30_000) + masked(0x00, b"y" * 20_000),
        )
        peers = [await server.upgraded() for _ in halves]
        for peer, data in zip(peers, halves, strict=True):
            await peer.send(data)
            await idle()
        assert 159_000 < budget.total < 161_000
        quiet, last = await server.upgraded(), await server.upgraded()
        await last.send(text(b"z" * 50_000)[:-1])
        await idle()
        endings = [stream.ending for stream in server.host.outlets]
        assert endings == [Ending.OVERLOADED, None, None, None, None]
        await quiet.send(text("hi"))
        assert await quiet.until(4) == framing.text_frame(b"hi")
        close = framing.close_frame(4005, "overloaded")
        assert await peers[0].until(len(close)) == close
        await peers[2].send(masked(0x80, b"."))
        await idle()
        assert len(server.host.heard[-1]) == 50_001
        for peer in (*peers, quiet, last):
            peer.sock.close()
        await idle()
        assert (budget.total, budget._classes) == (0, {})
        assert server.host.bugs == []


async def test_who_is_ended_while_nothing_of_his_is_read_is_read_out(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """His close is seen at once, and not the end of the time for closing waited for."""
    limits = attrs.evolve(LIMITS, inflight_max=1)
    async with edge(limits=limits) as server:
        server.host.lazy = True
        server.listener.budget.most = 10_000
        with (peer := await server.upgraded()).sock:
            started = trio.current_time()
            await peer.send(text(b"x" * 6000) + text(b"y" * 6000))
            await peer.rest()
            assert trio.current_time() - started < 1
        await idle()
        assert server.host.ending is Ending.OVERLOADED
        assert len(server.host.heard) == 1


async def test_what_is_open_is_bounded_in_bytes_too() -> None:
    """As much as one frame may have; the rest waits unread, in order."""
    async with edge(limits=LIMITS) as server:
        server.host.lazy = True
        peer = await server.upgraded()
        (stream,) = server.host.outlets
        bodies = [bytes([65 + n]) * 30_000 for n in range(8)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.send, b"".join(map(text, bodies)) + closing())
            for answered in range(8):
                await idle()
                assert len(server.host.heard) == min(8, answered + 3)
                assert server.listener.budget.total < 3 * 30_000 + 65_536
                stream.answered()
            await peer.rest()
        peer.sock.close()
        assert server.host.heard == bodies


@pytest.mark.parametrize("ending", [Ending.LOGOUT, Ending.RESTART, Ending.PEER_LOST])
async def test_nothing_is_counted_of_who_has_gone(
    autojump_clock: trio.testing.MockClock, ending: Ending
) -> None:
    """However it ended, and whatever waited then."""
    async with edge(limits=LIMITS) as server:
        with (await server.upgraded()).sock as sock:
            budget, (stream,) = server.listener.budget, server.host.outlets
            fill(stream, page, 100_000)
            fill(stream, event, 200_000)
            await sock.send(text(b"x" * 1000)[:-1])
            await idle()
            assert budget.total == stream.held > 200_000
            stream.finish(ending)
            await trio.sleep(2 * LIMITS.close_timeout_s)
            assert (budget.total, stream.held, budget._classes) == (0, 0, {})
