"""What happened between the messages of a page of history, in every store."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.core import drafts as d
from chatd.enums import MemberChange, Role, Visibility
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.wire import events as e
from tests.store.support import (
    ANN,
    BOB,
    CY,
    LOBBY,
    T0,
    delete,
    edit,
    pin,
    react,
    say,
)

HALL = RoomName("hall")
NAMELESS = UserName("erased~aaaa")


def act(change: str, target: UserName = BOB, **fields: Any) -> d.Moderate:
    """An act of ann's in the lobby."""
    return d.Moderate(LOBBY, ANN, None, target, MemberChange(change), **fields)


def topic(text: str) -> d.SetRoom:
    """What the lobby is about, as ann says."""
    return d.SetRoom(LOBBY, ANN, None, {"topic": text})


async def read(
    store: Store,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 9,
    upto: int = 99,
    events: int = 9,
    room: RoomName = LOBBY,
) -> tuple[list[int], list[int], bool]:
    """The numbers of the messages of a page, and those of its events."""
    messages, happened, more = await store.history(
        room,
        before=None if before is None else Seq(before),
        after=None if after is None else Seq(after),
        limit=limit,
        upto=Seq(upto),
        viewer=ANN,
        events=events,
    )
    return [m.seq for m in messages], [event.seq for event in happened], more


async def test_a_page_has_what_is_not_worked_into_messages(store: Store) -> None:
    """As a replay has it: memberships, settings, names; no edit, reaction or pin."""
    await store.commit(
        [
            say("a"),
            d.SetMember(LOBBY, CY, Role.MEMBER, event=True),
            edit(1, "A"),
            act("mute", seconds=9, reason="noise"),
            react(1, "👍"),
            act("role", role=Role.MODERATOR),
            pin(1),
            topic("tea"),
            say("b"),
            d.SetRoom(LOBBY, ANN, None, {"history": Visibility.SINCE_JOIN}),
            d.RenameRoom(LOBBY, ANN, None, HALL, None),
            delete(9),
            d.SetMember(HALL, CY, None, event=True),
        ],
        T0,
    )
    messages, happened, more = await store.history(
        HALL, before=None, after=None, limit=9, upto=Seq(99), viewer=ANN, events=99
    )
    replayed = await store.events(HALL, Seq(0), Seq(99), 99, 0, ANN)
    assert happened == [event for event in replayed if isinstance(event, e.Happened)]
    assert [event.seq for event in happened] == [2, 4, 6, 8, 10, 11, 13]
    assert ([message.seq for message in messages], more) == ([1, 9], False)
    mute = e.Member(HALL, Seq(4), T0, ANN, BOB, MemberChange.MUTE, None, T0 + 9000)
    mute.reason = "noise"
    assert happened[1] == mute


async def test_each_event_is_in_one_page(store: Store) -> None:
    """What is before the first message of a page that goes on is in the next one."""
    drafts = [draft for n in range(4) for draft in (topic(f"{n}"), say(f"{n}"))]
    await store.commit([*drafts, topic("end")], T0)
    assert await read(store, limit=2) == ([6, 8], [7, 9], True)
    assert await read(store, limit=2, before=6) == ([2, 4], [1, 3, 5], False)
    assert await read(store, limit=1, before=4) == ([2], [1, 3], False)
    assert await read(store, limit=2, after=0) == ([2, 4], [1, 3], True)
    assert await read(store, limit=2, after=4) == ([6, 8], [5, 7, 9], False)
    assert await read(store, limit=2, upto=7) == ([4, 6], [5, 7], True)
    assert await read(store, limit=2, after=4, upto=6) == ([6], [5], False)
    assert await read(store, before=2) == ([], [1], False)
    assert await read(store, after=8) == ([], [9], False)


async def test_of_many_those_come_where_the_page_begins(store: Store) -> None:
    """So many as were asked for; none, if none were."""
    await store.commit([topic("1"), say("2"), *(topic(f"{n}") for n in (3, 4, 5))], T0)
    assert await read(store, events=2) == ([2], [4, 5], False)
    assert await read(store, events=2, after=0) == ([2], [1, 3], False)
    assert await read(store, events=0) == ([2], [], False)


async def test_what_was_trimmed_and_what_has_ended_is_told_to_nobody(
    store: Store,
) -> None:
    """The events go with the messages."""
    await store.commit([topic("1"), say("2"), topic("3"), say("4"), topic("5")], T0)
    await store.commit([d.TrimRoom(LOBBY, None, 1, 99, 9999)], T0)
    assert await read(store) == ([4], [5], False)
    await store.commit([d.DestroyRoom(LOBBY, ANN, None)], T0)
    assert await read(store) == ([], [], False)


@pytest.mark.parametrize("nameless", [None, NAMELESS])
async def test_who_was_erased_is_called_as_in_his_messages(
    store: Store, nameless: UserName | None
) -> None:
    """By his name, or by none where his messages are left to a user without one."""
    await store.commit([say("a", user=BOB), act("mute"), topic("b")], T0)
    (erase,) = await store.commit([d.EraseUser(BOB, None, nameless)], T0)
    assert not isinstance(erase, d.Refused)
    messages, happened, _ = await store.history(
        LOBBY, before=None, after=None, limit=9, upto=Seq(9), viewer=ANN, events=9
    )
    named = [event.user for event in happened if isinstance(event, e.Member)]
    assert named == [message.sender for message in messages] == [nameless or BOB]
