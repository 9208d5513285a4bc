"""Reading, writing and ending, on a socket that does not block.

For what speaks HTTP or waits for a proxy's head. A WebSocket has ways of its own
(`chatd.net.websocket`, `chatd.net.outlet`).
"""

from __future__ import annotations

import socket

import trio

from chatd.net.sockets import PeerSocket

READ_BYTES = 16_384
"""Read at a time."""
LINGER_S = 1.0
"""For the peer's end of file after ours."""


async def read(sock: PeerSocket, size: int, flags: int = 0) -> bytes:
    """Read what there is, up to `size` bytes. Cancellation: safe."""
    await trio.lowlevel.checkpoint()
    while True:
        try:
            return sock.recv(size, flags)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(sock)


async def write(sock: PeerSocket, data: bytes) -> None:
    """Write all of it. Cancellation: a part may have left."""
    view = memoryview(data)
    await trio.lowlevel.checkpoint()
    while view:
        try:
            view = view[sock.send(view) :]
        except BlockingIOError:
            await trio.lowlevel.wait_writable(sock)


async def linger(sock: PeerSocket) -> None:
    """End our side, and forget what comes until the peer ends its own.

    Closing over unread bytes would reset the answer away.

    Cancellation: safe.
    """
    sock.shutdown(socket.SHUT_WR)
    with trio.move_on_after(LINGER_S):
        while await read(sock, READ_BYTES):
            pass
