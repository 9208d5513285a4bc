"""Writes chatd/words/tables.py and classes.py: what is a word, and which are equal.

    pip install icukit-pyicu==78.3.1     (ICU 78 has the data of Unicode 17)
    python contrib/unicode/words.py

Not part of `make`: it is run when a new Unicode is wanted, or another fold, and
its result is committed. `FOLD` in chatd/words/fold.py changes with it, which has
every search index made anew; a test says when it has to.

All of it comes from properties of Unicode, but for `EQUAL`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import icu
from generate import block

WORDS = Path(__file__).parents[2] / "chatd/words"
TABLES = WORDS / "tables.py"
CLASSES = WORDS / "classes.py"
CATEGORIES = "CnLuLlLtLmLoMnMeMcNdNlNoZsZlZpCcCfCoCsPdPsPePcPoSmScSkSoPiPf"
"""General_Category, as ICU numbers them."""
SIGNS = {
    "Vowel_Dependent",
    "Vowel",
    "Bindu",
    "Visarga",
    "Consonant_Final",
    "Consonant_Initial_Postfixed",
    "Consonant_Medial",
    "Consonant_Subjoined",
    "Consonant_Succeeding_Repha",
}
"""Indic_Syllabic_Category of marks that are vowels or consonants of their word."""
BREAKING = {"ID", "CJ", "NS", "SA", "AK", "AP", "AS"}
"""Line_Break of letters between which a line may end: no spaces are written."""
EXTENDING = {"Extend", "SpacingMark", "ZWJ"}
"""Grapheme_Cluster_Break of what belongs to the character before it."""
VOICING = 8
"""Canonical_Combining_Class of the marks that make another letter of a kana."""
EQUAL = {
    # Letters that do not decompose, as CLDR's Latin-ASCII writes them.
    **dict(zip("ðøđħıłŧ", "dodhilt", strict=True)),
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    # One letter as Arabic, Persian and Urdu keyboards have it, or as it is written
    # in haste. Source: Lucene's ArabicNormalizer and PersianNormalizer.
    **dict(zip("ٱىیکة", "اييكه", strict=True)),
    # Letters that cannot be told from an apostrophe, and are typed as one.
    **dict.fromkeys("ʹʺʻʼʽʾʿ", " "),
}
"""What people take for the same although Unicode does not."""

PROPERTY = icu.UProperty
NO_LETTERS = (
    PROPERTY.EXTENDED_PICTOGRAPHIC,
    PROPERTY.NONCHARACTER_CODE_POINT,
    PROPERTY.DEFAULT_IGNORABLE_CODE_POINT,
)
NFKD = icu.Normalizer2.getNFKDInstance()
has = icu.Char.hasBinaryProperty
combining_class = icu.Char.getCombiningClass

HEAD = f'''"""{{}}

Unicode {icu.UNICODE_VERSION}.

Made by contrib/unicode/words.py; do not edit. Numbers are hexadecimal code points,
{{}}

Source: the character database of Unicode, by way of ICU {icu.ICU_VERSION};
LICENSE.unicode has its terms.
"""

'''


def value(char: str, which: int) -> str:
    """The long name of a property's value."""
    number = icu.Char.getIntPropertyValue(char, which)
    kind = icu.UPropertyNameChoice.LONG_PROPERTY_NAME
    return str(icu.Char.getPropertyValueName(which, number, kind))


def short(char: str, which: int) -> str:
    """The short name of a property's value."""
    number = icu.Char.getIntPropertyValue(char, which)
    kind = icu.UPropertyNameChoice.SHORT_PROPERTY_NAME
    return str(icu.Char.getPropertyValueName(which, number, kind))


def category(char: str) -> str:
    """General_Category."""
    number = 2 * icu.Char.charType(char)
    return CATEGORIES[number : number + 2]


def is_sign(char: str) -> bool:
    """Whether a mark is a letter in all but its category: others are dropped."""
    kind = value(char, PROPERTY.INDIC_SYLLABIC_CATEGORY)
    spacing = (
        kind == "Other"
        and category(char) == "Mc"
        and has(char, PROPERTY.ALPHABETIC)
        and not combining_class(char)
    )
    return kind in SIGNS or spacing or combining_class(char) == VOICING


def is_dropped(char: str) -> bool:
    """Whether a character makes no difference: marks, joiners, what cannot be seen."""
    kind = category(char)
    return (
        (kind[0] == "M" and not is_sign(char))
        or (kind != "Cn" and has(char, PROPERTY.DEFAULT_IGNORABLE_CODE_POINT))
        or short(char, PROPERTY.JOINING_TYPE) == "C"
    )


def is_letter(char: str) -> bool:
    """Whether a folded character belongs to a word.

    What is not assigned yet is taken for a letter, except where Unicode has put
    code points aside for pictures and the like.
    """
    kind = category(char)
    if kind == "Cn":
        return short(char, PROPERTY.LINE_BREAK) != "PR" and not any(
            has(char, which) for which in NO_LETTERS
        )
    return kind[0] in "LNM" or kind == "Co"


def stands_alone(char: str) -> bool:
    """Whether what a character is folded to is no part of the word beside it.

    One and a half is not eleven halves, and a trade mark not a part of the name.
    """
    kind = value(char, PROPERTY.DECOMPOSITION_TYPE)
    return kind == "Fraction" or (kind == "Super" and category(char) == "So")


def bare(text: str) -> str:
    """The text without what makes no difference."""
    return "".join(char for char in NFKD.normalize(text) if not is_dropped(char))


def once(text: str) -> str:
    """Fold a text, which may have to be done again."""
    folded = bare(str(icu.UnicodeString(bare(text)).foldCase()))
    return "".join(
        (
            str(int(icu.Char.getNumericValue(char)))
            if category(char) == "Nd"
            else EQUAL.get(char, char if is_letter(char) else " ")
        )
        for char in folded
    )


def fold(char: str) -> str:
    """What a character is folded to; a space is whatever is of no word."""
    text, before = char, ""
    while text != before:
        text, before = once(text), text
    text = f" {text} " if stands_alone(char) else text
    return text if text.strip() else text[:1]


def is_hangul(char: str) -> bool:
    """Whether it is of Hangul, which is cut by its own rule."""
    return value(char, PROPERTY.HANGUL_SYLLABLE_TYPE) != "Not_Applicable"


def main() -> None:
    """Write both modules."""
    chars = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    folds = {char: fold(char) for char in chars}
    changed = {
        char: folded
        for char, folded in folds.items()
        if folded not in (char, " ") and not "\uac00" <= char <= "\ud7a3"
    }
    dropped = [char for char, folded in changed.items() if not folded]
    shifted, listed = split(
        {char: folded for char, folded in changed.items() if folded}
    )
    TABLES.write_text(
        HEAD.format(
            "What characters become when a text is folded.",
            "`a-b` a range, and `a-b/2` every second one of it; `+` joins what one"
            " character\nbecomes.",
        )
        + block("SHIFTED", shifted, "Ranges that begin at the key when folded.")
        + "\n"
        + block("LISTED", listed, "What those from the key on become, one by one.")
    )
    CLASSES.write_text(
        HEAD.format(
            "What of a text is a word, and where its characters end.",
            "`a-b` a range. What is folded to something else may be in any class.",
        )
        + block("WORDS", words(chars, folds, dropped), "What a word consists of.")
        + "\n"
        + block("ORDER", order(folds), "Marks that are letters, in which order.")
        + "\n"
        + block("BREAKS", breaks(chars), "What goes on, and where no character ends.")
    )


def words(
    chars: list[str], folds: dict[str, str], dropped: list[str]
) -> dict[str, list[str]]:
    """The classes by which a folded text is cut."""
    kept = {char for char, folded in folds.items() if folded == char != " "}
    breaking = {
        icu.Script.getScript(char).getShortName()
        for char in kept
        if short(char, PROPERTY.LINE_BREAK) in BREAKING
    } - {"Zyyy", "Hang"}

    def is_unspaced(char: str) -> bool:
        script = icu.Script.getScript(char).getShortName()
        breaks = short(char, PROPERTY.LINE_BREAK) in BREAKING
        return breaks or (category(char)[0] == "M" and script in breaking)

    def is_gone(char: str) -> bool:
        return folds[char] not in (char, " ")

    unspaced = {char for char in kept if is_unspaced(char) and not is_hangul(char)}
    letters = {char for char in kept - unspaced if not is_hangul(char)}
    return {
        "letter": list(ranges(bridged(chars, letters, is_gone))),
        "unspaced": list(ranges(bridged(chars, unspaced, is_gone))),
        "dropped": list(ranges(dropped)),
    }


def order(folds: dict[str, str]) -> dict[str, list[str]]:
    """Marks that are kept, by their combining class."""
    found: dict[str, list[str]] = {}
    for char, folded in folds.items():
        number = combining_class(char)
        if folded == char and number:
            found.setdefault(f"{number:x}", []).append(char)
    return {number: list(ranges(marks)) for number, marks in found.items()}


def breaks(chars: list[str]) -> dict[str, list[str]]:
    """The classes by which extended grapheme clusters are told; see UAX #29."""
    kinds = {char: value(char, PROPERTY.GRAPHEME_CLUSTER_BREAK) for char in chars}
    conjunct = {char: value(char, PROPERTY.INDIC_CONJUNCT_BREAK) for char in chars}
    return {
        "extending": list(ranges(c for c in chars if kinds[c] in EXTENDING)),
        "prepended": list(ranges(c for c in chars if kinds[c] == "Prepend")),
        "linking": list(ranges(c for c in chars if conjunct[c] == "Linker")),
        "linked": list(ranges(c for c in chars if conjunct[c] == "Consonant")),
    }


def split(
    changed: dict[str, str],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Alphabets whose letters follow one another, and all that remains."""
    shifted: dict[str, list[str]] = {}
    listed: dict[str, list[str]] = {}
    last = start = ""
    for run in alphabets(changed):
        codes = ["+".join(f"{ord(part):x}" for part in changed[char]) for char in run]
        if len(run) > 2:
            step = ord(run[1]) - ord(run[0])
            letters = f"{ord(run[0]):x}-{ord(run[-1]):x}" + "/2" * (step == 2)
            shifted.setdefault(codes[0], []).append(letters)
            continue
        for char, code in zip(run, codes, strict=True):
            if not last or ord(char) != ord(last) + 1:
                start = f"{ord(char):x}"
            listed.setdefault(start, []).append(code)
            last = char
    return shifted, listed


def alphabets(changed: dict[str, str]) -> Iterator[list[str]]:
    """Runs of letters that are as far from each other as what they become."""
    run: list[str] = []
    for char, folded in changed.items():
        step = ord(char) - ord(run[-1]) if run else 0
        before = changed[run[-1]] if run else ""
        if not (
            len(folded) == len(before) == 1
            and step == ord(folded) - ord(before)
            and step == (ord(run[1]) - ord(run[0]) if run[1:] else min(step, 2))
        ):
            if run:
                yield run
            run = []
        run.append(char)
    yield run


def bridged(
    chars: list[str], wanted: set[str], is_gone: Callable[[str], bool]
) -> Iterator[str]:
    """What is wanted, and what is gone between such: it makes long ranges."""
    between: list[str] = []
    inside = False
    for char in chars:
        if is_gone(char):
            if inside:
                between.append(char)
            continue
        inside = char in wanted
        if inside:
            yield from between
            yield char
        between.clear()


def ranges(chars: Iterable[str]) -> Iterator[str]:
    """Characters as ranges, or single ones."""
    first = last = -2
    for char in [*sorted(chars), None]:
        code = -2 if char is None else ord(char)
        if code == last + 1:
            last = code
            continue
        if first >= 0:
            yield f"{first:x}-{last:x}" if last > first else f"{first:x}"
        first = last = code


if __name__ == "__main__":
    main()
