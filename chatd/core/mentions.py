"""Who is addressed in a message: `@ann`, `@ann~4f7k`, `@all`.

A message is looked through once, when its draft is made; what is found is stored
with it and counted from there. `find` is total and takes time in proportion to
the text, whatever the text is: no name is looked at twice, and only the first
`NAMES_MAX` different ones are looked up.

Before the `@` may stand anything but what can stand there in an address
(`ann@example.org`) or a link (`example.org/@ann`), and no `@` may follow
(`@ann@example.org` is somebody elsewhere). A name ends where no name can go on;
a dot at its end closes the sentence, unless it belongs to a member's name.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from itertools import islice, takewhile
from unicodedata import category

import attrs

from chatd.ids import NAME_CHARS_MAX, UserName

NAMES_MAX = 50
"""Different names of one message that are looked up. Source: the most that Discord's
AutoMod lets one set as `mention_total_limit`."""
EVERYBODY = "all"
"""What addresses every member."""
SUFFIX_CHARS = 5
"""What follows a guest's name: `~` and four characters."""

# What is neither ASCII nor a letter may be a mark that is part of a letter; which
# it is, `_cut` knows. The quantifier is possessive, so nothing is tried twice.
_ADDRESSED = re.compile(
    r"(?<![\w.%+\-/@~=&#$])@((?:[\w.~\-]|[^\x00-\u02ff\s])"
    rf"{{1,{NAME_CHARS_MAX + SUFFIX_CHARS}}}+)"
)
_IN_NAMES = "._~-"


@attrs.frozen
class Mentions:
    """Whom a message addresses."""

    users: tuple[UserName, ...] = ()
    """Members, each once, without its sender; empty if `everybody` is."""
    everybody: bool = False


def find(
    text: str,
    members: Container[UserName],
    sender: UserName,
    fold: Callable[[str], UserName],
    *,
    may_all: bool,
) -> Mentions | None:
    """Find whom a message addresses.

    Args:
        text: The message.
        members: Who can be addressed.
        sender: Who wrote it; he does not address himself.
        fold: Brings a name to its canonical form, or raises `ValueError`.
        may_all: Whether the sender may address everybody.

    Returns:
        None if nobody is addressed.
    """
    users: dict[UserName, None] = {}
    for word in islice(dict.fromkeys(_words(text)), NAMES_MAX):
        for spelled in dict.fromkeys((word, word.rstrip(_IN_NAMES))):
            try:
                name = fold(spelled)
            except ValueError:
                continue
            if name == EVERYBODY:
                if may_all:
                    return Mentions(everybody=True)
            elif name in members:
                if name != sender:
                    users[name] = None
                break
    return Mentions(tuple(users)) if users else None


def _words(text: str) -> Iterator[str]:
    """What may be a name behind an @."""
    for match in _ADDRESSED.finditer(text):
        word = _cut(match[1])
        end = match.start(1) + len(word)
        after = text[end : end + 1]
        if after != "@" and not after.isalnum():
            yield word


def _cut(word: str) -> str:
    """The word up to the first character that no name has."""
    if word.isascii():
        return word
    return "".join(takewhile(_is_in_names, word))


def _is_in_names(char: str) -> bool:
    return char.isalnum() or char in _IN_NAMES or category(char)[0] == "M"
