"""What a message addresses is on disk as long as the message is, and no longer."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatd.core import drafts as d
from chatd.core.changes import Appended
from chatd.core.mentions import Mentions
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.ids import Seq, UserName
from chatd.store.digest import content_digest
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.writer import Writer
from tests.store.sqlite.older import store_at
from tests.store.support import (
    ANN,
    BOB,
    CY,
    EPOCH,
    LOBBY,
    T0,
    delete,
    edit,
    erase,
    fill,
    in_this_thread,
    one,
    say,
    seqs,
    sqlite,
)


def begun() -> Writer:
    """A store in memory with ann, bob and cy, whose ids are 1, 2 and 3, and a room."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    users: list[d.Draft] = [
        d.AddUser(n, n, AccountRole.USER, None) for n in (ANN, BOB, CY)
    ]
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
    writer.commit([*users, room], T0)
    return writer


def rows(writer: Writer) -> list[tuple[int, int, int, int]]:
    """Of which message who was told at which event, and whether that holds."""
    sql = "SELECT of, user_id, seq, is_on FROM mention ORDER BY of, user_id"
    return [(of, user, seq, on) for of, user, seq, on in select(writer.db, sql)]


def addressing(draft: d.Draft, *users: UserName, everybody: bool = False) -> d.Draft:
    """The draft of a text that addresses somebody."""
    assert isinstance(draft, d.NewMessage | d.EditMessage)
    draft.mentions = Mentions(users, everybody)
    return draft


def test_mentions_go_with_their_messages() -> None:
    """A deletion and a trim leave no row of them behind."""
    writer = begun()
    writer.commit([addressing(say("@"), BOB) for _ in range(3)], T0)
    everybody = addressing(edit(2, "@all"), everybody=True)
    writer.commit([everybody, addressing(edit(3, "@@"), CY)], T0)
    first, second = [(1, 2, 1, 1)], [(2, 0, 4, 1), (2, 2, 2, 0)]
    third = [(3, 2, 3, 0), (3, 3, 5, 1)]
    assert rows(writer) == [*first, *second, *third]
    writer.commit([delete(1)], T0)
    assert rows(writer) == [*second, *third]
    writer.commit([d.TrimRoom(LOBBY, None, 1)], T0)
    assert rows(writer) == third


async def test_who_is_erased_is_addressed_by_nothing(tmp_path: Path) -> None:
    """And was not reached by nobody: a retry does not name him any more."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        message = addressing(say("@bob @cy", "c1"), BOB)
        assert isinstance(message, d.NewMessage)
        message.mentions = Mentions((BOB,), strangers=((CY,),))
        await store.commit([message, addressing(edit(1, "@bob!"), BOB)], T0)
        for name in (BOB, CY):
            await erase(store, name)
    async with sqlite(tmp_path) as store:
        bare = say("@bob @cy", "c1")
        assert await one(store, bare) == d.Duplicate(Seq(1), T0)
        bare = say("@bob", "c2")
        bare.mentions = Mentions(strangers=((BOB,),))
        outcome = await one(store, bare)
        assert seqs([outcome]) == [3]
        assert isinstance(outcome, d.Committed)
        assert outcome.unreached == ()
        (count,) = await store.unread(BOB, [(LOBBY, Seq(0), Seq(9))])
        assert count[1] == 0


async def test_mentions_of_before_are_those_of_their_messages(tmp_path: Path) -> None:
    """In a store from a time when no edit changed them; cids are known as ever."""
    with store_at(tmp_path, 4) as db:
        db.execute(
            "INSERT INTO message (room_id, seq, ts, user_id, cid, text) VALUES"
            " (1, 1, ?1, 1, 'c1', '@bob'), (1, 2, ?1, 1, NULL, '@all')",
            (T0,),
        )
        db.execute("INSERT INTO mention VALUES (1, 2, 1), (1, 0, 2)")
        db.execute(
            "INSERT INTO cid (room_id, user_id, cid, digest, seq, ts, at)"
            " VALUES (1, 1, 'c1', ?1, 1, ?2, ?2)",
            (content_digest(say("@bob", "c1")), T0),
        )
        db.execute("UPDATE room SET head = 2")
    async with sqlite(tmp_path) as store:
        marks = [(LOBBY, Seq(0), Seq(9)), (LOBBY, Seq(1), Seq(9))]
        assert await store.unread(BOB, marks) == [(2, 2, 0), (1, 1, 0)]
        assert await store.unread(CY, marks) == [(2, 1, 0), (1, 1, 0)]
        retry = await one(store, say("@bob", "c1"))
        assert retry == d.Duplicate(Seq(1), T0)
        changed = addressing(edit(1, "@bob, @cy"), BOB, CY)
        outcome = await one(store, changed)
        assert isinstance(outcome, d.Committed)
        (change,) = outcome.changes
        assert isinstance(change, Appended)
        assert change.addressed == Mentions((CY,))
        await store.commit([edit(2, "nobody")], T0)
        assert await store.unread(BOB, marks) == [(2, 1, 0), (1, 0, 0)]
        assert await store.unread(CY, marks) == [(2, 1, 0), (1, 1, 0)]
