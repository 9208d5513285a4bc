"""Writes what chatd has to know of Unicode, into two modules.

`chatd/names/tables.py` has the scripts and look-alikes of what names are made of,
`chatd/wire/invisible.py` the characters of which nothing can be seen.

    pip install icukit-pyicu==78.3.1     (ICU 78 has the data of Unicode 17)
    python contrib/unicode/generate.py

Not part of `make`: it is run when a new Unicode is wanted, and its result is
committed. Stored skeletons were made with the table of their day, so a change of
the second table needs a migration that makes them anew.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import icu

TABLES_OF_NAMES = Path(__file__).parents[2] / "chatd/names/tables.py"
TABLES_OF_TEXT = Path(__file__).parents[2] / "chatd/wire/invisible.py"
LETTERS_MARKS_DIGITS = range(1, 10)
"""ICU's numbers of the general categories Lu Ll Lt Lm Lo Mn Me Mc Nd."""
BESIDE = "._-\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d\u06fd\u06fe\u0f0b\u3007"
"""What ASCII names have, and the exceptions of RFC 5892, which PRECIS takes over."""
IGNORABLE = icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT

WITHOUT_INK = (IGNORABLE, icu.UProperty.WHITE_SPACE)
CONTROL, FORMAT, SURROGATE = 15, 16, 18
"""ICU's numbers of the general categories Cc Cf Cs."""
JOINING = {
    icu.Char.getPropertyValueEnum(icu.UProperty.INDIC_SYLLABIC_CATEGORY, name)
    for name in ("Invisible_Stacker", "Number_Joiner")
}
BLANK_NAME = re.compile(r"( BLANK| FILLER| NULL NOTEHEAD)$")
"""No property says that a glyph is blank; these names do, but for punctuation."""
PUNCTUATION = 23
"""ICU's number of the general category Po: a filler of lines is drawn."""

NFD = icu.Normalizer2.getNFDInstance()
NFKC = icu.Normalizer2.getNFKCInstance()
SPOOF = icu.SpoofChecker()

HEAD = f'''"""What script a character is of, and what it looks like.

Unicode {icu.UNICODE_VERSION}.

Made by contrib/unicode/generate.py; do not edit. Only characters that a name
can have are listed, by their hexadecimal code points.

Source: Scripts.txt, ScriptExtensions.txt and confusables.txt of Unicode, by way
of ICU {icu.ICU_VERSION}; LICENSE.unicode has its terms.
"""

'''


INVISIBLE_HEAD = f'''"""Characters of which nothing can be seen.

White space, controls, what Unicode calls default-ignorable, other characters that
only steer how their neighbours are drawn, and the few whose glyph is blank. A
combining mark alone is seen, it is drawn over nothing or over a dotted circle; and
what no font has is drawn as a box.

Unicode {icu.UNICODE_VERSION}.

Made by contrib/unicode/generate.py; do not edit.

Source: PropList.txt, DerivedCoreProperties.txt, IndicSyllabicCategory.txt and
UnicodeData.txt of Unicode, by way of ICU {icu.ICU_VERSION}; LICENSE.unicode has its
terms.
"""

'''


def of_names() -> Iterator[str]:
    """Characters that a name can have: PRECIS is no wider than this."""
    for code in range(0x110000):
        char = chr(code)
        if char in BESIDE or (
            icu.Char.charType(char) in LETTERS_MARKS_DIGITS
            and not icu.Char.hasBinaryProperty(char, IGNORABLE)
            and NFKC.normalize(char) == char
            and lower(char) == char
        ):
            yield char


def lower(text: str) -> str:
    """Lower case by ICU's data, not by Python's older ones."""
    return str(icu.UnicodeString(text).toLower(icu.Locale.getRoot()))


def scripts(char: str) -> str:
    """The scripts that use the character: `Zyyy` for any of them."""
    codes = icu.Script.getScriptExtensions(ord(char))
    names = {icu.Script(code).getShortName() for code in codes}
    return "Zyyy" if names & {"Zyyy", "Zinh"} else "+".join(sorted(names))


def prototype(char: str) -> str:
    """What stands for all that look like it, also in the other case."""
    text, before = char, None
    while text != before:
        before = text
        text = NFD.normalize(lower(SPOOF.getSkeleton(0, text)))
    return text


def is_invisible(char: str) -> bool:
    """Whether a text of this character alone shows nothing."""
    kind = icu.Char.charType(char)
    if any(icu.Char.hasBinaryProperty(char, one) for one in WITHOUT_INK):
        return True
    if kind == FORMAT:
        # Arabic number signs and the like are drawn, around what follows them.
        sign = icu.UProperty.PREPENDED_CONCATENATION_MARK
        return not icu.Char.hasBinaryProperty(char, sign)
    if kind in (CONTROL, SURROGATE):
        return True
    category = icu.UProperty.INDIC_SYLLABIC_CATEGORY
    if icu.Char.getIntPropertyValue(char, category) in JOINING:
        return True
    is_blank = BLANK_NAME.search(icu.Char.charName(char)) is not None
    return is_blank and kind != PUNCTUATION


def spans(codes: Iterable[int]) -> Iterator[str]:
    """Code points in order as ranges, such as `61-7a`."""
    for _, run in itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0]):
        first, *rest = (f"{code:x}" for _, code in run)
        yield f"{first}-{rest[-1]}" if rest else first


def main() -> None:
    """Write the modules."""
    write_names()
    write_text()


def write_text() -> None:
    """Write which characters cannot be seen."""
    codes = (code for code in range(0x110000) if is_invisible(chr(code)))
    doc = "Ranges of hexadecimal code points, in order."
    lines = textwrap.fill(" ".join(spans(codes)), 88, break_on_hyphens=False)
    TABLES_OF_TEXT.write_text(
        INVISIBLE_HEAD + f'INVISIBLE = """\n{lines}\n"""\n"""{doc}"""\n'
    )


def write_names() -> None:
    """Write scripts and look-alikes."""
    names = list(of_names())
    ranges: dict[str, list[str]] = {}
    for script, run in itertools.groupby(names, scripts):
        first, *rest = (f"{ord(char):x}" for char in run)
        ranges.setdefault(script, []).append(f"{first}-{rest[-1]}" if rest else first)
    looks: dict[str, list[str]] = {}
    for char in names:
        # Names are decomposed before they are looked up.
        if NFD.normalize(char) == char and prototype(char) != char:
            key = "+".join(f"{ord(part):x}" for part in prototype(char)) or "-"
            looks.setdefault(key, []).append(f"{ord(char):x}")
    TABLES_OF_NAMES.write_text(
        HEAD
        + block("SCRIPTS", ranges, "The scripts that use what is in these ranges.")
        + "\n"
        + block(
            "LOOKS", looks, "The prototype, and what looks like it; `-` is nothing."
        )
    )


def block(name: str, entries: dict[str, list[str]], doc: str) -> str:
    """One table as a string: `KEY VALUE ...;`."""
    words = "; ".join(f"{key} {' '.join(entries[key])}" for key in sorted(entries))
    lines = textwrap.fill(words, 88, break_long_words=False, break_on_hyphens=False)
    return f'{name} = """\n{lines}\n"""\n"""{doc}"""\n'


if __name__ == "__main__":
    main()
