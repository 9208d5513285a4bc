"""A name has one spelling and one script, whichever way it was sent."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import apsw
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.ids import direct_members, direct_room, is_guest
from chatd.names import ASCII, NAMES, UNICODE, Names
from chatd.names.policy import MARKS_MAX

PRIVATE = "~abcdefghijklm234"
FORM = "1 to 32 letters and digits of one script"

ACCEPTED = {
    "Ann": "ann",
    "\uff21\uff2c\uff29\uff23\uff25": "alice",  # full width
    "paypaI": "paypai",  # a capital i, which is then shown as it is
    "\u0251dmin": "\u0251dmin",  # Latin throughout; its skeleton is admin's
    "Straße": "straße",
    "Zoë": "zoë",
    "Zoe\u0308": "zoë",
    "ñ.b_c-d": "ñ.b_c-d",
    "Анна": "анна",
    "анна1": "анна1",
    "ΖΟΡΜΠΆΣ": "ζορμπάς",
    "İlker": "i\u0307lker",
    "太郎": "太郎",
    "ケン太郎": "ケン太郎",
    "\uff79\uff9d": "ケン",  # half width
    "金철수": "金철수",
    "ㄅ漢": "ㄅ漢",
    "מיכאל1": "מיכאל1",
    "محمد": "محمد",
    "نیم\u200cفاصله": "نیم\u200cفاصله",  # a non-joiner where Persian has one
    "क्\u200dष": "क्\u200dष",
    "राम१": "राम१",
    "राम1": "राम1",
    "l·l": "l·l",
    "e\u0301" * 32: "é" * 32,
}
REFUSED = {
    "\u0430lice": "letters of one script",  # a Cyrillic first letter
    "ken太郎": "letters of one script",
    "a1१": "letters of one script",
    "\ufb01": r"U\+FB01 is not allowed in a name",  # a ligature
    "\u211doot": r"U\+211D is not allowed",
    "\U0001d4b6nn": r"U\+1D4B6 is not allowed",
    "al\u200bice": r"U\+200B is not allowed",
    "al\u200dicé": r"U\+200D is not allowed",
    "al\u202eice": r"U\+202E is not allowed",
    "al\u00a0ice": r"U\+00A0 is not allowed",
    "é b": r"U\+0020 is not allowed",
    "👍": r"U\+1F44D is not allowed",
    "\ud800": r"U\+D800 is not allowed",
    "\u0378": r"U\+0378 is not allowed",  # not assigned
    "\u30fb漢": FORM,  # a middle dot comes first
    "é~": FORM,
    "é@b": FORM,
    "é,b": FORM,
    "a\uff20b": FORM,  # a full width @
    ".é": FORM,
    "\u0301é": FORM,  # a mark has nothing to stand on
    "ann!": FORM,
    "": FORM,
    " ": FORM,
    "a" * 33: FORM,
    "é" * 33: FORM,
    "e\u0301" * 100: FORM,
    "राम1१": "digits of one kind",
    "1מיכאל": "right to left",
    "b\u0301\u0301": r"U\+0301 is one mark too many",
}


def parsers(names: Names) -> list[Callable[[str], str]]:
    """All parsers of a policy."""
    return [names.account, names.user, names.public_room, names.room]


@pytest.mark.parametrize(("text", "name"), ACCEPTED.items(), ids=ascii)
def test_a_name_is_folded_to_its_one_spelling(text: str, name: str) -> None:
    """Case, width and composition are folded; scripts are as people write them."""
    assert [parse(text) for parse in parsers(UNICODE)] == [name] * 4
    if not text.isascii():
        for parse in parsers(ASCII):
            with pytest.raises(ValueError):
                parse(text)


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=ascii)
def test_what_is_no_name_is_refused_with_the_reason(text: str, reason: str) -> None:
    """The sentence tells what was wrong, and repeats nothing that was sent."""
    with pytest.raises(ValueError, match=reason) as refused:
        UNICODE.account(text)
    assert str(refused.value).isascii()
    with pytest.raises(ValueError):
        UNICODE.user(text)


def test_there_are_two_policies() -> None:
    """Only the wider one compares what names look like."""
    assert NAMES == {"ascii": ASCII, "unicode": UNICODE}
    assert (ASCII.distinct, UNICODE.distinct) == (False, True)


def test_a_guests_suffix_stays_ascii() -> None:
    """Four characters behind a tilde, whatever the name before it."""
    assert UNICODE.user("Анна~4F7K") == "анна~4f7k"
    assert UNICODE.user("Ann~4F7K") == "ann~4f7k"
    assert is_guest(UNICODE.user("анна~4f7k"))
    for text in ("анна~4f7", "анна~4f7к", "анна~\uff14f7k", "~4f7k", "á~b~4f7k"):
        for parse in (UNICODE.user, UNICODE.account):
            with pytest.raises(ValueError):
                parse(text)


def test_rooms_have_64_characters() -> None:
    """Public ones have the alphabet of people's names."""
    assert UNICODE.public_room("Й" * 64) == "й" * 64
    with pytest.raises(ValueError, match="a room name is 1 to 64 letters"):
        UNICODE.public_room("й" * 65)


@pytest.mark.parametrize(
    ("text", "room"),
    [
        (PRIVATE.upper(), PRIVATE),
        ("@Ann,BOB", "@ann,bob"),
        ("@Анна,БОБ", "@анна,боб"),
        ("@ann,анна", "@ann,анна"),
        ("@\uff21nn,bob", "@ann,bob"),
    ],
)
def test_private_and_direct_rooms_are_read(text: str, room: str) -> None:
    """Direct ones have the names of two accounts, each of a script of its own."""
    assert UNICODE.room(text) == room
    with pytest.raises(ValueError):
        UNICODE.public_room(text)


@pytest.mark.parametrize(
    "text",
    [
        *("@é", "@é,é", "@боб,анна", "@анна,ann", "@анна,боб,яна", "@анна,bob~4f7k"),
        *("@,é", "@ann", "@bob,ann", "~é", "~abc", "é,b", "", "lo by"),
    ],
)
def test_no_room_has_such_a_name(text: str) -> None:
    """Names are two, different, in sorted order, and of accounts."""
    with pytest.raises(ValueError, match=r"a (direct room|room name|name) is"):
        UNICODE.room(text)


@pytest.mark.parametrize(("one", "other"), [("анна", "боб"), ("é", "z"), ("郎", "z")])
def test_a_direct_room_is_the_one_that_the_core_makes(one: str, other: str) -> None:
    """Sorted is by code point, whoever sorts."""
    names = UNICODE.account(one), UNICODE.account(other)
    room = direct_room(*names)
    assert UNICODE.room(room) == room
    assert direct_members(room) == tuple(sorted(names))


def test_marks_have_a_limit() -> None:
    """Vietnamese and Hebrew need fewer than what is allowed."""
    marks = "\u0316\u0317\u0318\u0319\u031c"
    assert UNICODE.account("a" + marks[:MARKS_MAX])
    with pytest.raises(ValueError, match="too many"):
        UNICODE.account("a" + marks[: MARKS_MAX + 1])


def test_what_is_too_long_is_not_looked_at() -> None:
    """PRECIS would take twenty seconds for this."""
    with pytest.raises(ValueError, match=FORM):
        UNICODE.account("\uff21" * 10_000_000)


# --- whatever is sent ---------------------------------------------------------------

TRICKS = (
    "aA0.~@,_- \n\x00éÉßſıİiIlL1oO\u0430\u0410\u212a\uff21\u200b\u200c\u200d\u202e"
    "\u0301\u0307\u0345ΣσςאةΑ\u0661\u06f1१्क太ケー・ン철ㄅ·ʼ\U0001d7d8\ud800ẞǅŉᾀ\ufdfa"
)
texts = st.one_of(
    st.text(st.sampled_from(TRICKS), max_size=40),
    st.text(max_size=40),
    st.text(st.characters(categories=("L", "M", "N")), max_size=6),
)


@pytest.mark.parametrize("parse", [*parsers(ASCII), *parsers(UNICODE)])
@given(text=texts)
def test_parsing_is_total_and_done_once(parse: Callable[[str], str], text: str) -> None:
    """Any text is refused with a sentence, or has a spelling that is its own."""
    try:
        name = parse(text)
    except UnicodeError:
        raise AssertionError("the reason is a codec's, not a sentence") from None
    except ValueError:
        return
    assert parse(name) == name
    assert name == unicodedata.normalize("NFC", name)
    assert not set(name) & set(" \n\x00\u200b\u202e")


@given(text=st.text(st.characters(codec="ascii"), max_size=70))
def test_of_ascii_both_policies_think_alike(text: str) -> None:
    """What is ASCII has the same spelling, or none, under both."""
    verdicts: list[list[str | None]] = [[], []]
    for names, found in zip((ASCII, UNICODE), verdicts, strict=True):
        for parse in parsers(names):
            try:
                found.append(parse(text))
            except ValueError:
                found.append(None)
    assert verdicts[0] == verdicts[1]


letters = st.text(st.characters(categories=("Ll", "Lo")), min_size=1, max_size=3)


@given(letters, letters)
def test_a_name_survives_the_way_to_the_disk(one: str, other: str) -> None:
    """JSON and SQLite give it back, and SQLite sorts as Python does."""
    try:
        names = [UNICODE.account(one), UNICODE.account(other)]
    except ValueError:
        return
    assert orjson.loads(orjson.dumps(names)) == names
    db = apsw.Connection(":memory:")
    rows = "SELECT column1 FROM (VALUES (?), (?)) ORDER BY column1"
    assert [row[0] for row in db.execute(rows, names)] == sorted(names)
    db.close()
