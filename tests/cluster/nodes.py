"""Some nodes of chatd over one PostgreSQL and one Valkey, each by ways of its own.

Every node reaches the database and the bus through relays that a test can hold or cut,
so a partition of one node is a partition of that one alone.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import trio

from tests import valkey as valkeys
from tests.cluster.checker import PASSWORD, ROOM
from tests.live.daemon import Daemon, person, start
from tests.live.forks import Forks
from tests.postgresql import Server
from tests.relay import Relay

SETTINGS = {
    "CHATD_AUTH__REGISTRATION": "open",
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
    "CHATD_LIMITS__CONNECTS_PER_S": "0",
}
SOCKET = ".s.PGSQL.5432"
"""What libpq looks for in the directory of a server."""
_NUMBERS = count(1)
"""Of databases."""


@attrs.define(eq=False)
class Node:
    """One node: its daemon, and its ways out."""

    name: str
    data: Path
    place: str
    """Its database."""
    database: Relay
    bus: Relay
    port: int = 0
    """Where it listens; 0: anywhere, and at each start elsewhere."""
    more: Mapping[str, str] = attrs.field(factory=dict)
    """Settings beside those of all."""
    daemon: Daemon | None = None
    forks: Forks | None = None
    """Whose version it is, if not that of the tests."""

    @property
    def is_there(self) -> bool:
        """Whether its daemon runs."""
        return self.daemon is not None and not self.daemon.is_doomed

    async def start(self) -> None:
        """Start its daemon, and wait until it serves."""
        way = self.database.here.parent
        env = {
            **SETTINGS,
            **self.more,
            "CHATD_STORE__URL": f"postgresql://chatd@/{self.place}?host={way}",
            "CHATD_CLUSTER__BUS": f"unix://{self.bus.here}",
            "CHATD_CLUSTER__NAME": self.name,
        }
        self.daemon = await start(self.data, env=env, port=self.port, forks=self.forks)

    async def kill(self) -> None:
        """Kill its daemon, as a power cut would."""
        assert self.daemon is not None
        self.daemon.kill()
        await self.daemon.wait()

    async def end(self) -> None:
        """End its daemon in order."""
        assert self.daemon is not None
        self.daemon.is_doomed = True
        self.daemon.signal(signal.SIGTERM)
        assert await self.daemon.wait() == 0, self.daemon.log_text()


@attrs.define(eq=False)
class Cluster:
    """Nodes, and what they stand on."""

    server: Server
    valkey: valkeys.Server
    nodes: Sequence[Node]

    def there(self) -> list[Daemon]:
        """The daemons that run."""
        return [n.daemon for n in self.nodes if n.is_there and n.daemon is not None]

    async def register(self, *names: str) -> None:
        """Make accounts, and the room that all of them meet in; the first owns it."""
        async with person(self.there()[0].url) as who:
            for name in names:
                said: dict[str, Any] = {"name": name, "password": PASSWORD}
                frame = await who.ask(type="register", **said)
                assert frame["type"] == "ok", frame
            await who.hello(name=names[0], password=PASSWORD)
            frame = await who.ask(type="create", room=ROOM)
            assert frame["type"] == "ok", frame


@asynccontextmanager
async def cluster(
    directory: Path,
    server: Server,
    valkey: valkeys.Server,
    ports: Sequence[int] = (0, 0, 0),
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Cluster]:
    """Run some nodes over a database that is made for them, for a block.

    Args:
        directory: Where they keep what is theirs.
        server: Has the database.
        valkey: Their bus.
        ports: Where each listens.
        more: Settings beside those of all.
    """
    place = f"chatd{next(_NUMBERS)}"
    await trio.to_thread.run_sync(server.create, place)
    async with trio.open_nursery() as nursery:
        nodes = []
        for nth, port in enumerate(ports, 1):
            way = directory / f"way{nth}"
            way.mkdir()
            database = Relay(way / SOCKET, server.directory / SOCKET)
            bus = Relay(way / "bus", valkey.path)
            for relay in (database, bus):
                await nursery.start(relay.run)
            name, data = f"node{nth}", directory / f"data{nth}"
            settings = more or {}
            nodes.append(Node(name, data, place, database, bus, port, settings))
        try:
            for node in nodes:
                await node.start()
            yield Cluster(server, valkey, nodes)
        finally:
            with trio.CancelScope(shield=True):
                for node in nodes:
                    if node.is_there:
                        await node.kill()
            nursery.cancel_scope.cancel()
