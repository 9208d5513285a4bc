"""What goes wrong in a cluster: each fault begins, lasts, and is over.

A fault is a function of the cluster; it returns when all is as before, but for what it
is about. Moments and nodes are drawn from a seeded `Random`.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Awaitable, Callable

import trio

from tests.cluster.nodes import Cluster, Node

Fault = Callable[[Cluster, random.Random], Awaitable[None]]

BEYOND_LEASE_S = 11.5
"""Longer than a node's lease (10 s)."""


def any_node(cluster: Cluster, chance: random.Random) -> Node:
    """One of the nodes."""
    return chance.choice(list(cluster.nodes))


async def a_while(chance: random.Random, most_s: float = 1.0) -> None:
    """Let people talk for a while."""
    await trio.sleep(chance.uniform(0.1, most_s))


async def kill_each(cluster: Cluster, chance: random.Random) -> None:
    """Each node is killed in turn, and comes back."""
    for node in cluster.nodes:
        await a_while(chance)
        await node.kill()
        await a_while(chance)
        await node.start()


async def roll(cluster: Cluster, chance: random.Random) -> None:
    """Each node is ended in order and started again, as an upgrade does."""
    for node in cluster.nodes:
        await a_while(chance)
        await node.end()
        await node.start()


async def stop_beyond_lease(cluster: Cluster, chance: random.Random) -> None:
    """A node is stopped for longer than its lease, and goes on; it ends, then."""
    node = any_node(cluster, chance)
    assert node.daemon is not None
    await node.daemon.stop()
    await trio.sleep(BEYOND_LEASE_S)
    node.daemon.is_doomed = True
    node.daemon.signal(signal.SIGCONT)
    assert await node.daemon.wait() == 75, node.daemon.log_text()
    await node.start()


async def stop_shortly(cluster: Cluster, chance: random.Random) -> None:
    """A node is stopped for less than its lease, and goes on."""
    node = any_node(cluster, chance)
    assert node.daemon is not None
    await node.daemon.stop()
    await trio.sleep(chance.uniform(0.5, 3))
    node.daemon.signal(signal.SIGCONT)


async def kill_bus(cluster: Cluster, chance: random.Random) -> None:
    """The bus is killed and comes back empty, some times."""
    for _ in range(3):
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.valkey.stop)
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.valkey.start)


async def freeze_bus(cluster: Cluster, chance: random.Random) -> None:
    """The bus stands still for longer than anybody waits for it."""
    cluster.valkey.send(signal.SIGSTOP)
    await trio.sleep(chance.uniform(1, 4))
    cluster.valkey.send(signal.SIGCONT)


async def cut_bus_one_way(cluster: Cluster, chance: random.Random) -> None:
    """What goes to the bus, or what comes from it, is lost for one node."""
    relay, there = any_node(cluster, chance).bus, chance.random() < 0.5
    relay.hold(there=there, back=not there)
    await trio.sleep(chance.uniform(1, 4))
    relay.cut()
    relay.release()


async def part_from_bus(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches the database, and not the bus."""
    relay = any_node(cluster, chance).bus
    relay.cut()
    await trio.sleep(chance.uniform(1, 4))
    relay.release()


async def part_from_database(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches the bus, and not the database."""
    relay = any_node(cluster, chance).database
    relay.hold()
    await trio.sleep(chance.uniform(1, 4))
    relay.release()


async def part_from_both(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches nobody."""
    node = any_node(cluster, chance)
    node.database.hold()
    node.bus.hold()
    await trio.sleep(chance.uniform(1, 4))
    node.database.release()
    node.bus.release()


async def restart_database(cluster: Cluster, chance: random.Random) -> None:
    """PostgreSQL is restarted, and then killed with its connections."""
    for how in (signal.SIGINT, signal.SIGQUIT):
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.server.stop, how)
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.server.start)


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *(kill_each, roll, stop_beyond_lease, stop_shortly),
        *(kill_bus, freeze_bus, cut_bus_one_way),
        *(part_from_bus, part_from_database, part_from_both, restart_database),
    )
}
"""All of them, by name."""
