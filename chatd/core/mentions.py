"""Who is addressed in a message: `@ann`, `@ann~4f7k`, `@all`.

A text is looked through when it is going to be stored, and not before: what is
refused costs nothing here. `find` is total and takes time in proportion to the text,
whatever the text is. No name is looked at twice, only the first `NAMES_MAX` different
ones are, and a text that is sent again is not looked through again
(`TEXTS_KEPT`).

**Before the `@`** may not stand what an address (`ann@example.org`) or a link
(`example.org/@ann`) has there: a letter or digit, also with marks such as `_` or `/`
between, unless it is of a script that is written without spaces, or the end of
another mention (`@ann/@bob`). Within a link, and in code (`chatd.core.markdown`),
nobody is meant.

**A name ends** where no name can go on: at a character that none has, and where the
script changes, since a name is of one (`@ann你好`). In scripts without spaces it may
end anywhere; the longest that a member has is taken, and where there is none, the
longest that anybody has. Punctuation at its end is the sentence's. A member who is
called so all the same, from a time when that was allowed, is meant only where no member
is called what is left without it.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice, takewhile
from unicodedata import category, normalize

import attrs

from chatd.core.markdown import Range, code_of
from chatd.ids import NAME_CHARS_MAX, UserName
from chatd.names import fold, narrow
from chatd.names.policy import COMPOSED_MAX
from chatd.names.scripts import end_of_script, is_unspaced

NAMES_MAX = 50
"""Different names of one message that are looked up. Source: the most that Discord's
AutoMod lets one set as `mention_total_limit`."""
ENDINGS_MAX = 200
"""What the words of one message may mean that is no member's, of which the store finds
out: each may have thirty endings in a script without spaces."""
SIGNS_MAX = 500
"""Signs `@` that are looked at: more than 4,000 characters of addresses have."""
TEXTS_KEPT = 32
"""Texts of which the words are remembered: those that are just sent again."""
CHARS_KEPT = 4096
"""Characters of which it is remembered whether names have them."""
EVERYBODY = UserName("all")
"""What addresses every member."""
WORD_CHARS_MAX = COMPOSED_MAX * NAME_CHARS_MAX + len("~4f7k") + 1
"""What is looked at behind an `@`: a longest name, and whether it goes on."""

# What a name has beside letters, digits and marks, and none ends with: what ASCII
# allows, the joiners, and what RFC 5892 appendix A allows between letters.
_INSIDE = "._~-\u200c\u200d\u00b7\u0375\u05f3\u05f4\u0f0b\u06fd\u06fe\u30fb"
# What neither is ASCII nor a letter may be a mark that is part of a letter; which
# it is, `_name` knows. The quantifier is possessive, so nothing is tried twice.
_ADDRESSED = re.compile(
    rf"@((?:[\w.~\-\u00b7]|[^\x00-\u02ff\s]){{1,{WORD_CHARS_MAX}}}+)"
)
_LATIN = re.compile(r"[0-9A-Za-z._\-\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]*+")
_SUFFIX = re.compile(r"~[A-Za-z2-7]{4}(?![A-Za-z0-9])")
_DOMAIN = re.compile(r"@[\w\-]++(?:\.[\w\-]++)++")
# An address on the web, up to what cannot be part of one, or is of a script that
# puts no space behind it.
_LINK = re.compile(r"(?<=[A-Za-z0-9])://[!#-;=?-_a-~\u00a1-\u0dff]*+")
_JOINING = "._%+-/~=&#$"
"""What can stand between a letter and the `@` of an address, or in a link."""


@attrs.frozen
class Mentions:
    """Whom a message addresses."""

    users: tuple[UserName, ...] = ()
    """Members, each once, without its sender; empty if `everybody` is."""
    everybody: bool = False
    strangers: tuple[tuple[UserName, ...], ...] = ()
    """What else is named: for each word the names that it may mean, of which the first
    that a user has is meant. It does not reach them."""


def names_somebody(text: str) -> bool:
    """Whether it is worth looking for mentions: there is a sign for them."""
    return "@" in text or "\uff20" in text


def find(
    text: str,
    sender: UserName,
    reaches: Callable[[UserName], bool],
    *,
    may_all: bool,
) -> Mentions | None:
    """Find whom a message addresses.

    Args:
        text: The message.
        sender: Who wrote it; he does not address himself.
        reaches: Whether somebody is a member who may read it.
        may_all: Whether the sender may address everybody.

    Returns:
        None if nobody is named.
    """
    users: dict[UserName, None] = {}
    strangers: dict[tuple[UserName, ...], None] = {}
    everybody, left = False, ENDINGS_MAX
    for word in _words(text):
        name, *others = _meant(word, reaches)
        if name == EVERYBODY:
            everybody = everybody or may_all
        elif name == sender:
            pass
        elif reaches(name):
            users[name] = None
        elif left:
            names = (name, *others)[:left]
            strangers[names] = None
            left -= len(names)
    if not (users or everybody or strangers):
        return None
    return Mentions(() if everybody else tuple(users), everybody, tuple(strangers))


# --- whom a word means ----------------------------------------------------------


def _meant(word: str, reaches: Callable[[UserName], bool]) -> list[UserName]:
    """The name that a word means; where it is no member's, the likeliest first."""
    bare = fold(word.rstrip(_INSIDE))
    names = [UserName(bare)]
    if names[0] == EVERYBODY:
        return names
    ends = _earlier_ends(bare)
    names += [UserName(bare[:end].rstrip(_INSIDE)) for end in ends]
    punctuation = range(len(word), len(word.rstrip(_INSIDE)), -1)
    longer = [UserName(fold(word[:end])) for end in punctuation]
    for name in (*names, *longer):
        if reaches(name):
            return [name]
    return names


def _earlier_ends(name: str) -> Iterator[int]:
    """Where else a name may end that is written without spaces, the last place first.

    It is of one script, so its first letter tells of all. A number stays whole.
    """
    letter = next(filter(str.isalpha, name), "1")
    if not is_unspaced(letter) or "~" in name:
        return
    for end in range(min(len(name) - 1, NAME_CHARS_MAX), 0, -1):
        in_number = name[end - 1].isdecimal() and name[end].isdecimal()
        if not in_number and not _is_mark(name[end]):
            yield end


# --- where words are ------------------------------------------------------------


@lru_cache(TEXTS_KEPT)
def _words(text: str) -> tuple[str, ...]:
    """The first different words behind an `@` that may be names."""
    return tuple(islice(dict.fromkeys(_each_word(text)), NAMES_MAX))


def _each_word(text: str) -> Iterator[str]:
    text = normalize("NFC", text)
    plain, apart = narrow(text), _apart(text)
    skipped, last = 0, -1  # ranges that are behind; the end of the last mention
    for match in islice(_ADDRESSED.finditer(plain), SIGNS_MAX):
        sign, word = match.start(), _name(match[1])
        while sign >= apart[skipped][1]:
            skipped += 1
        if not word or sign >= apart[skipped][0] or not _may_begin(plain, sign, last):
            continue
        begin = match.start(1)
        if not _DOMAIN.match(plain, begin + len(word)):
            last = begin + len(word.rstrip(_INSIDE))
            yield word


def _apart(text: str) -> list[Range]:
    """Where nobody is meant, in rising order, and what is behind the text's end."""
    links = [link.span() for link in _LINK.finditer(text)] if "://" in text else []
    return sorted([*code_of(text), *links, (len(text), len(text) + 1)])


def _name(word: str) -> str:
    """The part of a word in which a name goes on; empty if none begins."""
    if not (word[0].isalpha() or word[0].isdecimal()):
        return ""
    if _LATIN.fullmatch(word):
        return word
    if not word.isalpha():
        word = "".join(takewhile(_is_in_names, word))
    wish, tilde, behind = word.partition("~")
    end = end_of_script(_lower(wish))
    if end < len(wish) or not tilde:
        return wish[:end]
    suffix = _SUFFIX.match(word, end)
    if suffix:
        return word[: suffix.end()]
    return "" if behind.lstrip("~")[:1].isalnum() else wish


def _lower(word: str) -> str:
    """The word in lower case, character by character: names have no other letters."""
    lower = word.lower()
    return lower if len(lower) == len(word) else "".join(c.lower()[0] for c in word)


def _may_begin(text: str, sign: int, last: int) -> bool:
    """Whether a mention may begin here, by what stands before it.

    Args:
        text: The text.
        sign: Where the `@` is.
        last: Where the last mention ended.
    """
    before = sign
    while before > 0 and before != last and text[before - 1] in _JOINING:
        before -= 1
    if before in {0, last}:
        return True
    before -= 1
    while before > 0 and _is_mark(text[before]):
        before -= 1
    char = text[before]
    return is_unspaced(char) if char.isalnum() else char != "@"


@lru_cache(CHARS_KEPT)
def _is_in_names(char: str) -> bool:
    return char.isalpha() or char.isdecimal() or char in _INSIDE or _is_mark(char)


def _is_mark(char: str) -> bool:
    return category(char)[0] == "M"
