"""What a text is worth to a query, and what is shown of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.query import Phrase, Query
from chatd.store.matching import LEAD_CHARS, SNIPPET_CHARS, Matcher
from chatd.words import is_boundary, words


def matcher(*phrases: str) -> Matcher:
    """A matcher for phrases; one that ends with a star may go on."""
    return Matcher(
        Query(tuple(Phrase(tuple(words(p)), p.endswith("*")) for p in phrases))
    )


@pytest.mark.parametrize(
    ("phrases", "text", "is_found"),
    [
        (["tea"], "no coffee", False),
        (["tea"], "TEA!", True),
        (["tea"], "teapot", False),
        (["tea*"], "teapot", True),
        (["green tea"], "green, tea", True),
        (["green tea"], "tea green", False),
        (["green tea"], "green black tea", False),
        (["green te*"], "a green teapot", True),
        (["green te"], "a green teapot", False),
        (["a b c"], "a b b c", False),
        (["a b c"], "x a b c", True),
        (["a b c"], "a b", False),
        (["tea", "milk"], "milk tea", True),
        (["tea", "milk"], "tea", False),
        (["天気"], "今日は天気がいい", True),
        (["天気"], "気天", False),
        (["국어"], "한국어는", True),
        (["국가"], "한국 각", False),
        (["구*"], "한국", True),
        (["b a*"], "a b ac", True),
        (["b b"], "a b", False),
        (["a b*"], "a", False),
    ],
)
def test_every_phrase_must_be_there(
    phrases: list[str], text: str, is_found: bool
) -> None:
    """In any order; the words of a phrase one after the other."""
    assert (matcher(*phrases).score(text) is not None) == is_found


def test_more_often_and_in_shorter_texts_is_better() -> None:
    """And what is about equal is equal."""
    tea = matcher("tea")
    scores = [
        tea.score(text)
        for text in ("tea tea tea", "tea", "tea and milk", "tea " + "x " * 300)
    ]
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert len(set(scores)) == 4
    assert tea.score("tea " + "x " * 300) == tea.score("tea " + "y " * 302)


def test_an_excerpt_is_the_text_where_it_is_short() -> None:
    """On one line; hits that overlap or touch are each shown once."""
    assert matcher("tea").excerpt("a\ntea\tTEA") == ("a tea TEA", [[2, 5], [6, 9]])
    both = matcher("green tea", "tea pot", "green*")
    assert both.excerpt("green tea pot, green!") == (
        "green tea pot, green!",
        [[0, 13], [15, 20]],
    )
    assert matcher().excerpt("tea") == ("tea", [])


def test_an_excerpt_of_a_long_text_is_around_the_first_hit() -> None:
    """Cut at words, with a sign where it was."""
    text = "word " * 200 + "tea " + "more " * 200
    snippet, hits = matcher("tea").excerpt(text)
    assert snippet.startswith("…word ")
    assert snippet.endswith(" more…")
    assert len(snippet) <= SNIPPET_CHARS + 2
    ((start, end),) = hits
    assert snippet[start:end] == "tea"
    assert start <= LEAD_CHARS + 1


def test_an_excerpt_of_one_long_word_is_cut_in_it() -> None:
    """There is nowhere else."""
    snippet, hits = matcher("x*").excerpt("x" * 4000)
    assert snippet == "x" * SNIPPET_CHARS + "…"
    assert hits == [[0, SNIPPET_CHARS]]


@pytest.mark.parametrize(
    ("phrases", "text", "hits"),
    [
        (["cafe"], "un cafe\u0301 noir", [[3, 8]]),
        (["cafe*"], "cafe\u0301s\u0301!", [[0, 7]]),
        (["fussball"], "der Fuß\u00adball\u00ad", [[4, 12]]),
        (["שלום"], "(שָׁלוֹם)", [[1, 8]]),
        (["ด"], "สวัสดีครับ", [[4, 6]]),
        (["ี"], "ดี", [[0, 2]]),
        (["국어"], "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165", [[3, 8]]),
        (["구*"], "\u1100\u1100\u116e\u11a8", [[0, 4]]),
        (["kiro"], "x", []),
        (["キ"], "5㌔と", [[1, 2]]),
        (["رسول"], "ﷺ", []),
        (["عليه"], "a ﷺ b", [[2, 3]]),
        (["صلى", "عليه"], "ﷺ", [[0, 1]]),
        (["1"], "1\ufe0f\u20e3 2\ufe0f\u20e3", [[0, 3]]),
        (["क"], "क् क्ष", [[0, 2]]),
        (["1"], "\u0600١", [[0, 2]]),
        (["full"], "ＦＵＬＬ 👍", [[0, 4]]),
    ],
)
def test_a_hit_is_of_whole_characters(
    phrases: list[str], text: str, hits: list[list[int]]
) -> None:
    """Offsets are those of the text as it was written, with all marks."""
    assert matcher(*phrases).excerpt(text) == (text, hits)


def test_an_excerpt_is_cut_between_characters() -> None:
    """Also where there is no word at which it could be, or only a part of one."""
    thai = "น้ำ" * 80 + "tea" + "กี่" * 80
    snippet, hits = matcher("tea").excerpt(thai)
    ((start, end),) = hits
    assert snippet[start:end] == "tea"
    assert snippet[1] == "น"
    assert snippet[-4:-1] == "กี่"
    emoji = "tea " + "👨\u200d👩\u200d👧" * 60
    snippet, hits = matcher("tea").excerpt(emoji)
    assert (snippet, hits) == ("tea…", [[0, 3]])
    word = "e\u0301" * 81 + "x"
    snippet, hits = matcher("e*").excerpt(word)
    assert snippet == "e\u0301" * 80 + "…"
    word = "xe" + "\u0301e" * 90
    snippet, hits = matcher("x*").excerpt(word)
    assert (snippet, hits) == (word[:159] + "…", [[0, 159]])
    endless = "a" + "\u200d" * 30 + "\u0301" * 300
    assert matcher("a").excerpt(endless) == ("a…", [[0, 1]])


PIECES = ["tea", "green", "天気", "x" * 50, "e\u0301", "น้ำ", "한국", "ﷺ", "👍🏽", "क्ष"]


@given(
    st.lists(st.sampled_from(PIECES)).map(" ".join)
    | st.lists(st.sampled_from(PIECES)).map("".join),
    st.sampled_from(
        [
            [],
            ["tea"],
            ["green tea", "x*"],
            ["天"],
            ["e*"],
            ["น"],
            ["구*"],
            ["عليه", "क"],
        ]
    ),
)
def test_hits_are_where_the_words_are(text: str, phrases: list[str]) -> None:
    """In order, within the snippet, and each begins and ends with a character."""
    it = matcher(*phrases)
    snippet, hits = it.excerpt(text)
    assert len(snippet) <= SNIPPET_CHARS + 2
    at = 0
    for start, end in hits:
        assert at <= start < end <= len(snippet)
        assert is_boundary(snippet, start)
        assert is_boundary(snippet, end)
        at = end
    if phrases and it.score(text) is not None:
        assert hits
    assert snippet.strip("…") in text
