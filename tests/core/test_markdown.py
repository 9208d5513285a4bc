"""Where a text is code: where CommonMark says so, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from time import thread_time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatd.core.markdown import DEPTH_MAX, code_of


def in_code(text: str) -> str:
    """The letters of a text that stand in code."""
    ranges = code_of(text)
    assert ranges == sorted(ranges)
    return "".join(
        char
        for at, char in enumerate(text)
        if char.isalpha() and any(begin <= at < end for begin, end in ranges)
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a", ""),
        ("`a`", "a"),
        ("``a`` b `c`", "ac"),
        ("``a ` b`` c", "ab"),
        ("`a``b` c", "ab"),
        ("`a", ""),
        ("``a`", ""),
        ("`a` b `c", "a"),
        ("`a\nb` c", "ab"),
        ("`a\n\nb`", ""),
        ("`a\n> b`", ""),
        ("> `a\n> b` c", "ab"),
        ("> `a\nb` c", "ab"),
        ("`a\n# b`", ""),
        ("# `a\nb`", ""),
        ("# `a` b `\nc", "a"),
        ("# `a", ""),
        ("- `a\n- b`", ""),
        ("1. `a\n2. b`", ""),
        ("`a\n---\nb`", ""),
        ("`a\n* * *\nb`", ""),
        ("`a\n===\nb`", ""),
        (r"\`a`", ""),
        (r"\\`a`", "a"),
        (r"\``a`", "a"),
        (r"`a\` b", "a"),
        ("a\\`b\\`c", ""),
    ],
)
def test_a_span_is_closed_by_as_many_backticks_in_its_paragraph(
    text: str, code: str
) -> None:
    """What is not closed so is text, and an escaped backtick does not begin one."""
    assert in_code(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```\na\n```\nb", "a"),
        ("~~~\na\n~~~\nb", "a"),
        ("a\n```b\nc\n``` \nd", "bc"),
        ("~~~ a ` b\nc\n~~~\nd", "abc"),
        ("```a`b\nc", ""),
        ("```\na", "a"),
        ("```", ""),
        ("~~~\na\n\nb", "ab"),
        ("```\na\n~~~\nb", "ab"),
        ("~~~\na\n```\nb\n~~~\nc", "ab"),
        ("````\na\n```\nb\n`````\nc", "ab"),
        ("   ```\na\n   ```\nb", "a"),
        ("    ~~~\na\n    ~~~\nb", ""),
        ("~~~\na\n    ~~~\nb", "ab"),
        ("~~~\na\n~~~ b\nc", "abc"),
        ("~~ a", ""),
        ("~~~~~~\na", "a"),
        ("> ~~~\n> a\n> ~~~\n> b", "a"),
        (">~~~\n>a\nb", "a"),
        ("> ~~~\n> a\n~~~\nb", "ab"),
        ("> > ~~~\n> > a\n> b", "a"),
        ("> ~~~\n> > ~~~\n> a", "a"),
        ("- ~~~\n  a\n  ~~~\n  b", "a"),
        ("1. ~~~\n   a\n\n   b\nc", "ab"),
        ("- ~~~\n  a\nb", "a"),
        ("> - ~~~\n>   a\n> b", "a"),
        ("`a\n~~~\nb`\n~~~\nc` d `e`", "bd"),
        (f"- {'> ' * 3}~~~\n  {'> ' * 3}a\nb", "a"),
        (f"{'>' * (DEPTH_MAX + 2)}~~~\n{'>' * (DEPTH_MAX + 2)}a\nb", "a"),
    ],
)
def test_a_fence_goes_on_to_its_like_or_to_the_end(text: str, code: str) -> None:
    """Of the text, or of the quotation or list in which it stands."""
    assert in_code(text) == code


def test_indented_lines_are_text() -> None:
    """People indent for other reasons; this is where CommonMark has more code."""
    assert in_code("    a") == in_code("a\n\n\tb") == ""


# --- against another reader -----------------------------------------------------

COMMONMARK = MarkdownIt("commonmark").disable(
    ["html_block", "html_inline", "autolink", "reference", "link", "image", "entity"]
)
PIECES = (
    *("`", "``", "```", "~~~", "~~~~", "\n", "\n\n", " ", "  ", "\\", "\\\\"),
    *("> ", ">", "# ", "#", "=", "---", "***", "x", " y ", "@", "@"),
)


def code_tokens(tokens: list[Token]) -> Iterator[str]:
    """The content of all code, as another reader of CommonMark finds it."""
    for token in tokens:
        if token.type in {"fence", "code_inline"}:
            yield token.content
            yield token.info
        yield from code_tokens(token.children or [])


@pytest.mark.untraced
@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=20))
@example(
    ["  > ", "# ", "---", "`", "---", "`", "\n", " y ", "\n", "@", "\\\\", "`", "@"]
)
@example([">", ">", " ", "~~~~", "\n", ">", "@"])
def test_another_reader_finds_the_same_code(pieces: list[str]) -> None:
    """markdown-it, over quotations, headings and fences within one another."""
    numbers = count()
    text = "".join(f"@{next(numbers)}" if p == "@" else p for p in [*pieces, "@"])
    assume(not re.search(r"(?m)^(?: {0,3}> ?)* {4}", text))
    ranges = code_of(text)
    found = {
        word[0]
        for word in re.finditer(r"@\d+", text)
        if any(begin <= word.start() < end for begin, end in ranges)
    }
    code = " ".join(code_tokens(COMMONMARK.parse(text)))
    assert found == set(re.findall(r"@\d+", code))


# --- how long it takes ----------------------------------------------------------


def cpu_s(text: str) -> float:
    """What a text costs this thread, at its best."""
    costs = []
    for _ in range(5):
        began = thread_time()
        code_of(text)
        costs.append(thread_time() - began)
    return min(costs)


WALLS = (
    *("`", "`\n", "\n\n`", "`a", "``a`", "~~~\n", "```\n", "~~~~\n~~~\n", "- ~~~\n"),
    *("> ~~~\n", "> > ~~~\n", "# `\n", "- `\n", "\\`", "`\\", ">\n", "   ", "=\n`"),
)


@pytest.mark.parametrize("wall", WALLS)
def test_no_text_takes_more_than_its_length_asks(wall: str) -> None:
    """Eight times the text is not even twenty times the work, where a square would
    be 64, whatever it is made of.
    """
    few, many = (cpu_s(f"{wall * times}`x`\n~~~\n") for times in (1000, 8000))
    assert many <= 20 * few + 0.001
