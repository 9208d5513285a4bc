"""The two policies of names, and how each spells them.

`ASCII` is what `chatd.ids` reads. `UNICODE` is wider: letters of any script
after the profile UsernameCaseMapped of PRECIS, which folds case and width and
knows which characters belong into a name at all; one script to a name. Of ASCII
itself it takes neither more nor less, so a name that is ASCII has one spelling
and one verdict under both.

What is returned is canonical. It stays so under any later Unicode: what is not
assigned yet is refused, and of what is assigned neither the lower case nor the
composed form ever changes.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar
from unicodedata import category, normalize

import attrs

from chatd.ids import (
    NAME_CHARS_MAX,
    ROOM_CHARS_MAX,
    RoomName,
    UserName,
    parse_account_name,
    parse_public_room,
    parse_room_name,
    parse_user_name,
)
from chatd.names.folding import fold
from chatd.names.scripts import has_one_kind_of_digits, is_one_script

MARKS_MAX = 4
"""How many marks without a width of their own may follow one another in a name.

Source: UTS #39 section 5.4.
"""
COMPOSED_MAX = 4
"""How many code points make one of a composed name: Greek has letters of four.

The length of what was sent is bounded by it before anything else is done.
"""

Policy = Literal["ascii", "unicode"]
_Name = TypeVar("_Name", UserName, RoomName)

_BAD_ASCII = re.compile(r"[\x00-,/:-^`{-\x7f]")
"""All but letters, digits and `-._`, of what the profile leaves of ASCII."""
_SUFFIX = re.compile(r"[a-zA-Z2-7]{4}\Z")
_WHOLE = {
    "DISALLOWED/bidi_rule": "letters of a script that is written from right to left"
    " cannot begin, end or stand like this in a name",
}
"""What PRECIS has against a name as a whole. Everything else is one character."""


@attrs.frozen
class Names:
    """How names are spelled: parsers that raise `ValueError` as `chatd.ids` does."""

    account: Callable[[str], UserName]
    """The name of an account, or a guest's wish."""
    user: Callable[[str], UserName]
    """The name of an account or of a guest."""
    public_room: Callable[[str], RoomName]
    """The name of a room that joining may create."""
    room: Callable[[str], RoomName]
    """The name of any kind of room."""
    distinct: bool
    """Whether a new name that looks like a taken one is refused."""


def _account(text: str) -> UserName:
    if text.isascii():
        return _reworded(parse_account_name, text, "name", NAME_CHARS_MAX)
    return UserName(_spelled(text, "name", NAME_CHARS_MAX))


def _user(text: str) -> UserName:
    wish, tilde, suffix = text.rpartition("~")
    if tilde and _SUFFIX.match(suffix):
        return UserName(f"{_account(wish)}~{suffix.lower()}")
    return _account(text)


def _public_room(text: str) -> RoomName:
    if text.isascii():
        return _reworded(parse_public_room, text, "room name", ROOM_CHARS_MAX)
    return RoomName(_spelled(text, "room name", ROOM_CHARS_MAX))


def _room(text: str) -> RoomName:
    if text.startswith("@") and not text.isascii():
        names = [_account(name) for name in text[1:].split(",", 2)]
        if len(names) != 2 or names[0] >= names[1]:
            raise ValueError(
                "a direct room is @NAME,NAME, two accounts in sorted order"
            )
        return RoomName(f"@{names[0]},{names[1]}")
    if text.startswith("@"):
        return parse_room_name(text)
    if text.startswith("~") and text.isascii():
        return _reworded(parse_room_name, text, "room name", ROOM_CHARS_MAX)
    return _public_room(text)


ASCII = Names(
    parse_account_name,
    parse_user_name,
    parse_public_room,
    parse_room_name,
    distinct=False,
)
UNICODE = Names(_account, _user, _public_room, _room, distinct=True)
NAMES: dict[Policy, Names] = {"ascii": ASCII, "unicode": UNICODE}
"""The parsers of each policy."""


def _reworded(
    parse: Callable[[str], _Name], text: str, what: str, chars_max: int
) -> _Name:
    """Parse ASCII, and say of what is refused what would be allowed here."""
    try:
        return parse(text)
    except ValueError:
        raise ValueError(_expected(what, chars_max)) from None


def _spelled(text: str, what: str, chars_max: int) -> str:
    """The canonical spelling of a name that is not ASCII as it was sent."""
    # What takes long comes last: the profile looks at each character by itself.
    if len(text) > COMPOSED_MAX * chars_max or len(fold(text)) > chars_max:
        raise ValueError(_expected(what, chars_max))
    try:
        name: str = _profile().enforce(text)
    except UnicodeEncodeError as error:
        bad = f"U+{ord(error.object[error.start]):04X} is not allowed in a {what}"
        raise ValueError(_WHOLE.get(error.reason, bad)) from None
    first = name[0].isalpha() or name[0].isdecimal()
    if not first or _BAD_ASCII.search(name):
        raise ValueError(_expected(what, chars_max))
    if not is_one_script(name):
        raise ValueError(f"a {what} has letters of one script")
    if not has_one_kind_of_digits(name):
        raise ValueError(f"a {what} has digits of one kind")
    _check_marks(name, what)
    return name


@cache
def _profile() -> Any:
    # Its tables are read from files, and most places never see such a name.
    from precis_i18n import get_profile  # noqa: PLC0415

    return get_profile("UsernameCaseMapped")


def _check_marks(name: str, what: str) -> None:
    """Refuse what paints over the line above, or cannot be told from less."""
    run = ""
    for char in normalize("NFD", name):
        run = run + char if category(char) == "Mn" else ""
        if len(run) > MARKS_MAX or run[-2:] == char * 2:
            raise ValueError(f"U+{ord(char):04X} is one mark too many in a {what}")


def _expected(what: str, chars_max: int) -> str:
    return (
        f"a {what} is 1 to {chars_max} letters and digits of one script, and . _ -,"
        " and starts with a letter or digit"
    )
