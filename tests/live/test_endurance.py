"""What is left behind by those who come and go, and what idling costs."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from tests.live.daemon import PATIENCE_S, Daemon, person, running

CYCLES = 1000
AT_ONCE = 20
IDLE_CLIENTS = 200
IDLE_S = 10.0

ROOMY = {
    "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": "0",
    "CHATD_LIMITS__CONNECTS_PER_S": "0",
    "CHATD_METRICS__LISTEN": '["127.0.0.1:0"]',
}


async def cycle(daemon: Daemon, count: int) -> None:
    """Connect, say hello, join, log out, so many times."""
    for _ in range(count):
        async with person(daemon.url) as who:
            await who.hello(name="ann")
            await who.ask(type="join", room="lobby")
            await who.ask(type="logout")
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await who.hear()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1000


async def cycles(daemon: Daemon, count: int) -> None:
    """Spread cycles over some people at once."""
    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(cycle, daemon, count // AT_ONCE)


async def gauges(daemon: Daemon) -> dict[str, float]:
    """Ask the daemon's own numbers."""
    return daemon.numbers(await daemon.get(daemon.metrics_port, "/metrics"))


async def gauges_at_rest(daemon: Daemon, tasks: float = inf) -> dict[str, float]:
    """Ask until nobody is connected and no more than so many tasks live.

    A connection is let go before its socket is closed, so the last ones may
    still be saying goodbye when their clients have heard it.
    """
    with trio.fail_after(PATIENCE_S):
        while True:
            found = await gauges(daemon)
            if found["chatd_connections"] == 0 and found["chatd_tasks"] <= tasks:
                return found
            await trio.sleep(0.05)


async def test_a_thousand_cycles_leave_nothing(tmp_path: Path) -> None:
    """Descriptors, connections, users and tasks are back where they were, and
    there is no line above info.
    """
    async with running(tmp_path / "data", env=ROOMY) as daemon:
        at_start = await gauges(daemon)
        await cycles(daemon, 2 * AT_ONCE)
        before = await gauges_at_rest(daemon, at_start["chatd_tasks"])
        descriptors = daemon.descriptors()
        await cycles(daemon, CYCLES)
        after = await gauges_at_rest(daemon, at_start["chatd_tasks"])
        for name in ("chatd_users_known", "chatd_sessions_held"):
            assert after[name] == before[name], name
        assert daemon.descriptors() == descriptors
        assert after["chatd_connection_bugs_total"] == 0
        ended = 'chatd_connections_ended_total{reason="logout"}'
        assert after[ended] - before[ended] == CYCLES
    levels = {line.split()[1] for line in daemon.log_text().splitlines()}
    assert levels == {"info"}


async def test_idling_costs_nothing(tmp_path: Path) -> None:
    """With 200 idle clients in a room, 10 s cost less than 1 % of a core."""
    async with running(tmp_path / "data", env=ROOMY) as daemon:
        async with trio.open_nursery() as nursery:

            async def idle(*, task_status: trio.TaskStatus[None]) -> None:
                async with person(daemon.url) as who:
                    await who.hello(name="ann")
                    await who.ask(type="join", room="lobby")
                    task_status.started()
                    await trio.sleep_forever()

            for _ in range(IDLE_CLIENTS):
                await nursery.start(idle)
            # Presence settles within two ticks of the last join.
            await trio.sleep(3)
            before = daemon.cpu_s()
            await trio.sleep(IDLE_S)
            spent = daemon.cpu_s() - before
            nursery.cancel_scope.cancel()
        assert spent < 0.01 * IDLE_S, f"{spent:.2f} s of {IDLE_S} s"
