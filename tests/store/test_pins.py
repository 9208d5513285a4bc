"""What a store promises about pins, on every implementation."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store import answers
from chatd.wire import events as e
from tests.store.support import (
    ANN,
    BOB,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    delete,
    edit,
    one,
    page,
    pin,
    react,
    refused,
    say,
    timeline,
)

NOWHERE = RoomName("nowhere")


async def pinned(
    store: Store,
    *,
    room: RoomName = LOBBY,
    viewer: UserName = ANN,
    first: int = 1,
    after: int | None = None,
    limit: int = 100,
    upto: int = 10**6,
) -> tuple[list[int], bool]:
    """Which messages are pinned, the last pinned first, and whether there are more."""
    bounds: dict[str, Any] = {
        "first": Seq(first),
        "after": None if after is None else Seq(after),
    }
    messages, more = await store.pins(
        room, limit=limit, upto=Seq(upto), viewer=viewer, **bounds
    )
    for message in messages:
        where: dict[str, Any] = {"before": Seq(message.seq + 1), "after": None}
        listed, _, _ = await store.history(
            room, limit=1, upto=Seq(10**6), viewer=viewer, **where
        )
        assert listed == [message]
    return [message.seq for message in messages], more


async def test_what_is_pinned_is_listed_as_it_is_now(store: Store) -> None:
    """The last pinned first, with the event that has pinned it, as history has it."""
    await store.commit(
        [say("a"), say("b", user=BOB), pin(2), pin(1), edit(1, "A"), react(2, "👍")], T0
    )
    assert await pinned(store) == ([1, 2], False)
    messages, _ = await store.pins(
        LOBBY, first=Seq(1), after=None, limit=9, upto=Seq(99), viewer=BOB
    )
    assert [(m.text, m.pinned, m.edited) for m in messages] == [
        ("A", 4, True),
        ("b", 3, False),
    ]
    assert messages[1].reactions == {"👍": [ANN]}
    await store.commit([pin(1, on=False)], T0)
    assert await pinned(store) == ([2], False)
    assert [message.pinned for message in await page(store)] == [None, 3]


async def test_the_timeline_tells_of_pins(store: Store) -> None:
    """Each has a seq, and says so also when the message is gone."""
    await store.commit([say("a"), pin(1, user=BOB), pin(1, on=False), delete(1)], T0)
    common: dict[str, Any] = {"room": LOBBY, "ts": T0, "of": Seq(1)}
    assert (await timeline(store))[1:3] == [
        e.Pin(**common, seq=Seq(2), sender=BOB, on=True),
        e.Pin(**common, seq=Seq(3), sender=ANN, on=False),
    ]


async def test_what_is_pinned_already_is_nothing_new(store: Store) -> None:
    """It is answered with the event that has done it, and so is a retry."""
    await store.commit([say("a"), pin(1, cid="p")], T0)
    assert await one(store, pin(1, user=BOB), T0 + 9) == d.Duplicate(Seq(2), T0)
    again = d.Duplicate(Seq(2), T0, recalled=True)
    assert await one(store, pin(1, cid="p"), T0 + 9) == again
    assert isinstance(await one(store, pin(1, cid="p", on=False)), d.Conflict)
    await store.commit([pin(1, on=False)], T0)
    assert await one(store, pin(1, on=False), T0 + 9) == d.Duplicate(Seq(1), T0)


async def test_only_a_message_is_pinned(store: Store) -> None:
    """No event, nothing that was deleted, nothing beyond the head."""
    await store.commit([say("a"), pin(1), say("b"), delete(3)], T0)
    for of in (2, 3, 4, 99):
        assert refused(await one(store, pin(of))) == RejectCode.NO_MESSAGE, of


async def test_a_deleted_message_loses_its_pin(store: Store) -> None:
    """And a room that forgets its beginning the pins there."""
    await store.commit([say("a"), say("b"), pin(1), pin(2), delete(1)], T0)
    assert await pinned(store) == ([2], False)
    await store.commit([say("c"), pin(6), d.TrimRoom(LOBBY, None, 1)], T0)
    assert await pinned(store) == ([6], False)


async def test_an_erased_users_messages_lose_their_pins(store: Store) -> None:
    """What he has pinned of others stays so."""
    await store.commit([say("a"), say("b", user=BOB)], T0)
    await store.commit([pin(1, user=BOB), pin(2), d.EraseUser(BOB, None, None)], T0)
    page: dict[str, Any] = {"first": Seq(1), "after": None, "limit": 9, "upto": Seq(99)}
    with trio.fail_after(60):
        # The tender tells nobody when it has done a step, and works between two looks.
        while len((await store.pins(LOBBY, viewer=ANN, **page))[0]) > 1:  # noqa: ASYNC110
            await trio.sleep(0.01)
    assert await pinned(store) == ([1], False)


async def test_pins_are_read_page_by_page(store: Store) -> None:
    """Each page goes on behind a pin; there is nothing below what one may read."""
    await store.commit([say("a"), say("b"), say("c"), pin(2), pin(1), pin(3)], T0)
    assert await pinned(store, limit=2) == ([3, 1], True)
    assert await pinned(store, limit=2, after=5) == ([2], False)
    assert await pinned(store, limit=2, first=2) == ([3, 2], False)
    assert await pinned(store, upto=4) == ([2], False)
    assert await pinned(store, room=NOWHERE) == ([], False)


async def test_a_page_ends_before_it_has_too_many_names(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message is always there, whatever it has."""
    monkeypatch.setattr(answers, "PAGE_NAMES_MAX", 1)
    await store.commit([say("a"), say("b"), pin(1), pin(2)], T0)
    await store.commit(
        [react(of, "👍", user=u) for of in (1, 2) for u in (ANN, BOB)], T0
    )
    assert await pinned(store) == ([2], True)
    assert await pinned(store, after=4) == ([1], False)


async def test_a_room_has_so_many_pins(store: Store) -> None:
    """One more is refused until one is taken away."""
    most = d.PINS_MAX
    await store.commit([say(str(number)) for number in range(most + 1)], T0)
    await store.commit([pin(of) for of in range(1, most + 1)], T0)
    assert await one(store, pin(most + 1)) == answers.TOO_MANY_PINS
    await store.commit([pin(1, on=False)], T0)
    assert isinstance(await one(store, pin(most + 1)), d.Committed)
    assert len((await pinned(store))[0]) == most


async def test_both_of_a_direct_conversation_see_the_same_pins(store: Store) -> None:
    """Whoever of them has pinned it."""
    await store.commit([say("a", room=DIRECT), say("b", room=DIRECT, user=BOB)], T0)
    await store.commit([pin(1, room=DIRECT, user=BOB), pin(2, room=DIRECT)], T0)
    for viewer in (ANN, BOB):
        assert await pinned(store, room=DIRECT, viewer=viewer) == ([2, 1], False)
    await store.commit([pin(1, on=False, room=DIRECT)], T0)
    for viewer in (ANN, BOB):
        assert await pinned(store, room=DIRECT, viewer=viewer) == ([2], False)


async def test_what_somebody_pins_who_is_blocked_is_his_alone(store: Store) -> None:
    """Nor does he take away a pin of the one who blocks him, but for himself."""
    await store.commit([say("a", room=DIRECT), pin(1, room=DIRECT)], T0)
    await store.commit([d.SetBlock(ANN, BOB, on=True)], T0)
    await store.commit(
        [
            say("b", room=DIRECT, user=BOB),
            pin(3, room=DIRECT, user=BOB),
            pin(1, on=False, room=DIRECT, user=BOB),
        ],
        T0,
    )
    assert await pinned(store, room=DIRECT, viewer=BOB) == ([3], False)
    assert await pinned(store, room=DIRECT, viewer=ANN) == ([1], False)
    seen = [event.type for event in await timeline(store, DIRECT, ANN)]
    assert seen == ["message", "pin", "hidden", "hidden", "hidden"]
    # What he does afterwards she sees, but not the message that was hidden from her.
    await store.commit([d.SetBlock(ANN, BOB, on=False)], T0)
    await store.commit([pin(3, on=False, room=DIRECT, user=BOB)], T0)
    await store.commit([pin(3, room=DIRECT, user=BOB)], T0)
    assert await pinned(store, room=DIRECT, viewer=ANN) == ([1], False)
    numbers = [event.seq for event in await timeline(store, DIRECT, ANN)]
    assert numbers == list(range(1, 8))


async def test_pins_of_somebody_erased_go_with_him(store: Store) -> None:
    """And nobody pins for him from then on."""
    cy = UserName("cyd")
    room = RoomName("@ann,cyd")
    members = dict.fromkeys((ANN, cy), Role.MEMBER)
    await store.commit(
        [
            d.AddUser(cy, cy, AccountRole.USER, None),
            d.CreateRoom(room, EPOCH, PLAIN, members),
            say("a", room=room),
            say("b", room=room),
            pin(1, room=room),
            d.EraseUser(cy, None, None),
            pin(2, room=room),
        ],
        T0,
    )
    assert await pinned(store, room=room) == ([2, 1], False)
    assert await store.pins(
        room, first=Seq(1), after=None, limit=9, upto=Seq(99), viewer=cy
    ) == ([], False)
