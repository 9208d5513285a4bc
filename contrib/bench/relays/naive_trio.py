"""trio-websocket as its documentation shows it: a task and a send for each member."""

from __future__ import annotations

import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    serve_websocket,
)

members: set[WebSocketConnection] = set()


async def relay(request: WebSocketRequest) -> None:
    """One connection."""
    connection = await request.accept()
    members.add(connection)
    try:
        while True:
            message = await connection.get_message()
            async with trio.open_nursery() as nursery:
                for member in members:
                    nursery.start_soon(send, member, message)
    except ConnectionClosed:
        members.discard(connection)


async def send(member: WebSocketConnection, message: str) -> None:
    """Send to one member, who may just have gone."""
    try:
        await member.send_message(message)
    except ConnectionClosed:
        members.discard(member)


async def main() -> None:
    """Serve until killed."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, relay, "127.0.0.1", 0, None)
        print("PORT", server.port, flush=True)


trio.run(main)
