"""Opening the store on PostgreSQL for one node of several."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from chatd.core.query import SEARCH_S
from chatd.store.postgres.cluster.node import LEASE_S, Node
from chatd.store.postgres.cluster.store import SharedPostgresStore
from chatd.store.postgres.cluster.writer import SharedWriter
from chatd.store.postgres.opening import WRITES, connected, in_words, reading
from chatd.store.postgres.serving import begin_shared
from chatd.store.sqlite.opening import beside
from chatd.wire.events import DAY_MS, HOUR_MS

IDLE_S = 2
"""How long a node may stop in the middle of a batch, whose rooms wait meanwhile."""


@asynccontextmanager
async def open_shared_store(
    url: str,
    *,
    name: str,
    cid_keep_d: float,
    session_days: float,
    guest_hold_s: float,
    guest_ban_h: float = 24,
    search_s: float = SEARCH_S,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> AsyncIterator[SharedPostgresStore]:
    """Open the store as one of the nodes that share it; else as `open_store`.

    Args:
        url: Where the database is, as PostgreSQL's own tools take it.
        name: What people call this node.
        cid_keep_d: How long cids are remembered, in days.
        session_days: How long an idle session of an account lasts, in days.
        guest_hold_s: How long a guest's lasts, in seconds.
        guest_ban_h: How long a ban of a guest holds for the address, in hours.
        search_s: How long a search may take, in seconds.
        random_bytes: Where new epochs and the store's id come from.

    Raises:
        StoreRefused: The database is not what it should be.
        StoreUnavailable: The server does not answer, or lets nobody in; or a chatd
            that is none of several serves the database.

    Cancellation: closing is shielded.
    """
    async with AsyncExitStack() as stack:
        with in_words(url):
            idle = {"idle_in_transaction_session_timeout": f"{IDLE_S * 1000}"}
            db = await connected(stack, url, WRITES | idle)
            serving = await db.run(begin_shared, db.db, random_bytes)
            beating = WRITES | {"statement_timeout": f"{LEASE_S * 1000}"}
            node_db = await connected(stack, url, beating)
            node = await node_db.run(Node.join, node_db.db, name, serving.process)
        searcher, readers = reading(stack, url, search_s)
        writer = SharedWriter(
            db.db,
            serving,
            round(cid_keep_d * DAY_MS),
            round(guest_ban_h * HOUR_MS),
            node=node,
        )
        store = SharedPostgresStore(
            readers=readers,
            writer=writer,
            session_ms=round(session_days * DAY_MS),
            guest_ms=round(guest_hold_s * 1000),
            serves=True,
            search_s=search_s,
            db=db,
            searcher=searcher,
            node=node,
            node_db=node_db,
        )
        stack.push_async_callback(store.leave)
        async with beside(store.tend):
            yield store
