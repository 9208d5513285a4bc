"""One emoji is one reaction, in whatever form it is written.

Many emoji can be written in several ways. A heart is U+2764 alone or with the
variation selector U+FE0F behind it, and keyboards, libraries and pickers do not
agree on which; in a sequence of several characters each may have its selector or
lack it. Unicode's list of emoji names one of these forms *fully qualified*: that is
the one that is stored, compared and delivered.

A variation selector chooses how a character is drawn, never which emoji it is: in
the whole list no two emoji differ by selectors alone. So selectors are left out
when an emoji is looked up, also where the list has none (a thumb up with U+FE0F
behind it), and also U+FE0E, which asks for the black and white drawing of the same.

Pure: no I/O, no clock, no randomness.

Source: UTS #51, emoji-test.txt, by way of the library emoji.
"""

from __future__ import annotations

from functools import cache

_SELECTORS = {0xFE0E: None, 0xFE0F: None}


def qualified(text: str) -> str | None:
    """The fully qualified form of an emoji, or None if `text` is not exactly one."""
    return _qualified().get(text.translate(_SELECTORS))


def forms(emoji: str) -> tuple[str, ...]:
    """All forms in which Unicode lists an emoji, its fully qualified one among them."""
    return _forms().get(emoji.translate(_SELECTORS), ())


def load() -> None:
    """Read the list, so that the first who reacts does not wait 50 ms for it."""
    _qualified()


@cache
def _qualified() -> dict[str, str]:
    """Emoji without selectors to their fully qualified form."""
    # The list is a file of JSON; a daemon has started before it is read.
    from emoji import EMOJI_DATA, STATUS  # noqa: PLC0415

    # A component (a skin tone) is an emoji that has no other form.
    normal = (STATUS["fully_qualified"], STATUS["component"])
    return {
        form.translate(_SELECTORS): form
        for form, row in EMOJI_DATA.items()
        if row["status"] in normal
    }


@cache
def _forms() -> dict[str, tuple[str, ...]]:
    """Emoji without selectors to all their forms."""
    from emoji import EMOJI_DATA  # noqa: PLC0415 - as above

    found: dict[str, tuple[str, ...]] = {}
    for form in EMOJI_DATA:
        bare = form.translate(_SELECTORS)
        found[bare] = (*found.get(bare, ()), form)
    return found
