"""Who talks to several nodes: clients in this process, in rooms, over the nodes.

They cost this process more than they cost the daemons, so what they see of time is
their own where cores are few. What they are for is to have the daemons work.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

MESSAGE = b'"type":"message"'
HELLOS = 64
"""Clients that come at the same time."""
PATIENCE_S = 300
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: chatd.v1\r\n\r\n"
)


def framed(**fields: Any) -> bytes:
    """One frame of a client; its mask changes nothing."""
    payload = json.dumps(fields).encode()
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
    return head + b"\0\0\0\0" + payload


@attrs.define(eq=False)
class Client:
    """One connection, which counts messages, or looks at replies."""

    socket: trio.socket.SocketType
    session: str = ""
    heard: int = 0
    """Messages."""
    _bytes: bytearray = attrs.field(factory=bytearray)
    _wanted: float = math.inf
    _enough: trio.Event = attrs.field(factory=trio.Event)

    @classmethod
    async def open(cls, port: int) -> Client:
        """Connect and upgrade."""
        socket = trio.socket.socket()
        await socket.connect(("127.0.0.1", port))
        client = cls(socket)
        await client.send(UPGRADE)
        while b"\r\n\r\n" not in client._bytes:
            await client._receive()
        del client._bytes[: client._bytes.index(b"\r\n\r\n") + 4]
        return client

    async def send(self, data: bytes) -> None:
        """Send all of some bytes."""
        while data:
            data = data[await self.socket.send(data) :]

    async def _receive(self) -> None:
        data = await self.socket.recv(65_536)
        if not data:
            raise OSError("it has gone")
        self._bytes += data

    async def frame(self) -> dict[str, Any]:
        """Receive one frame."""
        have = self._bytes
        while True:
            if len(have) >= 2:
                size, at = have[1] & 0x7F, 2
                if size >= 126:
                    at = 4 if size == 126 else 10
                    size = int.from_bytes(have[2:at])
                if len(have) >= at and len(have) >= at + size:
                    kind, payload = have[0] & 0xF, bytes(have[at : at + size])
                    del have[: at + size]
                    if kind == 1:
                        found: dict[str, Any] = json.loads(payload)
                        return found
                    if kind == 8:
                        raise OSError("it was closed")
                    continue
            await self._receive()

    async def ask(self, **fields: Any) -> dict[str, Any]:
        """Send a command, and wait for its reply."""
        await self.send(framed(**fields))
        while True:
            frame = await self.frame()
            if frame.get("re") == fields["type"]:
                assert frame["type"] != "error", frame
                return frame
            self.heard += frame["type"] == "message"

    async def enter(self, name: str, *rooms: str) -> None:
        """Come in as a guest, or go on with the session; then join rooms."""
        said = {"session": self.session} if self.session else {"name": name}
        self.session = (await self.ask(type="hello", **said))["session"]
        for room in rooms:
            await self.ask(type="join", room=room)

    async def until(self, count: int) -> None:
        """Wait until so many messages have come."""
        self._wanted, self._enough = count, trio.Event()
        if self.heard < count:
            await self._enough.wait()

    async def count(self) -> None:
        """Count messages until cancelled."""
        rest = b""
        while True:
            data = await self.socket.recv(65_536)
            if not data:
                raise OSError("it has gone")
            found = rest + data
            self.heard += found.count(MESSAGE)
            if self.heard >= self._wanted:
                self._enough.set()
            rest = found[-len(MESSAGE) + 1 :]


@attrs.define(eq=False)
class Crowd:
    """Rooms with one who talks in each, and those who listen.

    Args:
        talkers: Each with his room.
        listeners: All others; something is received for them all the time.
    """

    talkers: list[tuple[str, Client]] = attrs.field(factory=list)
    listeners: list[Client] = attrs.field(factory=list)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    @property
    def receivers(self) -> float:
        """How many get a message, in the mean."""
        return 1 + len(self.listeners) / len(self.talkers)

    async def talk(self, messages: int) -> list[float]:
        """Have each talker send so many, one in flight, until all listeners have them.

        Returns:
            How long each acknowledgement took, in milliseconds.
        """
        wanted = [(one, one.heard + messages) for one in self.listeners]
        acks_ms: list[float] = []

        async def say(room: str, client: Client) -> None:
            for _ in range(messages):
                began, cid = trio.current_time(), f"{next(self._numbers)}"
                await client.ask(type="send", room=room, text="x" * 100, cid=cid)
                acks_ms.append((trio.current_time() - began) * 1000)

        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                for room, client in self.talkers:
                    nursery.start_soon(say, room, client)
            for client, count in wanted:
                await client.until(count)
        return acks_ms


@asynccontextmanager
async def seated(
    ports: Sequence[int], rooms: int, members: int, *, first: int = 0, over: int = 1
) -> AsyncIterator[Crowd]:
    """Have people in rooms for a block.

    Args:
        ports: Of the nodes; rooms begin on one after the other.
        rooms: How many.
        members: In each; the first of them talks.
        first: The number of the first room.
        over: Over how many nodes the members of a room are.
    """
    crowd, limit = Crowd(), trio.Semaphore(HELLOS)
    async with trio.open_nursery() as nursery:

        async def come(number: int, member: int) -> None:
            async with limit:
                port = ports[(number + member % over) % len(ports)]
                client, room = await Client.open(port), f"r{first + number}"
                await client.enter(f"u{first + number}-{member}", room)
            if member:
                crowd.listeners.append(client)
                nursery.start_soon(client.count)
            else:
                crowd.talkers.append((room, client))

        async with trio.open_nursery() as coming:
            for number in range(rooms):
                for member in range(members):
                    coming.start_soon(come, number, member)
        yield crowd
        nursery.cancel_scope.cancel()


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(values, n=100)[98]
