"""The store on PostgreSQL for one node of several, for Trio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs
import trio

from chatd.core.cluster.commits import Commit
from chatd.core.drafts import Draft
from chatd.core.drafts.basis import Basis
from chatd.core.rows import RoomRow
from chatd.errors import StoreFailed, StoreUnavailable
from chatd.ids import NodeId, RoomName, SessionId, UserName
from chatd.observe import log
from chatd.ports.cluster import Landed, NodeSeen
from chatd.store.postgres.cluster.node import Node
from chatd.store.postgres.cluster.writer import SharedWriter
from chatd.store.postgres.connection import AsyncConnection
from chatd.store.postgres.store import PostgresStore
from chatd.store.sqlite import resident
from chatd.store.sqlite.sql import select, snapshot
from chatd.wire.events import Millis

ORPHANS_MAX = 500
"""Sessions that are ended at once."""

_RIGHTS = "SELECT name, rights FROM room WHERE name = ANY($1)"
_ORPHANS = """
SELECT s.id, u.name FROM guest g JOIN "user" u ON u.id = g.user_id
JOIN session s ON s.user_id = u.id
WHERE s.node IS NULL AND s.idle_since < $1 ORDER BY s.idle_since LIMIT $2"""


def rooms(db: Any, names: Sequence[RoomName]) -> list[RoomRow]:
    """Read rooms, as one node alone does, and the last event that changed rights."""
    with snapshot(db):
        rows = resident.read_rooms(db, names)
        found = dict(select(db, _RIGHTS, ([row.room for row in rows],)))
    return [attrs.evolve(row, rights=found[row.room]) for row in rows]


@attrs.define(eq=False)
class SharedPostgresStore(PostgresStore):
    """`chatd.ports.cluster.SharedStore`. Made by `open_shared_store`."""

    LOAD: ClassVar[Callable[..., list[RoomRow]]] = staticmethod(rooms)

    _writer: SharedWriter
    _node: Node = attrs.field(kw_only=True)
    _node_db: AsyncConnection = attrs.field(kw_only=True)
    """The node's."""

    @property
    def node(self) -> NodeId:
        """Which this one is."""
        return self._node.id

    @property
    def home(self) -> str:
        """What the database is: the same for all nodes over it, and of no other."""
        return self._writer.serving.home

    @property
    def leads(self) -> bool:
        """Whether this is the node that tends the store."""
        return self._node.leads

    def wall(self) -> Millis:
        """What time it is for all nodes; see the port."""
        return self._node.wall()

    async def commit_shared(
        self,
        drafts: Sequence[Draft],
        bases: Sequence[Basis | None],
        now: Millis,
        certain: Millis,
    ) -> Landed:
        """As `commit`, and with what the others have to hear; see the port.

        Cancellation: shielded; the outcome is always learned.
        """
        commit = self._writer.commit_shared
        batch = await self._commit(commit, drafts, now, certain, bases)
        return Landed(batch.outcomes, batch.stamp, batch.groups)

    async def orphans(self, idle_before: Millis) -> list[tuple[SessionId, UserName]]:
        """Find sessions of guests who have gone; see the port. Cancellation: safe."""
        return await self._readers.page(_orphans, idle_before)

    # --- one of several ---------------------------------------------------------

    async def catch_up(self) -> list[Commit]:
        """Read what other nodes have committed; see the port.

        Cancellation: safe; what was read is read again.
        """
        return await self._node_db.run(self._node.catch_up)

    def heard(self, node: NodeId, horizon: int) -> None:
        """All that a node had committed below a horizon is known; see the port."""
        self._node.heard(node, horizon)

    async def beat(self, facts: bytes) -> tuple[list[NodeSeen], int]:
        """Say that this node is there; see the port. Cancellation: safe."""
        process = self._writer.serving.process
        beat = self._node_db.run, self._node.beat, facts, process
        seen: tuple[list[NodeSeen], int] = await self._run(*beat)
        if self.leads:
            # Others may have written while nobody did here.
            self._untended.set()
        return seen

    async def leave(self) -> None:
        """Be none of the nodes any more; one that cannot say so is given up.

        Cancellation: shielded.
        """
        with trio.CancelScope(shield=True):
            try:
                await self._node_db.run(self._node.leave)
            except (StoreUnavailable, StoreFailed) as error:
                log().warning("node_not_left", error=str(error))


def _orphans(db: Any, idle_before: Millis) -> list[tuple[SessionId, UserName]]:
    return select(db, _ORPHANS, (idle_before, ORPHANS_MAX))
