"""The bridge from the HTTP connection to the ASGI application.

`chatd.net.routing` judges a request's head; what goes to the application becomes a
`Call`, and an `Exchange` runs the application for it in a nursery of its own. The
application pulls the content through `receive` and pushes its answer through `send`;
either waits for the peer, so neither side fills memory. Trouble with the peer is never
an exception in the application: it is cancelled when the peer is gone or takes nothing,
or when the content is late, malformed or too large. So the exceptions that it raises
are its own bugs. They are answered with 500 where nothing has left yet, and are passed
to the firewall around the connection.

A peer that has ended its side may still be reading. The application is told
(`http.disconnect`), and what it sends still leaves; when it sends nothing for a second,
it is cancelled.

One step, a call of the application or a piece of its answer, waits for its turn: one in
a turn of the loop for all requests together, then a pause, which is longer the more
else the loop has to do. So a message waits for one step, however many downloads run.

Source: the ASGI specification 3.0, HTTP 2.4; RFC 9112.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from math import inf
from typing import Any, Final, NoReturn
from urllib.parse import unquote

import attrs
import h11
import trio

from chatd.net.answer import completed
from chatd.net.body import BYTES_PER_S, BadBody, Body
from chatd.net.budget import Budget
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.head import Headers, Refusal
from chatd.net.headbytes import HeadBytes
from chatd.net.socketio import READ_BYTES, read
from chatd.net.sockets import PeerSocket
from chatd.net.target import Target

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

VERSIONS: Final = {"version": "3.0", "spec_version": "2.4"}
REQUESTS_MAX = 2048
"""Answered at a time: some 25 MB, without what waits for its readers."""
REQUESTS_PER_ADDRESS = 1024
"""Of those. Source: six of each browser in an office that loads the page at once."""
TURN_EVERY_S = 0.002
"""The pause after a step, which takes some 0.3 ms. Source: `make bench ROWS=downloads`;
without it they took a third of the daemon while rooms were busy, and doubled p99."""
PAUSE_PER_WAIT = 3.0
"""Of the loop's other work that a step had to wait for: where that is much, steps are
few."""
PAUSE_MAX_S = 0.1
"""However long the loop was held."""
PIECE_BYTES = 65_536
"""Of an answer, that leave in one turn."""
STALL_S = 60.0
"""For a peer that takes nothing; what it takes earns more. Source: as
`limits.write_timeout_s`."""
STALL_MAX_S = 300.0
"""In a row, however much was taken. Source: the system of a reader of 1.3 kB/s may say
nothing for as long, since it does so when a sixteenth of its 6 MiB is free."""
AHEAD_BYTES = 16_384
"""Of further requests that are read while one is answered; then nothing is read."""
LAST_S = 1.0
"""For an application with nothing to send to a peer that has ended its side."""
BUG = Refusal(500, "a bug was met here, and noted")
_START = "http.response.start"
_BODY = "http.response.body"
_BARE = (204, 304)
"""Statuses of answers that have no content. Source: RFC 9110 section 6.4.1."""
_PHRASES: Final = {int(one): one.phrase.encode() for one in HTTPStatus}


class _Gone(BrokenPipeError):
    """Raised in an application that goes on behind a shield."""


def _comes_of_cut(error: BaseException | None) -> bool:
    """Whether an exception is that of a peer who is gone, or comes of it."""
    while error is not None and not isinstance(error, _Gone):
        error = error.__cause__ or error.__context__
    return error is not None


def _most() -> ConnectionLimiter:
    return ConnectionLimiter(REQUESTS_MAX, REQUESTS_PER_ADDRESS)


@attrs.define(eq=False, kw_only=True)
class Gateway:
    """The application, and how much of it there may be at a time."""

    app: Application
    body_bytes: int = 0
    """The most that a request's content may have; 0 is no limit."""
    budget: Budget = attrs.field(factory=Budget)
    """Of what waits for its readers."""
    serving: ConnectionLimiter = attrs.field(factory=_most)
    """The requests that are being answered, by address."""
    state: dict[str, Any] = attrs.field(factory=dict)
    """What the application keeps from its start for its requests."""
    _turns: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _waiting: dict[str | None, trio.Lock] = attrs.field(factory=dict, init=False)
    _next_turn: float = attrs.field(default=0.0, init=False)

    async def turn(self, key: str | None) -> None:
        """Wait for one's turn: one step in a turn of the loop, and then a pause.

        Addresses take turns, and so do the requests of each.

        Args:
            key: What the request counts by.

        Cancellation: safe.
        """
        mine = self._waiting.setdefault(key, trio.Lock())
        try:
            async with mine, self._turns:
                due = max(self._next_turn, trio.current_time())
                await trio.sleep_until(due)
                now = trio.current_time()
                pause_s = max(TURN_EVERY_S, PAUSE_PER_WAIT * (now - due))
                self._next_turn = now + min(pause_s, PAUSE_MAX_S)
        finally:
            if not mine.locked():
                self._waiting.pop(key, None)


@attrs.frozen(kw_only=True)
class Call:
    """A request that goes to the application."""

    gateway: Gateway = attrs.field(repr=False)
    request: h11.Request
    target: Target
    headers: Headers
    path: str
    """Canonical, below `prefix`."""
    prefix: str
    scheme: str
    client: str
    """Its address."""
    key: str | None
    """What it counts by; None for what is not counted by address."""

    def scope(self) -> Scope:
        """What the application is told of the request."""
        prefix = "" if self.prefix == "/" else self.prefix
        path = f"{prefix}{self.path}"
        if self.target.is_directory and not path.endswith("/"):
            path += "/"
        return {
            "type": "http",
            "asgi": VERSIONS,
            "http_version": self.request.http_version.decode("ascii"),
            "method": self.request.method.decode("ascii"),
            "scheme": self.scheme,
            "path": unquote(path),
            "raw_path": self.target.raw_path.encode("ascii"),
            "query_string": self.target.query.encode("ascii"),
            "root_path": unquote(prefix),
            "headers": self._headers(),
            "client": (self.client, 0),
            "server": None,
            "state": dict(self.gateway.state),
            "extensions": {},
        }

    def _headers(self) -> list[tuple[bytes, bytes]]:
        """As they came, with the host that the target names."""
        if self.target.authority is None:
            return list(self.headers)
        host = (b"host", self.target.authority.encode("ascii"))
        return [host, *(one for one in self.headers if one[0] != b"host")]


@attrs.define(eq=False, kw_only=True)
class Exchange:
    """One request in the hands of the application, and its answer."""

    call: Call
    sock: PeerSocket = attrs.field(repr=False)
    conn: h11.Connection = attrs.field(repr=False)
    incoming: HeadBytes = attrs.field(repr=False)
    body: Body = attrs.field(repr=False)
    stopping: Callable[[], bool] = attrs.field(repr=False)
    """Whether the connection ends with this answer."""
    wall: Callable[[], float] = attrs.field(default=time.time, repr=False)
    refusal: Refusal | None = attrs.field(default=None, init=False)
    """Why the application was not let finish, where the peer is to be told."""
    begun: bool = attrs.field(default=False, init=False)
    """Whether some of the answer has left."""
    done: bool = attrs.field(default=False, init=False)
    """Whether all of it has."""
    _start: Message | None = attrs.field(default=None, init=False, repr=False)
    _taken: bool = attrs.field(default=False, init=False)
    """Whether the application knows where the content ends."""
    _ended: trio.Event = attrs.field(factory=trio.Event, init=False, repr=False)
    """The peer has ended its side, and all of its request is here."""
    _scope: trio.CancelScope = attrs.field(init=False, repr=False)
    _nursery: trio.Nursery = attrs.field(init=False, repr=False)
    held: int = attrs.field(default=0, init=False)
    """What waits for its reader; the budget sets it."""
    _sent: int = attrs.field(default=0, init=False)
    _waited_s: float = attrs.field(default=0.0, init=False)

    async def run(self) -> Exception | None:
        """Run the application for the request.

        Returns:
            A bug of the application: what it raised, or that there is no answer.

        Cancellation: an answer may be cut; close the socket.
        """
        bug: Exception | None = None
        returned = False
        await self._turn()
        async with trio.open_nursery() as self._nursery:
            self._scope = self._nursery.cancel_scope
            if self.body.whole:
                self._nursery.start_soon(self._watch)
            try:
                app = self.call.gateway.app
                await app(self.call.scope(), self._receive, self._send)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                bug = None if _comes_of_cut(error) else error
            returned = not self._scope.cancel_called
            self._scope.cancel()
        if returned and bug is None and not self.done:
            bug = RuntimeError("the application has returned without a whole answer")
        return bug

    # --- what the application is told ---------------------------------------------

    async def _receive(self) -> Message:
        """Give the application some of the content, or tell it that the peer ends."""
        if self._taken and not self.done:
            await self._ended.wait()
        if self._taken or self.done:
            return {"type": "http.disconnect"}
        content = b""
        if not self.body.whole:
            await self._turn()
            content = await self._read()
            if self.body.whole:
                self._nursery.start_soon(self._watch)
        self._taken = self.body.whole
        return {"type": "http.request", "body": content, "more_body": not self._taken}

    async def _read(self) -> bytes:
        try:
            if self.body.is_wanted and not self.begun:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self._write(self.conn.send(go_on))
            return await self.body.read()
        except BadBody as error:
            await self._cut(error.refusal)
        except OSError:
            await self._cut()

    async def _watch(self) -> None:
        """See a peer end, or go, that waits for its answer.

        What it says meanwhile is kept; one that says much is there.
        """
        with suppress(OSError):
            while data := await read(self.sock, READ_BYTES):
                self.incoming.feed(data)
                if self.incoming.size >= AHEAD_BYTES:
                    return
            self._ended.set()
            self._grant()
            return
        self._scope.cancel()

    def _grant(self) -> None:
        """Give the application some more time, once the peer has ended its side."""
        if self._ended.is_set():
            self._scope.deadline = trio.current_time() + LAST_S

    async def _cut(self, refusal: Refusal | None = None) -> NoReturn:
        """Have the application go no further."""
        self.refusal = refusal
        self._scope.cancel()
        await trio.lowlevel.checkpoint()
        raise _Gone("the peer is gone")  # where the application has a shield

    # --- what it answers ----------------------------------------------------------

    async def _send(self, message: Message) -> None:
        """Take some of the answer, and wait until the kernel has it."""
        kind = message["type"]
        due = _START if self._start is None else _BODY
        if kind != due or self.done:
            raise RuntimeError(f"{kind} is not due")
        if kind == _START:
            # It leaves with the first of the content: in one packet, as a rule.
            self._start = message
            return
        content, more = message.get("body", b""), message.get("more_body", False)
        whole = len(content)
        for at in range(0, whole or 1, PIECE_BYTES):
            if self.begun:
                await self._turn()
            data = b"" if self.begun else self._head(None if more else whole)
            piece = content[at : at + PIECE_BYTES]
            if piece and self.call.request.method != b"HEAD":
                data += self.conn.send(h11.Data(data=piece))
            if not more and at + PIECE_BYTES >= whole:
                data += self.conn.send(h11.EndOfMessage())
            self.begun = True
            await self._write(data)
        self.done = not more

    def _head(self, size: int | None) -> bytes:
        """Make the bytes of the answer's head.

        Args:
            size: How much content it has; None where that is not known yet.
        """
        assert self._start is not None
        headers = [(bytes(key), bytes(text)) for key, text in self._start["headers"]]
        names = {name.lower() for name, _ in headers}
        status: int = self._start["status"]
        if size is not None and status not in _BARE and b"content-length" not in names:
            headers.append((b"Content-Length", b"%d" % size))
        if self.stopping() or not self.body.whole:
            headers.append((b"Connection", b"close"))
        reason = _PHRASES.get(status, b"")
        start = h11.Response(status_code=status, headers=headers, reason=reason)
        return completed(self.conn.send(start), self.wall(), names)

    async def _write(self, data: bytes) -> None:
        """Write all of it, as long as the peer takes it at a rate."""
        view = memoryview(data)
        while view:
            try:
                count = self.sock.send(view)
            except BlockingIOError:
                await self._wait(len(view))
            except OSError:
                await self._cut()
            else:
                view = view[count:]
                self._sent += count
        self._grant()

    async def _wait(self, size: int) -> None:
        """Wait until the peer takes some of so many bytes."""
        began = trio.current_time()
        earned_s = STALL_S + self._sent / BYTES_PER_S - self._waited_s
        budget = self.call.gateway.budget
        self._scope.deadline = inf
        budget.count(self, size)
        try:
            with trio.CancelScope(deadline=began + min(earned_s, STALL_MAX_S)) as stall:
                await trio.lowlevel.wait_writable(self.sock)
        finally:
            budget.count(self, 0)
        self._waited_s += trio.current_time() - began
        if stall.cancelled_caught:
            await self._cut()

    def shed(self) -> None:
        """Let go of what waits, which is the end: all together hold too much."""
        self.call.gateway.budget.count(self, 0)
        self._scope.cancel()

    async def _turn(self) -> None:
        await self.call.gateway.turn(self.call.key)
