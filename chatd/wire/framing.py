"""RFC 6455 frames as bytes: what the server sends, what a client's header says.

Server frames are not masked, so one frame made here is the same bytes for every
receiver: an event is framed once, however many members a room has. A whole
frame is the unit of everything behind this module; nothing cuts one.

Of client frames only the header is read here, strictly: a reserved bit, an
unknown opcode, a missing mask, a length that is not written in its shortest
form, a fragmented or long control frame is `BrokenFrame`. What frames may follow
each other, and how much and how many are allowed, is the scanner's business
(`chatd.net.scanner`).

Unmasking has two ways with one result: one big-integer XOR for small payloads
(0.7 µs at 100 bytes), and `bytes.translate` per byte of the mask above 1 KiB,
where the integer conversions, which are quadratic, would cost more.

Pure. Source: RFC 6455 section 5.
"""

from __future__ import annotations

import struct

import attrs

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

CONTROL_BYTES_MAX = 125
"""The longest payload of a control frame. Source: RFC 6455 section 5.5."""
MASK_BYTES = 4

_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F
_LENGTH_16 = 126
_SHORT_HEADER_BYTES = 6
_LENGTH_64 = 127
_BIG_INTEGER_MAX = 1024
_XOR = [bytes(value ^ key for value in range(256)) for key in range(256)]


class BrokenFrame(ValueError):
    """A client's header breaks RFC 6455; the text says how."""


@attrs.define
class Header:
    """The header of one client frame."""

    final: bool
    opcode: int
    length: int
    """Bytes of payload that follow the header."""
    size: int
    """Bytes of the header itself, mask included."""
    mask: bytes

    @property
    def is_control(self) -> bool:
        """Whether it is a close, a ping or a pong."""
        return self.opcode >= CLOSE


def frame(opcode: int, payload: bytes) -> bytes:
    """Make one final, unmasked frame."""
    length = len(payload)
    if length < _LENGTH_16:
        return bytes((_FIN | opcode, length)) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", _FIN | opcode, _LENGTH_16, length) + payload
    return struct.pack("!BBQ", _FIN | opcode, _LENGTH_64, length) + payload


def text_frame(payload: bytes) -> bytes:
    """Make the frame of one text message, already encoded as UTF-8."""
    return frame(TEXT, payload)


def ping_frame(payload: bytes = b"") -> bytes:
    """Make a ping."""
    return frame(PING, payload)


def close_frame(code: int, reason: str) -> bytes:
    """Make a close frame; a reason that is too long is cut between characters."""
    room = CONTROL_BYTES_MAX - 2
    text = reason.encode()[:room].decode(errors="ignore").encode()
    return frame(CLOSE, struct.pack("!H", code) + text)


def frame_end(data: bytes, at: int) -> int:
    """Where the frame ends that the byte at `data[at]` is in.

    Args:
        data: Whole frames of a server.
        at: A place in them.
    """
    end = 0
    while end <= at:
        length = data[end + 1]
        if length < _LENGTH_16:
            end += 2 + length
        elif length == _LENGTH_16:
            end += 4 + int.from_bytes(data[end + 2 : end + 4], "big")
        else:
            end += 10 + int.from_bytes(data[end + 2 : end + 10], "big")
    return end


def parse_header(data: bytes, at: int) -> Header | None:
    """Read the header of a client frame that begins at `data[at]`.

    Returns:
        None if not all of it is there yet. What is wrong is told from the
        first bytes that show it, also when more are missing.

    Raises:
        BrokenFrame: It breaks the protocol; what follows has no meaning.
    """
    there = len(data) - at
    if there < 1:
        return None
    first = data[at]
    opcode = first & _OPCODE
    if first & _RESERVED:
        raise BrokenFrame("a reserved bit is set, and no extension was agreed")
    if opcode not in _OPCODES:
        raise BrokenFrame(f"opcode {opcode} does not exist")
    final = bool(first & _FIN)
    if opcode >= CLOSE and not final:
        raise BrokenFrame("a control frame is fragmented")
    if there < 2:
        return None
    if not data[at + 1] & _MASKED:
        raise BrokenFrame("a client's frame is not masked")
    length = data[at + 1] & _LENGTH
    if opcode >= CLOSE and length > CONTROL_BYTES_MAX:
        raise BrokenFrame("a control frame is longer than 125 bytes")
    body = at + 2
    if length >= _LENGTH_16:
        width, form, low = (2, "!H", 126) if length == _LENGTH_16 else (8, "!Q", 65536)
        if there < 2 + width:
            return None
        (length,) = struct.unpack_from(form, data, body)
        body += width
        if length < low:
            raise BrokenFrame("a length is not written in its shortest form")
        if length >> 63:
            raise BrokenFrame("a length has its highest bit set")
    if len(data) < body + MASK_BYTES:
        return None
    mask = data[body : body + MASK_BYTES]
    return Header(final, opcode, length, body + MASK_BYTES - at, mask)


def short_text_end(data: bytes, at: int) -> int:
    """Where the commonest of all frames ends, if it begins at `data[at]`.

    A final text frame, masked, with a length of one byte, that is all there:
    found here without what `parse_header` makes for every kind.

    Returns:
        0 if it is not that one. Its mask is at `at + 2`, its payload at `at + 6`.
    """
    if data[at] != _FIN | TEXT or len(data) < at + _SHORT_HEADER_BYTES:
        return 0
    second = data[at + 1]
    if not _MASKED <= second < _MASKED | _LENGTH_16:
        return 0
    end = at + _SHORT_HEADER_BYTES + (second & _LENGTH)
    return end if end <= len(data) else 0


def unmask(payload: bytes, mask: bytes) -> bytes:
    """Apply a client's mask to the payload that begins where the mask does."""
    length = len(payload)
    if length <= _BIG_INTEGER_MAX:
        key = (mask * (length // MASK_BYTES + 1))[:length]
        plain = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
        return plain.to_bytes(length, "big")
    out = bytearray(payload)
    for index in range(MASK_BYTES):
        out[index::MASK_BYTES] = payload[index::MASK_BYTES].translate(_XOR[mask[index]])
    return bytes(out)


def rotated(mask: bytes, by: int) -> bytes:
    """The mask as it stands after `by` bytes of payload."""
    by %= MASK_BYTES
    return mask[by:] + mask[:by]
