"""What rooms that have ended leave on disk: a small row, when all is done."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.mentions import Mentions
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import AccountRole, MemberChange, Role
from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.store.sqlite import endings, offline
from chatd.store.sqlite.sql import select, transaction
from chatd.store.sqlite.writer import Writer
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    EPOCH,
    LOBBY,
    T0,
    fill,
    in_this_thread,
    index,
    react,
    say,
    sqlite,
)

DEN, TEA = RoomName("~ccfbni6c472bpykg"), RoomName("tea")
KEEP_MS = 7 * DAY


@pytest.fixture
def writer() -> Writer:
    """A writer on a new database that has three users, the lobby and a den."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    users: list[d.Draft] = [
        d.AddUser(n, n, AccountRole.USER, None) for n in (ANN, BOB, CY)
    ]
    rooms: list[d.Draft] = [
        d.CreateRoom(
            name, EPOCH, settings, {ANN: Role.OWNER, BOB: Role.MEMBER}, cid=cid
        )
        for name, settings, cid in (
            (LOBBY, RoomSettings(topic="x" * 200), None),
            (DEN, PLAIN, Cid("den")),
            (TEA, PLAIN, None),
        )
    ]
    writer.commit([*users, *rooms], T0)
    return writer


def lived_in(room: RoomName) -> list[d.Draft]:
    """Drafts that leave something of a room in every table."""
    return [
        d.NewMessage(room, ANN, Cid("1"), "green tea", None, Mentions((BOB,))),
        d.NewMessage(room, BOB, Cid("2"), "milk", Seq(1)),
        d.EditMessage(room, BOB, None, Seq(2), "oat milk"),
        d.SetReaction(room, BOB, Cid("3"), Seq(1), "👍", on=True),
        d.Moderate(room, ANN, None, CY, MemberChange.INVITE),
        d.Moderate(room, ANN, None, CY, MemberChange.MUTE),
        d.Moderate(room, ANN, None, BOB, MemberChange.MUTE),
    ]


def rows_of(writer: Writer, room: int) -> dict[str, int]:
    """How many rows each table has that are of a room."""
    tables = select(
        writer.db,
        "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND c.name = 'room_id'",
    )
    assert len(tables) >= 9
    return {
        table: count
        for (table,) in tables
        if (
            count := writer.ledger.one(
                f"SELECT count(*) FROM {table} WHERE room_id = ?",  # noqa: S608
                room,
            )[0]
        )
    }


def room_id(writer: Writer, name: RoomName) -> int:
    """The number of a room, also of one that has ended."""
    return int(writer.ledger.one("SELECT id FROM room WHERE name = ?", name)[0])


def step(writer: Writer, now: int = T0) -> bool:
    """Do one step; whether there may be more."""
    with transaction(writer.db):
        return endings.purge(writer.ledger, now, KEEP_MS)


def purge(writer: Writer, now: int = T0) -> None:
    """Do all that is to be done."""
    while step(writer, now):
        """There may be more."""


def test_what_was_in_it_leaves_every_table(writer: Writer) -> None:
    """But its cids, for as long as all are remembered, the audit, and one small row."""
    writer.commit([*lived_in(LOBBY), *lived_in(TEA)], T0)
    index(writer)
    writer.commit([say("more tea"), d.DestroyRoom(LOBBY, ANN, Cid("x"))], T0)
    number, other = room_id(writer, LOBBY), room_id(writer, TEA)
    before = rows_of(writer, other)
    purge(writer)
    assert rows_of(writer, number) == {"cid": 4, "audit": 3}
    assert rows_of(writer, other) == before
    sql = "SELECT count(*) FROM message_fts WHERE message_fts MATCH ?"
    assert [writer.ledger.one(sql, w)[0] for w in ("tea", "oat", "more")] == [1, 1, 0]
    writer.db.execute(
        "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
    )
    row = writer.ledger.one("SELECT name, settings FROM room WHERE id = ?", number)
    assert row == (LOBBY, "{}")


def test_it_goes_in_steps_that_nobody_notices(writer: Writer) -> None:
    """Of so many events, so much text, or so many members."""
    people = [UserName(f"p{number}") for number in range(endings.PLACES_ROWS + 9)]
    writer.commit(
        [d.AddUser(name, name, AccountRole.USER, None) for name in people], T0
    )
    joins = [d.SetMember(LOBBY, name, Role.MEMBER, event=False) for name in people]
    texts = [say("x" * (d.TRIM_TEXT_BYTES // 2)) for _ in range(20)]
    writer.commit([*joins, *texts, *(say("y") for _ in range(2 * d.TRIM_ROWS))], T0)
    writer.commit([react(1, chr(0x1F600 + n)) for n in range(15)], T0)
    index(writer)
    writer.commit([d.DestroyRoom(LOBBY, ANN, None)], T0)
    number = room_id(writer, LOBBY)
    before, steps = rows_of(writer, number), 0
    while step(writer):
        after = rows_of(writer, number)
        gone = {table: before[table] - after.get(table, 0) for table in before}
        assert gone.get("message", 0) + gone.get("event", 0) <= d.TRIM_ROWS
        assert gone.get("member", 0) <= endings.PLACES_ROWS
        before, steps = after, steps + 1
    assert rows_of(writer, number) == {"audit": 1}
    assert steps > 20 / 2 + 2


def test_a_private_room_leaves_nothing_when_its_cids_have_gone(writer: Writer) -> None:
    """Its number may be another's then, of which no audit of this one is told; until
    then a retry is told the truth.
    """
    writer.commit(lived_in(DEN), T0)
    writer.commit([d.DestroyRoom(DEN, ANN, Cid("x"))], T0)
    number = room_id(writer, DEN)
    again = d.Recall(d.DestroyRoom(DEN, ANN, Cid("x")), d.Refused(*["no_room"] * 2))  # type: ignore[arg-type]
    purge(writer, T0 + KEEP_MS - 1)
    assert isinstance(writer.commit([again], T0).outcomes[0], d.Duplicate)
    assert rows_of(writer, number).keys() == {"cid", "creation", "purge", "audit"}
    purge(writer, T0 + KEEP_MS)
    assert rows_of(writer, number) == {}
    assert writer.ledger.one("SELECT 1 FROM room WHERE id = ?", number) is None
    assert isinstance(writer.commit([again], T0).outcomes[0], d.Refused)


def test_one_room_after_the_other(writer: Writer) -> None:
    """One that waits for its cids keeps no other waiting."""
    writer.commit([*lived_in(DEN), *lived_in(TEA)], T0)
    writer.commit([d.DestroyRoom(DEN, ANN, None)], T0)
    purge(writer)
    writer.commit([d.DestroyRoom(TEA, ANN, None)], T0)
    purge(writer)
    kept = {"cid", "audit"}
    assert rows_of(writer, room_id(writer, TEA)).keys() == kept
    assert rows_of(writer, room_id(writer, DEN)).keys() == kept | {"creation", "purge"}


async def test_what_is_left_goes_after_a_restart(tmp_path: Path) -> None:
    """Without anybody asking for it."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit([say("a") for _ in range(500)], T0)
        await store.commit([d.DestroyRoom(LOBBY, ANN, None)], T0)
    with offline.reading(tmp_path) as db:
        assert select(db, "SELECT count(*) FROM message") > [(0,)]
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        left = True
        while left:
            await trio.sleep(0.01)
            with offline.reading(tmp_path) as db:
                left = bool(select(db, "SELECT 1 FROM purge"))
    with offline.reading(tmp_path) as db:
        assert select(db, "SELECT count(*) FROM message") == [(0,)]
        assert select(db, "SELECT name FROM room WHERE ended IS NOT NULL") == [(LOBBY,)]


async def test_a_start_reads_none_that_have_ended(tmp_path: Path) -> None:
    """Its look for rooms finds those that are there by their own key."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
    with offline.reading(tmp_path) as db:
        plan = select(
            db,
            "EXPLAIN QUERY PLAN SELECT id, name FROM room WHERE ended IS NULL"
            " ORDER BY name",
        )
    assert "room_there" in plan[0][3]


def test_rooms_that_nobody_needed_leave_a_small_row_each(writer: Writer) -> None:
    """However many were made and left, and however often by the same name."""
    count = 2_000
    names = [RoomName(f"n{number}") for number in range(count)]
    for at in range(0, count, 500):
        some = names[at : at + 500]
        drafts: list[d.Draft] = [
            d.CreateRoom(
                name,
                EPOCH,
                RoomSettings(topic="x" * 200),
                {ANN: Role.OWNER},
                event=True,
                cid=Cid(name),
                maker=ANN,
            )
            for name in some
        ]
        drafts += [d.SetMember(name, ANN, None, event=True) for name in some]
        drafts += [d.DropRoom(name) for name in some]
        assert d.Duplicate() not in writer.commit(drafts, T0).outcomes
        purge(writer)
    for _ in range(100):
        leave = d.SetMember(names[0], ANN, None, event=True)
        again = d.CreateRoom(
            names[0], EPOCH, PLAIN, {ANN: Role.OWNER}, event=True, maker=ANN
        )
        writer.commit([again, leave, d.DropRoom(names[0])], T0)
        purge(writer)
    writer.db.execute("DELETE FROM cid")
    writer.db.execute("DELETE FROM creation")  # as the writer does when they are old
    later = T0 + KEEP_MS
    purge(writer, later)
    tables = ("member", "event", "message", "invite", "sanction", "dent", "purge")
    left = {table: _count(writer, f"{table} WHERE room_id > 3") for table in tables}
    assert left == dict.fromkeys(tables, 0)
    assert _count(writer, "room WHERE id > 3") == count
    size = writer.ledger.one(
        "SELECT max(length(name) + length(epoch) + length(settings)) FROM room"
        " WHERE id > 3"
    )[0]
    assert size < 40


def _count(writer: Writer, table: str) -> int:
    return int(writer.ledger.one(f"SELECT count(*) FROM {table}")[0])  # noqa: S608
