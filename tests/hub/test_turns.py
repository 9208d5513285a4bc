"""One page at a time for each user, whoever asks for how many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatd.core import drafts as d
from chatd.enums import Role
from chatd.hub.turns import Turns
from chatd.ids import UserName
from chatd.store import open_store
from chatd.store.sqlite import reader
from tests.hub.support import ANN, BOB, CY, DEN, T0, fill, running
from tests.store.gate import Gate


async def test_a_user_has_one_turn_at_a_time() -> None:
    """His others wait in the order of asking; another user's do not wait for him."""
    turns, order = Turns(), list[str]()
    gates = {name: trio.Event() for name in ("ann 1", "ann 2", "bob 1")}

    async def take(user: UserName, name: str) -> None:
        async with turns.of(user):
            order.append(name)
            await gates[name].wait()

    async with trio.open_nursery() as nursery:
        for user, name in ((ANN, "ann 1"), (ANN, "ann 2"), (BOB, "bob 1")):
            nursery.start_soon(take, user, name)
            await wait_all_tasks_blocked()
        assert order == ["ann 1", "bob 1"]
        gates["ann 1"].set()
        await wait_all_tasks_blocked()
        assert order == ["ann 1", "bob 1", "ann 2"]
        assert len(turns) == 2
        gates["ann 2"].set()
        gates["bob 1"].set()
    assert len(turns) == 0


@pytest.mark.parametrize("holder", [True, False])
async def test_who_goes_away_leaves_nothing(holder: bool) -> None:
    """Neither whoever has the turn nor whoever waits for it."""
    turns = Turns()
    scopes = [trio.CancelScope(), trio.CancelScope()]

    async def take(scope: trio.CancelScope) -> None:
        with scope:
            async with turns.of(ANN):
                await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for scope in scopes:
            nursery.start_soon(take, scope)
            await wait_all_tasks_blocked()
        scopes[not holder].cancel()
        await wait_all_tasks_blocked()
        assert len(turns) == 1
        scopes[holder].cancel()
    assert len(turns) == 0


async def test_a_login_does_not_wait_for_sixty_pages_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one of them has to end before somebody else is welcomed and counted for;
    and whoever asks for forty has one reader.
    """
    gate, history = Gate(), reader.history

    def dear(db: apsw.Connection, *args: Any) -> Any:
        viewer = args[5]
        gate.enter(viewer)
        return history(db, *args)

    monkeypatch.setattr(reader, "history", dear)
    opening = open_store(tmp_path, cid_keep_d=7, session_days=30, guest_hold_s=900)
    with trio.fail_after(60):
        async with opening as store:
            await fill(store, ("ann-1", "ann-2", "bob", "cy"))
            await store.commit(
                [
                    d.SetMember(DEN, CY, Role.MEMBER, event=True),
                    d.NewMessage(DEN, ANN, None, "hi"),
                ],
                T0,
            )
            async with running(store, filled=False) as rig:
                peers = [await rig.login(name) for name in ("ann-1", "ann-2", "cy")]
                try:
                    for peer in peers * 20:
                        peer.say("history", room=DEN)
                    await gate.wait_begun(2)
                    bob = rig.connect()
                    welcome = await bob.answer("hello", session="bob")
                    assert welcome["rooms"][0]["unread"] == 1
                    assert sorted(gate.begun) == [ANN, CY]
                finally:
                    gate.open.set()
                await gate.wait_begun(60)
