"""What `chatd.ports.Store` promises, on every implementation."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.changes import LevelSet, SessionOpened, SessionsEnded
from chatd.core.clock import SLIP_MS
from chatd.core.entities import Membership, SessionKept
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.errors import RejectCode
from chatd.ids import (
    Cid,
    Epoch,
    RoomName,
    Seq,
    SessionId,
    UserName,
    session_tag,
)
from chatd.ports import RoomRow, SessionRow, Store, TokenRow, UserRecord, UserRow
from chatd.wire import events as e
from chatd.wire import replies as r
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    DIRECT,
    EPOCH,
    LOBBY,
    STORED,
    T0,
    Site,
    Stored,
    delete,
    edit,
    fill,
    one,
    page,
    react,
    refused,
    row,
    say,
    seqs,
    session_id,
    timeline,
)

GUEST = UserName("dan~4f7k")
NAMELESS = UserName("erased~aaaa")
NOWHERE = RoomName("nowhere")
EMOJI = [chr(0x1F600 + number) for number in range(25)]


async def resumable(store: Store, session: SessionId) -> SessionRow | None:
    """A session, if it is there with whom it is of."""
    found = await store.session(session)
    if found is None:
        return None
    row, user = found
    assert user.user == row.user
    return row


# --- appending ----------------------------------------------------------------


async def test_seq_is_contiguous_over_kinds_and_batches(store: Store) -> None:
    """Whatever its type, an event has the next seq of its room; a refusal none."""
    first = await store.commit(
        [
            say("one"),
            say("two"),
            edit(1, "uno"),
            edit(9, "none"),
            say("three", room=DIRECT),
            react(2, "👍"),
            delete(2),
            react(2, "👍"),
        ],
        T0,
    )
    second = await store.commit(
        [say("four"), d.SetMember(LOBBY, CY, Role.MEMBER, True)], T0
    )
    assert seqs(first) == [1, 2, 3, 0, 1, 4, 5, 0]
    assert seqs(second) == [6, 7]
    assert [event.seq for event in await timeline(store)] == [1, 2, 3, 4, 5, 6, 7]


async def test_an_outcome_carries_the_event_as_it_is_sent(store: Store) -> None:
    """Every kind of event comes back whole, with its sender, room and time."""
    outcomes = await store.commit(
        [
            say("hi", "c1"),
            say("re", user=BOB, reply_to=1),
            edit(1, "hi!"),
            react(1, "👍", user=BOB),
            delete(1),
            d.SetMember(LOBBY, CY, Role.MEMBER, event=True),
            d.SetMember(LOBBY, CY, None, event=True),
        ],
        T0 + 5,
    )
    common: dict[str, Any] = {"room": LOBBY, "ts": T0 + 5}
    assert [getattr(outcome, "event", None) for outcome in outcomes] == [
        e.Message(**common, seq=Seq(1), sender=ANN, text="hi", cid=Cid("c1")),
        e.Message(**common, seq=Seq(2), sender=BOB, text="re", reply_to=Seq(1)),
        e.Edit(**common, seq=Seq(3), sender=ANN, of=Seq(1), text="hi!"),
        e.React(**common, seq=Seq(4), sender=BOB, of=Seq(1), emoji="👍", on=True),
        e.Delete(**common, seq=Seq(5), sender=ANN, of=Seq(1)),
        e.Member(
            **common,
            seq=Seq(6),
            sender=CY,
            user=CY,
            change=MemberChange.JOIN,
            role=Role.MEMBER,
        ),
        e.Member(**common, seq=Seq(7), sender=CY, user=CY, change=MemberChange.LEAVE),
    ]


async def stamps(store: Store, *words: tuple[d.Draft, int]) -> list[int]:
    """The `ts` of what is committed at times."""
    outcomes = [await one(store, draft, now) for draft, now in words]
    return [o.event.ts for o in outcomes if isinstance(o, d.Committed) and o.event]


async def test_ts_waits_for_a_clock_that_is_kept_right(store: Store) -> None:
    """A small step back does not turn a room's time; other rooms follow it."""
    told = await stamps(
        store,
        (say("a"), T0 + SLIP_MS),
        (say("b"), T0),
        (edit(1, "c"), T0 + 1),
        (say("d", room=DIRECT), T0),
        (say("e"), T0 + SLIP_MS + 1),
    )
    assert told == [T0 + SLIP_MS, T0 + SLIP_MS, T0 + SLIP_MS, T0, T0 + SLIP_MS + 1]


async def test_ts_after_a_jump_back_is_what_the_clock_says(store: Store) -> None:
    """Of messages and events, and for how long an act holds; the order is by seq."""
    told = await stamps(
        store,
        (say("a"), T0 + 40 * DAY),
        (say("b"), T0),
        (edit(1, "c"), T0 + 1),
        (react(2, "👍"), T0 - 365 * DAY),
        (say("e"), T0 + 2),
    )
    assert told == [T0 + 40 * DAY, T0, T0 + 1, T0 - 365 * DAY, T0 + 2]
    assert [event.seq for event in await timeline(store)] == [1, 2, 3, 4, 5]
    assert [event.ts for event in await timeline(store)] == told
    await one(store, say("f"), T0 + 40 * DAY)
    mute = d.Moderate(LOBBY, ANN, None, BOB, MemberChange.MUTE, seconds=60)
    muted = await one(store, mute, T0 + 3)
    assert isinstance(muted, d.Committed)
    assert muted.event == e.Member(
        LOBBY, Seq(7), T0 + 3, ANN, BOB, MemberChange.MUTE, until=T0 + 3 + 60_000
    )


async def test_the_first_message_of_a_direct_room_carries_its_epoch(
    store: Store,
) -> None:
    """Nobody joined it, so nobody was told the epoch; later ones carry none."""
    outcomes = await store.commit([say("a", room=DIRECT), say("b", room=DIRECT)], T0)
    live = [o.event for o in outcomes if isinstance(o, d.Committed)]
    assert [getattr(event, "epoch", None) for event in live] == [EPOCH, None]
    assert await timeline(store, DIRECT) == live
    assert isinstance(await one(store, say("a")), d.Committed)
    assert getattr((await timeline(store))[0], "epoch", None) is None


async def test_text_is_kept_exactly(store: Store) -> None:
    """Code points come back as they went in, also those that databases fear.

    But for U+0000, which the wire takes away and PostgreSQL does not take.
    """
    text = "\n\t é é 👩‍👩‍👧 \U0010ffff ' \" -- ; %s ?1"
    await one(store, say(text))
    assert [message.text for message in await page(store)] == [text]


async def test_a_reply_needs_a_message(store: Store) -> None:
    """`reply_to` may be any message of the room, deleted or of the same batch."""
    outcomes = await store.commit(
        [
            say("a"),
            say("b", reply_to=1),
            say("c", reply_to=9),
            say("d", reply_to=3),
            edit(1, "e"),
            delete(1),
            say("f", reply_to=1),
            say("g", reply_to=3),
            say("h", room=DIRECT, reply_to=1),
        ],
        T0,
    )
    assert [refused(outcome) for outcome in outcomes] == [
        None,
        None,
        RejectCode.NO_MESSAGE,
        RejectCode.NO_MESSAGE,
        None,
        None,
        None,
        RejectCode.NO_MESSAGE,
        RejectCode.NO_MESSAGE,
    ]


async def test_unknown_rooms_and_users_are_refused(store: Store) -> None:
    """A draft for a room or a user that is not there stores nothing."""
    nobody = UserName("nobody")
    drafts: list[d.Draft] = [
        say("a", room=NOWHERE),
        say("a", user=nobody),
        edit(1, "a", user=nobody),
        d.SetMember(NOWHERE, ANN, Role.MEMBER, event=True),
        d.SetMember(LOBBY, nobody, Role.MEMBER, event=True),
        d.CreateRoom(NOWHERE, EPOCH, PLAIN, {nobody: Role.OWNER}),
        d.DeclareRoom(NOWHERE, RoomSettings(topic="x")),
        d.SetDisplay(nobody, "x"),
        d.SetPasswordHash(nobody, "x", None),
        d.ChangePassword(nobody, "x", None, session_id("s")),
        d.SetAccountRole(nobody, AccountRole.BOT),
        d.EndSessions(nobody),
        d.OpenSession(session_id("s"), nobody, None, T0),
    ]
    codes = [refused(outcome) for outcome in await store.commit(drafts, T0)]
    no_room, no_user = RejectCode.NO_ROOM, RejectCode.NO_USER
    assert codes == [
        no_room,
        no_user,
        no_user,
        no_room,
        no_user,
        no_user,
        no_room,
        *[no_user] * 6,
    ]
    assert await timeline(store) == []
    assert await store.rooms([NOWHERE]) == []


async def test_a_draft_that_cannot_be_stored_fails_alone(store: Store) -> None:
    """Its neighbours are stored, there is no hole, and no trace of it."""
    twice = d.OpenSession(
        session_id("s"),
        GUEST,
        None,
        T0,
        d.AddUser(GUEST, "dan", AccountRole.GUEST, None),
    )
    outcomes = await store.commit(
        [
            say("a", "c1"),
            say("\ud800", "c2"),
            say("b", "c3"),
            d.OpenSession(session_id("s"), ANN, None, T0),
            twice,
            edit(1, "\udfff"),
            say("c", "c2"),
        ],
        T0,
    )
    assert [refused(outcome) for outcome in outcomes] == [
        None,
        RejectCode.INTERNAL,
        None,
        None,
        RejectCode.INTERNAL,
        RejectCode.INTERNAL,
        None,
    ]
    assert seqs(outcomes) == [1, 0, 2, 0, 0, 0, 3]
    assert [message.text for message in await page(store)] == ["a", "b", "c"]
    assert await store.user(GUEST) is None


# --- cids ---------------------------------------------------------------------


async def test_a_cid_stores_once(site: Site) -> None:
    """A retry answers the first seq and ts: in its batch, later, after a restart."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        first = await store.commit([say("a", "c1"), say("a", "c1"), say("b")], T0)
        assert seqs(first) == [1, 1, 2]
        assert first[1] == d.Duplicate(Seq(1), T0)
        again = await one(store, say("a", "c1"), T0 + DAY)
        assert again == d.Duplicate(Seq(1), T0)
    async with site.opened() as store:
        await store.load(T0 + DAY)
        again = await one(store, say("a", "c1"), T0 + DAY)
        assert again == d.Duplicate(Seq(1), T0)
        assert len(await timeline(store)) == 2


async def test_a_cid_is_remembered_after_edit_and_deletion(store: Store) -> None:
    """Whatever became of the message, its cid answers as before."""
    drafts: list[d.Draft] = [
        say("a", "m"),
        edit(1, "b", "e"),
        react(1, "👍", cid="r"),
        delete(1, "d"),
    ]
    first = await store.commit(drafts, T0)
    again = await store.commit(drafts, T0 + 1)
    assert again == [d.Duplicate(Seq(seq), T0) for seq in seqs(first)]
    assert seqs(first) == [1, 2, 3, 4]


async def test_a_cid_with_other_content_is_a_conflict(store: Store) -> None:
    """The kind, the text, the target and the emoji are content; all are compared."""
    await store.commit([say("a", "c"), say("x"), react(1, "👍", cid="r")], T0)
    others: list[d.Draft] = [
        say("b", "c"),
        say("a", "c", reply_to=2),
        edit(1, "a", "c"),
        delete(1, "c"),
        react(1, "👍", cid="c"),
        react(1, "👎", cid="r"),
        react(2, "👍", cid="r"),
        react(1, "👍", on=False, cid="r"),
    ]
    assert await store.commit(others, T0) == [d.Conflict()] * len(others)
    in_one_batch = await store.commit([say("d", "n"), say("e", "n")], T0)
    assert in_one_batch[1] == d.Conflict()


async def test_a_cid_is_its_users_and_its_rooms(store: Store) -> None:
    """Another user's or room's same cid is another cid."""
    outcomes = await store.commit(
        [say("a", "c"), say("a", "c", user=BOB), say("a", "c", room=DIRECT)], T0
    )
    assert seqs(outcomes) == [1, 2, 1]
    assert all(isinstance(outcome, d.Committed) for outcome in outcomes)


async def test_a_cid_is_looked_at_before_every_rule(store: Store) -> None:
    """A retry learns the truth also where the rules would refuse it by now."""
    await store.commit([say("a"), edit(1, "b", "e"), delete(1)], T0)
    assert await one(store, edit(1, "b", "e")) == d.Duplicate(Seq(2), T0)
    assert await one(store, edit(1, "c", "e")) == d.Conflict()
    assert refused(await one(store, edit(1, "b", "e2"))) is RejectCode.NO_MESSAGE


async def test_a_refused_cid_may_be_used_again(store: Store) -> None:
    """A refusal means that nothing was stored, not even the cid."""
    assert refused(await one(store, edit(1, "b", "c"))) is RejectCode.NO_MESSAGE
    assert isinstance(await one(store, say("a", "c")), d.Committed)


async def test_a_cid_that_changed_nothing_is_remembered_too(store: Store) -> None:
    """Its retry must not be executed after somebody changed the message since."""
    await store.commit(
        [say("a"), edit(1, "a", "e"), react(1, "👍", on=False, cid="r")], T0
    )
    await store.commit([edit(1, "b"), react(1, "👍")], T0 + 1)
    retries = await store.commit(
        [edit(1, "a", "e"), react(1, "👍", on=False, cid="r")], T0 + 2
    )
    assert retries == [d.Duplicate(Seq(1), T0)] * 2
    assert (await page(store))[0].text == "b"


async def test_recall_answers_without_storing(store: Store) -> None:
    """It tells what the cid stored, or a conflict, or the refusal it was given."""
    muted = d.Refused(RejectCode.MUTED, "you are muted")
    await one(store, say("a", "c"))
    recalls: list[d.Draft] = [
        d.Recall(say("a", "c"), muted),
        d.Recall(say("b", "c"), muted),
        d.Recall(say("a", "other"), muted),
        d.Recall(say("a"), muted),
        d.Recall(None, muted),
        d.Recall(say("a", "c", room=NOWHERE), muted),
        d.Recall(say("a", "c", user=UserName("nobody")), muted),
        say("a", "other"),
    ]
    outcomes = await store.commit(recalls, T0)
    assert outcomes[:2] == [d.Duplicate(Seq(1), T0), d.Conflict()]
    assert outcomes[2:7] == [muted] * 5
    assert seqs(outcomes[7:]) == [2]


# --- editing, deleting, reacting ----------------------------------------------


async def test_only_ones_own_is_edited_and_deleted(store: Store) -> None:
    """Somebody else's is `forbidden`; what is no message, or gone, `no_message`."""
    await store.commit([say("a"), edit(1, "b"), say("x"), delete(3)], T0)
    outcomes = await store.commit(
        [
            edit(1, "c", user=BOB),
            delete(1, user=BOB),
            edit(2, "c"),
            delete(2),
            edit(3, "c"),
            delete(3),
            edit(3, "c", user=BOB),
            edit(99, "c"),
            react(3, "👍"),
            react(2, "👍"),
        ],
        T0,
    )
    assert [refused(o) for o in outcomes] == [RejectCode.FORBIDDEN] * 2 + [
        RejectCode.NO_MESSAGE
    ] * 8


async def test_what_changes_nothing_is_a_duplicate_of_what_made_it_so(
    store: Store,
) -> None:
    """The seq and ts are those of the message, edit or reaction that stands.

    A reaction that does not stand is nowhere, so its message's are told.
    """
    await one(store, say("a"), T0)
    assert await one(store, edit(1, "a")) == d.Duplicate(Seq(1), T0)
    await one(store, edit(1, "b"), T0 + 2)
    assert await one(store, edit(1, "b"), T0 + 9) == d.Duplicate(Seq(2), T0 + 2)
    assert await one(store, react(1, "👍", on=False)) == d.Duplicate(Seq(1), T0)
    await one(store, react(1, "👍"), T0 + 3)
    assert await one(store, react(1, "👍"), T0 + 9) == d.Duplicate(Seq(3), T0 + 3)
    await one(store, react(1, "👍", on=False), T0 + 4)
    off = await one(store, react(1, "👍", on=False), T0 + 9)
    assert off == d.Duplicate(Seq(1), T0)
    assert len(await timeline(store)) == 4


async def test_a_message_has_twenty_kinds_of_reaction(store: Store) -> None:
    """One more is refused; another's of the same kind is not; room can be made."""
    await one(store, say("a"))
    await store.commit([react(1, emoji) for emoji in EMOJI[:20]], T0)
    full = await store.commit(
        [react(1, EMOJI[20], user=BOB), react(1, EMOJI[0], user=BOB)], T0
    )
    assert refused(full[0]) is RejectCode.BAD_FIELD
    assert isinstance(full[0], d.Refused)
    assert full[0].field == "emoji"
    assert isinstance(full[1], d.Committed)
    freed = await store.commit(
        [react(1, EMOJI[3], on=False), react(1, EMOJI[20], user=BOB)], T0
    )
    assert all(isinstance(outcome, d.Committed) for outcome in freed)


async def test_a_replay_shows_each_event_as_it_is_now(store: Store) -> None:
    """An edited message has its current text, and so has every edit of it."""
    await store.commit(
        [
            say("a", "c"),
            edit(1, "b"),
            react(1, "👍"),
            edit(1, "c"),
            react(1, "👍", on=False),
        ],
        T0,
    )
    common: dict[str, Any] = {"room": LOBBY, "ts": T0, "sender": ANN}
    assert await timeline(store) == [
        e.Message(**common, seq=Seq(1), text="c", cid=Cid("c"), edited=True),
        e.Edit(**common, seq=Seq(2), of=Seq(1), text="c"),
        e.React(**common, seq=Seq(3), of=Seq(1), emoji="👍", on=True),
        e.Edit(**common, seq=Seq(4), of=Seq(1), text="c"),
        e.React(**common, seq=Seq(5), of=Seq(1), emoji="👍", on=False),
    ]


async def test_a_deleted_message_leaves_no_content(store: Store) -> None:
    """Text, edits and reactions are empty; seq, cid and reply_to stay."""
    await store.commit(
        [say("a"), say("b", "c", reply_to=1), edit(2, "e"), react(2, "👍"), delete(2)],
        T0,
    )
    common: dict[str, Any] = {"room": LOBBY, "ts": T0, "sender": ANN}
    assert (await timeline(store))[1:] == [
        e.Message(
            **common, seq=Seq(2), text=None, cid=Cid("c"), reply_to=Seq(1), deleted=True
        ),
        e.Edit(**common, seq=Seq(3), of=Seq(2), text=None, deleted=True),
        e.React(**common, seq=Seq(4), of=Seq(2), emoji=None, on=None, deleted=True),
        e.Delete(**common, seq=Seq(5), of=Seq(2)),
    ]
    assert (await page(store))[1] == r.MessageShown(
        seq=Seq(2),
        ts=T0,
        sender=ANN,
        text=None,
        deleted=True,
        cid=Cid("c"),
        reply_to=Seq(1),
    )


# --- reading ------------------------------------------------------------------


async def test_events_are_bounded_on_every_side(store: Store) -> None:
    """`after` is excluded, `upto` included; limits cut, but never to nothing."""
    await store.commit([say("12345") for _ in range(6)], T0)

    async def read(after: int, upto: int, limit: int, limit_bytes: int) -> list[int]:
        page = await store.events(LOBBY, Seq(after), Seq(upto), limit, limit_bytes, ANN)
        return [event.seq for event in page]

    assert await read(0, 6, 100, 0) == [1, 2, 3, 4, 5, 6]
    assert await read(2, 5, 100, 0) == [3, 4, 5]
    assert await read(5, 5, 100, 0) == []
    assert await read(0, 6, 4, 0) == [1, 2, 3, 4]
    assert await read(0, 6, 100, 10) == [1, 2]
    assert await read(0, 6, 100, 1) == [1]
    assert await store.events(NOWHERE, Seq(0), Seq(9), 9, 0, ANN) == []


async def test_nth_newest_counts_messages_alone(store: Store) -> None:
    """Edits and the like are not counted; deleted messages are."""
    await store.commit(
        [say("a"), edit(1, "b"), say("c"), delete(3), say("d"), react(1, "👍")], T0
    )

    async def nth(count: int, upto: int = 6) -> int:
        return await store.nth_newest(LOBBY, count, Seq(upto))

    assert [await nth(count) for count in (1, 2, 3, 4)] == [5, 3, 1, 1]
    assert await nth(1, upto=4) == 3
    assert await nth(1, upto=0) == 1
    assert await store.nth_newest(NOWHERE, 5, Seq(7)) == 8


async def test_history_pages_both_ways(store: Store) -> None:
    """Pages are in rising seq and say whether there is more where one went."""
    await store.commit([say(str(number)) for number in range(1, 8)], T0)

    async def read(
        before: int | None = None, after: int | None = None, upto: int = 7
    ) -> tuple[list[int], bool]:
        messages, _, more = await store.history(
            LOBBY,
            before=None if before is None else Seq(before),
            after=None if after is None else Seq(after),
            limit=3,
            upto=Seq(upto),
            viewer=ANN,
        )
        return [message.seq for message in messages], more

    assert await read() == ([5, 6, 7], True)
    assert await read(before=5) == ([2, 3, 4], True)
    assert await read(before=4) == ([1, 2, 3], False)
    assert await read(before=1) == ([], False)
    assert await read(before=99) == ([5, 6, 7], True)
    assert await read(after=0) == ([1, 2, 3], True)
    assert await read(after=4) == ([5, 6, 7], False)
    assert await read(after=7) == ([], False)
    assert await read(upto=5) == ([3, 4, 5], True)
    assert await read(after=3, upto=5) == ([4, 5], False)


async def test_history_folds_reactions_in_the_order_they_were_put(
    store: Store,
) -> None:
    """A reaction that was taken away and put again is the newest."""
    await store.commit(
        [
            say("a"),
            react(1, "👍"),
            react(1, "👎", user=BOB),
            react(1, "👍", user=BOB),
            react(1, "👍", on=False),
            react(1, "👍"),
            react(1, "🎉"),
            react(1, "🎉", on=False),
        ],
        T0,
    )
    (shown,) = await page(store)
    assert list(shown.reactions.items()) == [("👎", [BOB]), ("👍", [BOB, ANN])]


async def test_unread_counts_others_messages_that_are_there(store: Store) -> None:
    """One's own, deleted ones and other events do not count; it stops at 999."""
    await store.commit(
        [say("a"), say("b", user=BOB), say("c"), say("d"), edit(3, "e"), delete(4)], T0
    )

    async def count(user: UserName, read: int, upto: int) -> list[tuple[int, int]]:
        found = await store.unread(user, [(LOBBY, Seq(read), Seq(upto))])
        return [(counts.unread, counts.mentions) for counts in found]

    assert await count(BOB, 0, 6) == [(2, 0)]
    assert await count(ANN, 0, 6) == [(1, 0)]
    assert await count(CY, 1, 3) == [(2, 0)]
    assert await count(CY, 6, 6) == [(0, 0)]
    assert await store.unread(CY, [(NOWHERE, Seq(0), Seq(9))] * 2) == [(0, 0, 0)] * 2
    assert await store.unread(CY, []) == []
    await store.commit([say("x") for _ in range(1100)], T0)
    assert await count(BOB, 0, 2000) == [(999, 0)]


# --- rooms and members --------------------------------------------------------


async def test_a_room_is_created_once(store: Store) -> None:
    """Creating it again changes nothing, not even its epoch and members."""
    name = RoomName("tea")
    first = d.CreateRoom(
        name, Epoch("a" * 16), RoomSettings(topic="leaves"), {ANN: Role.OWNER}
    )
    other = d.CreateRoom(name, Epoch("b" * 16), PLAIN, {BOB: Role.OWNER})
    assert await store.commit([first, other], T0) == [STORED, d.Duplicate()]
    room = await row(store, name)
    assert room == RoomRow(
        name,
        Epoch("a" * 16),
        Seq(0),
        Seq(1),
        0,
        RoomSettings(topic="leaves"),
        {ANN: Membership(Role.OWNER, Seq(0))},
    )


async def test_a_room_may_begin_with_its_first_members_join(store: Store) -> None:
    """With `event` the first member's join is seq 1, and read by its members."""
    name = RoomName("tea")
    create = d.CreateRoom(
        name, EPOCH, PLAIN, {BOB: Role.OWNER, ANN: Role.MEMBER}, event=True
    )
    join = e.Member(name, Seq(1), T0, BOB, BOB, MemberChange.JOIN, Role.OWNER)
    assert await one(store, create) == Stored(join)
    assert await timeline(store, name) == [join]
    room = await row(store, name)
    assert (room.head, room.last_ts) == (1, T0)
    assert [member.read for member in room.members.values()] == [1, 1]
    empty = d.CreateRoom(RoomName("nobodys"), EPOCH, PLAIN, {}, event=True)
    assert await one(store, empty) == STORED


async def test_membership_changes_with_or_without_an_event(store: Store) -> None:
    """Silent changes have no seq; what is so already is a duplicate."""
    await one(store, say("a"))
    outcomes = await store.commit(
        [
            d.SetMember(LOBBY, CY, None, event=True),
            d.SetMember(LOBBY, CY, Role.MEMBER, event=False),
            d.SetMember(LOBBY, CY, Role.MEMBER, event=True),
            d.SetMember(LOBBY, CY, Role.MODERATOR, event=True),
            d.SetMember(LOBBY, BOB, None, event=False),
            d.SetMember(LOBBY, BOB, None, event=True),
        ],
        T0,
    )
    role = e.Member(LOBBY, Seq(2), T0, CY, CY, MemberChange.ROLE, Role.MODERATOR)
    assert outcomes == [
        d.Duplicate(),
        STORED,
        d.Duplicate(),
        Stored(role),
        STORED,
        d.Duplicate(),
    ]
    room = await row(store)
    assert room.members == {
        ANN: Membership(Role.OWNER, Seq(0)),
        CY: Membership(Role.MODERATOR, Seq(1)),
    }


async def test_who_comes_first_into_an_empty_room_may_own_it(store: Store) -> None:
    """The writer decides, and the event tells; a silent join is as it was asked."""
    den = RoomName("den")
    enter = [
        d.SetMember(den, name, Role.MEMBER, True, may_own=True) for name in (ANN, BOB)
    ]
    silent = d.SetMember(den, ANN, Role.MEMBER, event=False, may_own=True)
    leave = [d.SetMember(den, name, None, event=False) for name in (BOB, ANN)]
    outcomes = await store.commit(
        [d.CreateRoom(den, EPOCH, PLAIN, {}), *enter, *leave, silent], T0
    )
    told = [
        e.Member(den, Seq(1), T0, ANN, ANN, MemberChange.JOIN, Role.OWNER),
        e.Member(den, Seq(2), T0, BOB, BOB, MemberChange.JOIN, Role.MEMBER),
    ]
    assert outcomes[1:3] == [Stored(event) for event in told]
    room = await row(store, den)
    assert room.members == {ANN: Membership(Role.MEMBER, Seq(2))}


async def test_a_new_members_read_mark_is_the_head(store: Store) -> None:
    """With an event, the head that the event makes: one's own join is read."""
    await store.commit([say("a"), d.SetMember(LOBBY, CY, Role.MEMBER, event=True)], T0)
    room = await row(store)
    assert {name: m.read for name, m in room.members.items()} == {ANN: 0, BOB: 0, CY: 2}


async def test_a_topic_is_kept(store: Store) -> None:
    """It is state of the room and tells the timeline nothing."""
    assert await one(store, d.DeclareRoom(LOBBY, RoomSettings(topic="tea"))) == STORED
    assert (await row(store)).settings == RoomSettings(topic="tea")
    assert await timeline(store) == []


async def test_read_marks_are_what_is_told_last(store: Store) -> None:
    """Further back, too; a stranger's and an unknown room's change nothing."""
    await store.commit([say("a"), say("b")], T0)
    two, one_ = Seq(2), Seq(1)
    reads = {(LOBBY, ANN): two, (LOBBY, CY): two, (NOWHERE, ANN): two}
    await one(store, d.SaveMarks(reads, {}))
    await one(store, d.SaveMarks({(LOBBY, ANN): one_, (LOBBY, BOB): one_}, {}))
    room = await row(store)
    assert {name: m.read for name, m in room.members.items()} == {ANN: 1, BOB: 1}


async def test_a_level_is_kept_with_the_membership(store: Store) -> None:
    """Each member's for each room; the same again is no change."""
    level = d.SetLevel(LOBBY, BOB, Level.MENTIONS)
    changed = (LevelSet(LOBBY, BOB, Level.MENTIONS),)
    assert await one(store, level) == d.Committed(changed)
    assert await one(store, level) == d.Duplicate(changes=changed)
    room = await row(store)
    assert {name: m.level for name, m in room.members.items()} == {
        ANN: Level.ALL,
        BOB: Level.MENTIONS,
    }
    for draft, code in (
        (d.SetLevel(LOBBY, CY, Level.NOTHING), RejectCode.NOT_MEMBER),
        (d.SetLevel(LOBBY, UserName("nobody"), Level.NOTHING), RejectCode.NO_USER),
        (d.SetLevel(NOWHERE, BOB, Level.NOTHING), RejectCode.NO_ROOM),
    ):
        outcome = await one(store, draft)
        assert isinstance(outcome, d.Refused)
        assert outcome.code == code


async def test_a_level_is_lost_with_the_membership(store: Store) -> None:
    """Who comes back is called for all, as ever; another role changes nothing of it."""
    await store.commit(
        [
            d.SetLevel(LOBBY, BOB, Level.NOTHING),
            d.SetLevel(LOBBY, ANN, Level.NOTHING),
            d.SetMember(LOBBY, BOB, None, event=True),
            d.SetMember(LOBBY, BOB, Role.MEMBER, event=True),
            d.SetMember(LOBBY, ANN, Role.MODERATOR, event=False),
        ],
        T0,
    )
    room = await row(store)
    assert {name: m.level for name, m in room.members.items()} == {
        ANN: Level.NOTHING,
        BOB: Level.ALL,
    }


# --- users, sessions, tokens --------------------------------------------------


async def test_a_name_is_for_ever(store: Store) -> None:
    """One that was ever taken is refused, also a guest's whose session ended."""
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    opened = d.OpenSession(session_id("s"), GUEST, None, T0, guest)
    outcomes = await store.commit(
        [
            d.AddUser(ANN, "Ann", AccountRole.USER, None),
            opened,
            d.EndSession(session_id("s")),
            d.OpenSession(session_id("t"), GUEST, None, T0, guest),
            d.AddUser(GUEST, "dan", AccountRole.GUEST, None),
        ],
        T0,
    )
    taken = RejectCode.NAME_TAKEN
    assert [refused(o) for o in outcomes] == [taken, None, None, taken, taken]
    assert await store.session(session_id("t")) is None
    assert await store.user(GUEST) == UserRow(GUEST, "dan", "guest")


async def test_a_name_may_have_to_look_like_no_other(store: Store) -> None:
    """With `distinct` a skeleton that another user has is refused, told apart from
    the name itself; without it a skeleton is only kept.
    """
    analog, ana1og = UserName("analog"), UserName("ana1og")
    look = "analog"
    outcomes = await store.commit(
        [
            d.AddUser(analog, "a", AccountRole.USER, None, look, distinct=True),
            d.AddUser(ana1og, "a", AccountRole.USER, None, look, distinct=True),
            d.AddUser(analog, "a", AccountRole.USER, None, look, distinct=True),
            d.AddUser(ana1og, "a", AccountRole.USER, None, look),
            d.AddUser(
                UserName("а~4f7k"), "а", AccountRole.GUEST, None, None, distinct=True
            ),
            d.AddUser(
                UserName("а~4f7l"), "а", AccountRole.GUEST, None, None, distinct=True
            ),
        ],
        T0,
    )
    looks, taken = outcomes[1:3]
    assert isinstance(looks, d.Refused)
    assert (looks.code, looks.field) == (RejectCode.NAME_TAKEN, "name")
    assert looks.text == "the name looks like one that is taken"
    assert isinstance(taken, d.Refused)
    assert taken.text == "the name is taken"
    assert [type(o) for o in outcomes[3:]] == [d.Committed] * 3
    assert await store.user(UserName("а~4f7k")) is not None


async def test_a_room_may_have_to_look_like_no_other(store: Store) -> None:
    """One that is there already stays `Duplicate`; users are another matter."""
    tea, cyrillic = RoomName("tea"), RoomName("te\u0430")
    await one(store, d.AddUser(UserName("tea"), "t", AccountRole.USER, None, "tea"))
    outcomes = await store.commit(
        [
            d.CreateRoom(tea, EPOCH, PLAIN, {}, skeleton="tea", distinct=True),
            d.CreateRoom(tea, EPOCH, PLAIN, {}, skeleton="tea", distinct=True),
            d.CreateRoom(cyrillic, EPOCH, PLAIN, {}, skeleton="tea", distinct=True),
            d.CreateRoom(cyrillic, EPOCH, PLAIN, {}, skeleton="tea"),
        ],
        T0,
    )
    assert outcomes[:2] == [STORED, d.Duplicate()]
    looks = outcomes[2]
    assert isinstance(looks, d.Refused)
    assert (looks.code, looks.field) == (RejectCode.NAME_TAKEN, "room")
    assert looks.text == "the name looks like that of another room"
    assert outcomes[3] == STORED
    assert (await row(store, cyrillic)).room == cyrillic


async def test_users_are_found_as_they_are(store: Store) -> None:
    """Display name and password hash are the latest; a stranger is None."""
    await store.commit(
        [
            d.SetDisplay(ANN, "Ann A."),
            d.SetPasswordHash(ANN, "$h", None),
            d.SetAccountRole(ANN, AccountRole.BOT),
        ],
        T0,
    )
    assert await store.user(ANN) == UserRow(ANN, "Ann A.", "bot", "$h")
    assert await store.user(UserName("nobody")) is None
    assert "$h" not in repr(await store.user(ANN))


async def test_a_hash_takes_the_place_of_the_one_that_was_verified(
    store: Store,
) -> None:
    """And of no other: a password that was changed meanwhile stays changed."""
    await one(store, d.SetPasswordHash(ANN, "$old", None))
    await one(store, d.ChangePassword(ANN, "$new", "$old", session_id("s")))
    again = d.SetPasswordHash(ANN, "$old, better", "$old")
    assert await one(store, again) == d.Duplicate()
    late = await one(store, d.ChangePassword(ANN, "$x", "$old", session_id("s")))
    assert refused(late) is RejectCode.BAD_CREDENTIALS
    found = await store.user(ANN)
    assert found is not None
    assert found.password_hash == "$new"


@pytest.mark.parametrize("nameless", [None, NAMELESS])
async def test_who_is_erased_is_nobody_at_once(
    store: Store, site: Site, nameless: UserName | None
) -> None:
    """Whatever is executed after it, also in the same batch; his name stays taken."""
    site.add_token(ANN, b"t" * 32, None, None)
    opened = session_id("s")
    end = d.EraseUser(ANN, None, nameless)
    invite = d.Moderate(LOBBY, ANN, None, CY, MemberChange.INVITE)
    outcomes = await store.commit(
        [
            d.OpenSession(opened, ANN, None, T0),
            d.SetBlock(ANN, CY, on=True),
            d.SetBlock(CY, ANN, on=True),
            say("before", "c1"),
            invite,
            attrs.evolve(end, instead_of="$another"),
            end,
            say("after"),
            say("before", "c1"),
            edit(1, "after"),
            delete(1),
            react(1, "👍"),
            d.SetMember(LOBBY, ANN, Role.MEMBER, event=True),
            d.OpenSession(session_id("late"), ANN, None, T0),
            d.OpenSession(session_id("token"), ANN, b"t" * 32, T0),
            d.RenewSession(opened, None, None, None),
            d.SetDisplay(ANN, "x"),
            d.SetAccountRole(ANN, AccountRole.ADMIN),
            d.SetPasswordHash(ANN, "$x", None),
            d.ChangePassword(ANN, "$x", None, opened),
            d.SetBlock(CY, ANN, on=True),
            d.Moderate(LOBBY, BOB, None, ANN, MemberChange.BAN),
            d.Moderate(LOBBY, BOB, None, ANN, MemberChange.INVITE),
            d.CreateRoom(
                RoomName("@ann,cy"), EPOCH, PLAIN, {ANN: Role.MEMBER, CY: Role.MEMBER}
            ),
            d.EndSessions(ANN),
            d.AddUser(ANN, "x", AccountRole.USER, None),
            d.AddUser(NAMELESS, "x", AccountRole.USER, None),
            end,
            say("on", user=BOB),
        ],
        T0,
    )
    done = [isinstance(outcome, d.Committed) for outcome in outcomes]
    added = nameless is None
    assert done == [True] * 5 + [False, True] + [False] * 19 + [added, False, True]
    gone, taken = RejectCode.NO_USER, RejectCode.NAME_TAKEN
    assert refused(outcomes[5]) is RejectCode.BAD_CREDENTIALS
    codes = [refused(outcome) for outcome in outcomes[7:26]]
    assert codes[:7] == [gone] * 7
    assert codes[7:9] == [RejectCode.BAD_CREDENTIALS] * 2
    assert codes[9:18] == [gone] * 9
    assert codes[18] is taken
    assert refused(outcomes[27]) is gone
    assert seqs(outcomes)[-1] == 3
    assert await store.user(ANN) is None
    assert await store.session(opened) is None
    assert await store.token(b"t" * 32) is None
    assert await store.sessions(ANN, 0, None, 9) == ([], False)
    events = await timeline(store, viewer=BOB)
    assert {event.sender for event in events[:2]} == {nameless or ANN}  # type: ignore[union-attr]
    assert await store.user_record(ANN) is None
    record = await store.user_record(BOB)
    assert record is not None
    assert record.blocks == []
    for name in record.rooms:
        room = await row(store, name)
        assert list(room.members) == [BOB]
        assert room.invites == {}


async def test_a_nameless_users_name_is_nobody_elses(store: Store) -> None:
    """Of two who are to have the same the second is refused; another one may follow."""
    outcomes = await store.commit(
        [
            d.EraseUser(ANN, None, NAMELESS),
            d.EraseUser(BOB, None, NAMELESS),
            d.EraseUser(BOB, None, ANN),
            d.EraseUser(BOB, None, UserName("erased~bbbb")),
        ],
        T0,
    )
    taken = RejectCode.NAME_TAKEN
    assert [refused(outcome) for outcome in outcomes] == [None, taken, taken, None]


async def test_a_new_password_voids_what_the_old_one_opened(
    store: Store, site: Site
) -> None:
    """All other sessions and all tokens of the user; the one that stays depends on
    no token any more. Nobody else's is touched.
    """
    stays, goes, bobs = map(session_id, ("stays", "goes", "bobs"))
    site.add_token(ANN, b"a" * 32, None, None)
    site.add_token(BOB, b"b" * 32, None, None)
    await store.commit(
        [
            d.OpenSession(stays, ANN, b"a" * 32, T0),
            d.OpenSession(goes, ANN, None, T0, None, T0 + DAY, "{}"),
            d.OpenSession(bobs, BOB, b"b" * 32, T0),
        ],
        T0,
    )
    changed = d.ChangePassword(ANN, "$new", None, stays)
    assert await one(store, changed) == STORED
    assert await resumable(store, stays) == SessionRow(stays, ANN, None, None)
    assert await store.session(goes) is None
    assert await store.session(bobs) is not None
    assert await store.token(b"a" * 32) is None
    assert await store.token(b"b" * 32) is not None


async def test_a_session_needs_the_token_that_it_is_opened_with(
    store: Store, site: Site
) -> None:
    """One that was revoked since it was verified opens and renews nothing."""
    ours, gone = session_id("s"), RejectCode.BAD_CREDENTIALS
    opened = await one(store, d.OpenSession(ours, ANN, b"a" * 32, T0))
    assert refused(opened) is gone
    assert await store.session(ours) is None
    site.add_token(ANN, b"a" * 32, None, None)
    await one(store, d.OpenSession(ours, ANN, b"a" * 32, T0))
    renewed = await one(store, d.RenewSession(ours, b"b" * 32, None, None))
    assert refused(renewed) is gone
    assert await resumable(store, ours) == SessionRow(ours, ANN, b"a" * 32, None)


async def test_a_session_takes_a_token_over(store: Store, site: Site) -> None:
    """From one of ours to an outside issuer's and back; where it is there."""
    ours = session_id("s")
    site.add_token(ANN, b"a" * 32, None, None)
    await one(store, d.OpenSession(ours, ANN, None, T0, None, T0 + 1, "{1}"))
    assert await resumable(store, ours) == SessionRow(
        ours, ANN, None, None, T0 + 1, "{1}"
    )
    await one(store, d.RenewSession(ours, b"a" * 32, None, None))
    assert await resumable(store, ours) == SessionRow(ours, ANN, b"a" * 32, None)
    await one(store, d.RenewSession(ours, None, T0 + 2, None))
    assert await resumable(store, ours) == SessionRow(ours, ANN, None, None, T0 + 2)
    late = await one(store, d.RenewSession(session_id("t"), None, None, None))
    assert refused(late) is RejectCode.BAD_CREDENTIALS


async def test_all_sessions_of_a_user_end(store: Store, site: Site) -> None:
    """Or those of one token; a guest's memberships with his last."""
    words = ("a", "b", "c")
    site.add_token(ANN, b"a" * 32, None, None)
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    await store.commit(
        [
            d.OpenSession(session_id("a"), ANN, None, T0),
            d.OpenSession(session_id("b"), ANN, b"a" * 32, T0),
            d.OpenSession(session_id("c"), BOB, None, T0),
            d.OpenSession(session_id("g"), GUEST, None, T0, guest),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
        ],
        T0,
    )

    async def left() -> list[str]:
        return [word for word in words if await store.session(session_id(word))]

    assert await one(store, d.EndSessions(ANN, b"x" * 32)) == d.Duplicate()
    assert await one(store, d.EndSessions(ANN, b"a" * 32)) == STORED
    assert await left() == ["a", "c"]
    assert await one(store, d.EndSessions(ANN)) == STORED
    assert await one(store, d.EndSessions(GUEST)) == STORED
    assert await left() == ["c"]
    room = await row(store)
    assert list(room.members) == [ANN, BOB]


async def test_sessions_open_idle_and_end(store: Store, site: Site) -> None:
    """A session is found until it ends, with its token and its idle time."""
    ours = session_id("s")
    site.add_token(ANN, b"t" * 32, None, None)
    await one(store, d.OpenSession(ours, ANN, b"t" * 32, T0))
    found = await resumable(store, ours)
    assert found is not None
    assert (found.user, found.token, found.idle_since) == (ANN, b"t" * 32, None)
    idle = d.SaveMarks({}, {ours: T0 + 5, session_id("other"): T0})
    assert await one(store, idle) == STORED
    found = await resumable(store, ours)
    assert found is not None
    assert found.idle_since == T0 + 5
    await one(store, d.SaveMarks({}, {ours: None}))
    found = await resumable(store, ours)
    assert found is not None
    assert found.idle_since is None
    assert await one(store, d.EndSession(ours)) == STORED
    assert await one(store, d.EndSession(ours)) == d.Duplicate()
    assert await store.session(ours) is None


async def test_sessions_are_told_in_pages(store: Store, site: Site) -> None:
    """By what they are called: one's own, but for those that were idle too long."""
    site.add_token(ANN, b"t" * 32, None, None)
    ids = sorted(session_id(word) for word in "abcdef")
    for n, session in enumerate(ids):
        token = b"t" * 32 if n == 1 else None
        expires = T0 + 9 if n == 2 else None
        draft = d.OpenSession(
            session, ANN, token, T0 + n, None, expires, device=f"d{n}"
        )
        await one(store, draft)
    await one(store, d.OpenSession(session_id("bobs"), BOB, None, T0))
    idle: dict[SessionId, int | None] = {ids[3]: T0 + 3, ids[4]: T0 + 4}
    await one(store, d.SaveMarks({}, idle, {ids[5]: "new", session_id("x"): "none"}))
    first = [
        SessionKept(ids[0], T0, None, "d0", has_token=False),
        SessionKept(ids[1], T0 + 1, None, "d1", has_token=True),
        SessionKept(ids[2], T0 + 2, None, "d2", has_token=True),
    ]
    assert await store.sessions(ANN, T0 + 4, None, 3) == (first, True)
    after = session_tag(ids[2])
    rest = [
        SessionKept(ids[4], T0 + 4, T0 + 4, "d4", has_token=False),
        SessionKept(ids[5], T0 + 5, None, "new", has_token=False),
    ]
    assert await store.sessions(ANN, T0 + 4, after, 2) == (rest, False)
    assert await store.sessions(ANN, 0, session_tag(ids[5]), 9) == ([], False)
    assert await store.sessions(UserName("nobody"), 0, None, 9) == ([], False)


async def test_a_session_is_ended_by_what_it_is_called(store: Store) -> None:
    """Once, and only by its user; a guest leaves his rooms with his last one."""
    ours, theirs, guests = (session_id(word) for word in ("ours", "theirs", "guest"))
    new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    await store.commit(
        [
            d.OpenSession(ours, ANN, None, T0),
            d.OpenSession(theirs, BOB, None, T0),
            d.OpenSession(guests, GUEST, None, T0, new),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
        ],
        T0,
    )
    outcomes = await store.commit(
        [
            d.EndNamedSession(ANN, session_tag(theirs)),
            d.EndNamedSession(UserName("nobody"), session_tag(theirs)),
            d.EndNamedSession(ANN, session_tag(ours)),
            d.EndNamedSession(ANN, session_tag(ours)),
            d.EndNamedSession(GUEST, session_tag(guests)),
        ],
        T0,
    )
    none = RejectCode.NO_SESSION
    assert [refused(o) for o in outcomes] == [none, none, None, none, None]
    assert outcomes[2] == d.Committed((SessionsEnded((ours,), ANN),))
    assert outcomes[4] == d.Committed((SessionsEnded((guests,), GUEST, left=True),))
    assert await store.session(ours) is None
    assert await store.session(theirs) is not None
    room = await row(store)
    assert list(room.members) == [ANN, BOB]


async def test_a_session_that_is_resumed_is_not_idle_any_more(store: Store) -> None:
    """With what the client calls itself now, if it does."""
    one_of_ann = session_id("one")
    await one(store, d.OpenSession(one_of_ann, ANN, None, T0, device="phone"))
    await one(store, d.SaveMarks({}, {one_of_ann: T0}))
    assert await one(store, d.HoldSession(one_of_ann)) == d.Committed()
    found, _ = await store.sessions(ANN, T0, None, 9)
    assert [(kept.device, kept.idle_since) for kept in found] == [("phone", None)]
    await one(store, d.HoldSession(one_of_ann, "tablet"))
    found, _ = await store.sessions(ANN, T0, None, 9)
    assert [kept.device for kept in found] == ["tablet"]
    gone = await one(store, d.HoldSession(session_id("two")))
    assert refused(gone) is RejectCode.BAD_CREDENTIALS


async def test_of_too_many_sessions_those_end_that_were_idle_longest(
    store: Store,
) -> None:
    """Not one with a connection, not one that is held, and nobody else's."""
    names = ("first", "live", "held", "second", "third", "bobs")
    ids = {name: session_id(name) for name in (*names, "new", "newer")}
    for name in names:
        owner = BOB if name == "bobs" else ANN
        await one(store, d.OpenSession(ids[name], owner, None, T0))
    idle: dict[SessionId, int | None] = {
        ids["second"]: T0 + 2,
        ids["third"]: T0 + 3,
        ids["first"]: T0 + 1,
        ids["held"]: T0,
        ids["bobs"]: T0,
    }
    await one(store, d.SaveMarks({}, idle))

    def opened(name: str, most: int) -> d.OpenSession:
        held = (ids["held"],)
        return d.OpenSession(ids[name], ANN, None, T0, most=most, held=held)

    assert await one(store, opened("new", 4)) == d.Committed(
        (
            SessionOpened(ids["new"], ANN),
            SessionsEnded((ids["first"], ids["second"]), ANN),
        )
    )
    assert await one(store, opened("newer", 1)) == d.Committed(
        (SessionOpened(ids["newer"], ANN), SessionsEnded((ids["third"],), ANN))
    )
    left = {name for name in ids if await store.session(ids[name]) is not None}
    assert left == {"live", "held", "bobs", "new", "newer"}


async def test_what_a_guest_has_in_rooms_ends_with_his_session(store: Store) -> None:
    """His memberships and invitations; an account's stay."""
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    await store.commit(
        [
            d.OpenSession(session_id("g"), GUEST, None, T0, guest),
            d.OpenSession(session_id("a"), ANN, None, T0),
            d.Moderate(LOBBY, ANN, None, GUEST, MemberChange.INVITE),
            d.Moderate(LOBBY, ANN, None, CY, MemberChange.INVITE),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
            d.EndSession(session_id("g")),
            d.EndSession(session_id("a")),
        ],
        T0,
    )
    room = await row(store)
    assert list(room.members) == [ANN, BOB]
    assert list(room.invites) == [CY]


async def test_who_is_asked_into_a_room_as_he_goes_for_good_is_not_waited_for(
    store: Store,
) -> None:
    """What of a guest was stored behind his end goes at the next start."""
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    await store.commit(
        [
            d.OpenSession(session_id("g"), GUEST, None, T0, guest),
            d.EndSession(session_id("g")),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
            d.Moderate(LOBBY, ANN, None, GUEST, MemberChange.INVITE),
        ],
        T0,
    )
    room = await row(store)
    assert list(room.members) == [ANN, BOB]
    assert room.invites == {}


async def test_tokens_are_found_by_their_digest(store: Store, site: Site) -> None:
    """With the user, end and scope they were issued with; others are None."""
    site.add_token(ANN, b"a" * 32, T0 + DAY, None)
    site.add_token(BOB, b"b" * 32, None, '{"actions":["send"]}')
    assert await store.token(b"a" * 32) == TokenRow(ANN, T0 + DAY, "test")
    assert await store.token(b"b" * 32) == TokenRow(
        BOB, None, "test", '{"actions":["send"]}'
    )
    assert await store.token(b"c" * 32) is None


# --- the start ----------------------------------------------------------------


async def there(store: Store) -> list[Any]:
    """Rooms and users, and what was said in the lobby."""
    users = [await store.user_record(name) for name in (ANN, BOB, CY)]
    rooms = await store.rooms([LOBBY, DIRECT])
    return [users, rooms, await timeline(store), await page(store)]


async def test_everything_is_there_after_a_restart(site: Site) -> None:
    """Rooms, members, users, timelines and history are what they were."""
    async with site.opened() as store:
        await store.load(T0)
        assert await store.rooms([LOBBY, DIRECT]) == []
        await fill(store)
        await store.commit([say("a", "c"), edit(1, "b"), react(1, "👍"), say("x")], T0)
        before = await store.load(T0), await there(store)
    async with site.opened() as store:
        assert await store.load(T0 + 1) == before[0]
        assert await there(store) == before[1]
        assert seqs(await store.commit([say("y")], T0 + 1)) == [5]


async def test_the_start_tells_guests_and_their_sessions(site: Site) -> None:
    """With the rooms that they are in, and while their sessions last."""
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    gone = UserName("eve~aaaa")
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        await store.commit(
            [
                d.OpenSession(session_id("g"), GUEST, None, T0, guest),
                d.AddUser(gone, "eve", AccountRole.GUEST, None),
                d.OpenSession(session_id("a"), ANN, None, T0),
                d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
                say("a"),
            ],
            T0,
        )
    async with site.opened() as store:
        snapshot = await store.load(T0 + 9)
        (room,) = await store.rooms([LOBBY])
    assert (room.head, room.first, room.last_ts) == (1, 1, T0)
    known = UserRow(GUEST, "dan", AccountRole.GUEST)
    assert snapshot.guests == [UserRecord(known, rooms=[LOBBY])]
    (held,) = snapshot.guest_sessions
    assert (held.session, held.user, held.idle_since) == (
        session_id("g"),
        GUEST,
        T0 + 9,
    )


async def test_sessions_that_idled_too_long_are_gone_after_the_start(
    site: Site,
) -> None:
    """30 days for an account, 900 s for a guest; open ones idle from the start."""
    late = T0 + 30 * DAY
    words = {"open": None, "old": T0, "young": T0 + 1}
    marks = d.SaveMarks({}, {session_id(word): at for word, at in words.items()})
    marks.idle[session_id("guest-old")] = late - 900_000
    marks.idle[session_id("guest-young")] = late - 899_999
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        for word in words:
            await one(store, d.OpenSession(session_id(word), ANN, None, T0))
        for word in ("guest-old", "guest-young", "guest-open"):
            name = UserName(f"{word}~aaaa")
            guest = d.AddUser(name, word, AccountRole.GUEST, None)
            await one(store, d.OpenSession(session_id(word), name, None, T0, guest))
            await one(store, d.SetMember(LOBBY, name, Role.MEMBER, event=False))
        await one(store, marks)
    async with site.opened() as store:
        snapshot = await store.load(late)
        found = {word: await resumable(store, session_id(word)) for word in words}
        idle = {word: row and row.idle_since for word, row in found.items()}
        assert idle == {"open": late, "old": None, "young": T0 + 1}
        assert found["old"] is None
        guests = ["guest-open~aaaa", "guest-young~aaaa"]
        assert sorted(row.user for row in snapshot.guest_sessions) == guests
        assert {row.idle_since for row in snapshot.guest_sessions} == {late}
        assert [record.user.user for record in snapshot.guests] == guests
        (room,) = await store.rooms([LOBBY])
        assert room.members.keys() == {ANN, BOB, *guests}


# --- cancellation -------------------------------------------------------------


async def test_the_outcome_of_a_commit_is_always_learned(store: Store) -> None:
    """Neither a cancelled scope nor a deadline takes it away."""
    with trio.CancelScope() as scope:
        scope.cancel()
        outcomes = await store.commit([say("a")], T0)
    with trio.move_on_after(0):
        outcomes += await store.commit([say("b")], T0)
    assert seqs(outcomes) == [1, 2]
    assert len(await timeline(store)) == 2


async def test_a_read_may_be_cancelled(store: Store) -> None:
    """It ends at once, and the store goes on."""
    await store.commit([say("a") for _ in range(100)], T0)
    for _ in range(20):
        with trio.CancelScope() as scope:
            scope.cancel()
            await timeline(store)
        assert scope.cancelled_caught
        with trio.move_on_after(0.0005):
            await page(store)
    assert len(await timeline(store)) == 100


async def test_reads_and_commits_may_overlap(store: Store) -> None:
    """A reader sees whole batches: a seq without a hole at any moment."""

    async def write() -> None:
        for number in range(20):
            await store.commit([say(f"{number}"), say("x"), edit(1, f"e{number}")], T0)

    async def read() -> None:
        while len(page := await timeline(store)) < 60:
            assert [event.seq for event in page] == list(range(1, len(page) + 1))
            assert len(page) % 3 == 0

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            for _ in range(4):
                nursery.start_soon(read)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 63, 64, 65, 85, 200])
async def test_a_batch_may_have_any_size(store: Store, count: int) -> None:
    """Nothing is lost at the seams of the statements, with cids or without."""
    drafts = [say(str(n), str(n) if n % 2 else None) for n in range(count)]
    assert seqs(await store.commit(drafts, T0)) == list(range(1, count + 1))
    again = await store.commit([draft for draft in drafts if draft.cid], T0)
    assert seqs(again) == list(range(2, count + 1, 2))
    assert [m.text for m in await page(store)] == [draft.text for draft in drafts]
