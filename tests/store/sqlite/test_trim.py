"""Trimming on disk: what is gone, and what a step costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.ids import Seq
from chatd.store.sqlite import search_index, trim
from chatd.store.sqlite.migrate import configure
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.writer import Writer
from tests.store.support import (
    ANN,
    EPOCH,
    LOBBY,
    T0,
    edit,
    in_this_thread,
    index,
    react,
    say,
    trimmed,
)

BEGINNING: list[d.Draft] = [
    d.AddUser(ANN, "ann", AccountRole.USER, None),
    d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER}),
]


@pytest.fixture
def writer() -> Writer:
    """A writer on a new database that has ann and the lobby."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    writer.commit(BEGINNING, T0)
    return writer


def step(writer: Writer, keep: int, **bounds: Any) -> d.Outcome:
    """Trim once."""
    draft = d.TrimRoom(LOBBY, None, keep, **bounds)
    return writer.commit([draft], T0).outcomes[0]


def found(writer: Writer, word: str) -> int:
    """How many messages the search index has for a word."""
    sql = "SELECT count(*) FROM message_fts WHERE message_fts MATCH ?"
    return int(writer.ledger.one(sql, word)[0])


def test_the_search_index_forgets_with_the_timeline(writer: Writer) -> None:
    """Also edited texts and those that were not indexed yet; what is kept stays."""
    writer.commit([say("apple"), say("pear"), edit(1, "plum"), say("apple pie")], T0)
    index(writer)
    writer.commit([say("apple jam"), say("apple tart")], T0)
    assert step(writer, 2) == trimmed(5, more=False)
    index(writer)
    words = ("apple", "pear", "plum", "pie", "jam", "tart")
    assert [found(writer, word) for word in words] == [2, 0, 0, 0, 1, 1]
    writer.db.execute(
        "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
    )


def test_nothing_is_left_in_any_table(writer: Writer) -> None:
    """Rows of messages, events and reactions below the beginning are gone."""
    writer.commit([say("a"), react(1, "👍"), say("b"), react(3, "👎"), say("c")], T0)
    step(writer, 2)
    left = [
        writer.db.execute(sql).fetchall()
        for sql in (
            "SELECT seq FROM message ORDER BY seq",
            "SELECT seq FROM event",
            "SELECT of FROM reaction",
        )
    ]
    assert left == [[(3,), (5,)], [(4,)], [(3,)]]


def test_the_file_has_no_trace_of_it(tmp_path: Path) -> None:
    """Not of the text after a checkpoint, nor of its words a day later.

    They are not found any more at once.
    """
    path = tmp_path / "chatd.db"
    writer = in_this_thread(apsw.Connection(str(path)))
    writer.commit([*BEGINNING, say("the xylophone"), say("of yggdrasil")], T0)
    writer.commit([say("a zeppelin")], T0)
    index(writer)

    def content() -> bytes:
        writer.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return path.read_bytes()

    assert content().count(b"xylophone") > 1
    assert step(writer, 1) == trimmed(3, more=False)
    assert (found(writer, "xylophone"), found(writer, "yggdrasil")) == (0, 0)
    assert b"the xylophone" not in content()
    tended(writer, T0 + trim.MERGED_AFTER_MS - 1)
    assert b"xylophone" in content(), "merging writes all of the index: once a day"
    tended(writer, T0 + trim.MERGED_AFTER_MS)
    assert b"zeppelin" in content()
    assert b"xylophone" not in content()
    assert b"yggdrasil" not in content()
    assert found(writer, "zeppelin") == 1


def blocks(db: apsw.Connection) -> list[bytes]:
    """The pages of the search index."""
    return [page for (page,) in select(db, "SELECT block FROM message_fts_data")]


def tended(writer: Writer, now: int) -> int:
    """Do all that need not be done before an `ok`; how many steps that takes."""
    steps = 1
    while writer.tend(now):
        steps += 1
    return steps


def test_merging_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps, also after a restart; what goes meanwhile is for the next time."""
    monkeypatch.setattr(search_index, "MERGE_PAGES", 4)
    path = tmp_path / "chatd.db"
    writer = in_this_thread(apsw.Connection(str(path)))
    writer.commit(BEGINNING, T0)
    writer.commit([say("xylophone")], T0)
    for number in range(0, 4000, 200):
        texts = [f"w{n}x " * 3 + f"w{n}y" for n in range(number, number + 200)]
        writer.commit([say(text) for text in texts], T0)
        index(writer)
    assert any(b"ylophone" in page for page in blocks(writer.db))
    step(writer, 3900)
    due = T0 + trim.MERGED_AFTER_MS
    assert all(writer.tend(due) for _ in range(3))
    assert writer.ledger.one("SELECT merge_due FROM store") == (None,)
    writer.db.close()
    db = apsw.Connection(str(path))
    configure(db)
    again = Writer(db, writer.generation, 10**12)
    again.generation.db = db
    again.commit([d.TrimRoom(LOBBY, None, 3800)], due)
    later = due + trim.MERGED_AFTER_MS
    assert again.ledger.one("SELECT merge_due FROM store") == (later,)
    assert tended(again, due) > 1
    # FTS5 leaves out of a word what it has in common with the one before it: the w.
    assert not any(b"ylophone" in page for page in blocks(db))
    assert found(again, "w3999x") == 1
    db.execute(
        "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
    )
    db.close()


def test_what_is_deleted_leaves_the_index_at_once_after_many_went(
    writer: Writer,
) -> None:
    """Marking is for the many alone, also where their batch is rolled back."""
    writer.commit([say("apple"), say("xylophone"), say("c")], T0)
    index(writer)
    bad = d.NewMessage(LOBBY, ANN, None, "\ud800")
    writer.commit([d.TrimRoom(LOBBY, None, 2), bad], T0)
    writer.commit([d.DeleteMessage(LOBBY, ANN, None, Seq(2))], T0)
    assert not any(b"xylophone" in page for page in blocks(writer.db))


def test_counting_a_large_room_takes_several_steps(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step counts a part, says that there is more, and trims what it may."""
    monkeypatch.setattr(trim, "COUNT_ROWS", 4)
    writer.commit([say(str(number)) for number in range(10)], T0)
    steps = [step(writer, 3) for _ in range(4)]
    assert steps == [
        trimmed(2, more=True),
        trimmed(6, more=True),
        trimmed(8, more=False),
        trimmed(8, more=False),
    ]
    writer.commit([say("x")], T0)
    assert step(writer, 3) == trimmed(9, more=False)


def test_a_count_that_was_rolled_back_is_made_anew(writer: Writer) -> None:
    """A batch that fails takes what it has counted with it."""
    writer.commit([say("a"), say("b"), say("c")], T0)
    bad = d.NewMessage(LOBBY, ANN, None, "\ud800")
    batch = writer.commit([d.TrimRoom(LOBBY, None, 2), bad], T0)
    assert batch.outcomes[0] == trimmed(2, more=False)
    assert isinstance(batch.outcomes[1], d.Refused)
    assert step(writer, 1) == trimmed(3, more=False)


def test_age_and_count_may_take_turns(writer: Writer) -> None:
    """What goes by age was not counted, and is not missed."""
    writer.commit([say("a"), say("b"), say("c")], T0)
    writer.commit([say("d"), say("e"), say("f")], T0 + 5)
    old = d.TrimRoom(LOBBY, T0 + 1, None)
    assert writer.commit([old], T0).outcomes == [trimmed(4, more=False)]
    assert step(writer, 2) == trimmed(5, more=False)
    both = d.TrimRoom(LOBBY, T0 + 6, 1)
    assert writer.commit([both], T0).outcomes == [trimmed(7, more=False)]
    assert step(writer, 1) == trimmed(7, more=False)
