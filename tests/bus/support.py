"""What the tests of the bus share: a bus that runs, and who hears what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random

import attrs
import trio

from chatd.bus import ValkeyBus
from chatd.config import parse_bus
from tests.valkey import Server

PATIENCE_S = 15
"""How long a condition is waited for: only what would hang reaches it."""
PREFIX = "chatd:test:"


@attrs.define
class Ear:
    """A bus that runs, and what it has said."""

    bus: ValkeyBus
    heard: list[tuple[str, bytes]] = attrs.field(factory=list)
    times_back: int = 0
    on_message: Callable[[], object] = lambda: None
    _news: trio.Event = attrs.field(factory=trio.Event)

    def hear(self, stream: str, message: bytes) -> None:
        self.heard.append((stream, message))
        self.on_message()
        self._tell()

    def back(self) -> None:
        self.times_back += 1
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    @property
    def messages(self) -> list[bytes]:
        return [message for _, message in self.heard]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that is so after something was heard."""
        with trio.fail_after(PATIENCE_S):
            while not condition():
                await self._news.wait()

    async def is_up(self) -> None:
        """Wait until the bus is up. Nobody is told of that, so it is looked for."""
        await eventually(lambda: self.bus.is_up)

    async def is_down(self) -> None:
        """Wait until the bus is not up."""
        await eventually(lambda: not self.bus.is_up)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something of which nobody is told."""
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - as said
            await trio.sleep(0.005)


@asynccontextmanager
async def listening(
    url: str, *streams: str, prefix: str = PREFIX, up: bool = True
) -> AsyncIterator[Ear]:
    """Run a bus that follows some streams.

    Args:
        url: Where its server is.
        streams: What it follows.
        prefix: Of its cluster.
        up: Whether to wait until it is up.
    """
    ear = Ear(ValkeyBus(parse_bus(url), prefix, Random(13)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ear.bus.run, ear.hear, ear.back)
        ear.bus.follow(streams)
        if up:
            await ear.is_up()
        yield ear
        nursery.cancel_scope.cancel()


@contextmanager
def served(
    directory: Path, *args: str, program: Sequence[str] = ()
) -> Iterator[Server]:
    """Run a server of a test's own."""
    server = Server(directory, *args, program=program)
    try:
        yield server
    finally:
        server.stop()
