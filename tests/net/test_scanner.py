from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.errors import Ending
from chatd.net.scanner import CONTROL_PER_S, FRAGMENTS_MAX, Lane, Scanner
from tests.net.echo import closing, masked, text


def scan(
    data: bytes, cuts: tuple[int, ...] = (), **limits: int
) -> list[tuple[Lane, bytes]]:
    """Scan segments; neighbouring passes are one, since segments cut them."""
    scanner = Scanner(limits.get("frame_bytes", 1000), 0.0)
    found: list[tuple[Lane, bytes]] = []
    bounds = [0, *cuts, len(data)]
    for start, end in itertools.pairwise(bounds):
        scanner.feed(data[start:end], 0.0)
        while item := scanner.next(limits.get("most", 64)):
            lane, parts = item
            if (
                found
                and found[-1][0] is Lane.PASS
                and lane in (Lane.PASS, Lane.PASS_LAST)
            ):
                parts = [found.pop()[1] + parts[0]]
            found += [(lane, part) for part in parts]
    if scanner.broken:
        found.append((Lane.BROKEN, scanner.broken.reason.encode()))
        found.remove((Lane.BROKEN, b""))
    return found


NEVER_SENT = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
"""Codes that are reserved, that nobody has registered, or that are none."""
SLOW = masked(0x01, b"on") + masked(0x89, b"?") + masked(0x80, b"e")
BINARY = masked(0x82, b"\xff" * 20)
STREAM = (
    text("hi") + SLOW + text("κόσμε") + masked(0x8A) + BINARY + text("") + closing()
)
FOUND = [
    (Lane.TEXT, b"hi"),
    (Lane.PASS_LAST, SLOW),
    (Lane.TEXT, "κόσμε".encode()),
    (Lane.PASS_LAST, BINARY),
    (Lane.TEXT, b""),
    (Lane.CLOSE, b"\x03\xe8"),
]


def test_each_frame_takes_its_lane() -> None:
    """Texts come out whole, the rest as the client's own bytes, pongs not at all."""
    assert scan(STREAM) == FOUND


def test_every_split_gives_the_same() -> None:
    """Two segments cut anywhere, or a byte at a time, change nothing."""
    for cut in range(len(STREAM)):
        assert scan(STREAM, (cut,)) == FOUND
    assert scan(STREAM, tuple(range(1, len(STREAM)))) == FOUND


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_any_segments_give_the_same(cuts: list[int]) -> None:
    """Nor do any segments at all."""
    assert scan(STREAM, tuple(sorted(cuts))) == FOUND


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (masked(0x80, b"x"), Ending.PROTOCOL),
        (masked(0x01, b"x") + text("y"), Ending.PROTOCOL),
        (masked(0x01, b"x") + masked(0x82, b"y"), Ending.PROTOCOL),
        (masked(0x81, b"\xff"), Ending.BAD_UTF8),
        (masked(0x81, b"\xe2\x82"), Ending.BAD_UTF8),
        (masked(0x81, b"x" * 1001), Ending.TOO_BIG),
        (masked(0x82, b"x" * 1001), Ending.TOO_BIG),
        (masked(0x01, b"x" * 600) + masked(0x80, b"x" * 401), Ending.TOO_BIG),
        (b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"mask", Ending.TOO_BIG),
        (b"\x81\xff" + b"\xff" * 8 + b"mask", Ending.PROTOCOL),
        (masked(0x01) + masked(0x00) * FRAGMENTS_MAX, Ending.FRAME_FLOOD),
        ((masked(0x01) + masked(0x80)) * 257, Ending.FRAME_FLOOD),
        (masked(0x89) * 51, Ending.FRAME_FLOOD),
        (masked(0x8A) * 51, Ending.FRAME_FLOOD),
        (masked(0x88, b"\x03"), Ending.PROTOCOL),
        (closing(1000, b"\xff"), Ending.BAD_UTF8),
        (closing(1000, b"\xe2\x82"), Ending.BAD_UTF8),
        *((closing(code), Ending.PROTOCOL) for code in NEVER_SENT),
    ],
)
def test_a_broken_rule_ends_the_scan(data: bytes, ending: Ending) -> None:
    """The reason is told, and nothing behind it has a meaning."""
    found = scan(text("ok") + data + text("after") + closing())
    assert found[0] == (Lane.TEXT, b"ok")
    assert found[-1] == (Lane.BROKEN, ending.reason.encode())
    passed = (Lane.PASS, Lane.PASS_LAST)
    assert all(lane in passed for lane, _ in found[1:-1])


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
)
def test_a_close_may_have_every_code_that_is_registered(code: int) -> None:
    """Those of after RFC 6455 too: 1012 to 1014 are what restarting proxies say."""
    told = code.to_bytes(2, "big") + "tschüß".encode()
    assert scan(masked(0x88, told)) == [(Lane.CLOSE, told)]
    assert scan(closing(code)) == [(Lane.CLOSE, told[:2])]
    assert scan(masked(0x88)) == [(Lane.CLOSE, b"")]


def test_messages_come_together_as_many_as_are_asked_for() -> None:
    """A pipelining client's messages are one item; what follows them is the next."""
    scanner = Scanner(1000, 0.0)
    scanner.feed(text("a") + text("b") + text("c") + BINARY + text("d"), 0.0)
    assert scanner.next(2) == (Lane.TEXT, [b"a", b"b"])
    assert scanner.next(2) == (Lane.TEXT, [b"c"])
    assert scanner.next(2) == (Lane.PASS_LAST, [BINARY])
    assert scanner.next(2) == (Lane.TEXT, [b"d"])
    assert scanner.next(2) is None


def test_how_many_are_asked_for_changes_nothing_else() -> None:
    """At every split, one at a time or all at once, the same is found."""
    for cut in range(len(STREAM)):
        assert scan(STREAM, (cut,), most=1) == FOUND


def test_a_message_may_have_exactly_the_limit() -> None:
    """Bytes and fragments are refused above the limit, not at it."""
    assert scan(text("x" * 1000)) == [(Lane.TEXT, b"x" * 1000)]
    parts = masked(0x01) + masked(0x00) * (FRAGMENTS_MAX - 2) + masked(0x80)
    assert scan(parts) == [(Lane.PASS_LAST, parts)]
    assert scan(text("x" * 70_000), frame_bytes=0) == [(Lane.TEXT, b"x" * 70_000)]


def test_too_big_is_told_by_the_header_alone() -> None:
    """Nobody waits for two gigabytes, and nobody keeps them."""
    scanner = Scanner(1000, 0.0)
    scanner.feed(masked(0x81, b"x" * 1001)[:8], 0.0)
    assert scanner.next(64) == (Lane.BROKEN, [b""])
    assert scanner.broken is Ending.TOO_BIG
    scanner.feed(text("more"), 0.0)
    assert scanner.next(64) is None


def test_invalid_text_is_told_before_its_frame_is_complete() -> None:
    """The first byte that no UTF-8 has ends it; half a character does not."""
    data = masked(0x81, "né".encode() + b"\xff" + b"x" * 50)
    scanner = Scanner(1000, 0.0)
    scanner.feed(data[:8], 0.0)
    assert scanner.next(64) is None
    scanner.feed(data[8:9], 0.0)
    assert scanner.next(64) is None
    scanner.feed(data[9:10], 0.0)
    assert scanner.next(64) == (Lane.BROKEN, [b""])
    assert scanner.broken is Ending.BAD_UTF8


def test_control_frames_over_time_are_no_flood() -> None:
    """Fifty a second for a minute pass."""
    scanner = Scanner(1000, 0.0)
    for tick in range(60 * int(CONTROL_PER_S)):
        scanner.feed(masked(0x89, b"?"), tick / CONTROL_PER_S)
        assert scanner.next(64) == (Lane.PASS, [masked(0x89, b"?")])


def test_a_large_text_in_small_segments_costs_no_more_than_its_bytes() -> None:
    """The part that waits is unmasked and checked once, not once a segment."""
    payload = ("é" * 8192).encode()
    data = text(payload)
    assert scan(data, tuple(range(1, len(data))), frame_bytes=0) == [
        (Lane.TEXT, payload)
    ]
