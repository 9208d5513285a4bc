"""A client on Trio: `ClientCore` with a WebSocket that comes back by itself.

One nursery, opened by `open_client`, runs `Client.run`: connect, serve, wait,
again. While a connection is open it has two tasks. The *reader* gives frames to
the core and events to the user; the *writer* sends what the core wants sent, and
sleeps until there is more or the core's next deadline. The core is changed by
synchronous calls only, so the two share it without a lock.

Everything is bounded. About `EVENTS_MAX` events wait for the user; who does not
take them stops the reader, and behind it the server, which in the end closes
the connection: what was missed is then replayed. `post` and `request` wait
while `UNANSWERED_MAX` commands have no answer. Connecting, sending and closing each
have a time-out, because trio-websocket's have none, or sixty seconds.

A send that is cancelled leaves half a frame behind: the connection is closed
then, and nothing else is sent. trio-websocket's other traps are in `dial.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from typing import Self

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection
from wsproto.utilities import ProtocolError

from chatd.client.dial import LOST, dial, in_words, innermost, retry_after_s, where
from chatd.client.frames import Credential, Frame
from chatd.client.resume import ClientCore

EVENTS_MAX = 1024
"""Frames that wait for the user before the reader stops."""
UNANSWERED_MAX = 100
"""Commands without an answer before the next one waits."""
NORMAL = 1000
"""The close code of whoever leaves properly."""
NO_CODE = (1005, 1006)
"""What trio-websocket reports where no close code was received."""


class Unreachable(Exception):
    """The first connection could not be made. The text says why."""


class CommandRefused(Exception):
    """A command was answered with `error`.

    Attributes:
        reply: The whole reply.
        code: Its code.
    """

    def __init__(self, reply: Frame) -> None:
        super().__init__(f"{reply.get('code')}: {reply.get('text')}")
        self.reply = reply
        self.code = str(reply.get("code"))


@attrs.define(eq=False)
class _Call:
    """A label: the reply that carries it belongs to one `request`."""

    reply: Frame | None = None


class Client:
    """A user of one server, whatever happens to the connection.

    Made by `open_client`. Iterate over it for events: the server's frames, and
    the few that `chatd.client.resume` makes. The iteration ends after the
    `offline` whose `after` is None. Read the events of joined rooms in another
    task than the one that makes requests: replies wait behind them.

    Attributes:
        core: What the client knows: `user`, `rooms`, `online`, `stopped`.
    """

    def __init__(self, url: str, core: ClientCore) -> None:
        """Prepare; nothing happens before `run`."""
        self.core = core
        self._url = url
        self._events: deque[Frame] = deque()
        # Parked here: whoever waits for anything to have changed.
        self._changed = trio.lowlevel.ParkingLot()
        # Whatever `run` waits in; cancelling it is how `leave` is heard.
        self._scope = trio.CancelScope()
        self._leaving = False
        self._ended = False
        self._settled = False
        self._failure: Exception | None = None

    # --- for the user -------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        await trio.lowlevel.checkpoint()
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            await self._changed.park()
        if len(self._events) == EVENTS_MAX:
            self._changed.unpark_all()
        return self._events.popleft()

    async def request(self, command: Frame) -> Frame:
        """Send a command of the protocol, and return its reply.

        The reply to a `join` is also an event, since the events after it depend
        on it; other replies are not.

        Raises:
            CommandRefused: The reply is an `error`, also one made here because
                the server said stop.
            trio.ClosedResourceError: The client has ended.
            TypeError: The command is not JSON.

        Cancellation: the command is sent nevertheless, and may take effect.
        """
        call = _Call()
        await self._submit(command, call)
        while call.reply is None:
            if self._ended:
                raise trio.ClosedResourceError("the client has ended")
            await self._changed.park()
        if call.reply["type"] == "error":
            raise CommandRefused(call.reply)
        return call.reply

    async def post(self, command: Frame) -> None:
        """Send a command; its reply becomes an event, with the `id` given here.

        Raises:
            trio.ClosedResourceError: The client has ended.
            TypeError: The command is not JSON.

        Cancellation: safe; the command was kept, or it was not.
        """
        await self._submit(command, command.get("id"))

    async def join(self, room: str, last: int | None = None) -> Frame:
        """Follow a room, with its `last` newest events; raises as `request`.

        Cancellation: as `request`.
        """
        wanted: Frame = {"type": "join", "room": room}
        return await self.request(wanted if last is None else wanted | {"last": last})

    async def send(self, room: str, text: str) -> Frame:
        """Write a message; return when it is on disk; raises as `request`.

        Cancellation: as `request`.
        """
        return await self.request({"type": "send", "room": room, "text": text})

    async def answered(self) -> None:
        """Return when every command has its answer, or the client has ended.

        Cancellation: safe.
        """
        await trio.lowlevel.checkpoint()
        while self.core.unanswered and not self._ended:
            await self._changed.park()

    async def settled(self) -> Exception | None:
        """Wait for the first `welcome`; return why there will be none, or None.

        Cancellation: safe.
        """
        await trio.lowlevel.checkpoint()
        while not self._settled:
            await self._changed.park()
        return self._failure

    def leave(self) -> None:
        """Close the connection properly, and let `run` end."""
        self._leaving = True
        self._scope.cancel()

    async def _submit(self, command: Frame, label: object) -> None:
        await trio.lowlevel.checkpoint()
        while self.core.unanswered >= UNANSWERED_MAX and not self._ended:
            await self._changed.park()
        if self._ended and not self.core.stopped:
            raise trio.ClosedResourceError("the client has ended")
        self.core.submit(command, label)
        self._publish()

    # --- the life of the connection -----------------------------------------

    async def run(self) -> None:
        """Connect, and connect again, until the server or `leave` says stop.

        Cancellation: closes the connection without a close frame. The session
        stays, and what was acknowledged stays true.
        """
        try:
            delay: float | None = 0.0
            while delay is not None and self._failure is None:
                with trio.move_on_after(delay) as self._scope:
                    await trio.sleep_forever()
                delay = await self._connect()
        finally:
            self._ended = True
            self._publish()

    async def _connect(self) -> float | None:
        """Run one connection; return after how long the next one is due."""
        code: int | None = None
        failure: BaseException | None = None
        try:
            with trio.CancelScope() as self._scope:
                if self._leaving:
                    self._scope.cancel()
                async with dial(self._url, self._heard) as websocket:
                    code = await self._serve(websocket)
        except* LOST as errors:
            failure = innermost(errors)
        code = NORMAL if self._leaving else code
        after = None if failure is None else retry_after_s(failure)
        delay = self.core.closed(code, retry_after_s=after)
        self._publish("" if failure is None else in_words(failure))
        return delay

    async def _serve(self, websocket: WebSocketConnection) -> int | None:
        """Run both directions until one ends; return the close code, if any."""
        code = None
        self.core.connected(trio.current_time())
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            nursery.start_soon(self._write, websocket, nursery.cancel_scope)
            code = await self._read(websocket)
            nursery.cancel_scope.cancel()
        return code

    async def _read(self, websocket: WebSocketConnection) -> int | None:
        """Take frames until the connection ends; return its close code."""
        while not self.core.hang_up:
            try:
                text = await websocket.get_message()
            except ConnectionClosed as closed:
                code = closed.reason.code if closed.reason is not None else None
                return None if code in NO_CODE else code
            self.core.received(text, trio.current_time())
            self._publish()
            while len(self._events) >= EVENTS_MAX:
                self.core.lifeline.paused()
                await self._changed.park()
                self._heard()
        return None

    def _heard(self) -> None:
        """Take a sign of life."""
        self.core.lifeline.heard(trio.current_time())

    async def _write(
        self, websocket: WebSocketConnection, scope: trio.CancelScope
    ) -> None:
        """Send what the core wants sent, when it wants it."""
        while True:
            frames = self.core.to_send(trio.current_time())
            self._publish()
            if self.core.hang_up:
                break
            try:
                for text in frames:
                    await websocket.send_message(text)
            except ConnectionClosed:
                return  # the reader takes what came before the end, and its code
            except (ProtocolError, trio.TooSlowError):
                break
            self.core.lifeline.sent(trio.current_time())
            if not frames:
                with trio.move_on_at(self.core.next_deadline()):
                    await self._changed.park()
        scope.cancel()

    def _publish(self, failure: str = "") -> None:
        """Hand out what has happened, and wake whoever waits for it."""
        for event in self.core.take_events():
            call = event.get("id")
            if not self._settled:
                self._settle(event, failure)
            if isinstance(call, _Call):
                del event["id"]
                call.reply = event
            if not isinstance(call, _Call) or event.get("re") == "join":
                self._events.append(event)
        self._changed.unpark_all()

    def _settle(self, event: Frame, failure: str) -> None:
        """Decide whether `open_client` succeeds: the first of these events does."""
        kind = event.get("type")
        if kind == "error" or (kind == "offline" and self.core.stopped):
            code, text = event.get("code"), event.get("text", event.get("reason"))
            self._failure = CommandRefused(event | {"code": code, "text": text})
        elif kind == "offline":
            self._failure = Unreachable(failure or "the connection was closed")
        self._settled = kind in ("welcome", "error", "offline")


@asynccontextmanager
async def open_client(
    url: str, credential: Credential | None = None, rng: Random | None = None
) -> AsyncIterator[Client]:
    """Connect, say hello, and stay connected while the block runs.

    Args:
        url: `ws://` or `wss://`, with the path of the daemon's WebSocket, or
            `unix:PATH`.
        credential: Who one is; without it, a guest without a name.
        rng: Draws message ids and the jitter of reconnects.

    Yields:
        The client, welcomed. Leaving the block closes the connection properly,
        within `CLOSE_TIMEOUT_S`, and keeps the session: `logout` is a command.

    Raises:
        Unreachable: The first connection could not be made.
        CommandRefused: The first `hello` was refused.
        ValueError: The URL is not one of a WebSocket.

    Cancellation: as `Client.run`. An exception of the block comes out as that
        of a nursery does, in an `ExceptionGroup`.
    """
    where(url)
    core = ClientCore(credential or Credential(), rng or SystemRandom())
    client = Client(url, core)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        failure = await client.settled()
        if failure is None:
            try:
                yield client
            finally:
                client.leave()
    if failure is not None:
        raise failure
