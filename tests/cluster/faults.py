"""What goes wrong in a cluster: each fault begins, lasts, and is over.

A fault is a function of the cluster; it returns when all is as before, but for what it
is about. Moments and nodes are drawn from a seeded `Random`.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import trio
from websockets.exceptions import ConnectionClosed

from chatd.errors import Ending
from tests.cluster.network import Machine
from tests.cluster.nodes import BUS, DATABASES, Cluster, Node
from tests.live.clocks import faked, faking, put
from tests.live.daemon import Daemon, person
from tests.postgresql import ROLE, Server

Fault = Callable[[Cluster, random.Random], Awaitable[None]]

SHORT_S = 0.5, 2.5
"""How long a short fault lasts, at least and at most."""
BEYOND_LEASE_S = 11.5
"""Longer than a node's lease (10 s)."""
BUS_BACK = "the bus is there"
"""What a node says then."""
GIVEN_UP, STORE_FAILED = 75, 1
"""How a node ends by itself; by either it is started again."""


def any_node(cluster: Cluster, chance: random.Random) -> Node:
    """One of the nodes."""
    return chance.choice(list(cluster.nodes))


async def a_while(chance: random.Random, most_s: float = 0.5) -> None:
    """Let people talk for a while."""
    await trio.sleep(chance.uniform(0.1, most_s))


async def has_ended(node: Node, *how: int) -> None:
    """Wait for a node that ends by itself."""
    assert node.daemon is not None
    node.daemon.is_doomed = True
    assert await node.daemon.wait() in how, node.told()


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
    node.daemon.signal(signal.SIGCONT)
    await has_ended(node, GIVEN_UP)
    await node.start()


async def stop_shortly(cluster: Cluster, chance: random.Random) -> None:
    """A node is stopped for less than its lease, and goes on."""
    node = any_node(cluster, chance)
    assert node.daemon is not None
    await node.daemon.stop()
    await trio.sleep(chance.uniform(0.5, 2))
    node.daemon.signal(signal.SIGCONT)


async def kill_bus(cluster: Cluster, chance: random.Random) -> None:
    """The bus is killed and comes back empty, some times."""
    for _ in range(2):
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.engines.valkey.stop)
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.engines.valkey.start)


async def freeze_bus(cluster: Cluster, chance: random.Random) -> None:
    """The bus stands still for longer than anybody waits for it."""
    cluster.engines.valkey.send(signal.SIGSTOP)
    await trio.sleep(chance.uniform(*SHORT_S))
    cluster.engines.valkey.send(signal.SIGCONT)


async def lose_one_way(cluster: Cluster, chance: random.Random) -> None:
    """What goes to the bus or to the database, or what comes from there, is lost."""
    node, goes = any_node(cluster, chance), chance.random() < 0.5
    others = chance.choice([(BUS,), DATABASES])
    with cluster.losing(node, *others, goes=goes, comes=not goes):
        await trio.sleep(chance.uniform(*SHORT_S))


async def part_from_bus(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches the database, and not the bus."""
    with cluster.losing(any_node(cluster, chance), BUS):
        await trio.sleep(chance.uniform(*SHORT_S))


async def part_from_database(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches the bus, and not the database."""
    with cluster.losing(any_node(cluster, chance), *DATABASES):
        await trio.sleep(chance.uniform(*SHORT_S))


async def part_from_both(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches nobody."""
    with cluster.losing(any_node(cluster, chance), BUS, *DATABASES):
        await trio.sleep(chance.uniform(*SHORT_S))


async def pull_cable(cluster: Cluster, chance: random.Random) -> None:
    """A node reaches nobody, and its kernel sees why."""
    assert cluster.engines.network is not None
    with cluster.engines.network.unplugged(any_node(cluster, chance).name):
        await trio.sleep(chance.uniform(*SHORT_S))


async def part_long_from_bus(cluster: Cluster, chance: random.Random) -> None:
    """A node does not reach the bus for longer than a lease, and goes on without it."""
    node = any_node(cluster, chance)
    assert node.daemon is not None
    before = len(await node.daemon.said(BUS_BACK))
    with cluster.losing(node, BUS):
        await trio.sleep(BEYOND_LEASE_S)
    await node.daemon.said(BUS_BACK, before + 1)


async def part_beyond_lease(cluster: Cluster, chance: random.Random) -> None:
    """A node does not reach the database for longer than its lease; it ends, then."""
    node = any_node(cluster, chance)
    others = chance.choice([(), (BUS,)])
    with cluster.losing(node, *DATABASES, *others):
        await trio.sleep(BEYOND_LEASE_S)
    # By itself where it had something to store, or when the others say so.
    await has_ended(node, STORE_FAILED, GIVEN_UP)
    await node.start()


async def restart_database(cluster: Cluster, chance: random.Random) -> None:
    """PostgreSQL is restarted, and then killed with its connections."""
    for how in (signal.SIGINT, signal.SIGQUIT):
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.engines.server.stop, how)
        await a_while(chance)
        await trio.to_thread.run_sync(cluster.engines.server.start)


async def lose_database(cluster: Cluster, chance: random.Random) -> None:
    """PostgreSQL is away for longer than a lease; whoever asks is told so."""
    server = cluster.engines.server
    await trio.to_thread.run_sync(server.stop, signal.SIGQUIT)
    with trio.move_on_after(BEYOND_LEASE_S):
        await is_refused(chance.choice(cluster.there()))
        await trio.sleep_forever()
    await trio.to_thread.run_sync(server.start)


async def is_refused(daemon: Daemon) -> None:
    """Come to a node that cannot read who one is: the reply says so, or the end."""
    told: object = None
    try:
        async with person(daemon.url) as who:
            told = (await who.ask(type="hello", name="cy")).get("code")
    except ConnectionClosed as error:
        told = error.rcvd.code if error.rcvd is not None else None
    assert told in {"unavailable", Ending.OVERLOADED.code}, told


async def fail_over(cluster: Cluster, chance: random.Random) -> None:
    """PostgreSQL is killed and its standby becomes the primary; all nodes end, then."""
    engines = cluster.engines
    assert engines.spare is not None
    assert engines.network is not None
    machine = engines.network.machines[engines.spare.name]
    standby = await trio.to_thread.run_sync(
        stand_by, engines.server, engines.spare, machine
    )
    await a_while(chance)
    await trio.to_thread.run_sync(engines.server.stop, signal.SIGQUIT)
    await a_while(chance)
    await trio.to_thread.run_sync(standby.execute, "SELECT pg_promote()")
    engines.server, engines.spare = standby, engines.server.directory
    for node in cluster.nodes:
        await has_ended(node, STORE_FAILED)
        await node.start()


def stand_by(primary: Server, directory: Path, machine: Machine) -> Server:
    """Give a server a standby, for which each commit waits from here on."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    standby = Server(directory, primary, machine)
    standby.start()
    primary.execute("ALTER SYSTEM SET synchronous_standby_names TO '*'")
    primary.execute("SELECT pg_reload_conf()")
    until = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
    while not primary.execute(until):
        pass
    return standby


async def take_all_connections(cluster: Cluster, chance: random.Random) -> None:
    """PostgreSQL is at its limit of connections, and a node has lost its own."""
    server, machine = cluster.engines.server, any_node(cluster, chance).machine
    assert machine is not None

    def limit(most: int) -> None:
        server.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT {most}")

    await trio.to_thread.run_sync(limit, 0)
    await trio.to_thread.run_sync(server.execute, CUT.format(machine.address))
    await trio.sleep(chance.uniform(*SHORT_S))
    await trio.to_thread.run_sync(limit, -1)


async def lock_crosswise(cluster: Cluster, chance: random.Random) -> None:
    """Somebody else locks the rows of users, and then those of rooms."""
    url = cluster.engines.server.url(cluster.place)

    def lock() -> None:
        with (
            suppress(psycopg.errors.DeadlockDetected),  # it may be his
            psycopg.connect(url) as db,
        ):
            db.execute('SELECT FROM chatd."user" FOR UPDATE')
            db.execute("SELECT pg_sleep(0.02)")
            db.execute("SELECT FROM chatd.room FOR UPDATE")

    before = collisions(cluster, "deadlock")
    while collisions(cluster, "deadlock") == before:
        await trio.to_thread.run_sync(lock)
        await a_while(chance, 0.2)


async def fail_to_serialize(cluster: Cluster, chance: random.Random) -> None:
    """Some commits meet a serialization failure."""
    server, place = cluster.engines.server, cluster.place
    before = collisions(cluster, "40001")
    await trio.to_thread.run_sync(server.execute, FAILING, place)
    while collisions(cluster, "40001") == before:
        await a_while(chance)
    await trio.to_thread.run_sync(server.execute, "DROP FUNCTION fail CASCADE", place)


def collisions(cluster: Cluster, cause: str) -> int:
    """How often nodes have met something, as they say."""
    logs = [daemon.log_text() for daemon in cluster.there()]
    said = [line for log in logs for line in log.splitlines()]
    return sum("store_collided" in line and cause in line for line in said)


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr = '{}'"""
FAILING = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF random() < 0.3 THEN RAISE SQLSTATE '40001'; END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON chatd.change
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()"""
"""A trigger that runs within COMMIT."""
HOURS = 1, 0, -1
"""How far off the clock of each node is."""


async def set_clocks_apart(cluster: Cluster, chance: random.Random) -> None:
    """The clock of each node is an hour from that of another one."""
    clocks = [node.data.with_suffix(".clock") for node in cluster.nodes]
    for clock, hours in zip(clocks, HOURS, strict=True):
        put(clock, hours)
    forks, own = await trio.to_thread.run_sync(faking), cluster.nodes[0].more
    for node, clock in zip(cluster.nodes, clocks, strict=True):
        await node.end()
        node.forks, node.more = forks, {**own, **faked(clock)}
        await node.start()
    await a_while(chance, 2)
    for node in cluster.nodes:
        await node.end()
        node.forks, node.more = None, own
        await node.start()


SHORT: tuple[Fault, ...] = (
    *(kill_each, roll, stop_shortly),
    *(kill_bus, freeze_bus, lose_one_way, pull_cable),
    *(part_from_bus, part_from_database, part_from_both),
    *(restart_database, take_all_connections, lock_crosswise, fail_to_serialize),
)
"""Those that take a few seconds."""
LONG: tuple[Fault, ...] = (
    *(stop_beyond_lease, part_beyond_lease, part_long_from_bus),
    *(lose_database, fail_over, set_clocks_apart),
)
"""Those that take longer; they are met half as often."""
EACH_LONG = 7
"""One run of so many has one of those."""


def fault_of(seed: int) -> Fault:
    """The one that a run meets; in some runs each is met."""
    nth = seed // EACH_LONG
    if seed % EACH_LONG == EACH_LONG - 1:
        return LONG[nth % len(LONG)]
    return SHORT[(seed - nth) % len(SHORT)]
