"""Rooms that end, in every store: what is found of them, and what is not."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.query import parse_query
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, MemberChange, Role
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
    STORED,
    T0,
    Stored,
    one,
    page,
    row,
    say,
    session_id,
    timeline,
)

DEN, TEA, HALL = RoomName("~ccfbni6c472bpykg"), RoomName("tea"), RoomName("hall")
GUEST = UserName("dan~4f7k")
DESTROY = d.DestroyRoom(LOBBY, ANN, Cid("x"))


async def rooms(store: Store) -> list[RoomName]:
    """Which rooms are found after a start."""
    await store.load(T0)
    return [found.room for found in await store.rooms([DIRECT, HALL, LOBBY, TEA, DEN])]


async def test_a_destroyed_room_is_found_by_nothing(store: Store) -> None:
    """Neither by reading nor by searching, nor by a start."""
    await store.commit([say("green tea"), say("milk", user=BOB)], T0)
    outcome = await one(store, DESTROY, T0 + 1)
    assert outcome == Stored(e.Destroy(LOBBY, Seq(3), T0 + 1, ANN))
    assert await timeline(store) == []
    assert await page(store) == []
    assert await store.nth_newest(LOBBY, 5, Seq(9)) == 10
    assert await store.unread(BOB, [(LOBBY, Seq(0), Seq(9))]) == [(0, 0, 0)]
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
        d.Moderate(LOBBY, ANN, None, BOB, MemberChange.KICK),
        d.SetRoom(LOBBY, ANN, None, {"topic": "tea"}),
        d.DestroyRoom(LOBBY, ANN, None),
        d.SetMember(LOBBY, CY, Role.MEMBER, event=True),
        d.DeclareRoom(LOBBY, PLAIN),
        d.TrimRoom(LOBBY, T0 + 9, None),
        d.DropRoom(LOBBY),
        d.CreateRoom(LOBBY, EPOCH, PLAIN, {CY: Role.OWNER}, event=True),
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


async def test_a_retry_that_comes_with_the_end_is_known(store: Store) -> None:
    """In one batch with it, for a message and for another use of the same cid."""
    first = await one(store, say("tea", "t"))
    assert isinstance(first, d.Committed)
    assert first.event is not None
    end = d.DestroyRoom(LOBBY, ANN, Cid("end"))
    again, other = say("tea", "t"), say("milk", "end")
    outcomes = await store.commit([end, again, other, say("new")], T0 + 1)
    known = d.Duplicate(first.event.seq, first.event.ts, recalled=True)
    assert outcomes[1:] == [known, d.Conflict(), answers.NO_ROOM]


async def test_a_name_is_not_given_out_again(store: Store) -> None:
    """Nor is one that looks like it."""
    look = d.CreateRoom(
        RoomName("tea"), EPOCH, PLAIN, {ANN: Role.OWNER}, skeleton="tea", distinct=True
    )
    await store.commit([look, d.DestroyRoom(RoomName("tea"), ANN, None)], T0)
    assert await one(store, look) == answers.ROOM_ENDED
    other = d.CreateRoom(
        RoomName("téa"), EPOCH, PLAIN, {ANN: Role.OWNER}, skeleton="tea", distinct=True
    )
    assert await one(store, other) == answers.ROOM_LOOKS_TAKEN


async def test_a_room_in_which_somebody_is_is_not_dropped(store: Store) -> None:
    """The last one has to be out, also one who has no connection."""
    create = d.CreateRoom(DEN, Epoch("d" * 16), PLAIN, {ANN: Role.OWNER})
    await store.commit([create, say("a", room=DEN)], T0)
    assert await one(store, d.DropRoom(DEN)) == d.Duplicate()
    await store.commit([d.SetMember(DEN, ANN, None, event=True)], T0)
    assert await one(store, d.DropRoom(DEN)) == STORED
    assert await one(store, d.DropRoom(DEN)) == answers.NO_ROOM
    assert DEN not in await rooms(store)


async def test_a_guest_whose_session_has_ended_is_nobody(store: Store) -> None:
    """Though his membership is there until the next start."""
    new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    opened = d.OpenSession(session_id("x"), GUEST, None, T0, new)
    create = d.CreateRoom(DEN, Epoch("d" * 16), PLAIN, {GUEST: Role.OWNER})
    await store.commit([opened, create], T0)
    assert await one(store, d.DropRoom(DEN)) == d.Duplicate()
    joined = d.SetMember(DEN, GUEST, Role.MEMBER, event=False)
    await store.commit([d.EndSession(session_id("x")), joined], T0)
    assert await one(store, d.DropRoom(DEN)) == STORED


# --- public rooms that nobody needs ---------------------------------------------------


def tea(maker: UserName | None = ANN, cid: str | None = None) -> d.CreateRoom:
    """A public room of somebody's; the configuration's without one."""
    members = {} if maker is None else {maker: Role.OWNER}
    return d.CreateRoom(
        TEA,
        Epoch("e" * 16),
        PLAIN,
        members,
        event=bool(members),
        cid=Cid(cid) if cid else None,
        skeleton="tea",
        distinct=True,
        maker=maker,
    )


async def leave_tea(store: Store) -> d.Outcome:
    """Have ann leave it, and end it if it is not needed."""
    await one(store, d.SetMember(TEA, ANN, None, event=True))
    return await one(store, d.DropRoom(TEA))


async def test_a_public_room_in_which_somebody_wrote_is_not_dropped(
    store: Store,
) -> None:
    """Also if it was deleted; one that had no more than people coming and going is."""
    await store.commit([tea(), say("hi", room=TEA)], T0)
    await one(store, d.DeleteMessage(TEA, ANN, None, Seq(2)))
    assert await leave_tea(store) == d.Duplicate()
    found = await row(store, TEA)
    assert (found.maker, found.spoken) == (ANN, True)


async def test_the_name_of_a_dropped_room_is_its_makers(store: Store) -> None:
    """Nobody else gets it, nor one that looks like it; he gets a room that is new."""
    await one(store, tea())
    found = await row(store, TEA)
    assert (found.maker, found.spoken) == (ANN, False)
    assert await leave_tea(store) == STORED
    assert await one(store, tea(BOB)) == answers.ROOM_ENDED
    other = d.CreateRoom(
        RoomName("téa"), EPOCH, PLAIN, {BOB: Role.OWNER}, skeleton="tea", distinct=True
    )
    assert await one(store, other) == answers.ROOM_LOOKS_TAKEN
    to = d.RenameRoom(LOBBY, ANN, None, TEA)
    assert await one(store, to) == answers.ROOM_NAME_TAKEN
    outcome = await one(store, tea())
    assert isinstance(outcome, d.Committed)
    assert outcome.event is not None
    assert outcome.event.seq == 1
    assert len(await timeline(store, TEA)) == 1
    assert await one(store, other) == answers.ROOM_LOOKS_TAKEN


async def test_what_was_sent_to_the_first_is_not_known_in_the_second(
    store: Store,
) -> None:
    """Nor does what has made the first find the second."""
    act = d.SetRoom(TEA, ANN, Cid("m"), {"topic": "green"})
    await store.commit([tea(cid="x"), act], T0)
    assert await leave_tea(store) == STORED
    assert await one(store, tea(cid="x")) == d.Duplicate(room=TEA)
    assert await one(store, d.Recall(act, answers.NO_ROOM)) == d.Duplicate(
        Seq(2), T0, recalled=True
    )
    assert isinstance(await one(store, tea(cid="y")), d.Committed)
    outcome = await one(store, act)
    assert isinstance(outcome, d.Committed)
    assert await one(store, tea(cid="x")) == d.Duplicate()
    assert await one(store, tea(cid="y")) == d.Duplicate(room=TEA)


async def test_each_name_of_a_dropped_room_is_its_makers(store: Store) -> None:
    """Also the ones that it had before."""
    await store.commit([tea(), d.RenameRoom(TEA, ANN, None, HALL, "hall")], T0)
    assert await leave_tea(store) == STORED
    assert await one(store, tea(BOB)) == answers.ROOM_ENDED
    assert isinstance(await one(store, tea()), d.Committed)
    again = d.CreateRoom(HALL, EPOCH, PLAIN, {ANN: Role.OWNER}, maker=ANN)
    assert isinstance(await one(store, again), d.Committed)
    assert sorted(await rooms(store)) == [DIRECT, HALL, LOBBY, TEA]


async def test_a_maker_who_was_erased_leaves_the_name_to_nobody(store: Store) -> None:
    """A draft that was on its way names him in vain."""
    await one(store, tea())
    assert await leave_tea(store) == STORED
    await one(store, d.EraseUser(ANN, None, None))
    late = d.CreateRoom(TEA, EPOCH, PLAIN, {BOB: Role.OWNER}, maker=ANN)
    assert await one(store, late) == answers.ROOM_ENDED


async def test_the_configuration_gives_names_out_as_it_wants(store: Store) -> None:
    """Of rooms that were dropped, and of those that were destroyed."""
    await one(store, tea(BOB))
    await one(store, d.DestroyRoom(TEA, BOB, None))
    assert await one(store, tea(BOB)) == answers.ROOM_ENDED
    assert await one(store, tea(None)) == STORED
    assert await timeline(store, TEA) == []
