"""Which store is opened: what the settings say.

The data directory is there for each of them: it has the socket of the operator and the
lock by which the command line sees that a daemon runs.
"""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import attrs

from chatd.config import Config, parse_bus
from chatd.daemon.clocks import wall
from chatd.errors import StoreRefused
from chatd.ports import Store
from chatd.ports.cluster import Bus
from chatd.store.sqlite import files, open_store
from chatd.store.sqlite.opening import hold


@attrs.frozen
class Keeping:
    """How long what is kept; see the settings."""

    cid_keep_d: float
    session_days: float
    guest_hold_s: float
    guest_ban_h: float

    @classmethod
    def of(cls, config: Config) -> Keeping:
        """What the settings say."""
        auth = config.auth
        times = auth.session_days, auth.guest_hold_s, auth.guest_ban_h
        return cls(config.history.cid_keep_d, *times)


@asynccontextmanager
async def open_configured(
    config: Config, keeping: Keeping, *, serves: bool = True
) -> AsyncIterator[Store]:
    """Open the store that the settings name, made if need be, until the end.

    Args:
        config: The settings.
        keeping: How long what is kept.
        serves: Whether this process is a daemon, or a command in its place.

    Raises:
        StoreRefused: It cannot be used, or another process serves it.
        StoreUnavailable: It cannot be opened or written now.

    Cancellation: closing is shielded.
    """
    directory, times = Path(config.store.path), attrs.asdict(keeping)
    if not config.store.url:
        async with open_store(directory, serves=serves, **times) as store:
            yield store
        return
    try:
        from chatd.store import postgres  # noqa: PLC0415 - only who wants it needs it
    except ImportError as error:
        raise StoreRefused(
            "store.url names PostgreSQL, for which a library is missing"
            f" ({error.name}): install chatd[postgres]"
        ) from error
    files.make_directory(directory)
    async with AsyncExitStack() as stack:
        await hold(stack, directory, serves=serves)
        opened = postgres.open_store(config.store.url, serves=serves, **times)
        yield await stack.enter_async_context(opened)


@asynccontextmanager
async def open_serving(
    config: Config, keeping: Keeping
) -> AsyncIterator[tuple[Store, Bus | None, Callable[[], int]]]:
    """Open what a daemon serves: the store, and the bus to other nodes, if any.

    With them comes what tells the time: where there are nodes, the store does.

    Args:
        config: The settings.
        keeping: How long what is kept.

    Raises:
        StoreRefused: As `open_configured`; so StoreUnavailable.

    Cancellation: closing is shielded.
    """
    if not config.cluster.bus:
        async with open_configured(config, keeping) as store:
            yield store, None, wall
        return
    try:
        from chatd.bus import ValkeyBus  # noqa: PLC0415 - only who wants it needs it
        from chatd.store.postgres import cluster  # noqa: PLC0415
    except ImportError as error:
        raise StoreRefused(
            "cluster.bus makes this one node of several, for which a library is"
            f" missing ({error.name}): install chatd[cluster]"
        ) from error
    directory = Path(config.store.path)
    files.make_directory(directory)
    name = config.cluster.name or socket.gethostname()
    async with AsyncExitStack() as stack:
        await hold(stack, directory, serves=True)
        opened = cluster.open_shared_store(
            config.store.url, name=name, **attrs.asdict(keeping)
        )
        shared = await stack.enter_async_context(opened)
        # Others may use the same server, for another database.
        prefix = f"chatd:{shared.home}:"
        bus = ValkeyBus(parse_bus(config.cluster.bus), prefix, random.Random())  # noqa: S311
        yield shared, bus, shared.wall


def is_new(config: Config) -> bool:
    """Whether there is no store yet, as far as one can tell without opening it."""
    return not config.store.url and files.find_database(Path(config.store.path)) is None
