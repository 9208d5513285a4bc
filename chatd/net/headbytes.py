"""The bytes of a connection that speaks HTTP, cut into heads. Pure.

A head is handed to the parser when it is whole and within its bounds, so what is
refused, and with which status, does not depend on how its bytes were cut into
packets. Neither do the bytes behind a head, which are kept as they came.

Source: RFC 9112 section 2.2 (an empty line before a request is ignored, and a line
may end with LF alone) and section 3 (414, and a request line of 8,000 bytes).
"""

from __future__ import annotations

import re

import attrs

HEAD_BYTES_MAX = 16_384
"""Of a whole head."""
LINE_BYTES_MAX = 8192
"""Of the request line with its end. Source: RFC 9112 section 3 wants 8,000."""

# As h11 has it, which is given exactly what ends here.
_END = re.compile(rb"\n\r?\n")
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789").union(
    range(ord("a"), ord("z") + 1), range(ord("A"), ord("Z") + 1)
)


class BadHead(ValueError):
    """What came is no HTTP head; the text says why.

    Attributes:
        status: The HTTP status of the answer.
        data: What came, where it may tell which other protocol it is.
    """

    def __init__(self, status: int, text: str, data: bytes = b"") -> None:
        super().__init__(text)
        self.status = status
        self.data = data


@attrs.define
class HeadBytes:
    """Bytes in, heads out."""

    _buffer: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _searched: int = attrs.field(default=0, init=False)
    """Where the search for the end goes on."""
    _skipped: bytes = attrs.field(default=b"", init=False)
    """The empty line that came before the head; there is one at most."""

    @property
    def begun(self) -> bool:
        """Whether something of the next head is there."""
        return bool(self._buffer)

    @property
    def rest(self) -> bytes:
        """What came behind the last head."""
        return bytes(self._buffer)

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def take_rest(self) -> bytes:
        """Take out what came behind the last head: the caller reads the content."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def next(self) -> bytes | None:
        """Cut the next head off.

        Returns:
            The head with the empty line that ends it; None if bytes are missing.

        Raises:
            BadHead: What is there begins no head, or one that is too long.
        """
        if not self._begin():
            return None
        buffer = self._buffer
        if buffer.find(b"\n", 0, LINE_BYTES_MAX) < 0:
            if len(buffer) >= LINE_BYTES_MAX:
                raise BadHead(414, f"a request line has at most {LINE_BYTES_MAX} bytes")
            return None
        found = _END.search(buffer, self._searched, HEAD_BYTES_MAX)
        if found is None:
            if len(buffer) >= HEAD_BYTES_MAX:
                raise BadHead(431, f"a head has at most {HEAD_BYTES_MAX} bytes")
            self._searched = max(0, len(buffer) - 2)
            return None
        head = bytes(buffer[: found.end()])
        del buffer[: found.end()]
        self._searched, self._skipped = 0, b""
        return head

    def _begin(self) -> bool:
        """Skip one empty line, and see whether what follows may begin a request."""
        buffer = self._buffer
        if not self._skipped:
            if buffer == b"\r":
                return False
            for empty in (b"\n", b"\r\n"):
                if buffer.startswith(empty):
                    del buffer[: len(empty)]
                    self._skipped = empty
                    break
        if buffer and not begins_request(buffer):
            text = "this does not begin as an HTTP request does"
            raise BadHead(400, text, self._skipped + bytes(buffer))
        return bool(buffer)


def begins_request(data: bytes | bytearray) -> bool:
    """Whether a request may begin with this first byte."""
    return data[:1] != b"" and data[0] in _TOKEN
