"""What is written in one script, and what mixes two."""

from __future__ import annotations

import pytest

from chatd.names.scripts import (
    UNSPACED,
    end_of_script,
    has_one_kind_of_digits,
    is_one_script,
    is_unspaced,
)
from chatd.names.tables import SCRIPTS

# A mark of Arabic and Syriac stands on a letter of either.
ONE = ["", "123", "ann.1", "анна1", "ひらカタ漢", "漢字ー", "한글漢", "ㄅㄆ漢", "क१"]
ONE += ["ا\u064b", "ܐ\u064b", "e\u0301"]
# The last ones are of no script: a noncharacter, a control.
TWO = ["aа", "aα", "a漢", "ひ한", "ㄅひ", "ㄅ한", "क১", "aー", "a\u064b"]
TWO += ["a\U0010ffff", "\x00"]


@pytest.mark.parametrize("text", ONE, ids=ascii)
def test_one_script(text: str) -> None:
    """Common characters stand beside any; writing systems count as one."""
    assert is_one_script(text)


@pytest.mark.parametrize("text", TWO, ids=ascii)
def test_two_scripts_or_none(text: str) -> None:
    """Also a mark or a sign that one of the scripts does not use."""
    assert not is_one_script(text)


def test_digits_of_one_kind() -> None:
    """All from one row of ten."""
    for text in ("a12", "१२", "a"):
        assert has_one_kind_of_digits(text)
    assert not has_one_kind_of_digits("1२")


def test_where_a_script_ends() -> None:
    """At the first character that cannot belong to what is before it."""
    assert end_of_script("ann.1你好") == 5
    assert end_of_script("你好ann") == 2
    assert end_of_script("ひら漢abc") == 3
    assert end_of_script("ann") == 3
    assert end_of_script("") == end_of_script("\x00") == 0


def test_scripts_without_spaces() -> None:
    """And Korean, in which particles follow a name; what any script has is of none."""
    for char in "你ひカー々한ㄅကขຂຂ\u0e31\ua015\u0f40":
        assert is_unspaced(char), ascii(char)
    for char in "aéжαअא1._\u0301\x00":
        assert not is_unspaced(char), ascii(char)
    systems = {"Hanb", "Jpan", "Kore"}
    named = {
        code for entry in SCRIPTS.split(";") for code in entry.split()[0].split("+")
    }
    assert named >= UNSPACED - systems
