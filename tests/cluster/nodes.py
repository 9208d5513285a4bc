"""Some nodes of chatd over one PostgreSQL and one Valkey, each by ways of its own.

Every node reaches the database and the bus through relays that a test can hold or cut,
so a partition of one node is a partition of that one alone.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import trio

from tests import valkey as valkeys
from tests.cluster.checker import PASSWORD, RECENT
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
class Engines:
    """What nodes stand on."""

    server: Server
    """The one that can be written."""
    valkey: valkeys.Server
    spare: Path | None = None
    """Where there may be a standby."""


@attrs.define(eq=False)
class Node:
    """One node: its daemon, and its ways out."""

    name: str
    data: Path
    place: str
    """Its database."""
    databases: Sequence[Relay]
    """To each server that may have it."""
    bus: Relay
    port: int = 0
    """Where it listens; 0: anywhere, and at each start elsewhere."""
    more: Mapping[str, str] = attrs.field(factory=dict)
    """Settings beside those of all."""
    daemon: Daemon | None = None
    forks: Forks | None = None
    """Who starts it, if not who starts all: another version, or with a clock set."""

    @property
    def is_there(self) -> bool:
        """Whether its daemon runs."""
        return self.daemon is not None and not self.daemon.is_doomed

    async def start(self) -> None:
        """Start its daemon, and wait until it serves."""
        hosts = ",".join(str(relay.here.parent) for relay in self.databases)
        url = f"postgresql://chatd@/{self.place}?host={hosts}"
        env = {
            **SETTINGS,
            **self.more,
            "CHATD_STORE__URL": f"{url}&target_session_attrs=read-write",
            "CHATD_CLUSTER__BUS": f"unix://{self.bus.here}",
            "CHATD_CLUSTER__NAME": self.name,
        }
        self.daemon = await start(self.data, env=env, port=self.port, forks=self.forks)

    def part(self) -> None:
        """Hold back what goes to the database and what comes from there."""
        for relay in self.databases:
            relay.hold()

    def join(self) -> None:
        """Let it reach the database again."""
        for relay in self.databases:
            relay.release()

    def told(self) -> str:
        """What it has logged last, in lines."""
        assert self.daemon is not None
        lines = self.daemon.log_text().splitlines()
        return "\n".join([f"{self.name} has logged:", *lines[-RECENT:]])

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

    engines: Engines
    place: str
    """Their database."""
    nodes: Sequence[Node]

    def there(self) -> list[Daemon]:
        """The daemons that run."""
        return [n.daemon for n in self.nodes if n.is_there and n.daemon is not None]

    async def register(self, *names: str) -> None:
        """Make accounts."""
        async with person(self.there()[0].url) as who:
            for name in names:
                said: dict[str, Any] = {"name": name, "password": PASSWORD}
                frame = await who.ask(type="register", **said)
                assert frame["type"] == "ok", frame

    async def open_room(self, owner: str, room: str) -> None:
        """Make a room."""
        async with person(self.there()[0].url) as who:
            await who.hello(name=owner, password=PASSWORD)
            frame = await who.ask(type="create", room=room)
            assert frame["type"] == "ok", frame


@asynccontextmanager
async def cluster(
    directory: Path,
    engines: Engines,
    ports: Sequence[int] = (0, 0, 0),
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Cluster]:
    """Run some nodes over a database that is made for them, for a block.

    Args:
        directory: Where they keep what is theirs.
        engines: What they stand on.
        ports: Where each listens.
        more: Settings beside those of all.
    """
    place = f"chatd{next(_NUMBERS)}"
    await trio.to_thread.run_sync(engines.server.create, place)
    servers = [one for one in (engines.server.directory, engines.spare) if one]
    # The path of a socket has room for a hundred letters.
    with tempfile.TemporaryDirectory(prefix="chatd-") as short:
        async with trio.open_nursery() as nursery:
            nodes = []
            for nth, port in enumerate(ports, 1):
                ways = [Path(short) / f"{nth}{server.name}" for server in servers]
                for way in ways:
                    way.mkdir()
                bus = Relay(ways[0] / "bus", engines.valkey.path)
                databases = [
                    Relay(way / SOCKET, server / SOCKET)
                    for way, server in zip(ways, servers, strict=True)
                ]
                for relay in (*databases, bus):
                    await nursery.start(relay.run)
                name, data = f"node{nth}", directory / f"data{nth}"
                settings = more or {}
                nodes.append(Node(name, data, place, databases, bus, port, settings))
            try:
                for node in nodes:
                    await node.start()
                yield Cluster(engines, place, nodes)
            finally:
                with trio.CancelScope(shield=True):
                    for node in nodes:
                        if node.is_there:
                            await node.kill()
                nursery.cancel_scope.cancel()
