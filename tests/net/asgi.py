"""Applications for the bridge, and the HTTP settings that lead to one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import trio

from chatd.net.asgi import Application, Gateway, Receive, Scope, Send
from chatd.net.routing import HttpConfig
from tests.net.echo_server import ROUTES

Fields = Iterable[tuple[bytes, bytes]]
PLAIN: Fields = ((b"content-type", b"text/plain"),)


def http_config(app: Application, **options: Any) -> HttpConfig:
    """The application answers all paths but `/healthz`.

    At one second for ever, so that two answers can be compared, their `Date` too.
    """
    return HttpConfig(
        routes={"/healthz": ROUTES["/healthz"]},
        gateway=Gateway(app=app, **options),
        wall=lambda: 784_111_777.0,
    )


async def start(send: Send, status: int = 200, headers: Fields = PLAIN) -> None:
    """Begin an answer."""
    message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(message)


async def body(send: Send, content: bytes = b"", *, more: bool = False) -> None:
    """Give some of an answer's content."""
    message = {"type": "http.response.body", "body": content, "more_body": more}
    await send(message)


async def content_of(receive: Receive) -> bytes:
    """All of a request's content."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        assert message["type"] == "http.request", message
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the request's content."""
    content = await content_of(receive)
    await start(send)
    await body(send, content)


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without looking at the content."""
    await start(send)
    await body(send, b"hello\n")


@attrs.define
class Patient:
    """An application that begins nothing, waits for ever, and remembers its end."""

    reads: bool = False
    """Whether it waits for the peer's end, and then goes on waiting."""
    running: int = 0
    told: int = 0
    cancelled: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait."""
        self.running += 1
        try:
            if self.reads:
                await content_of(receive)
                assert await receive() == {"type": "http.disconnect"}
                self.told += 1
            await trio.sleep_forever()
        except trio.Cancelled:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


async def settled(holds: Callable[[], bool]) -> None:
    """Wait until something holds, under a clock that jumps as well."""
    with trio.fail_after(60):
        while not holds():  # noqa: ASYNC110 - of whatever it is, and by any clock
            await trio.sleep(0.001)
