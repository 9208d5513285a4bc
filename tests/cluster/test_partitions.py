"""What becomes of who is parted from others, where `test_faults` does not see it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest
import trio
from websockets.exceptions import ConnectionClosed

from chatd.store.postgres.faults import ConnectionLost
from tests.cluster.checker import PASSWORD
from tests.cluster.faults import GIVEN_UP, has_ended
from tests.cluster.nodes import BUS, DATABASES, Engines, apart, cluster
from tests.live.daemon import PATIENCE_S, Frame, Person, person
from tests.postgresql import USER

ROOM = "tea"
ASKING = """
import sys
from chatd.store.postgres.connection import Connection
db = Connection(sys.argv[1], {})
db.open()
db.execute("SELECT pg_advisory_lock(1)").fetchall()
"""
"""Somebody who waits for an answer, as the writer may."""


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """What nodes stand on, and a network."""
    with apart() as found:
        yield found


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that only the kernel or PostgreSQL knows."""
    with trio.fail_after(PATIENCE_S):
        while not await trio.to_thread.run_sync(is_so):  # noqa: ASYNC110 - who tells?
            await trio.sleep(0.05)


async def test_who_waits_for_an_answer_that_is_lost_learns_of_it(
    engines: Engines, tmp_path: Path
) -> None:
    """A connection whose other end has gone without a word is over soon, though all
    that was sent has arrived: where an answer is waited for, and at the server, which
    has sent it, so what the connection had locked is free.
    """
    assert engines.network is not None
    name, server = "node1", engines.server
    machine = engines.network.machines[name]
    url = f"postgresql://postgres@{engines.hosts.partition(',')[0]}/postgres"

    def connected(how: str = "") -> bool:
        of = f"FROM pg_stat_activity WHERE client_addr = '{machine.address}'"
        return bool(server.execute(f"SELECT 1 {of} {how}"))

    log = tmp_path / "log"
    command = [*machine.running(), sys.executable, "-c", ASKING, url]
    with (
        log.open("wb") as stderr,
        psycopg.connect(server.url("postgres", USER), autocommit=True) as db,
    ):
        db.execute("SELECT pg_advisory_lock(1)")
        async with trio.open_nursery() as nursery:
            ask = partial(trio.run_process, command, stderr=stderr, check=False)
            asking = await nursery.start(ask)
            await until(lambda: connected("AND wait_event = 'advisory'"))
            await until(lambda: not unconfirmed(asking.pid))
            with engines.network.losing((name, "one"), ("one", name)):
                db.execute("SELECT pg_advisory_unlock(1)")
                with trio.fail_after(PATIENCE_S):
                    await asking.wait()
                await until(lambda: not connected())
    assert ConnectionLost.__name__ in log.read_text()


def unconfirmed(pid: int) -> int:
    """How much a process's machine has sent that no other kernel has confirmed."""
    _, *rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()
    return sum(int(row.split()[4].partition(":")[0], 16) for row in rows)


async def test_a_quiet_node_beyond_its_lease_says_nothing_that_is_not_so(
    engines: Engines, tmp_path: Path
) -> None:
    """A node whose people only listen does not end while it reaches nobody. When it
    reaches all again it ends, since it was given up, and has said nothing of what
    somebody must not see who was removed meanwhile.
    """
    async with cluster(tmp_path, engines, (0, 0)) as found:
        near, far = found.nodes
        assert near.daemon is not None
        assert far.daemon is not None
        await found.register("ann", "bob")
        await found.open_room("ann", ROOM)
        async with person(near.daemon.url) as ann, person(far.daemon.url) as bob:
            for who, name in ((ann, "ann"), (bob, "bob")):
                await who.hello(name=name, password=PASSWORD)
                assert (await who.ask(type="join", room=ROOM))["type"] == "ok"
            await ann.ask(type="send", room=ROOM, text="come")
            await bob.hear_until(type="message", text="come")
            with found.losing(far, BUS, *DATABASES):
                await near.daemon.said("node_given_up")
                await ann.ask(type="kick", room=ROOM, user="bob")
                await ann.ask(type="send", room=ROOM, text="he is gone")
            await has_ended(far, GIVEN_UP)
            heard = await all_of(bob)
        assert not [frame for frame in heard if frame.get("text") == "he is gone"]
        await far.start()


async def all_of(who: Person) -> list[Frame]:
    """All that somebody hears until his connection ends."""
    heard = []
    with suppress(ConnectionClosed):
        while True:
            heard.append(await who.hear())
    return heard
