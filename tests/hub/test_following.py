"""The daemon's look for what others have changed."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from chatd.core.changes import (
    AccessRevoked,
    AddressBan,
    Banned,
    Change,
    RoleSet,
    SessionsEnded,
    Unbanned,
    UserAdded,
    UserErased,
)
from chatd.core.inputs import Changed
from chatd.enums import AccountRole
from chatd.errors import StoreFailed, StoreUnavailable
from chatd.hub.following import follow, told
from chatd.ids import SessionId
from chatd.store.sqlite import log
from tests.hub.support import ANN, BOB, DEN, T0, fill, running
from tests.store.memory import MemoryStore


class Moody(MemoryStore):
    """A store that cannot be read now and then."""

    mood: StoreUnavailable | StoreFailed | None = None

    async def changes(self, after: int) -> tuple[list[Change], int]:
        """Raise what the test wants."""
        found = await super().changes(after)
        if self.mood is not None:
            raise self.mood
        return found


async def test_a_change_is_handed_on_once_within_a_second(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """In order, and what comes later by itself."""
    store = MemoryStore()
    await fill(store)
    heard: list[Changed] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, store, heard.append)
        await trio.sleep(0.4)
        store.ban(ANN, None, None)
        store.write_beside(RoleSet(BOB, AccountRole.BOT))
        await trio.sleep(0.7)
        both: list[Change] = [Banned(ANN, None, None), RoleSet(BOB, AccountRole.BOT)]
        assert heard == [Changed(both, 2)]
        await trio.sleep(5)
        assert len(heard) == 1
        store.write_beside(AccessRevoked(BOB))
        await trio.sleep(1)
        assert heard[1:] == [Changed([AccessRevoked(BOB)], 3)]
        nursery.cancel_scope.cancel()


def test_the_log_says_of_each_change_what_it_is() -> None:
    """Of all that others write, with whose it is, and nothing of a secret."""
    session, digest = SessionId(b"s" * 32), b"t" * 32
    changes: list[Change] = [
        UserAdded(ANN, "Ann", AccountRole.ADMIN),
        RoleSet(BOB, AccountRole.BOT),
        Banned(ANN, T0, "spam", AddressBan(ANN, digest, T0, T0, "spam")),
        Banned(ANN, None, None),
        Unbanned(ANN),
        AccessRevoked(BOB),
        AccessRevoked(BOB, digest, session),
        SessionsEnded((session, session)),
        UserErased(BOB),
    ]
    lines = [told(change) for change in changes]
    assert lines == [
        {"what": "account added", "user": "ann", "role": "admin"},
        {"what": "role given", "user": "bob", "role": "bot"},
        {"what": "banned", "user": "ann", "until": "2026-09-21T14:13:20Z"},
        {"what": "banned", "user": "ann", "until": "lifted"},
        {"what": "ban lifted", "user": "ann"},
        {"what": "logged out everywhere", "user": "bob"},
        {"what": "token revoked", "user": "bob"},
        {"what": "sessions ended", "count": 2},
        {"what": "account erased", "user": "bob"},
    ]
    assert {type(change) for change in changes} == set(log._KINDS.values())


async def test_a_store_that_cannot_tell_now_is_asked_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One that has failed ends the daemon."""
    store = Moody()
    await fill(store)
    heard: list[Changed] = []
    store.ban(ANN, None, None)
    store.mood = StoreUnavailable("busy")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, store, heard.append)
        await trio.sleep(3)
        assert heard == []
        store.mood = None
        await trio.sleep(1)
        assert len(heard) == 1
        nursery.cancel_scope.cancel()
    store.mood = StoreFailed("gone")
    with pytest.raises(StoreFailed):
        await follow(store, heard.append)


async def test_a_ban_ends_connections_and_is_let_go_of(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """4503 in a second; the others see him leave; he cannot resume."""
    store = MemoryStore()
    async with running(store) as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        for peer in (ann, bob):
            await peer.ask("join", room=DEN)
        await trio.sleep(3)
        bob.take()
        store.ban(ANN, None, "spam")
        await trio.sleep(3)
        assert ann.outlet.ending is not None
        assert ann.outlet.ending.code == 4503
        leaves = [frame.get("leave") for frame in bob.take()]
        assert leaves == [["ann"]]
        assert await store.changes(0) == ([], 0)
        ann.close()
        again = rig.connect()
        refused = await again.answer("hello", session="ann")
        assert refused["code"] == "bad_credentials"
