"""Both kinds of store, as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatd.core.entities import Sanction
from chatd.ids import UserName
from chatd.ports import Store
from chatd.store.sqlite import admin, tokens
from tests.store.memory import MemoryStore
from tests.store.support import T0, Site, fill, sqlite


@pytest.fixture(params=["memory", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Each kind of store in turn."""
    if request.param == "sqlite":
        ids: dict[bytes, int] = {}

        def add_token(
            user: UserName, digest: bytes, expires: int | None, scope: str | None
        ) -> None:
            ids[digest] = tokens.add_token(
                tmp_path, user, digest, expires, T0, name="test", scope=scope
            )

        return Site(
            opened=lambda: sqlite(tmp_path),
            add_token=add_token,
            ban=lambda user, until, reason: admin.ban(
                tmp_path, user, Sanction(until, reason), T0
            ),
            unban=lambda user: admin.unban(tmp_path, user),
            revoke=lambda digest: tokens.revoke_token(tmp_path, ids[digest]),
        )
    memory = MemoryStore(session_days=30, guest_hold_s=900)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        yield memory

    return Site(opened, memory.add_token, memory.ban, memory.unban, memory.revoke)


@pytest.fixture
async def store(site: Site) -> AsyncIterator[Store]:
    """A store with three accounts and a room that has ann and bob."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        yield store
