"""What a text is worth to a query, and what is shown of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.query import Phrase, Query
from chatd.store.matching import (
    LEAD_CHARS,
    SNIPPET_CHARS,
    Matcher,
    cut_plainly,
    spaced,
)


def matcher(*phrases: str) -> Matcher:
    """A matcher for phrases; one that ends with a star may go on."""
    return Matcher(
        Query(tuple(Phrase(p.removesuffix("*"), p.endswith("*")) for p in phrases)),
        cut_plainly,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Tea, for_two!", ["tea", "for", "two"]),
        ("Čaj ЧАИ e\u0301te", ["caj", "чаи", "ete"]),
        ("天気。x1", ["天", "気", "x1"]),
        ("สวัส", ["ส", "ว", "ส"]),
        ("한국어 2026", ["한국어", "2026"]),
        ("👍 – …", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Letters and digits that follow one another; single ones where no spaces are."""
    cut = cut_plainly(text)
    assert [word for _, _, word in cut] == words
    assert [word for _, _, word in cut_plainly(spaced(text))] == words


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
    ],
)
def test_every_phrase_must_be_there(
    phrases: list[str], text: str, is_found: bool
) -> None:
    """In any order; the words of a phrase one after the other."""
    assert (matcher(*phrases).score(text) is not None) == is_found


def test_a_phrase_without_a_word_is_left_out() -> None:
    """For a tokenizer that knows fewer letters than Python."""
    only = Matcher(Query((Phrase("x"), Phrase("y"))), lambda t: [(0, 1, t)][t == "y" :])
    assert only.phrases == [Phrase("x")]


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


@given(
    st.lists(st.sampled_from(["tea", "green", "天気", "x" * 50, "é"])).map(" ".join),
    st.sampled_from([[], ["tea"], ["green tea", "x*"], ["天"], ["e"]]),
)
def test_hits_are_where_the_words_are(text: str, phrases: list[str]) -> None:
    """In order, within the snippet, and each begins with a word that was sought."""
    it = matcher(*phrases)
    snippet, hits = it.excerpt(text)
    assert len(snippet) <= SNIPPET_CHARS + 2
    at = 0
    for start, end in hits:
        assert at <= start < end <= len(snippet)
        at = end
    if phrases and it.score(text) is not None:
        assert hits
    assert snippet.strip("…") in text
