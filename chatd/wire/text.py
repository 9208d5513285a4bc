"""What free text may hold: messages, displayed names, statuses, emoji.

Text is delivered exactly as it was sent or refused with a reason; nothing here
changes a character. What is refused is what could harm a reader who did nothing
wrong: characters that steer a terminal, halves of surrogate pairs (they cannot
be written as UTF-8), towers of combining marks that paint over the lines above,
and text of which nothing can be seen. What stands beside other people's text on
one line (a displayed name, a status) may also not break the line or turn the
direction of what follows it; in a message that is the client's to contain.

Every parser raises `ValueError` with a sentence that names no character by
itself, only by its code point, so that the sentence may be logged and shown.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from unicodedata import category

from chatd.ids import DISPLAY_CHARS_MAX
from chatd.wire.emojis import qualified
from chatd.wire.kinds import Display, Emoji, Reason, StatusText, Text, Topic

STATUS_CHARS_MAX = 128
LINE_CHARS_MAX = 250
"""Of a topic, a title or a reason. Source: Slack's bound of a topic."""
MARKS_MAX = 8
"""How many combining marks may follow one another.

Source: protocol section 1; no script in use needs more than five.
"""

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""Characters that no text may hold, and halves of pairs, as in a class."""
LINE_BREAKERS = "\t\n\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""What one line may not hold either: it breaks it, or turns its direction."""
INVISIBLE = (
    r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    r"\U000e0000-\U000e0fff"
)
"""White space, what Unicode calls default-ignorable, and the blank of Braille."""

_BAD_IN_TEXT = re.compile(f"[{CONTROLS}]")
_BAD_IN_LINE = re.compile(f"[{CONTROLS}{LINE_BREAKERS}]")
_BLANK = re.compile(rf"[{INVISIBLE}]*\Z")
# A mark is neither a letter nor a space: few texts have so long a run of those
# characters, and only its characters are looked up one by one. (A class of all
# marks would have to be made from the whole of Unicode at each start.)
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\u02ff]{{{MARKS_MAX + 1},}}")
_TOWER = "M" * (MARKS_MAX + 1)


class TooLong(ValueError):
    """Text has more code points than it may have."""


def parse_text(text: str, chars_max: int) -> Text:
    r"""Check the text of a message.

    Args:
        text: As it was sent.
        chars_max: How many code points it may have; 0 means any number.

    Raises:
        TooLong: It has more.
        ValueError: Nothing of it can be seen, or it has a control character
            other than `\n` and `\t`, or a tower of combining marks.

    Source: protocol section 1.
    """
    if chars_max and len(text) > chars_max:
        raise TooLong(f"{len(text)} characters, at most {chars_max} are allowed")
    _check(text, _BAD_IN_TEXT)
    return Text(text)


def parse_display(text: str) -> Display:
    """Check what people read instead of a name: 1 to 64 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return Display(_line(text, DISPLAY_CHARS_MAX))


def parse_status(text: str) -> StatusText:
    """Check what someone says about being away: 1 to 128 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return StatusText(_line(text, STATUS_CHARS_MAX))


def parse_topic(text: str) -> Topic:
    """Check what a room is about, or its title: up to 250 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return Topic(_line(text, LINE_CHARS_MAX) if text else text)


def parse_reason(text: str) -> Reason:
    """Check why somebody was removed: 1 to 250 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return Reason(_line(text, LINE_CHARS_MAX))


def parse_emoji(text: str) -> Emoji:
    """Read one emoji, any sequence that Unicode lists as one, into its one form.

    Raises:
        ValueError: It is none, or more than one.
    """
    found = qualified(text)
    if found is None:
        raise ValueError("expected exactly one emoji")
    return Emoji(found)


def _line(text: str, chars_max: int) -> str:
    if len(text) > chars_max:
        raise ValueError(f"expected 1 to {chars_max} characters")
    _check(text, _BAD_IN_LINE)
    return text


def _check(text: str, bad: re.Pattern[str]) -> None:
    """Refuse blank text, the characters of `bad`, and towers."""
    if text.isascii() and text.isprintable() and not text.isspace() and text:
        return  # nearly all text, at a tenth of the cost
    if _BLANK.match(text):
        raise ValueError("nothing in it can be seen")
    if found := bad.search(text):
        raise ValueError(
            f"U+{ord(found[0]):04X} at character {found.start() + 1} is not allowed"
        )
    if text.isascii():
        return
    for run in _PERHAPS_MARKS.finditer(text):
        if _TOWER in "".join(category(char)[0] for char in run[0]):
            raise ValueError(f"more than {MARKS_MAX} combining marks in a row")
