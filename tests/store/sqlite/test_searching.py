"""Searching in SQLite: no text breaks it, nothing takes longer than it may."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import apsw
import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.core import drafts as d
from chatd.core.query import Hit, parse_query
from chatd.core.settings import PLAIN
from chatd.errors import Reject, TooSlow
from chatd.ids import RoomName, Seq
from chatd.store import open_store
from chatd.store.matching import Matcher, cut_plainly
from chatd.store.sqlite import searching
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.writer import Writer
from tests.store.support import (
    ANN,
    BOB,
    DAY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    fill,
    in_this_thread,
    react,
    say,
    sqlite,
)

SCOPE = [(LOBBY, Seq(1), Seq(10**9))]


def lobby() -> Writer:
    """A database with ann in the lobby, whose connection can search."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: "owner"})
    writer.commit([d.AddUser(n, n, "user", None) for n in (ANN, BOB)], T0)
    writer.commit([room], T0)
    searching.prepare(writer.db)
    return writer


def find(writer: Writer, text: str, search_s: float = 60) -> list[Hit]:
    """Search in the lobby."""
    page = searching.search(
        writer.db, parse_query(text), SCOPE, None, 100, ANN, search_s=search_s
    )
    assert page is not None
    return page[0]


NASTY = lobby()
NASTY.commit([say('"tea" AND x:y NEAR(a b) col* 天気 👍')], T0)
NASTY.tend(T0)
NASTY.commit([say("tea, not indexed yet")], T0)


@given(
    st.text(max_size=60)
    | st.text('"*:(){}^+-,. \tANDORTEtea天é', max_size=60)
    | st.lists(
        st.sampled_from(
            ['"', "*", "AND", "OR", "NOT", "NEAR(", "x:y", "-", "^", "+", "tea", "{a}"]
        )
    ).map(" ".join)
)
@example('"')
@example("tea AND")
@example("NEAR(tea x, 2)")
@example("text:tea")
@example("{text tags} : tea")
@example("tags:r1")
@example("-tea")
@example("^tea")
@example("tea\0x")
@example("'; DROP TABLE message; --")
@example("\ufffe\U0010ffffx")
@example("\U0001e900")
def test_no_text_is_an_error_to_sqlite(text: str) -> None:
    """It is a query that finds something or nothing, or it was refused before."""
    with suppress(Reject):
        find(NASTY, text)


def test_words_that_mean_something_to_fts5_are_words() -> None:
    """They are found as such, and so are the tags never."""
    assert [hit.message.seq for hit in find(NASTY, "AND NEAR( x:y")] == [1]
    assert [hit.message.seq for hit in find(NASTY, "tea")] == [2, 1]
    assert find(NASTY, "r1") == find(NASTY, "u1") == find(NASTY, "tags:r1") == []


def test_letters_that_sqlite_does_not_know_are_none() -> None:
    """They are in no word, as it sees them; what is left counts."""
    assert find(NASTY, "\u19b0") == []
    assert len(find(NASTY, "\u19b0 tea")) == 2


# Letters that Unicode had when SQLite's table was made.
LETTERS = "aäÀßзЙжçéñ0129 _-.,!?天気カのกข한国"


@given(st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=8), st.data())
def test_what_is_indexed_and_what_is_not_are_found_alike(
    texts: list[str], data: st.DataObject
) -> None:
    """And as the twin in memory would: one query, three ways to look."""
    phrase = data.draw(st.sampled_from(texts))
    query_text = data.draw(st.sampled_from(["{}", '"{}"', "{}*"])).format(phrase)
    try:
        query = parse_query(query_text)
    except Reject:
        return
    writer = lobby()
    writer.commit([say(text) for text in texts], T0)
    before = find(writer, query_text)
    while writer.tend(T0):
        """More to do."""
    assert find(writer, query_text) == before
    writer.db.execute(
        "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
    )
    twin = Matcher(query, cut_plainly)
    assert sorted(hit.message.seq for hit in before) == [
        number + 1 for number, text in enumerate(texts) if twin.score(text) is not None
    ]


@pytest.mark.parametrize(
    ("text", "asked", "seqs"),
    [
        ("t*", "", [1, 2]),
        ("q*", "", []),
        ('"t"*', "", [1, 2]),
        ("hot m* t*", 'text : "hot"', [2]),
        ('"hot t"*', 'text : "hot "', [1]),
        ('"hot m"*', 'text : "hot "', [2]),
        ("hot-t*", 'text : "hot-"', [1]),
        ("te*", 'text : "te"*', [1, 2]),
        ("天*", 'text : " 天 "*', [1]),
    ],
)
def test_the_index_is_not_asked_for_prefixes_of_one_letter(
    text: str, asked: str, seqs: list[int]
) -> None:
    """It would gather most of what there is, and cannot be interrupted in that."""
    writer = lobby()
    writer.commit([say("hot tea, 天気"), say("hot milk in the tea")], T0)
    while writer.tend(T0):
        """More to do."""
    terms: list[str] = []

    def trace(_: apsw.Cursor, sql: str, values: apsw.Bindings | None) -> bool:
        if isinstance(values, dict) and "MATCH :terms" in sql:
            terms.append(str(values["terms"]))
        return True

    writer.db.exec_trace = trace
    assert sorted(hit.message.seq for hit in find(writer, text)) == seqs
    rooms = "tags : (r1)"
    assert set(terms) == {f"{asked} AND {rooms}" if asked else rooms}


def test_what_the_index_is_not_asked_for_is_found_however_old() -> None:
    """Behind more messages that lack it than are ranked."""
    writer = lobby()
    writer.commit([say("hot tea"), *(say("hot milk") for _ in range(600))], T0)
    for _ in range(2):
        for text in ("t*", "hot t*", "hot t* tea"):
            assert [hit.message.seq for hit in find(writer, text)] == [1], text
        while writer.tend(T0):
            """More to do."""


def test_a_search_that_takes_too_long_is_given_up() -> None:
    """While SQLite works, while this thread does, or before either begins."""
    writer = lobby()
    with pytest.raises(TooSlow):
        find(writer, "tea", search_s=0)
    writer.db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e5)"
        " INSERT INTO message (room_id, seq, ts, user_id, text)"
        " SELECT 1, i, 0, 1, 'coffee number' || i FROM n"
    )
    with pytest.raises(TooSlow):
        find(writer, "tea", search_s=0.005)
    with pytest.raises(TooSlow):
        find(writer, "from:bob", search_s=0.001)
    writer.db.execute("UPDATE store SET indexed = (SELECT max(id) FROM message)")
    writer.db.execute(
        "INSERT INTO message_fts (rowid, text, tags)"
        " SELECT id, text, 'r1 u1' FROM message"
    )
    with pytest.raises(TooSlow):
        find(writer, "coff* n* c*", search_s=0.0001)
    assert not writer.db.in_transaction
    assert select(writer.db, "SELECT count(*) FROM temp.readable") == [(0,)]
    assert len(find(writer, "number77")) == 1


def test_a_search_that_is_interrupted_otherwise_says_so() -> None:
    """Whoever waited for it has gone; it did not take too long."""
    writer = lobby()
    writer.commit([say("tea")], T0)
    writer.db.set_progress_handler(lambda: True, 1, id="gone")
    with pytest.raises(apsw.InterruptError):
        find(writer, "tea")
    writer.db.set_progress_handler(None, id="gone")
    assert len(find(writer, "tea")) == 1


async def test_the_bound_is_the_stores(tmp_path: Path) -> None:
    """It is given when the store is opened; other reads have none."""
    async with open_store(
        tmp_path, cid_keep_d=7, session_days=30, guest_hold_s=900, search_s=0
    ) as store:
        await fill(store)
        with pytest.raises(TooSlow):
            await store.search(parse_query("tea"), SCOPE, None, 9, ANN)
        assert await store.user(ANN) is not None


days = st.integers(0, 4).map(lambda day: T0 + day * DAY)


@given(
    st.lists(st.tuples(st.booleans(), days), max_size=12),
    st.integers(20, 25),
    st.integers(20, 25),
    st.sampled_from(["tea after:{a}", "before:{b}", "tea before:{b} after:{a}"]),
)
def test_days_are_found_whatever_the_clock_did(
    written: list[tuple[bool, int]], after: int, before: int, text: str
) -> None:
    """It may have stepped back: then rooms disagree, but none goes back itself."""
    writer = lobby()
    writer.commit([d.CreateRoom(DIRECT, EPOCH, PLAIN, {ANN: "member"})], T0 - 9 * DAY)
    for is_direct, at in written:
        room = DIRECT if is_direct else LOBBY
        messages = [say("tea", room=room), react(1, "👍") if not is_direct else None]
        writer.commit([draft for draft in messages if draft], at)
    if len(written) % 2:
        writer.tend(T0)
    bounds = [f"2026-09-{day}" for day in (after, before)]
    query = parse_query(text.format(a=bounds[0], b=bounds[1]))
    scope = [(LOBBY, Seq(2), Seq(99)), (DIRECT, Seq(1), Seq(3))]
    page = searching.search(writer.db, query, scope, None, 100, ANN, 60.0)
    assert page is not None
    rows = select(
        writer.db,
        "SELECT r.name, seq FROM message JOIN room r ON r.id = room_id"
        " WHERE ts >= ? AND ts < ? AND iif(r.name = 'lobby', seq >= 2, seq <= 3)",
        (query.after or 0, query.before or 2**62),
    )
    found = [(hit.message.room, hit.message.seq) for hit in page[0]]
    assert sorted(found) == sorted(rows)


async def test_searches_run_one_after_the_other_and_can_be_cancelled(
    tmp_path: Path,
) -> None:
    """The one that goes away leaves the connection to the next."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit([say("tea")], T0)
        with trio.CancelScope() as scope:
            scope.cancel()
            await store.search(parse_query("tea"), SCOPE, None, 9, ANN)
        assert scope.cancelled_caught
        found = []

        async def one() -> None:
            found.append(await store.search(parse_query("tea"), SCOPE, None, 9, ANN))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(one)
        assert len(found) == 20
        assert all(page is not None and len(page[0]) == 1 for page in found)


def test_few_rooms_and_one_user_are_found_by_the_index() -> None:
    """Who reads little is not slowed down by what others write."""
    writer = lobby()
    den = RoomName("den")
    writer.commit([d.CreateRoom(den, EPOCH, PLAIN, {BOB: "owner"})], T0)
    writer.commit([say("tea", room=den, user=BOB)], T0 - DAY)
    writer.commit([say("tea") for _ in range(5000)], T0)
    while writer.tend(T0):
        """More to do."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    writer.db.set_progress_handler(count, 100, id="count")
    for text, scope in (
        ("tea", [(den, Seq(1), Seq(9))]),
        ("t*", [(den, Seq(1), Seq(9))]),
        ("tea from:bob", [(den, Seq(1), Seq(9)), *SCOPE]),
        ("from:bob", [(den, Seq(1), Seq(9)), *SCOPE]),
        ("tea before:2026-09-21", [(den, Seq(1), Seq(9)), *SCOPE]),
    ):
        steps = 0
        page = searching.search(writer.db, parse_query(text), scope, None, 9, ANN, 60.0)
        assert page is not None
        assert [hit.message.room for hit in page[0]] == [den]
        assert steps < 20, (text, steps)
