"""What trimming promises, on every implementation of the store."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.core import drafts as d
from chatd.core.changes import RoomTrimmed
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.wire import events as e
from tests.store.support import (
    ANN,
    BOB,
    DAY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    Site,
    delete,
    edit,
    one,
    page,
    react,
    refused,
    row,
    say,
    seqs,
    timeline,
    trimmed,
)


async def trim(
    store: Store,
    keep: int | None = None,
    before: int | None = None,
    *,
    room: RoomName = LOBBY,
    rows: int = 1000,
    text_bytes: int = 10**6,
) -> tuple[int, bool]:
    """Do one step; where the room begins then, and whether there is more."""
    outcome = await one(store, d.TrimRoom(room, before, keep, rows, text_bytes))
    assert isinstance(outcome, d.Trimmed)
    assert outcome.event is None
    (change,) = outcome.changes
    assert isinstance(change, RoomTrimmed)
    return change.first, outcome.more


async def kept(store: Store) -> list[int]:
    """The seqs of the lobby that can be read."""
    return [event.seq for event in await timeline(store)]


async def test_so_many_messages_are_kept(store: Store) -> None:
    """Messages count, events do not; all below the oldest kept message goes."""
    await store.commit(
        [say("a"), react(1, "👍"), say("b"), edit(3, "B"), say("c"), react(5, "👍")], T0
    )
    assert await trim(store, 4) == (1, False)
    assert await trim(store, 3) == (1, False)
    assert await trim(store, 2) == (3, False)
    assert await kept(store) == [3, 4, 5, 6]
    assert [message.text for message in await page(store)] == ["B", "c"]
    assert await trim(store, 1) == (5, False)
    assert await kept(store) == [5, 6]


async def test_events_before_the_oldest_message_go_too(store: Store) -> None:
    """A room that has as many messages as it keeps begins with one."""
    joined = d.SetMember(LOBBY, UserName("cy"), Role.MEMBER, event=True)
    await store.commit([joined, say("a"), say("b")], T0)
    assert await trim(store, 2) == (2, False)


async def test_a_deleted_message_counts(store: Store) -> None:
    """Its place in the timeline is still a message's."""
    await store.commit([say("a"), say("b"), say("c"), delete(2)], T0)
    assert await trim(store, 2) == (2, False)


async def test_what_is_old_goes(store: Store) -> None:
    """Messages and events alike, up to the first that is young enough."""
    await store.commit([say("a"), react(1, "👍")], T0)
    await store.commit([react(1, "👎"), say("b")], T0 + DAY)
    assert await trim(store, before=T0) == (1, False)
    assert await trim(store, before=T0 + 1) == (3, False)
    assert await kept(store) == [3, 4]
    assert await trim(store, before=T0 + DAY + 1) == (5, False)
    assert await kept(store) == []
    assert (await row(store)).first == 5
    assert await trim(store, before=T0 + DAY + 1) == (5, False)


async def test_a_minute_in_the_future_goes_with_its_time(store: Store) -> None:
    """What came after it shows how old it is, however it is stamped."""
    moments = [(0, 0), (40 * DAY, 60_000), (120_000, 120_000), (2 * DAY, 2 * DAY)]
    for now, certain in moments:
        await store.commit([say("a"), say("b")], T0 + now, T0 + certain)
    assert await trim(store, before=T0 + 120_000) == (3, False)
    assert await trim(store, before=T0 + 120_001) == (7, False)
    assert await kept(store) == [7, 8]
    assert await trim(store, before=T0 + 40 * DAY) == (9, False)


async def test_a_minute_in_the_past_goes_with_what_was_before_it(store: Store) -> None:
    """Nothing shows that it is older than that, whatever the clock said."""
    moments = [(0, 0), (-40 * DAY, 60_000), (-40 * DAY + 1, 60_001), (DAY, DAY)]
    for now, certain in moments:
        await store.commit([say("a")], T0 + now, T0 + certain)
    assert await trim(store, before=T0) == (1, False)
    assert await trim(store, before=T0 + 1) == (4, False)


async def test_a_clock_that_was_put_back_and_was_right_then(store: Store) -> None:
    """It is told so only where that was certain at the time; else what it had said
    before counts.
    """
    await store.commit([say("a")], T0 + 40 * DAY)
    await store.commit([say("b")], T0, T0 + 40 * DAY)
    await store.commit([say("c")], T0 + 1, T0 + 1)
    assert await trim(store, before=T0 + DAY) == (1, False)
    await store.commit([say("d")], T0 + 2 * DAY)
    assert await trim(store, before=T0 + DAY) == (1, False)
    await store.commit([say("e")], T0 + 41 * DAY)
    assert await trim(store, before=T0 + 40 * DAY + 1) == (5, False)


async def test_a_step_ends_where_it_must_also_beside_a_jump(store: Store) -> None:
    """Rows are counted as ever."""
    for now in (0, 40 * DAY, 60_000, 120_000):
        await store.commit([say("a"), say("b")], T0 + now, T0 + now % DAY)
    steps = [await trim(store, before=T0 + 120_001, rows=3) for _ in range(4)]
    assert steps == [(4, True), (7, True), (9, False), (9, False)]


async def test_whichever_keeps_less_holds(store: Store) -> None:
    """Both bounds at once; neither is no bound."""
    await store.commit([say("a"), say("b")], T0)
    await store.commit([say("c"), say("d")], T0 + DAY)
    assert await trim(store) == (1, False)
    assert await trim(store, 3, T0) == (2, False)
    assert await trim(store, 3, T0 + DAY) == (3, False)
    assert await trim(store, 1, T0 + DAY) == (4, False)


async def test_a_step_is_bounded_by_rows(store: Store) -> None:
    """Each step says that there is more, until there is not."""
    await store.commit([say(str(number)) for number in range(7)], T0)
    steps = [await trim(store, 1, rows=2) for _ in range(4)]
    assert steps == [(3, True), (5, True), (7, False), (7, False)]
    old = [await trim(store, before=T0 + 1, rows=1) for _ in range(2)]
    assert old == [(8, False), (8, False)]


@pytest.mark.parametrize("rows", [3, 4, 5])
async def test_a_step_that_ends_where_all_is_done_says_so(
    store: Store, rows: int
) -> None:
    """By age too: `more` is said only where a row is left that has to go."""
    await store.commit([say(str(number)) for number in range(4)], T0)
    await store.commit([say("young")], T0 + DAY)
    assert await trim(store, before=T0 + 1, rows=rows) == (min(rows, 4) + 1, rows == 3)


async def test_a_step_is_bounded_by_text(store: Store) -> None:
    """In bytes of UTF-8; a message that is longer than that goes alone."""
    await store.commit([say(text) for text in ("aaaa", "éé", "bbbbbb", "c", "d")], T0)
    steps = [await trim(store, 1, text_bytes=4) for _ in range(4)]
    assert steps == [(2, True), (3, True), (4, True), (5, False)]


async def test_a_step_is_bounded_by_reactions(store: Store) -> None:
    """Those of one message go together, however many there are."""
    await store.commit(
        [
            say("a"),
            say("b"),
            say("c"),
            *(react(2, chr(0x1F600 + number)) for number in range(5)),
            react(1, "👍"),
            say("d"),
        ],
        T0,
    )
    steps = [await trim(store, 1, rows=4) for _ in range(5)]
    assert steps == [(2, True), (3, True), (7, True), (10, False), (10, False)]


async def test_what_is_kept_may_point_below_the_beginning(store: Store) -> None:
    """A reply keeps its `reply_to`; an edit or a reaction tells of nothing any more."""
    await store.commit(
        [say("a"), say("b"), edit(1, "A"), react(1, "👍"), say("c", reply_to=1)], T0
    )
    await store.commit([delete(2)], T0)
    assert await trim(store, 1) == (5, False)
    await store.commit([react(5, "👍")], T0)
    common: dict[str, Any] = {"room": LOBBY, "ts": T0, "sender": ANN}
    assert await timeline(store) == [
        e.Message(**common, seq=Seq(5), text="c", reply_to=Seq(1)),
        e.Delete(**common, seq=Seq(6), of=Seq(2)),
        e.React(**common, seq=Seq(7), of=Seq(5), emoji="👍", on=True),
    ]


async def test_an_event_about_what_is_gone_has_no_content(store: Store) -> None:
    """As if its message had been deleted."""
    await store.commit([say("a"), say("b"), edit(1, "A"), react(1, "👍")], T0)
    assert await trim(store, 1) == (2, False)
    common: dict[str, Any] = {"room": LOBBY, "ts": T0, "sender": ANN, "of": Seq(1)}
    assert (await timeline(store))[1:] == [
        e.Edit(**common, seq=Seq(3), text=None, deleted=True),
        e.React(**common, seq=Seq(4), emoji=None, on=None, deleted=True),
    ]


async def test_nothing_can_be_done_with_what_is_gone(store: Store) -> None:
    """Edits, deletions, reactions and replies find no message."""
    await store.commit([say("a"), react(1, "👍"), say("b")], T0)
    assert await trim(store, 1) == (3, False)
    outcomes = await store.commit(
        [edit(1, "x"), delete(1), react(1, "👍"), say("re", reply_to=1)], T0
    )
    assert {refused(outcome) for outcome in outcomes} == {RejectCode.NO_MESSAGE}


async def test_a_retry_of_what_is_gone_is_still_a_retry(store: Store) -> None:
    """The cid answers the first seq and ts, and tells other content from it."""
    await store.commit([say("a", "c1"), edit(1, "A", "c2"), say("b")], T0)
    assert await trim(store, 1) == (3, False)
    assert await one(store, say("a", "c1"), T0 + 9) == d.Duplicate(Seq(1), T0)
    assert await one(store, edit(1, "A", "c2"), T0 + 9) == d.Duplicate(Seq(2), T0)
    assert await one(store, say("x", "c1"), T0 + 9) == d.Conflict()


async def test_the_numbering_goes_on(store: Store) -> None:
    """Head, epoch and time stay, also of a room of which nothing is left."""
    await store.commit([say("a"), say("b")], T0 + 5)
    assert await trim(store, before=T0 + 6) == (3, False)
    found = await row(store)
    assert (found.epoch, found.head, found.first) == (EPOCH, 2, 3)
    outcomes = await store.commit([say("c")], T0)
    assert seqs(outcomes) == [3]
    assert [event.ts for event in await timeline(store)] == [T0 + 5]
    assert (await row(store)).first == 3


async def test_reads_begin_where_the_room_does(store: Store) -> None:
    """Pages, the newest messages and unread counts know nothing below it."""
    await store.commit([say(str(number)) for number in range(1, 6)], T0)
    assert await trim(store, 2) == (4, False)
    assert [m.seq for m in await page(store)] == [4, 5]
    assert await store.history(
        LOBBY, before=Seq(4), after=None, limit=9, upto=Seq(5), viewer=ANN
    ) == ([], [], False)
    events = await store.events(LOBBY, Seq(1), Seq(9), 9, 0, ANN)
    assert [event.seq for event in events] == [4, 5]
    assert await store.events(LOBBY, Seq(0), Seq(3), 9, 0, ANN) == []
    assert await store.nth_newest(LOBBY, 5, Seq(5)) == 4
    assert await store.unread(BOB, [(LOBBY, Seq(0), Seq(5))]) == [(2, 0, 0)]


async def test_other_rooms_are_left_alone(store: Store) -> None:
    """One room's beginning is no other's; a room that is not there is refused."""
    await store.commit([say("a"), say("b"), say("c", room=DIRECT)], T0)
    await store.commit([say("d", room=DIRECT)], T0)
    assert await trim(store, 1) == (2, False)
    assert len(await timeline(store, DIRECT)) == 2
    assert (await row(store, DIRECT)).first == 1
    assert await trim(store, 1, room=DIRECT) == (2, False)
    nowhere = d.TrimRoom(RoomName("nowhere"), None, 1)
    assert refused(await one(store, nowhere)) is RejectCode.NO_ROOM


async def test_what_was_trimmed_stays_so(site: Site) -> None:
    """A restart finds the room's beginning, and nothing below it."""
    async with site.opened() as store:
        await store.load(T0)
        await store.commit([d.AddUser(ANN, "a", AccountRole.USER, None)], T0)
        await store.commit([d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})], T0)
        await store.commit([say("a"), say("b"), say("c")], T0)
        assert await trim(store, 2) == (2, False)
    async with site.opened() as store:
        assert (await row(store)).first == 2
        assert await kept(store) == [2, 3]
        await store.commit([say("d")], T0)
        assert await trim(store, 2) == (3, False)


async def test_within_one_batch_order_counts(store: Store) -> None:
    """What comes before a step in its batch is counted, what comes after is not."""
    outcomes = await store.commit(
        [say("a"), say("b"), d.TrimRoom(LOBBY, None, 1), say("c")], T0
    )
    assert outcomes[2] == trimmed(2, more=False)
    assert await kept(store) == [2, 3]
    assert await trim(store, 1) == (3, False)
