"""The bus: both of its connections kept, and what an operator hears of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import attrs
import trio

from chatd.bus.dialing import Away, dial
from chatd.bus.listener import Listener
from chatd.bus.publisher import WAITING_BYTES, Publisher
from chatd.config import BusAddress
from chatd.observe import log

DELAY_MIN_S, DELAY_MAX_S = 0.1, 2.0
"""Between two attempts to connect: doubled each time, of which half at random, so that
the nodes do not come all at once."""


async def probe(address: BusAddress) -> tuple[bool, str]:
    """Find out whether there is a bus.

    Returns:
        Whether, and which; or why not, as the end of "the bus ...".

    Cancellation: safe.
    """
    try:
        dialed = await dial(address)
    except Away as away:
        return False, str(away)
    await trio.aclose_forcefully(dialed.stream)
    return True, dialed.server


def _nothing() -> None:
    """What is done when all is complete, before `run`."""


@attrs.define(eq=False)
class ValkeyBus:
    """`chatd.ports.cluster.Bus`, over a server of Valkey or Redis.

    Args:
        address: Where it is.
        prefix: What stands before a stream in the name of its channel: the cluster's
            own, since others may use the same server.
        rng: Spreads attempts to connect.
        waiting_bytes: The most bytes that wait to be sent or are not confirmed.
    """

    _address: BusAddress
    prefix: str
    _rng: Random
    waiting_bytes: int = WAITING_BYTES
    _publisher: Publisher = attrs.field(init=False)
    _listener: Listener = attrs.field(init=False)
    _back: Callable[[], None] = attrs.field(default=_nothing, init=False)
    _faults: set[str] = attrs.field(factory=set, init=False)
    """What was said since the bus was up last."""
    _server: str = attrs.field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._publisher = Publisher(self.prefix, self._completed, self.waiting_bytes)
        self._listener = Listener(self.prefix, self._completed)

    @property
    def is_up(self) -> bool:
        """Whether all that is followed arrives, and what is published is sent."""
        return self._listener.is_complete and self._publisher.is_complete

    @property
    def lost(self) -> int:
        """How many messages were not sent; see the port."""
        return self._publisher.lost

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send bytes to whoever follows a stream; see the port."""
        self._publisher.publish(messages)

    def follow(self, streams: Iterable[str], unfollow: Iterable[str] = ()) -> None:
        """Follow some streams, and others no longer; see the port."""
        self._listener.follow(streams, unfollow)

    async def following(self) -> None:
        """Wait until all that is followed arrives; see the port. Cancellation: safe."""
        await self._listener.following()

    async def run(
        self, heard: Callable[[str, bytes], None], back: Callable[[], None]
    ) -> None:
        """Keep the connections, until cancelled; see the port.

        Cancellation: safe; what waits to be sent is not sent.
        """
        self._listener.heard, self._back = heard, back
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, self._publisher)
            nursery.start_soon(self._keep, self._listener)

    async def _keep(self, side: Publisher | Listener) -> None:
        """Connect, serve, and again."""
        delay = DELAY_MIN_S
        while True:
            began = trio.current_time()
            try:
                dialed = await dial(self._address)
                self._server = dialed.server
                fault = await side.serve(dialed)
            except Away as away:
                fault = str(away)
            self._tell_away(fault)
            if trio.current_time() - began > DELAY_MAX_S:
                delay = DELAY_MIN_S  # it went well for a while
            await trio.sleep(delay * self._rng.uniform(0.5, 1))
            delay = min(2 * delay, DELAY_MAX_S)

    def _completed(self) -> None:
        """One of both connections has become complete."""
        if self.is_up:
            self._faults.clear()
            where = str(self._address)
            log().info("the bus is there", bus=where, server=self._server)
            self._back()

    def _tell_away(self, fault: str) -> None:
        """Say why the bus is away, once for each reason until it is back."""
        if fault not in self._faults:
            self._faults.add(fault)
            log().warning(f"the bus {fault}", bus=str(self._address))
