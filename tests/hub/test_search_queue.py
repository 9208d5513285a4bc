"""Who may search now, and what becomes of a search that cannot be carried out."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatd.core import drafts as d
from chatd.core.drafts import RETRY_AFTER_S
from chatd.core.query import Hit, Place, Query
from chatd.errors import (
    IndexBehind,
    Reject,
    RejectCode,
    StoreUnavailable,
    TooSlow,
)
from chatd.hub.search_queue import SEARCHES_MAX, SEARCHES_PER_USER_MAX, Searches
from chatd.ids import UserName
from tests.hub.support import ANN, DEN, T0, fill, running
from tests.store.memory import MemoryStore

Page = tuple[list[Hit], bool] | None
T = TypeVar("T", bound=MemoryStore)


@attrs.define(eq=False)
class SlowSearch(MemoryStore):
    """Searches when the test lets it."""

    gate: trio.Semaphore = attrs.field(factory=lambda: trio.Semaphore(0))
    asked: int = 0

    async def search(
        self,
        query: Query,
        scope: Any,
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> Page:
        self.asked += 1
        await self.gate.acquire()
        return await super().search(query, scope, place, limit, viewer)


@attrs.define(eq=False)
class FailingSearch(MemoryStore):
    """Does not search."""

    error: Exception = attrs.field(factory=TooSlow)

    async def search(
        self,
        query: Query,
        scope: Any,
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> Page:
        await trio.lowlevel.checkpoint()
        raise self.error


def behind(lacking: int, of: int, retry_after_s: float) -> IndexBehind:
    """What a store raises that has much to index."""
    error = IndexBehind(lacking, of)
    error.retry_after_s = retry_after_s
    return error


async def with_tea(store: T) -> T:
    """Fill a store; ann has written of tea in the den."""
    await fill(store)
    await store.commit([d.NewMessage(DEN, ANN, None, "tea")], T0)
    return store


async def test_what_was_found_is_answered() -> None:
    """With its id, to whoever asked; a page at a time."""
    async with running(await with_tea(MemoryStore()), filled=False) as rig:
        ann, cy = await rig.login("ann"), await rig.login("cy")
        (page,) = await ann.ask("search", query="TEA", id=7)
        assert page == {
            "type": "ok",
            "re": "search",
            "id": 7,
            "messages": [
                {
                    "room": "den",
                    "seq": 1,
                    "ts": page["messages"][0]["ts"],
                    "from": "ann",
                    "text": "tea",
                    "snippet": "tea",
                    "hits": [[0, 3]],
                }
            ],
        }
        (page,) = await cy.ask("search", query="tea")
        assert page["messages"] == []
        for text in ("more tea", "the rest of the tea"):
            await ann.answer("send", room="den", text=text)
        (page,) = await ann.ask("search", query="tea", limit=2)
        (page,) = await ann.ask("search", query="tea", limit=2, next=page["next"])
        assert [entry["seq"] for entry in page["messages"]] == [3]
        assert "next" not in page


async def test_a_slow_search_keeps_nobody_from_anything_else() -> None:
    """Not even the one who asked for it."""
    store = await with_tea(SlowSearch())
    async with running(store, filled=False) as rig:
        ann = await rig.login("ann")
        assert await ann.ask("search", query="tea", id=1) == []
        (page,) = await ann.ask("history", room="den")
        assert len(page["messages"]) == 1
        store.gate.release()
        await wait_all_tasks_blocked()
        (page,) = ann.take()
        assert (page["re"], page["id"]) == ("search", 1)


async def test_one_user_has_only_a_few_searches_at_once() -> None:
    """On all connections together; when one is done, the next may begin.

    At the store he has one, so that another's first goes before his second.
    """
    store = SlowSearch()
    await fill(store, ("ann", "ann-2", "bob"))
    async with running(store, filled=False) as rig:
        phone, desk = await rig.login("ann"), await rig.login("ann-2")
        bob = await rig.login("bob")
        for peer in [phone, desk] * (SEARCHES_PER_USER_MAX // 2):
            assert await peer.ask("search", query="tea") == []
        (error,) = await desk.ask("search", query="tea", id=9)
        assert (error["code"], error["id"]) == ("rate_limited", 9)
        assert error["text"] == "you have too many searches under way"
        assert error["retry_after"] == pytest.approx(0.2 * SEARCHES_PER_USER_MAX)
        assert await bob.ask("search", query="tea") == []
        store.gate.release()
        await wait_all_tasks_blocked()
        assert [frame["re"] for frame in phone.take()] == ["search"]
        assert await desk.ask("search", query="tea") == []
        # His first and his second, and bob's.
        assert store.asked == 3


async def test_only_so_many_searches_wait_in_all() -> None:
    """One more is refused at once; those who went away leave their place."""
    store = SlowSearch()
    searches = Searches()
    read = partial(store.search, Query(), [], None, 20, ANN)
    async with trio.open_nursery() as nursery:
        for number in range(SEARCHES_MAX):
            nursery.start_soon(searches.find, UserName(f"u{number}"), read)
        await wait_all_tasks_blocked()
        with pytest.raises(Reject) as refused:
            await searches.find(ANN, read)
        assert refused.value.code is RejectCode.RATE_LIMITED
        assert refused.value.text == "there are too many searches under way"
        assert refused.value.retry_after_s == pytest.approx(0.2 * SEARCHES_MAX)
        nursery.cancel_scope.cancel()
    store.gate.release()
    assert await searches.find(ANN, read) == ([], False)


@pytest.mark.parametrize(
    ("error", "text", "field", "retry_after"),
    [
        (TooSlow(), "query: this search takes too long", "query", None),
        (
            behind(57_001, 100_000, 7.0),
            "query: the search index is being made and has 42 % of the messages:",
            "query",
            7,
        ),
        (StoreUnavailable("busy"), "the store cannot be read", None, RETRY_AFTER_S),
    ],
)
async def test_a_search_that_fails_is_answered(
    error: Exception, text: str, field: str | None, retry_after: float | None
) -> None:
    """It takes too long, and why, or the store is busy: the connection goes on."""
    store = await with_tea(FailingSearch(error=error))
    async with running(store, filled=False) as rig:
        ann = await rig.login("ann")
        (refusal,) = await ann.ask("search", query="tea", id=1)
        assert (refusal["code"], refusal.get("field")) == ("unavailable", field)
        assert refusal["text"].startswith(text)
        assert refusal.get("retry_after") == retry_after
        (done,) = await ann.ask("ping")
        assert done["type"] == "ok"


async def test_a_place_at_which_nothing_is_any_more_is_answered() -> None:
    """The client begins its search again."""
    async with running(await with_tea(MemoryStore()), filled=False) as rig:
        ann = await rig.login("ann")
        await ann.answer("react", room="den", of=1, emoji="👍")
        (error,) = await ann.ask("search", query="tea", next="10/1/den/2/den")
        assert (error["code"], error["field"]) == ("bad_field", "next")


async def test_a_search_of_a_connection_that_is_gone_is_not_begun() -> None:
    """It left in the same moment."""
    store = await with_tea(SlowSearch())
    async with running(store, filled=False) as rig:
        ann = await rig.login("ann")
        ann.say("search", query="tea")
        ann.close()
        await wait_all_tasks_blocked()
        assert store.asked == 0
