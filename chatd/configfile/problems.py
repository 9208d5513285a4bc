"""How a problem is reported: a path, a reason, a near name; one line each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

import attrs

from chatd.config import Place

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_SHOWN_CHARS_MAX = 40


@attrs.frozen
class Problem:
    """Something that is wrong, and where."""

    at: Place
    reason: str

    @property
    def path(self) -> str:
        """The place as a person writes it: `rooms.permanent[0].name`."""
        path = ""
        for part in self.at:
            if isinstance(part, int):
                path += f"[{part}]"
            else:
                path += ("." if path else "") + (
                    part if _BARE_KEY.match(part) else shown(part)
                )
        return path

    @property
    def key(self) -> str:
        """The setting that it belongs to: `rooms.permanent`."""
        return ".".join(str(part) for part in self.at[:2])


def near(name: str, names: Iterable[str], *, skip: int = 0) -> str:
    """The end of a sentence about an unknown name: the one that was meant.

    The first `skip` characters, which all names have in common, do not make any
    two of them alike.
    """
    whole = {other[skip:]: other for other in names}
    found = difflib.get_close_matches(name[skip:], whole, n=1)
    return f', did you mean "{whole[found[0]]}"?' if found else ""


def shown(text: str) -> str:
    """A string in quotes, short and on one line, whatever is in it."""
    if len(text) > _SHOWN_CHARS_MAX:
        text = text[: _SHOWN_CHARS_MAX - 1] + "…"
    return json.dumps(text, ensure_ascii=not text.isprintable())
