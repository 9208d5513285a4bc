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
from chatd.enums import AccountRole, Role
from chatd.errors import IndexBehind, Reject, TooSlow
from chatd.ids import RoomName, Seq
from chatd.store import open_store
from chatd.store.matching import Matcher
from chatd.store.sqlite import search
from chatd.store.sqlite.migrate import configure
from chatd.store.sqlite.search import HITS, LOOKS
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


def lobby(db: apsw.Connection | None = None) -> Writer:
    """A database with ann in the lobby, whose connection can search."""
    writer = in_this_thread(db or apsw.Connection(":memory:"))
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
    writer.commit([d.AddUser(n, n, AccountRole.USER, None) for n in (ANN, BOB)], T0)
    writer.commit([room], T0)
    search.prepare(writer.db)
    return writer


class Steps:
    """How many hundred steps of its machine SQLite has done."""

    def __init__(self, writer: Writer) -> None:
        self.count = 0
        writer.db.set_progress_handler(self._step, 100, id=self)

    def _step(self) -> bool:
        self.count += 1
        return False


def find(writer: Writer, text: str, search_s: float = 60) -> list[Hit]:
    """Search in the lobby."""
    page = search.search(
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


LETTERS = "aäÀßзЙжçéñ0129 _-.,!?天気カがのกขี한국\u00ad\u200dשׁمُक्🎉𐐀"


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
    twin = Matcher(query)
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
        ('"hot t"*', 'text : "hot"', [1]),
        ('"hot m"*', 'text : "hot"', [2]),
        ("hot-t*", 'text : "hot"', [1]),
        ("te*", 'text : "te"*', [1, 2]),
        ("mi* ho* in* tea*", 'text : "tea"* AND text : "mi"*', [2]),
        ("mi* ho* in* milk", 'text : "milk" AND text : "mi"* AND text : "ho"*', [2]),
        ("天*", 'text : "天"', [1]),
        ("天気*", 'text : "天 気"', [1]),
        ("구*", "", [1]),
        ("한구*", 'text : "\u1112\u1161\u11ab"', [1]),
        ("한국*", 'text : "\u1112\u1161\u11ab \u1100\u116e\u11a8"', [1]),
    ],
)
def test_the_index_is_not_asked_for_prefixes_of_one_letter(
    text: str, asked: str, seqs: list[int]
) -> None:
    """It would gather most of what there is, and cannot be interrupted in that.

    For those of two and three it is asked for two, the longest.
    """
    writer = lobby()
    writer.commit([say("hot tea, 天気 한국"), say("hot milk in the tea")], T0)
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
    write_many(writer)
    with pytest.raises(TooSlow):
        find(writer, "tea", search_s=0.005)
    with pytest.raises(TooSlow):
        find(writer, "from:bob", search_s=0.001)
    index_all(writer)
    with pytest.raises(TooSlow) as slow:
        find(writer, "coff* n* c*", search_s=0.0001)
    assert not isinstance(slow.value, IndexBehind)
    assert not writer.db.in_transaction
    assert select(writer.db, "SELECT count(*) FROM temp.readable") == [(0,)]
    assert len(find(writer, "number77")) == 1


def test_a_search_that_was_given_up_holds_on_to_nothing(tmp_path: Path) -> None:
    """The next one sees what is new, and the log can be emptied."""
    db = apsw.Connection(str(tmp_path / "x.db"))
    db.pragma("journal_mode", "wal")
    writer = lobby(db)
    write_many(writer)
    reader = apsw.Connection(str(tmp_path / "x.db"))
    configure(reader)
    search.prepare(reader)
    query = parse_query("xylophone")
    kept = []
    for _ in range(3):
        with pytest.raises(TooSlow) as slow:
            search.search(reader, query, SCOPE, None, 9, ANN, search_s=0.005)
        kept.append(slow)
    writer.commit([say("xylophone")], T0)
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    page = search.search(reader, query, SCOPE, None, 9, ANN, search_s=60)
    assert page is not None
    assert len(page[0]) == 1


def test_a_search_that_waits_for_the_index_says_so() -> None:
    """It never finds less: what is among the newest is found, and the rest is not lost.

    The index is to blame as long as it lacks much, and only for what it lacks.
    """
    writer = lobby()
    write_many(writer)
    for text in ("number77", "from:bob", "nobody*"):
        with pytest.raises(IndexBehind) as slow:
            find(writer, text, search_s=0.002)
        assert (slow.value.lacking, slow.value.of) == (100_000, 100_000)
    assert len(find(writer, "coffee", search_s=5)) == 100
    writer.db.execute("DELETE FROM message WHERE id <= 20000")
    while writer.lacking == 0 or writer.lacking > 40_000:
        writer.tend(T0)
    with pytest.raises(IndexBehind) as slow:
        find(writer, "number20001", search_s=0.002)
    assert (slow.value.lacking, slow.value.of) == (writer.lacking, 80_000)
    while writer.tend(T0):
        """More to do."""
    assert writer.lacking == 0
    assert [hit.message.seq for hit in find(writer, "number20001")] == [20001]
    writer.commit([say("tea") for _ in range(500)], T0)
    with pytest.raises(TooSlow) as usual:
        find(writer, "number20001 n*", search_s=0.00001)
    assert not isinstance(usual.value, IndexBehind)


def test_one_room_is_found_while_the_index_is_made() -> None:
    """Only that room is looked through, from where the index ends."""
    writer = lobby()
    den = RoomName("den")
    writer.commit([d.CreateRoom(den, EPOCH, PLAIN, {ANN: Role.OWNER})], T0)
    writer.commit([say(f"tea{n}", room=den) for n in range(300)], T0)
    write_many(writer)
    writer.commit([say(f"tea{n}", room=den) for n in range(300, 600)], T0)
    writer.tend(T0)
    steps = Steps(writer)
    for text, seqs in (("tea7", [8]), ("tea290", [291]), ("TEA590", [591]), ("x", [])):
        for scope in ((den, Seq(1), Seq(10**9)), (den, Seq(5), Seq(595))):
            steps.count = 0
            page = search.search(
                writer.db, parse_query(text), [scope], None, 9, ANN, 60.0
            )
            assert page is not None
            assert [hit.message.seq for hit in page[0]] == seqs
            assert steps.count < 400, text
    assert len(find(writer, "number7")) == 1
    assert steps.count > 4000
    trimmed = [(den, Seq(700), Seq(699))]
    page = search.search(writer.db, parse_query("x"), trimmed, None, 9, ANN, 60.0)
    assert page == ([], False)


def write_many(writer: Writer) -> None:
    """A hundred thousand messages, none of them indexed."""
    writer.db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e5)"
        " INSERT INTO message (room_id, seq, ts, user_id, text)"
        " SELECT 1, i, 0, 1, 'coffee number' || i FROM n"
    )
    writer.db.execute("UPDATE room SET head = 100000 WHERE id = 1")
    writer.ledger.forget()


def index_all(writer: Writer) -> None:
    """All that there is, at once."""
    writer.db.execute("UPDATE store SET indexed = (SELECT max(id) FROM message)")
    writer.db.execute(
        "INSERT INTO message_fts (rowid, text, tags)"
        " SELECT id, text, 'r1 u1' FROM message"
    )


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
    """It may have been put back: then rooms disagree, and one with itself."""
    writer = lobby()
    writer.commit(
        [d.CreateRoom(DIRECT, EPOCH, PLAIN, {ANN: Role.MEMBER})], T0 - 9 * DAY
    )
    for is_direct, at in written:
        room = DIRECT if is_direct else LOBBY
        messages = [say("tea", room=room), react(1, "👍") if not is_direct else None]
        writer.commit([draft for draft in messages if draft], at)
    if len(written) % 2:
        writer.tend(T0)
    bounds = [f"2026-09-{day}" for day in (after, before)]
    query = parse_query(text.format(a=bounds[0], b=bounds[1]))
    scope = [(LOBBY, Seq(2), Seq(99)), (DIRECT, Seq(1), Seq(3))]
    page = search.search(writer.db, query, scope, None, 100, ANN, 60.0)
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


@pytest.mark.parametrize(("elsewhere", "named"), [(0, 0), (9, 0), (HITS * LOOKS, 1)])
def test_a_rare_word_is_looked_for_before_its_rooms(elsewhere: int, named: int) -> None:
    """Where it is common in others' rooms, one's own are looked for, too."""
    writer = lobby()
    rooms = [RoomName(f"den{number}") for number in range(100)]
    writer.commit(
        [d.CreateRoom(room, EPOCH, PLAIN, {BOB: Role.OWNER}) for room in rooms], T0
    )
    for room in rooms[::50]:
        writer.commit([say("hot tea", room=room, user=BOB)], T0)
    writer.commit([say("tea") for _ in range(elsewhere)], T0)
    while writer.tend(T0):
        """More to do."""
    asked: list[str] = []

    def trace(_: apsw.Cursor, sql: str, values: apsw.Bindings | None) -> bool:
        if isinstance(values, dict) and "MATCH :terms" in sql:
            asked.append(str(values["terms"]))
        return True

    writer.db.exec_trace = trace
    scope = [(room, Seq(1), Seq(9)) for room in rooms]
    page = search.search(writer.db, parse_query("tea"), scope, None, 9, ANN, 60.0)
    assert page is not None
    found = [hit.message.room for hit in page[0]]
    assert found == ["den50", "den0"]
    assert len(asked) == named


def test_few_rooms_and_one_user_are_found_by_the_index() -> None:
    """Who reads little is not slowed down by what others write."""
    writer = lobby()
    den = RoomName("den")
    writer.commit([d.CreateRoom(den, EPOCH, PLAIN, {BOB: Role.OWNER})], T0)
    writer.commit([say("tea", room=den, user=BOB)], T0 - DAY)
    writer.commit([say("tea") for _ in range(5000)], T0)
    while writer.tend(T0):
        """More to do."""
    steps = Steps(writer)
    for text, scope in (
        ("tea", [(den, Seq(1), Seq(9))]),
        ("t*", [(den, Seq(1), Seq(9))]),
        ("tea from:bob", [(den, Seq(1), Seq(9)), *SCOPE]),
        ("from:bob", [(den, Seq(1), Seq(9)), *SCOPE]),
        ("tea before:2026-09-21", [(den, Seq(1), Seq(9)), *SCOPE]),
    ):
        steps.count = 0
        page = search.search(writer.db, parse_query(text), scope, None, 9, ANN, 60.0)
        assert page is not None
        assert [hit.message.room for hit in page[0]] == [den]
        assert steps.count < 20, (text, steps.count)
