"""One WebSocket connection: one nursery, two tasks, one way to end.

A connection is made of four parts, and each has its own state: the outlet sends
(`chatd.net.outlet`), the stream reads (`chatd.net.websocket`), the intake knows how
much may be read (`chatd.net.intake`), the closing handshake how far the end has come
(`chatd.net.closing`). Stream and handshake know the outlet; it knows neither of them.

The library's reader, which reads both lanes through the stream, and the writer task,
which writes what had to wait in the outlet, share a nursery and so end together. The
heartbeat is common to all (`chatd.net.keepalive`). The body is a straight line: open
the stream, attach the outlet to the host, write until it has its first reason to end,
detach it, close it. Detaching is synchronous and in a `finally`: it cannot be skipped
and cannot be cancelled, and it comes before the closing handshake, so that the others
learn of the leaver only what is true.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import cast

import attrs
import trio
from trio_websocket import WebSocketConnection, wrap_server_stream
from wsproto.events import Event
from wsproto.handshake import H11Handshake

from chatd.errors import Ending
from chatd.ids import ConnectionId
from chatd.net.budget import Budget
from chatd.net.closing import ClosingHandshake
from chatd.net.head import SUBPROTOCOL
from chatd.net.heartbeat import Heartbeat
from chatd.net.host import Host, Stats, WebSocketLimits
from chatd.net.intake import Intake
from chatd.net.keepalive import KeepAliveScheduler
from chatd.net.outlet import SocketOutlet
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
    outlet = SocketOutlet(
        sock=sock,
        id=connection,
        address=upgrade.address,
        bearer=upgrade.bearer,
        host=host,
        dialect=dialect,
        limits=limits,
        intake=Intake(limits, Scanner(limits.frame_bytes, now)),
        budget=budget,
    )
    outlet.intake.scanner.feed(upgrade.rest, now)
    closing = ClosingHandshake(outlet)
    stream = WebSocketStream(
        sock=sock,
        intake=outlet.intake,
        outlet=outlet,
        closing=closing,
        head=upgrade.head(),
        beat=_heartbeat(limits, now, jitter),
    )
    attached = False
    async with trio.open_nursery() as nursery:
        try:
            ws = await _accept(nursery, stream, upgrade)
            attached = True
            _attach(outlet)
            stream.open(ws)
            keepalive.watch(stream)
            await outlet.write()
        except Exception:
            outlet.finish(Ending.BUG)
            raise
        finally:
            keepalive.forget(stream)
            if nursery.cancel_scope.cancel_called:
                # A scope that cancelled itself has lost the library to a bug.
                outlet.finish(Ending.BUG)
                closing.stop_waiting()
            outlet.finish(Ending.RESTART)
            if attached:
                _detach(outlet, trio.current_time() - now)
            with trio.move_on_after(limits.close_timeout_s, shield=True):
                await closing.run()
            outlet.close()
            stream.let_go()
            nursery.cancel_scope.cancel()


def _heartbeat(limits: WebSocketLimits, now: float, jitter: float) -> Heartbeat:
    interval_s = limits.heartbeat_interval_s
    return Heartbeat(
        interval_s,
        limits.heartbeat_timeout_s,
        now,
        early_s=interval_s * _EARLY * jitter,
        stall_s=limits.write_timeout_s,
    )


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


def _attach(outlet: SocketOutlet) -> None:
    try:
        outlet.host.attach(outlet)
    except Exception as error:  # noqa: BLE001 - the firewall of this call
        outlet.bug(error)


def _detach(outlet: SocketOutlet, seconds: float) -> None:
    intake = outlet.intake
    stats = Stats(seconds, intake.bytes_in, outlet.bytes_out, intake.messages_in)
    assert outlet.ending is not None
    try:
        outlet.host.detach(outlet, outlet.ending, stats)
    except Exception as error:  # noqa: BLE001 - the firewall of this call
        outlet.bug(error)
