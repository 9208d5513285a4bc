"""How a new name ends: with a letter, a digit or a mark.

Whoever is called `bob.` would be meant by each `@bob.` that ends a sentence, and
`all.` by each `@all.`; so nobody new is called so, and no new room. What was named
before keeps its name: parsers take it, and whoever makes a name asks here.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from unicodedata import category

from chatd.errors import Reject, RejectCode

NEW_ENDS_WELL = "a new name does not end in punctuation"


def ends_well(name: str) -> bool:
    """Whether a canonical name ends with what belongs to a word.

    Neither punctuation does nor a joiner, which nobody sees there.
    """
    return name[-1].isalnum() or category(name[-1])[0] == "M"


def check_ending(name: str, field: str) -> None:
    """Refuse a new name that ends in punctuation.

    Args:
        name: What a user or a room is to be called.
        field: Where it stands in the command.

    Raises:
        Reject: `bad_field`.
    """
    if not ends_well(name):
        raise Reject(RejectCode.BAD_FIELD, f"{field}: {NEW_ENDS_WELL}", field=field)
