"""The hub over the true store, when its disk is full."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatd.store.sqlite import SqliteStore, open_store
from tests.hub.support import DEN, running


async def allow_pages(store: SqliteStore, count: int) -> None:
    """Let the database have so many pages, or those that it has."""

    def run() -> None:
        db: apsw.Connection = store._writer.db
        db.pragma("max_page_count", count)

    await store._db.async_run(run)


async def test_a_full_disk_is_told_survived_and_recovered_from(tmp_path: Path) -> None:
    """No ok is ever given for what is not stored; reads go on; it recovers by
    itself, and sending again with the same cid stores once.
    """
    async with (
        open_store(tmp_path, cid_keep_d=7, session_days=30, guest_hold_s=900) as store,
        running(store) as rig,
    ):
        ann, bob = await rig.login("ann"), await rig.login("bob")
        await bob.answer("join", room=DEN)
        stored = await ann.answer("send", room=DEN, text="before", cid="0")
        assert stored["seq"] == 1

        await allow_pages(store, 1)
        oks, number = [1], 0
        refused: list[int] = []
        while len(refused) < 5:
            number += 1
            reply = await ann.answer(
                "send", room=DEN, text=f"{number} {'x' * 3000}", cid=str(number)
            )
            if reply["type"] == "ok":
                assert not refused
                oks.append(reply["seq"])
            else:
                assert (reply["code"], reply["cid"]) == ("unavailable", str(number))
                assert reply["retry_after"] == 1.0
                refused.append(number)

        assert rig.hub.is_ready
        page = await bob.answer("history", room=DEN)
        assert [message["seq"] for message in page["messages"]] == oks
        replay = await bob.answer("join", room=DEN, since=0, epoch=page["epoch"])
        assert replay["recovered"] is True
        assert (await bob.answer("ping"))["type"] == "ok"

        await allow_pages(store, 1_000_000)
        for number in refused:
            reply = await ann.answer(
                "send", room=DEN, text=f"{number} {'x' * 3000}", cid=str(number)
            )
            assert reply["type"] == "ok"
            assert "dup" not in reply
            oks.append(reply["seq"])
        again = await ann.answer(
            "send", room=DEN, text=f"{refused[-1]} {'x' * 3000}", cid=str(refused[-1])
        )
        assert (again["seq"], again["dup"]) == (oks[-1], True)
        assert oks == [*range(1, len(oks) + 1)]
        page = await bob.answer("history", room=DEN)
        assert [message["seq"] for message in page["messages"]] == oks
        assert ann.outlet.answers == ann.said
