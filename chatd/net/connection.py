"""One WebSocket connection: one nursery, two tasks, one way to end.

The library's reader, which reads both lanes through the stream, and this module's
writer task, which writes what had to wait, share a nursery and so end together. The
heartbeat is common to all (`chatd.net.keepalive`). The body is a straight line: open
the stream, attach it to the host, keep it until it has its first reason to end, detach
it, close it. Detaching is synchronous and in a `finally`: it cannot be skipped and
cannot be cancelled, and it comes before the closing handshake, so that the others learn
of the leaver only what is true.

The writer task parks in a cancel scope with a deadline. A push that had to wait
cancels that scope; it loses nothing, because the outbox keeps its place. All
that depends on time is judged in `_judge`, which is synchronous.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import inf
from typing import cast

import attrs
import trio
from trio_websocket import WebSocketConnection, wrap_server_stream
from wsproto.events import Event
from wsproto.handshake import H11Handshake

from chatd.errors import Ending
from chatd.ids import ConnectionId
from chatd.net.budget import Budget
from chatd.net.head import SUBPROTOCOL
from chatd.net.heartbeat import Heartbeat
from chatd.net.host import Host, Stats, WebSocketLimits
from chatd.net.keepalive import KeepAliveScheduler
from chatd.net.scanner import Scanner
from chatd.net.sockets import PeerSocket
from chatd.net.websocket import WebSocketStream
from chatd.ports import Dialect

_EARLY = 0.5
"""The first ping comes up to this part of the interval early."""


@attrs.frozen
class Upgrade:
    """A checked WebSocket request: all that is left of the client's head."""

    key: str
    """Of 16 bytes, base64."""
    offers_subprotocol: bool
    """Whether `chatd.v1` is among those that the client offers."""
    address: str
    """The client's, as far as trusted proxies tell it."""
    bearer: str | None = attrs.field(default=None, repr=False)
    rest: bytes = attrs.field(default=b"", repr=False)
    """What came behind the head: frames of a client that did not wait."""

    def head(self) -> bytes:
        """The canonical request: all that the library sees of the client's."""
        lines = [
            "GET /ws HTTP/1.1",
            "Host: chatd",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self.key}",
            "Sec-WebSocket-Version: 13",
        ]
        if self.offers_subprotocol:
            lines.append(f"Sec-WebSocket-Protocol: {SUBPROTOCOL}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


async def serve_connection(
    sock: PeerSocket,
    upgrade: Upgrade,
    host: Host,
    dialect: Dialect,
    limits: WebSocketLimits,
    *,
    connection: ConnectionId,
    jitter: float,
    keepalive: KeepAliveScheduler,
    budget: Budget,
) -> None:
    """Run one accepted WebSocket until it has its first reason to end.

    Args:
        sock: Connected and non-blocking; closed here.
        upgrade: The checked request, not answered yet.
        host: Who gets its messages: the hub.
        dialect: How they are written and read.
        limits: What the connection may cost.
        connection: Its number.
        jitter: Random in 0 to 1, for the moment of the first ping.
        keepalive: The heartbeat, which runs.
        budget: Counts what all connections hold.

    Cancellation: ends the connection with 4001; detaching is not skipped and
        the closing handshake is bounded by `close_timeout_s`.
    """
    now = trio.current_time()
    interval_s = limits.heartbeat_interval_s
    early_s = interval_s * _EARLY * jitter
    stream = WebSocketStream(
        sock=sock,
        id=connection,
        address=upgrade.address,
        bearer=upgrade.bearer,
        host=host,
        dialect=dialect,
        limits=limits,
        budget=budget,
        head=upgrade.head(),
        scanner=Scanner(limits.frame_bytes, now),
        beat=Heartbeat(
            interval_s,
            limits.heartbeat_timeout_s,
            now,
            early_s,
            limits.write_timeout_s,
        ),
    )
    stream.scanner.feed(upgrade.rest, now)
    attached = False
    async with trio.open_nursery() as nursery:
        try:
            ws = await _accept(nursery, stream, upgrade)
            attached = True
            _attach(stream)
            stream.open(ws)
            keepalive.watch(stream)
            await _keep(stream)
        except Exception:
            stream.finish(Ending.BUG)
            raise
        finally:
            keepalive.forget(stream)
            if nursery.cancel_scope.cancel_called:
                # A scope that cancelled itself has lost the library to a bug.
                stream.finish(Ending.BUG)
                stream.stop_waiting()
            stream.finish(Ending.RESTART)
            if attached:
                _detach(stream, trio.current_time() - now)
            with trio.move_on_after(limits.close_timeout_s, shield=True):
                await stream.close()
            stream.close_socket()
            nursery.cancel_scope.cancel()


class _Over:
    """What is left of a handshake that is over: the library asks it for events."""

    def events(self) -> Iterator[Event]:
        """Have none any more."""
        return iter(())


_OVER = _Over()


async def _accept(
    nursery: trio.Nursery, stream: WebSocketStream, upgrade: Upgrade
) -> WebSocketConnection:
    """Have the library answer the request, and forget the request.

    Cancellation: an answer may be cut; close the socket.
    """
    # The guard has counted bytes; the library would count characters.
    request = await wrap_server_stream(nursery, stream, max_message_size=sys.maxsize)
    chosen = SUBPROTOCOL if upgrade.offers_subprotocol else None
    ws = await request.accept(subprotocol=chosen)
    # Keeping the request and its parser costs 3 KiB of each connection, for good.
    ws._wsproto.handshake = cast(H11Handshake, _OVER)  # noqa: SLF001 - held by a test
    return ws


def _attach(stream: WebSocketStream) -> None:
    try:
        stream.host.attach(stream)
    except Exception as error:  # noqa: BLE001 - the firewall of this call
        stream.bug(error)


def _detach(stream: WebSocketStream, seconds: float) -> None:
    stats = Stats(seconds, stream.bytes_in, stream.bytes_out, stream.messages_in)
    assert stream.ending is not None
    try:
        stream.host.detach(stream, stream.ending, stats)
    except Exception as error:  # noqa: BLE001 - the firewall of this call
        stream.bug(error)


async def _keep(stream: WebSocketStream) -> None:
    """Write what waits until the connection has its ending.

    Cancellation: safe.
    """
    while not stream.finished:
        deadline = _judge(stream, trio.current_time())
        if stream.finished:
            break
        with trio.CancelScope(deadline=deadline) as scope:
            stream.parked = scope
            if stream.outbox.waiting:
                await trio.lowlevel.wait_writable(stream.sock)
            else:
                await trio.sleep_forever()
        stream.parked = None
        stream.flush()


def _judge(stream: WebSocketStream, now: float) -> float:
    """End a connection that takes nothing, and say when to look again."""
    if not stream.outbox.waiting or not stream.limits.write_timeout_s:
        return inf
    stream.note_progress(now)
    stuck_at = stream.progress_at + stream.limits.write_timeout_s
    if now >= stuck_at:
        stream.finish(Ending.SLOW)
    return stuck_at
