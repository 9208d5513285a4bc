"""Rooms that end, in every store: what is found of them, and what is not."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.query import parse_query
from chatd.core.settings import PLAIN
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store import answers
from chatd.wire import events as e
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    one,
    page,
    say,
    session_id,
    timeline,
)

DEN = RoomName("~ccfbni6c472bpykg")
GUEST = UserName("dan~4f7k")
DESTROY = d.DestroyRoom(LOBBY, ANN, Cid("x"))


async def rooms(store: Store) -> list[RoomName]:
    """Which rooms a start finds."""
    return [row.room for row in (await store.load(T0)).rooms]


async def test_a_destroyed_room_is_found_by_nothing(store: Store) -> None:
    """Neither by reading nor by searching, nor by a start."""
    await store.commit([say("green tea"), say("milk", user=BOB)], T0)
    outcome = await one(store, DESTROY, T0 + 1)
    assert outcome == d.Committed(e.Destroy(LOBBY, Seq(3), T0 + 1, ANN))
    assert await timeline(store) == []
    assert await page(store) == []
    assert await store.nth_newest(LOBBY, 5, Seq(9)) == 10
    assert await store.unread(BOB, [(LOBBY, Seq(0), Seq(9))]) == [(0, 0)]
    found = await store.search(
        parse_query("tea"), [(LOBBY, Seq(1), Seq(9))], None, 9, ANN
    )
    assert found == ([], False)
    assert await rooms(store) == [DIRECT]


@pytest.mark.parametrize(
    "draft",
    [
        say("hi"),
        say("hi", "new"),
        d.EditMessage(LOBBY, ANN, None, Seq(1), "b"),
        d.DeleteMessage(LOBBY, ANN, None, Seq(1)),
        d.SetReaction(LOBBY, ANN, None, Seq(1), "👍", on=True),
        d.Moderate(LOBBY, ANN, None, BOB, "kick"),
        d.SetRoom(LOBBY, ANN, None, {"topic": "tea"}),
        d.DestroyRoom(LOBBY, ANN, None),
        d.SetMember(LOBBY, CY, "member", event=True),
        d.DeclareRoom(LOBBY, PLAIN),
        d.TrimRoom(LOBBY, T0 + 9, None),
        d.DropRoom(LOBBY),
        d.CreateRoom(LOBBY, EPOCH, PLAIN, {CY: "owner"}, event=True),
    ],
)
async def test_nothing_happens_in_it_any_more(store: Store, draft: d.Draft) -> None:
    """Every draft is refused, also one that would make a room of its name."""
    await store.commit([say("a"), DESTROY], T0)
    outcome = await one(store, draft)
    assert isinstance(outcome, d.Refused)
    assert outcome.code is RejectCode.NO_ROOM
    await store.commit([d.SaveMarks({(LOBBY, ANN): Seq(1)}, {})], T0)
    assert await rooms(store) == [DIRECT]


async def test_its_cids_are_remembered(store: Store) -> None:
    """A retry learns what became of it, in the same batch and after a start."""
    first: list[d.Durable] = [say("a", "m"), DESTROY]
    await store.commit(first, T0)
    dups = [
        d.Duplicate(Seq(1), T0, recalled=True),
        d.Duplicate(Seq(2), T0, recalled=True),
    ]
    otherwise = answers.NO_ROOM
    recalls = [d.Recall(draft, otherwise) for draft in first]
    assert await store.commit(recalls, T0) == dups
    await store.load(T0)
    assert await store.commit(recalls, T0) == dups
    assert await one(store, DESTROY) == dups[1]
    others = d.DestroyRoom(LOBBY, BOB, Cid("x"))
    assert await one(store, d.Recall(others, otherwise)) == otherwise
    conflict = d.Recall(say("b", "x"), otherwise)
    assert await one(store, conflict) == d.Conflict()


async def test_a_name_is_not_given_out_again(store: Store) -> None:
    """Nor is one that looks like it."""
    look = d.CreateRoom(
        RoomName("tea"), EPOCH, PLAIN, {ANN: "owner"}, skeleton="tea", distinct=True
    )
    await store.commit([look, d.DestroyRoom(RoomName("tea"), ANN, None)], T0)
    assert await one(store, look) == answers.ROOM_ENDED
    other = d.CreateRoom(
        RoomName("téa"), EPOCH, PLAIN, {ANN: "owner"}, skeleton="tea", distinct=True
    )
    assert await one(store, other) == answers.ROOM_LOOKS_TAKEN


async def test_a_room_in_which_somebody_is_is_not_dropped(store: Store) -> None:
    """The last one has to be out, also one who has no connection."""
    create = d.CreateRoom(DEN, Epoch("d" * 16), PLAIN, {ANN: "owner"})
    await store.commit([create, say("a", room=DEN)], T0)
    assert await one(store, d.DropRoom(DEN)) == d.Duplicate()
    await store.commit([d.SetMember(DEN, ANN, None, event=True)], T0)
    assert await one(store, d.DropRoom(DEN)) == d.Committed()
    assert await one(store, d.DropRoom(DEN)) == answers.NO_ROOM
    assert DEN not in await rooms(store)


async def test_a_guest_whose_session_has_ended_is_nobody(store: Store) -> None:
    """Though his membership is there until the next start."""
    new = d.AddUser(GUEST, "dan", "guest", None)
    opened = d.OpenSession(session_id("x"), GUEST, None, T0, new)
    create = d.CreateRoom(DEN, Epoch("d" * 16), PLAIN, {GUEST: "owner"})
    await store.commit([opened, create], T0)
    assert await one(store, d.DropRoom(DEN)) == d.Duplicate()
    joined = d.SetMember(DEN, GUEST, "member", event=False)
    await store.commit([d.EndSession(session_id("x")), joined], T0)
    assert await one(store, d.DropRoom(DEN)) == d.Committed()
