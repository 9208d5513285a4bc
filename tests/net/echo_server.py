"""The echo end on a port of its own, for Autobahn and for probing by hand.

`python -m tests.net.echo_server [PORT]` listens on loopback, prints the address
and ends by itself after five minutes, or at the end of its standard input.
"""

from __future__ import annotations

import sys

import attrs
import trio

from chatd.config.values import TcpAddress
from chatd.ids import ConnectionId
from chatd.net.answer import Response
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.host import WebSocketLimits
from chatd.net.listener import Listener
from chatd.net.routing import HttpConfig, Route
from chatd.net.sockets import listen_on
from chatd.net.trouble import Trouble
from tests.net.echo import FREE, EchoHost

LIFE_S = 300


@attrs.define
class Watcher:
    """Remembers what the edge reports."""

    bugs: list[Exception] = attrs.field(factory=list)
    accept_errors: list[OSError] = attrs.field(factory=list)
    refusals: list[tuple[str, int]] = attrs.field(factory=list)
    troubles: list[Trouble] = attrs.field(factory=list)

    def connection_bug(self, connection: ConnectionId, error: Exception) -> None:
        self.bugs.append(error)

    def accept_failed(self, error: OSError) -> None:
        self.accept_errors.append(error)

    def refused(self, address: str, status: int) -> None:
        self.refusals.append((address, status))

    def troubled(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)


def hello(method: str) -> Response:
    """A route."""
    return Response(200, "text/plain", b"hello\n")


ROUTES: dict[str, Route] = {"/": hello, "/healthz": hello}


def echo_listener(
    host: EchoHost,
    limits: WebSocketLimits = FREE,
    *,
    http: HttpConfig | None = None,
    limiter: ConnectionLimiter | None = None,
    watcher: Watcher | None = None,
) -> Listener:
    """A listener as the daemon builds it, in front of the echo."""
    return Listener(
        host=host,
        dialect=host,
        limits=limits,
        http=http or HttpConfig(routes=ROUTES),
        limiter=limiter or ConnectionLimiter(0, 0),
        observer=watcher or Watcher(),
        jitter=lambda: 0.0,
    )


async def main(port: int) -> None:
    """Serve until the standard input ends or the time is over."""
    host, watcher = EchoHost(), Watcher()
    listening = listen_on([TcpAddress("127.0.0.1", port)], {})
    listener = echo_listener(host, watcher=watcher)
    with trio.move_on_after(LIFE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(listener.serve, listening)
            print(listening[0].address, flush=True)  # noqa: T201 - its one output
            await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
            nursery.cancel_scope.cancel()
    print(f"firewall: {len(watcher.bugs)}, bugs: {len(host.bugs)}")  # noqa: T201


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
