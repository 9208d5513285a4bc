"""What the bytes of one client are: the fast lane, and the guard before the slow one.

`feed` takes bytes, `next` says what comes next in them. A final text frame
outside a fragmented message takes the fast lane: it is unmasked and checked here
and comes out as `TEXT`, whole, together with those that follow it. If only part
of it is there, the part is unmasked and checked, and waits here; so a client
whose messages cross the borders of segments stays in the fast lane, and invalid
text is told at its first byte.

Everything else comes out as `PASS`, the client's own bytes for the WebSocket
library, frames of a slow message as they come, control frames whole. A `PASS`
that completes a slow message is `PASS_LAST`. A pong is nothing: any byte is a
sign of life. A peer's close is `CLOSE`, unmasked and checked: it is answered by the
stream, since the library knows no code that was registered after RFC 6455.

Before a byte is passed, its frame's header has been checked: masks, reserved
bits, order of fragments, bytes and fragments per message, fragments and
control frames per second. A broken rule is `BROKEN`, with the reason in `broken`; after
that nothing in the stream has a meaning.

Pure: the time is passed in.
"""

from __future__ import annotations

from codecs import utf_8_decode
from enum import Enum, auto

import attrs

from chatd.core.quota import Bucket, full_bucket
from chatd.errors import Ending
from chatd.wire.framing import (
    CLOSE,
    CONTINUATION,
    PONG,
    TEXT,
    BrokenFrame,
    Header,
    parse_header,
    rotated,
    short_text_end,
    unmask,
)

FRAGMENTS_MAX = 256
"""Frames of one message. Source: a browser sends one, Autobahn's largest cases 64;
without a bound empty ones pile up in the library for ever."""
FRAGMENTS_PER_S = 500.0
"""Frames of fragmented messages per second, and two messages' worth at once. Each
costs up to 50 µs in the slow lane, so more would be a fortieth of a core for one."""
CONTROL_PER_S = 50.0
"""Control frames per second. Source: people's clients send one in 25 s, Autobahn
ten at once; each costs up to 22 µs."""
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""What a peer may say of the protocol's own. Source: IANA's registry of WebSocket
close codes; RFC 6455 section 7.4.1 for those that never travel."""
_OTHERS_CODES = range(3000, 5000)
"""Those of libraries and applications."""


class Lane(Enum):
    """What `Scanner.next` found."""

    TEXT = auto()
    """Whole text messages, unmasked and valid UTF-8."""
    PASS = auto()
    """Bytes for the library."""
    PASS_LAST = auto()
    """Bytes for the library; with them a slow data message is complete."""
    CLOSE = auto()
    """The payload of the peer's close frame."""
    BROKEN = auto()
    """A rule was broken; `broken` says which."""


@attrs.define
class Scanner:
    """The state of reading one client's frames.

    Invariants: at most one of a held text frame and a passing one is under way.
    """

    frame_bytes: int
    """The most bytes of one message; 0 is no limit."""
    now: float
    """The time of the last `feed`."""
    broken: Ending | None = None
    """Why nothing more is read."""
    pongs: int = 0
    """How many have come."""
    _told: bool = False
    spent: bool = True
    """Nothing can come next before more bytes are fed."""
    _buffer: bytes = b""
    _at: int = 0
    _held: bytearray | None = None
    """The part of a fast text frame that is there, unmasked."""
    _valid: int = 0
    """How many bytes of `_held` are complete, valid UTF-8."""
    _mask: bytes = b""
    _left: int = 0
    """Bytes of payload that are missing to the held or the passing frame."""
    _last: bool = False
    """Whether the passing frame completes its message."""
    _fragments: int = 0
    """Frames of the fragmented message that is under way."""
    _size: int = 0
    """Bytes of the fragmented message that is under way."""
    _passed: int = 0
    """Bytes that were passed on of a message that is not whole."""
    _control: Bucket = attrs.field(init=False)
    _slow: Bucket = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Fill the buckets."""
        self._control = full_bucket(CONTROL_PER_S, CONTROL_PER_S, self.now)
        self._slow = full_bucket(FRAGMENTS_PER_S, 2 * FRAGMENTS_MAX, self.now)

    @property
    def kept(self) -> int:
        """Bytes that came and are not given out, or are of a message that is not whole.

        What was passed on of one is with the library.
        """
        held = 0 if self._held is None else len(self._held)
        return len(self._buffer) - self._at + held + self._passed

    def forget(self) -> None:
        """Keep nothing; nothing is read any more."""
        self._break(self.broken or Ending.OVERLOADED)
        self._told = True
        self._passed = 0

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes that were received at `now`."""
        self.now = now
        rest = self._buffer[self._at :] if self._at < len(self._buffer) else b""
        self._buffer = rest + data if rest else data
        self._at = 0
        self.spent = False

    def next(self, most: int) -> tuple[Lane, list[bytes]] | None:
        """Find what comes next; None if that needs more bytes.

        Returns:
            `TEXT` with one to `most` messages, or another lane with one item.
            What is broken behind a message is told by the call after it.
        """
        texts: list[bytes] = []
        found: tuple[Lane, bytes] | None = None
        if not self.broken:
            try:
                found = self._next(texts, most)
            except BrokenFrame:
                self._break(Ending.PROTOCOL)
            except UnicodeDecodeError:
                self._break(Ending.BAD_UTF8)
        if texts:
            self.spent = self._at >= len(self._buffer) and not self.broken
            return Lane.TEXT, texts
        if self.broken:
            found = self._tell_broken()
        self.spent = found is None
        return None if found is None else (found[0], [found[1]])

    def _next(self, texts: list[bytes], most: int) -> tuple[Lane, bytes] | None:
        """Gather text messages; find what else comes next only if there are none."""
        buffer = self._buffer
        while len(texts) < most and self._at < len(buffer):
            if self._held is not None:
                if not self._hold(self._held, texts):
                    return None
                continue
            if self._left:
                return self._pass_on()
            at = self._at
            end = 0 if self._fragments else short_text_end(buffer, at)
            if end and not 0 < self.frame_bytes < end - at:
                self._take(buffer[at + 6 : end], buffer[at + 2 : at + 6], texts)
                self._at = end
                continue
            header = parse_header(self._buffer, self._at)
            if header is None:
                return None
            if header.opcode == TEXT and header.final and not self._judge(header):
                self._text(header, texts)
                continue
            if texts:
                return None
            if header.is_control:
                end = self._at + header.size + header.length
                if end > len(self._buffer):
                    return None
                start, self._at = self._at, end
                if header.opcode == CLOSE:
                    return self._close(header, self._buffer[start:end])
                if self._control.take(self.now):
                    self._break(Ending.FRAME_FLOOD)
                    return None
                if header.opcode != PONG:
                    return Lane.PASS, self._buffer[start:end]
                self.pongs += 1
                continue
            if ending := self._judge(header):
                self._break(ending)
                return None
            return self._begin_slow(header)
        return None

    def _judge(self, header: Header) -> Ending | None:
        """Find the rule that a data frame breaks, before its payload is there."""
        if (header.opcode == CONTINUATION) is not bool(self._fragments):
            return Ending.PROTOCOL
        if 0 < self.frame_bytes < self._size + header.length:
            return Ending.TOO_BIG
        if self._fragments >= FRAGMENTS_MAX:
            return Ending.FRAME_FLOOD
        if (self._fragments or not header.final) and self._slow.take(self.now):
            return Ending.FRAME_FLOOD
        return None

    def _close(self, header: Header, data: bytes) -> tuple[Lane, bytes] | None:
        """Check a peer's close: a code that may travel, and text that is text."""
        payload = unmask(data[header.size :], header.mask)
        code = int.from_bytes(payload[:2], "big")
        known = code in _CLOSE_CODES or code in _OTHERS_CODES
        if payload and not (len(payload) > 1 and known):
            self._break(Ending.PROTOCOL)
            return None
        utf_8_decode(payload[2:], "strict", True)  # noqa: FBT003 - its only form
        return Lane.CLOSE, payload

    def _text(self, header: Header, texts: list[bytes]) -> None:
        """Take a fast text frame: all of it, or what is there to be held."""
        start = self._at + header.size
        end = start + header.length
        if end <= len(self._buffer):
            self._take(self._buffer[start:end], header.mask, texts)
            self._at = end
            return
        self._at = start
        self._held = bytearray()
        self._valid = 0
        self._mask = header.mask
        self._left = header.length

    def _take(self, masked: bytes, mask: bytes, texts: list[bytes]) -> None:
        """Unmask and check a whole text."""
        payload = unmask(masked, mask)
        if not payload.isascii():
            utf_8_decode(payload, "strict", True)  # noqa: FBT003 - its only form
        texts.append(payload)

    def _hold(self, held: bytearray, texts: list[bytes]) -> bool:
        """Add what came to the held frame; give it out once it is whole."""
        part = self._buffer[self._at : self._at + self._left]
        self._at += len(part)
        held += unmask(part, self._mask)
        self._mask = rotated(self._mask, len(part))
        self._left -= len(part)
        whole = not self._left
        self._valid += utf_8_decode(held[self._valid :], "strict", whole)[1]
        if whole:
            self._held = None
            texts.append(bytes(held))
        return whole

    def _begin_slow(self, header: Header) -> tuple[Lane, bytes] | None:
        """Count a frame of a slow message and pass its header on."""
        self._fragments += 1
        self._size += header.length
        if header.final:
            self._fragments = self._size = 0
        self._last = header.final
        self._left = header.length
        return self._pass_on(header.size)

    def _pass_on(self, header_bytes: int = 0) -> tuple[Lane, bytes] | None:
        """Pass on what is there of a slow frame."""
        end = min(self._at + header_bytes + self._left, len(self._buffer))
        data = self._buffer[self._at : end]
        self._at = end
        self._left -= len(data) - header_bytes
        if not data:
            return None
        if self._last and not self._left:
            self._passed = 0
            return Lane.PASS_LAST, data
        self._passed += len(data)
        return Lane.PASS, data

    def _break(self, ending: Ending) -> None:
        self.broken = ending
        self._buffer, self._at, self._held = b"", 0, None

    def _tell_broken(self) -> tuple[Lane, bytes] | None:
        """Say once that a rule was broken."""
        told, self._told = self._told, True
        return None if told else (Lane.BROKEN, b"")
