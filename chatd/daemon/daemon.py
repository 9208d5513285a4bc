"""The daemon: built once, served, drained, closed.

The nursery tree, from the outside in:

    store                     its threads; closed last, shielded
      hub                     the committer, the clock, look-ups
        listeners             accepting; and one nursery for each connection
        watchdog, signals

A drain goes through it from the inside out. No connection is accepted; what clients
send is read no further; what was accepted is committed and delivered; each client is
told when to come back and its connection closed with 4001; then hub and store end. A
second signal skips all of it: the process ends at once, and nothing that was
acknowledged is lost by that either.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

import attrs
import trio
from trio.lowlevel import current_statistics

from chatd import __version__
from chatd.auth import read_issuers
from chatd.config import Address, Config, LiveConfig, notices
from chatd.daemon import setup
from chatd.daemon.clocks import read_clocks, wall
from chatd.daemon.edge import gateway_of, listeners_of
from chatd.daemon.garbage import tend
from chatd.daemon.host import DaemonHost
from chatd.daemon.service import Service, service_from
from chatd.daemon.space import free_bytes, watch_space
from chatd.errors import (
    ConfigError,
    Ending,
    StoreFailed,
    StoreRefused,
    StoreUnavailable,
)
from chatd.hub import Hub
from chatd.hub.environment import Environment
from chatd.net.lifespan import live
from chatd.net.listener import Listener
from chatd.net.monitor import Monitor
from chatd.net.sockets import UnixAccess, listen_on
from chatd.net.tls import server_context
from chatd.observe import Metrics, configure_log, log
from chatd.store.sqlite import open_store
from chatd.store.sqlite.files import doubts
from chatd.web.tree import read_tree
from chatd.wire import emojis

SWITCH_INTERVAL_S = 1e-4
"""With Python's 5 ms a busy loop starves the store's thread: a commit then takes up to
a second; with this its median is 2 ms."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What is listened to; all others are Python's."""

DRAIN_MAX_S = 30.0
"""After it the connections are cut. Source: Centrifugo's `shutdown.timeout`."""

CLOSING_MAX_S = 6.0
"""What of it is kept for closing all connections, also where the store hangs: one close
takes 5 s at most."""

COME_BACK_SPREAD_S = 5.0
COME_BACK_PER_CONNECTION_S = 0.002
"""Over how long the clients are told to come back: not all in one moment."""


@attrs.frozen
class Started:
    """What the daemon has found out by starting."""

    listening: Sequence[Address]
    """With the port that the kernel has picked where the setting is 0."""
    metrics: Sequence[Address]
    """Where `/metrics` is."""
    data: Path
    is_new: bool
    """Whether there was no data before."""
    setup_secret: str | None = None
    """By which the first administrator is made; None: there is one, or was."""


def run_daemon(config: Config, announce: Callable[[Started], None]) -> int:
    """Run until a signal ends it.

    Args:
        config: The settings.
        announce: Called once connections are accepted.

    Returns:
        The exit status: 0 after a drain, 1 after a bug or a failed store.

    Raises:
        StoreRefused: The data is not what this daemon may open.
        ConfigError: An address cannot be listened on, or a declared room is new and
            cannot be named so.
    """
    configure_log(config.log.level, config.log.format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    service = service_from(os.environ)
    try:
        trio.run(_serve, config, service, announce)
    except Exception as error:  # noqa: BLE001 - the last place that can log it
        group = ExceptionGroup("", [error])
        refused, others = group.split((StoreRefused, ConfigError))
        if refused is not None and others is None:
            raise _leaves(refused)[0] from None  # it is for the operator to mend
        return _fail(group)
    return 0


def _fail(group: ExceptionGroup[Exception]) -> int:
    """Log why the daemon cannot go on."""
    failed, bugs = group.split((StoreFailed, StoreUnavailable))
    if failed is not None:
        reason = str(_leaves(failed)[0])
        log().critical("the store has failed, so the daemon stops", error=reason)
    if bugs is not None:
        log().critical("bug: the daemon stops; please report this", exc_info=bugs)
    return 1


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The exceptions inside a group, however deep."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _serve(
    config: Config, service: Service, announce: Callable[[Started], None]
) -> None:
    # From the first moment: a signal that comes while it starts ends it in order.
    started = trio.Event()
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.extend_start, started)

            def announced(found: Started) -> None:
                started.set()
                announce(found)

            await _live(config, service, announced, signals)
    log().info("stopped")


async def _live(
    config: Config,
    service: Service,
    announce: Callable[[Started], None],
    signals: AsyncIterator[int],
) -> None:
    data = Path(config.store.path)
    is_new = not (data / "chatd.db").exists()
    for notice in (*notices(config), *doubts(data)):
        log().warning(notice)
    issuers = read_issuers(config.auth.jwt)
    tls = _tls(config)
    access = UnixAccess(int(config.server.unix_mode, 8), config.server.unix_group)
    sockets = listen_on(config.server.listen, os.environ, access)
    metrics_sockets = listen_on(
        config.metrics.listen, os.environ, access, "metrics.listen"
    )
    metrics = Metrics()
    async with open_store(
        data,
        cid_keep_d=config.history.cid_keep_d,
        session_days=config.auth.session_days,
        guest_hold_s=config.auth.guest_hold_s,
        guest_ban_h=config.auth.guest_ban_h,
    ) as store:
        busy, draw = time.perf_counter, secrets.token_bytes
        environment = Environment(wall, read_clocks, draw, _give_up, issuers, busy)
        tree = read_tree()
        gateway, current = gateway_of(tree), LiveConfig(config)
        hub = Hub(
            current, store, environment, metrics, f"chatd/{__version__}", tree.version
        )
        host = DaemonHost(hub, metrics)
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            await nursery.start(live, gateway)
            listener, monitor = listeners_of(current, host, gateway, tls)
            _add_gauges(metrics, hub, listener)
            measure = partial(free_bytes, data)
            await nursery.start(watch_space, measure, hub.measured, data, current)
            await nursery.start(tend, lambda: hub.connections)
            setup.remove(data)
            async with trio.open_nursery() as edge:
                await edge.start(listener.serve, sockets)
                await edge.start(monitor.serve, metrics_sockets)
                nursery.start_soon(service.feed_watchdog, lambda: hub.is_ready)
                service.tell("READY=1")
                listening, numbers = (
                    [one.address for one in some] for some in (sockets, metrics_sockets)
                )
                announce(Started(listening, numbers, data, is_new, hub.setup_secret))
                # Not before the link is left, or one that came sooner would leave it.
                nursery.start_soon(_end_setup, hub, data)
                nursery.start_soon(trio.to_thread.run_sync, emojis.load)
                await _until_stopped(signals)
                service.tell("STOPPING=1")
                await _drain(hub, listener, monitor)
                edge.cancel_scope.cancel()
            nursery.cancel_scope.cancel()


async def _end_setup(hub: Hub, data: Path) -> None:
    """Remove the link when there is a first administrator."""
    await hub.set_up.wait()
    setup.remove(data)


def _tls(config: Config) -> ssl.SSLContext | None:
    """The context of the listener for clients, if it speaks TLS."""
    server = config.server
    return server_context(server.tls_cert, server.tls_key) if server.tls_cert else None


def _add_gauges(metrics: Metrics, hub: Hub, listener: Listener) -> None:
    chat = hub.machine.chat
    for name, text, ask in (
        ("connections", "Connections now.", lambda: hub.connections),
        ("users_online", "Users online now.", lambda: chat.live.users_online),
        ("users_known", "Users in memory.", lambda: len(chat.durable.users)),
        ("sessions_held", "Sessions in memory.", lambda: len(chat.live.sessions)),
        ("rooms", "Rooms in memory.", lambda: len(chat.durable.rooms)),
        ("store_queue", "Drafts that wait.", lambda: hub.committer.depth),
        ("store_batches", "Batches committed.", lambda: hub.committer.batches),
        ("deliveries", "Events handed to receivers.", lambda: hub.fanout.delivered),
        (
            "buffered_bytes",
            "Bytes that wait for readers, or for the rest of a message.",
            lambda: listener.budget.total,
        ),
        ("tasks", "Trio tasks.", lambda: current_statistics().tasks_living),
        ("clock_jumps", "Jumps of the clock.", lambda: hub.clock.jumps),
        (
            "clock_off_seconds",
            "How far the clock is from what is certain; 0 while it is trusted.",
            lambda: hub.clock.off_ms / 1000,
        ),
    ):
        metrics.gauge(name, text, ask)


# --- the end ------------------------------------------------------------------


async def _until_stopped(signals: AsyncIterator[int]) -> None:
    """Wait for the first signal that means the end; a second one is the end."""
    async for number in signals:
        if number == signal.SIGHUP:
            log().warning("SIGHUP: settings cannot be reloaded; restart instead")
            continue
        log().info("stopping", signal=signal.Signals(number).name)
        break
    signal.signal(signal.SIGTERM, _end_at_once)
    signal.signal(signal.SIGINT, _end_at_once)


def _end_at_once(number: int, _frame: object) -> None:
    """End the process here: what was acknowledged is on disk already."""
    os.write(2, b"chatd: a second signal, so it ends at once\n")
    os._exit(128 + number)


async def _drain(hub: Hub, listener: Listener, monitor: Monitor) -> None:
    """Deliver what was accepted, close all connections, and wait for that."""
    listener.stop_accepting()
    hub.hold_all()
    with trio.move_on_after(DRAIN_MAX_S - CLOSING_MAX_S):
        await hub.drain()
    count = hub.connections
    spread_s = COME_BACK_SPREAD_S + count * COME_BACK_PER_CONNECTION_S
    hub.finish_all(Ending.RESTART, lambda: random.uniform(0, spread_s))  # noqa: S311
    with trio.move_on_after(CLOSING_MAX_S):
        await hub.wait_empty()
        await hub.settle()
    monitor.stop_accepting()
    log().info("drained", connections=count)


def _give_up() -> None:
    """End a process whose store's thread hangs: it could not be joined."""
    log().critical("the store does not answer at all, so the daemon ends at once")
    sys.stderr.flush()
    os._exit(1)
