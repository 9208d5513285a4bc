"""What a text that is being typed may go on with.

Orders at its beginning, then what the order takes: rooms or names. Anywhere, names
behind an `@` and emoji behind a `:`, by the names that Unicode's annotations and chats
have given them. A name at the very beginning is completed without its `@`, as in IRC.

Pure: no terminal, no connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import attrs
import emoji

from chatd.cli.clean import clean
from chatd.cli.talk.orders import FORMS

CANDIDATES_MAX = 40
"""More are no choice any more."""
_EMOJI = re.compile(r":([a-z0-9_+-]+):?")


@attrs.frozen
class Candidate:
    """What may stand in the place of the last word."""

    replaced: str
    """What was typed of it."""
    text: str
    shown: str
    meta: str = ""
    """What is shown beside it."""


def candidates(
    typed: str, names: Iterable[str], rooms: Mapping[str, str]
) -> list[Candidate]:
    """Return what may stand in the place of the last word of a text, in order.

    Args:
        typed: The text up to the cursor.
        names: Who is known.
        rooms: What is known, and by what title.
    """
    word = re.split(r"\s", typed)[-1]
    found = _found(typed.removesuffix(word), word, names, rooms)
    return list(found)[:CANDIDATES_MAX]


def _found(
    head: str, word: str, names: Iterable[str], rooms: Mapping[str, str]
) -> Iterator[Candidate]:
    wanted = _wanted(head.split()) if head.startswith("/") else ""
    if not head and word.startswith("/"):
        for name, form in FORMS.items():
            if name.startswith(word[1:].lower()):
                text = f"/{name} " if form.arguments else f"/{name}"
                yield Candidate(word, text, f"/{name} {form.arguments}", form.help)
    elif wanted == "ROOM":
        yield from _named(word, rooms, "", rooms)
    elif wanted == "NAME":
        yield from _named(word, names, "@" if word.startswith("@") else "")
    elif word.startswith("@") or (word and not head):
        yield from _named(word, names, "@")
    if found := _EMOJI.fullmatch(word):
        yield from _emoji(word, found[1])


def _wanted(words: list[str]) -> str:
    """Return what an order takes behind these words."""
    form = FORMS.get(words[0].removeprefix("/").lower())
    takes = form.arguments.split() if form is not None else []
    place = len(words) - 1
    return takes[place].strip("[]") if place < len(takes) else ""


def _named(
    word: str, known: Iterable[str], sign: str, titles: Mapping[str, str] | None = None
) -> Iterator[Candidate]:
    """Yield the names that begin with a word, or whose titles do, in whatever case."""
    begins = word.removeprefix(sign).casefold()
    for name in sorted(known):
        title = (titles or {}).get(name) or name
        if any(one.casefold().startswith(begins) for one in (name, title)):
            yield Candidate(word, f"{sign}{name} ", clean(title))


def _emoji(word: str, begins: str) -> Iterator[Candidate]:
    """Yield the emoji that are called so, the shortest names first."""
    for name, char in _emoji_names():
        if name.startswith(begins):
            yield Candidate(word, char, f":{name}: {char}")


@cache
def _emoji_names() -> list[tuple[str, str]]:
    """Return each name of an emoji with the emoji, the shortest first."""
    full = emoji.STATUS["fully_qualified"]
    names = {
        name.strip(":"): char
        for char, known in emoji.EMOJI_DATA.items()
        if known["status"] == full
        for name in [known["en"], *known.get("alias", ())]
    }
    return sorted(names.items(), key=lambda pair: (len(pair[0]), pair[0]))
