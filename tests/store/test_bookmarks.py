"""What a store promises about bookmarks, on every implementation."""

from __future__ import annotations

import pytest
import trio

from chatd.core import drafts as d
from chatd.core.changes import BookmarkSet
from chatd.enums import MemberChange, Role
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store import answers
from chatd.store.sqlite import bookmarks
from chatd.wire.kinds import BookmarkNumber
from tests.store.support import (
    ANN,
    BOB,
    DIRECT,
    LOBBY,
    T0,
    delete,
    edit,
    one,
    refused,
    say,
)

TEA, CY = RoomName("tea"), UserName("cy")


def keep(
    of: int, *, on: bool = True, user: UserName = BOB, room: RoomName = LOBBY
) -> d.SetBookmark:
    """A bookmark of bob's in the lobby."""
    return d.SetBookmark(user, room, Seq(of), on)


async def kept(
    store: Store, user: UserName = BOB, after: int | None = None, limit: int = 100
) -> tuple[list[tuple[str, int]], bool]:
    """The room and the seq of what somebody has kept, and whether there are more."""
    place = None if after is None else BookmarkNumber(after)
    found, more = await store.bookmarks(user, place, limit)
    return [(message.room, message.seq) for _, message in found], more


async def test_what_is_kept_is_listed_as_it_is_now(store: Store) -> None:
    """The last one first, of all rooms; each for its user alone."""
    await store.commit(
        [say("a"), say("b", room=DIRECT), say("c", reply_to=1), edit(2, "C")], T0
    )
    outcome = await one(store, keep(2))
    assert outcome == d.Committed((BookmarkSet(BOB, LOBBY, Seq(2), on=True),))
    await store.commit([keep(1, room=DIRECT), keep(1), keep(1, user=ANN)], T0)
    assert await kept(store) == ([(LOBBY, 1), (DIRECT, 1), (LOBBY, 2)], False)
    assert await kept(store, ANN) == ([(LOBBY, 1)], False)
    *_, (_, message) = (await store.bookmarks(BOB, None, 9))[0]
    said = (message.text, message.edited, message.reply_to, message.sender, message.ts)
    assert said == ("C", True, 1, ANN, T0)
    outcome = await one(store, keep(1, on=False))
    assert outcome == d.Committed((BookmarkSet(BOB, LOBBY, Seq(1), on=False),))
    assert await kept(store) == ([(DIRECT, 1), (LOBBY, 2)], False)


async def test_they_are_read_page_by_page(store: Store) -> None:
    """Each page goes on behind the number of the last one."""
    await store.commit([say(str(number)) for number in range(3)], T0)
    await store.commit([keep(of) for of in (2, 1, 3)], T0)
    found, more = await store.bookmarks(BOB, None, 2)
    assert ([message.seq for _, message in found], more) == ([3, 1], True)
    assert await kept(store, after=found[-1][0], limit=2) == ([(LOBBY, 2)], False)


async def test_what_changes_nothing_is_nothing_new(store: Store) -> None:
    """Also to take away what is none, and what is no message at all."""
    await store.commit([say("a"), keep(1)], T0)
    assert await one(store, keep(1)) == d.Duplicate()
    for of in (2, 99):
        assert await one(store, keep(of, on=False)) == d.Duplicate()


async def test_only_a_message_is_kept(store: Store) -> None:
    """Of a room that is there, by one who is in it."""
    await store.commit([say("a"), delete(1), say("b")], T0)
    for of in (1, 2, 4):
        assert refused(await one(store, keep(of))) == RejectCode.NO_MESSAGE, of
    assert refused(await one(store, keep(3, user=CY))) == RejectCode.NO_MESSAGE
    assert refused(await one(store, keep(3, room=TEA))) == RejectCode.NO_ROOM
    stranger = keep(3, user=UserName("eve"))
    assert refused(await one(store, stranger)) == RejectCode.NO_USER


async def test_it_goes_with_the_message(store: Store) -> None:
    """Deleted, or forgotten with the beginning of its room."""
    await store.commit([say("a"), say("b"), say("c"), keep(1), keep(2), keep(3)], T0)
    await store.commit([delete(3)], T0)
    assert await kept(store) == ([(LOBBY, 2), (LOBBY, 1)], False)
    await store.commit([d.TrimRoom(LOBBY, None, 2)], T0)
    assert await kept(store) == ([(LOBBY, 2)], False)


async def test_a_step_of_trimming_takes_away_so_many(store: Store) -> None:
    """The message with one too many is left for the next one."""
    await store.commit([say("a"), say("b"), say("c"), say("d")], T0)
    await store.commit(
        [keep(of, user=user) for of in (1, 2) for user in (ANN, BOB)], T0
    )
    outcome = await one(store, d.TrimRoom(LOBBY, None, 1, 3))
    assert isinstance(outcome, d.Trimmed)
    assert outcome.more
    assert await kept(store) == ([(LOBBY, 2)], False)


async def test_it_goes_with_its_users_membership(store: Store) -> None:
    """However that ends; who comes back finds none."""
    await store.commit([say("a"), keep(1), keep(1, user=ANN)], T0)
    await store.commit([d.SetMember(LOBBY, BOB, None, event=True)], T0)
    assert await kept(store) == ([], False)
    await store.commit([d.SetMember(LOBBY, BOB, Role.MEMBER, event=True)], T0)
    assert await kept(store) == ([], False)
    await store.commit(
        [keep(1), d.Moderate(LOBBY, ANN, None, BOB, MemberChange.KICK)], T0
    )
    assert await kept(store) == ([], False)
    assert await kept(store, ANN) == ([(LOBBY, 1)], False)


async def test_it_goes_with_the_room_and_with_its_user(store: Store) -> None:
    """At once for who asks."""
    await store.commit([say("a"), say("b", room=DIRECT)], T0)
    await store.commit([keep(1), keep(1, room=DIRECT)], T0)
    await store.commit([d.DestroyRoom(LOBBY, ANN, None)], T0)
    assert await kept(store) == ([(DIRECT, 1)], False)
    await store.commit([d.EraseUser(BOB, None, None)], T0)
    assert await kept(store) == ([], False)


async def test_it_goes_when_the_author_is_erased(store: Store) -> None:
    """With the message, which may be a little later."""
    await store.commit([say("a"), say("b", user=BOB), keep(1), keep(2)], T0)
    await store.commit([d.EraseUser(ANN, None, None)], T0)
    with trio.fail_after(60):
        # The tender tells nobody when it has done a step.
        while await kept(store) != ([(LOBBY, 2)], False):  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_what_is_hidden_is_not_listed(store: Store) -> None:
    """A message of somebody whom one blocked when it was written."""
    await store.commit([d.SetBlock(BOB, ANN, on=True)], T0)
    await store.commit([say("a", room=DIRECT), keep(1, room=DIRECT)], T0)
    await store.commit([keep(1, room=DIRECT, user=ANN)], T0)
    assert await kept(store) == ([], False)
    assert await kept(store, ANN) == ([(DIRECT, 1)], False)


async def test_one_user_has_so_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is refused until one is taken away."""
    monkeypatch.setattr(bookmarks, "BOOKMARKS_MAX", 2)
    monkeypatch.setattr(d, "BOOKMARKS_MAX", 2)
    await store.commit([say("a"), say("b"), say("c"), keep(1), keep(2)], T0)
    assert await one(store, keep(3)) == answers.TOO_MANY_BOOKMARKS
    assert isinstance(await one(store, keep(3, user=ANN)), d.Committed)
    await store.commit([keep(1, on=False)], T0)
    assert isinstance(await one(store, keep(3)), d.Committed)
