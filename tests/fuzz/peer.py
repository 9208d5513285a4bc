"""A WebSocket client of bytes, which can do everything wrong on purpose.

It opens a TCP connection and upgrades it, sends text in whatever frames it is told
to, and reads what comes. A ping is answered. `Gone` is how every connection ends,
whoever ended it.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

import attrs
import orjson
import trio

from tests.fuzz.commands import Frame
from tests.net.echo import KEY, closing, masked

PATIENCE_S = 120.0
"""When something that never comes is called a fault; not a measure of speed."""

_CONTINUE, _TEXT, _CLOSE, _PING, _PONG = 0, 1, 8, 9, 10
_READ_BYTES = 65536


class Gone(Exception):
    """The connection has ended.

    Attributes:
        code: What the daemon closed it with; None where no close frame came.
    """

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


@attrs.define(eq=False)
class Peer:
    """One connection that was upgraded."""

    stream: trio.SocketStream
    _read: bytearray
    _sending: trio.Lock = attrs.field(factory=trio.Lock)

    async def send(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            Gone: The daemon has closed the connection.
        """
        try:
            async with self._sending:
                await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise Gone(None) from None

    async def say(self, payload: bytes, cuts: Sequence[int] = ()) -> None:
        """Send a text message, in one frame or in fragments cut at `cuts`."""
        ends = [*cuts, len(payload)]
        starts = [0, *cuts]
        frames = b"".join(
            masked(
                (_TEXT if start == 0 and number == 0 else _CONTINUE)
                | (0x80 if number == len(cuts) else 0),
                payload[start:end],
            )
            for number, (start, end) in enumerate(zip(starts, ends, strict=True))
        )
        await self.send(frames)

    async def hear(self) -> Frame:
        """Receive the next JSON frame.

        Raises:
            Gone: There is none any more.
        """
        while True:
            head, payload = await self._frame()
            if head == _TEXT:
                frame: Frame = orjson.loads(payload)
                return frame
            if head == _PING:
                await self.send(masked(0x80 | _PONG, payload))
            elif head == _CLOSE:
                raise Gone(int.from_bytes(payload[:2], "big") if payload else 1005)
            else:
                assert head == _PONG, f"a frame of opcode {head}"

    async def _frame(self) -> tuple[int, bytes]:
        first, length = await self._take(2)
        assert first & 0x70 == 0, "reserved bits"
        assert first & 0x80, "the daemon sends no fragments"
        assert not length & 0x80, "the daemon masks nothing"
        if length >= 126:
            length = int.from_bytes(await self._take(2 if length == 126 else 8), "big")
        return first & 15, bytes(await self._take(length))

    async def head(self) -> bytes:
        """Receive the head of an HTTP response, with its empty line."""
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            await self._receive()
        return await self._take(end + 4)

    async def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            await self._receive()
        taken = bytes(self._read[:size])
        del self._read[:size]
        return taken

    async def _receive(self) -> None:
        try:
            part = await self.stream.receive_some(_READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise Gone(None) from None
        if not part:
            raise Gone(None)
        self._read += part

    async def close(self) -> None:
        """Say goodbye as the standard wants it; what comes then is not awaited."""
        await self.send(closing())

    def reset(self) -> None:
        """End the connection with a RST, as a machine does that has lost it."""
        sock = self.stream.socket
        linger = struct.pack("ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        sock.close()


async def connect(
    port: int, headers: str = "", receive_bytes: int = 0, source: str = ""
) -> Peer:
    """Connect and upgrade.

    Args:
        port: Of the daemon, on this machine.
        headers: More lines of the request, each with its line break.
        receive_bytes: How small the kernel's receive buffer is to be; 0 for its own.
        source: The address to come from; none is the kernel's choice.

    Raises:
        Gone: The daemon is not there, or has refused.
    """
    sock = trio.socket.socket()
    try:
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            await sock.bind((source, 0))
        await sock.connect(("127.0.0.1", port))
        peer = Peer(trio.SocketStream(sock), bytearray())
        await peer.send(
            f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n{headers}\r\n".encode()
        )
        if not (await peer.head()).startswith(b"HTTP/1.1 101 "):
            raise Gone(None)
    except OSError:
        sock.close()
        raise Gone(None) from None
    except BaseException:
        sock.close()
        raise
    return peer
