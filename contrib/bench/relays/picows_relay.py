"""A relay with `picows`, in Cython, on uvloop."""

from __future__ import annotations

import asyncio

import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

members: set[WSTransport] = set()


class Member(WSListener):
    """One connection."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Count it in."""
        members.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Count it out."""
        members.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send a message to all."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            for member in members:
                member.send(WSMsgType.TEXT, payload)


async def main() -> None:
    """Serve until killed."""

    def accept(_request: WSUpgradeRequest) -> WSListener:
        return Member()

    server = await ws_create_server(accept, "127.0.0.1", 0)
    print("PORT", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
    asyncio.set_event_loop(None)
