"""Both kinds of store, as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatd.ports import Store
from chatd.store import MemoryStore, admin
from tests.store.support import T0, Site, fill, sqlite


@pytest.fixture(params=["memory", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Each kind of store in turn."""
    if request.param == "sqlite":
        return Site(
            opened=lambda: sqlite(tmp_path),
            add_token=lambda user, digest, expires, scope: admin.add_token(
                tmp_path, user, digest, expires, T0, name="test", scope=scope
            ),
        )
    memory = MemoryStore(session_days=30, guest_hold_s=900)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        yield memory

    return Site(opened, memory.add_token)


@pytest.fixture
async def store(site: Site) -> AsyncIterator[Store]:
    """A store with three accounts and a room that has ann and bob."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        yield store
