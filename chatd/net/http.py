"""HTTP on the same port: heads in, answers out, and the way into a WebSocket.

A connection begins here. Requests are answered one after the other (keep-alive,
pipelined or not) until one asks for a WebSocket and may have it; what came behind its
head goes on with it. What each gets is decided by `chatd.net.routing`. The answer to an
upgrade is the library's; what the application answers goes through `chatd.net.asgi`.

A client that is over the rate is told when to come back, and its connection is closed,
so that its next request costs another connection.

A request's first byte starts its ten seconds; a connection that says nothing
between requests has twenty. An end of file ends it at once, and what is refused
is answered, then closed: our side first, then the socket once the peer has ended,
because closing over unread bytes resets the answer away.

Source: RFC 9110 and RFC 9112.
"""

from __future__ import annotations

from contextlib import suppress

import attrs
import h11
import trio

from chatd.net.answer import (
    BUSY,
    Response,
    completed,
    refused,
    retry_after,
    unparsed,
)
from chatd.net.asgi import BUG, Call, Exchange
from chatd.net.body import Body
from chatd.net.connection import Upgrade
from chatd.net.head import Refusal, wants_page
from chatd.net.headbytes import BadHead, HeadBytes, begins_request
from chatd.net.proxyproto import begins_head
from chatd.net.routing import Router
from chatd.net.socketio import READ_BYTES, linger, read, write
from chatd.net.sockets import PeerSocket
from chatd.net.tls import HANDSHAKE
from chatd.net.trouble import Cause, Trouble

HEAD_S = 10.0
"""For a whole head. Source: Centrifugo waits as long for its first frame."""
IDLE_S = 20.0
"""Between requests. Source: a browser keeps six, which count for its address; Node
keeps one for 5 s, nginx for 60 to 75 s; Prometheus asks each 15 s."""
WRITE_S = 10.0
"""For a whole response."""


@attrs.define(eq=False, kw_only=True)
class HttpConnection:
    """One connection while it speaks HTTP."""

    sock: PeerSocket = attrs.field(repr=False)
    listening: str
    """The address that it came to."""
    router: Router
    _bytes: HeadBytes = attrs.field(factory=HeadBytes, init=False, repr=False)
    _h11: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(h11.SERVER), init=False, repr=False
    )
    _served: int = attrs.field(default=0, init=False)
    _is_head: bool = attrs.field(default=False, init=False)
    _wants_page: bool = attrs.field(default=False, init=False)
    """Whether a refusal is for a person's eyes."""
    _bug: Exception | None = attrs.field(default=None, init=False, repr=False)
    """Of the application."""

    async def run(self) -> Upgrade | Refusal | None:
        """Answer requests until the connection ends or becomes a WebSocket.

        Returns:
            The upgrade; the refusal that ended it; None for an ordinary end.

        Raises:
            Exception: A bug of the application; it was answered as far as possible.

        Cancellation: a response may be cut; close the socket.
        """
        found: Upgrade | Refusal | None = None
        # A peer that is gone, or takes nothing, has nobody to be told.
        with suppress(OSError, trio.TooSlowError):
            try:
                found = await self._serve()
            except BadHead as error:
                trouble = self._stray(error.data)
                refusal = Refusal(error.status, str(error), trouble=trouble)
                found = await self._refuse(refusal)
        if self._bug is not None:
            raise self._bug
        return found

    async def _serve(self) -> Upgrade | Refusal | None:
        """Answer one request after the other."""
        while request := await self._next_request():
            self._is_head = request.method == b"HEAD"
            self._wants_page = wants_page(list(request.headers))
            found = self.router.judge(request)
            if isinstance(found, Upgrade):
                return attrs.evolve(found, rest=self._bytes.rest)
            if isinstance(found, Call):
                outcome = await self._forward(found)
            elif isinstance(found, Response):
                outcome = await self._answer(found)
            else:
                outcome = found
            if isinstance(outcome, Refusal):
                return await self._refuse(outcome)
            if not outcome:
                break
            self._served += 1
        return None

    async def _next_request(self) -> h11.Request | None:
        """Read one head; None when the peer has ended or was silent too long.

        Raises:
            BadHead: What came is none, or did not come to its end.
        """
        self._is_head = self._wants_page = False
        head = await self._next_head()
        if head is None:
            return None
        self._h11.receive_data(head)
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise BadHead(error.error_status_hint, "not HTTP", head) from error
        assert isinstance(event, h11.Request)
        return event

    async def _next_head(self) -> bytes | None:
        """Read until a head is whole."""
        idle = self._served > 0 and not self._bytes.begun
        if idle and self.router.http.stopping:
            return None
        with trio.CancelScope() as scope:
            scope.deadline = trio.current_time() + (IDLE_S if idle else HEAD_S)
            if idle:
                self.router.http.idle.add(scope)
            try:
                while (head := self._bytes.next()) is None:
                    data = await read(self.sock, READ_BYTES)
                    if not data:
                        break
                    self._bytes.feed(data)
                    if idle and self._bytes.begun:
                        idle = False
                        self.router.http.idle.discard(scope)
                        scope.deadline = trio.current_time() + HEAD_S
                else:
                    return head
            finally:
                self.router.http.idle.discard(scope)
        if not self._bytes.begun:
            return None
        if scope.cancelled_caught:
            text = f"no whole head came in {HEAD_S:g} s"
            raise BadHead(408, text, self._bytes.rest)
        text = "the connection ended before its head was whole"
        raise BadHead(400, text, self._bytes.rest)

    def _stray(self, data: bytes) -> Trouble | None:
        """Recognise what belongs to another port, or behind another setting."""
        if data.startswith(HANDSHAKE):
            return Trouble(Cause.TLS_HERE, self.listening)
        if begins_head(data):
            return Trouble(Cause.STRAY_PROXY_HEAD, self.router.peer)
        line, end, _ = data.partition(b"\n")
        is_whole = end or not begins_request(data)
        if line and is_whole and b"HTTP/" not in line:
            return Trouble(Cause.NOT_HTTP, self.listening)
        return None

    # --- the answers --------------------------------------------------------------

    async def _answer(self, response: Response) -> bool:
        """Send a route's response; whether another request may follow."""
        self._h11.next_event()  # the end of a request without a body
        closes = self._h11.their_state is h11.MUST_CLOSE or self._stopping()
        await self._send(response, close=closes)
        return self._next_cycle()

    async def _forward(self, call: Call) -> bool | Refusal:
        """Have the application answer; whether another request may follow."""
        gateway, key = call.gateway, call.key
        if full := gateway.serving.enter(key, trio.current_time()):
            headers = (retry_after(full.wait_s),)
            return Refusal(BUSY, "too many requests at once", headers)
        try:
            most = gateway.body_bytes
            exchange = Exchange(
                call=call,
                sock=self.sock,
                conn=self._h11,
                incoming=self._bytes,
                body=Body.of(call.request, self.sock, self._h11, self._bytes, most),
                stopping=self._stopping,
                wall=self.router.http.wall,
            )
            self._bug = await exchange.run()
        finally:
            gateway.serving.leave(key)
        refusal = BUG if self._bug else exchange.refusal
        if refusal and not exchange.begun:
            return refusal
        if exchange.done and not exchange.body.whole:
            await linger(self.sock)
        return exchange.done and not self._bug and self._next_cycle()

    def _stopping(self) -> bool:
        return self.router.http.stopping

    def _next_cycle(self) -> bool:
        """Make ready for another request, if one may follow."""
        over = {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
        if self._stopping() or self._h11.states != over:
            return False
        if self._h11.trailing_data[0]:
            # What came behind a request's content; it was put back.
            self._h11 = h11.Connection(h11.SERVER)
        else:
            self._h11.start_next_cycle()
        return True

    async def _refuse(self, refusal: Refusal) -> Refusal:
        if (trouble := refusal.trouble) is not None:
            where = trouble.where or self.router.peer
            self.router.troubled(attrs.evolve(trouble, where=where))
        # It is told as well as it lets itself be told.
        with suppress(OSError, trio.TooSlowError):
            await self._send(refused(refusal, page=self._wants_page), close=True)
            await linger(self.sock)
        return refusal

    async def _send(self, response: Response, *, close: bool) -> None:
        if self._h11.our_state is h11.ERROR:
            # The application has said what is no HTTP.
            data = unparsed(response, self.router.http.wall(), is_head=self._is_head)
        else:
            data = self._parsed(response, close=close)
        with trio.fail_after(WRITE_S):
            await write(self.sock, data)

    def _parsed(self, response: Response, *, close: bool) -> bytes:
        start = h11.Response(
            status_code=response.status,
            headers=response.fields(close=close),
            reason=response.phrase.encode(),
        )
        data = completed(self._h11.send(start), self.router.http.wall())
        if not self._is_head:
            data += self._h11.send(h11.Data(data=response.body)) or b""
        return data + (self._h11.send(h11.EndOfMessage()) or b"")
