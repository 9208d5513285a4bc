"""A relay with `websockets` on uvloop; `--echo` sends back to the sender only."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

ECHO = "--echo" in sys.argv


async def main() -> None:
    """Serve until killed."""

    async def handle(connection: ServerConnection) -> None:
        async for message in connection:
            if ECHO:
                await connection.send(message)
            else:
                broadcast(server.connections, message)

    async with serve(
        handle, "127.0.0.1", 0, compression=None, ping_interval=None
    ) as server:
        print("PORT", next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


uvloop.run(main())
