"""Sockets, frames and HTTP: everything that waits for a peer.

A message comes in through `websocket` and leaves through `outlet`; `connection`
runs one WebSocket, `http` reads requests, `routing` decides which of them becomes a
WebSocket, `listener` accepts connections. The hub sees a connection as the `Outlet` of
`chatd.ports`, and nothing else of this package.
"""
