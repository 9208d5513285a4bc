"""The application's life: it starts before the first request and ends after the last.

It runs in a scope that only this module cancels, so that it gets its shutdown event and
has a bounded time for it, whatever ends the daemon. An application without lifespan,
which raises at the first message, is served all the same.

Source: the ASGI specification, Lifespan 2.0.
"""

from __future__ import annotations

import attrs
import trio

from chatd.net.asgi import VERSIONS, Gateway, Message

SHUTDOWN_S = 5.0
"""For its end. Source: as `WebSocketLimits.close_timeout_s`."""


class NotStarted(Exception):
    """The application cannot be served; the text is the application's."""


@attrs.define(eq=False)
class _Life:
    """What the application says of itself."""

    gateway: Gateway
    scope: trio.CancelScope = attrs.field(factory=lambda: trio.CancelScope(shield=True))
    started: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    failure: str | None = None

    async def run(self, receive: trio.MemoryReceiveChannel[Message]) -> None:
        """Run the application until it returns."""
        told = {"type": "lifespan", "asgi": VERSIONS, "state": self.gateway.state}
        try:
            with self.scope:
                await self.gateway.app(told, receive.receive, self.hear)
        except Exception:
            if self.started.is_set() and self.failure is None:
                raise
        finally:
            self.started.set()
            self.ended.set()

    async def hear(self, message: Message) -> None:
        """Take what the application says."""
        kind = message["type"]
        if kind == "lifespan.startup.failed":
            self.failure = message.get("message", "")
        if kind.startswith("lifespan.startup."):
            self.started.set()
        if kind.startswith("lifespan.shutdown."):
            self.ended.set()


async def live(
    gateway: Gateway, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Start the application, and end it when this is cancelled.

    Raises:
        NotStarted: It says that it cannot be served.
        Exception: What it raised after its start: a bug.

    Cancellation: the application has `SHUTDOWN_S` for its end.
    """
    send, receive = trio.open_memory_channel[Message](2)
    life = _Life(gateway)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.run, receive)
        try:
            await send.send({"type": "lifespan.startup"})
            await life.started.wait()
            if life.failure is not None:
                raise NotStarted(life.failure)
            task_status.started()
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(SHUTDOWN_S, shield=True):
                await send.send({"type": "lifespan.shutdown"})
                await life.ended.wait()
            life.scope.cancel()
