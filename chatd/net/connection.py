"""One WebSocket connection: one nursery, two tasks, one way to end.

The library's reader, which through the door takes both lanes, and this module's
keeper, who is heartbeat and writer in one, share a nursery; they end together
because they share its scope. The body is a straight line: open the door, attach
it to the host, keep it until it has its first reason to end, detach it, say
goodbye. Detaching is synchronous and in a `finally`: it cannot be skipped and
cannot be cancelled, and it comes before the goodbye, so that the others learn of
the leaver only what is true.

The keeper parks in a cancel scope with a deadline. A push that had to wait
cancels that scope; it loses nothing, because the outbox keeps its place. All
that depends on time is judged in `_judge`, which is synchronous.
"""

from __future__ import annotations

import sys
from math import inf

import attrs
import trio
from trio_websocket import wrap_server_stream

from chatd.errors import Ending
from chatd.ids import ConnectionId
from chatd.net.door import Door
from chatd.net.head import SUBPROTOCOL
from chatd.net.heartbeat import Beat, Heartbeat, common_second
from chatd.net.host import DoorLimits, Host, Stats
from chatd.net.scanner import Scanner
from chatd.net.socketout import own
from chatd.net.sockets import PeerSocket
from chatd.wire.framing import ping_frame

ABOVE_SOFT_S = 60.0
"""How long more than the soft limit may wait. Source: protocol section 8."""
_EARLY = 0.5
"""The first ping comes up to this part of the interval early."""
_PING = own(ping_frame())


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
    limits: DoorLimits,
    *,
    connection: ConnectionId,
    jitter: float,
) -> None:
    """Run one accepted WebSocket until it has its first reason to end.

    Args:
        sock: Connected and non-blocking; closed here.
        upgrade: The checked request, not answered yet.
        host: Whoever the messages are for.
        limits: What the connection may cost.
        connection: Its number.
        jitter: Random in 0 to 1, for the moment of the first ping.

    Cancellation: ends the connection with 4001; detaching is not skipped and
        the goodbye is bounded by `close_timeout_s`.
    """
    now = trio.current_time()
    interval_s = limits.heartbeat_interval_s
    early_s = interval_s * _EARLY * jitter
    door = Door(
        sock=sock,
        id=connection,
        address=upgrade.address,
        bearer=upgrade.bearer,
        host=host,
        limits=limits,
        head=upgrade.head(),
        scanner=Scanner(limits.frame_bytes, now),
        beat=Heartbeat(interval_s, limits.heartbeat_timeout_s, now, early_s),
    )
    door.scanner.feed(upgrade.rest, now)
    attached = False
    async with trio.open_nursery() as nursery:
        try:
            # The guard has counted bytes; the library would count characters.
            request = await wrap_server_stream(
                nursery, door, max_message_size=sys.maxsize
            )
            chosen = SUBPROTOCOL if upgrade.offers_subprotocol else None
            ws = await request.accept(subprotocol=chosen)
            attached = True
            _attach(door)
            door.open(ws)
            await _keep(door)
        except Exception:
            door.finish(Ending.BUG)
            raise
        finally:
            if nursery.cancel_scope.cancel_called:
                # A scope that cancelled itself has lost the library to a bug.
                door.finish(Ending.BUG)
                door.stop_waiting()
            door.finish(Ending.RESTART)
            if attached:
                _detach(door, trio.current_time() - now)
            with trio.move_on_after(limits.close_timeout_s, shield=True):
                await door.goodbye()
            door.let_go()
            nursery.cancel_scope.cancel()


def _attach(door: Door) -> None:
    try:
        door.host.attach(door)
    except Exception as error:  # noqa: BLE001 - the firewall of this call
        door.bug(error)


def _detach(door: Door, seconds: float) -> None:
    stats = Stats(seconds, door.bytes_in, door.bytes_out, door.messages_in)
    assert door.ending is not None
    try:
        door.host.detach(door, door.ending, stats)
    except Exception as error:  # noqa: BLE001 - the firewall of this call
        door.bug(error)


async def _keep(door: Door) -> None:
    """Write, ping and judge until the connection has its ending.

    Cancellation: safe.
    """
    while not door.finished:
        deadline = _judge(door, trio.current_time())
        if door.finished:
            break
        with trio.CancelScope(deadline=deadline) as scope:
            door.parked = scope
            if door.outbox.waiting:
                await trio.lowlevel.wait_writable(door.sock)
            else:
                await trio.sleep_forever()
        door.parked = None
        door.flush()


def _judge(door: Door, now: float) -> float:
    """Do what is due at `now`, and say when to look again."""
    beat = door.beat
    if not door.reading:
        beat.heard(now)
    due = beat.due(now)
    if due is Beat.PING:
        door.push(_PING)
    elif due is Beat.DEAD:
        # A loop that was busy for long has not read what came in time.
        if door.has_unread():
            beat.heard(now)
        else:
            door.finish(Ending.NO_PONG)
    stuck_at = inf
    if door.outbox.waiting and door.limits.write_timeout_s:
        stuck_at = door.progress_at + door.limits.write_timeout_s
    full_at = door.above_since + ABOVE_SOFT_S
    if now >= min(stuck_at, full_at):
        door.finish(Ending.SLOW)
    return min(common_second(beat.deadline()), stuck_at, full_at)
