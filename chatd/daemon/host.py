"""The host of connections: between the edge and the hub, with logs and counts.

The edge knows nothing of logs and numbers, and the hub nothing of sockets. Here
a connection that ends becomes one line and one count, and a bug that the
firewall caught becomes an error line that names its connection.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from chatd.daemon.complaints import Complaints
from chatd.errors import Ending
from chatd.hub import Hub
from chatd.ids import ConnectionId
from chatd.net.dialect import binary
from chatd.net.host import Stats
from chatd.net.trouble import Cause, Trouble
from chatd.observe import Metrics, log
from chatd.ports import Outlet

LOUD = frozenset({Ending.BUG})
"""Endings that are logged as errors: they are this side's fault."""


@attrs.frozen
class DaemonHost:
    """The host of all connections, and the observer of the edge."""

    hub: Hub
    metrics: Metrics
    complaints: Complaints = attrs.field(factory=Complaints)
    is_operator: bool = False
    """Whether they are the operator's."""

    def __attrs_post_init__(self) -> None:
        """Have every cause counted from the start."""
        self.metrics.troubles.update({cause.name.lower(): 0 for cause in Cause})

    def attach(self, outlet: Outlet) -> None:
        """Take a new connection."""
        self.hub.attach(outlet, is_operator=self.is_operator)

    def detach(self, outlet: Outlet, ending: Ending, stats: Stats) -> None:
        """Forget a connection, and log its one line."""
        user = self.hub.user_of(outlet.id)
        self.hub.detach(outlet)
        self.metrics.ended(ending)
        # Each of the operator's commands is a connection.
        quiet = log().debug if self.is_operator else log().info
        tell = log().error if ending in LOUD else quiet
        tell(
            "connection ended",
            connection=outlet.id,
            address=outlet.address,
            user=user or ("operator" if self.is_operator else "-"),
            reason=ending.reason,
            seconds=round(stats.seconds, 1),
            received=stats.bytes_in,
            sent=stats.bytes_out,
        )

    def on_texts(self, outlet: Outlet, payloads: Sequence[bytes]) -> None:
        """Take messages of a client, in order."""
        self.metrics.fast_messages += len(payloads)
        self.hub.on_texts(outlet, payloads)

    def on_slow(self, outlet: Outlet, payload: bytes, *, is_text: bool) -> None:
        """Take a message that came in fragments; refuse one that is binary."""
        self.metrics.slow_messages += 1
        if is_text:
            self.hub.on_texts(outlet, [payload])
        else:
            self.hub.on_bad(outlet, binary())

    def gapped(self, _outlet: Outlet) -> None:
        """Count a gap of which the client is told."""
        self.hub.gapped()

    def bug(self, outlet: Outlet, error: Exception) -> None:
        """Log and count a bug that ends one connection."""
        self.connection_bug(outlet.id, error)

    def connection_bug(self, connection: ConnectionId, error: Exception) -> None:
        """Log and count what the firewall caught."""
        self.metrics.connection_bugs += 1
        log().error(
            "bug: the connection was ended, the daemon goes on; please report this",
            connection=connection,
            exc_info=error,
        )

    def accept_failed(self, error: OSError) -> None:
        """Log that no connection can be accepted."""
        log().error(
            "cannot accept connections; raise LimitNOFILE if descriptors ran out",
            error=str(error),
        )

    def refused(self, address: str, status: int) -> None:
        """Count a request that was refused before it became a WebSocket."""
        self.metrics.turned_away(str(status))
        log().debug("request refused", address=address, status=status)

    def troubled(self, trouble: Trouble) -> None:
        """Count and log what only the operator can mend."""
        self.metrics.troubles[trouble.cause.name.lower()] += 1
        self.complaints.tell(trouble, trio.current_time())
