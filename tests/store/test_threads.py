"""Threads, as every store keeps, counts and shows them."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.changes import Appended, FollowSet, ThreadRead
from chatd.core.mentions import Mentions
from chatd.enums import AccountRole
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store import answers
from chatd.wire import events as e
from chatd.wire.replies import ThreadShown
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DIRECT,
    LOBBY,
    T0,
    delete,
    edit,
    one,
    page,
    refused,
    say,
    timeline,
)

NOWHERE = RoomName("nowhere")
NOBODY = UserName("nobody")
NAMELESS = UserName("erased~aaaa")


def answer(
    to: int,
    text: str = "re",
    *,
    user: UserName = ANN,
    room: RoomName = LOBBY,
    cid: str | None = None,
    mentions: Mentions | None = None,
) -> d.NewMessage:
    """A reply of ann's in a thread."""
    draft = say(text, cid, user=user, room=room, reply_to=to)
    draft.thread, draft.mentions = True, mentions
    return draft


def follow(root: int, user: UserName, *, on: bool = True) -> d.SetFollow:
    """A thread of the lobby is followed, or no longer."""
    return d.SetFollow(LOBBY, user, Seq(root), on)


def mark(root: int, user: UserName, seq: int) -> d.MarkThread:
    """A thread of the lobby is read."""
    return d.MarkThread(LOBBY, user, Seq(root), Seq(seq))


async def appended(store: Store, draft: d.Draft) -> Appended:
    """What the one change of a draft is."""
    outcome = await one(store, draft)
    assert isinstance(outcome, d.Committed)
    (change,) = outcome.changes
    assert isinstance(change, Appended)
    return change


async def told(store: Store, draft: d.Draft) -> tuple[object, object]:
    """Who follows by a draft, and for whom something is unread by it."""
    change = await appended(store, draft)
    return change.followed, change.unread


async def shown(
    store: Store, viewer: UserName = ANN, room: RoomName = LOBBY, root: int = 1
) -> ThreadShown | None:
    """What history shows of a thread."""
    found = {message.seq: message for message in await page(store, room, viewer)}
    return found[Seq(root)].replies


async def state(store: Store, user: UserName, root: int = 1) -> tuple[bool, int]:
    """Whether somebody follows a thread, and how much of it he has not read."""
    thread = await shown(store, user, root=root)
    assert thread is not None
    return thread.follow, thread.unread


async def read(
    store: Store, root: int, viewer: UserName = ANN, limit: int = 100
) -> tuple[int | None, list[int], bool]:
    """The seqs of a thread: the first message, and the newest page."""
    first, messages, more = await store.thread(
        LOBBY,
        Seq(root),
        before=None,
        after=None,
        limit=limit,
        upto=Seq(10**6),
        viewer=viewer,
    )
    seqs: list[int] = [message.seq for message in messages]
    return None if first is None else first.seq, seqs, more


async def followed(
    store: Store, user: UserName, *, unread: bool = False
) -> list[tuple[RoomName, int]]:
    """The threads that somebody follows."""
    found, more = await store.threads(user, None, 100, unread=unread)
    assert not more
    return [(listed.room, listed.message.seq) for _, listed in found]


# --- what is in a thread ----------------------------------------------------------


async def test_there_is_one_level(store: Store) -> None:
    """A reply to what is in a thread is in the same one, if it says so."""
    drafts = [say("a"), answer(1), answer(2, user=BOB), say("b", reply_to=3)]
    outcomes = await store.commit(drafts, T0)
    events = [o.event for o in outcomes if isinstance(o, d.Committed)]
    messages = [event for event in events if isinstance(event, e.Message)]
    assert [message.reply_to for message in messages] == [None, 1, 2, 3]
    assert [message.thread for message in messages] == [None, 1, 1, None]
    later = await appended(store, answer(3))
    assert isinstance(later.event, e.Message)
    assert later.event.thread == 1
    replayed = await timeline(store)
    kept = [event.thread for event in replayed if isinstance(event, e.Message)]
    assert kept == [None, 1, 1, None, 1]
    assert [m.thread for m in await page(store)] == kept


async def test_a_message_shows_its_thread(store: Store) -> None:
    """How many, the newest, and the first three who have written there."""
    dan = UserName("dan")
    await one(store, d.AddUser(dan, "dan", AccountRole.USER, None))
    await store.commit([say("a"), say("b")], T0)
    assert [m.replies for m in await page(store)] == [None, None]
    for at, user in enumerate([BOB, ANN, BOB, CY, dan]):
        await one(store, answer(1, user=user), T0 + at)
    first, second, *_ = await page(store, viewer=NOBODY)
    assert first.replies == ThreadShown(5, Seq(7), T0 + 4, [BOB, ANN, CY])
    assert second.replies is None


async def test_what_was_deleted_does_not_count(store: Store) -> None:
    """Nor does who has nothing else there; without replies nothing is shown."""
    drafts = [say("a"), answer(1), answer(1, user=BOB), answer(1, user=BOB)]
    await store.commit(drafts, T0)
    await one(store, delete(4, user=BOB))
    assert await shown(store, CY) == ThreadShown(2, Seq(3), T0, [ANN, BOB])
    await one(store, delete(2))
    assert await shown(store, CY) == ThreadShown(1, Seq(3), T0, [BOB])
    await one(store, delete(3, user=BOB))
    assert await shown(store, CY) is None
    assert await read(store, 1) == (1, [2, 3, 4], False)
    await one(store, answer(3))
    assert await shown(store, CY) == ThreadShown(1, Seq(8), T0, [ANN])


async def test_a_first_message_that_was_deleted_keeps_its_thread(
    store: Store,
) -> None:
    """It is shown, read and gone on with."""
    await store.commit([say("a"), answer(1, user=BOB), delete(1), answer(1)], T0)
    assert await shown(store, CY) == ThreadShown(2, Seq(4), T0, [BOB, ANN])
    assert await read(store, 1) == (1, [2, 4], False)


async def test_the_thread_is_part_of_what_a_cid_was_used_for(store: Store) -> None:
    """The same again is no second reply; the same text for the room is another."""
    await store.commit([say("a"), answer(1, cid="x")], T0)
    again = await one(store, answer(1, cid="x"))
    assert again == d.Duplicate(Seq(2), T0, recalled=True)
    assert isinstance(await one(store, say("re", "x", reply_to=1)), d.Conflict)
    assert (await shown(store, CY)) == ThreadShown(1, Seq(2), T0, [ANN])


async def test_a_thread_is_read_in_pages(store: Store) -> None:
    """From either end, without what is said beside it, and not beyond a seq."""
    await one(store, say("a"))
    for _ in range(3):
        await store.commit([answer(1), say("b")], T0)
    assert await read(store, 1, limit=2) == (1, [4, 6], True)
    assert await read(store, 1, limit=3) == (1, [2, 4, 6], False)
    assert await read(store, 3) == (3, [], False)
    assert await read(store, 99) == (None, [], False)

    async def part(before: int | None, after: int | None, upto: int) -> object:
        first, messages, more = await store.thread(
            LOBBY,
            Seq(1),
            before=None if before is None else Seq(before),
            after=None if after is None else Seq(after),
            limit=1,
            upto=Seq(upto),
            viewer=ANN,
        )
        assert first is not None
        return [message.seq for message in messages], more

    assert await part(6, None, 99) == ([4], True)
    assert await part(4, None, 99) == ([2], False)
    assert await part(None, 2, 99) == ([4], True)
    assert await part(None, 4, 5) == ([], False)
    assert await part(None, None, 5) == ([4], True)
    nothing = await store.thread(
        NOWHERE, Seq(1), before=None, after=None, limit=1, upto=Seq(9), viewer=ANN
    )
    assert nothing == (None, [], False)


# --- who follows, and what is unread ------------------------------------------------


async def test_who_has_to_do_with_a_thread_follows_it(store: Store) -> None:
    """Who has written the first message, whom it or a reply names, and who writes."""
    first = say("@cy")
    first.mentions = Mentions((CY,))
    await one(store, first)
    assert await told(store, answer(1, user=BOB)) == ((ANN, BOB, CY), (ANN, CY))
    assert await state(store, ANN) == (True, 1)
    assert await state(store, BOB) == (True, 0)
    assert await state(store, CY) == (True, 1)
    await store.commit([say("b", user=BOB)], T0)
    assert await told(store, answer(3, user=BOB)) == ((BOB,), ())
    named = answer(3, user=BOB, mentions=Mentions((CY, NOBODY)))
    assert await told(store, named) == ((CY,), (CY,))
    assert await told(store, answer(3, user=ANN)) == ((ANN,), (BOB,))
    assert await state(store, CY, 3) == (True, 2)


async def test_everybody_who_is_addressed_does_not_follow(store: Store) -> None:
    """That would be a room's worth of rows for each message."""
    everybody = Mentions(everybody=True)
    first = say("@all")
    first.mentions = everybody
    await one(store, first)
    reply = answer(1, mentions=everybody)
    assert await told(store, reply) == ((ANN,), ())
    edited = edit(2, "@all!")
    edited.mentions = everybody
    assert await told(store, edited) == ((), ())


async def test_a_state_is_told_when_it_changes(store: Store) -> None:
    """Of several replies the first; again when those have been read."""
    await store.commit([say("a"), answer(1, user=BOB)], T0)
    assert await told(store, answer(1, user=BOB)) == ((), ())
    assert await state(store, ANN) == (True, 2)
    changed = d.Committed((ThreadRead(LOBBY, ANN, Seq(1), Seq(3)),))
    assert await one(store, mark(1, ANN, 99)) == changed
    assert await state(store, ANN) == (True, 0)
    assert await one(store, mark(1, ANN, 2)) == d.Duplicate()
    assert await told(store, answer(1, user=BOB)) == ((), (ANN,))
    assert await state(store, ANN) == (True, 1)
    assert await told(store, answer(1)) == ((), (BOB,))
    assert await state(store, ANN) == (True, 0)


async def test_an_edit_that_names_somebody_has_him_follow(store: Store) -> None:
    """From that reply on; only where it is one, and only whom it is news to."""
    await store.commit([say("a"), answer(1), answer(1)], T0)
    for of, followed_by in ((1, ()), (2, (CY,)), (3, ())):
        draft = edit(of, "@cy")
        draft.mentions = Mentions((CY,))
        change = await appended(store, draft)
        assert (change.followed, change.unread) == (followed_by, followed_by)
    assert await state(store, CY) == (True, 2)


async def test_one_follows_as_one_says(store: Store) -> None:
    """Who does not want to is not made to by being addressed, but by writing."""
    await store.commit([say("a"), answer(1)], T0)
    on, off = follow(1, BOB), follow(1, BOB, on=False)
    assert await one(store, on) == d.Committed((FollowSet(LOBBY, BOB, Seq(1), True),))
    assert await one(store, on) == d.Duplicate()
    assert await state(store, BOB) == (True, 0)
    await one(store, answer(1))
    assert await state(store, BOB) == (True, 1)
    assert await one(store, off) == d.Committed((FollowSet(LOBBY, BOB, Seq(1), False),))
    assert await one(store, off) == d.Duplicate()
    assert await state(store, BOB) == (False, 0)
    assert await one(store, mark(1, BOB, 3)) == d.Duplicate()
    named = answer(1, mentions=Mentions((BOB,)))
    assert await told(store, named) == ((), ())
    assert await told(store, answer(1, user=BOB)) == ((BOB,), (ANN,))
    assert await state(store, BOB) == (True, 0)


async def test_a_thread_has_to_be_there_to_be_followed(store: Store) -> None:
    """Somebody has replied there, and the first message is kept."""
    await store.commit([say("a"), say("b"), answer(2)], T0)
    for draft, code in (
        (follow(1, BOB), RejectCode.NO_MESSAGE),
        (follow(3, BOB), RejectCode.NO_MESSAGE),
        (d.SetFollow(NOWHERE, BOB, Seq(2), True), RejectCode.NO_ROOM),
        (follow(2, NOBODY), RejectCode.NO_USER),
        (d.MarkThread(NOWHERE, BOB, Seq(2), Seq(3)), RejectCode.NO_ROOM),
        (mark(2, NOBODY, 3), RejectCode.NO_USER),
    ):
        assert refused(await one(store, draft)) is code
    assert await one(store, mark(1, BOB, 3)) == d.Duplicate()


async def test_what_was_deleted_is_not_unread(store: Store) -> None:
    """When all that was is gone, nothing is."""
    await store.commit([say("a"), answer(1, user=BOB), answer(1, user=BOB)], T0)
    await one(store, delete(3, user=BOB))
    assert await state(store, ANN) == (True, 1)
    await one(store, mark(1, ANN, 2))
    await one(store, answer(1, user=BOB))
    assert await followed(store, ANN, unread=True) == [(LOBBY, 1)]
    await one(store, delete(5, user=BOB))
    assert await followed(store, ANN, unread=True) == []
    assert await state(store, ANN) == (True, 0)


async def test_counting_stops(store: Store) -> None:
    """A page of history has a hundred threads."""
    await store.commit([say("a"), *(answer(1, user=BOB) for _ in range(120))], T0)
    assert await state(store, ANN) == (True, answers.THREAD_UNREAD_MAX)


async def test_the_threads_of_all_rooms_are_listed(store: Store) -> None:
    """The one that has changed last first, page by page; or what is unread of them."""
    await store.commit(
        [
            say("a"),
            say("b", room=DIRECT, user=BOB),
            answer(1, user=BOB),
            answer(1, room=DIRECT),
            say("c"),
            answer(3, user=BOB),
        ],
        T0,
    )
    assert await followed(store, ANN) == [(LOBBY, 3), (DIRECT, 1), (LOBBY, 1)]
    assert await followed(store, ANN, unread=True) == [(LOBBY, 3), (LOBBY, 1)]
    assert await followed(store, NOBODY) == []
    (found,), more = await store.threads(ANN, None, 1, unread=True)
    assert more
    assert found[1].message.replies is not None
    assert found[1].message.replies.unread == 1
    (other,), more = await store.threads(ANN, found[0], 1, unread=True)
    assert (other[1].message.seq, more) == (1, False)
    await store.commit([answer(1, user=BOB), mark(3, ANN, 9)], T0)
    assert await followed(store, ANN, unread=True) == [(LOBBY, 1)]


async def test_what_is_in_threads_is_counted_apart(store: Store) -> None:
    """It is unread in the room as ever, for clients that know of no threads."""
    await store.commit([say("a"), answer(1), say("b"), answer(1), delete(4)], T0)
    counts = await store.unread(BOB, [(LOBBY, Seq(0), Seq(5)), (LOBBY, Seq(2), Seq(5))])
    assert counts == [(3, 0, 1), (1, 0, 0)]


# --- what goes ----------------------------------------------------------------------


async def test_a_thread_goes_with_its_first_message(store: Store) -> None:
    """What is kept of the replies is read on, and nobody adds to it."""
    await store.commit(
        [say("a"), answer(1, user=BOB), say("b"), answer(1), answer(3, user=BOB)], T0
    )
    await one(store, d.TrimRoom(LOBBY, None, 3, 100, 10**6))
    assert [m.seq for m in await page(store)] == [3, 4, 5]
    assert await read(store, 1) == (None, [4], False)
    assert await followed(store, ANN) == [(LOBBY, 3)]
    assert refused(await one(store, follow(1, ANN))) is RejectCode.NO_MESSAGE
    assert await one(store, mark(1, ANN, 5)) == d.Duplicate()
    assert refused(await one(store, answer(4))) is RejectCode.NO_MESSAGE
    plain = say("re", reply_to=4)
    assert isinstance(await one(store, plain), d.Committed)
    named = edit(4, "@cy")
    named.mentions = Mentions((CY,))
    assert await told(store, named) == ((), ())
    await one(store, delete(4))
    assert await shown(store, ANN, root=3) == ThreadShown(
        1, Seq(5), T0, [BOB], follow=True, unread=1
    )


async def test_a_step_of_trimming_has_not_too_many_who_follow(store: Store) -> None:
    """As it has not too many reactions."""
    await store.commit(
        [say("a"), say("b"), answer(1), answer(1, user=BOB), answer(2, user=BOB)], T0
    )
    step = d.TrimRoom(LOBBY, None, 1, 2, 10**6)
    outcome = await one(store, step)
    assert isinstance(outcome, d.Trimmed)
    assert [m.seq for m in await page(store)] == [2, 3, 4, 5]
    await one(store, step)
    assert [m.seq for m in await page(store)] == [4, 5]


@pytest.mark.parametrize("nameless", [None, NAMELESS])
async def test_who_is_erased_follows_nothing(
    store: Store, nameless: UserName | None
) -> None:
    """What he wrote does not count any more, or belongs to somebody else."""
    await store.commit([say("a"), answer(1, user=BOB), answer(1)], T0)
    await one(store, d.EraseUser(BOB, None, nameless))
    while await followed(store, BOB) or (
        nameless is None and not (await page(store))[1].deleted
    ):
        """The tender does a step after each commit."""
    if nameless is None:
        expected = ThreadShown(1, Seq(3), T0, [ANN])
    else:
        expected = ThreadShown(2, Seq(3), T0, [nameless, ANN])
    assert await shown(store, CY) == expected
    assert await told(store, answer(1, user=CY)) == ((CY,), (ANN,))


# --- what is hidden -----------------------------------------------------------------


async def test_what_is_hidden_counts_for_its_author_alone(store: Store) -> None:
    """He cannot tell, and the other one has nothing unread by it."""
    first = [say("a", room=DIRECT), answer(1, user=BOB, room=DIRECT)]
    await store.commit([*first, d.SetBlock(ANN, BOB, on=True)], T0)
    hidden = await appended(store, answer(1, user=BOB, room=DIRECT))
    assert hidden.hidden
    assert (hidden.followed, hidden.unread) == ((), ())
    mine = await shown(store, ANN, DIRECT)
    theirs = await shown(store, BOB, DIRECT)
    assert mine == ThreadShown(1, Seq(2), T0, [BOB], follow=True, unread=1)
    assert theirs == ThreadShown(2, Seq(3), T0, [BOB], follow=True)
    await one(store, d.MarkThread(DIRECT, ANN, Seq(1), Seq(2)))
    assert await followed(store, ANN, unread=True) == []
    # An edit hides what was seen before, too.
    edited = d.EditMessage(DIRECT, BOB, Cid("e"), Seq(2), "b")
    await one(store, edited)
    assert await shown(store, ANN, DIRECT) is None
    assert await shown(store, BOB, DIRECT) == theirs
    await one(store, d.DeleteMessage(DIRECT, BOB, None, Seq(3)))
    assert await shown(store, BOB, DIRECT) == ThreadShown(
        1, Seq(2), T0, [BOB], follow=True
    )
    await one(store, answer(1, room=DIRECT))
    assert await shown(store, ANN, DIRECT) == ThreadShown(
        1, Seq(6), T0, [ANN], follow=True
    )
    assert await shown(store, BOB, DIRECT) == ThreadShown(
        2, Seq(6), T0, [BOB, ANN], follow=True, unread=1
    )


async def test_a_thread_that_begins_hidden_is_followed_when_it_is_seen(
    store: Store,
) -> None:
    """Its first message's author is told of the first reply that he sees."""
    await store.commit([say("a", room=DIRECT), d.SetBlock(ANN, BOB, on=True)], T0)
    await one(store, answer(1, user=BOB, room=DIRECT))
    assert await followed(store, ANN) == []
    await one(store, d.SetBlock(ANN, BOB, on=False))
    draft = answer(1, user=BOB, room=DIRECT)
    assert await told(store, draft) == ((ANN,), (ANN,))
    assert await shown(store, ANN, DIRECT) == ThreadShown(
        1, Seq(3), T0, [BOB], follow=True, unread=1
    )
