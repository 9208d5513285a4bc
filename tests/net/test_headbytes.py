from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.net.headbytes import (
    HEAD_BYTES_MAX,
    LINE_BYTES_MAX,
    BadHead,
    HeadBytes,
)

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def cut(data: bytes, step: int) -> tuple[list[bytes], bytes | tuple[int, str]]:
    """The heads in bytes that come in pieces, and the rest or the refusal."""
    intake, heads = HeadBytes(), []
    try:
        for at in range(0, len(data), step):
            intake.feed(data[at : at + step])
            while (head := intake.next()) is not None:
                heads.append(head)
    except BadHead as error:
        return heads, (error.status, str(error))
    return heads, intake.rest


@pytest.mark.parametrize(
    ("data", "heads"),
    [
        (HEAD, [HEAD]),
        (HEAD * 3, [HEAD] * 3),
        (b"\r\n" + HEAD, [HEAD]),
        (b"\n" + HEAD, [HEAD]),
        (HEAD + b"\r\n" + HEAD, [HEAD, HEAD]),
        (HEAD.replace(b"\r\n", b"\n"), [HEAD.replace(b"\r\n", b"\n")]),
        (HEAD[:-2], []),
        (b"\r\n", []),
        (b"\r", []),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
def test_heads_are_cut_off_one_by_one(
    data: bytes, heads: list[bytes], step: int
) -> None:
    """Whole, in order, without the empty line that may stand before each."""
    assert cut(data, step)[0] == heads


def test_what_follows_a_head_stays_as_it_came() -> None:
    """Frames of a client that did not wait, or the next request."""
    intake = HeadBytes()
    intake.feed(HEAD + b"\x81\x80\r\n\r\n")
    assert intake.next() == HEAD
    assert (intake.rest, intake.begun) == (b"\x81\x80\r\n\r\n", True)


def test_an_empty_line_is_no_beginning() -> None:
    """A connection that sends one is idle all the same."""
    intake = HeadBytes()
    intake.feed(b"\r\n")
    assert intake.next() is None
    assert not intake.begun
    intake.feed(b"G")
    assert intake.next() is None
    assert intake.begun


LONG_LINE = b"GET /" + b"x" * LINE_BYTES_MAX
LINE = b"GET / HTTP/1.1\r\n"


def head_of(size: int) -> bytes:
    """A head of exactly so many bytes."""
    return LINE + b"A: ".ljust(size - len(LINE) - 4, b"b") + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01", 400),
        (b"\0", 400),
        (b" GET / HTTP/1.1", 400),
        (b"\r\n\r\n" + HEAD, 400),
        (b"\n\n", 400),
        (b"\rGET", 400),
        (b"\xff", 400),
        (LONG_LINE, 414),
        (LONG_LINE + b" HTTP/1.1\r\n\r\n", 414),
        (LONG_LINE + b" HTTP/1.1\r\n" + b"A: b\r\n" * 4000, 414),
        (b"x" * 40_000, 414),
        (head_of(HEAD_BYTES_MAX + 1), 431),
        (LINE + b"A: b\r\n" * 4000, 431),
        (LINE + b"A: " + b"b" * 40_000, 431),
        (b"\r\n" + head_of(HEAD_BYTES_MAX + 1), 431),
    ],
)
def test_the_refusal_is_the_same_however_it_is_cut(data: bytes, status: int) -> None:
    """A packet more or less is no reason to be let in, or for another status."""
    found = {str(cut(data, step)) for step in (1, 7, 1460, 16_384, 10**6)}
    assert len(found) == 1
    assert f"({status}, " in found.pop()


@pytest.mark.parametrize("step", [1, 1460, 10**6])
def test_what_is_just_within_the_bounds_passes(step: int) -> None:
    """The largest head, the longest line, and an empty line before them."""
    end = b" HTTP/1.1\r\n"
    line = b"GET /".ljust(LINE_BYTES_MAX - len(end), b"x") + end
    assert len(line) == LINE_BYTES_MAX
    for head in (head_of(HEAD_BYTES_MAX), line + b"Host: a\r\n\r\n"):
        assert cut(b"\r\n" + head + HEAD, step) == ([head, HEAD], b"")


@given(
    st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"GET / HTTP/1.1", b"a", b"\0", b" "]),
        max_size=12,
    )
)
def test_cutting_makes_no_difference(parts: list[bytes]) -> None:
    """Whatever comes, in whatever pieces."""
    data = b"".join(parts)
    assert cut(data, 1) == cut(data, 2) == cut(data, len(data) or 1)
