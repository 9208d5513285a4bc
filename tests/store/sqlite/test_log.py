"""The log of what others write: what is in it, and when it goes."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core import drafts as d
from chatd.core.changes import (
    AccessRevoked,
    AddressBan,
    Banned,
    Change,
    PlaceNamed,
    RoleSet,
    SessionsEnded,
    Unbanned,
    UserAdded,
    UserErased,
)
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.ids import Epoch, UserName
from chatd.store.sqlite import log
from chatd.store.sqlite.migrate import configure, migrate
from chatd.store.sqlite.sql import select
from tests.store.support import ANN, BOB, LOBBY, T0, in_this_thread, say

users = st.sampled_from([ANN, BOB, UserName("dan~4f7k"), UserName("zoë")])
moments = st.none() | st.integers(0, 2**45)
texts = st.text(st.characters(codec="utf-8"), max_size=9)
digests = st.binary(min_size=1, max_size=32)
bans = st.builds(AddressBan, users, digests, st.integers(0), moments, texts)
changes: st.SearchStrategy[Change] = (
    st.builds(Banned, users, moments, st.none() | texts, st.none() | bans)
    | st.builds(Unbanned, users)
    | st.builds(AccessRevoked, users, st.none() | digests, st.none() | digests)
    | st.builds(SessionsEnded, st.lists(digests, min_size=1, max_size=3).map(tuple))
    | st.builds(RoleSet, users, st.sampled_from(["user", "admin"]))
    | st.builds(UserAdded, users, texts, st.just("admin"))
    | st.builds(UserErased, users)
)


def database() -> apsw.Connection:
    """An empty one, of the current schema."""
    db = apsw.Connection(":memory:")
    configure(db)
    migrate(db)
    return db


@given(st.lists(changes, max_size=5))
def test_what_is_read_is_what_was_added(written: list[Change]) -> None:
    """Each change equal to itself, in the order of writing, from any position on."""
    db = database()
    positions = [log.add(db, change) for change in written]
    assert positions == sorted(set(positions))
    last = positions[-1] if positions else 0
    assert log.read(db, 0) == (written, last)
    for number, position in enumerate(positions, 1):
        assert log.read(db, position) == (written[number:], last)


def test_what_only_the_writer_commits_is_no_kind_of_the_log() -> None:
    """It would be applied twice."""
    with pytest.raises(AssertionError):
        log.add(database(), PlaceNamed("Northwind"))


def test_what_every_reader_has_taken_goes() -> None:
    """Not before the slowest has; a position never goes back, nor comes again."""
    db = database()
    first, second = log.add(db, UserErased(ANN)), log.add(db, UserErased(BOB))
    db.execute("INSERT INTO reader VALUES ('slow', 0)")
    log.keep_position(db, second)
    log.keep_position(db, first)
    assert log.has_taken(db, second)
    assert log.read(db, 0) == ([UserErased(ANN), UserErased(BOB)], second)
    db.execute("UPDATE reader SET position = ? WHERE name = 'slow'", (first,))
    log.keep_position(db, second)
    assert log.read(db, 0) == ([UserErased(BOB)], second)
    db.execute("DELETE FROM reader WHERE name = 'slow'")
    log.keep_position(db, second)
    assert log.read(db, 0) == ([], 0)
    assert log.add(db, UserErased(ANN)) > second


def test_who_reads_all_anew_has_taken_all() -> None:
    """Also where there is nothing, and where all has gone."""
    db = database()
    log.skip(db)
    position = log.add(db, Unbanned(ANN))
    assert not log.has_taken(db, position)
    log.skip(db)
    assert log.has_taken(db, position)
    log.skip(db)
    assert log.has_taken(db, position)
    assert log.read(db, 0) == ([], 0)


def test_the_writers_own_commits_leave_no_row(tmp_path: Path) -> None:
    """It is answered with them; a message costs what it always did."""
    db = apsw.Connection(str(tmp_path / "own.db"))
    configure(db)
    migrate(db)
    writer = in_this_thread(db)
    batch: list[d.Draft] = [
        d.AddUser(ANN, "Ann", AccountRole.USER, None),
        d.CreateRoom(LOBBY, Epoch("a" * 16), PLAIN, {ANN: Role.OWNER}),
        say("a"),
        d.SetDisplay(ANN, "ann"),
        d.SetAccountRole(ANN, AccountRole.ADMIN),
    ]
    outcomes = writer.commit(batch, T0).outcomes
    assert all(isinstance(outcome, d.Committed) for outcome in outcomes)
    assert select(db, "SELECT count(*) FROM change") == [(0,)]
    db.close()
