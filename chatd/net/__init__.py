"""Sockets, frames and HTTP: everything that waits for a peer.

A message comes in through `websocket` and leaves through `socketout`; `connection`
runs one WebSocket, `http` decides what becomes one, `listener` accepts. The hub
sees a connection as the `Outlet` of `chatd.ports`, and nothing else of this
package.
"""
