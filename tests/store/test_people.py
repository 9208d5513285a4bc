"""What the port promises of blocks and mentions, on every implementation."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.core import drafts as d
from chatd.core.changes import Appended
from chatd.core.mentions import Mentions
from chatd.core.query import parse_query
from chatd.enums import AccountRole, Role
from chatd.errors import RejectCode
from chatd.ids import Seq, UserName
from chatd.ports import Store
from chatd.wire import events as e
from chatd.wire import replies as r
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    Site,
    delete,
    edit,
    fill,
    one,
    page,
    react,
    refused,
    say,
    seqs,
    timeline,
)

NOBODY = UserName("nobody")


def block(user: UserName = ANN, blocked: UserName = BOB, *, on: bool = True) -> d.Draft:
    """Ann blocks bob, unless told otherwise."""
    return d.SetBlock(user, blocked, on)


def direct(draft: Any, user: UserName = BOB) -> Any:
    """The same draft by bob, in the direct room."""
    draft.room, draft.user = DIRECT, user
    return draft


def is_hidden(outcomes: list[d.Outcome]) -> list[bool]:
    """What the outcomes say."""
    return [
        isinstance(outcome, d.Committed)
        and any(
            isinstance(change, Appended) and change.hidden for change in outcome.changes
        )
        for outcome in outcomes
    ]


def nothing(seq: int) -> r.MessageShown:
    """What history has of a hidden message."""
    return r.MessageShown(Seq(seq), T0, None, None, hidden=True)


def shown(events: list[e.TimelineShown]) -> list[Any]:
    """The type of each event, or the text where there is one."""
    return [getattr(event, "text", None) or event.type for event in events]


async def read(store: Store, viewer: UserName) -> tuple[list[Any], list[Any]]:
    """The direct room as somebody sees it: in a replay, and in history."""
    messages = await page(store, DIRECT, viewer)
    texts = ["hidden" if entry.hidden else entry.text for entry in messages]
    return shown(await timeline(store, DIRECT, viewer)), texts


# --- blocks -------------------------------------------------------------------


async def test_a_block_is_kept_once(site: Site) -> None:
    """What changes nothing is `Duplicate`; the snapshot has them all, by name."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        outcomes = await store.commit(
            [
                block(),
                block(),
                block(CY, BOB),
                block(CY, ANN),
                block(ANN, CY, on=False),
                block(CY, BOB, on=False),
                block(ANN, NOBODY),
                block(NOBODY, ANN),
            ],
            T0,
        )
        assert [type(outcome).__name__ for outcome in outcomes] == [
            "Committed",
            "Duplicate",
            "Committed",
            "Committed",
            "Duplicate",
            "Committed",
            "Refused",
            "Refused",
        ]
        assert [refused(o) for o in outcomes[-2:]] == [RejectCode.NO_USER] * 2
    async with site.opened() as store:
        await store.load(T0)
        records = [await store.user_record(name) for name in (ANN, BOB, CY)]
        assert [record and record.blocks for record in records] == [[BOB], [], [ANN]]


async def test_what_is_written_while_blocked_is_hidden_for_good(store: Store) -> None:
    """From the block on, in the order of drafts; its end reveals nothing."""
    outcomes = await store.commit(
        [
            direct(say("before")),
            block(),
            direct(say("hey")),
            direct(react(1, "👍")),
            direct(edit(2, "hey!")),
            direct(say("mine"), ANN),
            block(on=False),
            direct(say("after")),
        ],
        T0,
    )
    assert seqs(outcomes) == [1, 0, 2, 3, 4, 5, 0, 6]
    assert is_hidden(outcomes) == [False] * 2 + [True] * 3 + [False] * 3
    assert await read(store, ANN) == (
        ["before", "hidden", "hidden", "hidden", "mine", "after"],
        ["before", "hidden", "mine", "after"],
    )
    assert await read(store, BOB) == (
        ["before", "hey!", "react", "hey!", "mine", "after"],
        ["before", "hey!", "mine", "after"],
    )
    assert (await timeline(store, DIRECT))[1] == e.Hidden(DIRECT, Seq(2), T0)
    assert (await page(store, DIRECT))[1] == nothing(2)


async def test_the_outcome_has_the_whole_event(store: Store) -> None:
    """Its sender sees it, and the other one's notice is made from it."""
    await one(store, block())
    outcome = await one(store, direct(say("hi", "c1")))
    message = e.Message(DIRECT, Seq(1), T0, BOB, "hi", "c1", epoch=EPOCH)  # type: ignore[arg-type]
    assert outcome == d.Committed(
        (Appended(message, hidden=True),),
    )
    assert await timeline(store, DIRECT) == [e.Hidden(DIRECT, Seq(1), T0, EPOCH)]
    again = await one(store, direct(say("hi", "c1")))
    assert again == d.Duplicate(Seq(1), T0)


async def test_a_block_changes_no_room(store: Store) -> None:
    """Everywhere else everybody sees everything."""
    outcomes = await store.commit(
        [block(), say("hi", user=BOB), edit(1, "ho", user=BOB), react(1, "👍")], T0
    )
    assert not any(is_hidden(outcomes))
    assert shown(await timeline(store)) == ["ho", "ho", "react"]


async def test_each_may_block_the_other(store: Store) -> None:
    """Then neither sees anything new, but his own."""
    await store.commit(
        [
            block(),
            block(BOB, ANN),
            direct(say("a"), ANN),
            direct(say("b")),
            direct(react(2, "👍"), ANN),
        ],
        T0,
    )
    assert await read(store, ANN) == (["a", "hidden", "react"], ["a", "hidden"])
    assert await read(store, BOB) == (["hidden", "b", "hidden"], ["hidden", "b"])


async def test_an_edit_hides_the_message_and_its_earlier_edits(store: Store) -> None:
    """All that a replay would show of it has the new text."""
    outcomes = await store.commit(
        [
            direct(say("one")),
            direct(edit(1, "two")),
            block(),
            direct(edit(1, "two")),
            direct(edit(1, "three")),
            block(on=False),
            direct(edit(1, "four")),
        ],
        T0,
    )
    assert seqs(outcomes) == [1, 2, 0, 2, 3, 0, 4]
    assert is_hidden(outcomes)[-3:] == [True, False, True]
    assert await read(store, ANN) == (["hidden"] * 4, ["hidden"])
    assert await read(store, BOB) == (["four"] * 4, ["four"])


async def test_a_deletion_is_seen(store: Store) -> None:
    """Of a message that was seen, and of one that was not."""
    await store.commit(
        [
            direct(say("one")),
            block(),
            direct(say("two")),
            direct(delete(1)),
            direct(delete(2)),
        ],
        T0,
    )
    events = ["message", "hidden", "delete", "delete"]
    assert await read(store, ANN) == (events, [None, "hidden"])


async def test_reactions_stay_for_the_blocker_as_they_were(store: Store) -> None:
    """What is put or taken away while blocked is neither."""
    await store.commit(
        [
            direct(say("hi"), ANN),
            direct(react(1, "👍")),
            direct(react(1, "🎉")),
            direct(react(1, "🎉", on=False)),
            direct(react(1, "🎉", user=ANN), ANN),
            block(),
            direct(react(1, "👍", on=False)),
            direct(react(1, "👎")),
            direct(react(1, "🎉")),
        ],
        T0,
    )

    async def reactions(viewer: UserName) -> dict[str, list[UserName]]:
        (message,) = await page(store, DIRECT, viewer)
        return message.reactions

    assert await reactions(ANN) == {"🎉": [ANN], "👍": [BOB]}
    assert await reactions(BOB) == {"🎉": [ANN, BOB], "👎": [BOB]}
    await store.commit([block(on=False), direct(react(1, "👎", on=False))], T0)
    assert await reactions(ANN) == {"🎉": [ANN], "👍": [BOB]}
    await store.commit([direct(react(1, "👎")), direct(react(1, "👍"))], T0)
    assert await reactions(ANN) == {"🎉": [ANN], "👎": [BOB], "👍": [BOB]}


async def test_reactions_are_shown_in_the_order_in_which_each_one_saw_them(
    store: Store,
) -> None:
    """What a blocked one does to his own moves nothing for the other."""
    await store.commit(
        [
            direct(say("hi"), ANN),
            direct(react(1, "👍")),
            direct(react(1, "🎉", user=ANN), ANN),
            block(),
            direct(react(1, "👍", on=False)),
            direct(react(1, "👍")),
        ],
        T0,
    )
    (for_ann,) = await page(store, DIRECT, ANN)
    (for_bob,) = await page(store, DIRECT, BOB)
    assert list(for_ann.reactions) == ["👍", "🎉"]
    assert list(for_bob.reactions) == ["🎉", "👍"]


async def test_reactions_are_listed_as_each_one_saw_them(store: Store) -> None:
    """In history and in a list of their own alike; of what is hidden there are none."""
    await store.commit(
        [
            direct(say("hi"), ANN),
            direct(react(1, "👍")),
            direct(react(1, "👍", user=ANN), ANN),
            block(),
            direct(react(1, "👍", on=False)),
            direct(react(1, "👍")),
            direct(react(1, "👎")),
            direct(say("hidden")),
            direct(react(7, "👎", user=ANN), ANN),
        ],
        T0,
    )

    async def listed(viewer: UserName, emoji: str = "👍", of: int = 1) -> list[Any]:
        found: list[Any] = []
        more = True
        while more:
            after = found[-1][0] if found else Seq(0)
            read = await store.reactions(
                DIRECT, Seq(of), emoji, after=after, limit=1, viewer=viewer
            )
            assert read is not None
            some, more = read
            found += some
        return found

    assert await listed(ANN) == [(2, BOB), (3, ANN)]
    assert await listed(BOB) == [(3, ANN), (5, BOB)]
    assert await listed(ANN, "👎") == []
    assert await listed(BOB, "👎") == [(6, BOB)]
    assert await listed(ANN, "👎", 7) == []
    assert await listed(BOB, "👎", 7) == [(8, ANN)]


@pytest.mark.parametrize("blocked", [True, False])
async def test_no_answer_to_a_reaction_tells_of_a_block(
    store: Store, blocked: bool
) -> None:
    """Put, put again, taken away and taken away again: all the same."""
    await store.commit([direct(say("hi"), ANN), direct(react(1, "👍"))], T0)
    if blocked:
        await store.commit([block()], T0)
    words = [("👍", False), ("👍", False), ("🎉", True), ("🎉", True), ("🎉", False)]
    words += [("🎉", False), ("👍", True), ("👍", True)]
    said = [direct(react(1, emoji, on=on)) for emoji, on in words]
    told = seqs(await store.commit(said, T0 + 1))
    assert told == [3, 1, 4, 4, 5, 1, 6, 6]


async def test_a_page_with_what_is_hidden_has_reactions_only_elsewhere(
    store: Store,
) -> None:
    """Of a hidden message nothing is told, also not one's own reaction."""
    await store.commit(
        [
            block(),
            direct(say("hi")),
            direct(react(1, "👍"), ANN),
            direct(say("ho"), ANN),
            direct(react(3, "👍"), ANN),
            direct(say("re", reply_to=1), ANN),
        ],
        T0,
    )
    first, second, third = await page(store, DIRECT)
    assert first == nothing(1)
    assert second.reactions == {"👍": [ANN]}
    assert third.reply_to == 1


async def test_what_is_hidden_is_not_unread(store: Store) -> None:
    """For the blocker; the other one's count is as ever."""
    await store.commit(
        [direct(say("one")), block(), direct(say("two")), direct(say("three"), ANN)], T0
    )
    marks = [(DIRECT, Seq(0), Seq(3))]
    assert await store.unread(ANN, marks) == [(1, 0, 0)]
    assert await store.unread(BOB, marks) == [(1, 0, 0)]


async def test_what_is_hidden_is_not_found(store: Store) -> None:
    """By the blocker; its author finds it. What both saw both find."""
    await store.commit(
        [direct(say("tea")), block(), direct(say("more tea")), direct(edit(2, "tea!"))],
        T0,
    )

    async def found(viewer: UserName, text: str) -> list[int]:
        scope = [(DIRECT, Seq(1), Seq(9))]
        result = await store.search(parse_query(text), scope, None, 9, viewer)
        assert result is not None
        return sorted(hit.message.seq for hit in result[0])

    for text in ("tea", "from:bob"):
        assert await found(ANN, text) == [1]
        assert await found(BOB, text) == [1, 2]


async def test_a_block_outlives_the_store(site: Site) -> None:
    """Also what it has hidden."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        await store.commit([block(), direct(say("one"))], T0)
    async with site.opened() as store:
        await store.load(T0)
        await one(store, direct(say("two")))
        assert await read(store, ANN) == (["hidden"] * 2, ["hidden"] * 2)


async def test_a_block_that_was_undone_is_not_believed(store: Store) -> None:
    """A batch that is executed again draft by draft decides anew."""
    outcomes = await store.commit(
        [block(), direct(say("one")), say("\ud800"), direct(say("two"))], T0
    )
    assert is_hidden(outcomes) == [False, True, False, True]
    assert refused(outcomes[2]) == RejectCode.INTERNAL


# --- mentions -----------------------------------------------------------------


def to(*users: UserName, by: UserName = ANN, everybody: bool = False) -> d.NewMessage:
    """A message in the lobby that addresses somebody."""
    message = say("@", user=by)
    message.mentions = Mentions(users, everybody)
    return message


def edit_to(
    of: int, text: str, *users: UserName, everybody: bool = False
) -> d.EditMessage:
    """An edit by ann in the lobby, of a message that addresses somebody then."""
    draft = edit(of, text)
    draft.mentions = Mentions(users, everybody)
    return draft


async def mentions(
    store: Store, user: UserName, after: int = 0, upto: int = 9999
) -> tuple[int, int]:
    """What is unread in the lobby, and what of it addresses the user."""
    (found,) = await store.unread(user, [(LOBBY, Seq(after), Seq(upto))])
    return found.unread, found.mentions


async def addressed(store: Store, draft: d.EditMessage) -> Mentions | None:
    """To whom an edit is news."""
    outcome = await one(store, draft)
    assert isinstance(outcome, d.Committed)
    (change,) = outcome.changes
    assert isinstance(change, Appended)
    return change.addressed


async def test_mentions_are_counted_beside_unread(store: Store) -> None:
    """Each within its bounds; one's own `@all` does not count."""
    await store.commit(
        [
            to(BOB),
            say("hi"),
            to(BOB, CY),
            to(everybody=True),
            to(ANN, by=BOB),
            to(everybody=True, by=BOB),
        ],
        T0,
    )
    assert await mentions(store, ANN) == (2, 2)
    assert await mentions(store, BOB) == (4, 3)
    assert await mentions(store, CY) == (6, 3)
    assert await mentions(store, BOB, after=1) == (3, 2)
    assert await mentions(store, BOB, after=1, upto=3) == (2, 1)
    assert await mentions(store, CY, after=6) == (0, 0)
    assert await mentions(store, NOBODY) == (6, 2)


async def test_a_mention_goes_with_its_text_and_its_message(store: Store) -> None:
    """An edit takes one and makes one, in its own transaction; a deletion takes it."""
    await store.commit([to(BOB), to(BOB), say("hi"), edit(1, "no")], T0)
    assert await mentions(store, BOB) == (3, 1)
    assert await addressed(store, edit_to(1, "yes", BOB, CY)) == Mentions((CY,))
    assert await mentions(store, BOB) == (3, 2)
    assert await mentions(store, CY) == (3, 1)
    await store.commit([delete(1), delete(2)], T0)
    assert await mentions(store, BOB) == (1, 0)
    assert await mentions(store, CY) == (1, 0)


async def test_an_edit_is_news_to_nobody_twice(store: Store) -> None:
    """Whoever was addressed before, by any text of the message, is not again."""
    await store.commit([to(BOB)], T0)
    assert await addressed(store, edit_to(1, "a", CY)) == Mentions((CY,))
    for text, users in (("b", [BOB, CY]), ("c", []), ("d", [CY]), ("e", [BOB])):
        assert await addressed(store, edit_to(1, text, *users)) is None
    outcome = await one(store, edit_to(1, "f", everybody=True))
    assert isinstance(outcome, d.Committed)
    (change,) = outcome.changes
    assert isinstance(change, Appended)
    assert change.addressed == Mentions(everybody=True)
    assert change.told == (BOB, CY)
    for text in ("g", "h"):
        assert await addressed(store, edit_to(1, text, ANN)) is None
        assert await addressed(store, edit_to(1, text * 2, everybody=True)) is None


async def test_an_edit_counts_from_itself_on(store: Store) -> None:
    """Once for each message, from what has addressed its reader first."""
    await store.commit([say("hi"), to(CY), edit_to(1, "@", BOB)], T0)
    assert await mentions(store, BOB) == (2, 1)
    assert await mentions(store, BOB, after=2) == (0, 1)
    assert await mentions(store, BOB, after=2, upto=2) == (0, 0)
    assert await mentions(store, BOB, after=3) == (0, 0)
    await store.commit([edit_to(2, "@all", everybody=True)], T0)
    assert await mentions(store, CY, after=2) == (0, 0), "he was told at 2"
    assert await mentions(store, BOB, after=3) == (0, 1)
    await store.commit([edit_to(1, "@bob @cy", BOB, CY)], T0)
    assert await mentions(store, BOB, after=4) == (0, 0)
    assert await mentions(store, CY) == (2, 2)
    await store.commit([edit(2, "nobody"), edit_to(2, "@bob", BOB)], T0)
    assert await mentions(store, BOB, after=4) == (0, 0), "everybody was told at 4"


async def test_who_may_not_read_a_message_is_not_addressed_by_an_edit(
    store: Store,
) -> None:
    """He came later, to a room of which newcomers read what follows."""
    await store.commit([say("hi")], T0)
    joining = d.SetMember(LOBBY, CY, Role.MEMBER, event=True, since_join=True)
    await store.commit([joining, edit_to(1, "@all", everybody=True)], T0)
    assert await mentions(store, CY, after=2) == (0, 0)
    assert await mentions(store, BOB, after=2) == (0, 1)


async def test_mentions_are_counted_to_999(store: Store) -> None:
    """As unread messages are; a user who does not exist is not addressed."""
    outcomes = await store.commit([to(BOB, NOBODY) for _ in range(1100)], T0)
    assert seqs(outcomes)[-1] == 1100
    assert await mentions(store, BOB) == (999, 999)


@pytest.mark.parametrize("again", [0, 1])
async def test_who_is_not_reached_is_told_if_there_is_such_a_user(
    store: Store, again: int
) -> None:
    """To a retry as well, in the same batch or in a later one, as it was at first."""
    message, change = say("@", "c1"), edit(1, "@@", "c2")
    for draft in (message, change):
        words = (NOBODY, CY, BOB), (NOBODY,), (BOB, CY), (CY,)
        draft.mentions = Mentions(strangers=words)
    flow: list[d.Draft] = [message, message, change, change]
    if again:
        outcomes = [await one(store, draft) for draft in flow]
    else:
        outcomes = await store.commit(flow, T0)
    for outcome in outcomes:
        assert isinstance(outcome, d.Committed | d.Duplicate)
        assert outcome.unreached == (CY, BOB)
    refused = d.Refused(RejectCode.MUTED, "muted")
    bare = d.EditMessage(LOBBY, ANN, change.cid, Seq(1), "@@")
    recalled = await one(store, d.Recall(bare, refused))
    assert recalled == d.Duplicate(Seq(2), T0, unreached=(CY, BOB))


async def test_of_many_who_are_not_reached_the_first_are_told(store: Store) -> None:
    """Of those whom there are, each once, however many others are named before."""
    names = [UserName(f"u{number}") for number in range(d.STRANGERS_MAX + 3)]
    for name in names[1:]:
        await one(store, d.AddUser(name, name, AccountRole.USER, None))
    await one(store, d.EraseUser(names[1], None, None))
    message = say("@")
    words = [(NOBODY, name) for name in [*names, *names]]
    message.mentions = Mentions(strangers=tuple(words))
    outcome = await one(store, message)
    assert isinstance(outcome, d.Committed)
    assert outcome.unreached == tuple(names[2 : 2 + d.STRANGERS_MAX])


@pytest.mark.parametrize("again", [0, 1])
async def test_a_retry_addresses_nobody_again(store: Store, again: int) -> None:
    """The same `cid`, in the same batch or in a later one."""
    message = to(BOB)
    message.cid = "c1"  # type: ignore[assignment]
    batches = [[message, message], []] if again else [[message], [message]]
    for batch in batches:
        await store.commit(batch, T0)
    assert await mentions(store, BOB) == (1, 1)
