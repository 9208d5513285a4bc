"""A request's content, read as far as the caller asks for it.

Nothing is read ahead, so what the caller does not take waits on the peer's side. What
is read at a time is bounded, and so is the number of chunks that are parsed in a row,
since a peer may make each of them one byte long.

Content has to come at a rate: the peer has `PATIENCE_S` and one more second for every
`BYTES_PER_S` bytes, but never more than `STALL_S` in a row. Only time spent waiting for
the peer counts.

Source: RFC 9112 sections 6 and 7.
"""

from __future__ import annotations

import attrs
import h11
import trio

from chatd.net.head import Headers, Refusal, has_body, values
from chatd.net.headbytes import HeadBytes
from chatd.net.socketio import READ_BYTES, read
from chatd.net.sockets import PeerSocket

PATIENCE_S = 10.0
"""To wait for content that does not come. Source: as long as for a head."""
BYTES_PER_S = 500
"""What earns one more second. Source: mod_reqtimeout's `MinRate` of Apache."""
STALL_S = 60.0
"""In a row, however much has come before. Source: as for an answer that begins."""
_CHUNKS_MAX = 64
"""Looked at in a row."""


class BadBody(Exception):
    """The content is malformed, late or too large.

    Attributes:
        refusal: What the request gets for it.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def check_content(version: bytes, headers: Headers, most: int) -> Refusal | None:
    """Refuse content whose end is ambiguous, or whose stated length is too large.

    An ambiguous end is one that a proxy and the daemon might see in different places.

    Args:
        version: Of HTTP, as h11 gives it.
        headers: All of the request.
        most: Bytes that the content may have; 0 is no limit.

    Returns:
        None if there is nothing to refuse.

    Source: RFC 9112 section 6.1.
    """
    lengths = values(headers, b"content-length")
    if values(headers, b"transfer-encoding") and (lengths or version < b"1.1"):
        return Refusal(400, "it says in two ways where its content ends")
    if most and any(int(length) > most for length in lengths):
        return too_much(most)
    return None


def too_much(most: int) -> Refusal:
    """The refusal of a request with more than `most` bytes of content."""
    return Refusal(413, f"a request has at most {most} bytes of content here")


@attrs.define(eq=False, kw_only=True)
class Body:
    """The content of one request."""

    sock: PeerSocket = attrs.field(repr=False)
    conn: h11.Connection = attrs.field(repr=False)
    """Which has parsed the head."""
    incoming: HeadBytes = attrs.field(repr=False)
    """What came behind the head; what is behind the content is put back there."""
    most: int = 0
    """Bytes that it may have; 0 is no limit."""
    whole: bool = attrs.field(default=False, init=False)
    """Whether its end was seen."""
    _size: int = attrs.field(default=0, init=False)
    _waited_s: float = attrs.field(default=0.0, init=False)

    @classmethod
    def of(
        cls,
        request: h11.Request,
        sock: PeerSocket,
        conn: h11.Connection,
        incoming: HeadBytes,
        most: int,
    ) -> Body:
        """Begin to read the content of a request that was just parsed."""
        body = cls(sock=sock, conn=conn, incoming=incoming, most=most)
        if has_body(list(request.headers)):
            if rest := incoming.take_rest():  # nothing would be the end to h11
                conn.receive_data(rest)
        else:
            conn.next_event()  # the end, at once
            body.whole = True
        return body

    @property
    def is_wanted(self) -> bool:
        """Whether the peer waits for `100 Continue` before it sends any."""
        return self.conn.they_are_waiting_for_100_continue

    async def read(self) -> bytes:
        """Read some of it; `b""` only at the end, when `whole` is set.

        Raises:
            BadBody: It is malformed, late or too large.
            OSError: The peer is gone.

        Cancellation: what was read may be lost; close the socket.
        """
        parts: list[bytes] = []
        while not self.whole and len(parts) < _CHUNKS_MAX:
            try:
                event = self.conn.next_event()
            except h11.RemoteProtocolError as error:
                status = error.error_status_hint
                raise BadBody(Refusal(status, "the content is none")) from error
            if isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                self._size += len(event.data)
                if 0 < self.most < self._size:
                    raise BadBody(too_much(self.most))
            elif isinstance(event, h11.EndOfMessage):
                self.whole = True
                self.incoming.feed(self.conn.trailing_data[0])
            elif parts:
                break
            else:
                self.conn.receive_data(await self._wait())
        return b"".join(parts)

    async def _wait(self) -> bytes:
        """Wait for bytes as long as their rate allows."""
        began = trio.current_time()
        earned_s = PATIENCE_S + self._size / BYTES_PER_S - self._waited_s
        with trio.CancelScope(deadline=began + min(earned_s, STALL_S)):
            data = await read(self.sock, READ_BYTES)
            self._waited_s += trio.current_time() - began
            if not data:
                text = "the connection ended before its content was whole"
                raise BadBody(Refusal(400, text))
            return data
        raise BadBody(Refusal(408, "the content does not come"))
