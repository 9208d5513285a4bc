"""A batch is one transaction, and what is behind it waits."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.errors import StoreFailed, StoreUnavailable
from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.store.sqlite import ledger, wal
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.writer import TEND_ROWS, Writer
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    EPOCH,
    LOBBY,
    T0,
    delete,
    edit,
    in_this_thread,
    react,
    say,
    seqs,
)


@pytest.fixture
def writer() -> Writer:
    """A writer with ann and bob in the lobby."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    fill(writer)
    return writer


def fill(writer: Writer) -> None:
    """Make the users and the room."""
    users: list[d.Draft] = [
        d.AddUser(n, n, AccountRole.USER, None) for n in (ANN, BOB, CY)
    ]
    writer.commit([*users, d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})], T0)


def count(writer: Writer, table: str) -> int:
    """Rows of a table."""
    sql = "SELECT count(*) FROM $TABLE".replace("$TABLE", table)
    number: int = select(writer.db, sql)[0][0]
    return number


def test_what_the_ledger_remembers_is_bounded(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many users there were; what was forgotten is read again."""
    monkeypatch.setattr(ledger, "KEPT_MAX", 2)
    names = [UserName(f"guest~{number:04}") for number in range(50)]
    writer.commit(
        [d.AddUser(name, "guest", AccountRole.GUEST, None) for name in names], T0
    )
    joins = [d.SetMember(LOBBY, name, Role.MEMBER, event=True) for name in names]
    assert seqs(writer.commit(joins, T0).outcomes) == [*range(1, 51)]
    said = [say("hi", user=name) for name in (*names, *names)]
    assert seqs(writer.commit(said, T0).outcomes) == [*range(51, 151)]
    assert len(writer.ledger._users) <= 2


def test_a_batch_is_one_commit(writer: Writer) -> None:
    """However many drafts of however many kinds."""
    commits: list[int] = []

    def committing() -> bool:
        commits.append(1)
        return False

    writer.db.set_commit_hook(committing)
    writer.commit(
        [
            *[say(str(n), f"c{n}") for n in range(100)],
            edit(1, "e"),
            react(1, "👍"),
            *[say(str(n), user=BOB) for n in range(100)],
            delete(2),
            d.SetMember(LOBBY, CY, Role.MEMBER, event=True),
        ],
        T0,
    )
    assert len(commits) == 1
    assert count(writer, "message") == 200


def test_a_run_of_messages_is_a_handful_of_statements(writer: Writer) -> None:
    """200 messages with cids cost fewer than 30, of few different texts."""
    texts: list[str] = []

    def trace(_cursor: apsw.Cursor, sql: str, _values: object) -> bool:
        texts.append(sql)
        return True

    writer.commit([say("x", "x")], T0)
    writer.db.exec_trace = trace
    writer.commit([say(str(n), f"c{n}", reply_to=1) for n in range(200)], T0)
    assert len(texts) < 30
    assert len(set(texts)) <= 15


def test_one_bad_draft_costs_its_neighbours_nothing(writer: Writer) -> None:
    """It is refused alone and named without its content; no statement of it stays."""
    batch = writer.commit([say("a", "1"), say("\ud800secret", "2"), say("b", "3")], T0)
    assert seqs(batch.outcomes) == [1, 0, 2]
    (fault,) = batch.faults
    assert fault.startswith("NewMessage: ")
    assert "secret" not in fault
    assert count(writer, "cid") == 2


def test_a_full_disk_takes_the_batch_and_nothing_else(writer: Writer) -> None:
    """Nothing of the batch is stored, the ledger forgets, the next seq follows."""
    writer.commit([say("a")], T0)
    pages = writer.db.pragma("page_count")
    writer.db.pragma("max_page_count", pages + 2)
    with pytest.raises(StoreUnavailable):
        writer.commit([say("x" * 4000) for _ in range(10)], T0)
    assert count(writer, "message") == 1
    writer.db.pragma("max_page_count", 10**6)
    assert seqs(writer.commit([say("b")], T0).outcomes) == [2]


def test_a_busy_file_is_unavailable(tmp_path: Path) -> None:
    """Another process that holds the file too long costs the batch, not the store."""
    writer = in_this_thread(apsw.Connection(str(tmp_path / "x.db")))
    fill(writer)
    writer.db.set_busy_timeout(0)
    other = apsw.Connection(str(tmp_path / "x.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        writer.commit([say("a")], T0)
    other.execute("ROLLBACK")
    assert seqs(writer.commit([say("a")], T0).outcomes) == [1]
    other.close()
    writer.db.close()


def test_a_damaged_schema_fails_the_store(writer: Writer) -> None:
    """What is the fault of no draft takes the store with it."""
    writer.db.execute("DROP TABLE cid")
    with pytest.raises(StoreFailed):
        writer.commit([say("a", "c")], T0)


def test_cids_are_kept_as_long_as_promised(writer: Writer) -> None:
    """Tending removes them after `cid_keep_d`, not before, a few at a time."""
    many = TEND_ROWS + 10
    writer.commit([say("a", f"c{n}") for n in range(many)], T0)
    writer.commit([say("b", "young")], T0 + DAY)
    while writer.tend(T0 + 7 * DAY):
        """More to do."""
    assert count(writer, "cid") == many + 1
    assert writer.tend(T0 + 7 * DAY + 1)
    assert count(writer, "cid") == 11
    assert not writer.tend(T0 + 7 * DAY + 1)
    assert count(writer, "cid") == 1
    again = writer.commit([say("b", "young")], T0 + 8 * DAY).outcomes
    assert again == [d.Duplicate(Seq(many + 1), T0 + DAY)]


def test_a_cid_grows_old_by_what_is_certain(writer: Writer) -> None:
    """Whatever the clock said: that of a message, of an act, of a room."""
    for now in (T0 + 40 * DAY, T0 - 40 * DAY):
        name = RoomName(f"garden{now}")
        garden: d.Draft = d.CreateRoom(
            name, EPOCH, PLAIN, {ANN: Role.OWNER}, cid=Cid(f"g{now}"), event=True
        )
        drafts = [garden, say("a", f"c{now}"), edit(1, f"{now}", f"e{now}")]
        outcomes = writer.commit(drafts, now, T0).outcomes
        assert [type(outcome) for outcome in outcomes] == [d.Committed] * 3
    assert not writer.tend(T0 + 7 * DAY)
    assert (count(writer, "cid"), count(writer, "creation")) == (4, 2)
    writer.tend(T0 + 7 * DAY + 1)
    assert (count(writer, "cid"), count(writer, "creation")) == (0, 0)


def test_what_is_certain_is_written_once_a_minute(writer: Writer) -> None:
    """With what is committed anyway; at once where that is asked for, or it went back;
    and not where the batch was not stored.
    """

    def recorded() -> int:
        number: int = select(writer.db, "SELECT certain FROM store")[0][0]
        return number

    steps: list[tuple[list[d.Draft], int, int]] = [
        ([say("a")], T0 + 59_999, T0),
        ([say("b")], T0 + 60_000, T0 + 60_000),
        ([d.RecordTime()], T0 + 60_001, T0 + 60_001),
        ([say("c")], T0 + 60_002, T0 + 60_001),
        ([say("d")], T0, T0),
    ]
    for drafts, now, found in steps:
        writer.commit(drafts, now)
        assert recorded() == found
    writer.commit([say("e")], T0 + 40 * DAY, T0 + 120_000)
    assert recorded() == T0 + 120_000


def test_the_log_is_brought_into_the_file_behind_the_commits(tmp_path: Path) -> None:
    """No commit does it, and the log begins anew with the next one."""
    writer = in_this_thread(apsw.Connection(str(tmp_path / "x.db")))
    writer.db.pragma("journal_mode", "wal")
    fill(writer)
    database = tmp_path / "x.db"
    before = database.stat().st_size
    writer.commit([say("x" * 4000) for _ in range(wal.PAGES + 200)], T0)
    assert database.stat().st_size == before
    assert writer.has_long_log
    writer.end_log()
    assert database.stat().st_size > before + 4000 * wal.PAGES
    assert not writer.has_long_log
    log = tmp_path / "x.db-wal"
    long = log.stat().st_size
    writer.commit([say("x")], T0)
    assert not writer.has_long_log
    assert log.stat().st_size == long
    writer.db.close()
