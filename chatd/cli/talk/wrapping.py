"""Lines as wide as a terminal, broken between words.

A terminal breaks a long line wherever its last column is, in the middle of a word or of
an address that one wants to follow. Here it is broken at spaces, and goes on below the
text, behind the time. What is longer than a whole row is left to the terminal.

Pure: how wide a text is is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chatd.cli.transcript import Line

INDENT = " " * 6
"""As wide as the time and the space behind it."""
_WORDS = re.compile(r" +|[^ ]+")


def wrapped(line: Line, columns: int, width: Callable[[str], int]) -> list[Line]:
    """Return a line as rows of at most so many columns.

    Args:
        line: What is shown.
        columns: How wide the terminal is.
        width: Says how many columns a text takes.
    """
    rows: list[Line] = [[]]
    at = 0
    for what, text in line:
        for word in _WORDS.findall(text):
            wide = width(word)
            if at + wide > columns and len(INDENT) + wide <= columns:
                if rows[-1][-1][1].isspace():
                    rows[-1].pop()
                rows.append([("text", INDENT)])
                at = len(INDENT)
                if word.isspace():
                    continue
            rows[-1].append((what, word))
            at = (at + wide - 1) % columns + 1
    return rows
