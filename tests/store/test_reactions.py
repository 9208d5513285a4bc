"""Reactions, as every store folds them into history and lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chatd.core import drafts as d
from chatd.enums import AccountRole
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store import answers
from tests.store.support import ANN, BOB, LOBBY, T0, delete, page, react, say

NOWHERE = RoomName("nowhere")


async def many_reactions(store: Store, emoji: Sequence[str], users: int) -> None:
    """Ann has said something, and so many users have put each of the emoji on it."""
    names = [UserName(f"u{number:02}") for number in range(users)]
    await store.commit(
        [d.AddUser(name, name, AccountRole.USER, None) for name in names], T0
    )
    await store.commit(
        [say("a"), *(react(1, one, user=u) for one in emoji for u in names)], T0
    )


async def test_of_many_reactions_history_names_the_first_and_the_viewer(
    store: Store,
) -> None:
    """With how many there are, until all are named again; what goes is not counted."""
    await many_reactions(store, ["👍"], 53)
    await store.commit([react(1, "👎", user=BOB)], T0)
    first = [UserName(f"u{number:02}") for number in range(50)]
    late = UserName("u52")

    async def shown(viewer: UserName) -> tuple[list[UserName], dict[str, int]]:
        (message,) = await page(store, viewer=viewer)
        assert message.reactions["👎"] == [BOB]
        return message.reactions["👍"], message.reacted

    assert await shown(ANN) == (first, {"👍": 53})
    assert await shown(first[7]) == (first, {"👍": 53})
    assert await shown(late) == ([*first, late], {"👍": 53})
    await store.commit([react(1, "👍", on=False, user=first[0])], T0)
    await store.commit([react(1, "👍", on=False, user=first[0])], T0)
    await store.commit([react(1, "👍", user=first[1])], T0)
    assert await shown(ANN) == ([*first[1:], UserName("u50")], {"👍": 52})
    await store.commit([react(1, "👍", user=first[0])], T0)
    assert await shown(first[0]) == (
        [*first[1:], UserName("u50"), first[0]],
        {"👍": 53},
    )
    left = [react(1, "👍", on=False, user=user) for user in first[:3]]
    await store.commit(left, T0)
    rest = [*first[3:], *(UserName(f"u{number}") for number in (50, 51, 52))]
    assert await shown(ANN) == (rest, {})


async def test_reactions_are_read_page_by_page(store: Store) -> None:
    """In the order in which they were put; who puts his again is the last."""
    await many_reactions(store, ["👍", "👎"], 5)
    again = UserName("u01")
    await store.commit(
        [react(1, "👍", on=False, user=again), react(1, "👍", user=again)], T0
    )

    async def read(after: int, emoji: str = "👍") -> tuple[list[str], int, bool]:
        read = await store.reactions(
            LOBBY, Seq(1), emoji, after=Seq(after), limit=2, viewer=ANN
        )
        assert read is not None
        found, more = read
        return [user for _, user in found], found[-1][0] if found else 0, more

    users, place, more = await read(0)
    assert (users, more) == (["u00", "u02"], True)
    users, place, more = await read(place)
    assert (users, more) == (["u03", "u04"], True)
    users, place, more = await read(place)
    assert (users, more) == (["u01"], False)
    assert await read(place) == ([], 0, False)
    assert await read(0, "🎉") == ([], 0, False)


async def test_what_is_no_message_has_no_list_of_reactions(store: Store) -> None:
    """Unlike a message without any: an event, deleted, beyond the head, nowhere."""
    await store.commit([say("a"), react(1, "👍"), say("b"), delete(3, "c")], T0)

    async def read(room: RoomName, of: int) -> object:
        return await store.reactions(
            room, Seq(of), "🎉", after=Seq(0), limit=2, viewer=ANN
        )

    assert await read(LOBBY, 1) == ([], False)
    for room, of in ((LOBBY, 2), (LOBBY, 3), (LOBBY, 4), (LOBBY, 99), (NOWHERE, 1)):
        assert await read(room, of) is None, (room, of)


async def test_a_page_ends_before_it_has_too_many_names(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message is always there, whatever it has; the next page has the others."""
    monkeypatch.setattr(answers, "PAGE_NAMES_MAX", 4)
    texts = [say(str(number)) for number in range(1, 5)]
    reactions = [react(of, "👍", user=user) for of in (2, 3) for user in (ANN, BOB)]
    more_of_them = [react(3, emoji) for emoji in ("👎", "🎉", "🍵")]
    await store.commit([*texts, *reactions, *more_of_them], T0)

    async def read(**bounds: Seq) -> tuple[list[int], bool]:
        where: dict[str, Any] = {"before": None, "after": None} | bounds
        messages, _, more = await store.history(
            LOBBY, limit=9, upto=Seq(99), viewer=ANN, **where
        )
        return [message.seq for message in messages], more

    assert await read() == ([4], True)
    assert await read(before=Seq(4)) == ([3], True)
    assert await read(before=Seq(3)) == ([1, 2], False)
    assert await read(after=Seq(0)) == ([1, 2], True)
    assert await read(after=Seq(2)) == ([3], True)
    assert await read(after=Seq(3)) == ([4], False)
