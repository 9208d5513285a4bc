"""Some nodes of chatd over one PostgreSQL and one Valkey.

Where the engines stand on a network, each node is on a machine of its own there, so one
can be parted from any of them. Its people come by a socket in the file system, which
has no network between them and it.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import trio

from tests import valkey as valkeys
from tests.cluster.checker import PASSWORD, RECENT
from tests.cluster.network import Machine, Network, network
from tests.live.daemon import UNIX, Daemon, person, start
from tests.live.forks import Forks
from tests.postgresql import Server

SETTINGS = {
    "CHATD_AUTH__REGISTRATION": "open",
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
    "CHATD_LIMITS__CONNECTS_PER_S": "0",
}
BUS, DATABASES, NODES = "bus", ("one", "two"), ("node1", "node2", "node3")
"""The machines of a network."""
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
    network: Network | None = None
    """On which they are, and nodes with them. Machines of servers of PostgreSQL are
    called as their directories."""

    @property
    def hosts(self) -> str:
        """Where nodes look for the database."""
        places = [place for place in (self.server.directory, self.spare) if place]
        if self.network is None:
            return ",".join(map(str, places))
        machines = self.network.machines
        return ",".join(machines[place.name].address for place in places)


@contextmanager
def apart() -> Iterator[Engines]:
    """Have engines on a network, with room for a standby, for a block."""
    with (
        tempfile.TemporaryDirectory(prefix="chatd-") as directory,
        network(BUS, *DATABASES, *NODES) as between,
    ):
        top, machines = Path(directory), between.machines
        top.chmod(0o755)
        one, two = (top / name for name in DATABASES)
        for place in (one, top / BUS):
            place.mkdir()
        server = Server(one, machine=machines[one.name])
        server.start()
        valkey = valkeys.Server(top / BUS, machine=machines[BUS])
        found = Engines(server, valkey, two, between)
        yield found
        found.server.stop()
        found.valkey.stop()


@attrs.define(eq=False)
class Node:
    """One node: its daemon, and where that runs."""

    name: str
    data: Path
    engines: Engines
    place: str
    """Its database."""
    listen: str
    """Where it listens."""
    machine: Machine | None = None
    """Where it runs; None: here."""
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
        url = f"postgresql://chatd@/{self.place}?host={self.engines.hosts}"
        env = {
            **SETTINGS,
            **self.more,
            "CHATD_STORE__URL": f"{url}&target_session_attrs=read-write",
            "CHATD_CLUSTER__BUS": self.engines.valkey.url,
            "CHATD_CLUSTER__NAME": self.name,
        }
        self.daemon = await start(
            self.data,
            env=env,
            listen=(self.listen,),
            forks=self.forks,
            namespaces=self.machine.namespaces if self.machine else (),
        )

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

    def losing(
        self, node: Node, *others: str, goes: bool = True, comes: bool = True
    ) -> AbstractContextManager[None]:
        """Lose what goes from a node to machines, what comes from them, or both."""
        assert self.engines.network is not None
        there = [(node.name, other) for other in others if goes]
        back = [(other, node.name) for other in others if comes]
        return self.engines.network.losing(*there, *back)

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
        ports: Where each listens; 0: anywhere, and at each start elsewhere.
        more: Settings beside those of all.
    """
    place = f"chatd{next(_NUMBERS)}"
    await trio.to_thread.run_sync(engines.server.create, place)
    nodes = []
    # The path of a socket has room for a hundred letters.
    with tempfile.TemporaryDirectory(prefix="chatd-") as short:
        for nth, port in enumerate(ports, 1):
            name, data = f"node{nth}", directory / f"data{nth}"
            listen, machine = f"127.0.0.1:{port}", None
            if engines.network is not None:
                listen = f"{UNIX}{short}/{name}"
                machine = engines.network.machines[name]
            nodes.append(Node(name, data, engines, place, listen, machine, more or {}))
        try:
            for node in nodes:
                await node.start()
            yield Cluster(engines, place, nodes)
        finally:
            with trio.CancelScope(shield=True):
                for node in nodes:
                    if node.is_there:
                        await node.kill()
