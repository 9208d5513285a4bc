from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from chatd.wire import framing
from chatd.wire.framing import BrokenFrame, Header, parse_header

MASK = b"\x01\x02\x03\x04"


def masked(first: int, payload: bytes, mask: bytes = MASK) -> bytes:
    """A client's frame, by the plainest code that can be written."""
    length = len(payload)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 65536:
        head = bytes((first, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + length.to_bytes(8, "big")
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 70000])
def test_another_implementation_reads_our_frames(length: int) -> None:
    """What we frame, wsproto reads back, at every form of the length."""
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(framing.text_frame(b"a" * length))
    parts = [event for event in peer.events() if isinstance(event, TextMessage)]
    assert "".join(part.data for part in parts) == "a" * length
    assert parts[-1].message_finished


def test_control_frames_are_read_by_another_implementation() -> None:
    """A ping and a close from us are what wsproto takes them for."""
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(framing.ping_frame(b"hi") + framing.close_frame(4001, "restart"))
    ping, close = list(peer.events())
    assert isinstance(ping, Ping)
    assert ping.payload == b"hi"
    assert isinstance(close, CloseConnection)
    assert (close.code, close.reason) == (4001, "restart")


def test_a_long_close_reason_is_cut_between_characters() -> None:
    """The payload stays within 125 bytes and valid UTF-8."""
    data = framing.close_frame(1000, "é" * 100)
    assert data[1] <= 125
    assert data[4:].decode() == "é" * 61
    assert data[:1] == b"\x88"


@given(
    st.integers(0, 70000),
    st.binary(min_size=4, max_size=4),
    st.sampled_from([0x81, 0x01, 0x80, 0x00, 0x82]),
)
def test_a_header_is_read_back(length: int, mask: bytes, first: int) -> None:
    """Length, size, opcode, finality and mask come out as they were put in."""
    data = b"??" + masked(first, b"\0" * length, mask)
    header = parse_header(data, 2)
    assert header == Header(
        bool(first & 0x80), first & 15, length, len(data) - 2 - length, mask
    )
    assert not header.is_control
    assert data[2 + header.size - 4 : 2 + header.size] == mask


@pytest.mark.parametrize("length", [5, 125, 126, 300, 65535, 65536])
def test_a_header_that_is_not_all_there_is_none(length: int) -> None:
    """Every prefix of a header is a question, not an answer."""
    data = masked(0x81, b"x" * length)
    whole = parse_header(data, 0)
    assert whole is not None
    for cut in range(whole.size):
        assert parse_header(data[:cut], 0) is None
    assert parse_header(data[: whole.size], 0) == whole


@pytest.mark.parametrize(
    ("data", "needs", "why"),
    [
        (b"\xc1\x80", 1, "reserved bit"),
        (b"\xa1\x80", 1, "reserved bit"),
        (b"\x91\x80", 1, "reserved bit"),
        (b"\x83\x80", 1, "opcode 3"),
        (b"\x8b\x80", 1, "opcode 11"),
        (b"\x8f\x80", 1, "opcode 15"),
        (b"\x09\x80", 1, "fragmented"),
        (b"\x08\x80", 1, "fragmented"),
        (b"\x81\x05", 2, "not masked"),
        (b"\x89\xfe", 2, "longer than 125"),
        (b"\x88\xff", 2, "longer than 125"),
        (b"\x81\xfe\x00\x7d", 4, "shortest form"),
        (b"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", 10, "shortest form"),
        (b"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10, "highest bit"),
    ],
)
def test_a_broken_header_is_told_as_soon_as_it_shows(
    data: bytes, needs: int, why: str
) -> None:
    """Each rule of RFC 6455 section 5.2 has its sentence, at the first byte."""
    for cut in range(needs):
        assert parse_header(data[:cut], 0) is None
    with pytest.raises(BrokenFrame, match=why):
        parse_header(data[:needs], 0)


def test_a_control_frame_is_known_as_one() -> None:
    """Close, ping and pong are control frames."""
    for opcode in (framing.CLOSE, framing.PING, framing.PONG):
        header = parse_header(masked(0x80 | opcode, b"x"), 0)
        assert header is not None
        assert header.is_control


@pytest.mark.parametrize("length", [0, 1, 4, 7, 1024, 1025, 3001])
def test_a_payload_is_unmasked_at_any_length(length: int) -> None:
    """The two ways of doing it agree with the plainest code."""
    payload = (bytes(range(256)) * 12)[:length]
    hidden = masked(0x81, payload)[-length:] if length else b""
    assert framing.unmask(hidden, MASK) == payload
    first, rest = hidden[:3], hidden[3:]
    assert framing.unmask(first, MASK) == payload[:3]
    assert framing.unmask(rest, framing.rotated(MASK, 3)) == payload[3:]


@given(
    st.binary(max_size=3000), st.binary(min_size=4, max_size=4), st.integers(0, 3000)
)
@example(bytes(range(256)) * 8, MASK, 1025)
def test_unmasking_is_the_masks_xor(payload: bytes, mask: bytes, cut: int) -> None:
    """Both ways of unmasking undo the plain one, also in two parts."""
    hidden = masked(0x81, payload, mask)[-len(payload) :] if payload else b""
    assert framing.unmask(hidden, mask) == payload
    first = framing.unmask(hidden[:cut], mask)
    rest = framing.unmask(hidden[cut:], framing.rotated(mask, cut))
    assert first + rest == payload


def test_a_binary_frame_is_read_by_another_implementation() -> None:
    """The opcode is the caller's."""
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(framing.frame(framing.BINARY, b"\xff\x00"))
    (event,) = list(peer.events())
    assert isinstance(event, BytesMessage)
    assert event.data == b"\xff\x00"


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (masked(0x81, b"hi") + b"rest", 8),
        (masked(0x81, b"") + b"rest", 6),
        (masked(0x81, b"hi")[:-1], 0),
        (masked(0x81, b"hi")[:5], 0),
        (masked(0x82, b"hi"), 0),
        (masked(0x81, bytes(126)), 0),
        (framing.text_frame(b"hello"), 0),
    ],
)
def test_the_short_way_ends_where_the_frame_ends(data: bytes, end: int) -> None:
    """It is for short final texts that are masked and all there."""
    assert framing.short_text_end(data, 0) == end


@given(st.binary(max_size=40), st.data())
@example(masked(0x81, b"") + b"rest", None)
@example(masked(0x81, b"x" * 125), None)
@example(masked(0x81, b"x" * 126), None)
@example(masked(0x89, b"?"), None)
@example(b"\x81\x05hello", None)
def test_the_short_way_finds_what_the_long_way_finds(
    data: bytes, draw: st.DataObject | None
) -> None:
    """Wherever it says that a short text ends, the header says the same."""
    at = draw.draw(st.integers(0, len(data))) if draw and data else 0
    if at >= len(data):
        return
    end = framing.short_text_end(data, at)
    try:
        header = parse_header(data, at)
    except BrokenFrame:
        header = None
    is_short_text = (
        header is not None
        and header.final
        and header.opcode == framing.TEXT
        and header.length < 126
        and at + header.size + header.length <= len(data)
    )
    assert bool(end) is is_short_text
    if header is not None and end:
        assert end == at + header.size + header.length
        assert header.mask == data[at + 2 : at + 6]
