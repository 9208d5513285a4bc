"""What a connection needs of its host, and what it may cost.

`chatd.daemon.host.DaemonHost`, in front of the hub, is the one `Host` in production;
the tests have an echo. Every method is `def`: a host never makes a connection wait.
What it raises is a bug, caught at the call: that connection ends with 1011 and the
others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from chatd.errors import Ending
from chatd.ports import Outlet


@attrs.frozen(kw_only=True)
class WebSocketLimits:
    """What one connection may cost; 0 is no limit, as in `[limits]`."""

    frame_bytes: int = 65_536
    commands_per_s: float = 50.0
    bytes_per_s: int = 16_384
    bytes_burst: int = 262_144
    inflight_max: int = 64
    outbox_soft_bytes: int = 262_144
    outbox_hard_bytes: int = 4_194_304
    write_timeout_s: float = 60.0
    heartbeat_interval_s: float = 25.0
    heartbeat_timeout_s: float = 10.0
    close_timeout_s: float = 5.0
    """For the rest, the bye and the close handshake, together.

    Source: websockets waits 10 s; behind a dead peer half of it is wasted.
    """


@attrs.frozen
class Stats:
    """What one connection has cost, for its line in the log."""

    seconds: float
    bytes_in: int
    bytes_out: int
    messages_in: int


class Host(Protocol):
    """The receiver of all connections' messages."""

    def attach(self, outlet: Outlet) -> None:
        """Take a new connection; from here on frames may be pushed to it."""

    def detach(self, outlet: Outlet, ending: Ending, stats: Stats) -> None:
        """Forget a connection: once for each attach, before it is closed."""

    def on_texts(self, outlet: Outlet, payloads: Sequence[bytes]) -> None:
        """Take messages of the fast lane, valid UTF-8, in order.

        The host calls `outlet.answered()` once for each.
        """

    def on_slow(self, outlet: Outlet, payload: bytes, *, is_text: bool) -> None:
        """Take a message that the library put together, text or binary.

        The host calls `outlet.answered()` once for it.
        """

    def gapped(self, outlet: Outlet) -> None:
        """Count a gap: events of a room were not sent, and the client is told so."""

    def bug(self, outlet: Outlet, error: Exception) -> None:
        """Log and count an exception that is a bug of chatd; must not raise."""
