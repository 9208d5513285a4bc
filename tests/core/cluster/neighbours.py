"""Several nodes over one store, and a bus that does what a test tells it.

What is committed on one node is known on all at once: here it is about what is not
durable. What nodes publish waits in `Nodes.sent` until a test lets it go, loses it,
doubles it or changes its order.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.config import Config
from chatd.core import inputs, presence
from chatd.core.cluster.codec import decode, encode_message
from chatd.core.cluster.commits import (
    EVERYBODY,
    epoch_of_stream,
    stream_of_room,
)
from chatd.core.cluster.messages import Message
from chatd.ids import Epoch, NodeId, RoomName, UserName
from chatd.wire.events import UserShown
from tests.core.harness import Harness


@attrs.frozen(eq=False)
class Sent:
    """A message on its way to one node."""

    source: NodeId
    target: NodeId
    stream: str
    message: Message


class Nodes:
    """Some nodes that know of each other, with the clocks of one machine.

    Args:
        count: How many.
        config: Of all.
    """

    def __init__(self, count: int = 2, config: Config = Config()) -> None:  # noqa: B008
        self.nodes: dict[NodeId, Harness] = {}
        self.sent: list[Sent] = []
        self.followed: dict[NodeId, set[Epoch]] = {}
        """The rooms of which each node hears."""
        self._config = config
        self._last = 0
        for _ in range(count):
            self.start()
        self.see()
        self.settle()

    def __getitem__(self, number: int) -> Harness:
        """A node, by its place among those that are there."""
        return list(self.nodes.values())[number]

    def start(self) -> Harness:
        """Start one more node, which the others have not seen yet."""
        self._last += 1
        node = NodeId(self._last)
        model = next(iter(self.nodes.values())).model if self.nodes else None
        harness = Harness(self._config, node=node, model=model)
        if self.nodes:
            harness.now = attrs.evolve(self[0].now)
        self.nodes[node] = harness
        self.followed[node] = set()
        return harness

    def kill(self, number: int) -> None:
        """Kill a node; what it has published is on its way still."""
        node = list(self.nodes)[number]
        del self.nodes[node]
        self.sent = [one for one in self.sent if one.target != node]

    def see(self) -> None:
        """Have all nodes learn which are there."""
        for harness in self.nodes.values():
            harness.handle(inputs.NodesSeen(frozenset(self.nodes)))
        self.collect()

    # --- what happens ---------------------------------------------------------

    def ask(self, peer: Any, command: Any) -> list[Any]:
        """Have a client say something, and let all happen but what is on the bus."""
        answer: list[Any] = peer.ask(command)
        self.collect()
        return answer

    def user(self, number: int, name: UserName | str, *rooms: RoomName) -> Any:
        """Open a connection of an account on a node, in some rooms."""
        peer = self[number].user(name, *rooms)
        self.collect()
        return peer

    def collect(self) -> None:
        """Have what was committed known to all, and what was published be sent."""
        for node, harness in self.nodes.items():
            for other, one in self.nodes.items():
                if other != node and harness.log:
                    one.change(*harness.log)
                    one.log.clear()
            harness.log.clear()
        self.confirm()
        for node, harness in self.nodes.items():
            for effect in harness.published:
                told = decode(encode_message(node, effect.message))
                assert told == inputs.Told(node, effect.message)
                self.sent += [
                    Sent(node, other, effect.stream, told.message)
                    for other in self.nodes
                    if other != node
                ]
            harness.published.clear()

    def confirm(self) -> None:
        """Have each node hear of the rooms that it has in memory now."""
        for node, harness in self.nodes.items():
            known = set(harness.chat.durable.epochs)
            new, self.followed[node] = known - self.followed[node], known
            if new:
                streams = [stream_of_room(epoch) for epoch in sorted(new)]
                harness.handle(inputs.Followed(streams))

    def deliver(self, number: int = 0) -> None:
        """Let a message arrive, if its stream is followed there."""
        one = self.sent.pop(number)
        harness = self.nodes[one.target]
        epoch = epoch_of_stream(one.stream)
        if one.stream == EVERYBODY or epoch in self.followed[one.target]:
            harness.handle(inputs.Told(one.source, one.message))
            harness.settle()
        self.collect()

    def deliver_all(self) -> None:
        """Let all that is on its way arrive, in order."""
        self.collect()
        while self.sent:
            self.deliver()

    def wait(self, seconds: float) -> None:
        """Let time pass everywhere, while nothing on the bus moves."""
        for harness in self.nodes.values():
            harness.wait(seconds)
        self.collect()

    def settle(self) -> None:
        """Let some ticks pass in which all arrives."""
        for _ in range(6):
            self.deliver_all()
            self.wait(1)
        self.deliver_all()

    # --- what is so -----------------------------------------------------------

    def everybody(self, room: RoomName) -> list[dict[UserName, UserShown | None]]:
        """How each node that has a room in memory shows who is there."""
        found = []
        for harness in self.nodes.values():
            where = harness.chat.durable.rooms.get(room)
            if where is not None:
                found.append(
                    {name: shown(harness, room, name) for name in where.online}
                )
        return found


def shown(harness: Harness, room: RoomName, name: UserName) -> UserShown | None:
    """How a node shows somebody."""
    return presence.view(harness.chat, harness.chat.durable.rooms[room], name)
