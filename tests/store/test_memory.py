"""What the twin does beyond the contract: faults on demand."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from chatd.errors import StoreFailed, StoreUnavailable
from tests.store.memory import MemoryStore
from tests.store.support import T0, fill, page, say, seqs


async def test_commits_fail_until_told_otherwise() -> None:
    """A failing commit stores nothing; reads go on; the next seq follows."""
    store = MemoryStore()
    await fill(store)
    for error in (StoreUnavailable("full"), StoreFailed("gone")):
        store.set_failing(error)
        with pytest.raises(type(error)):
            await store.commit([say("a", "c")], T0)
        assert await page(store) == []
    store.set_failing(None)
    assert seqs(await store.commit([say("a", "c")], T0)) == [1]


async def test_commits_stall_until_told_otherwise() -> None:
    """A stalled commit waits, cancelled or not, and then stores."""
    store = MemoryStore()
    await fill(store)
    store.set_stalled(True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.commit, [say("a")], T0)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.testing.wait_all_tasks_blocked()
            assert await page(store) == []
            store.set_stalled(False)
    assert len(await page(store)) == 1
