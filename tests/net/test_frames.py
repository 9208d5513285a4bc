"""RFC 6455 through the full stream, each case at every split of its bytes.

The cases are those of Autobahn|Testsuite sections 1 to 7, written as bytes.
"""

from __future__ import annotations

import pytest

from chatd.errors import Ending
from tests.net.echo import EchoHost, closing, connected, masked, text

Frames = list[tuple[int, bytes]]


def ended(ending: Ending) -> tuple[int, bytes]:
    """The close frame of an ending."""
    assert ending.code
    return (8, ending.code.to_bytes(2, "big") + ending.reason.encode())


NORMAL = (8, b"\x03\xe8")
PROTOCOL = ended(Ending.PROTOCOL)
BAD_UTF8 = ended(Ending.BAD_UTF8)
GREEK = "κόσμε".encode()
AFTER = text("after") + closing()

GOOD: dict[str, tuple[bytes, Frames]] = {
    "empty text": (text(""), [(1, b"")]),
    "text": (text("hi") + text("ho"), [(1, b"hi"), (1, b"ho")]),
    "binary": (masked(0x82, b"\xfe\xff"), [(2, b"\xfe\xff")]),
    "empty binary": (masked(0x82), [(2, b"")]),
    "ping": (masked(0x89), [(10, b"")]),
    "ping with a payload": (masked(0x89, b"\x00\xff"), [(10, b"\x00\xff")]),
    "pong that nobody asked for": (masked(0x8A, b"?") + text("a"), [(1, b"a")]),
    "two fragments": (masked(0x01, b"a") + masked(0x80, b"b"), [(1, b"ab")]),
    "empty fragments": (masked(0x01) + masked(0x00) + masked(0x80), [(1, b"")]),
    "an empty end": (masked(0x01, b"a") + masked(0x80), [(1, b"a")]),
    "a ping among fragments": (
        masked(0x01, b"a") + masked(0x89, b"?") + masked(0x80, b"b"),
        [(10, b"?"), (1, b"ab")],
    ),
    "pongs among fragments": (
        masked(0x8A) + masked(0x02, b"a") + masked(0x8A) + masked(0x80, b"b"),
        [(2, b"ab")],
    ),
    "fragments, then a whole text": (
        masked(0x01, b"a") + masked(0x80, b"b") + text("c"),
        [(1, b"ab"), (1, b"c")],
    ),
    "characters cut by fragments": (
        masked(0x01, GREEK[:3]) + masked(0x00, GREEK[3:5]) + masked(0x80, GREEK[5:]),
        [(1, GREEK)],
    ),
    "characters of every length": (
        text("$¢€𐍈\U0010ffff"),
        [(1, "$¢€𐍈\U0010ffff".encode())],
    ),
    "a NUL": (text("\0"), [(1, b"\0")]),
}

BROKEN: dict[str, tuple[bytes, Frames]] = {
    **{
        f"reserved bits {bits:#x}": (masked(0x81 | bits), [PROTOCOL])
        for bits in (0x40, 0x20, 0x70)
    },
    **{f"opcode {code}": (masked(0x80 | code), [PROTOCOL]) for code in (3, 7, 11, 15)},
    "an unmasked text": (b"\x81\x02hi", [PROTOCOL]),
    "an unmasked ping": (b"\x89\x00", [PROTOCOL]),
    "a fragmented ping": (masked(0x09), [PROTOCOL]),
    "a fragmented close": (masked(0x08), [PROTOCOL]),
    "a long ping": (masked(0x89, b"x" * 126)[:12], [PROTOCOL]),
    "a long close": (masked(0x88, b"\x03\xe8" + b"x" * 124)[:12], [PROTOCOL]),
    "a continuation of nothing": (masked(0x80, b"x"), [PROTOCOL]),
    "a continuation after a message": (
        masked(0x01, b"a") + masked(0x80, b"b") + masked(0x80, b"c"),
        [(1, b"ab"), PROTOCOL],
    ),
    "a text among fragments": (masked(0x01, b"a") + text("b"), [PROTOCOL]),
    "a length that could be shorter": (b"\x81\xfe\x00\x05" + b"\0" * 9, [PROTOCOL]),
    "a length of 2**63": (b"\x81\xff\x80" + b"\0" * 11, [PROTOCOL]),
    "a good text before": (text("hi") + masked(0xC1), [(1, b"hi"), PROTOCOL]),
    "a slow text before": (
        masked(0x01, b"a") + masked(0x80, b"b") + masked(0xC1),
        [(1, b"ab"), PROTOCOL],
    ),
}

CLOSES: dict[str, tuple[bytes, Frames]] = {
    "nothing": (masked(0x88), [(8, b"")]),
    "a reason": (closing(1000, GREEK), [(8, b"\x03\xe8" + GREEK)]),
    "one byte": (masked(0x88, b"\x03"), [PROTOCOL]),
    "a reason that is not UTF-8": (closing(1000, b"\xff"), [BAD_UTF8]),
    "a second close": (closing() + closing(1001), [NORMAL]),
    "a text behind it": (closing() + text("late"), [NORMAL]),
    "a ping behind it": (closing() + masked(0x89, b"?"), [NORMAL]),
    "a broken frame behind it": (closing() + b"\xff\xff\xff", [NORMAL]),
    "fragments before it": (masked(0x01, b"half") + closing(), [NORMAL]),
}

VALID_CODES = (
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    3000,
    3999,
    4000,
    4999,
)
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)


async def answers(data: bytes, cuts: tuple[int, ...] = ()) -> tuple[Frames, Ending]:
    """What the echo says to bytes in segments, and how the connection ended."""
    host = EchoHost()
    async with connected(host) as peer:
        await peer.send(data, cuts)
        await peer.rest()
    assert host.bugs == []
    return peer.frames(), host.ending


async def at_every_split(data: bytes, expected: Frames, ending: Ending) -> None:
    """Whole, in two segments cut anywhere, and byte by byte."""
    cuts: list[tuple[int, ...]] = [(), *((cut,) for cut in range(1, len(data)))]
    for cut in (*cuts, tuple(range(1, len(data)))):
        assert await answers(data, cut) == (expected, ending), cut


@pytest.mark.parametrize("case", GOOD)
async def test_what_is_good_is_answered(case: str) -> None:
    """Every message comes back once, in order, and the close is answered."""
    data, expected = GOOD[case]
    await at_every_split(data + closing(), [*expected, NORMAL], Ending.PEER_CLOSED)


@pytest.mark.parametrize("case", BROKEN)
async def test_what_is_broken_ends_with_1002(case: str) -> None:
    """What came before is answered; what comes after is nothing."""
    data, expected = BROKEN[case]
    await at_every_split(data, expected, Ending.PROTOCOL)
    assert (await answers(data + AFTER))[0] == expected


@pytest.mark.parametrize("case", CLOSES)
async def test_a_close_is_answered_once(case: str) -> None:
    """With its own code where it has a good one, and nothing follows."""
    data, expected = CLOSES[case]
    kinds = {NORMAL[1][:2]: Ending.PEER_CLOSED, b"": Ending.PEER_CLOSED}
    kinds |= {PROTOCOL[1][:2]: Ending.PROTOCOL, BAD_UTF8[1][:2]: Ending.BAD_UTF8}
    await at_every_split(data, expected, kinds[expected[-1][1][:2]])


@pytest.mark.parametrize("code", VALID_CODES)
async def test_a_valid_close_code_comes_back(code: int) -> None:
    """Each code that an endpoint may send is answered with itself."""
    expected = [(8, code.to_bytes(2, "big"))]
    assert await answers(closing(code)) == (expected, Ending.PEER_CLOSED)


@pytest.mark.parametrize("code", INVALID_CODES)
async def test_an_invalid_close_code_is_a_protocol_error(code: int) -> None:
    """Codes that must not be on the wire, or that nobody has defined."""
    assert await answers(closing(code)) == ([PROTOCOL], Ending.PROTOCOL)


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x28"]
)
async def test_invalid_text_ends_with_1007_wherever_it_stands(bad: bytes) -> None:
    """In a whole frame and in each of two fragments, at every position."""
    for at in range(len(GREEK) // 2 + 1):
        payload = GREEK[: 2 * at] + bad + GREEK[2 * at :]
        slow = [
            masked(0x01, payload[:cut]) + masked(0x80, payload[cut:])
            for cut in range(0, len(payload), 3)
        ]
        for data in (text(payload), *slow):
            expected = ([(1, b"ok"), BAD_UTF8], Ending.BAD_UTF8)
            assert await answers(text("ok") + data + AFTER) == expected
    await at_every_split(text(b"a" + bad + b"b"), [BAD_UTF8], Ending.BAD_UTF8)
    halves = masked(0x01, b"a" + bad) + masked(0x80, b"b")
    await at_every_split(halves, [BAD_UTF8], Ending.BAD_UTF8)


async def test_half_a_character_at_the_end_is_invalid() -> None:
    """A message ends with a whole character, in both lanes."""
    for data in (text(b"a\xe2\x82"), masked(0x01, b"a\xe2") + masked(0x80, b"\x82")):
        await at_every_split(data, [BAD_UTF8], Ending.BAD_UTF8)


async def test_both_lanes_say_the_same_in_the_same_order() -> None:
    """Forty messages, each in the fast or the slow lane, in any mixture."""
    messages = [f"{n} {'é' * (n * 7 % 130)}".encode() for n in range(40)]
    expected = [*((1, message) for message in messages), NORMAL]
    for pattern in (0, 2**40 - 1, 0x5555555555, 0x3C9F0A7E12, 0xFFFFF):
        data = b""
        for n, message in enumerate(messages):
            if pattern >> n & 1:
                cut = n * 13 % (len(message) + 1)
                data += masked(0x01, message[:cut]) + masked(0x80, message[cut:])
            else:
                data += text(message)
        for step in (len(data), 1000, 61):
            cuts = tuple(range(step, len(data), step))
            assert await answers(data + closing(), cuts) == (
                expected,
                Ending.PEER_CLOSED,
            )


@pytest.mark.parametrize(
    "size", [125, 126, 127, 1024, 1025, 16_384, 65_535, 65_536, 200_000]
)
async def test_messages_of_every_form_of_length(size: int) -> None:
    """Around each border of the format and of the reads, in both lanes."""
    message = b"x" * size
    slow = masked(0x01, message[:9]) + masked(0x80, message[9:])
    expected = [(1, message), (1, message), NORMAL]
    assert await answers(text(message) + slow + closing()) == (
        expected,
        Ending.PEER_CLOSED,
    )
