"""The operator's desk: what he does while no daemon runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from chatd.client.dial import UNIX, dial
from chatd.client.frames import Frame, dump, load
from chatd.config import Config
from chatd.config.sections import Store as StoreSection
from chatd.core import drafts as d
from chatd.daemon.desk import open_desk
from chatd.enums import AccountRole
from chatd.errors import StoreHeld
from chatd.ids import UserName
from chatd.store.sqlite.lock import is_served
from tests.store.support import ANN, LOBBY, T0, fill, one, session_id, sqlite

GUEST = UserName("dan~4f7k")
SETUP = b"s" * 32


def settings(data: Path) -> Config:
    """The defaults, which declare the lobby, with the data there."""
    return attrs.evolve(Config(), store=attrs.evolve(StoreSection(), path=str(data)))


async def ask(path: Path, **command: Any) -> Frame:
    """Have one command answered at a socket."""
    async with dial(f"{UNIX}{path}", lambda: None) as websocket:
        await websocket.send_message(dump(command))
        return load(await websocket.get_message())


async def test_a_command_is_decided_as_by_the_daemon(tmp_path: Path) -> None:
    """What it says it has done is in the store, which others find locked meanwhile."""
    async with sqlite(tmp_path) as store:
        await fill(store)
    async with open_desk(settings(tmp_path)) as path:
        assert is_served(tmp_path)
        assert (await ask(path, type="user_ban", user="ann"))["type"] == "ok"
        refused = await ask(path, type="user_ban", user="nobody")
        assert refused["code"] == "no_user"
        with pytest.raises(StoreHeld, match="a command changes this data"):
            async with open_desk(settings(tmp_path)):
                pass
    assert not is_served(tmp_path)
    assert not path.parent.exists(), "the socket went with it"
    async with sqlite(tmp_path) as store:
        row = await store.user(ANN)
        assert row is not None
        assert row.ban is not None


async def test_nothing_else_happens(tmp_path: Path) -> None:
    """Settings may be others: no room is declared, no age ends anything, and who may
    make the first administrator may do so still.
    """
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await one(store, d.OfferSetup(SETUP))
        come = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
        await one(store, d.OpenSession(session_id("g"), GUEST, None, T0, come))
        marks = d.SaveMarks({}, {session_id("g"): T0})
        await one(store, marks)
    async with open_desk(settings(tmp_path)) as path:
        assert (await ask(path, type="user_unban", user=GUEST))["type"] == "ok"
    async with sqlite(tmp_path) as store:
        assert await store.rooms([LOBBY]) == []
        found = await store.session(session_id("g"))
        assert found is not None
        assert found[0].idle_since == T0, "nor does a guest last longer"
        assert await store.invitation(SETUP) is not None
