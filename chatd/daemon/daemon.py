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
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import attrs
import trio

from chatd import __version__
from chatd.auth import read_issuers
from chatd.config import Address, Config, LiveConfig, notices
from chatd.daemon import openfiles, setup
from chatd.daemon.admin import DaemonProcess, open_socket, operator_listener
from chatd.daemon.clocks import read_clocks, wall
from chatd.daemon.edge import gateway_of, listeners_of
from chatd.daemon.garbage import tend
from chatd.daemon.gauges import Disk, add_gauges, watch_loop
from chatd.daemon.host import DaemonHost
from chatd.daemon.levels import Levels
from chatd.daemon.reloading import Reloader, read_tls, start_reloading
from chatd.daemon.reminders import remind
from chatd.daemon.service import Service, service_from
from chatd.daemon.space import watch_space
from chatd.daemon.stores import Keeping, is_new, open_serving
from chatd.errors import (
    ConfigError,
    Ending,
    GivenUp,
    StoreFailed,
    StoreRefused,
    StoreUnavailable,
)
from chatd.hub import Hub
from chatd.hub.environment import Environment
from chatd.net.lifespan import live
from chatd.net.listener import Listener
from chatd.net.monitor import Monitor
from chatd.net.sockets import Listening, UnixAccess, listen_on
from chatd.observe import Metrics, log
from chatd.store.sqlite.files import database_bytes, doubts
from chatd.web.tree import read_tree
from chatd.wire import emojis

SWITCH_INTERVAL_S = 1e-4
"""With Python's 5 ms a busy loop starves the store's thread: a commit then takes up to
a second; with this its median is 2 ms."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What is listened to; all others are Python's."""

MENDABLE = (StoreRefused, StoreUnavailable, ConfigError)
"""What is for the operator to mend, and told in his words."""

DRAIN_MAX_S = 30.0
"""After it the connections are cut. Source: Centrifugo's `shutdown.timeout`."""

CLOSING_MAX_S = 6.0
"""What of it is kept for closing all connections, also where the store hangs: one close
takes 5 s at most."""

LAST_WORDS_S = 1.0
"""How long the end of the process waits for the log to be read."""

COME_BACK_SPREAD_S = 1.0
COME_BACK_PER_CONNECTION_S = 0.002
"""Over how long the clients are told to come back: not all in one moment, and not later
than it takes to serve them: of five hundred the last one comes after 2 s."""


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


def run_daemon(
    config: Config,
    read: Callable[[], Config],
    announce: Callable[[Started], None],
    config_file: Path | None = None,
) -> int:
    """Run until a signal ends it.

    Args:
        config: The settings.
        read: Reads them again, when SIGHUP asks for it.
        announce: Called once connections are accepted.
        config_file: Where the settings were read, for the operator who asks.

    Returns:
        The exit status: 0 after a drain, 1 after a bug or a failed store, 75 where
        the other nodes have given this one up.

    Raises:
        StoreRefused: The data is not what this daemon may open.
        StoreUnavailable: It cannot be opened or written now: the disk is full.
        ConfigError: An address cannot be listened on, or a declared room is new and
            cannot be named so.
    """
    openfiles.take_all()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    service = service_from(os.environ)
    try:
        trio.run(_serve, config, read, service, announce, config_file)
    except Exception as error:  # noqa: BLE001 - the last place that can log it
        group = ExceptionGroup("", [error])
        refused, others = group.split(MENDABLE)
        if refused is not None and others is None:
            raise _leaves(refused)[0] from None  # it is for the operator to mend
        return _fail(group)
    return 0


def _fail(group: ExceptionGroup[Exception]) -> int:
    """Log why the daemon cannot go on."""
    given_up, others = group.split(GivenUp)
    if given_up is not None and others is None:
        log().critical(
            "this node has not been there for long, so the others have given it up; as"
            " a new one it may come back at once"
        )
        return os.EX_TEMPFAIL
    failed, bugs = group.split(StoreFailed)
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
    config: Config,
    read: Callable[[], Config],
    service: Service,
    announce: Callable[[Started], None],
    config_file: Path | None,
) -> None:
    # From the first moment: a signal that comes while it starts ends it in order.
    started = trio.Event()
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            size = 0
            with suppress(OSError):  # whatever is wrong there is told below
                size = database_bytes(Path(config.store.path))
            nursery.start_soon(service.extend_start, started, size)

            def announced(found: Started) -> None:
                started.set()
                announce(found)

            await _live(config, read, service, announced, signals, config_file)
    log().info("stopped")


async def _live(
    config: Config,
    read: Callable[[], Config],
    service: Service,
    announce: Callable[[Started], None],
    signals: AsyncIterator[int],
    config_file: Path | None,
) -> None:
    data = Path(config.store.path)
    for notice in (*notices(config), *doubts(data)):
        log().warning(notice)
    is_first = is_new(config)
    issuers = read_issuers(config.auth.jwt)
    tls = read_tls(config)
    sockets, metrics_sockets = _listen(config)
    listening = [one.address for one in sockets]
    numbers = [one.address for one in metrics_sockets]
    levels = Levels(config.log.level)
    process = DaemonProcess(wall(), data, config_file, listening, numbers, levels)
    metrics = Metrics()
    async with open_serving(config, Keeping.of(config)) as (store, bus, told):
        busy, draw = time.perf_counter, secrets.token_bytes
        clocks = partial(read_clocks, wall=told)
        environment = Environment(told, clocks, draw, _give_up, issuers, process, busy)
        admin_socket = open_socket(data, os.environ)
        tree = read_tree()
        gateway, current = gateway_of(tree), LiveConfig(config)
        server = f"chatd/{__version__}"
        hub = Hub(current, store, environment, metrics, server, tree.version, bus)
        host = DaemonHost(hub, metrics)
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            await nursery.start(live, gateway)
            ids = count(1).__next__
            listener, monitor = listeners_of(current, host, gateway, tls, ids)
            operators = operator_listener(current, host, ids)
            reloader = Reloader(current, read, hub.declare, issuers, listener, process)
            reload = start_reloading(nursery, reloader, service)
            await _start_watching(nursery, hub, metrics, listener, data, current)
            setup.remove(data)
            async with trio.open_nursery() as edge:
                openfiles.bound_connections(listener)
                await edge.start(listener.serve, sockets)
                await edge.start(monitor.serve, metrics_sockets)
                await edge.start(operators.serve, [admin_socket])
                nursery.start_soon(service.feed_watchdog, lambda: hub.is_well)
                service.tell("READY=1")
                announce(Started(listening, numbers, data, is_first, hub.setup_secret))
                # Not before the link is left, or one that came sooner would leave it.
                nursery.start_soon(_end_setup, hub, data)
                nursery.start_soon(levels.keep)
                nursery.start_soon(trio.to_thread.run_sync, emojis.load)
                await _until_stopped(signals, reload)
                process.is_ending = True
                service.tell("STOPPING=1")
                await _drain(hub, (listener, operators), monitor)
                edge.cancel_scope.cancel()
            nursery.cancel_scope.cancel()


def _listen(config: Config) -> tuple[list[Listening], list[Listening]]:
    """Open the sockets for clients, and those for the metrics."""
    server = config.server
    access = UnixAccess(int(server.unix_mode, 8), server.unix_group)
    return (
        listen_on(server.listen, os.environ, access),
        listen_on(config.metrics.listen, os.environ, access, "metrics.listen"),
    )


async def _start_watching(
    nursery: trio.Nursery,
    hub: Hub,
    metrics: Metrics,
    listener: Listener,
    data: Path,
    config: LiveConfig,
) -> None:
    """Have the disk, the loop and the garbage looked at from now on."""
    disk = Disk(data)
    add_gauges(metrics, hub, listener, disk)
    nursery.start_soon(watch_loop, metrics, listener.budget)
    if not config.current.store.url:
        nursery.start_soon(remind, data, config, wall)
        await nursery.start(watch_space, disk.measure, hub.measured, data, config)
    await nursery.start(tend, lambda: hub.connections)


async def _end_setup(hub: Hub, data: Path) -> None:
    """Remove the link when there is a first administrator."""
    await hub.set_up.wait()
    setup.remove(data)


# --- the end ------------------------------------------------------------------


async def _until_stopped(
    signals: AsyncIterator[int], reload: trio.MemorySendChannel[None]
) -> None:
    """Wait for the first signal that means the end; a second one is the end.

    Args:
        signals: What has come.
        reload: Gets something whenever settings are to be reloaded.
    """
    async for number in signals:
        if number == signal.SIGHUP:
            # One that waits will read what is there when its turn comes.
            with suppress(trio.WouldBlock):
                reload.send_nowait(None)
            continue
        log().info("stopping", signal=signal.Signals(number).name)
        break
    signal.signal(signal.SIGTERM, _end_at_once)
    signal.signal(signal.SIGINT, _end_at_once)


def _end_at_once(number: int, _frame: object) -> None:
    """End the process here: what was acknowledged is on disk already."""
    log().warning("a second signal, so it ends at once")
    log().flush(LAST_WORDS_S)
    os._exit(128 + number)


async def _drain(hub: Hub, listeners: Iterable[Listener], monitor: Monitor) -> None:
    """Deliver what was accepted, close all connections, and wait for that."""
    for listener in listeners:
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
    log().flush(LAST_WORDS_S)
    os._exit(1)
