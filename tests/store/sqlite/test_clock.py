"""Stores of before there was a clock that is not believed."""

from __future__ import annotations

from pathlib import Path

from chatd.core import drafts as d
from chatd.core.query import parse_query
from chatd.ids import Seq
from tests.store.sqlite.older import store_at
from tests.store.support import (
    ANN,
    DAY,
    LOBBY,
    T0,
    one,
    say,
    sqlite,
    timeline,
    trimmed,
)


async def test_a_store_of_before_knows_its_newest_event(tmp_path: Path) -> None:
    """Until something is committed; and its stamps, which never did, may go back."""
    with store_at(tmp_path, 5) as db:
        for seq in (1, 2):
            db.execute(
                "INSERT INTO message (room_id, seq, ts, user_id, text)"
                " VALUES (1, ?, ?, 1, 'tea')",
                (seq, T0 - DAY + seq * 1000),
            )
        db.execute("UPDATE room SET head = 2")
    async with sqlite(tmp_path) as store:
        assert await store.certain(T0 + 40 * DAY) == T0
        assert await store.certain(T0 - 40 * DAY) == T0 - 40 * DAY
        await store.load(T0)
        await store.commit([say("tea")], T0 - 40 * DAY, T0)
        stamps = [event.ts for event in await timeline(store)]
        assert stamps == [T0 - DAY + 1000, T0 - DAY + 2000, T0 - 40 * DAY]
        for text, found in (
            ("tea after:2026-09-01", [2, 1]),
            ("tea before:2026-09-01", [3]),
        ):
            query, scope = parse_query(text), [(LOBBY, Seq(1), Seq(3))]
            page = await store.search(query, scope, None, 9, ANN)
            assert page is not None
            assert sorted(hit.message.seq for hit in page[0]) == sorted(found)
        step = await one(store, d.TrimRoom(LOBBY, T0 - DAY + 2000, None), T0)
        assert step == trimmed(2, more=False)


async def test_a_new_store_knows_nothing(tmp_path: Path) -> None:
    """What it knows it has from the first commit, and over a restart."""
    async with sqlite(tmp_path) as store:
        assert await store.certain(T0) is None
        await store.commit([], T0 + 40 * DAY, T0)
        assert await store.certain(T0) == T0
    async with sqlite(tmp_path) as store:
        assert await store.certain(T0 + 40 * DAY) == T0
        assert await store.certain(0) == T0
