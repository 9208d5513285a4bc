r"""What free text may hold: messages, displayed names, statuses, topics, reasons.

Text is what people type and paste. What a paste brings along that nobody can see is
cleaned (`clean`): line ends of other systems become `\n`, colours and other escape
sequences of terminals go, and so do control characters and the mark at the beginning
of a file. Nothing else is changed. What stands beside other people's text on one line
(a displayed name, a status) has a space where a line broke, and none of the marks that
embed one direction of writing in another.

What could harm a reader who did nothing wrong, and cannot be taken away without
changing what is read, is refused: halves of surrogate pairs (they cannot be written as
UTF-8), towers of combining marks that paint over the lines above, in one line what
overrides the direction of what follows; and text of which nothing can be seen.

Every parser raises `ValueError` with a sentence that names no character by
itself, only by its code point, so that the sentence may be logged and shown.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from unicodedata import category

from chatd.ids import DISPLAY_CHARS_MAX
from chatd.wire.emojis import qualified
from chatd.wire.invisible import INVISIBLE as _INVISIBLE_RANGES
from chatd.wire.kinds import Display, Emoji, Reason, StatusText, Text, Topic

STATUS_CHARS_MAX = 128
LINE_CHARS_MAX = 250
"""Of a topic, a title or a reason. Source: Slack's bound of a topic."""
EMOJI_CHARS_MAX = 32
"""What is longer is not looked up. Source: the longest emoji has 10 code points, and
each may have a selector behind it."""
MARKS_MAX = 8
"""How many combining marks may follow one another.

Source: protocol section 1; no script in use needs more than five.
"""

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""Characters that no text has when it is stored, and halves of pairs, as in a class."""
OVERRIDES = "\u202d\u202e"
"""Characters that have others shown in another order than they stand in."""
LINE_BREAKERS = "\t\n\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""What one line does not have either: it breaks it, or turns its direction."""
FILE_MARK = "\ufeff"
"""The byte order mark: at the beginning of a text it says that it was a file."""


def _class(ranges: str) -> str:
    """Ranges of hexadecimal code points as the inside of a class."""
    ends = (span.partition("-") for span in ranges.split())
    return "".join(
        chr(int(first, 16)) + (f"-{chr(int(last, 16))}" if last else "")
        for first, _, last in ends
    )


INVISIBLE = _class(_INVISIBLE_RANGES)
"""Characters of which nothing can be seen, as in a class."""

_UNCLEAN = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\A{FILE_MARK}")
_INTRODUCERS = re.compile("[\x1b\x90\x98\x9b\x9d-\x9f]")
# Never more than what a terminal would not show: a sequence that does not end is none,
# a string ends on its line, and an introducer of eight bits is believed only with a
# parameter, as it may be a letter that was read in the wrong encoding.
# Source: ECMA-48 sections 5.4 and 5.6; xterm's ctlseqs.
_ESCAPES = re.compile(
    r"(?:\x1b\[[0-?]*|\x9b[0-?]+)[ -/]*[@-~]"  # colours, movements
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[ -~\xa0-\U0010ffff]*"
    r"(?:\x07|\x1b\\|\x9c)"  # titles, links, pictures
    r"|\x1b(?:[()*+][0-2A-Z]|[78=>])"  # character sets, cursors, keypads
)
_CONTROLS: dict[int, str | None] = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)]),
    **dict.fromkeys(map(ord, "\t\x1f"), "\t"),
    **dict.fromkeys(map(ord, "\n\r\x0b\x0c\x1c\x1d\x1e\x85"), "\n"),
}
"""What becomes of a control character.

Source: the Unicode Standard, section 5.8, and UAX #14, classes BK, CR, LF and NL;
UAX #9, classes B and S, for the separators of files, groups, records and units.
"""

_BAD_IN_TEXT = re.compile("[\ud800-\udfff]")
_BAD_IN_LINE = re.compile(f"[\ud800-\udfff{OVERRIDES}]")
_BREAKS = re.compile("[\t\n\u2028\u2029]+")
_EMBEDDINGS = re.compile("[\u202a-\u202c\u2066-\u2069]")
_BLANK = re.compile(rf"[{INVISIBLE}]*\Z")
# A mark is neither a letter nor a space: few texts have so long a run of those
# characters, and only its characters are looked up one by one. (A class of all
# marks would have to be made from the whole of Unicode at each start.)
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\u02ff]{{{MARKS_MAX + 1},}}")
_TOWER = "M" * (MARKS_MAX + 1)


class TooLong(ValueError):
    """Text has more code points than it may have."""


def clean(text: str) -> str:
    r"""Take away what cannot be seen in a text that somebody has pasted.

    What ends a line anywhere becomes `\n`, what separates on a line a tab. Escape
    sequences of terminals go, and so do other control characters, and U+FEFF where the
    text begins with it. What is clean stays as it is.
    """
    if text.isprintable() or not _UNCLEAN.search(text):
        return text
    text = text.replace("\r\n", "\n")
    if _INTRODUCERS.search(text):
        text = _ESCAPES.sub("", text)
    # Last, or what stood before such a mark would keep it there.
    return text.translate(_CONTROLS).lstrip(FILE_MARK)


def parse_text(text: str, chars_max: int) -> Text:
    """Clean and check the text of a message.

    Args:
        text: As it was sent.
        chars_max: How many code points it may have when it is clean; 0 means any
            number.

    Raises:
        TooLong: It has more.
        ValueError: Nothing of it can be seen, or it has half of a surrogate pair, or
            a tower of combining marks.

    Source: protocol section 1.
    """
    text = clean(text)
    if chars_max and len(text) > chars_max:
        raise TooLong(f"{len(text)} characters, at most {chars_max} are allowed")
    _check(text, _BAD_IN_TEXT)
    return Text(text)


def parse_display(text: str) -> Display:
    """Read a displayed name: 1 to 64 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return Display(_line(text, DISPLAY_CHARS_MAX))


def parse_status(text: str) -> StatusText:
    """Read a status: 1 to 128 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return StatusText(_line(text, STATUS_CHARS_MAX))


def parse_topic(text: str) -> Topic:
    """Read what a room is about, or its title: up to 250 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return Topic(_line(text, LINE_CHARS_MAX) if text else text)


def parse_reason(text: str) -> Reason:
    """Read the reason of a removal: 1 to 250 characters, one line.

    Raises:
        ValueError: It is not.
    """
    return Reason(_line(text, LINE_CHARS_MAX))


def parse_emoji(text: str) -> Emoji:
    """Read one emoji, any sequence that Unicode lists as one, into its one form.

    Raises:
        ValueError: It is none, or more than one.
    """
    found = qualified(text) if len(text) <= EMOJI_CHARS_MAX else None
    if found is None:
        raise ValueError("expected exactly one emoji")
    return Emoji(found)


def _line(text: str, chars_max: int) -> str:
    """Clean and check one line: where it breaks is a space, but not at its ends."""
    text = clean(text)
    if not text.isprintable():
        text = _BREAKS.sub(" ", text.strip("\t\n\u2028\u2029"))
        text = _EMBEDDINGS.sub("", text)
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
