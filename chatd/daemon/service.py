"""Notifications to systemd: still starting, ready, alive, stopping.

Datagrams to the socket that `NOTIFY_SOCKET` names; without it, nothing. The
watchdog is fed from the Trio loop and only while the store answers, so a loop
that is stuck, or a disk that is, is a reason to be restarted.

Source: sd_notify(3).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

import attrs
import trio

from chatd.observe import log

EXTEND_EVERY_S = 10.0
EXTEND_BY_S = 60.0
"""How much longer a start may take, each time: enough for a step in which nothing else
runs. Source: measured, what a million accounts need on a slow machine is a third."""
EXTEND_MAX_S, EXTEND_BYTES_PER_S = 3600.0, 4e6
"""How long a start may go on asking: an hour, and longer by how large the store is,
since one of an older chatd is looked at, copied, looked at again and changed. Nothing
here can tell a start that hangs, in a disk or in SQLite, from one that goes on, so it
is time that ends it: the manager then waits `EXTEND_BY_S` more, and does what its unit
says of a start that takes too long. Source: measured, 20 MB of a store a second on a
small machine; a fifth of that."""


@attrs.frozen
class Service:
    """The service manager, if there is one.

    Attributes:
        address: Where its datagrams go; a leading NUL is the abstract namespace.
        watchdog_s: How often it wants a sign of life; 0 is never.
    """

    address: str = ""
    watchdog_s: float = 0.0

    def tell(self, message: str) -> None:
        """Send one message; errors are ignored, as the manager may be gone."""
        if not self.address:
            return
        # Making the socket may fail too, where no descriptor is left.
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
        ):
            sock.settimeout(0)
            sock.connect(self.address)
            sock.send(message.encode())

    async def extend_start(self, has_started: trio.Event, store_bytes: int) -> None:
        """Ask for more time, again and again, as long as the start goes on.

        But for `EXTEND_MAX_S` at the most, and what a large store takes beyond.

        Args:
            has_started: Is set when it has.
            store_bytes: How large the store is.

        Cancellation: safe.
        """
        if not self.address:
            return
        most_s = EXTEND_MAX_S + store_bytes / EXTEND_BYTES_PER_S
        with trio.move_on_after(most_s) as scope:
            while not has_started.is_set():
                self.tell(f"EXTEND_TIMEOUT_USEC={round(EXTEND_BY_S * 1e6)}")
                with trio.move_on_after(EXTEND_EVERY_S):
                    await has_started.wait()
        if scope.cancelled_caught:
            log().error(
                "the start takes too long: the service manager may end it",
                seconds=round(most_s),
            )

    async def feed_watchdog(self, is_well: Callable[[], bool]) -> None:
        """Give signs of life, twice as often as they are wanted, while all is well.

        Cancellation: safe.
        """
        if not self.watchdog_s:
            return
        while True:
            if is_well():
                self.tell("WATCHDOG=1")
            await trio.sleep(self.watchdog_s / 2)


def service_from(environ: Mapping[str, str], pid: int | None = None) -> Service:
    """Read what the service manager has put into the environment.

    Args:
        environ: The environment.
        pid: Whose watchdog it must be; this process' if None.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if address.startswith("@"):
        address = "\0" + address[1:]
    micros = environ.get("WATCHDOG_USEC", "")
    mine = environ.get("WATCHDOG_PID") in (None, str(pid or os.getpid()))
    watchdog_s = int(micros) / 1e6 if micros.isdecimal() and mine else 0.0
    return Service(address, watchdog_s)
