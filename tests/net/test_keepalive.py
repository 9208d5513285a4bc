from __future__ import annotations

import attrs
import trio
import trio.testing

from chatd.errors import Ending
from chatd.net.keepalive import KeepAliveScheduler
from tests.net.echo import FREE, Peer, closing, masked
from tests.net.edge import edge

LIMITS = attrs.evolve(FREE, heartbeat_interval_s=25.0, heartbeat_timeout_s=10.0)


def kept(keepalive: KeepAliveScheduler) -> int:
    """How many connections are kept, under how many seconds does not matter."""
    return sum(map(len, keepalive._due.values()))


async def test_one_task_beats_for_all(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Everybody is pinged; who answers lives, and who does not is ended."""
    async with edge(limits=LIMITS) as server:
        peers = [await server.upgraded() for _ in range(150)]
        keepalive = server.listener.keepalive
        assert kept(keepalive) == len(peers)
        alive, silent = peers[:100], peers[100:]
        for _ in range(3):
            for peer in alive:
                await peer.until(len(peer.seen) + 2)
                await peer.send(masked(0x8A))
        for peer in silent:
            await peer.rest()
            peer.sock.close()
        await trio.testing.wait_all_tasks_blocked()
        endings = [ending for ending, _ in server.host.endings]
        assert endings == [Ending.NO_PONG] * len(silent)
        assert kept(keepalive) == len(alive)
        for peer in alive:
            await peer.send(closing())
            await peer.rest()
            peer.sock.close()
        await trio.testing.wait_all_tasks_blocked()
        assert kept(keepalive) == 0


async def test_an_earlier_deadline_moves_the_alarm(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whoever comes last may be due first."""
    async with edge(limits=LIMITS) as server:
        moments: list[float] = [0.0, 1.0]
        server.listener.jitter = lambda: moments.pop(0)
        late, early = await server.upgraded(), await server.upgraded()
        started = trio.current_time()
        heard: list[tuple[Peer, float]] = []

        async def listen(peer: Peer) -> None:
            await peer.until(2)
            heard.append((peer, trio.current_time() - started))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, late)
            nursery.start_soon(listen, early)
        (first, soon), (second, later) = heard
        assert (first, second) == (early, late)
        assert 12 <= soon <= 14
        assert 25 <= later <= 26
        late.sock.close()
        early.sock.close()


async def test_an_interval_below_the_timeout_holds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Who answers is asked again after each interval, however long who does not has."""
    limits = attrs.evolve(LIMITS, heartbeat_interval_s=3.0)
    async with edge(limits=limits) as server:
        peer = await server.upgraded()
        started = trio.current_time()
        for _ in range(10):
            await peer.until(len(peer.seen) + 2)
            await peer.send(masked(0x8A))
        assert trio.current_time() - started <= 10 * (3 + 1)
        answered = trio.current_time()
        await peer.rest()
        assert 3 + 10 <= trio.current_time() - answered <= 4 + 11
        peer.sock.close()
