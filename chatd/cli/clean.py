"""Text of others, made safe to show on a terminal."""

from __future__ import annotations

import re

# Controls, the line and paragraph separators, bidi marks, and half characters.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(value: object) -> str:
    """Return a value as one line that a terminal only shows."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", str(value).replace("\t", " "))
