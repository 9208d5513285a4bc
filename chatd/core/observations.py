"""What only the edge can see, as values: how a connection goes, how the daemon is.

The core asks for it by an effect (`chatd.core.effects.Observe`), for the operator
alone, and answers with what comes back.
"""

from __future__ import annotations

import attrs

from chatd.config import Difference
from chatd.enums import LogLevel
from chatd.errors import Reject
from chatd.ids import ConnectionId
from chatd.wire.events import Millis
from chatd.wire.operator import ConfigShown, NodeShown, StoreShown


@attrs.frozen
class Traffic:
    """What one connection has moved, and what it has not."""

    address: str
    messages: int
    received: int
    """Bytes."""
    sent: int
    """Bytes that the kernel has taken."""
    unread: int
    """Bytes that wait here, or that the peer's side has not acknowledged."""
    lag_s: float
    """For how long it has taken nothing of what waits; 0.0 where nothing does."""


@attrs.frozen
class ProcessFacts:
    """The process, its files and its sockets."""

    pid: int
    started: Millis
    config: ConfigShown
    listening: list[str]
    metrics: list[str]
    store: StoreShown
    log_level: LogLevel


@attrs.frozen
class ServerFacts:
    """The process, and how it keeps up."""

    process: ProcessFacts
    is_ready: bool
    queued: int
    """Drafts that wait for the store."""
    events: int
    """Of rooms, delivered since the start."""
    events_per_s: float
    nodes: list[NodeShown] = attrs.field(factory=list)
    """All that share the store."""
    bus: bool | None = None
    """Whether it is there; None: there is none."""


@attrs.frozen
class NodeFacts:
    """What a node says of itself to the others."""

    server: str = ""
    """Name and version of the program."""
    users: int = 0
    """Who are online there."""
    connections: int = 0
    behind_ms: int = 0
    """For how long it may not know of something that others have committed."""


Observed = ServerFacts | dict[ConnectionId, Traffic] | Difference | Reject
"""What comes back: of a connection that has gone meanwhile, nothing; of a reload what
has changed, or why nothing has."""
