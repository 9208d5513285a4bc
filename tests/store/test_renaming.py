"""Rooms that get another name, in every store: each of their names leads to them."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.query import parse_query
from chatd.core.settings import PLAIN
from chatd.enums import MemberChange, Role
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq
from chatd.ports import Store
from chatd.store import answers
from chatd.wire import events as e
from tests.store.support import (
    ANN,
    BOB,
    CY,
    EPOCH,
    LOBBY,
    T0,
    Stored,
    edit,
    one,
    page,
    refused,
    row,
    say,
    timeline,
)

HALL, TEA = RoomName("hall"), RoomName("tea")
X = Cid("x")


def to(
    name: str, cid: Cid | None = None, room: RoomName = LOBBY, look: str | None = None
) -> d.RenameRoom:
    """Another name for a room, by ann."""
    return d.RenameRoom(room, ANN, cid, RoomName(name), look, distinct=look is not None)


async def test_everything_of_a_room_is_found_by_each_of_its_names(
    store: Store,
) -> None:
    """Named as it was asked for; the seq and the epoch go on."""
    await store.commit([say("green tea"), say("milk", user=BOB)], T0)
    outcome = await one(store, to("hall"), T0 + 1)
    event = e.Rename(HALL, Seq(3), T0 + 1, ANN, HALL, [LOBBY])
    assert outcome == Stored(event)
    outcome = await one(store, say("more tea"))
    assert isinstance(outcome, d.Committed)
    assert isinstance(outcome.event, e.Message)
    assert (outcome.event.room, outcome.event.seq) == (HALL, 4)
    for name in (LOBBY, HALL):
        events = await timeline(store, name)
        assert [event.seq for event in events] == [1, 2, 3, 4]
        assert {event.room for event in events} == {name}
        assert len(await page(store, name)) == 3
        assert await store.nth_newest(name, 2, Seq(9)) == 2
        assert await store.unread(BOB, [(name, Seq(0), Seq(9))]) == [(2, 0, 0)]
        hits = await store.search(
            parse_query(f"tea in:{name}"), [(name, Seq(1), Seq(9))], None, 9, ANN
        )
        assert hits is not None
        assert [(hit.message.room, hit.message.seq) for hit in hits[0]] == [
            (name, 4),
            (name, 1),
        ]
    for name in (LOBBY, HALL):
        found = await row(store, name)
        assert (found.room, found.was, found.head) == (HALL, [LOBBY], 4)


@pytest.mark.parametrize(
    "draft",
    [
        say("hi"),
        edit(1, "b"),
        d.DeleteMessage(LOBBY, ANN, None, Seq(1)),
        d.SetReaction(LOBBY, BOB, None, Seq(1), "👍", on=True),
        d.Moderate(LOBBY, ANN, None, BOB, MemberChange.MUTE),
        d.SetRoom(LOBBY, ANN, None, {"topic": "tea"}),
        d.SetMember(LOBBY, CY, Role.MEMBER, event=True),
        d.DestroyRoom(LOBBY, ANN, None),
    ],
)
async def test_what_comes_behind_it_is_of_the_room(
    store: Store, draft: d.Draft
) -> None:
    """Though it was on its way when the room was called otherwise."""
    _, _, outcome = await store.commit([say("a"), to("hall"), draft], T0)
    assert isinstance(outcome, d.Committed)
    assert outcome.event is not None
    assert (outcome.event.room, outcome.event.seq) == (HALL, 3)


async def test_a_name_is_one_rooms_for_ever(store: Store) -> None:
    """Also of one that has ended; the room itself may go back to it."""
    make = d.CreateRoom(TEA, EPOCH, PLAIN, {ANN: Role.OWNER})
    await store.commit([make, to("hall")], T0)
    assert await one(store, to("lobby", room=TEA)) == answers.ROOM_EXISTS
    assert await one(store, to("hall", room=TEA)) == answers.ROOM_EXISTS
    again = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
    assert await one(store, again) == d.Duplicate()
    assert isinstance(await one(store, to("lobby", room=HALL)), d.Committed)
    await one(store, d.DestroyRoom(LOBBY, ANN, None))
    for name in ("lobby", "hall"):
        assert await one(store, to(name, room=TEA)) == answers.ROOM_NAME_TAKEN
        made = d.CreateRoom(RoomName(name), EPOCH, PLAIN, {ANN: Role.OWNER})
        assert refused(await one(store, made)) is RejectCode.NO_ROOM
        assert await timeline(store, RoomName(name)) == []
    assert (await row(store, TEA)).was == []


async def test_a_name_that_looks_like_one_of_another_room_is_taken(
    store: Store,
) -> None:
    """Or like one that another room had; not like one of its own."""
    make = d.CreateRoom(
        TEA, EPOCH, PLAIN, {ANN: Role.OWNER}, skeleton="tea", distinct=True
    )
    await store.commit([make, to("hall", look="hall", room=TEA)], T0)
    for look in ("tea", "hall"):
        taken = to("other", look=look)
        assert await one(store, taken) == answers.NAME_LOOKS_TAKEN
    assert isinstance(await one(store, to("other", look="tea", room=TEA)), d.Committed)
    looks = d.CreateRoom(
        RoomName("téa"), EPOCH, PLAIN, {ANN: Role.OWNER}, skeleton="hall", distinct=True
    )
    assert await one(store, looks) == answers.ROOM_LOOKS_TAKEN


async def test_a_retry_is_found_by_each_name(store: Store) -> None:
    """Whatever became of the room since, and after a start."""
    await store.commit([say("a", "m"), to("hall", X)], T0)
    await one(store, to("tea", room=HALL))
    for _ in range(2):
        for room in (LOBBY, HALL, TEA):
            assert await one(store, to("hall", X, room)) == d.Duplicate(
                Seq(2), T0, recalled=True
            )
            assert await one(store, say("a", "m", room=room)) == d.Duplicate(
                Seq(1), T0, recalled=True
            )
            assert await one(store, to("other", X, room)) == d.Conflict()
        await store.load(T0)
    assert await one(store, to("tea")) == d.Duplicate(Seq(3), T0)


async def test_a_creation_is_found_by_its_cid(store: Store) -> None:
    """With the name that its room has now."""
    make = d.CreateRoom(TEA, EPOCH, PLAIN, {ANN: Role.OWNER}, event=True, cid=X)
    await store.commit([make, to("hall", room=TEA)], T0)
    assert await one(store, make) == d.Duplicate(room=HALL)


async def test_marks_are_written_by_an_old_name(store: Store) -> None:
    """They waited when the room got another."""
    await store.commit([say("a"), to("hall")], T0)
    await one(store, d.SaveMarks({(LOBBY, BOB): Seq(2)}, {}))
    assert (await row(store, HALL)).members[BOB].read == 2


async def test_a_search_that_began_before_goes_on(store: Store) -> None:
    """By the name of then, and behind a place in a room of that name."""
    await store.commit([say("tea 1"), say("tea 2")], T0)
    scope = [(LOBBY, Seq(1), Seq(9))]
    found = await store.search(parse_query("tea"), scope, None, 1, ANN)
    assert found is not None
    (hit,), more = found
    assert more
    await one(store, to("hall"), T0 + 1)
    for name in (LOBBY, HALL):
        scope = [(name, Seq(1), Seq(9))]
        rest = await store.search(parse_query("tea"), scope, hit.place, 9, ANN)
        assert rest is not None
        assert [one.message.text for one in rest[0]] == ["tea 1"]
