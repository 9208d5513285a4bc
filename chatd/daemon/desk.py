"""The operator's desk: the chat for him alone, while no daemon runs.

What decides is the same core, and what writes is the same writer: a hub with no
listener but the operator's, for as long as one command of the command line takes, under
the lock of the data directory. So a command has one form and one way, whether a daemon
runs or not, and a daemon that starts meanwhile waits for the command's end.

Nothing but what the operator asks for happens here. Settings may be other than the
daemon's, as a command may be typed without `-c FILE`; so nothing is forgotten by an age
that a setting gives, no deadline passes, and no room is declared.

The socket is in a directory of its own that nobody else can enter: another command
finds the lock held, and says so.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from chatd import __version__
from chatd.config import Config, LiveConfig
from chatd.daemon.admin import SOCKET, operator_listener
from chatd.daemon.clocks import read_clocks, wall
from chatd.daemon.host import DaemonHost
from chatd.daemon.stores import Keeping, open_configured
from chatd.errors import StoreFailed
from chatd.hub import Hub
from chatd.hub.environment import Environment
from chatd.net.sockets import listen_privately
from chatd.observe import Metrics

NEVER_D = 1e6
"""When anything is old here, in days."""


@asynccontextmanager
async def open_desk(config: Config) -> AsyncIterator[Path]:
    """Open the chat of a data directory that no daemon serves, made if need be.

    Args:
        config: The settings; `store.path` is where the data is.

    Yields:
        The operator's socket.

    Raises:
        StoreHeld: Another process serves the data, or changes it.
        StoreRefused: The data cannot be used.
        StoreUnavailable: It cannot be opened or written now.
        StoreFailed: The store has failed, or does not answer.

    Cancellation: what is being committed is finished first.
    """
    live, metrics = LiveConfig(config), Metrics()
    never = Keeping(NEVER_D, NEVER_D, NEVER_D * 86_400, NEVER_D * 24)
    async with open_configured(config, never, serves=False) as store:
        environment = Environment(wall, read_clocks, secrets.token_bytes, _give_up)
        server = f"chatd/{__version__}"
        hub = Hub(live, store, environment, metrics, server, serves=False)
        listener = operator_listener(live, DaemonHost(hub, metrics), count(1).__next__)
        with TemporaryDirectory(prefix="chatd-") as directory:
            path = Path(directory) / SOCKET
            async with trio.open_nursery() as nursery:
                await nursery.start(hub.run)
                await nursery.start(listener.serve, [listen_privately(path)])
                yield path
                await hub.drain()
                nursery.cancel_scope.cancel()


def _give_up() -> None:
    """End the command: its connection ends with the nursery."""
    raise StoreFailed("the store does not answer at all")
