"""Words that people take for equal are, whatever keyboard or program wrote them."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatd.words import FOLD, LocatedWords, is_syllable, is_whole, words

SHY, ZWNJ, ZWJ = "\u00ad", "\u200c", "\u200d"

EQUAL = [
    # Case, in full.
    ("Straße", "STRASSE"),
    ("ẞ", "ss"),
    ("ΟΔΟΣ", "οδός"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("Ǆ", "ǆ"),
    ("Ꭰ", "ꭰ"),
    ("𐐀", "𐐨"),
    ("Ɐ", "ɐ"),
    ("İstanbul", "istanbul"),
    ("ISPARTA", "ısparta"),
    # Accents, points and other marks.
    ("καλημέρα", "καλημερα"),
    ("ᾠδῇ", "ωδη"),
    ("ёлка", "елка"),
    ("йогурт", "иогурт"),
    ("їжак", "іжак"),
    ("Čaj", "caj"),
    ("Tiếng Việt", "tieng viet"),
    ("Đà Nẵng", "da nang"),
    ("שָׁלוֹם", "שלום"),
    ("יִשְׂרָאֵל", "ישראל"),
    ("مُحَمَّد", "محمد"),
    ("ٱلرَّحْمَٰن", "الرحمن"),
    ("ܫܠܳܡܳܐ", "ܫܠܡܐ"),
    ("फ़ोन", "फोन"),
    ("क्या", "कया"),
    ("ป่า", "ปา"),
    ("น้ำ", "นํ้า"),
    ("ແມ່", "ແມ"),
    ("z͑͗ͩͣa̴l̶g̷o̸", "zalgo"),
    # One letter to some, another to others.
    ("Łódź", "lodz"),
    ("smørrebrød", "smorrebrod"),
    ("Æsir", "aesir"),
    ("cœur", "coeur"),
    ("Ðað", "dad"),
    ("Þór", "thor"),
    ("Ħamrun", "hamrun"),
    ("Ŧ", "t"),
    ("أحمد", "احمد"),
    ("إسلام", "اسلام"),
    ("آمال", "امال"),
    ("ٱ", "ا"),
    ("علي", "علی"),
    ("على", "علي"),
    ("كتاب", "کتاب"),
    ("مدرسة", "مدرسه"),
    ("مسؤول", "مسوول"),
    ("قائل", "قايل"),
    # Forms of compatibility.
    ("ＦＵＬＬ", "full"),
    ("ﾀﾜｰ", "タワー"),
    ("ﾊﾟｿｺﾝ", "パソコン"),
    ("ｶﾞｷﾞｸﾞ", "ガギグ"),
    ("㌔", "キロ"),
    ("㍿", "株式会社"),
    ("⼭", "山"),
    ("豈", "豈"),
    ("ﬁn", "fin"),
    ("eﬀect", "effect"),
    ("ſeason", "season"),
    ("㎏", "kg"),
    ("10㎞", "10km"),
    ("CO₂", "co2"),
    ("m²", "m2"),
    ("①②", "12"),
    ("Ⓜ", "m"),
    ("Ⅷ", "viii"),
    ("𝐇𝑒𝓁𝕝𝔬", "hello"),
    ("🄰🄱", "ab"),
    ("ﷺ", "صلى الله عليه وسلم"),
    ("ﻼ", "لا"),
    ("ﺷﻜﺮﺍ", "شكرا"),
    ("שּׁ", "ש"),
    ("ﭏ", "אל"),
    ("٢٠٢٦", "2026"),
    ("۲۰۲۶", "2026"),
    ("२०२६", "2026"),
    ("๑๒", "12"),
    ("½", "1 2"),
    ("№5", "no5"),
    # Hangul in every form.
    ("회의록", "\u1112\u116c\u110b\u1174\u1105\u1169\u11a8"),
    ("각", "가\u11a8"),
    ("가", "ㄱㅏ"),
    ("ㅋㅋ", "ﾻﾻ"),
    ("㈜", "주"),
    ("한\u3164글", "한글"),
    # What cannot be seen.
    (f"Fuß{SHY}ball", "fussball"),
    (f"می{ZWNJ}خواهم", "میخواهم"),
    (f"क्{ZWJ}ष", "क्ष"),
    ("שלו\u200eם", "שלום"),
    ("a\u2060b\ufeffc", "abc"),
    ("a\u200bb", "ab"),
    ("سـلام", "سلام"),
    ("tea\ufe0f", "tea"),
    ("1\ufe0f\u20e3", "1"),
    ("葛\U000e0100城", "葛城"),
    ("ᠮᠣᠩ\u180bᠭᠣᠯ", "ᠮᠣᠩᠭᠣᠯ"),
    # Apostrophes and other separators.
    ("п'ять", "п\u02bcять"),
    ("п\u2019ять", "п\u02bcять"),
    ("o\u2018zbek", "o\u02bbzbek"),
    ("l’eau", "l'eau"),
    ("col·lega", "coŀlega"),
    ("צה״ל", 'צה"ל'),
    ("foo_bar", "foo-bar"),
    ("tea…milk", "tea milk"),
]
UNLIKE = [
    ("tea", "teas"),
    ("か", "が"),
    ("ハ", "パ"),
    ("タワー", "たわー"),
    ("มี", "ม"),
    ("कि", "की"),
    ("кот", "кит"),
    ("강", "가"),
    ("강", "간"),
    ("ø", "ö x"),
    ("大", "犬"),
    ("α", "a"),
    ("а", "a"),
    ("ש", "ס"),
    ("2½", "21 2"),
    ("ب", "ت"),
    ("ǝ", "ə"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_what_is_equal(one: str, other: str) -> None:
    """As it is, and in each of the forms in which a program may store it."""
    assert words(one) == words(other) != []
    for text in (one, other):
        assert words(unicodedata.normalize("NFC", text)) == words(one)
        assert words(unicodedata.normalize("NFD", text)) == words(one)
    assert words(f"x {one}!") == ["x", *words(other)]


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_what_is_not_equal(one: str, other: str) -> None:
    """Letters that are others to their readers, though they look or sound alike."""
    assert words(one) != words(other)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", []),
        ("Tea, for_two!", ["tea", "for", "two"]),
        (
            "O'Neill, C++ user@example.org",
            ["o", "neill", "c", "user", "example", "org"],
        ),
        ("Čaj ЧАЙ e\u0301te", ["caj", "чаи", "ete"]),
        ("天気。x1", ["天", "気", "x1"]),
        ("東京タワー行き", list("東京タワー行き")),
        ("がぎ", ["か\u3099", "き\u3099"]),
        ("時々〇", ["時", "々", "〇"]),
        ("สวัสดี100บาท", [*"สวัสดี", "100", *"บาท"]),
        ("မြန်မာ", list("မြနမာ")),
        ("ខ្មែរ", list("ខមែរ")),
        ("ㄅㄆ𠀀", ["ㄅ", "ㄆ", "𠀀"]),
        ("국어 ㅋㅋ", ["\u1100\u116e\u11a8", "\u110b\u1165", "\u110f", "\u110f"]),
        ("ᅡᆨᆨ", ["\u1161\u11a8", "\u11a8"]),
        ("नमस्ते", ["नमसते"]),
        ("tea👍milk", ["tea", "milk"]),
        ("a👨‍👩‍👧b", ["a", "b"]),
        ("𐐨𐐩 𞤢", ["𐐨𐐩", "𞤢"]),
        ("Foo™ ½x", ["foo", "tm", "1", "2", "x"]),
        ("2½", ["2", "1", "2"]),
        ("\ue000", ["\ue000"]),
        ("\uffff\ufffe", []),
        ("👍 – … \u0301", []),
        ("\U0001faff", []),  # put aside for a picture
        ("\u0378", ["\u0378"]),  # no letter yet
        ("\U00011240", ["\U00011240"]),
    ],
)
def test_what_is_a_word(text: str, cut: list[str]) -> None:
    """Letters and digits that follow one another; single ones without spaces."""
    assert words(text) == cut


SCRIPTS = (
    "aäÀßøЁй9 ٣_-.,!?'\u2019\n天気カガ\u3099ｶﾞのกขีี่น้ำ한각ㄱcéñकि्षمُحةשׁ\u05bc"
    "\u1100\u1161\u11a8"
    "Σς½™ﷺ①Ⅷ\u00ad\u200d\u200c\ufe0f👍🏽𐐀𠀀\u0f71\u0f72\u0f74\u0c55\u0c56က္ခᾳİ"
)
texts = st.text() | st.text(SCRIPTS, max_size=40)


@given(texts)
@example("\u0f72\u0f71")
@example("\u0f71\u0f74\u0f72")
@example("\u0e38\u0e3a\u0e48")
@example("\u0c55\uff9e")
def test_canonically_equal_texts_have_equal_words(text: str) -> None:
    """Whatever the text, and in whatever order its marks were typed."""
    assert words(unicodedata.normalize("NFC", text)) == words(text)
    assert words(unicodedata.normalize("NFD", text)) == words(text)


@given(texts)
def test_texts_of_equal_compatibility_have_equal_words(text: str) -> None:
    """But for what stands alone: one and a half is not eleven halves."""
    for char in text:
        kind = unicodedata.decomposition(char).partition(" ")[0]
        assume(kind != "<fraction>")
        assume(kind != "<super>" or unicodedata.category(char) != "So")
    assert words(unicodedata.normalize("NFKC", text)) == words(text)
    assert words(unicodedata.normalize("NFKD", text)) == words(text)


@given(texts)
def test_case_does_not_matter(text: str) -> None:
    """Folded by Python or by us; an iota below is a mark to us, not a letter."""
    assume("\u0345" not in unicodedata.normalize("NFKD", text))
    assert words(text.casefold()) == words(text)
    assert words(text.lower().replace("\u0307", "")) == words(text)


@pytest.mark.untraced
@given(texts, texts)
def test_words_are_folded_and_cut_for_good(text: str, other: str) -> None:
    """Doing it again changes nothing, and a space is an end."""
    cut = words(text)
    assert words(" ".join(cut)) == cut
    assert [word for whole in cut for word in words(whole)] == cut
    assert words(f"{text} {other}") == cut + words(other)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Tea, x", ["Tea", "x"]),
        ("Straße x", ["Straße", "x"]),
        ("각한 x", ["각", "한", "x"]),
        ("½ 天気", ["½", "½", "天", "気"]),
    ],
)
def test_a_word_is_where_its_characters_are(text: str, places: list[str]) -> None:
    """However many they become; several words may come of one."""
    found = LocatedWords.of(text)
    numbers = range(len(found.words))
    assert [text[found.start(one) : found.end(one)] for one in numbers] == places


@given(texts)
def test_words_are_where_they_are_said_to_be(text: str) -> None:
    """In order, and what is there has the word."""
    at = end = 0
    found = LocatedWords.of(text)
    assert found.words == words(text)
    for number, word in enumerate(found.words):
        assert at <= found.start(number) < found.end(number) <= len(text)
        assert end <= found.end(number)
        at, end = found.start(number), found.end(number)
        assert word in words(text[at:end])


def test_every_character_is_folded_as_its_forms() -> None:
    """All that this Python knows how to write in another way."""
    for code in range(0x110000):
        char = chr(code)
        whole = unicodedata.normalize("NFC", char)
        parts = unicodedata.normalize("NFD", char)
        if (whole, parts) != (char, char):
            expected = words(f"a{char}b")
            assert words(f"a{whole}b") == words(f"a{parts}b") == expected, hex(code)


def test_which_letters_and_syllables_never_go_on() -> None:
    """What has a final consonant is whole; a word of letters may always go on."""
    assert [is_whole(word) for word in ("天", "が", "ี", *words("각"), "𠀀")] == [
        True
    ] * 5
    assert [is_whole(w) for w in ("tea", "t", *words("가 ㄱ"), "कि", "1")] == [
        False
    ] * 6
    assert [is_syllable(w) for w in (*words("각가ㄱ"), "天", "a")] == [True] * 3 + [
        False
    ] * 2


@pytest.mark.untraced
def test_the_fold_has_another_name_when_it_changes() -> None:
    """The same under each Python, or indexes would not be true any more."""
    digest = hashlib.sha256()
    for block in range(0, 0x110000, 0x1000):
        text = " ".join(f"a{chr(code)}b" for code in range(block, block + 0x1000))
        digest.update("\n".join(words(text)).encode("utf-8", "surrogatepass"))
    assert (FOLD, digest.hexdigest()) == (
        "1",
        "d9c191204b0270ce1314e259bf814939260741f6884705ba975e39c01f31a4b1",
    )
