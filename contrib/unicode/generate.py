"""Writes chatd/names/tables.py: scripts and look-alikes of what names are made of.

    pip install icukit-pyicu==78.3.1     (ICU 78 has the data of Unicode 17)
    python contrib/unicode/generate.py

Not part of `make`: it is run when a new Unicode is wanted, and its result is
committed. Stored skeletons were made with the table of their day, so a change of
the second table needs a migration that makes them anew.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from pathlib import Path

import icu

TABLES = Path(__file__).parents[2] / "chatd/names/tables.py"
LETTERS_MARKS_DIGITS = range(1, 10)
"""ICU's numbers of the general categories Lu Ll Lt Lm Lo Mn Me Mc Nd."""
BESIDE = "._-\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d\u06fd\u06fe\u0f0b\u3007"
"""What ASCII names have, and the exceptions of RFC 5892, which PRECIS takes over."""
IGNORABLE = icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT

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


def main() -> None:
    """Write the module."""
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
    TABLES.write_text(
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
