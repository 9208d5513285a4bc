"""Trimming on disk: what is gone, and what a step costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.store.sqlite import search, trim
from chatd.store.sqlite.writer import Writer
from tests.store.support import (
    ANN,
    EPOCH,
    LOBBY,
    T0,
    edit,
    in_this_thread,
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


def index(writer: Writer) -> None:
    """Bring the search index up to date."""
    while search.fill(writer.db, 100, 10**6):
        pass


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
    """Neither the text nor its words are in the file after a checkpoint."""
    path = tmp_path / "chatd.db"
    writer = in_this_thread(apsw.Connection(str(path)))
    writer.commit([*BEGINNING, say("the xylophone"), say("of yggdrasil")], T0)
    writer.commit([say("a zeppelin")], T0)
    index(writer)
    assert (found(writer, "xylophone"), found(writer, "yggdrasil")) == (1, 1)
    writer.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    assert path.read_bytes().count(b"xylophone") > 1
    assert step(writer, 1) == trimmed(3, more=False)
    writer.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    data = path.read_bytes()
    assert b"zeppelin" in data
    assert b"xylophone" not in data
    assert b"yggdrasil" not in data


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
