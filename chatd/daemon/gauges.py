"""What is asked or looked at for the numbers: the hub, the edge, the disk, the loop."""

from __future__ import annotations

import math
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import attrs
import trio
from trio.lowlevel import current_statistics

from chatd import __version__
from chatd.hub import Hub
from chatd.net.budget import Budget
from chatd.net.listener import Listener
from chatd.observe import Metrics
from chatd.store.sqlite.access import free_bytes
from chatd.store.sqlite.files import read_backup_note

if TYPE_CHECKING:
    from chatd.hub.cluster import Cluster


@attrs.define
class Disk:
    """What the store takes, what is free beside it, and when it was copied last.

    All of it as it was when somebody looked last.

    Args:
        data: The directory of the store.
    """

    _data: Path
    free: int = attrs.field(default=0, init=False)
    store: int = attrs.field(default=0, init=False)
    """The database file."""
    wal: int = attrs.field(default=0, init=False)
    """Its write-ahead log."""
    backup_s: float | None = attrs.field(default=None, init=False)
    """When the last backup was made, in seconds since 1970; None: none is noted."""

    def measure(self) -> int:
        """Look; called in a thread, since it hangs if the disk does.

        Returns:
            How many bytes are free.

        Raises:
            OSError: It cannot be found out.
        """
        self.free = free_bytes(self._data)
        self.store = _size(self._data / "chatd.db")
        self.wal = _size(self._data / "chatd.db-wal")
        note = read_backup_note(self._data)
        self.backup_s = None if note is None else note.made / 1000
        return self.free


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def add_gauges(metrics: Metrics, hub: Hub, listener: Listener, disk: Disk) -> None:
    """Have everything asked at each scrape that is not counted.

    Args:
        metrics: Where the numbers are read.
        hub: Who is there, and what waits.
        listener: What all connections hold.
        disk: What the store takes.
    """
    chat = hub.machine.chat
    for name, text, ask in (
        ("connections", "Connections now.", lambda: hub.connections),
        ("users_online", "Users online now.", lambda: chat.live.users_online),
        ("users_known", "Users in memory.", lambda: len(chat.durable.users)),
        ("sessions_held", "Sessions in memory.", lambda: len(chat.live.sessions)),
        ("rooms", "Rooms in memory.", lambda: len(chat.durable.rooms)),
        ("store_queue", "Drafts that wait.", lambda: hub.committer.depth),
        ("store_ready", "Whether the store answers.", lambda: hub.is_ready),
        ("store_bytes", "Size of the database file.", lambda: disk.store),
        ("store_wal_bytes", "Size of its write-ahead log.", lambda: disk.wal),
        ("store_free_bytes", "Free where the store is.", lambda: disk.free),
        (
            "last_backup_timestamp_seconds",
            "When the last backup was made; not there where none ever was.",
            lambda: disk.backup_s,
        ),
        ("draining", "Whether it is about to end.", lambda: listener.http.stopping),
        (
            "buffered_bytes",
            "Bytes that wait for readers, or for the rest of a message.",
            lambda: listener.budget.total,
        ),
        ("tasks", "Trio tasks.", lambda: current_statistics().tasks_living),
        (
            "clock_off_seconds",
            "How far the clock is from what is certain; 0 while it is trusted.",
            lambda: hub.clock.off_ms / 1000,
        ),
    ):
        metrics.gauge(name, text, ask)
    for name, text, ask in (
        ("deliveries", "Events handed to receivers.", lambda: hub.fanout.delivered),
        ("clock_jumps", "Jumps of the clock.", lambda: hub.clock.jumps),
        ("connections_accepted", "Connections that came.", lambda: listener.accepted),
    ):
        metrics.counter(name, text, ask)
    metrics.info(
        version=__version__, trio=version("trio"), sqlite=apsw.sqlite_lib_version()
    )
    if hub.cluster is not None:
        add_cluster_gauges(metrics, hub.cluster)


def add_cluster_gauges(metrics: Metrics, cluster: Cluster) -> None:
    """Have it asked at each scrape how this node and the others hear each other.

    Args:
        metrics: Where the numbers are read.
        cluster: What this node has to do with the others.
    """
    for name, text, ask in (
        ("nodes", "Nodes that share the store.", lambda: len(cluster.nodes)),
        ("bus_up", "Whether the bus carries between them.", lambda: cluster.is_up),
        (
            "behind_seconds",
            "For how long this node may not know of what others have stored.",
            lambda: cluster.behind_s,
        ),
    ):
        metrics.gauge(name, text, ask)
    for name, text, ask in (
        ("publications", "Told to other nodes by the bus.", lambda: cluster.published),
        ("commits_heard", "Commits of other nodes.", lambda: cluster.heard),
        ("catch_ups", "Times that the log was read.", lambda: cluster.catch_ups),
    ):
        metrics.counter(name, text, ask)


async def watch_loop(metrics: Metrics, budget: Budget) -> None:
    """Once a second see how late the loop is, and what waits for readers.

    Args:
        metrics: What has the histograms.
        budget: What all connections hold.

    Cancellation: safe.
    """
    while True:
        # At whole seconds, like the heartbeat: a wake-up of its own costs most.
        at = math.floor(trio.current_time()) + 1
        await trio.sleep_until(at)
        metrics.loop_lag_seconds.observe(trio.current_time() - at)
        for size, count in budget.sizes():
            metrics.outbox_bytes.observe(size, count)
