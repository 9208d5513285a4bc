"""The chat of FastAPI's own tutorial: a list, and `send_text` for each of it."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
members: list[WebSocket] = []


@app.websocket("/")
async def relay(socket: WebSocket) -> None:
    """One connection."""
    await socket.accept()
    members.append(socket)
    try:
        while True:
            text = await socket.receive_text()
            for member in members:
                await member.send_text(text)
    except WebSocketDisconnect:
        members.remove(socket)


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print("PORT", listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        ws="websockets",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="error",
    )
    uvicorn.Server(config).run(sockets=[listener])


main()
