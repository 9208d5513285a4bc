from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from chatd.core.entities import IDLE_S
from chatd.errors import Ending, StoreUnavailable
from chatd.ids import RoomName, direct_room
from chatd.ports import RoomRow, Store
from chatd.store.sqlite import open_store
from tests.hub.support import ANN, BOB, DEN, T0, Rig, running
from tests.store.memory import MemoryStore

DIRECT = direct_room(ANN, BOB)
Opened = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Each kind of store in turn, to be opened as often as one likes."""
    if request.param == "sqlite":
        return partial(
            open_store, tmp_path, cid_keep_d=7, session_days=30, guest_hold_s=900
        )
    memory = MemoryStore()

    @asynccontextmanager
    async def again() -> AsyncIterator[Store]:
        yield memory

    return again


def resident(rig: Rig) -> bool:
    """Whether the conversation is in memory."""
    return DIRECT in rig.hub.machine.chat.durable.rooms


async def test_a_restart_reads_a_conversation_when_one_of_the_two_comes(
    opened: Opened,
) -> None:
    """And goes on with it, as if it had been in memory all the time."""
    async with opened() as store:
        await store.load(T0)
        async with running(store) as rig:
            ann = await rig.login("ann")
            await ann.answer("send", to=BOB, text="hi")
            assert resident(rig)
    async with opened() as store, running(store, filled=False) as rig:
        assert not resident(rig)
        bob = rig.connect()
        welcome = await bob.hello("bob")
        (room,) = [one for one in welcome["rooms"] if one["room"] == DIRECT]
        assert (room["seq"], room["unread"]) == (1, 1)
        assert resident(rig)
        reply = await bob.answer("send", room=DIRECT, text="hello")
        assert reply["seq"] == 2


async def test_it_goes_when_both_have_gone(autojump_clock: MockClock) -> None:
    """After a while, and comes again with the next of them."""
    async with running() as rig:
        ann = await rig.login("ann")
        await ann.ask("send", to=BOB, text="hi")
        ann.close()
        await trio.sleep(4 * IDLE_S)
        assert not resident(rig)
        await rig.login("bob")
        assert resident(rig)


class Unreadable(MemoryStore):
    """A store that cannot tell of rooms now."""

    readable = False

    async def rooms(self, names: Sequence[RoomName]) -> list[RoomRow]:
        """Refuse those of somebody, until it can."""
        if DEN in names and not self.readable:
            raise StoreUnavailable("busy")
        return await super().rooms(names)


async def test_a_hello_whose_rooms_cannot_be_read_comes_back(
    autojump_clock: MockClock,
) -> None:
    """It is told to; nothing of it stays behind."""
    store = Unreadable()
    async with running(store) as rig:
        ann = rig.connect()
        ann.say("hello", session="ann")
        await trio.sleep(1)
        assert ann.outlet.ending is Ending.OVERLOADED
        ann.close()
        await trio.sleep(1)
        store.readable = True
        await rig.login("ann")
