"""Any text is a query or is refused with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.query import (
    QUERY_CHARS_MAX,
    TERMS_MAX,
    Phrase,
    Place,
    Query,
    parse_place,
    parse_query,
)
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire.events import DAY_MS

NOVEMBER = 1_793_491_200_000
"""2026-11-01T00:00:00Z."""


def words(*texts: str) -> tuple[Phrase, ...]:
    """Words, or phrases of them."""
    return tuple(Phrase(tuple(text.split())) for text in texts)


def outcome(parse: Callable[[str], Any], text: str) -> Any:
    """What was understood, or the refusal."""
    try:
        return parse(text)
    except Reject as reject:
        return reject


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("tea", {"phrases": words("tea")}),
        ("  green\ttea\n", {"phrases": words("green", "tea")}),
        ('"green tea"', {"phrases": words("green tea")}),
        ('say "green tea" loud', {"phrases": words("say", "green tea", "loud")}),
        ('x"green tea"y', {"phrases": words("x", "green tea", "y")}),
        ("\u201cgreen tea\u201d \u201ex", {"phrases": words("green tea", "x")}),
        ("«green tea» ＂x y＂", {"phrases": words("green tea", "x y")}),
        ("»green tea« ‹x y›", {"phrases": words("green tea", "x y")}),
        ("„green tea“*", {"phrases": (Phrase(("green", "tea"), prefix=True),)}),
        ("「茶 y」『x y』", {"phrases": words("茶 y", "x y")}),
        ("｢x y｣〝green tea〟", {"phrases": words("x y", "green tea")}),
        ("\u2018green tea\u2019", {"phrases": words("green", "tea")}),
        ('"green tea', {"phrases": words("green tea")}),
        ('tea"', {"phrases": words("tea")}),
        ("chin*", {"phrases": (Phrase(("chin",), prefix=True),)}),
        ("chin**", {"phrases": (Phrase(("chin",), prefix=True),)}),
        ('"green te"*', {"phrases": (Phrase(("green", "te"), prefix=True),)}),
        ('"green te*"', {"phrases": words("green te")}),
        ("te*a", {"phrases": words("te a")}),
        ("chin＊ te﹡", {"phrases": (Phrase(("chin",), True), Phrase(("te",), True))}),
        (
            "茶* 緑茶* が* 각*",
            {"phrases": words("茶", "緑 茶", "か\u3099", "\u1100\u1161\u11a8")},
        ),
        ("가*", {"phrases": (Phrase(("\u1100\u1161",), prefix=True),)}),
        ("tea tea TEA ＴＥＡ", {"phrases": words("tea")}),
        ("Straße*", {"phrases": (Phrase(("strasse",), prefix=True),)}),
        ("o'neill O’NEILL", {"phrases": words("o neill")}),
        ("tea 👍 &", {"phrases": words("tea")}),
        ("tea\0milk", {"phrases": words("tea milk")}),
        ("tea AND NOT x", {"phrases": words("tea", "and", "not", "x")}),
        ("NEAR(a", {"phrases": words("near a")}),
        ("col:x https://y", {"phrases": words("col x", "https y")}),
        ("from:ann", {"sender": "ann"}),
        ("From:Ann~4f7k tea", {"sender": "ann~4f7k", "phrases": words("tea")}),
        ("in:@ann,bob", {"room": "@ann,bob"}),
        ("tea In:Lobby", {"room": "lobby", "phrases": words("tea")}),
        ("after:2026-11-01", {"after": NOVEMBER}),
        ("before:2026-11-02", {"before": NOVEMBER + DAY_MS}),
        ("before:0001-01-01", {"before": -62_135_596_800_000}),
        ("in：lobby from：ann", {"room": "lobby", "sender": "ann"}),
        ("xfrom:ann", {"phrases": words("xfrom ann")}),
        ('"from:ann"', {"phrases": words("from ann")}),
        ("\u0131n:lobby", {"phrases": words("in lobby")}),
        ("tea \u0301 \u00ad", {"phrases": words("tea")}),
        ("\ue000", {"phrases": words("\ue000")}),
    ],
)
def test_what_a_query_means(text: str, query: dict[str, Any]) -> None:
    """Words, phrases, beginnings, filters; whatever else there is, is a word."""
    assert parse_query(text) == Query(**query)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing to search for"),
        ('""', "nothing to search for"),
        ("👍 *", "nothing to search for"),
        ("👍 from:ann", "nothing to search for"),
        ("\u0301\u00ad", "nothing to search for"),
        ("x" * (QUERY_CHARS_MAX + 1), "257 characters, at most 256"),
        (" ".join(f"w{n}" for n in range(TERMS_MAX + 1)), "17 words, at most 16"),
        ("from:", "from: expected a user's name"),
        ("from:a/b", "from: expected a user's name"),
        ('from:"ann"', "from: expected a user's name"),
        ("in:@x", "in: expected a room's name"),
        ("before:yesterday", "before: expected a date such as 2026-11-01"),
        ("after:2026-02-30", "after: expected a date such as 2026-11-01"),
        ("after:2026-1-1", "after: expected a date"),
        ("after:٢٠٢٦-11-01", "after: expected a date"),
        ("after:0000-01-01", "after: expected a date"),
        ("from:ann tea from:bob", "from: is there twice"),
    ],
)
def test_what_a_query_cannot_be(text: str, reason: str) -> None:
    """The sentence names the field, and what in it was wrong."""
    with pytest.raises(Reject) as refused:
        parse_query(text)
    reject = refused.value
    assert (reject.code, reject.field) == (RejectCode.BAD_FIELD, "query")
    assert reject.text.startswith(f"query: {reason}")


@given(st.text() | st.text('"*: \tfromintea-0129'))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    """Nothing else is raised, and what is asked of a store has an end."""
    query = outcome(parse_query, text)
    if isinstance(query, Reject):
        assert (query.code, query.field) == (RejectCode.BAD_FIELD, "query")
        assert len(query.text) < 100
    else:
        assert len(query.phrases) <= TERMS_MAX
        assert query != Query()
        for phrase in query.phrases:
            assert phrase.words
            assert all(word and '"' not in word for word in phrase.words)


places = st.builds(
    Place,
    st.sampled_from(["lobby", "@ann,bob", "~abcdefghij234567"]).map(RoomName),
    st.integers(0, 2**53).map(Seq),
    st.integers(0, 999_999),
    st.none() | st.tuples(st.just(RoomName("den")), st.integers(0, 9).map(Seq)),
)


@given(places)
def test_a_place_comes_back_from_the_wire(place: Place) -> None:
    """What `next` says is understood."""
    assert parse_place(place.encode()) == place


@pytest.mark.parametrize(
    "text",
    [
        "1/9007199254740993/lobby",
        "1/1/lobby/9007199254740993/lobby",
        "1/1/@lobby",
        "1/1/lobby/1/@den",
        "1/1/lobby/1",
        "",
    ],
)
def test_no_page_ends_so(text: str) -> None:
    """With a number that no event has, a room that cannot be, half a place."""
    with pytest.raises(Reject, match="begin it again"):
        parse_place(text)


@given(st.text() | st.text("/01az@,"))
def test_any_text_is_a_place_or_refused(text: str) -> None:
    """A client that makes one up learns nothing but that."""
    place = outcome(parse_place, text)
    if isinstance(place, Reject):
        assert (place.code, place.field) == (RejectCode.BAD_FIELD, "next")
    else:
        assert parse_place(place.encode()) == place
