"""All kinds of store, as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from chatd.core import drafts as d
from chatd.ids import UserName
from chatd.ports import Store
from tests import postgresql
from tests.store.memory import MemoryStore
from tests.store.support import T0, Site, execute, fill, sqlite


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Each kind of store in turn."""
    if request.param == "memory":
        yield in_memory()
    elif request.param == "sqlite":
        yield on_disk(lambda: sqlite(tmp_path), lambda draft: execute(tmp_path, draft))
    else:
        with postgresql.server().database() as url:
            yield on_disk(
                lambda: postgresql.store_at(url),
                lambda draft: postgresql.execute(url, draft),
            )


def on_disk(
    opened: Callable[[], AbstractAsyncContextManager[Store]],
    execute: Callable[[d.Draft], list[d.Outcome]],
) -> Site:
    """A site of a store that executes the operator's drafts beside it."""
    ids: dict[bytes, int] = {}

    def add_token(
        user: UserName, digest: bytes, expires: int | None, scope: str | None
    ) -> None:
        draft = d.AddToken(user, digest, "test", scope, T0, expires)
        (outcome,) = execute(draft)
        assert isinstance(outcome, d.Issued), outcome
        ids[digest] = outcome.number

    return Site(
        opened,
        add_token,
        ban=lambda user, until, reason: execute(d.BanUser(user, until, reason, T0)),
        unban=lambda user: execute(d.UnbanUser(user)),
        revoke=lambda digest: execute(d.RevokeToken(ids[digest])),
    )


def in_memory() -> Site:
    """A site of the model."""
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
