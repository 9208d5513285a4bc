"""Where a text is code, as CommonMark has it: between backticks, and in fences.

People write so in chats whether a client shows it or not. Of Markdown only this is
read, and only as far as it decides where code begins and ends: a fence stands at
the beginning of a line, perhaps behind the marks of a quotation or of a list, and
goes on to its end or the text's; a span stays within its paragraph, and what is not
closed there is text. Indented lines are text: people indent for other reasons.

It takes time in proportion to the text, whatever the text is: no backtick is looked
at twice, and lines without a mark are passed over by the regular expressions.

Pure: no I/O, no clock, no randomness.

Source: CommonMark 0.31.2, sections 4.5 (fences) and 6.1 (code spans).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

Range = tuple[int, int]
"""Where something begins, and where it has ended."""

# A quotation's mark, and a list item's with the spaces up to its content.
_MARK = r" {0,3}(?:> ?|(?:[-+*]|\d{1,9}[.)]) {1,4}(?! ))"
_OPENING = re.compile(
    rf"^(?P<marks>(?:{_MARK})*+ {{0,3}}+)(?P<fence>`{{3,}}+(?=[^`\n]*$)|~{{3,}}+)",
    re.MULTILINE,
)
_CLOSING = re.compile(
    r"^(?P<marks>(?: {0,3}> ?)*+)(?P<indent> *+)(?P<fence>`{3,}+|~{3,}+)[ \t]*$",
    re.MULTILINE,
)
_RUN = re.compile("`+")
_HEADING = re.compile(rf"(?:{_MARK})*+ {{0,3}}#{{1,6}}(?=[ \t\n]|\Z)")
_QUOTED = re.compile(r" {0,3}>")
# Where a paragraph ends: at an empty line, a heading, a list item, a line that is
# drawn or underlines a heading, and, outside of one, at a quotation.
_END = (
    r"\n(?=(?: {0,3}> ?)*+(?:[ \t]*+(?:\n|\Z)| {0,3}#{1,6}(?:[ \t\n]|\Z)"
    r"| *+(?:[-+*]|\d{1,9}[.)])[ \t]++[^ \t\n]"
    r"| {0,3}(?:=++|(?:[-*_][ \t]*+)++)[ \t]*+(?:\n|\Z))"
)
_END_OF_QUOTED = re.compile(_END + ")")
_END_OF_PLAIN = re.compile(_END + "| {0,3}>)")
DEPTH_MAX = 16
"""Quotations, or columns of a list, that are told apart; nobody nests so deep."""


def code_of(text: str) -> list[Range]:
    """Find where a text is code.

    Returns:
        Ranges in rising order, with their fences and backticks.
    """
    if "`" not in text and "~~~" not in text:
        return []
    found: list[Range] = []
    begin = 0
    for fence in _fences(text):
        found += _spans(text, begin, fence[0])
        found.append(fence)
        begin = fence[1]
    found += _spans(text, begin, len(text))
    return found


# --- fences -------------------------------------------------------------------


def _fences(text: str) -> Iterator[Range]:
    """The fenced parts, each from the beginning of its first line."""
    end = 0
    outside: dict[tuple[int, int], int] = {}
    while opening := _OPENING.search(text, end):
        end = _end_of_fence(text, opening, outside)
        yield opening.start(), end


def _end_of_fence(
    text: str, opening: re.Match[str], outside: dict[tuple[int, int], int]
) -> int:
    """Where a fence ends: with its like, with what it stands in, or with the text.

    Args:
        text: The text.
        opening: The beginning of its first line.
        outside: For a place in quotations and a list, where that ends; it is found
            once for all fences that are in it.
    """
    fence, place = opening["fence"], _place(opening["marks"])
    first = text.find("\n", opening.end()) + 1
    if not first:
        return len(text)
    if outside.get(place, 0) < first:
        found = _outside(*place).search(text, first)
        outside[place] = found.start() if found else len(text)
    quotes, indent = place
    for closing in _CLOSING.finditer(text, first, outside[place]):
        if (
            closing["fence"].startswith(fence)
            and closing["marks"].count(">") == quotes
            and indent <= len(closing["indent"]) <= indent + 3
        ):
            return closing.end()
    return outside[place]


def _place(marks: str) -> tuple[int, int]:
    """How deep in quotations a fence is, and how far to the right in a list."""
    before, mark, inside = marks.rpartition(">")
    indent = len(inside.removeprefix(" ") if mark else inside)
    quotes = before.count(">") + len(mark)
    return min(quotes, DEPTH_MAX), min(indent, DEPTH_MAX) if inside.strip() else 0


@cache
def _outside(quotes: int, indent: int) -> re.Pattern[str]:
    """Finds a line of fewer quotations, or, if not empty, further to the left."""
    inside = rf"(?: {{0,3}}>){{{quotes}}} ?(?: {{{indent}}}|[ \t]*$)"
    return re.compile(rf"^(?!{inside})", re.MULTILINE)


# --- spans --------------------------------------------------------------------


def _spans(text: str, begin: int, end: int) -> Iterator[Range]:
    """The spans between two fences: from a run of backticks to the next as long."""
    runs = [run.span() for run in _RUN.finditer(text, begin, end)]
    following: dict[int, list[int]] = {}
    for start, stop in reversed(runs):
        following.setdefault(stop - start, []).append(start)
    paragraph_end = done = begin
    for start, stop in runs:
        following[stop - start].pop()
        if start < done:
            continue
        opens = start + _is_escaped(text, start, begin)
        ends = following.get(stop - opens)
        if not ends:
            continue
        if start >= paragraph_end:
            paragraph_end = _end_of_paragraph(text, start, begin, end)
        if ends[-1] < paragraph_end:
            done = ends[-1] + stop - opens
            yield opens, done


def _is_escaped(text: str, start: int, begin: int) -> bool:
    """Whether a backslash takes the first backtick of a run its meaning."""
    before = start
    while before > begin and text[before - 1] == "\\":
        before -= 1
    return (start - before) % 2 == 1


def _end_of_paragraph(text: str, at: int, begin: int, end: int) -> int:
    """Where the paragraph or heading ends in which something stands."""
    line = max(text.rfind("\n", begin, at) + 1, begin)
    if _HEADING.match(text, line, end):
        stop = text.find("\n", at, end)
        return end if stop < 0 else stop
    ending = _END_OF_QUOTED if _QUOTED.match(text, line, end) else _END_OF_PLAIN
    found = ending.search(text, at, end)
    return found.start() if found else end
